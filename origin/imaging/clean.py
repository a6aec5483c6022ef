"""Originals without metadata: the coded pixels stay bit for bit, what tells of people and places goes.

Kept is what a picture needs to look right (pixels, profile, orientation, animation); all else is dropped by
not being on that list, so unknown metadata does not pass. Every function takes the bytes of a whole file,
which is bounded by the upload limit, and reads each of them a fixed number of times.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from origin.errors import ImageCorrupt
from origin.imaging import clean_extras, exif, gif
from origin.imaging.clean_avif import avif
from origin.imaging.clean_jpeg import jpeg, remaining
from origin.imaging.clean_tiff import tiff


def cleaned(kind: str, data: bytes, *, credit: bool = False) -> bytes:
    """``data`` itself when there is nothing to remove. ``credit`` keeps EXIF's artist and copyright.

    Raises ImageCorrupt when the file's structure cannot be followed.
    """
    try:
        return _CLEANERS[kind](data, credit)
    except (struct.error, LookupError, ValueError, OverflowError) as error:
        raise ImageCorrupt from error


# PNG ---------------------------------------------------------------------------------------------------

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT "
    b"acTL fcTL fdAT".split()
)


def _png(data: bytes, credit: bool) -> bytes:
    if not data.startswith(_PNG):
        raise ValueError("no PNG")
    chunks = list(_png_chunks(data))
    block = next((body for name, body, _ in chunks if name == b"eXIf"), b"")
    tags = remaining(block, credit)
    parts = [_PNG]
    for name, _, whole in chunks:
        if name == b"IDAT" and tags:
            parts.append(_png_chunk(b"eXIf", exif.build(tags)))
            tags = {}
        if name in _PNG_KEPT:
            parts.append(whole)
    return _unless_same(b"".join(parts), data)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = len(_PNG)
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("a chunk beyond the end")
        yield name, data[at + 8 : at + 8 + length], data[at:end]
        if name == b"IEND":
            return
        at = end


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


# WebP --------------------------------------------------------------------------------------------------

_WEBP_KEPT: Final = frozenset([b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"])
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def _webp(data: bytes, credit: bool) -> bytes:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("no WebP")
    chunks = list(_webp_chunks(data))
    tags = remaining(next((body for name, body in chunks if name == b"EXIF"), b""), credit)
    parts = []
    for name, body in chunks:
        if name not in _WEBP_KEPT:
            continue
        if name == b"VP8X":
            flags = body[0] & ~(_HAS_EXIF | _HAS_XMP) | (_HAS_EXIF if tags else 0)
            body = bytes([flags]) + body[1:]  # noqa: PLW2901
        parts.append(_webp_chunk(name, body))
    if tags:
        parts.append(_webp_chunk(b"EXIF", exif.build(tags)))
    inside = b"WEBP" + b"".join(parts)
    return _unless_same(b"RIFF" + struct.pack("<I", len(inside)) + inside, data)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    (size,) = struct.unpack_from("<I", data, 4)
    end = min(8 + size, len(data))
    at = 12
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise ValueError("a chunk beyond the end")
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


# GIF ---------------------------------------------------------------------------------------------------

_GIF_KEPT: Final = frozenset([b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"])


def _gif(data: bytes, credit: bool) -> bytes:  # noqa: ARG001 - GIF has no EXIF
    if data[:3] != b"GIF":
        raise ValueError("no GIF")
    parts = [data[: gif.first_block(data)]]
    for introducer, start, end in gif.blocks(data):
        label = data[start + 1] if introducer == gif.EXTENSION else None
        named = label == 0xFF and data[start + 3 : start + 14] in _GIF_KEPT
        if label in {None, 0xF9, 0x01} or named:
            parts.append(data[start:end])
    return _unless_same(b"".join(parts), data)


# All ---------------------------------------------------------------------------------------------------


def _unless_same(made: bytes, data: bytes) -> bytes:
    return data if made == data else made


def _tiff(data: bytes, credit: bool) -> bytes:
    return _unless_same(tiff(data, credit=credit), data)


def _avif(data: bytes, credit: bool) -> bytes:  # noqa: ARG001 - there is no room to write into
    return _unless_same(avif(data), data)


_CLEANERS: Final[Mapping[str, Callable[[bytes, bool], bytes]]] = {
    "jpeg": lambda data, credit: _unless_same(jpeg(data, credit=credit), data),
    "png": _png,
    "webp": _webp,
    "gif": _gif,
    "tiff": _tiff,
    "avif": _avif,
    "heic": _avif,
    "jxl": lambda data, _: clean_extras.jxl(data),
    "bmp": lambda data, _: clean_extras.bmp(data),
    "ico": lambda data, credit: clean_extras.ico(data, lambda png: _png(png, credit)),
}
