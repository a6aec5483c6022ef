"""What is done to a rectangle of the picture. The plan has made its sides whole pixels inside the picture."""

from __future__ import annotations

import math

from origin.imaging.colour import VipsImage
from origin.imaging.steps.detail import blur, pixelate
from origin.imaging.steps.registry import step
from urlspec import arguments as a


@step(a.BlurRegion)
def blur_region(image: VipsImage, op: a.BlurRegion) -> VipsImage:
    """What lies around gives its colour to the edge, as in a blur of the whole."""
    left, top, width, height = _box(op)
    reach = math.ceil(3 * op.sigma)
    west, north = max(left - reach, 0), max(top - reach, 0)
    east, south = min(left + width + reach, image.width), min(top + height + reach, image.height)
    around = image.crop(west, north, east - west, south - north)
    soft = blur(around, a.Blur(op.sigma)).crop(left - west, top - north, width, height)
    return image.insert(soft, left, top)


@step(a.PixelateRegion)
def pixelate_region(image: VipsImage, op: a.PixelateRegion) -> VipsImage:
    left, top, width, height = _box(op)
    return image.insert(pixelate(image.crop(left, top, width, height), a.Pixelate(op.block)), left, top)


def _box(op: a.BlurRegion | a.PixelateRegion) -> tuple[int, int, int, int]:
    assert isinstance(op.left, int)
    assert isinstance(op.top, int)
    assert isinstance(op.width, int)
    assert isinstance(op.height, int)
    return op.left, op.top, op.width, op.height
