"""What the finished pixels say about the format that suits them."""

from __future__ import annotations

from typing import Final

from origin.imaging.colour import VipsImage, to_colour

_FLAT: Final = 0.6
"""Share of pixels that equal the one to their left: of text and drawings four fifths and more have that, of
photographs one in ten, of black skies a third."""


def opaque(image: VipsImage) -> bool:
    """Whether nothing shows through a picture in memory."""
    return not image.hasalpha() or image.extract_band(image.bands - 1).min() == 255


def without_alpha(image: VipsImage) -> VipsImage:
    return image.extract_band(0, n=image.bands - 1) if image.hasalpha() else image


def flat(image: VipsImage) -> bool:
    """Whether a picture in memory is made of areas of one colour, as drawings, text and screens are."""
    image = to_colour(image)
    if image.width < 2:
        return True
    width = image.width - 1
    moved = image.crop(0, 0, width, image.height) - image.crop(1, 0, width, image.height)
    changed: float = (moved != 0).bandor().avg() / 255
    return 1 - changed >= _FLAT
