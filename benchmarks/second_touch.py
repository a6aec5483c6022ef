"""What does a further variant of a picture cost, when what its original's decode left is kept?

First in this process, CPU ms: decoding anew and opening what is kept (both to pixels in memory); a whole
variant from what is kept beside resize + encode from the same raster in memory; the likeness (mean SSIM) to
the variant from the original; and what keeping costs a first request, beside the raw libvips loop. Then the
whole server (its process tree), variants of originals that have been asked for twice, beside a server that
keeps nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.originals import chosen, cpu
from benchmarks.support import Promise, Report, Server, arguments, copies, median, publish, serving
from origin.imaging import decode, rasterfile, rasters, render, worker
from origin.imaging.encode import DEFAULT_QUALITY
from origin.imaging.model import Job, Keep, Limits, Source
from origin.imaging.plan import plan
from origin.imaging.savers import Saving, save
from urlspec.parse import parse
from urlspec.qualities import QualityValue

WIDTHS = (160, 320, 640, 960)
TOUCHED = (321, 641, 1281)
"""What was asked of an original before: after that its large raster is kept."""
PAIRS = 9
"""Small figures are medians of so many."""
DECODE, TOTAL, KEEPING, LIKE = 1 / 6, 1.15, 1.20, 0.985
"""What is promised: at most, at most, at most, at least."""


def job(width: int, path: str, kept: str = "", keep: Keep | None = None, form: str = "webp") -> Job:
    request = parse(f"/w_{width},f_{form}/x")
    return Job(request, {request.source: Source(path, None, (kept,) if kept else (), keep)}, limits=Limits())


def similarity(one: bytes, other: bytes) -> float:
    left, right = (
        pyvips.Image.new_from_buffer(data, "").colourspace("b-w")[0].cast("float") for data in (one, other)
    )

    def mean(image: Any) -> Any:
        return image.gaussblur(1.5, precision="float")

    here, there = mean(left), mean(right)
    spread = mean(left * left) - here * here + mean(right * right) - there * there
    alike = (here * there * 2 + 6.5025) * ((mean(left * right) - here * there) * 2 + 58.5225)
    return float((alike / ((here * here + there * there + 6.5025) * (spread + 58.5225))).avg())


class Parts:
    """The parts of one variant of one photograph."""

    def __init__(self, photo: Path, width: int, kept: Path) -> None:
        self.photo, self.width, self.kept = str(photo), width, str(kept)
        self.request = parse(f"/w_{width},f_webp/x")
        header = decode.probe(self.photo, Limits())
        self.plan = plan(self.request, {self.request.source: header}, Limits())
        self.job = job(width, "", self.kept)
        self.raster = self.opened()

    def decoded(self) -> Any:
        return decode.load(self.plan.load, self.photo)[0].copy_memory()

    def opened(self) -> Any:
        raster = rasterfile.read(self.kept)
        assert raster is not None
        with raster:
            return rasters.best([raster], self.plan).copy().copy_memory()

    def from_kept(self) -> bytes:
        done = render.render_kept(self.job)
        assert done is not None
        return done.body

    def from_memory(self) -> None:
        image, size = self.raster, self.plan.size
        small = image.resize(size.width / image.width, vscale=size.height / image.height)
        save("webp", small, Saving(QualityValue(DEFAULT_QUALITY["webp"])))

    def likeness(self) -> float:
        kept = render.render_kept(job(self.width, "", self.kept, form="png"))
        assert kept is not None
        return similarity(kept.body, worker.render(job(self.width, self.photo, form="png")).body)


def in_process(photo: Path, folder: Path, rounds: int) -> tuple[list[list[str]], dict[str, float]]:
    kept = folder / f"{photo.stem}.kept"
    kept.touch()
    worker.render(job(TOUCHED[0], str(photo), keep=Keep(str(kept), wide=True)))
    rows, worst = [], {"decode": 0.0, "total": 0.0, "likeness": 1.0}
    for width in WIDTHS:
        parts = Parts(photo, width, kept)
        found: dict[str, list[float]] = {name: [] for name in ("decode", "open", "kept", "memory")}
        for _ in range(rounds):
            found["decode"].append(cpu(parts.decoded)[0])
            found["open"].append(cpu(parts.opened)[0])
            pairs = [(cpu(parts.from_kept)[0], cpu(parts.from_memory)[0]) for _ in range(PAIRS)]
            found["kept"].append(median([pair[0] for pair in pairs]))
            found["memory"].append(median([pair[1] for pair in pairs]))
        share = median([a / b for a, b in zip(found["open"], found["decode"], strict=True)])
        total = median([a / b for a, b in zip(found["kept"], found["memory"], strict=True)])
        like = parts.likeness()
        worst = {
            "decode": max(worst["decode"], share),
            "total": max(worst["total"], total),
            "likeness": min(worst["likeness"], like),
        }
        figures = [f"{median(found[name]):.1f}" for name in ("decode", "open", "memory", "kept")]
        rows.append([photo.stem, str(width), *figures, f"1/{1 / share:.0f}", f"{total:.2f}", f"{like:.4f}"])
    return rows, worst


def keeping(photo: Path, folder: Path, rounds: int) -> float:
    """CPU of a first render that keeps what falls out, in times of the raw libvips loop."""
    found = []
    for number in range(rounds):
        target = folder / f"{photo.stem}-{number}.first"
        target.touch()

        def raw() -> None:
            image = pyvips.Image.thumbnail(
                str(photo), TOUCHED[0], height=10_000_000, size="down", fail_on="error"
            )
            image.webpsave_buffer(Q=DEFAULT_QUALITY["webp"], effort=2, keep="none")

        base, _ = cpu(raw)
        ours, _ = cpu(lambda: worker.render(job(TOUCHED[0], str(photo), keep=Keep(str(target)))))  # noqa: B023
        found.append(ours / base)
    return median(found)


def served(server: Server, names: Sequence[str], width: int) -> float:
    """CPU-milliseconds of the server for one variant."""
    before = server.cpu()
    for name in names:
        status, headers, _ = server.get(f"/w_{width},f_webp/@photos/{name}")
        assert (status, headers["x-cache"]) == (200, "render"), (status, headers)
    return (server.cpu() - before) * 1000 / len(names)


def through_servers(photo: Path, folder: Path, rounds: int, repeat: int) -> dict[int, tuple[float, float]]:
    """By width: CPU of a variant with nothing kept, and of one from what is kept."""
    pictures = folder / f"{photo.stem}-copies"
    pictures.mkdir()
    batches = [
        [path.name for path in copies(photo, pictures / str(number), repeat)]
        for number in range(rounds)
        if not (pictures / str(number)).mkdir()  # type: ignore[func-returns-value]
    ]
    named = f"photos=file://{pictures}"
    found: dict[int, tuple[list[float], list[float]]] = {width: ([], []) for width in WIDTHS}
    data = folder / f"{photo.stem}-data"
    with (
        serving(data / "plain", ORIGIN_SOURCES=named, ORIGIN_RASTER_BYTES="0") as plain,
        serving(data / "keeping", ORIGIN_SOURCES=named) as keeping_one,
    ):
        for number, batch in enumerate(batches):
            names = [f"{number}/{name}" for name in batch]
            for server in (plain, keeping_one):
                for width in TOUCHED:
                    served(server, names, width)
            for width in WIDTHS:
                found[width][0].append(served(plain, names, width))
                found[width][1].append(served(keeping_one, names, width))
    return {width: (median(fresh), median(kept)) for width, (fresh, kept) in found.items()}


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--photos", type=int, default=3, help="corpus photographs; a busy one is added")
    parser.add_argument("--repeat", type=int, default=4, help="originals in a round, of the servers")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    rows: list[list[str]] = []
    worst = {"decode": 0.0, "total": 0.0, "likeness": 1.0, "keeping": 0.0}
    bars: dict[str, dict[str, float]] = {"nothing kept": {}, "kept": {}}
    lines = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for photo in chosen(folder, options.photos):
            found, bounds = in_process(photo, folder, options.rounds)
            first = keeping(photo, folder, options.rounds)
            servers = through_servers(photo, folder, options.rounds, options.repeat)
            for row, width in zip(found, WIDTHS, strict=True):
                fresh, kept = servers[width]
                rows.append([*row, f"{fresh:.1f}", f"{kept:.1f}", f"{fresh / kept:.1f}"])
                label = f"{photo.stem[:18]} {width}"
                bars["nothing kept"][label], bars["kept"][label] = fresh, kept
            worst["decode"] = max(worst["decode"], bounds["decode"])
            worst["total"] = max(worst["total"], bounds["total"])
            worst["likeness"] = min(worst["likeness"], bounds["likeness"])
            worst["keeping"] = max(worst["keeping"], first)
            lines.append(f"{photo.stem}: a first render that keeps costs {first:.2f} of the raw loop")
    head = ["photo", "px", "decode", "open", "memory", "kept", "open:decode", "kept:memory", "SSIM"]
    head += ["server", "keeping", "times"]
    title = f"CPU ms of a further WebP variant, medians of {options.rounds} rounds"
    promises = [
        Promise("opening what is kept beside decoding, at worst", worst["decode"], most=DECODE, unit="×"),
        Promise("a variant from what is kept beside one from memory", worst["total"], most=TOTAL, unit="×"),
        Promise("a first render that keeps beside the raw loop", worst["keeping"], most=KEEPING, unit="×"),
        Promise("SSIM of a variant from what is kept to the direct one", worst["likeness"], least=LIKE),
    ]
    publish(Report("second_touch", title, head, rows, "ms", bars, worst, promises=promises), options)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
