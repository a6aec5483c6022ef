"""TIFF without metadata, in place: offsets all over the file stay right, what is removed becomes zeros."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from origin.imaging import exif

_KEPT: Final = frozenset(
    [
        *range(254, 267), *range(273, 285), *range(288, 294), 296, 297, 301, *range(317, 326), 330,
        *range(332, 348), *range(512, 522), *range(529, 534), 32_995, 32_996, 32_997, 34_675,
    ]
) - {269, 270, 271, 272, 285}  # fmt: skip
"""Tags that say how the pixels are stored and look: size, strips and tiles, colours, orientation, ICC."""

_CREDIT: Final = frozenset([exif.ARTIST, exif.COPYRIGHT])
_SUB_DIRECTORIES: Final = frozenset([34_665, 34_853, 40_965])
"""EXIF, GPS, interoperability."""
_NESTED_PICTURES: Final = 330
_SIZES: Final = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one item by its type; of all others, one."""
_MOST_DIRECTORIES: Final = 10_000


@dataclass(slots=True)
class _Form:
    """Byte order and field widths: classic TIFF, or BigTIFF."""

    order: str
    count: str
    offset: str
    entry: int

    def read(self, kind: str, data: bytearray, at: int) -> int:
        return int(struct.unpack_from(self.order + kind, data, at)[0])


@dataclass(slots=True)
class _Cleaner:
    data: bytearray
    form: _Form
    kept: frozenset[int]
    seen: set[int] = field(default_factory=set)

    def pictures(self, at: int) -> None:
        """Clean a chain of directories that hold pictures."""
        pending = [at]
        while pending:
            at = pending.pop()
            while at and at not in self.seen:
                self._mark(at)
                nested, at = self._directory(at)
                pending += nested

    def _mark(self, at: int) -> None:
        if len(self.seen) >= _MOST_DIRECTORIES:
            raise ValueError("too many directories")
        self.seen.add(at)

    def _directory(self, at: int) -> tuple[list[int], int]:
        """Remove what is not kept. Nested directories with pictures, and the next of the chain."""
        form, data = self.form, self.data
        count = form.read(form.count, data, at)
        first = at + struct.calcsize(form.order + form.count)
        end = first + count * form.entry
        following = form.read(form.offset, data, end)
        kept, nested = b"", []
        for entry in range(first, end, form.entry):
            tag = form.read("H", data, entry)
            if tag in self.kept:
                kept += data[entry : entry + form.entry]
                if tag == _NESTED_PICTURES:
                    nested += self._numbers(entry)
            else:
                self._erase(entry, tag)
        left = len(kept) // form.entry
        after = kept + struct.pack(form.order + form.offset, following)
        whole = end + struct.calcsize(form.order + form.offset) - first
        struct.pack_into(form.order + form.count, data, at, left)
        data[first : first + whole] = after.ljust(whole, b"\0")
        return nested, following

    def _erase(self, entry: int, tag: int) -> None:
        """Zero what an entry points at; the entry itself is overwritten by its directory."""
        if tag in _SUB_DIRECTORIES:
            for at in self._numbers(entry):
                self._erase_directory(at)
            return
        start, length = self._value(entry)
        self.data[start : start + length] = bytes(len(self.data[start : start + length]))

    def _erase_directory(self, at: int) -> None:
        form, data = self.form, self.data
        if at in self.seen or not 8 <= at < len(data):
            return
        self._mark(at)
        count = form.read(form.count, data, at)
        first = at + struct.calcsize(form.order + form.count)
        end = first + count * form.entry
        if end > len(data):
            raise ValueError("a directory beyond the end")
        for entry in range(first, end, form.entry):
            self._erase(entry, form.read("H", data, entry))
        data[at:end] = bytes(end - at)

    def _value(self, entry: int) -> tuple[int, int]:
        """Where an entry's value lies, and its length in bytes."""
        form, data = self.form, self.data
        kind, items = form.read("H", data, entry + 2), form.read(form.offset, data, entry + 4)
        length = _SIZES.get(kind, 1) * items
        width = struct.calcsize(form.order + form.offset)
        place = entry + 4 + width
        if length > width:
            place = form.read(form.offset, data, place)
            if place + length > len(data):
                raise ValueError("a value beyond the end")
        return place, length

    def _numbers(self, entry: int) -> list[int]:
        form = self.form
        kind = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(form.read("H", self.data, entry + 2))
        if kind is None:
            return []
        start, length = self._value(entry)
        step = struct.calcsize(form.order + kind)
        return [form.read(kind, self.data, at) for at in range(start, start + length, step)][:64]


def tiff(data: bytes, *, credit: bool) -> bytes:
    """Raises ValueError or struct.error when the directories cannot be followed."""
    order = {b"II": "<", b"MM": ">"}[bytes(data[:2])] if data[:2] in {b"II", b"MM"} else ""
    if not order:
        raise ValueError("no TIFF")
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == 43
    form = _Form(order, "Q", "Q", 20) if big else _Form(order, "H", "I", 12)
    cleaner = _Cleaner(bytearray(data), form, _KEPT | _CREDIT if credit else _KEPT)
    cleaner.pictures(form.read(form.offset, cleaner.data, 8 if big else 4))
    return bytes(cleaner.data)
