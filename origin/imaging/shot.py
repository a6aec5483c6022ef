"""How a photograph was taken, from its EXIF block (CIPA DC-008): the camera's side of it and nothing of the
people's. Places, serial numbers, names and what a maker writes for itself are not on the list, so they are
not read."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Value = str | float | int

_EXIF_DIRECTORY: Final = 0x8769
_MOST_ENTRIES: Final = 256
_MOST_TEXT: Final = 128
_SIZES: Final = {2: 1, 3: 2, 4: 4, 5: 8, 10: 8}
"""Bytes of one value: ASCII, SHORT, LONG, RATIONAL, SRATIONAL."""

_DATE: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d", re.ASCII)


def shot(block: bytes) -> dict[str, Value]:
    """``make model lens exposure_seconds f_number iso focal_length_mm focal_length_35mm exposure_bias flash
    taken_at``, as far as they are there and sound."""
    tags = _tags(block.removeprefix(b"Exif\0\0"))
    found: dict[str, Value] = {}
    for name, (tag, read) in _FACTS.items():
        value = read(tags.get(tag))
        if value is not None:
            found[name] = value
    if "taken_at" in found and (offset := tags.get(0x9011)) and _OFFSET.fullmatch(str(offset)):
        found["taken_at"] = f"{found['taken_at']}{offset}"
    return found


# Values --------------------------------------------------------------------------------------------------


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    shown = "".join(c for c in value if c.isprintable()).strip()
    return shown or None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or not 0 < value < 1e6:
        return None
    return float(f"{value:.4g}")


def _signed(value: Any) -> float | None:
    return float(f"{value:.3g}") if isinstance(value, int | float) and -20 <= value <= 20 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < 10_000_000 else None


def _fired(value: Any) -> bool | None:
    return bool(value & 1) if isinstance(value, int) else None


def _date(value: Any) -> str | None:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[1] == "0000":
        return None
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}:{match[6]}"


_FACTS: Final[Mapping[str, tuple[int, Callable[[Any], Value | None]]]] = {
    "make": (0x010F, _text),
    "model": (0x0110, _text),
    "lens": (0xA434, _text),
    "exposure_seconds": (0x829A, _number),
    "f_number": (0x829D, _number),
    "iso": (0x8827, _whole),
    "focal_length_mm": (0x920A, _number),
    "focal_length_35mm": (0xA405, _whole),
    "exposure_bias": (0x9204, _signed),
    "flash": (0x9209, _fired),
    "taken_at": (0x9003, _date),
}
_WANTED: Final = {tag for tag, _ in _FACTS.values()} | {_EXIF_DIRECTORY, 0x9011}


# Directories ---------------------------------------------------------------------------------------------


def _tags(block: bytes) -> dict[int, Value]:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return {}
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        found = dict(_directory(block, order, start))
        inner = found.get(_EXIF_DIRECTORY)
        if isinstance(inner, int):
            found |= dict(_directory(block, order, inner))
    except struct.error:
        return {}
    return found


def _directory(block: bytes, order: str, start: int) -> Iterator[tuple[int, Value]]:
    (count,) = struct.unpack_from(order + "H", block, start)
    for place in range(min(count, _MOST_ENTRIES)):
        at = start + 2 + 12 * place
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if tag not in _WANTED or kind not in _SIZES or not 0 < length <= _MOST_TEXT:
            continue
        size = _SIZES[kind] * length
        offset = at + 8 if size <= 4 else struct.unpack_from(order + "I", block, at + 8)[0]
        value = _value(block[offset : offset + size], order, kind, size)
        if value is not None:
            yield tag, value


def _value(data: bytes, order: str, kind: int, size: int) -> Value | None:
    if len(data) != size:
        return None
    if kind == 2:
        return data.partition(b"\0")[0].decode("utf-8", "replace")
    if kind in {3, 4}:
        return int(struct.unpack_from(order + ("H" if kind == 3 else "I"), data)[0])
    over, under = struct.unpack_from(order + ("II" if kind == 5 else "ii"), data)
    return over / under if under else None
