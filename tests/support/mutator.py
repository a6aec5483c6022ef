"""Files that something has happened to: seeded, so that the same number gives the same file."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

LARGEST: Final = 256 << 10
"""Bytes of a file that mutants are made from: a small file has been through as much code as a large one."""
_HEAD: Final = 256
"""Bytes in which a format says what follows: hit more often than the pixels."""
_EXTREMES: Final = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x8000_0000, 0x1_0000)


def seeds(corpus: Path) -> list[Path]:
    """The files that mutants are made from."""
    return sorted(
        path
        for path in corpus.rglob("*")
        if path.is_file() and path.suffix not in {".json", ".md"} and 0 < path.stat().st_size <= LARGEST
    )


def mutants(files: Sequence[Path], count: int, seed: int = 1, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """``count`` mutants from number ``start`` on, each with a name that says what it was made from."""
    for number in range(start, start + count):
        drawn = random.Random(seed << 32 | number)
        origin = drawn.choice(files)
        yield f"{number:06}-{origin.name}", mutant(origin.read_bytes(), drawn, files)


def mutant(data: bytes, drawn: random.Random, files: Sequence[Path]) -> bytes:
    changed = bytearray(data)
    for _ in range(drawn.choice([1, 1, 1, 2, 4])):
        if changed:
            drawn.choice(_KINDS)(changed, drawn, files)
    return bytes(changed)


def _place(data: bytearray, drawn: random.Random) -> int:
    return drawn.randrange(min(len(data), _HEAD) if drawn.random() < 0.5 else len(data))


def _flip(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    for _number in range(drawn.choice([1, 1, 2, 8, 64])):
        data[_place(data, drawn)] ^= 1 << drawn.randrange(8)


def _cut(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    del data[_place(data, drawn) :]


def _lose(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    at = _place(data, drawn)
    del data[at : at + drawn.choice([1, 2, 4, 16, 256, 4_096])]


def _double(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    at = _place(data, drawn)
    piece = data[at : at + drawn.choice([1, 4, 16, 256, 4_096])]
    data[at:at] = piece * drawn.choice([1, 1, 2, 50])


def _blank(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    at = _place(data, drawn)
    end = min(len(data), at + drawn.choice([4, 16, 256, 4_096, len(data)]))
    data[at:end] = drawn.choice([b"\0", b"\xff"]) * (end - at)


def _splice(data: bytearray, drawn: random.Random, files: Sequence[Path]) -> None:
    """A piece of another file takes the place of as much of this one."""
    other = drawn.choice(files).read_bytes()
    start = drawn.randrange(len(other))
    piece = other[start : start + drawn.choice([8, 64, 1_024, len(other)])]
    at = _place(data, drawn)
    data[at : at + len(piece)] = piece


def _lie(data: bytearray, drawn: random.Random, _: Sequence[Path]) -> None:
    """What may be a length, a side or an offset becomes another."""
    at, size = _place(data, drawn), drawn.choice([1, 2, 4, 4])
    value = drawn.choice([*_EXTREMES, len(data), len(data) - at, drawn.getrandbits(32)])
    data[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, drawn.choice(["big", "little"]))


_KINDS: Final[Sequence[Callable[[bytearray, random.Random, Sequence[Path]], None]]] = (
    _flip, _flip, _cut, _lose, _double, _blank, _splice, _lie, _lie,
)  # fmt: skip
