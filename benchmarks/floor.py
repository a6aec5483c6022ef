"""How far is a first request from the raw libvips loop?

CPU per image of the whole server (its process tree: HTTP, URL, storage, hand-over, workers) for a cold 320 px
WebP, against `thumbnail` + `webpsave` with the same settings in this process, interleaved round by round.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.support import Report, Server, arguments, copies, median, photos, publish, serving
from origin.imaging.encode import DEFAULT_QUALITY

WIDTH = 320


def raw(path: Path) -> float:
    """CPU-seconds of the libvips operations alone, on the file as it lies."""
    started = time.process_time()
    image = pyvips.Image.thumbnail(str(path), WIDTH, height=10_000_000, size="down", fail_on="error")
    image.webpsave_buffer(Q=DEFAULT_QUALITY["webp"], effort=2, keep="none")
    return time.process_time() - started


def served(server: Server, name: str) -> float:
    """CPU-seconds of the server for one cold picture."""
    before = server.cpu()
    status, headers, _ = server.get(f"/w_{WIDTH},f_webp/@photos/{name}")
    assert status == 200, status
    assert headers["x-cache"] == "render", headers["x-cache"]
    return server.cpu() - before


def main() -> None:
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--repeat", type=int, default=6, help="pictures of each photo in a round")
    options = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)

    rounds, repeat = options.rounds, options.repeat
    chosen = photos(progressive=False)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        files = {photo: copies(photo, folder, rounds * repeat + 1) for photo in chosen}
        with serving(Path(temporary) / "data", ORIGIN_SOURCES=f"photos=file://{folder}") as server:
            for photo in chosen:  # the first of each is warm-up
                raw(files[photo][0])
                served(server, files[photo][0].name)
            floor: dict[Path, list[float]] = {photo: [] for photo in chosen}
            whole: dict[Path, list[float]] = {photo: [] for photo in chosen}
            for number in range(rounds):
                for photo in chosen:
                    batch = files[photo][1 + number * repeat : 1 + (number + 1) * repeat]
                    floor[photo].append(sum(raw(path) for path in batch) / repeat)
                    whole[photo].append(sum(served(server, path.name) for path in batch) / repeat)
    rows = []
    bars: dict[str, dict[str, float]] = {"raw libvips": {}, "server": {}}
    for photo in chosen:
        mine, base = median(whole[photo]) * 1000, median(floor[photo]) * 1000
        ratio = median([a / b for a, b in zip(whole[photo], floor[photo], strict=True)])
        rows.append([photo.stem, f"{base:.1f}", f"{mine:.1f}", f"{ratio:.3f}"])
        bars["raw libvips"][photo.stem], bars["server"][photo.stem] = base, mine
    total = median(
        [
            sum(whole[photo][number] for photo in chosen) / sum(floor[photo][number] for photo in chosen)
            for number in range(rounds)
        ]
    )
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    title = f"CPU of a first request: cold {WIDTH} px WebP, libvips {version}, {rounds} rounds of {repeat}"
    head = ["photo", "raw libvips, ms", "server, ms", "ratio"]
    rows.append(["all", "", "", f"{total:.3f}"])
    publish(Report("floor", title, head, rows, "ms", bars, {"ratio": total}), options)


if __name__ == "__main__":
    main()
