"""The tables of TrueType and OpenType files that name families and list characters."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_FAMILY: Final = (1, 16)
"""Name ids: the family, and the family that groups more than four styles."""
_LARGEST_TABLE: Final = 4 << 20


def families_of(file: Path) -> frozenset[str]:
    """The families that a file or collection holds; none for a file that is no font."""
    try:
        with file.open("rb") as opened:
            tables = [_table(opened, font, b"name") for font in _fonts(opened)]
        return frozenset(name for table in tables for name in _families(table))
    except (OSError, struct.error, LookupError, UnicodeDecodeError):
        return frozenset()


def covered(file: Path) -> tuple[tuple[int, int], ...]:
    """First and last code of every run of characters that the file has a glyph for; none for no font."""
    try:
        with file.open("rb") as opened:
            tables = [_table(opened, font, b"cmap") for font in _fonts(opened)]
        return tuple(dict.fromkeys(run for table in tables for run in _runs(table)))
    except (OSError, struct.error, LookupError):
        return ()


def _fonts(opened: BinaryIO) -> list[int]:
    """Where the fonts of a file begin: a collection has several."""
    head = opened.read(12)
    if head[:4] != b"ttcf":
        return [0]
    (count,) = struct.unpack_from(">I", head, 8)
    count = min(count, 64)
    return list(struct.unpack(f">{count}I", opened.read(4 * count)))


def _table(opened: BinaryIO, font: int, wanted: bytes) -> bytes:
    """Raises LookupError."""
    opened.seek(font)
    (count,) = struct.unpack_from(">H", opened.read(12), 4)
    directory = opened.read(16 * count)
    for index in range(count):
        tag, _, offset, length = struct.unpack_from(">4s3I", directory, 16 * index)
        if tag == wanted:
            opened.seek(offset)
            return opened.read(min(length, _LARGEST_TABLE))
    raise LookupError(wanted)


def _families(table: bytes) -> Iterator[str]:
    _, count, strings = struct.unpack_from(">3H", table)
    for index in range(count):
        platform, _, _, name, length, offset = struct.unpack_from(">6H", table, 6 + 12 * index)
        if name in _FAMILY:
            text = table[strings + offset : strings + offset + length]
            yield text.decode("latin-1" if platform == 1 else "utf-16-be").strip("\0")


def _runs(table: bytes) -> Iterator[tuple[int, int]]:
    """The runs of the Unicode tables of formats 4 and 12, which all fonts of today have."""
    (count,) = struct.unpack_from(">H", table, 2)
    for index in range(count):
        platform, _, offset = struct.unpack_from(">2HI", table, 4 + 8 * index)
        (form,) = struct.unpack_from(">H", table, offset)
        if platform == 1:
            continue
        if form == 4:
            (doubled,) = struct.unpack_from(">H", table, offset + 6)
            segments = doubled // 2
            lasts = struct.unpack_from(f">{segments}H", table, offset + 14)
            firsts = struct.unpack_from(f">{segments}H", table, offset + 16 + doubled)
            yield from (run for run in zip(firsts, lasts, strict=True) if run[0] <= run[1] < 0xFFFF)
        elif form == 12:
            (groups,) = struct.unpack_from(">I", table, offset + 12)
            for group in range(min(groups, 100_000)):
                first, last, _ = struct.unpack_from(">3I", table, offset + 16 + 12 * group)
                if first <= last <= 0x10FFFF:
                    yield first, last
