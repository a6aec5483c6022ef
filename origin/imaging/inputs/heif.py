"""HEIC, the photographs of phones, by libheif. It turns and mirrors as the file says (``irot imir``), so the
EXIF orientation beside it, which repeats that, is not obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pillow_heif
import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.inputs.raster import in_memory
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
pillow_heif.options.DECODE_THREADS = 1

_BANDS: Final = {"L": 1, "I;16": 1, "LA": 2, "La": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}
"""More than eight bits become eight, except in grey."""
_DISPLAY_P3: Final = 12
"""Colour primaries of ITU-T H.273, where a file has those numbers (``nclx``) in place of a profile."""


def header(path: str, opening: Opening) -> Header:  # noqa: ARG001 - it has one picture that counts
    primary = _primary(path)
    width, height = primary.size
    bands = _BANDS[primary.mode]
    return Header(
        "heic",
        width,
        height,
        has_alpha=primary.has_alpha,
        bands=bands,
        bits=16 if primary.mode == "I;16" else 8,
        colour="grey16" if primary.mode == "I;16" else "b-w" if bands < 3 else "srgb",
        icc=bool(primary.info.get("icc_profile")) or _wide(primary),
        bytes=Path(path).stat().st_size,
    )


def pixels(path: str, how: Load) -> VipsImage:  # noqa: ARG001 - all of the one picture
    primary = _primary(path)
    data = primary.data
    icc = primary.info.get("icc_profile") or (_p3() if _wide(primary) else None)
    image = in_memory(
        data,
        primary.size[0],
        primary.size[1],
        _BANDS[primary.mode],
        bits=16 if primary.mode == "I;16" else 8,
        icc=icc,
        exif=primary.info.get("exif"),
    )
    return image.unpremultiply().rint().cast("uchar") if primary.premultiplied_alpha else image


def _primary(path: str) -> Any:
    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    return file[file.primary_index]


def _wide(primary: Any) -> bool:
    return (primary.info.get("nclx_profile") or {}).get("color_primaries") == _DISPLAY_P3


def _p3() -> bytes:
    return bytes(pyvips.Operation.call("profile_load", "p3"))
