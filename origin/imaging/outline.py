"""An outline around letters: every point that is no farther from them than its width."""

from __future__ import annotations

import math
from typing import Final

from origin.imaging.colour import VipsImage
from urlspec.values import Colour

_WORKING: Final = 8.0
"""Width of the outline in pixels of the picture in which distances are measured."""
_FINEST: Final = 3.0
"""How much larger than the letters that picture may be: thin lines need the edges between pixels."""
_MOST_PIXELS: Final = 4_000_000
"""Of that picture."""
_THRESHOLD: Final = 112
"""Coverage from which a pixel counts as ink; a little under half, or hair lines of small letters break."""


def outlined(image: VipsImage, ink: VipsImage, width: int, colour: Colour) -> VipsImage:
    """``image`` with an outline of ``width`` pixels outside of ``ink``, its letters' coverage.

    The result is ``2 * width`` larger both ways. Letters that are transparent themselves stay hollow.
    """
    wide, high = image.width + 2 * width, image.height + 2 * width
    image = image.embed(width, width, wide, high).copy_memory()
    ink = ink.embed(width, width, wide, high).copy_memory()
    scale = min(_WORKING / width, _FINEST, math.sqrt(_MOST_PIXELS / (wide * high)))
    distance = _distances(ink, width, scale)
    reached = (distance * -255 + 255 * (width + 0.5)).cast("uchar")  # casting clips
    # Letters and outline share the pixels of an edge, each its part, so nothing shows through between.
    part = reached * (ink * (-1 / 255) + 1) * (colour.alpha / 255)
    own = image.extract_band(3)
    alpha = own + part
    mixed = image.extract_band(0, n=3) * own + part * [colour.red, colour.green, colour.blue]
    pixels = (alpha > 0).ifthenelse(mixed / alpha, 0)
    return pixels.bandjoin(alpha).rint().cast("uchar").copy(interpretation="srgb")


def _distances(ink: VipsImage, width: int, scale: float) -> VipsImage:
    """How far every pixel is from the ink, in pixels; right up to ``width``, beyond that just large."""
    sized = ink.resize(scale, kernel="cubic") if scale != 1 else ink
    across, down = sized.width / ink.width, sized.height / ink.height
    reach = math.ceil(width * max(across, down)) + 2
    letters = sized >= (_THRESHOLD if scale >= 1 else _THRESHOLD / 2)
    # Pixels that cannot be reached are seeds of their own, or the search would fill all the paper.
    seeds = letters.ifthenelse(255, _near(sized, 2 * reach).ifthenelse(0, 1)).cast("uchar").copy_memory()
    kind, found = seeds.fill_nearest(distance=True)
    distance = (kind == 255).ifthenelse(found["distance"], reach).copy_memory()
    if scale == 1:
        return distance
    even = distance.resize(ink.width / sized.width, vscale=ink.height / sized.height, kernel="linear")
    even = even.embed(0, 0, ink.width, ink.height, extend="copy")
    return (even * (2 / (across + down))).copy_memory()


def _near(ink: VipsImage, reach: int) -> VipsImage:
    """255 where ink may be within ``reach``: in blocks of that size, those with ink and all beside them."""
    across, down = -(-ink.width // reach), -(-ink.height // reach)
    blocks = ink.embed(0, 0, across * reach, down * reach).cast("float").shrink(reach, reach) > 0
    beside = blocks.embed(1, 1, across + 2, down + 2).rank(3, 3, 8).crop(1, 1, across, down).copy_memory()
    return beside.zoom(reach, reach).crop(0, 0, ink.width, ink.height)
