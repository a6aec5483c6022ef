"""Do the sizes of a srcset share one decode?

Eight widths of one original, asked at once as clients do, CPU of the whole server (its process tree). Beside
it what libvips alone takes in this process for one decode, at the scale that the largest needs, then eight
times resize and encode from it, with the same settings; and beside a server that keeps nothing, which renders
every width from the original.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.originals import chosen, cpu
from benchmarks.support import Promise, Report, Server, arguments, copies, median, publish, serving
from origin.imaging import decode
from origin.imaging.encode import DEFAULT_QUALITY
from origin.imaging.model import Limits
from origin.imaging.plan import plan
from origin.imaging.savers import Saving, save
from urlspec.parse import parse
from urlspec.qualities import QualityValue

SETS = {
    "160-640": (160, 240, 320, 400, 480, 520, 560, 640),
    "160-1600": (160, 240, 320, 480, 640, 960, 1280, 1600),
}
FORMATS = ("webp", "jpeg")
Cell = tuple[Path, str, str]
MOST = 1.15
"""Times one decode and eight resizes and encodes."""


def by_hand(photo: Path, widths: Sequence[int], form: str) -> None:
    """One decode, as we would decode for the largest; the others are made from the same pixels."""
    request = parse(f"/w_{max(widths)},f_{form}/x")
    planned = plan(request, {request.source: decode.probe(str(photo), Limits())}, Limits())
    pixels = decode.load(planned.load, str(photo))[0].copy_memory()
    for width in widths:
        planned = plan(parse(f"/w_{width},f_{form}/x"), {request.source: planned.load.header}, Limits())
        size = planned.size
        small = pixels.resize(size.width / pixels.width, vscale=size.height / pixels.height)
        save(form, small, Saving(QualityValue(DEFAULT_QUALITY[form])))


def served(server: Server, name: str, widths: Sequence[int], form: str) -> float:
    """CPU-milliseconds for all widths, asked at once."""
    before = server.cpu()
    with ThreadPoolExecutor(len(widths)) as pool:
        paths = [f"/w_{width},f_{form}/@photos/{name}" for width in widths]
        for status, headers, _ in pool.map(server.get, paths):
            assert (status, headers["x-cache"]) == (200, "render"), (status, headers)
    time.sleep(0.02)
    return (server.cpu() - before) * 1000


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--photos", type=int, default=3, help="corpus photographs; a busy one is added")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    rows: list[list[str]] = []
    bars: dict[str, dict[str, float]] = {"eight renders": {}, "together": {}, "libvips, one decode": {}}
    worst = 0.0
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pictures = folder / "pictures"
        pictures.mkdir()
        photos = chosen(folder, options.photos)
        cells = [(photo, name, form) for photo in photos for name in SETS for form in FORMATS]
        files = {
            photo: copies(photo, pictures, options.rounds * len(SETS) * len(FORMATS) + 1) for photo in photos
        }
        common = {"ORIGIN_SOURCES": f"photos=file://{pictures}", "ORIGIN_QUEUE": "64"}
        with (
            serving(folder / "keeping", **common) as keeping,
            serving(folder / "plain", **common, ORIGIN_RASTER_BYTES="0") as plain,
        ):
            for photo in photos:  # warm
                for server in (keeping, plain):
                    served(server, files[photo][-1].name, SETS["160-640"], "webp")
            found: dict[tuple[Path, str, str], list[tuple[float, float, float]]] = {
                cell: [] for cell in cells
            }
            for _ in range(options.rounds):
                for photo, name, form in cells:
                    file, widths = files[photo].pop(0), SETS[name]
                    together = served(keeping, file.name, widths, form)
                    apart = served(plain, file.name, widths, form)
                    base, _none = cpu(lambda: by_hand(file, widths, form))  # noqa: B023
                    found[photo, name, form].append((together, apart, base))
        for photo, name, form in cells:
            measured = found[photo, name, form]
            together, apart, base = (median([one[place] for one in measured]) for place in range(3))
            ratio = median([one[0] / one[2] for one in measured])
            gain = median([one[1] / one[0] for one in measured])
            worst = max(worst, ratio)
            rows.append(
                [
                    photo.stem,
                    name,
                    form,
                    f"{base:.0f}",
                    f"{together:.0f}",
                    f"{ratio:.2f}",
                    f"{apart:.0f}",
                    f"{gain:.1f}",
                ]
            )
            if form == "webp":
                label = f"{photo.stem[:18]} {name}"
                for series, value in zip(bars, (apart, together, base), strict=True):
                    bars[series][label] = value
    head = ["photo", "widths", "format", "one decode", "together", "ratio", "eight renders", "times"]
    title = f"CPU ms of a srcset of 8 widths, medians of {options.rounds} rounds"
    promise = Promise(
        "a srcset of 8 beside one decode, 8 resizes and 8 encodes, at worst", worst, most=MOST, unit="×"
    )
    figures = {"worst ratio": worst}
    publish(Report("srcset", title, head, rows, "ms", bars, figures, promises=[promise]), options)


if __name__ == "__main__":
    main()
