"""Planes that depend on nothing but the place: gradients, and how far from the middle a pixel lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.geometry import Size
from urlspec.values import Colour

_STEPS: Final = 4096
"""Entries of a gradient's table."""


def along(size: Size, degrees: float) -> VipsImage:
    """0 at the edge or corner where a CSS gradient of this angle begins, 1 where it ends; float, one band."""
    across, down = math.sin(math.radians(degrees)), -math.cos(math.radians(degrees))
    length = abs(size.width * across) + abs(size.height * down)
    if abs(across) < 1e-9:  # every row is of one value
        rows = pyvips.Image.xyz(1, size.height)[1] + 0.5
        return (rows / size.height if down > 0 else rows / -size.height + 1).replicate(size.width, 1)
    if abs(down) < 1e-9:
        columns = pyvips.Image.xyz(size.width, 1)[0] + 0.5
        return (columns / size.width if across > 0 else columns / -size.width + 1).replicate(1, size.height)
    place = pyvips.Image.xyz(size.width, size.height)
    start = 0.5 - ((size.width - 1) / 2 * across + (size.height - 1) / 2 * down) / length
    return place.recomb([[across / length, down / length]]) + start


def from_middle(size: Size) -> VipsImage:
    """0 in the middle, 1 in the corners, equal along ellipses; float, one band."""
    place = pyvips.Image.xyz(size.width, size.height)
    middle = [(size.width - 1) / 2, (size.height - 1) / 2]
    scaled = (place - middle) / [size.width / 2, size.height / 2]
    return (scaled * scaled).recomb([[0.5, 0.5]]) ** 0.5


def gradient(size: Size, colours: Sequence[Colour], degrees: float) -> VipsImage:
    """sRGB, with alpha where a colour has some."""
    deep = any(colour.alpha < 255 for colour in colours)
    rows = [_between(colours, index / (_STEPS - 1)) for index in range(_STEPS)]
    table = bytes(value for row in rows for value in row[: 4 if deep else 3])
    lookup = pyvips.Image.new_from_memory(table, _STEPS, 1, 4 if deep else 3, "uchar")
    place = (along(size, degrees) * (_STEPS - 1)).rint().cast("ushort")
    return place.maplut(lookup).copy(interpretation="srgb")


def _between(colours: Sequence[Colour], part: float) -> tuple[int, int, int, int]:
    """The colour at ``part`` of the way; what is transparent gives no colour to its neighbour, as in CSS."""
    place = part * (len(colours) - 1)
    index = min(int(place), len(colours) - 2)
    one, other, rest = colours[index], colours[index + 1], place - index
    shares = (one.alpha * (1 - rest), other.alpha * rest)
    alpha = sum(shares)
    weights = [share / alpha for share in shares] if alpha else [1 - rest, rest]
    red, green, blue = (
        round(low * weights[0] + high * weights[1])
        for low, high in ((one.red, other.red), (one.green, other.green), (one.blue, other.blue))
    )
    return red, green, blue, round(alpha)


def plain(size: Size, values: Sequence[float]) -> VipsImage:
    """One colour everywhere: as many bands as ``values``, 8 bit."""
    plane = pyvips.Image.black(size.width, size.height, bands=len(values)).linear(1, list(values))
    return plane.cast("uchar").copy(interpretation="srgb" if len(values) > 2 else "b-w")
