"""Planes that depend on nothing but the place: gradients, and how far from the middle a pixel lies."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.geometry import Size
from urlspec.values import Colour

_STEPS: Final = 4096
"""Entries of a table."""


def along(size: Size, degrees: float, table: VipsImage) -> VipsImage:
    """``table`` over the way of a CSS gradient: from its first entry to its last."""
    across, down = math.sin(math.radians(degrees)), -math.cos(math.radians(degrees))
    if abs(across) < 1e-9:  # every row is of one value
        return _along(Size(1, size.height), 0.0, down, table).replicate(size.width, 1)
    if abs(down) < 1e-9:
        return _along(Size(size.width, 1), across, 0.0, table).replicate(1, size.height)
    return _along(size, across, down, table)


def _along(size: Size, across: float, down: float, table: VipsImage) -> VipsImage:
    length = abs(size.width * across) + abs(size.height * down)
    start = 0.5 - ((size.width - 1) / 2 * across + (size.height - 1) / 2 * down) / length
    way = pyvips.Image.xyz(*size).recomb([[across / length, down / length]]) + start
    return looked_up(way, table)


def looked_up(way: VipsImage, table: VipsImage) -> VipsImage:
    """``table`` over 0 to 1."""
    return (way * (table.width - 1)).rint().cast("ushort").maplut(table)


def curve(function: Callable[[float], float]) -> VipsImage:
    """The table of a function over 0 to 1, fine enough that no band is seen."""
    values = array("f", (function(index / (_STEPS - 1)) for index in range(_STEPS)))
    return pyvips.Image.new_from_memory(values.tobytes(), _STEPS, 1, 1, "float")


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
    return along(size, degrees, lookup).copy(interpretation="srgb")


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
    pixel = pyvips.Image.black(1, 1, bands=len(values)).linear(1, list(values)).cast("uchar")
    plane = pixel.embed(0, 0, size.width, size.height, extend="copy")
    return plane.copy(interpretation="srgb" if len(values) > 2 else "b-w")
