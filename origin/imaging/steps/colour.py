"""Colour: one matrix, or one table of lightness, for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage, join, split, to_colour
from origin.imaging.steps.registry import step
from origin.imaging.steps.tone import toned
from urlspec import arguments as a
from urlspec.values import BLACK, WHITE, Colour

Matrix = Sequence[Sequence[float]]

_GREY: Final = (0.2126, 0.7152, 0.0722)
_SEPIA: Final = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
"""The matrix that CSS filters use."""

_SIMULATED: Final[dict[str, Matrix]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "achromatopsia": (_GREY, _GREY, _GREY),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, for linear light."""

_ANOMALY: Final = 0.6
"""The part of the loss that an …anomaly is shown with."""

_MOVED: Final[dict[str, Matrix]] = {
    "protanopia": ((0, 0, 0), (0.7, 1, 0), (0.7, 0, 1)),
    "deuteranopia": ((1, 0.7, 0), (0, 0, 0), (0, 0.7, 1)),
    "tritanopia": ((1, 0, 0.7), (0, 1, 0.7), (0, 0, 0)),
}
"""Where what is lost goes: to the colours that are seen."""


@step(a.Saturation)
def saturation(image: VipsImage, op: a.Saturation) -> VipsImage:
    return saturated(image, op.amount / 100)


def saturated(image: VipsImage, part: float) -> VipsImage:
    """``part`` more colour; -1 takes all away."""
    return _mixed(image, _blended([_GREY] * 3, -part))


@step(a.Sepia)
def sepia(image: VipsImage, op: a.Sepia) -> VipsImage:
    return _mixed(to_colour(image), _blended(_SEPIA, op.amount / 100))


def _blended(matrix: Matrix, part: float) -> list[list[float]]:
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


@step(a.Tint)
def tint(image: VipsImage, op: a.Tint) -> VipsImage:
    part = op.amount / 100 * op.colour.alpha / 255
    goals = [value / 255 for value in _values(op.colour)]
    return toned(
        to_colour(image), *(lambda value, goal=goal: value + part * (goal - value) for goal in goals)
    )


@step(a.Monochrome)
def monochrome(image: VipsImage, op: a.Monochrome) -> VipsImage:
    """Every pixel keeps its lightness: the colour stands where the scale is as light as it is."""
    own = sum(weight * value for weight, value in zip(_GREY, _values(op.colour), strict=True)) / 255
    return _graded(image, ((0.0, BLACK), (own, op.colour), (1.0, WHITE)), op.amount / 100)


@step(a.Duotone)
def duotone(image: VipsImage, op: a.Duotone) -> VipsImage:
    return _graded(image, ((0.0, op.dark), (1.0, op.light)), op.amount / 100)


def _graded(image: VipsImage, stops: Sequence[tuple[float, Colour]], part: float) -> VipsImage:
    """Lightness looked up on a scale of colours."""
    colour, alpha = split(image)
    scale = bytes(value for grey in range(256) for value in _on_scale(grey / 255, stops))
    lookup = pyvips.Image.new_from_memory(scale, 256, 1, 3, "uchar")
    graded = colour.colourspace("b-w").maplut(lookup).copy(interpretation="srgb")
    if part < 1:
        graded = (to_colour(colour) * (1 - part) + graded * part).rint().cast("uchar")
    return join(graded.copy(interpretation="srgb"), alpha)


def _on_scale(place: float, stops: Sequence[tuple[float, Colour]]) -> list[int]:
    for (start, one), (end, other) in pairwise(stops):
        if place <= end and end > start:
            part = max(0.0, (place - start) / (end - start))
            pairs = zip(_values(one), _values(other), strict=True)
            return [round(low + part * (high - low)) for low, high in pairs]
    return _values(stops[-1][1])


def _values(colour: Colour) -> list[int]:
    return [colour.red, colour.green, colour.blue]


@step(a.Colorblind)
def colorblind(image: VipsImage, op: a.Colorblind) -> VipsImage:
    anomaly = op.deficiency.endswith("anomaly")
    matrix = _SIMULATED[op.deficiency.replace("anomaly", "anopia")]
    return _in_linear_light(image, _blended(matrix, _ANOMALY if anomaly else 1.0))


@step(a.ColorblindAssist)
def colorblind_assist(image: VipsImage, op: a.ColorblindAssist) -> VipsImage:
    """What the eye loses is the difference to the simulation; it is added to the colours that are left."""
    lost = _blended(_SIMULATED[op.deficiency], -1.0)  # 2 - simulated; what is kept once is taken off again
    lost = [[weight - (row == column) for column, weight in enumerate(line)] for row, line in enumerate(lost)]
    moved = _MOVED[op.deficiency]
    shifted = [
        [
            sum(moved[row][inner] * lost[inner][column] for inner in range(3)) + (row == column)
            for column in range(3)
        ]
        for row in range(3)
    ]
    return _in_linear_light(image, shifted)


def _in_linear_light(image: VipsImage, matrix: list[list[float]]) -> VipsImage:
    if image.interpretation == "b-w":
        return image
    colour, alpha = split(image)
    mixed = colour.colourspace("scrgb").recomb(matrix).copy(interpretation="scrgb")
    return join(mixed.colourspace("srgb"), alpha)
