"""What depends on the place of a pixel: darker corners, a growing colour, a fading edge."""

from __future__ import annotations

from typing import Final

import pyvips

from origin.imaging import planes
from origin.imaging.colour import VipsImage, join, split, to_colour, with_alpha
from origin.imaging.geometry import Size
from origin.imaging.steps.registry import step
from origin.imaging.steps.tone import Curve
from urlspec import arguments as a

_CLEAR: Final = 0.35
"""How far from the middle a vignette sets in, as part of the way to a corner."""


@step(a.Vignette)
def vignette(image: VipsImage, op: a.Vignette) -> VipsImage:
    colour, alpha = split(image)
    light = _looked_up(
        planes.from_middle(_size(image)),
        lambda way: 1 - op.amount / 100 * _smooth((way - _CLEAR) / (1 - _CLEAR)),
    )
    return join((colour * light).rint().cast("uchar").copy(interpretation=colour.interpretation), alpha)


@step(a.GradientOverlay)
def gradient(image: VipsImage, op: a.GradientOverlay) -> VipsImage:
    colour, alpha = split(to_colour(image))
    start, most = op.start / 100, op.amount / 100 * op.colour.alpha / 255
    share = _looked_up(
        planes.along(_size(image), op.direction),
        lambda way: most * _smooth((way - start) / (1 - start)),
    )
    ink = [op.colour.red, op.colour.green, op.colour.blue]
    mixed = colour + (colour * -1 + ink) * share
    return join(mixed.rint().cast("uchar").copy(interpretation="srgb"), alpha)


@step(a.Fade)
def fade(image: VipsImage, op: a.Fade) -> VipsImage:
    colour, alpha = split(with_alpha(image))
    part = op.part / 100
    seen = _looked_up(
        planes.along(_size(image), op.direction), lambda way: 1 - _smooth((way - 1 + part) / part)
    )
    return join(colour, (alpha * seen).rint().cast("uchar")).copy(interpretation=image.interpretation)


def _smooth(part: float) -> float:
    part = min(max(part, 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _looked_up(way: VipsImage, curve: Curve) -> VipsImage:
    """A curve over 0 to 1, from a table fine enough that no band is seen."""
    table = pyvips.Image.new_from_array([[curve(index / 4095) for index in range(4096)]]).cast("float")
    return (way * 4095).rint().cast("ushort").maplut(table)


def _size(image: VipsImage) -> Size:
    return Size(image.width, image.height)
