"""Colour and detail: one small function per effect, from pixels to pixels.

Every step takes a picture in memory, 8-bit sRGB or grey with or without alpha, and its argument with all
lengths in pixels of that picture. Alpha is left as it is, unless the step moves pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import pyvips

from origin.imaging.colour import VipsImage, join, premultiplied, split, to_colour
from urlspec import arguments as a
from urlspec.declare import Argument

A = TypeVar("A", bound=Argument)
Step = Callable[[VipsImage, Any], VipsImage]

STEPS: Final[dict[type[Argument], Step]] = {}


def step(kind: type[A]) -> Callable[[Callable[[VipsImage, A], VipsImage]], Step]:
    """Register the function that does what the declaration ``kind`` says."""

    def register(function: Callable[[VipsImage, A], VipsImage]) -> Step:
        STEPS[kind] = function
        return function

    return register


# Tone: one table for every band ------------------------------------------------------------------------


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


# Colour: one matrix for every pixel --------------------------------------------------------------------

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


# Detail ------------------------------------------------------------------------------------------------

_LARGE_BLUR: Final = 8.0
_TAIL: Final = 0.02
"""Where the bell curve is cut off, as part of its height; libvips' own 0.2 makes it visibly narrower."""


@step(a.Blur)
def blur(image: VipsImage, op: a.Blur) -> VipsImage:
    return premultiplied(image, lambda pixels: _blurred(pixels, op.sigma))


def _blurred(image: VipsImage, sigma: float) -> VipsImage:
    """A wide blur is done on a smaller picture: the eye cannot tell, and the cost no longer grows."""
    smaller = min(int(sigma / (_LARGE_BLUR / 2)), image.width, image.height)
    if sigma < _LARGE_BLUR or smaller < 2:
        return image.gaussblur(sigma, min_ampl=_TAIL)
    width, height = image.width, image.height
    small = image.resize(
        math.ceil(width / smaller) / width, vscale=math.ceil(height / smaller) / height, kernel="linear"
    ).gaussblur(sigma / smaller, min_ampl=_TAIL)
    return small.resize(width / small.width, vscale=height / small.height, kernel="cubic").crop(
        0, 0, width, height
    )


@step(a.Sharpen)
def sharpen(image: VipsImage, op: a.Sharpen) -> VipsImage:
    """Strength 1 is libvips' usual slope of 3; flat areas are left alone, so noise is not raised."""
    sharp = image.sharpen(sigma=op.sigma, x1=1, m1=0, m2=3 * op.strength)
    return sharp.colourspace("b-w") if image.interpretation == "b-w" else sharp


@step(a.Pixelate)
def pixelate(image: VipsImage, op: a.Pixelate) -> VipsImage:
    """Blocks are counted from the top left; at the right and bottom the last pixels count on."""
    width, height = image.width, image.height
    block = min(op.block, max(width, height))

    def blocks(pixels: VipsImage) -> VipsImage:
        across, down = math.ceil(width / block), math.ceil(height / block)
        whole = pixels.embed(0, 0, across * block, down * block, extend="copy")
        return whole.shrink(block, block).zoom(block, block).crop(0, 0, width, height)

    done = premultiplied(image, blocks)
    return done.cast("uchar") if done.format != "uchar" else done
