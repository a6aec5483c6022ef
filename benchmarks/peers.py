"""Ours beside ipx (sharp), thumbor, nginx image_filter; imgproxy and imagor where their programs are there.

CPU per original of every server's whole process tree, in interleaved rounds on the same files. Every one of
them reads a folder and keeps nothing but what it keeps by itself. "Same" cells ask all for the same quality,
"defaults" for none; shrink on load, effort and sharpening are as each of them ships. The corpus is mild, so a
busy original (noise, quality 96) is measured apart. The second table says the bytes of what came, and how
near it is (SSIMULACRA2) to the original at that size. In brackets: in times of ours; below 1 we lose.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips
from ssimulacra2 import compute_ssimulacra2

from benchmarks.contenders import QUALITY, Contender, Running, peers, running
from benchmarks.support import Report, arguments, busy, copies, median, photos, publish, serving, table

JUDGED = 2
"""Originals of a cell whose pictures are compared: a comparison takes longer than many renders."""

LARGEST_JUDGED = 800
"""Pixels, for the same reason."""

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


CELLS = (
    Cell("same, cold 320 webp", "webp", (320,)),
    Cell("same, cold 320 jpg", "jpg", (320,)),
    Cell("same, cold 1600 webp", "webp", (1_600,)),
    Cell("same, third size 320 webp", "webp", (320,), before=(640, 480)),
    Cell("same, srcset of 8 webp", "webp", SRCSET, burst=True),
    Cell("same, srcset of 8 jpg", "jpg", SRCSET, burst=True),
    Cell("defaults, cold 320 webp", "webp", (320,), defaults=True),
    Cell("defaults, cold 320 jpg", "jpg", (320,), defaults=True),
    Cell("defaults, cold 1600 webp", "webp", (1_600,), defaults=True),
    Cell("busy, cold 320 webp", "webp", (320,), busy=True),
    Cell("busy, cold 320 jpg", "jpg", (320,), busy=True),
    Cell("busy, third size 320 webp", "webp", (320,), before=(640, 480), busy=True),
    Cell("busy, srcset of 8 webp", "webp", SRCSET, burst=True, busy=True),
)


@dataclass
class Score:
    seconds: list[float] = field(default_factory=list)
    """CPU per original, one value a round."""
    size: int = 0
    """Bytes of all pictures of an original."""
    near: float | None = None
    """SSIMULACRA2 of the first size."""
    last: Sequence[tuple[Path, float, Sequence[bytes]]] = ()
    """Originals, CPU and pictures of the last round."""

    @property
    def cpu(self) -> float:
        return median(self.seconds)

    @property
    def looks(self) -> str:
        return f"{self.size // 1_000} kB" + ("" if self.near is None else f", {self.near:.0f}")

    def add(self, spent: Sequence[tuple[Path, float, Sequence[bytes]]]) -> None:
        self.seconds.append(sum(seconds for _, seconds, _ in spent) / len(spent))
        self.last = spent

    def judge(self, cell: Cell, folder: Path) -> None:
        """Look at the pictures. RuntimeError for wrong ones."""
        for photo, _, bodies in self.last:
            checked(cell, photo, bodies)
        self.size = sum(len(body) for _, _, bodies in self.last for body in bodies) // len(self.last)
        if cell.widths[0] > LARGEST_JUDGED:
            return
        self.near = median([near(photo, bodies[0], folder) for photo, _, bodies in self.last[:JUDGED]])


OURS = Contender(
    "image-origin", "this checkout", "as shipped, 2 workers", lambda folder, port: [],  # noqa: ARG005
    lambda width, format_, name: f"/c_scale,w_{width},f_{format_},q_{QUALITY[format_]}/@photos/{name}",
    defaults=lambda width, format_, name: f"/c_scale,w_{width},f_{format_}/@photos/{name}",
)  # fmt: skip


@contextmanager
def ours(folder: Path, data: Path) -> Iterator[Running]:
    # A busy machine makes answers late, which is no reason to have none: CPU is what counts here.
    patient = {"ORIGIN_RENDER_TIMEOUT": "60", "ORIGIN_DEADLINE": "60"}
    with serving(data, ORIGIN_SOURCES=f"photos=file://{folder}", ORIGIN_WORKERS="2", **patient) as server:
        yield Running(OURS, server.process.pid, server.port)


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


def near(photo: Path, body: bytes, folder: Path) -> float:
    """SSIMULACRA2 of a picture against the original at its size, made with a margin and in linear light."""
    picture = pyvips.Image.new_from_buffer(body, "")
    width, height = picture.width, picture.height
    wanted = pyvips.Image.thumbnail(str(photo), width, height=height, size="force", linear=True)
    for image, name in ((wanted, "a.png"), (picture, "b.png")):
        image.colourspace("srgb").pngsave(str(folder / name), compression=1)
    return float(compute_ssimulacra2(str(folder / "a.png"), str(folder / "b.png")))


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


def measure(
    options: argparse.Namespace, folder: Path
) -> tuple[list[Contender], dict[tuple[str, str], Score], int]:
    """The contenders, their scores by name and cell, and the bytes of the busy original."""
    cells = [cell for cell in CELLS if not options.cells or options.cells in cell.name]
    chosen = photos(progressive=False)[: options.photos]
    pictures = folder / "photos"
    pictures.mkdir()
    noisy = busy(chosen[0], folder)
    names = {
        photo: iter(copies(photo, pictures, options.rounds * len(cells) + 1)) for photo in [*chosen, noisy]
    }
    contenders = [OURS, *(peer for _, peer in peers() if peer is not None)]
    scores: dict[tuple[str, str], Score] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(ours(pictures, folder / "data"))]
        servers += [stack.enter_context(running(peer, pictures)) for peer in contenders[1:]]
        first = next(names[noisy])
        for server in servers:  # started once, warmed with one picture each
            server.get(320, "jpg", first.name)
        for number in range(options.rounds):
            for cell in cells:
                files = {photo: next(names[photo]) for photo in ([noisy] if cell.busy else chosen)}
                able = [server for server in servers if cell.can(server.contender)]
                for server in able[number % len(able) :] + able[: number % len(able)]:
                    score = scores.setdefault((server.contender.name, cell.name), Score())
                    score.add([(photo, *asked(server, cell, file.name)) for photo, file in files.items()])
                    if number == 0:
                        score.judge(cell, folder)
                print(f"# round {number + 1}, {cell.name}", flush=True)
    return contenders, scores, noisy.stat().st_size


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--cells", help="only those with this in their name")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    with TemporaryDirectory() as temporary:
        contenders, scores, size = measure(options, Path(temporary))
    rows, quality = [], []
    bars: dict[str, dict[str, float]] = {contender.name: {} for contender in contenders}
    figures: dict[str, float] = {}
    for cell in dict.fromkeys(name for _, name in scores):
        base = scores[OURS.name, cell].cpu
        row, looks = [cell], [cell]
        for contender in contenders:
            score = scores.get((contender.name, cell))
            row.append("-" if score is None else f"{score.cpu * 1_000:.0f} ({score.cpu / base:.2f})")
            looks.append("-" if score is None else score.looks)
            if score is not None:
                bars[contender.name][cell] = figures[f"{contender.name}: {cell}"] = score.cpu * 1_000
                figures[f"{contender.name}: {cell}, bytes"] = score.size
                if score.near is not None:
                    figures[f"{contender.name}: {cell}, SSIMULACRA2"] = score.near
        rows.append(row)
        quality.append(looks)
    head = ["", *(contender.name for contender in contenders)]
    notes = {contender.name: f"{contender.version}; {contender.setting}" for contender in contenders}
    notes["photographs"] = (
        f"{options.photos} baseline JPEG, 6 to 24 megapixels; the busy one has {size / 1e6:.1f} MB"
    )
    title = f"CPU per original, whole process tree, {options.rounds} interleaved rounds"
    publish(Report("peers", title, head, rows, "ms", bars, figures, notes), options)
    print("\nbytes per original, and SSIMULACRA2 of the first size\n")
    print(table(head, quality))


if __name__ == "__main__":
    main()
