"""What depends on the place of a pixel: darker corners, a growing colour, a fading edge."""

from __future__ import annotations

from typing import Final

from origin.imaging import planes
from origin.imaging.colour import VipsImage, join, split, to_colour
from origin.imaging.geometry import Size
from origin.imaging.steps.registry import step
from urlspec import arguments as a

_CLEAR: Final = 0.35
"""How far from the middle a vignette sets in, as part of the way to a corner."""


@step(a.Vignette)
def vignette(image: VipsImage, op: a.Vignette) -> VipsImage:
    colour, alpha = split(image)
    table = planes.curve(lambda way: 1 - op.amount / 100 * _smooth((way - _CLEAR) / (1 - _CLEAR)))
    light = planes.looked_up(planes.from_middle(_size(image)), table)
    return join((colour * light).rint().cast("uchar").copy(interpretation=colour.interpretation), alpha)


@step(a.GradientOverlay)
def gradient(image: VipsImage, op: a.GradientOverlay) -> VipsImage:
    colour, alpha = split(to_colour(image))
    start, most = op.start / 100, op.amount / 100 * op.colour.alpha / 255
    table = planes.curve(lambda way: most * _smooth((way - start) / (1 - start)))
    share = planes.along(_size(image), op.direction, table)
    ink = [op.colour.red, op.colour.green, op.colour.blue]
    mixed = colour + (colour * -1 + ink) * share
    return join(mixed.rint().cast("uchar").copy(interpretation="srgb"), alpha)


@step(a.Fade)
def fade(image: VipsImage, op: a.Fade) -> VipsImage:
    colour, alpha = split(image)
    part = op.part / 100
    table = planes.curve(lambda way: 255 * (1 - _smooth((way - 1 + part) / part)))
    seen = planes.along(_size(image), op.direction, table.rint().cast("uchar"))
    if alpha is not None:
        seen = (alpha * seen / 255).rint().cast("uchar")
    return join(colour, seen).copy(interpretation=image.interpretation)


def _smooth(part: float) -> float:
    part = min(max(part, 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _size(image: VipsImage) -> Size:
    return Size(image.width, image.height)
