"""Originals for the benchmarks that decode in their own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyvips

from benchmarks.support import photos

T = TypeVar("T")


def busy(photo: Path, target: Path) -> Path:
    """A photograph with a sensor's noise at high quality: what cameras write, where the corpus is mild."""
    image = pyvips.Image.new_from_file(str(photo))
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=9, seed=1)
    (image + noise).cast("uchar").copy(interpretation="srgb").jpegsave(str(target), Q=96)
    return target


def chosen(folder: Path, most: int) -> list[Path]:
    """At most so many baseline photographs, the largest first, and a busy one, made in ``folder``."""
    found = sorted(photos(progressive=False), key=lambda path: -path.stat().st_size)[:most]
    return [*found, busy(found[0], folder / "busy.jpg")]


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    """CPU-milliseconds of this process, and the result."""
    started = time.process_time()
    done = work()
    return (time.process_time() - started) * 1000, done
