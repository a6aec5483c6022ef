"""The few EXIF tags that outlive a render, read and written by hand: TIFF directories over bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

ORIENTATION: Final = 0x0112
ARTIST: Final = 0x013B
COPYRIGHT: Final = 0x8298

_SHORT: Final = 3
_ASCII: Final = 2
_MOST_TEXT: Final = 4_096


def read(blob: bytes) -> dict[int, int | bytes]:
    """Orientation, artist and copyright of an EXIF block, as far as they are there and sound."""
    blob = blob.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(blob[:2])
    if order is None:
        return {}
    found: dict[int, int | bytes] = {}
    try:
        (start,) = struct.unpack_from(order + "I", blob, 4)
        (count,) = struct.unpack_from(order + "H", blob, start)
        for index in range(min(count, 512)):
            at = start + 2 + 12 * index
            tag, kind, length = struct.unpack_from(order + "HHI", blob, at)
            if tag == ORIENTATION and kind == _SHORT:
                (found[tag],) = struct.unpack_from(order + "H", blob, at + 8)
            elif tag in {ARTIST, COPYRIGHT} and kind == _ASCII and 0 < length <= _MOST_TEXT:
                place = at + 8 if length <= 4 else struct.unpack_from(order + "I", blob, at + 8)[0]
                text = blob[place : place + length].rstrip(b"\0")
                if len(blob) >= place + length and text:
                    found[tag] = text
    except struct.error:
        pass  # a directory that ends early: what was read before is sound
    return found


def build(tags: Mapping[int, int | bytes]) -> bytes:
    """A TIFF block with only these tags, without the ``Exif`` prefix."""
    count = len(tags)
    directory, data = struct.pack("<H", count), b""
    after = 8 + 2 + 12 * count + 4
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            directory += struct.pack("<HHIHH", tag, _SHORT, 1, value, 0)
            continue
        text = value + b"\0"
        directory += struct.pack("<HHI", tag, _ASCII, len(text))
        if len(text) <= 4:
            directory += text.ljust(4, b"\0")
        else:
            directory += struct.pack("<I", after + len(data))
            data += text + b"\0" * (len(text) % 2)
    return b"II*\0" + struct.pack("<I", 8) + directory + b"\0\0\0\0" + data
