"""One picture to the bytes of one format, with the settings that are fast enough for an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from origin.imaging.colour import VipsImage, to_colour
from origin.imaging.efforts import effort
from urlspec.qualities import QualityValue

DEPTHS: Final = (8, 4, 2, 1)
"""Bits a pixel of a palette, from 256 colours to 2."""

GAIN_MAP: Final = 1 << 5
"""libvips' VIPS_FOREIGN_KEEP_GAINMAP."""


@dataclasses.dataclass(frozen=True, slots=True)
class Saving:
    """How a picture is written; each format reads what it knows."""

    quality: QualityValue
    """With a number, or ``lossless``: ``auto`` has been decided."""
    depth: int = 0
    """Bits a pixel of a palette; 0 where the format needs none."""
    progressive: bool = False
    keep: int = 0
    """libvips' VipsForeignKeep."""
    profile: str | None = None
    """ICC profile to embed, by libvips' name for it."""
    effort: int | None = None
    """As in :func:`origin.imaging.efforts.effort`; None: the usual for the picture's size."""

    @property
    def lossless(self) -> bool:
        return self.quality.level == "lossless"


def save(name: str, image: VipsImage, saving: Saving) -> bytes:
    """``image`` in the format ``name``, one of ``model.FORMATS``."""
    options: dict[str, Any] = {"keep": saving.keep}
    if saving.profile is not None:
        options["profile"] = saving.profile
    return bytes(_SAVERS[name](image, saving, options))


def _jpeg(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:
    return image.jpegsave_buffer(
        Q=saving.quality.level,
        optimize_coding=_effort("jpeg", image, saving) > 0,
        interlace=saving.progressive,
        subsample_mode=_subsampling(saving),
        **options,
    )


def _png(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:
    options["interlace"] = saving.progressive
    if saving.depth:
        return image.pngsave_buffer(palette=True, bitdepth=saving.depth, effort=4, compression=9, **options)
    return image.pngsave_buffer(compression=_effort("png", image, saving), filter="all", **options)


def _webp(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:
    image, near = to_colour(image), saving.quality.near
    options["effort"] = _effort("webp", image, saving)
    if saving.lossless and near < 100:
        # libvips' Q is then how near: a preprocessing that lossless coding profits from.
        return image.webpsave_buffer(near_lossless=True, Q=near, **options)
    if saving.lossless:
        return image.webpsave_buffer(lossless=True, **options)
    sharp = {"smart_subsample": True} if saving.quality.chroma == "444" else {}
    return image.webpsave_buffer(Q=saving.quality.level, **sharp, **options)


def _avif(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:
    options |= {"compression": "av1", "effort": _effort("avif", image, saving), "bitdepth": 8}
    if saving.lossless:
        return to_colour(image).heifsave_buffer(lossless=True, **options)
    return to_colour(image).heifsave_buffer(
        Q=saving.quality.level, subsample_mode=_subsampling(saving), **options
    )


def _gif(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:
    return to_colour(image).gifsave_buffer(effort=3, bitdepth=saving.depth or 8, **options)


def _tiff(image: VipsImage, saving: Saving, options: dict[str, Any]) -> Any:  # noqa: ARG001 - no choice
    return image.tiffsave_buffer(compression="deflate", predictor="horizontal", **options)


def _effort(name: str, image: VipsImage, saving: Saving) -> int:
    if saving.effort is not None:
        return saving.effort
    return effort(name, image.width * image.get_page_height(), lossless=saving.lossless)


def _subsampling(saving: Saving) -> str:
    return {"444": "off", "420": "on"}.get(saving.quality.chroma, "auto")


_SAVERS: Final[Mapping[str, Callable[[VipsImage, Saving, dict[str, Any]], Any]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
    "gif": _gif,
    "tiff": _tiff,
}
