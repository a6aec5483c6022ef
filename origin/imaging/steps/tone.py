"""Tone: one table for every band."""

from __future__ import annotations

import math
from collections.abc import Callable

import pyvips

from origin.imaging.colour import VipsImage, join, split
from origin.imaging.steps.registry import step
from urlspec import arguments as a


@step(a.Brightness)
def brightness(image: VipsImage, op: a.Brightness) -> VipsImage:
    return _toned(image, lambda value: value + op.amount / 100)


@step(a.Contrast)
def contrast(image: VipsImage, op: a.Contrast) -> VipsImage:
    """-100 is plain grey, 100 black and white; a straight line through middle grey between them."""
    slope = math.tan((op.amount / 100 + 1) * math.pi / 4) if op.amount < 100 else 1e6
    return _toned(image, lambda value: (value - 0.5) * slope + 0.5)


@step(a.Gamma)
def gamma(image: VipsImage, op: a.Gamma) -> VipsImage:
    return _toned(image, lambda value: value ** (1 / op.exponent))


@step(a.Negate)
def negate(image: VipsImage, op: a.Negate) -> VipsImage:  # noqa: ARG001
    return _toned(image, lambda value: 1 - value)


def _toned(image: VipsImage, curve: Callable[[float], float]) -> VipsImage:
    values = (round(255 * min(max(curve(value / 255), 0), 1)) for value in range(256))
    table = pyvips.Image.new_from_memory(bytes(values), 256, 1, 1, "uchar")
    colour, alpha = split(image)
    return join(colour.maplut(table).copy(interpretation=colour.interpretation), alpha)
