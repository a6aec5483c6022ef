"""Windows icons: of all their pictures the largest. A PNG in one is libvips' business, the rest Pillow's."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pyvips
from PIL import Image
from PIL.IcoImagePlugin import IcoFile

from origin.errors import ImageCorrupt
from origin.imaging.colour import VipsImage
from origin.imaging.inputs.raster import in_memory
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

Image.MAX_IMAGE_PIXELS = None
"""The limits of this server judge, on the header."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


class _Entry(NamedTuple):
    icon: IcoFile
    place: int
    data: bytes
    width: int
    """By the picture's own header: what the directory says need not be so."""
    height: int

    @property
    def png(self) -> bool:
        return self.data.startswith(_PNG)


def header(path: str, opening: Opening) -> Header:  # noqa: ARG001 - the largest, always
    entry = _largest(path)
    return Header("ico", entry.width, entry.height, has_alpha=True, bands=4, bytes=Path(path).stat().st_size)


def pixels(path: str, how: Load) -> VipsImage:  # noqa: ARG001 - all of it
    entry = _largest(path)
    if entry.png:
        image = pyvips.Image.pngload_buffer(entry.data, fail_on="error").copy_memory()
        if (image.width, image.height) != (entry.width, entry.height):
            raise ImageCorrupt
        return image
    shown = entry.icon.frame(entry.place).convert("RGBA")
    return in_memory(shown.tobytes(), *shown.size, 4)


def _largest(path: str) -> _Entry:
    data = Path(path).read_bytes()
    icon = IcoFile(io.BytesIO(data))
    if not icon.entry:
        raise ImageCorrupt
    index = max(range(len(icon.entry)), key=lambda at: (icon.entry[at].square, icon.entry[at].bpp))
    start, size = icon.entry[index].offset, icon.entry[index].size
    body = data[start : start + size]
    if body.startswith(_PNG):
        width, height = struct.unpack_from(">II", body, 16)
    else:
        # The height of a bitmap in an icon counts its mask as well.
        width, height = struct.unpack_from("<ii", body, 4)
        height //= 2
    if width < 1 or height < 1:
        raise ImageCorrupt
    return _Entry(icon, index, body, width, height)
