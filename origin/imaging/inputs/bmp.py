"""BMP by Pillow, which opens it without reading pixels."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from origin.imaging.colour import VipsImage
from origin.imaging.inputs.raster import in_memory
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

Image.MAX_IMAGE_PIXELS = None
"""The limits of this server judge, on the header."""

_BANDS: Final = {"L": 1, "RGB": 3, "RGBA": 4}
_FILE_HEADER: Final = 14
_V5: Final = 124
_EMBEDDED: Final = b"DEBM"
"""``PROFILE_EMBEDDED``. A linked profile (``KNIL``) names a file, which is nobody's business."""


def header(path: str, opening: Opening) -> Header:  # noqa: ARG001 - it has no pages
    with Image.open(path, formats=("BMP",)) as image:
        mode = plain(image.mode)
        return Header(
            "bmp",
            *image.size,
            has_alpha=mode == "RGBA",
            bands=_BANDS[mode],
            colour="b-w" if mode == "L" else "srgb",
            icc=_profile(path) is not None,
            bytes=Path(path).stat().st_size,
        )


def pixels(path: str, how: Load) -> VipsImage:  # noqa: ARG001 - all of it
    with Image.open(path, formats=("BMP",)) as image:
        shown = image.convert(plain(image.mode))
    return in_memory(shown.tobytes(), *shown.size, _BANDS[shown.mode], icc=_profile(path))


def plain(mode: str) -> str:
    """The mode, of those used here, that holds all of a Pillow mode."""
    return mode if mode in _BANDS else "L" if mode == "1" else "RGB"


def _profile(path: str) -> bytes | None:
    """The ICC profile of a version 5 header (BITMAPV5HEADER)."""
    data = Path(path).read_bytes()
    if len(data) < _FILE_HEADER + _V5 or struct.unpack_from("<I", data, _FILE_HEADER) != (_V5,):
        return None
    if data[_FILE_HEADER + 56 : _FILE_HEADER + 60] != _EMBEDDED:
        return None
    start, size = struct.unpack_from("<II", data, _FILE_HEADER + 112)
    return data[_FILE_HEADER + start : _FILE_HEADER + start + size] or None
