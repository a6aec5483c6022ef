"""Originals for the benchmarks that decode in their own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.support import busy, photos

T = TypeVar("T")


def chosen(folder: Path, most: int) -> list[Path]:
    """At most so many baseline photographs, the largest first, and a busy one, made in ``folder``."""
    found = sorted(photos(progressive=False), key=lambda path: -path.stat().st_size)[:most]
    return [*found, busy(found[0], folder)]


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    """CPU-milliseconds of this process, and the result."""
    started = time.process_time()
    done = work()
    return (time.process_time() - started) * 1000, done
