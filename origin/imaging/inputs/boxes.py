"""The boxes of ISO base media files (ISO/IEC 14496-12), of which JPEG XL's container is one."""

from __future__ import annotations

import struct
from collections.abc import Iterator


def boxes(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, start, start of the content and end of every box. Raises ValueError or struct.error."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        end = len(data) if size == 0 else at + size
        if end < body or end > len(data):
            raise ValueError("a box beyond the end")
        yield name, at, body, end
        at = end
