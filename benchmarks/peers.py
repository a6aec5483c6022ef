"""Ours beside ipx (sharp), thumbor, nginx image_filter; imgproxy and imagor where their programs are there.

CPU per picture of every server's whole process tree, in interleaved rounds on the same files. Every contender
reads a folder, keeps nothing but what it keeps by itself, and is asked for the same sizes and qualities; a
cell says the bytes of what came, and how near it is (SSIMULACRA2) to the original at that size.
"""

from __future__ import annotations

import argparse
import json
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
from benchmarks.support import copies, machine, median, photos, serving, table

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


CELLS = (
    Cell("cold 320 webp", "webp", (320,)),
    Cell("cold 320 jpg", "jpg", (320,)),
    Cell("cold 1600 webp", "webp", (1_600,)),
    Cell("third size 320 webp", "webp", (320,), before=(640, 480)),
    Cell("srcset of 8 webp", "webp", SRCSET, burst=True),
    Cell("srcset of 8 jpg", "jpg", SRCSET, burst=True),
)


@dataclass
class Score:
    seconds: list[float] = field(default_factory=list)
    """CPU per original, one value a round."""
    bytes: int = 0
    near: float = 0.0


OURS = Contender(
    "image-origin", "this checkout", "as shipped, 2 workers", lambda folder, port: [],  # noqa: ARG005
    lambda width, format_, name: f"/c_scale,w_{width},f_{format_},q_{QUALITY[format_]}/@photos/{name}",
)  # fmt: skip


@contextmanager
def ours(folder: Path, data: Path) -> Iterator[Running]:
    with serving(data, ORIGIN_SOURCES=f"photos=file://{folder}", ORIGIN_WORKERS="2") as server:
        yield Running(OURS, server.process, server.port)


def asked(server: Running, cell: Cell, name: str) -> tuple[float, list[bytes]]:
    """CPU-seconds for the cell's pictures of one original, and the pictures."""
    for width in cell.before:
        server.get(width, cell.format, name)
    before = server.cpu()
    if cell.burst:
        with ThreadPoolExecutor(len(cell.widths)) as clients:
            bodies = list(clients.map(lambda width: server.get(width, cell.format, name), cell.widths))
    else:
        bodies = [server.get(width, cell.format, name) for width in cell.widths]
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
) -> tuple[list[Contender], dict[tuple[str, str], Score]]:
    chosen = photos(progressive=False)[: options.photos]
    pictures = folder / "photos"
    pictures.mkdir()
    busy = pictures / "busy.jpg"
    _busy(chosen[0], busy)
    names = {photo: iter(copies(photo, pictures, (options.rounds + 1) * len(CELLS))) for photo in chosen}
    contenders = [OURS, *(peer for _, peer in peers() if peer is not None)]
    scores: dict[tuple[str, str], Score] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(ours(pictures, folder / "data"))]
        servers += [stack.enter_context(running(peer, pictures)) for peer in contenders[1:]]
        for server in servers:  # started once, warmed with one picture each
            server.get(320, "jpg", busy.name)
        for number in range(options.rounds):
            for cell in CELLS:
                files = {photo: next(names[photo]) for photo in chosen}
                able = [server for server in servers if cell.format in server.contender.formats]
                for server in able[number % len(able) :] + able[: number % len(able)]:
                    score = scores.setdefault((server.contender.name, cell.name), Score())
                    spent = [asked(server, cell, file.name) for file in files.values()]
                    score.seconds.append(sum(seconds for seconds, _ in spent) / len(spent))
                    if number == 0:
                        for photo, (_, bodies) in zip(chosen, spent, strict=True):
                            checked(cell, photo, bodies)
                        score.bytes = sum(len(body) for _, bodies in spent for body in bodies) // len(spent)
                        score.near = median(
                            [
                                near(photo, bodies[0], folder)
                                for photo, (_, bodies) in zip(chosen, spent, strict=True)
                            ]
                        )
                print(f"# round {number + 1}, {cell.name}", flush=True)
    return contenders, scores


def _busy(photo: Path, target: Path) -> None:
    """A photograph with a sensor's noise at high quality: what cameras write, where the corpus is mild."""
    image = pyvips.Image.new_from_file(str(photo))
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=9, seed=1)
    (image + noise).cast("uchar").copy(interpretation="srgb").jpegsave(str(target), Q=96)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--photos", type=int, default=6)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    with TemporaryDirectory() as temporary:
        contenders, scores = measure(options, Path(temporary))
    print(machine())
    for contender in contenders:
        print(f"{contender.name}: {contender.version}; {contender.setting}")
    print(f"\nCPU ms per original, medians of {options.rounds} interleaved rounds; in times of ours\n")
    rows = []
    for cell in CELLS:
        base = median(scores[OURS.name, cell.name].seconds)
        row = [cell.name]
        for contender in contenders:
            score = scores.get((contender.name, cell.name))
            row += ["-"] if score is None else [_cell(score, base)]
        rows.append(row)
    print(table(["", *(contender.name for contender in contenders)], rows))
    print("\nbytes per original, and SSIMULACRA2 of the first size\n")
    rows = [
        [cell.name, *(_quality(scores.get((contender.name, cell.name))) for contender in contenders)]
        for cell in CELLS
    ]
    print(table(["", *(contender.name for contender in contenders)], rows))
    if options.json:
        found = {
            f"{name}: {cell}": {
                "cpu_ms": median(score.seconds) * 1_000,
                "bytes": score.bytes,
                "near": score.near,
            }
            for (name, cell), score in scores.items()
        }
        options.json.write_text(json.dumps({"machine": machine(), "cells": found}, indent=1))


def _cell(score: Score, base: float) -> str:
    seconds = median(score.seconds)
    return f"{seconds * 1_000:.0f} ({seconds / base:.2f})"


def _quality(score: Score | None) -> str:
    return "-" if score is None else f"{score.bytes // 1_000} kB, {score.near:.0f}"


if __name__ == "__main__":
    main()
