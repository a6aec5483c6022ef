"""The blocks of a GIF file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

EXTENSION: Final = 0x21
IMAGE: Final = 0x2C
TRAILER: Final = 0x3B


class Block(NamedTuple):
    introducer: int
    start: int
    end: int


def blocks(data: bytes) -> Iterator[Block]:
    """Everything after the header and its colour table, to the trailer.

    Raises IndexError when the file ends inside a block, ValueError when there is none where one should be.
    """
    at = first_block(data)
    while True:
        start, introducer = at, data[at]
        if introducer == TRAILER:
            yield Block(introducer, start, start + 1)
            return
        if introducer == IMAGE:
            at = _end(data, at + 10 + _colours(data[at + 9]) + 1)
        elif introducer == EXTENSION:
            at = _end(data, at + 2)
        else:
            raise ValueError(f"no GIF block begins with {introducer:#x}")
        yield Block(introducer, start, at)


def first_block(data: bytes) -> int:
    return 13 + _colours(data[10])


def is_whole(data: bytes) -> bool:
    """False when the file ends inside a block. A missing trailer alone is forgiven, as browsers do.

    libvips shows the frames that are there and says nothing.
    """
    end = 0
    try:
        for block in blocks(data):
            end = block.end
    except IndexError:
        return end == len(data)
    except ValueError:
        return True  # junk after the last frame is the decoder's business
    return True


def _colours(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end(data: bytes, at: int) -> int:
    """Behind a run of sub-blocks."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
