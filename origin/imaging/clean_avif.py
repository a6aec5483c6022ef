"""AVIF without metadata, in place: EXIF becomes an empty directory, XMP spaces, foreign boxes free space.

Orientation is a property of the picture in AVIF, not EXIF, so nothing needs to be kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_EMPTY_EXIF: Final = b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
"""The offset of the TIFF header, and a TIFF without tags."""
_BOXES: Final = frozenset([b"ftyp", b"meta", b"mdat", b"free", b"skip", b"idat", b"moov", b"sidx"])
_METADATA_ITEMS: Final = frozenset([b"Exif", b"mime", b"uri ", b"jumb"])


class _Box(NamedTuple):
    name: bytes
    start: int
    body: int
    end: int


def avif(data: bytes) -> bytes:
    """Raises ValueError or struct.error when the boxes cannot be followed."""
    made = bytearray(data)
    top = list(_boxes(data, 0, len(data)))
    for box in top:
        if box.name not in _BOXES:
            _free(made, box)
    meta = next((box for box in top if box.name == b"meta"), None)
    if meta is None:
        raise ValueError("no meta box")
    inner = {box.name: box for box in _boxes(data, meta.body + 4, meta.end)}
    items = _items(data, inner[b"iinf"]) if b"iinf" in inner else {}
    extents = _extents(data, inner[b"iloc"], inner.get(b"idat")) if b"iloc" in inner else {}
    for item, kind in items.items():
        if kind in _METADATA_ITEMS:
            for start, length in extents.get(item, ()):
                if start + length > len(made):
                    raise ValueError("an item beyond the end")
                blank = b" " if kind == b"mime" else b"\0"
                text = _EMPTY_EXIF if kind == b"Exif" and length >= len(_EMPTY_EXIF) else b""
                made[start : start + length] = text.ljust(length, blank)
    return bytes(made)


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else at + size
        if stop > end or stop < body:
            raise ValueError("a box beyond its parent")
        yield _Box(name, at, body, stop)
        at = stop


def _free(made: bytearray, box: _Box) -> None:
    made[box.start + 4 : box.start + 8] = b"free"
    made[box.body : box.end] = bytes(box.end - box.body)


def _items(data: bytes, box: _Box) -> dict[int, bytes]:
    """Type of every item by its id."""
    version = data[box.body]
    at = box.body + (6 if version == 0 else 8)
    found: dict[int, bytes] = {}
    for entry in _boxes(data, at, box.end):
        if entry.name != b"infe":
            continue
        kind_version = data[entry.body]
        if kind_version < 2:
            continue
        wide = kind_version >= 3
        (item,) = struct.unpack_from(">I" if wide else ">H", data, entry.body + 4)
        place = entry.body + 4 + (4 if wide else 2) + 2
        found[item] = data[place : place + 4]
    return found


def _extents(data: bytes, box: _Box, idat: _Box | None) -> dict[int, list[tuple[int, int]]]:
    """Places and lengths in the file of every item by its id."""
    reader = _Reader(data, box.body)
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, sizes & 15
    wide = 4 if version == 2 else 2
    found: dict[int, list[tuple[int, int]]] = {}
    for _ in range(reader.number(wide)):
        item = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)
        base = reader.number(base_size)
        if method == 1 and idat is not None:
            base += idat.body
        extents = []
        for _ in range(reader.number(2)):
            if version and index_size:
                reader.number(index_size)
            start = base + reader.number(offset_size)
            extents.append((start, reader.number(length_size)))
        if method in {0, 1}:
            found[item] = extents
        if reader.at > box.end:
            raise ValueError("iloc ends early")
    return found


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def number(self, size: int) -> int:
        value = int.from_bytes(self.data[self.at : self.at + size], "big")
        self.at += size
        return value
