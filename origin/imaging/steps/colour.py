"""Colour: one matrix for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from origin.imaging.colour import VipsImage, join, split, to_colour
from origin.imaging.steps.registry import step
from urlspec import arguments as a

_GREY: Final = (0.2126, 0.7152, 0.0722)
_SEPIA: Final = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
"""The matrix that CSS filters use."""


@step(a.Saturation)
def saturation(image: VipsImage, op: a.Saturation) -> VipsImage:
    return _mixed(image, _blended([_GREY] * 3, -op.amount / 100))


@step(a.Sepia)
def sepia(image: VipsImage, op: a.Sepia) -> VipsImage:
    return _mixed(to_colour(image), _blended(_SEPIA, op.amount / 100))


def _blended(matrix: Sequence[Sequence[float]], part: float) -> list[list[float]]:
    """``part`` of a matrix, the rest of the one that changes nothing."""
    return [
        [part * weight + (1 - part if row == column else 0) for column, weight in enumerate(weights)]
        for row, weights in enumerate(matrix)
    ]


def _mixed(image: VipsImage, matrix: list[list[float]]) -> VipsImage:
    if image.interpretation == "b-w":
        return image  # grey has no colour to change
    colour, alpha = split(image)
    return join(colour.recomb(matrix).rint().cast("uchar").copy(interpretation="srgb"), alpha)


@step(a.Hue)
def hue(image: VipsImage, op: a.Hue) -> VipsImage:
    """Turned in CIE LCh, so lightness stays."""
    if image.interpretation == "b-w":
        return image
    colour, alpha = split(image)
    turned = colour.colourspace("lch").linear(1, [0, 0, op.degrees]).copy(interpretation="lch")
    wrapped = turned.extract_band(0, n=2).bandjoin(turned.extract_band(2) % 360)
    return join(wrapped.copy(interpretation="lch").colourspace("srgb"), alpha)


@step(a.Grayscale)
def grayscale(image: VipsImage, op: a.Grayscale) -> VipsImage:  # noqa: ARG001
    return image.colourspace("b-w")
