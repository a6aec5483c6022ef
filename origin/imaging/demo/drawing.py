"""What the demo pictures are drawn with.

Places are floats, colours are 0 to 255 sRGB as floats until ``eight_bit``, coverage and shares are 0 to 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

VipsImage = Any
"""A ``pyvips.Image``: the library has no types. It is imported where it draws: the examples do without."""

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""
Grid = tuple[VipsImage, VipsImage]
"""The x and the y of every pixel."""
Stops = Sequence[tuple[float, Colour]]
"""A gradient: rising places, and the colour at each."""


def grid(width: int, height: int) -> Grid:
    """Every pixel's own x, and its y."""
    import pyvips

    places = pyvips.Image.xyz(width, height).cast("float")
    return places[0].copy_memory(), places[1].copy_memory()


def row(values: Iterable[float]) -> VipsImage:
    """A picture of one row."""
    import pyvips

    # Not new_from_memory: ``copy_memory`` forgets that such a picture borrows its pixels from Python.
    return pyvips.Image.new_from_array([list(values)]).cast("float").copy_memory()


def rows(row: VipsImage, like: VipsImage) -> VipsImage:
    """The row on every row of a picture as high as another."""
    return row.replicate(1, like.height)


def columns(row: VipsImage, width: int) -> VipsImage:
    """The row, from top to bottom, in every column."""
    return row.rot90().replicate(width, 1)


def noise(width: int, height: int, cell: int, octaves: int, seed: int) -> VipsImage:
    """Fractal noise around 0, mostly within ±0.5: each octave half as wide and half as strong."""
    import pyvips

    layers = [
        pyvips.Image.perlin(width, height, cell_size=max(cell >> octave, 2), seed=seed + octave) * 0.5**octave
        for octave in range(octaves)
    ]
    return pyvips.Image.sum(layers)


def profile(width: int, seed: int) -> VipsImage:
    """One row of ridged noise, 0 to about 1 with sharp tops: a skyline."""
    cell, strength, total = 420, 1.0, row([0.0] * width)
    while cell > 3:
        line = noise(width, cell, cell, 1, seed + cell).crop(0, cell // 2, width, 1)
        total = total + (line.abs() * -2 + 0.5) * strength
        cell, strength = cell // 2, strength * 0.5
    return total


def _grain(width: int, height: int, seed: int) -> VipsImage:
    import pyvips

    return pyvips.Image.gaussnoise(width, height, mean=0, sigma=1, seed=seed)


def starlight(width: int, height: int, seed: int, rarity: float) -> VipsImage:
    """Light to add where noise is stronger than ``rarity`` times its usual strength."""
    return ((_grain(width, height, seed) - rarity).clamp() * 1500).gaussblur(0.8).clamp(max=255)


def gradient(stops: Stops, width: int, height: int, step: int = 1) -> VipsImage:
    """Colours from top to bottom, ``step`` places of the gradient in each row."""
    bands = [row(_between(stops, y * step, band) for y in range(height)) for band in range(3)]
    return columns(bands[0].bandjoin(bands[1:]), width)


def _between(stops: Stops, place: float, band: int) -> float:
    for (start, one), (end, other) in itertools.pairwise(stops):
        if place <= end:
            share = min(max((place - start) / (end - start), 0.0), 1.0)
            return one[band] + (other[band] - one[band]) * share
    return float(stops[-1][1][band])


def look_up(stops: Stops, place: VipsImage) -> VipsImage:
    """The gradient's colour for every pixel of ``place``, from 0 to 1."""
    steps = 4096
    table = gradient([(at * steps, colour) for at, colour in stops], 1, steps)
    return (place * steps).clamp(min=0, max=steps - 1).cast("ushort").maplut(table)


def plain(colour: Colour, width: int, height: int) -> VipsImage:
    import pyvips

    return (pyvips.Image.black(width, height) + list(colour)).cast("float")


def length(x: VipsImage, y: VipsImage) -> VipsImage:
    return (x * x + y * y) ** 0.5


def inside(distance: VipsImage) -> VipsImage:
    """Coverage by a shape: ``distance`` is how many pixels a pixel lies within its edge."""
    return (distance + 0.5).clamp()


def mix(below: VipsImage | Colour, above: VipsImage | Colour, share: VipsImage) -> VipsImage:
    """``above`` over ``below``; ``share`` of it is 0 to 1."""
    share = share.copy_memory()  # libvips would work out twice what is read twice
    return times(below, share * -1 + 1) + times(above, share)


def screen(below: VipsImage, light: Colour, strength: VipsImage) -> VipsImage:
    """Light added so that nothing burns out."""
    added = times(light, strength / 255).copy_memory()
    return below * (added * -1 + 1) + added * 255


def times(colour: VipsImage | Colour, share: VipsImage) -> VipsImage:
    return share * list(colour) if isinstance(colour, tuple) else colour * share


def finish(picture: VipsImage) -> VipsImage:
    """8-bit sRGB, with the grain that hides the steps of gradients."""
    side = 256
    grain = _grain(side, side, 1).copy_memory() * 0.8
    grain = grain.replicate(-(-picture.width // side), -(-picture.height // side))
    grain = grain.crop(0, 0, picture.width, picture.height)
    return eight_bit(picture + grain)


def eight_bit(picture: VipsImage) -> VipsImage:
    """A cast takes what lies below 0 or above 255 as the one or the other."""
    return picture.rint().cast("uchar").copy(interpretation="srgb")
