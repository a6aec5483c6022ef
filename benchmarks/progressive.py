"""What does it save to read only the scans that a thumbnail is made of?

Every progressive photograph of the corpus is decoded at an eighth of its size, from the whole file and from
the part that `origin.imaging.progressive` makes of it; making it is counted. CPU time, interleaved, with the
memory allocator of render workers. Beside it stands how the results look that the two give at half of the
decoded size, the largest made from an eighth.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pyvips
from ssimulacra2 import compute_ssimulacra2

from benchmarks.support import Promise, Report, arguments, median, photos, publish
from origin.imaging.pool import tame_allocator
from origin.imaging.progressive import SHRINK, shortened

LEAST = 2.0
"""Times faster, of what cameras and websites write."""


def from_all(path: Path) -> Any:
    return pyvips.Image.jpegload(str(path), shrink=SHRINK, access="sequential").copy_memory()


def from_part(path: Path) -> Any:
    short = shortened(path.read_bytes())
    assert short is not None
    return pyvips.Image.jpegload_buffer(short, shrink=SHRINK, access="sequential").copy_memory()


def cpu(decode: Callable[[Path], Any], path: Path) -> float:
    started = time.process_time()
    decode(path)
    return time.process_time() - started


def looks(path: Path, folder: Path) -> tuple[float, float]:
    """Root of the mean square of the differences (of 255), and SSIMULACRA2."""
    images = [decode(path).resize(0.5) for decode in (from_all, from_part)]
    for number, image in enumerate(images):
        image.write_to_file(str(folder / f"{number}.png"))
    apart = images[0].cast("float") - images[1].cast("float")
    points = compute_ssimulacra2(str(folder / "0.png"), str(folder / "1.png"))
    return float((apart * apart).avg() ** 0.5), float(points)


def as_workers_do() -> None:
    """Begin again with the allocator's settings of render workers, which are read when a process starts."""
    before = dict(os.environ)
    tame_allocator()
    if dict(os.environ) != before:
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.progressive", *sys.argv[1:]])


def main() -> None:
    as_workers_do()
    options = arguments(__doc__, rounds=9).parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    rows: list[list[str]] = []
    ratios: dict[str, float] = {}
    bars: dict[str, dict[str, float]] = {"whole file": {}, "scans needed": {}}
    with TemporaryDirectory() as folder:
        for photo in photos(progressive=True):
            data = photo.read_bytes()
            part = len(shortened(data) or b"") / len(data)
            for decode in (from_all, from_part):
                decode(photo)
            times = [(cpu(from_all, photo), cpu(from_part, photo)) for _ in range(options.rounds)]
            whole, needed = (1000 * median([pair[side] for pair in times]) for side in (0, 1))
            ratios[photo.stem] = median([one / other for one, other in times])
            error, points = looks(photo, Path(folder))
            rows.append(
                [
                    photo.stem,
                    f"{100 * part:.0f} %",
                    f"{whole:.0f}",
                    f"{needed:.0f}",
                    f"{ratios[photo.stem]:.2f}",
                    f"{error:.2f}",
                    f"{points:.1f}",
                ]
            )
            bars["whole file"][photo.stem], bars["scans needed"][photo.stem] = whole, needed
    title = f"Decoding a progressive JPEG at 1/8: all scans or those that are needed, {options.rounds} rounds"
    head = ["photo", "bytes", "whole, ms", "part, ms", "times faster", "RMSE", "SSIMULACRA2"]
    promises = [
        Promise(f"decoding a progressive original at 1/8 is faster: {name}", ratio, least=LEAST, unit="×")
        for name, ratio in ratios.items()
    ]
    publish(Report("progressive", title, head, rows, "ms", bars, promises=promises), options)


if __name__ == "__main__":
    main()
