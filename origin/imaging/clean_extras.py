"""JPEG XL, BMP and icons without metadata."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from origin.imaging.inputs.boxes import boxes

_KEPT: Final = frozenset([b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp", b"jxli"])
"""What a picture needs. Not ``jbrd``: it rebuilds a JPEG with all that this one said of itself."""
_CONTAINER: Final = b"\0\0\0\x0cJXL "

_V5: Final = 124
_COLOUR_SPACE: Final = 14 + 56
_LINKED: Final = b"KNIL"
_SRGB: Final = b"BGRs"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def jxl(data: bytes) -> bytes:
    """A bare codestream holds no metadata. Raises ValueError or struct.error for broken boxes."""
    if not data.startswith(_CONTAINER):
        return data
    parts = []
    for name, start, body, end in boxes(data):
        if name in _KEPT:
            # A size of 0, "to the end of the file", stays true only at the end.
            size = struct.pack(">I", end - start) if data[start : start + 4] == bytes(4) else b""
            parts.append(size + data[start + len(size) : body] + data[body:end])
    return b"".join(parts)


def bmp(data: bytes) -> bytes:
    """A linked profile is the path of a file of somebody's; an embedded one belongs to the picture."""
    linked = data[_COLOUR_SPACE : _COLOUR_SPACE + 4] == _LINKED
    if struct.unpack_from("<I", data, 14) != (_V5,) or not linked:
        return data
    start, size = struct.unpack_from("<II", data, 14 + 112)
    made = bytearray(data)
    made[_COLOUR_SPACE : _COLOUR_SPACE + 4] = _SRGB
    made[14 + 112 : 14 + 120] = bytes(8)
    length = len(data[14 + start : 14 + start + size])
    made[14 + start : 14 + start + length] = bytes(length)
    return bytes(made)


def ico(data: bytes, png: Callable[[bytes], bytes]) -> bytes:
    """Every picture of it, one after the other, those that are PNG cleaned by ``png``."""
    reserved, kind, count = struct.unpack_from("<HHH", data)
    directory, bodies = struct.pack("<HHH", reserved, kind, count), b""
    for place in range(count):
        entry = data[6 + 16 * place : 22 + 16 * place]
        size, offset = struct.unpack_from("<II", entry, 8)
        body = data[offset : offset + size]
        if len(body) != size:
            raise ValueError("a picture beyond the end")
        body = png(body) if body.startswith(_PNG) else body
        directory += entry[:8] + struct.pack("<II", len(body), 6 + 16 * count + len(bodies))
        bodies += body
    return directory + bodies
