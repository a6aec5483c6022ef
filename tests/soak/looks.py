"""Whether a picture is the one that was made in peace.

The same URL may come with other bytes: made with less effort while renders queue up, or from what was kept of
its original when that was decoded. So bytes that nobody has seen yet are looked at.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.support import pictures

CELLS: Final = 12
"""Along each side at most: what is compared are the mean colours of that many fields."""
LEAST: Final = 8
"""Pixels along a field's side at least: single ones are the encoder's to decide, with less effort more so."""
FAR: Final = 16.0
"""Difference of a field, of 255, above which it shows something else. A field without its picture differs by
more, one that was made of other pixels of the same picture by a few."""


@dataclass
class Looks:
    """What each URL shows, by the hash of its bytes."""

    _first: dict[str, bytes] = field(default_factory=dict)
    _known: dict[str, set[bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    farthest: float = 0.0
    """The largest difference of a field so far that passed."""

    def __len__(self) -> int:
        return len(self._first)

    def targets(self) -> list[str]:
        return list(self._first)

    @property
    def others(self) -> int:
        """Pictures that came with bytes of their own, and looked right."""
        return sum(len(known) - 1 for known in self._known.values())

    def learn(self, target: str, body: bytes) -> None:
        self._first[target] = body
        self._known[target] = {_hash(body)}

    def fault(self, target: str, body: bytes) -> str:
        """What is wrong with an answer; nothing when it is what it was, or looks like it."""
        digest = _hash(body)
        with self._lock:
            if digest in self._known[target]:
                return ""
        distance, fault = _compared(self._first[target], body)
        if not fault:
            with self._lock:
                self._known[target].add(digest)
                self.farthest = max(self.farthest, distance)
        return fault


def _compared(first: bytes, other: bytes) -> tuple[float, str]:
    if first[:1] == b"{":
        return 0.0, "" if _facts(first) == _facts(other) else "says something else"
    try:
        one, two = _fields(first), _fields(other)
    except Exception as error:  # whatever libvips says: it is no picture
        return 0.0, f"cannot be read: {error}"
    if one[0] != two[0]:
        return 0.0, f"is of another kind, {two[0]} for {one[0]}"
    distance = float(np.abs(one[1] - two[1]).max())
    return distance, f"differs by {distance:.0f}" if distance > FAR else ""


def _fields(data: bytes) -> tuple[tuple[Any, ...], NDArray[np.float64]]:
    """Format, size and frames; and the mean colours of the first frame's fields, with alpha multiplied in."""
    header = pictures.header(data)
    frames = header.get("n-pages") if header.get_typeof("n-pages") else 1
    pixels = pictures.decode(data).astype(np.float64)
    if pixels.shape[2] in {2, 4}:
        pixels[:, :, :-1] *= pixels[:, :, -1:] / 255
    if pixels.shape[2] < 3:  # grey comes with one band or with three
        pixels = np.concatenate([np.repeat(pixels[:, :, :1], 3, axis=2), pixels[:, :, 1:]], axis=2)
    height, width, bands = pixels.shape
    rows, columns = (
        np.linspace(0, side, max(1, min(CELLS, side // LEAST)) + 1).astype(int)[:-1]
        for side in (height, width)
    )
    sums = np.add.reduceat(np.add.reduceat(pixels, rows, axis=0), columns, axis=1)
    areas = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))[:, :, np.newaxis]
    return (header.get("vips-loader"), width, height, bands, frames), sums / areas


def _facts(body: bytes) -> Any:
    """Of a description, what is not about the coded bytes."""
    told = json.loads(body)
    return {name: value for name, value in told.items() if name not in {"bytes", "etag"}}


def _hash(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
