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
    """255 inside, 0 outside."""
    if shape == "circle":
        inside = _disc(_place(size, (-1, -1), (1, 1)), (0, 0), 1.0)
        scale = _scale(size, (-1, -1), (1, 1))
    elif shape == "heart":
        inside, scale = _heart(size)
    else:
        inside, scale = _cornered(size, shape)
    coverage = (inside * scale + 0.5) * 255
    return coverage.rint().cast("uchar")


def _cornered(size: Size, shape: str) -> tuple[VipsImage, float]:
    """Inside of a polygon is who is inside of all its lines; of a star, of all but one."""
    star = shape == "star"
    count = 5 if star else _POLYGONS[shape]
    flat = math.pi / count if shape == "octagon" else 0.0  # lies on a side, others stand on a corner
    turns = [flat + 2 * math.pi * index / count for index in range(count)]
    points = [(math.sin(turn), -math.cos(turn)) for turn in turns]
    low, high = _bounds(points)
    lines = [_line(points[index], points[(index + 1 + star) % count]) for index in range(count)]
    place = _place(size, low, high)
    inside = place.recomb([[across, down] for across, down, _ in lines]) + [start for _, _, start in lines]
    first, *others = inside.bandsplit()
    return first.bandrank(others, index=1 if star else 0), _scale(size, low, high)


def _line(start: Point, end: Point) -> tuple[float, float, float]:
    """How far a point lies on the inner side of a line, clockwise: weights of x and y, and the rest."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    normal = (-down / length, across / length)
    return (*normal, -(normal[0] * start[0] + normal[1] * start[1]))


def _heart(size: Size) -> tuple[VipsImage, float]:
    low, high = (-_HEART, -_HEART), (_HEART, 1.0)
    place = _place(size, low, high)
    x, y = place[0].abs(), place[1]
    square = (x + y.abs() - 1) * (-1 / math.sqrt(2))
    disc = _disc(x.bandjoin(y), (0.5, -0.5), 1 / math.sqrt(2))  # one for both: left is as right
    return (square > disc).ifthenelse(square, disc), _scale(size, low, high)


def _disc(place: VipsImage, centre: Point, radius: float) -> VipsImage:
    away = place - list(centre)
    return ((away * away).recomb([[1, 1]]) ** 0.5) * -1 + radius


def _bounds(points: Sequence[Point]) -> tuple[Point, Point]:
    across, down = [x for x, _ in points], [y for _, y in points]
    return (min(across), min(down)), (max(across), max(down))


def _scale(size: Size, low: Point, high: Point) -> float:
    """Pixels a unit of the shape's own numbers."""
    return min(size.width / (high[0] - low[0]), size.height / (high[1] - low[1]))


def _place(size: Size, low: Point, high: Point) -> VipsImage:
    """Where every pixel's middle lies in the shape's own numbers: two bands."""
    scale = _scale(size, low, high)
    middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
    start = [middle[0] - (size.width - 1) / 2 / scale, middle[1] - (size.height - 1) / 2 / scale]
    return pyvips.Image.xyz(*size) / scale + start
