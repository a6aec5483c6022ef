"""How much there is of a file, found by walking over its parts before a decoder is given any of it.

Decoders walk too, but to the end, whatever that takes, and some of them do not mind when the end is missing.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, Final

from origin.imaging import gif

_CLASSIC: Final = {b"II*\0": "<", b"MM\0*": ">"}
_BIG: Final = {b"II+\0": "<", b"MM\0+": ">"}
_PNG_HEADER: Final = 8
_RIFF_HEADER: Final = 12


def gif_frames(data: bytes, most: int) -> int:
    """How many frames a GIF has; counting stops above ``most``, and where the file cannot be followed."""
    count = 0
    try:
        for block in gif.blocks(data):
            count += block.introducer == gif.IMAGE
            if count > most:
                break
    except (IndexError, ValueError):
        pass  # what is wrong with the rest of it is for others to say
    return count


def webp_frames(path: str, most: int) -> int:
    """How many frames a WebP has; counting stops above ``most``."""
    count, at = 0, _RIFF_HEADER
    with Path(path).open("rb") as file:
        while count <= most:
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                break
            name, length = struct.unpack("<4sI", head)
            count += name == b"ANMF"
            at += 8 + length + (length & 1)
    return count


def tiff_pages(path: str, most: int) -> int:
    """How many directories a TIFF has in its main chain; counting stops above ``most`` and at a ring."""
    seen: set[int] = set()
    with Path(path).open("rb") as file:
        head = file.read(16)
        big = head[:4] in _BIG
        order = (_BIG if big else _CLASSIC)[head[:4]]
        try:
            (at,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
            while at and at not in seen and len(seen) <= most:
                seen.add(at)
                at = _next_directory(file, at, order, big=big)
        except (struct.error, ValueError, OverflowError, OSError):
            pass  # it ends inside a directory, or points nowhere
    return len(seen)


def _next_directory(file: IO[bytes], at: int, order: str, *, big: bool) -> int:
    file.seek(at)
    (entries,) = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
    file.seek(entries * (20 if big else 12), 1)
    (following,) = struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))
    return int(following)


def png_is_whole(path: str) -> bool:
    """Whether a PNG goes on to the end of its last chunk (IEND). Decoders stop when they have the pixels."""
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        at = _PNG_HEADER
        while at + 12 <= size:
            file.seek(at)
            length, name = struct.unpack(">I4s", file.read(8))
            at += 12 + length
            if name == b"IEND":
                return bool(at <= size)
    return False
