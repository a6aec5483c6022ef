"""From whatever a file stores to what every step works on: 8-bit sRGB or grey, with or without alpha."""

from __future__ import annotations

from typing import Any, Final

import pyvips

from origin.imaging.icc import is_srgb

VipsImage = Any
"""A ``pyvips.Image``: the library has no types."""

ICC: Final = "icc-profile-data"


def to_srgb(image: VipsImage, space: str = "srgb") -> VipsImage:
    """8-bit sRGB (or P3) or grey. A usable profile is obeyed, CMYK without one gets libvips' own."""
    if not (_profiled(image) and (converted := _by_profile(image, space)) is not None):
        converted = _by_interpretation(image)
    if converted.format != "uchar":
        converted = converted.cast("uchar")
    return _named(converted)


def to_colour(image: VipsImage) -> VipsImage:
    """Three colour bands, alpha kept."""
    return image.colourspace("srgb") if image.interpretation == "b-w" else image


def with_alpha(image: VipsImage) -> VipsImage:
    return image if image.hasalpha() else image.bandjoin(255)


def split(image: VipsImage) -> tuple[VipsImage, VipsImage | None]:
    """Colour bands and alpha. Only for images in memory: it makes two readers of one."""
    if not image.hasalpha():
        return image, None
    return image.extract_band(0, n=image.bands - 1), image.extract_band(image.bands - 1)


def join(colour: VipsImage, alpha: VipsImage | None) -> VipsImage:
    return colour if alpha is None else colour.bandjoin(alpha)


def premultiplied(image: VipsImage, work: Any, *, quick: bool = False) -> VipsImage:
    """``work`` done on premultiplied pixels, so that invisible colour does not bleed into what is seen.

    ``quick`` works in the picture's own numbers, as libvips' thumbnail does: half the time for a large
    picture, and a step or two off where it is nearly transparent.
    """
    if not image.hasalpha():
        return work(image)
    ready = image.premultiply()
    done = work(ready.cast(image.format) if quick else ready).unpremultiply()
    return done if image.format == "float" else done.rint().cast(image.format)


def _profiled(image: VipsImage) -> bool:
    return bool(image.get_typeof(ICC)) and not (
        image.interpretation == "srgb" and image.format == "uchar" and is_srgb(image.get(ICC))
    )


def wide(image: VipsImage) -> bool:
    """Whether a freshly opened picture may have colours beyond sRGB that its profile tells of."""
    if not _profiled(image) or image.interpretation not in {"srgb", "rgb16", "cmyk"}:
        return False
    return _by_profile(image, "p3") is not None


def srgb_as_p3(image: VipsImage) -> VipsImage:
    """sRGB pixels, with or without alpha, in Display P3."""
    return to_colour(image).icc_transform("p3", input_profile="srgb", intent="relative", depth=8)


def _by_profile(image: VipsImage, space: str) -> VipsImage | None:
    """None when the profile is broken or belongs to another kind of picture."""
    if image.interpretation not in {"srgb", "rgb16", "b-w", "grey16", "cmyk", "lab"}:
        return None
    try:
        return image.icc_transform(space, embedded=True, intent="relative", depth=8)
    except pyvips.Error:
        return None


def _by_interpretation(image: VipsImage) -> VipsImage:
    match image.interpretation:
        case "srgb" | "b-w" if image.format == "uchar":
            return image
        case "cmyk":
            return image.icc_transform("srgb", input_profile="cmyk", intent="relative", depth=8)
        case "grey16":
            return image.colourspace("b-w")
        case "multiband" | "matrix" | "histogram" | "fourier" | "error":
            return _named(image.cast("uchar"))
    return image.colourspace("b-w" if image.bands < 3 else "srgb")


def _named(image: VipsImage) -> VipsImage:
    interpretation = "b-w" if image.bands < 3 else "srgb"
    return image if image.interpretation == interpretation else image.copy(interpretation=interpretation)
