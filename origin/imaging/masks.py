"""Outlines to cut a picture to: the largest of their kind that fits, in its middle, antialiased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.geometry import Size

Point = tuple[float, float]

_POLYGONS: Final = {"triangle": 3, "diamond": 4, "pentagon": 5, "hexagon": 6, "octagon": 8}
_HEART: Final = 1 / 2 + 1 / math.sqrt(2)
"""Half the width of a heart whose lower half is a square with a half diagonal of 1."""


def mask(size: Size, shape: str) -> VipsImage:
    """255 inside, 0 outside. Every shape is its own mirror image, so half of it is drawn."""
    match shape:
        case "circle":
            drawn = _circle(size)
        case "heart":
            drawn = _heart(size)
        case _:
            drawn = _cornered(size, shape)
    half = drawn.copy_memory()
    other = half.fliphor()
    other = other.crop(1, 0, half.width - 1, half.height) if size.width % 2 and half.width > 1 else other
    return half.join(other, "horizontal") if size.width > 1 else half


def _covered(distance: VipsImage) -> VipsImage:
    """From pixels on the inner side of a line to opacity: a pixel is covered as its middle is far inside."""
    return (distance * 255 + 127.5).rint().cast("uchar")


def _cornered(size: Size, shape: str) -> VipsImage:
    """Inside of a polygon is who is inside of all its lines; of a star, of all but one."""
    star = shape == "star"
    count = 5 if star else _POLYGONS[shape]
    flat = math.pi / count if shape == "octagon" else 0.0  # lies on a side, others stand on a corner
    turns = [flat + 2 * math.pi * index / count for index in range(count)]
    points = [(math.sin(turn), -math.cos(turn)) for turn in turns]
    frame = _Frame(size, *_bounds(points))
    lines = [_line(points[index], points[(index + 1 + star) % count]) for index in range(count)]
    starts = [frame.scale * (a * frame.left + b * frame.top + rest) for a, b, rest in lines]
    inside = frame.pixels().recomb([[a, b] for a, b, _ in lines]) + starts
    first, *others = _covered(inside).bandsplit()
    return first.bandrank(others, index=1 if star else 0)


def _line(start: Point, end: Point) -> tuple[float, float, float]:
    """How far a point lies on the inner side of a line, clockwise: weights of x and y, and the rest."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    normal = (-down / length, across / length)
    return (*normal, -(normal[0] * start[0] + normal[1] * start[1]))


def _circle(size: Size) -> VipsImage:
    frame = _Frame(size, (-1, -1), (1, 1))
    return _covered(_disc(frame.place(), (0, 0), 1.0) * frame.scale)


def _heart(size: Size) -> VipsImage:
    frame = _Frame(size, (-_HEART, -_HEART), (_HEART, 1.0))
    place = frame.place()
    x, y = place[0].abs(), place[1]
    square = (x + y.abs() - 1) * (-1 / math.sqrt(2))
    disc = _disc(x.bandjoin(y), (0.5, -0.5), 1 / math.sqrt(2))  # one for both: left is as right
    return _covered((square > disc).ifthenelse(square, disc) * frame.scale)


def _disc(place: VipsImage, centre: Point, radius: float) -> VipsImage:
    away = place - list(centre)
    return ((away * away).recomb([[1, 1]]) ** 0.5) * -1 + radius


def _bounds(points: Sequence[Point]) -> tuple[Point, Point]:
    across, down = [x for x, _ in points], [y for _, y in points]
    return (min(across), min(down)), (max(across), max(down))


class _Frame:
    """A shape's own numbers, from ``low`` to ``high``, laid over the left half of a picture."""

    def __init__(self, size: Size, low: Point, high: Point) -> None:
        self.size = size
        self.scale = min(size.width / (high[0] - low[0]), size.height / (high[1] - low[1]))
        """Pixels a unit."""
        self.left = (low[0] + high[0]) / 2 - (size.width - 1) / 2 / self.scale
        self.top = (low[1] + high[1]) / 2 - (size.height - 1) / 2 / self.scale

    def pixels(self) -> VipsImage:
        return pyvips.Image.xyz((self.size.width + 1) // 2, self.size.height)

    def place(self) -> VipsImage:
        """Where every pixel's middle lies: two bands."""
        return self.pixels() / self.scale + [self.left, self.top]
