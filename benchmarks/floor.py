"""How far is a first request from the raw libvips loop?

CPU per image of the whole server (its process tree: HTTP, URL, storage, hand-over, workers) for a cold 320 px
WebP, against `thumbnail` + `webpsave` with the same settings in this process, interleaved round by round.
Requests come over a connection that stays, as they come from nginx. One server keeps nothing for further
sizes, the other a raster of every original, as it is shipped.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.support import (
    Get,
    Promise,
    Report,
    Server,
    arguments,
    copies,
    median,
    photos,
    publish,
    serving,
)
from origin.imaging.encode import DEFAULT_QUALITY

WIDTH = 320
RAW = "raw libvips"
WAYS: dict[str, tuple[float, dict[str, str]]] = {
    "nothing kept": (1.10, {"ORIGIN_RASTER_BYTES": "0"}),
    "a raster kept": (1.20, {}),
}
"""Times the raw loop that are promised, and the server's settings."""


def raw(path: Path) -> float:
    """CPU-seconds of the libvips operations alone, on the file as it lies."""
    started = time.process_time()
    image = pyvips.Image.thumbnail(str(path), WIDTH, height=10_000_000, size="down", fail_on="error")
    image.webpsave_buffer(Q=DEFAULT_QUALITY["webp"], effort=2, keep="none")
    return time.process_time() - started


def served(server: Server, get: Get, name: str) -> float:
    """CPU-seconds of the server for one cold picture."""
    before = server.cpu()
    status, headers, _ = get(f"/w_{WIDTH},f_webp/@photos/{name}")
    assert status == 200, status
    assert headers["x-cache"] == "render", headers["x-cache"]
    return server.cpu() - before


def main() -> None:
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--repeat", type=int, default=6, help="pictures of each photo in a round")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    found = measure(options.rounds, options.repeat)

    def ratio(way: str, photo: Path) -> float:
        return median([a / b for a, b in zip(found[way][photo], found[RAW][photo], strict=True)])

    def whole(way: str) -> float:
        sums = [[sum(each) for each in zip(*found[name].values(), strict=True)] for name in (way, RAW)]
        return float(median([a / b for a, b in zip(*sums, strict=True)]))

    bars = {
        way: {photo.stem: median(seconds) * 1_000 for photo, seconds in each.items()}
        for way, each in found.items()
    }
    rows = [
        [
            photo.stem,
            *(f"{bars[way][photo.stem]:.1f}" for way in found),
            *(f"{ratio(way, photo):.3f}" for way in WAYS),
        ]
        for photo in found[RAW]
    ]
    rows.append(["all", *[""] * len(found), *(f"{whole(way):.3f}" for way in WAYS)])
    promises = [
        Promise(f"CPU of a first request beside the raw libvips loop, {way}", whole(way), most=most, unit="×")
        for way, (most, _) in WAYS.items()
    ]
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    title = f"CPU of a first request: cold {WIDTH} px WebP, libvips {version}, {options.rounds} rounds"
    head = ["photo", *(f"{way}, ms" for way in found), *(f"ratio, {way}" for way in WAYS)]
    figures = {f"ratio, {way}": whole(way) for way in WAYS}
    publish(Report("floor", title, head, rows, "ms", bars, figures, promises=promises), options)


def measure(rounds: int, repeat: int) -> dict[str, dict[Path, list[float]]]:
    """CPU-seconds of a picture by way and photograph, one value a round."""
    chosen = photos(progressive=False)
    found: dict[str, dict[Path, list[float]]] = {way: {photo: [] for photo in chosen} for way in (RAW, *WAYS)}
    with TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        files = {photo: copies(photo, folder, rounds * repeat + 1) for photo in chosen}
        servers = {
            way: stack.enter_context(
                serving(Path(temporary) / way, ORIGIN_SOURCES=f"photos=file://{folder}", **settings)
            )
            for way, (_, settings) in WAYS.items()
        }
        ask = {way: stack.enter_context(server.connected()) for way, server in servers.items()}
        for photo in chosen:  # the first of each is warm-up
            raw(files[photo][0])
            for way, server in servers.items():
                served(server, ask[way], files[photo][0].name)
        for number in range(rounds):
            for photo in chosen:
                batch = files[photo][1 + number * repeat : 1 + (number + 1) * repeat]
                found[RAW][photo].append(sum(raw(path) for path in batch) / repeat)
                for way, server in servers.items():
                    sums = sum(served(server, ask[way], path.name) for path in batch)
                    found[way][photo].append(sums / repeat)
    return found


if __name__ == "__main__":
    main()
