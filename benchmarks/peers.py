"""Ours beside ipx (sharp), thumbor, nginx image_filter; imgproxy and imagor where their programs are there.

CPU per original of every server's whole process tree, in interleaved rounds on the same files. Every one of
them reads a folder and keeps nothing but what it keeps by itself; ours is there a second time without kept
rasters. "Same" and "busy" cells ask all for the same quality, "defaults" for none; shrink on load, effort and
sharpening are as each of them ships. The corpus is mild, so a busy original (noise, quality 96) is measured
apart. In brackets: in times of ours; below 1 we lose. Behind it SSIMULACRA2 beside the original at that size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.contenders import QUALITY, Contender, Running, peers, running
from benchmarks.support import (
    Promise,
    Report,
    arguments,
    busy,
    copies,
    median,
    photos,
    publish,
    serving,
    table,
)
from benchmarks.support.looks import Judge

JUDGED = 2
"""Originals of a cell whose pictures are compared."""

SRCSET = (160, 320, 480, 640, 800, 1_080, 1_280, 1_600)


@dataclass(frozen=True)
class Cell:
    """One question: which pictures of an original are asked for, and which have been asked before."""

    name: str
    format: str
    widths: tuple[int, ...]
    before: tuple[int, ...] = ()
    """Asked first, and not counted."""
    burst: bool = False
    """All at once, as a browser does, instead of one after the other."""
    defaults: bool = False
    """Every contender's own quality instead of one for all."""
    busy: bool = False
    """Of the busy original instead of the photographs."""

    def can(self, contender: Contender) -> bool:
        return self.format in contender.formats and not (self.defaults and contender.defaults is None)


def _of(kind: str, *, busy: bool = False) -> Iterator[Cell]:
    """What is asked of the photographs, and of the busy one."""
    for width in (320, 1_600):
        for form in ("webp", "jpg"):
            yield Cell(f"{kind}, cold {width} {form}", form, (width,), busy=busy)
    yield Cell(f"{kind}, third size 320 webp", "webp", (320,), before=(640, 480), busy=busy)
    for form in ("webp", "jpg"):
        yield Cell(f"{kind}, srcset of 8 {form}", form, SRCSET, burst=True, busy=busy)


CELLS = (
    *_of("same"),
    Cell("defaults, cold 320 webp", "webp", (320,), defaults=True),
    Cell("defaults, cold 320 jpg", "jpg", (320,), defaults=True),
    Cell("defaults, cold 1600 webp", "webp", (1_600,), defaults=True),
    *_of("busy", busy=True),
)


@dataclass
class Score:
    """What a contender took for a cell, and how its pictures look."""

    seconds: list[float] = field(default_factory=list)
    """CPU per original, one value a round."""
    size: int = 0
    """Bytes of all pictures of an original."""
    near: float = 0.0
    """SSIMULACRA2, the least of the smallest and the largest size."""
    light: float = 0.0
    """The same beside originals that were scaled in linear light, as none of the contenders does it."""

    @property
    def cpu(self) -> float:
        return median(self.seconds)

    def add(self, spent: Sequence[tuple[Path, float, Sequence[bytes]]]) -> None:
        self.seconds.append(sum(seconds for _, seconds, _ in spent) / len(spent))

    def look(self, cell: Cell, spent: Sequence[tuple[Path, float, Sequence[bytes]]], judge: Judge) -> None:
        """Look at the pictures. RuntimeError for wrong ones."""
        for photo, _, bodies in spent:
            checked(cell, photo, bodies)
        self.size = sum(len(body) for _, _, bodies in spent for body in bodies) // len(spent)
        seen = [(photo, body) for photo, _, bodies in spent[:JUDGED] for body in {bodies[0], bodies[-1]}]
        self.near = min(judge.near(photo, body) for photo, body in seen)
        self.light = min(judge.near(photo, body, linear=True) for photo, body in seen)


Scores = dict[tuple[str, str], Score]
"""By contender and cell."""

OURS = Contender(
    "image-origin", "this checkout", "as shipped, 2 workers", lambda folder, port: [],  # noqa: ARG005
    lambda width, format_, name: f"/c_scale,w_{width},f_{format_},q_{QUALITY[format_]}/@photos/{name}",
    defaults=lambda width, format_, name: f"/c_scale,w_{width},f_{format_}/@photos/{name}",
)  # fmt: skip
PLAIN = replace(OURS, name="nothing kept", setting="ours with ORIGIN_RASTER_BYTES=0, 2 workers")


@contextmanager
def ours(contender: Contender, folder: Path, data: Path) -> Iterator[Running]:
    # A busy machine makes answers late, which is no reason to have none: CPU is what counts here.
    settings = {"ORIGIN_RENDER_TIMEOUT": "60", "ORIGIN_DEADLINE": "60", "ORIGIN_WORKERS": "2"}
    if contender is PLAIN:
        settings["ORIGIN_RASTER_BYTES"] = "0"
    with serving(data, ORIGIN_SOURCES=f"photos=file://{folder}", **settings) as server:
        yield Running(contender, server.process.pid, server.port)


def asked(server: Running, cell: Cell, name: str) -> tuple[float, list[bytes]]:
    """CPU-seconds for the cell's pictures of one original, and the pictures."""

    def get(width: int) -> bytes:
        return server.get(width, cell.format, name, defaults=cell.defaults)

    for width in cell.before:
        get(width)
    _settled(server)
    before = server.cpu()
    if cell.burst:
        with ThreadPoolExecutor(len(cell.widths)) as clients:
            bodies = list(clients.map(get, cell.widths))
    else:
        bodies = [get(width) for width in cell.widths]
    _settled(server)
    return server.cpu() - before, bodies


def _settled(server: Running) -> None:
    """Wait until what goes on behind the answer is over: it counts."""
    last = server.cpu()
    while True:
        time.sleep(0.05)
        now = server.cpu()
        if now - last < 0.011:
            return
        last = now


def checked(cell: Cell, photo: Path, bodies: Sequence[bytes]) -> None:
    """A wrong picture is no result. RuntimeError."""
    header = pyvips.Image.new_from_file(str(photo), access="sequential")
    turned = header.get("orientation") >= 5 if header.get_typeof("orientation") else False
    widest = header.height if turned else header.width
    for width, body in zip(cell.widths, bodies, strict=True):
        image = pyvips.Image.new_from_buffer(body, "")
        loader = {"webp": "webpload_buffer", "jpg": "jpegload_buffer"}[cell.format]
        if image.get("vips-loader") != loader or image.width != min(width, widest):
            raise RuntimeError(f"{photo.name} at {width}: {image.get('vips-loader')} of {image.width}")


def measure(options: argparse.Namespace, folder: Path) -> tuple[list[Contender], Scores, int]:
    """The contenders, their scores, and the bytes of the busy original."""
    cells = [cell for cell in CELLS if not options.cells or options.cells in cell.name]
    chosen = photos(progressive=False)[: options.photos]
    pictures = folder / "photos"
    pictures.mkdir()
    noisy = busy(chosen[0], folder)
    names = {
        photo: iter(copies(photo, pictures, options.rounds * len(cells) + 1)) for photo in [*chosen, noisy]
    }
    contenders = [OURS, PLAIN, *(peer for _, peer in peers() if peer is not None)]
    scores: Scores = {}
    judge = Judge(folder)
    with ExitStack() as stack:
        servers = [stack.enter_context(ours(one, pictures, folder / one.name)) for one in contenders[:2]]
        servers += [stack.enter_context(running(peer, pictures)) for peer in contenders[2:]]
        first = next(names[noisy])
        for server in servers:  # started once, warmed with one picture each
            server.get(320, "jpg", first.name)
        for number in range(options.rounds):
            for cell in cells:
                files = {photo: next(names[photo]) for photo in ([noisy] if cell.busy else chosen)}
                able = [server for server in servers if cell.can(server.contender)]
                for server in able[number % len(able) :] + able[: number % len(able)]:
                    score = scores.setdefault((server.contender.name, cell.name), Score())
                    spent = [(photo, *asked(server, cell, file.name)) for photo, file in files.items()]
                    score.add(spent)
                    if number == 0:
                        score.look(cell, spent, judge)
                print(f"# round {number + 1}, {cell.name}", flush=True)
    return contenders, scores, noisy.stat().st_size


def lost(scores: Scores, others: Sequence[Contender]) -> str:
    """The cells in which a peer takes less CPU than ours."""
    told = []
    for contender in others:
        cells = [cell for name, cell in scores if name == contender.name]
        behind = [
            f"{cell} ({scores[contender.name, cell].cpu / scores[OURS.name, cell].cpu:.2f})"
            for cell in cells
            if scores[contender.name, cell].cpu < scores[OURS.name, cell].cpu
        ]
        told.append(
            f"{contender.name} {len(behind)} of {len(cells)}" + ": " * bool(behind) + ", ".join(behind)
        )
    return "; ".join(told)


def promises(scores: Scores, others: Sequence[Contender]) -> Iterator[Promise]:
    """How many times less CPU than the best of the others, where several sizes of a picture are asked for."""
    names = {contender.name for contender in others}
    for cell in CELLS:
        best = min(
            (score.cpu for (name, of), score in scores.items() if of == cell.name and name in names),
            default=None,
        )
        if best is not None and (cell.burst or cell.before):
            yield Promise(
                f"CPU of the best peer in times of ours: {cell.name}",
                best / scores[OURS.name, cell.name].cpu,
                unit="×",
            )


def report(contenders: Sequence[Contender], scores: Scores, notes: dict[str, str], rounds: int) -> Report:
    rows: list[list[str]] = []
    bars: dict[str, dict[str, float]] = {contender.name: {} for contender in contenders}
    figures: dict[str, float] = {}
    for cell in dict.fromkeys(cell for _, cell in scores):
        base = scores[OURS.name, cell].cpu
        row = [cell]
        for contender in contenders:
            score = scores.get((contender.name, cell))
            if score is None:
                row.append("-")
                continue
            row.append(f"{score.cpu * 1_000:.0f} ({score.cpu / base:.2f}), {score.near:.0f}")
            name = f"{contender.name}: {cell}"
            if not cell.startswith("defaults"):
                bars[contender.name][cell] = score.cpu / base
            figures |= {
                name: score.cpu * 1_000,
                f"{name}, bytes": score.size,
                f"{name}, SSIMULACRA2": score.near,
                f"{name}, SSIMULACRA2 in linear light": score.light,
            }
        rows.append(row)
    title = f"CPU per original in times of ours, {rounds} interleaved rounds; below 1 we lose"
    others = contenders[2:]
    told = {contender.name: f"{contender.version}; {contender.setting}" for contender in contenders}
    told |= notes | {"cells in which less CPU is taken than ours": lost(scores, others)}
    head = ["CPU ms (in times of ours), SSIMULACRA2", *(contender.name for contender in contenders)]
    return Report("peers", title, head, rows, "×", bars, figures, told, list(promises(scores, others)))


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--cells", help="only those with this in their name")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    with TemporaryDirectory() as temporary:
        contenders, scores, size = measure(options, Path(temporary))
    names = ", ".join(photo.stem for photo in photos(progressive=False)[: options.photos])
    notes = {"photographs": f"{names}; the busy one is the first with noise, {size / 1e6:.1f} MB"}
    found = report(contenders, scores, notes, options.rounds)
    publish(found, options)
    print("\nbytes per original; SSIMULACRA2 beside originals that were scaled in linear light\n")
    print(table(["", *found.head[1:]], list(looks(contenders, scores))))


def looks(contenders: Sequence[Contender], scores: Scores) -> Iterator[list[str]]:
    for cell in dict.fromkeys(cell for _, cell in scores):
        found = [scores.get((contender.name, cell)) for contender in contenders]
        yield [cell, *("-" if one is None else f"{one.size // 1_000} kB, {one.light:.0f}" for one in found)]


if __name__ == "__main__":
    main()
