"""Tone: one table for every band."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pyvips

from origin.imaging.colour import VipsImage, join, split
from origin.imaging.steps.registry import step
from urlspec import arguments as a

Curve = Callable[[float], float]
"""From 0 to 1 to about 0 to 1."""


@step(a.Brightness)
def brightness(image: VipsImage, op: a.Brightness) -> VipsImage:
    return toned(image, lambda value: value + op.amount / 100)


@step(a.Contrast)
def contrast(image: VipsImage, op: a.Contrast) -> VipsImage:
    """-100 is plain grey, 100 black and white; a straight line through middle grey between them."""
    slope = math.tan((op.amount / 100 + 1) * math.pi / 4) if op.amount < 100 else 1e6
    return toned(image, lambda value: (value - 0.5) * slope + 0.5)


@step(a.Gamma)
def gamma(image: VipsImage, op: a.Gamma) -> VipsImage:
    return toned(image, lambda value: value ** (1 / op.exponent))


@step(a.Negate)
def negate(image: VipsImage, op: a.Negate) -> VipsImage:  # noqa: ARG001
    return toned(image, lambda value: 1 - value)


@step(a.BlackWhite)
def blackwhite(image: VipsImage, op: a.BlackWhite) -> VipsImage:
    return toned(image.colourspace("b-w"), lambda value: float(value >= op.threshold / 100))


def toned(image: VipsImage, *curves: Curve) -> VipsImage:
    """One curve for all colour bands, or one for each."""
    colour, alpha = split(image)
    return join(colour.maplut(table(curves)).copy(interpretation=colour.interpretation), alpha)


def table(curves: Sequence[Curve]) -> VipsImage:
    values = [[round(255 * min(max(curve(value / 255), 0), 1)) for curve in curves] for value in range(256)]
    return pyvips.Image.new_from_memory(
        bytes(one for row in values for one in row), 256, 1, len(curves), "uchar"
    )
