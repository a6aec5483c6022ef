"""Which font families there are, read from the font files' own name tables.

libvips hands any family to fontconfig, which silently takes another one for a name it does not know; who
asks for a font that is not installed is told so.
"""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

FALLBACK: Final = "DejaVu Sans"
"""Used for a family that is not installed; fontconfig replaces it where it is not installed either."""

_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FONTS: Final = 20_000
_FAMILY: Final = (1, 16)
"""Name ids: the family, and the family that groups more than four styles."""


def installed(extra: str | None = None) -> Mapping[str, str]:
    """Family names by their case-folded form: the system's folders, and ``extra``."""
    system = _families_in(*_system_folders())
    return {**_families_in(extra), **system} if extra else system


@functools.lru_cache(maxsize=8)
def _families_in(*folders: str) -> Mapping[str, str]:
    """Read once in a process: a thousand fonts take a third of a second."""
    return {family.casefold(): family for file in _files(folders) for family in families_of(file)}


@functools.lru_cache(maxsize=64)
def font_files(family: str, extra: str | None) -> tuple[str, ...]:
    """The files of ``family`` in the extra folder: fontconfig knows the others by itself."""
    if extra is None:
        return ()
    return tuple(
        str(file)
        for file in _files([extra])
        if family.casefold() in {name.casefold() for name in families_of(file)}
    )


def families_of(file: Path) -> frozenset[str]:
    """The families that a TrueType or OpenType file or collection holds; none for a file that is neither."""
    try:
        with file.open("rb") as opened:
            data = opened.read(1 << 16)
            fonts = [0]
            if data[:4] == b"ttcf":
                (count,) = struct.unpack_from(">I", data, 8)
                fonts = list(struct.unpack_from(f">{min(count, 64)}I", data, 12))
            names: set[str] = set()
            for start in fonts:
                offset, length = _name_table(data, start)
                opened.seek(offset)
                names.update(_families(opened.read(min(length, 1 << 20))))
            return frozenset(names)
    except (OSError, struct.error, LookupError, UnicodeDecodeError):
        return frozenset()


def _name_table(data: bytes, start: int) -> tuple[int, int]:
    (count,) = struct.unpack_from(">H", data, start + 4)
    for index in range(count):
        tag, _, offset, length = struct.unpack_from(">4s3I", data, start + 12 + 16 * index)
        if tag == b"name":
            return offset, length
    raise LookupError("name")


def _families(table: bytes) -> Iterator[str]:
    _, count, strings = struct.unpack_from(">3H", table)
    for index in range(count):
        platform, _, _, name, length, offset = struct.unpack_from(">6H", table, 6 + 12 * index)
        if name in _FAMILY:
            text = table[strings + offset : strings + offset + length]
            yield text.decode("latin-1" if platform == 1 else "utf-16-be").strip("\0")


def _system_folders() -> list[str]:
    """Where fontconfig looks, unless it is told otherwise."""
    home = Path.home()
    shared = os.environ.get("XDG_DATA_HOME", str(home / ".local/share"))
    return ["/usr/share/fonts", "/usr/local/share/fonts", str(home / ".fonts"), f"{shared}/fonts"]


def _files(folders: Sequence[str]) -> Iterator[Path]:
    found = 0
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in sorted(names):
                if Path(name).suffix.lower() in _SUFFIXES and found < _MOST_FONTS:
                    found += 1
                    yield Path(parent, name)
