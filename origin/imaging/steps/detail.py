"""Detail: what mixes neighbouring pixels."""

from __future__ import annotations

import functools
import math
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage, join, premultiplied, split
from origin.imaging.steps.registry import step
from urlspec import arguments as a

_LARGE_BLUR: Final = 32.0
"""Below it libvips' own loop over 8-bit pixels is quicker than any detour."""
_FINE: Final = 4.0
"""Standard deviation, in pixels of the smaller picture, with which a wide blur is done."""
_WINDOW: Final = 2.0
"""Standard deviation of the window in which noise is looked for, in pixels."""
_NOISE_PER_STRENGTH: Final = 0.4
"""Standard deviation of the noise that a strength of 1 takes away, in steps of 255."""
_TAIL: Final = 0.02
"""Where the bell curve is cut off, as part of its height; libvips' own 0.2 makes it visibly narrower."""

_LEVELS: Final = [40.0, 90.0, 128.0, 180.0, 220.0, 255.0]
"""Where a blur is tried for evenness; white last."""
_NEARBY, _APART = 6, 0.005
"""How many widths are tried on either side, and how far apart, as part of the width."""


@step(a.Denoise)
def denoise(image: VipsImage, op: a.Denoise) -> VipsImage:
    """A guided filter (He, Sun and Tang): where the neighbourhood varies more than the noise, it is kept.

    Its window is the same for every strength, and so is the cost.
    """
    colour, alpha = split(image)
    noise = (op.strength * _NOISE_PER_STRENGTH) ** 2
    values = colour.cast("float")
    mean = _window(values)
    spread = _window(values * values) - mean * mean
    spread = (spread < 0).ifthenelse(0, spread)
    kept = spread / (spread + noise)
    base = mean - kept * mean
    calm = _window(kept) * values + _window(base)
    return join(calm.rint().cast("uchar").copy(interpretation=colour.interpretation), alpha)


def _window(image: VipsImage) -> VipsImage:
    return image.gaussblur(_WINDOW, min_ampl=0.1)


@step(a.Blur)
def blur(image: VipsImage, op: a.Blur) -> VipsImage:
    return premultiplied(image, lambda pixels: blurred(pixels, op.sigma), quick=True)


def blurred(image: VipsImage, sigma: float) -> VipsImage:
    """A wide blur is done on a smaller picture: the eye cannot tell, and the cost no longer grows."""
    smaller = min(int(sigma / _FINE), image.width, image.height)
    if sigma < _LARGE_BLUR or smaller < 2:
        return gaussian(image, sigma)
    width, height = image.width, image.height
    small = image.resize(
        math.ceil(width / smaller) / width, vscale=math.ceil(height / smaller) / height, kernel="linear"
    )
    return (
        gaussian(small, sigma / smaller)
        .resize(width / small.width, vscale=height / small.height, kernel="cubic")
        .crop(0, 0, width, height)
    )


def gaussian(image: VipsImage, sigma: float) -> VipsImage:
    """libvips' blur, of a width that leaves white white and other flat areas as they are, up to a step."""
    even = _even(sigma)
    return image.gaussblur(even or sigma, min_ampl=_TAIL, precision="integer" if even else "float")


@functools.lru_cache(maxsize=1_024)
def _even(sigma: float) -> float | None:
    """The nearest standard deviation, at most 3 % away, that neither darkens nor lightens; None without one.

    The weights of libvips' quick loop are rounded; for half of all widths they add up to something else
    than 1, by as much as 3 %, and white would become grey and what is opaque transparent.
    """
    flat = (pyvips.Image.black(1, 1, bands=len(_LEVELS)) + _LEVELS).cast("uchar")
    for number in range(_NEARBY + 1):
        for sign in (1, -1):
            near = sigma * (1 + sign * number * _APART)
            found = flat.gaussblur(near, min_ampl=_TAIL)(0, 0)
            off = [abs(one - level) for one, level in zip(found, _LEVELS, strict=True)]
            if max(off) <= 1 and off[-1] == 0:
                return near
    return None


@step(a.Sharpen)
def sharpen(image: VipsImage, op: a.Sharpen) -> VipsImage:
    """Strength 1 is libvips' usual slope of 3; flat areas are left alone, so noise is not raised."""
    sharp = image.sharpen(sigma=op.sigma, x1=1, m1=0, m2=3 * op.strength)
    return sharp.colourspace("b-w") if image.interpretation == "b-w" else sharp


@step(a.Unsharp)
def unsharp(image: VipsImage, op: a.Unsharp) -> VipsImage:
    colour, alpha = split(image)
    added = colour.cast("short") - blurred(colour, op.sigma)
    if op.threshold:
        added = (added.abs() < op.threshold).ifthenelse(0, added)
    sharp = (colour + added * (op.amount / 100)).rint().cast("uchar")
    return join(sharp.copy(interpretation=colour.interpretation), alpha)


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
