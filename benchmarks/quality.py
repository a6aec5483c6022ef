"""Does q_auto look alike over pictures, and what does it save?

Every corpus photograph at one width in every lossy format, at each grade of `q_auto` and at `q_80`: bits a
pixel, and how near the result is to the same picture written without loss, as SSIMULACRA2 (100 is the same,
90 hardly to be told apart, 70 good). A grade keeps its promise when the spread is small: a fixed number looks
good on one picture and poor on the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pyvips
from ssimulacra2 import compute_ssimulacra2

from benchmarks.support import Report, arguments, photos, publish
from origin.imaging import worker
from origin.imaging.model import Job, Source
from urlspec.parse import parse
from urlspec.sources import AssetRef

FORMATS = ("jpg", "webp", "avif")
SETTINGS = ("q_80", "q_auto:best", "q_auto", "q_auto:eco", "q_auto:low")


@dataclass(frozen=True)
class Seen:
    """One result."""

    format: str
    setting: str
    photo: str
    bits: float
    """A pixel."""
    closeness: float
    """SSIMULACRA2."""
    seconds: float
    """Of CPU-bound encoding, the search included."""


def rendered(photo: Path, chain: str) -> tuple[bytes, float]:
    request = parse(f"/{chain}/photo")
    made = worker.render(Job(request, {AssetRef("photo"): Source(str(photo))}))
    return made.body, made.seconds["encode"]


def seen(photo: Path, width: int, folder: Path) -> Iterable[Seen]:
    """Every format and setting of one photograph."""
    original, result = folder / "original.png", folder / "result.png"
    original.write_bytes(rendered(photo, f"w_{width},h_{width},f_png")[0])
    for form in FORMATS:
        for setting in SETTINGS:
            body, seconds = rendered(photo, f"w_{width},h_{width},f_{form},{setting}")
            image = pyvips.Image.new_from_buffer(body, "")
            image.colourspace("srgb").write_to_file(str(result))
            score = float(compute_ssimulacra2(str(original), str(result)))
            bits = 8 * len(body) / (image.width * image.height)
            yield Seen(form, setting, photo.stem, bits, score, seconds)


def rows(found: list[Seen]) -> list[list[str]]:
    lines = []
    for form in FORMATS:
        for setting in SETTINGS:
            some = [one for one in found if one.format == form and one.setting == setting]
            scores = closeness(found, form, setting)
            lines.append(
                [
                    form,
                    setting,
                    f"{mean(one.bits for one in some):.2f}",
                    f"{mean(scores):.1f}",
                    f"{stdev(scores):.1f}" if len(scores) > 1 else "",
                    f"{min(scores):.1f}",
                    f"{max(scores):.1f}",
                    f"{1000 * mean(one.seconds for one in some):.0f}",
                ]
            )
    return lines


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--width", type=int, default=640, help="of the box, at least 512 for the metric")
    parser.add_argument("--short", action="store_true", help="three photographs only")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    chosen = sorted([*photos(progressive=False), *photos(progressive=True)])[:: 4 if options.short else 1]
    with TemporaryDirectory() as folder:
        found = [one for photo in chosen for one in seen(photo, options.width, Path(folder))]
    title = f"SSIMULACRA2 beside the picture before coding: {len(chosen)} photographs in {options.width} px"
    head = ["format", "quality", "bits/px", "mean", "spread", "least", "most", "encode ms"]
    bars = {
        form: {setting: mean(closeness(found, form, setting)) for setting in SETTINGS} for form in FORMATS
    }
    publish(Report("quality", title, head, rows(found), "points", bars), options)


def closeness(found: list[Seen], form: str, setting: str) -> list[float]:
    return [one.closeness for one in found if one.format == form and one.setting == setting]


if __name__ == "__main__":
    main()
