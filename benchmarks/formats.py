"""What does each format and each effort cost at equal looks?

Photographs of the corpus at one width are written at three levels with every effort; between them the level
is found at which the result scores the wanted points of SSIMULACRA2 beside the picture before coding. Shown
are its bits a pixel and its CPU time for a megapixel, as means over the photographs. `origin.imaging.efforts`
chooses from this table.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyvips
from ssimulacra2 import compute_ssimulacra2

from benchmarks.support import Report, arguments, photos, publish
from origin.imaging.efforts import effort
from origin.imaging.savers import Saving, save
from urlspec.qualities import QualityValue

LEVELS = {"jpeg": (55, 72, 85), "webp": (45, 65, 85), "avif": (42, 55, 68)}
EFFORTS = {"jpeg": (0, 1), "webp": (0, 1, 2, 3, 4), "avif": (0, 1, 2, 3)}
Seen = tuple[float, float, float]
"""Points, bits a pixel, seconds of CPU a megapixel."""


def seen(name: str, effort: int, quality: int, image: Any, original: Path, tries: int) -> Seen:
    pixels = image.width * image.height
    saving = Saving(QualityValue(quality), effort=effort)
    seconds = []
    for _ in range(tries):
        started = time.process_time()
        body = save(name, image, saving)
        seconds.append(time.process_time() - started)
    result = original.with_name("result.png")
    pyvips.Image.new_from_buffer(body, "").write_to_file(str(result), compression=1)
    points = float(compute_ssimulacra2(str(original), str(result)))
    return points, 8 * len(body) / pixels, min(seconds) * 1e6 / pixels


def at(points: float, found: Sequence[Seen]) -> tuple[float, float]:
    """Bits a pixel and seconds a megapixel at the wanted score, between the levels that were tried."""
    scores, bits, seconds = (list(column) for column in zip(*found, strict=True))
    return float(np.exp(np.interp(points, scores, np.log(bits)))), float(np.interp(points, scores, seconds))


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--width", type=int, default=640, help="of the pictures")
    parser.add_argument("--points", type=float, default=70, help="of SSIMULACRA2")
    parser.add_argument("--short", action="store_true", help="two photographs only")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    chosen = photos(progressive=False)[: 2 if options.short else None]
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with TemporaryDirectory() as folder:
        original = Path(folder) / "original.png"
        for photo in chosen:
            image = pyvips.Image.thumbnail(str(photo), options.width, height=options.width).copy_memory()
            image.write_to_file(str(original))
            for name, levels in LEVELS.items():
                for number in EFFORTS[name]:
                    tried = [
                        seen(name, number, quality, image, original, options.rounds) for quality in levels
                    ]
                    found.setdefault((name, number), []).append(at(options.points, tried))
    pixels = image.width * image.height
    base = fmean(bits for bits, _ in found["jpeg", 1])
    rows: list[list[str]] = []
    bars: dict[str, dict[str, float]] = {"bytes beside JPEG": {}}
    for (name, number), each in found.items():
        bits, seconds = fmean(one for one, _ in each), fmean(one for _, one in each)
        uses = [one for one in ("hurried", "usual", "thorough") if effort(name, pixels, one) == number]
        rows.append(
            [name, str(number), f"{bits:.3f}", f"{bits / base:.2f}", f"{1000 * seconds:.0f}", " ".join(uses)]
        )
        bars["bytes beside JPEG"][f"{name} {number}"] = 100 * bits / base
    title = (
        f"Bytes at {options.points:g} points of SSIMULACRA2: {len(chosen)} photographs, {options.width} px"
    )
    head = ["format", "effort", "bits/px", "beside JPEG", "CPU ms/MP", f"at {image.width}x{image.height}"]
    figures = {f"{row[0]} {row[1]}": float(row[3]) for row in rows}
    publish(Report("formats", title, head, rows, "%", bars, figures), options)


if __name__ == "__main__":
    main()
