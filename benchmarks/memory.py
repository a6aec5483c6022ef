"""How much memory do a server and two workers hold, and does it grow?

PSS (shared pages are counted once) of the whole process tree after 500 mixed pictures of the corpus and some
seconds of rest, and again and again during further renders: by allocator, each in a server of its own. Peak
is the most that was seen between requests. From the first tenth of the further renders to the last, a
process may grow by at most 128 MB; workers, which are replaced now and then, are compared by rank: largest to
largest.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from urllib.parse import quote

from benchmarks.support import Promise, Report, Server, arguments, corpus, publish, serving

MIXED = 500
CLIENTS = 4
WORKERS = 2
SETTLE = 8.0
"""Seconds without a request before a figure counts as settled."""

PAUSE = 2.0
"""Seconds of rest before each look at what may drift."""

SAMPLES = 20
"""How often memory is looked at while it may drift."""

PATIENCE = 60.0
"""Seconds until a worker that is replaced must be there."""

MOST = 128.0
"""Megabytes by which a process may grow."""

FOLDERS = ("photos/", "formats/", "colour/", "orientation/")
FORMATS = ("webp", "jpg", "avif", "png")
FORMAT_WEIGHTS = (60, 30, 5, 5)

JEMALLOC = (
    "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
    "/usr/lib64/libjemalloc.so.2",
)


UNTAMED = {
    "MALLOC_ARENA_MAX": str(8 * (os.cpu_count() or 1)),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=0",
}
"""What glibc arrives at by itself."""


@dataclass
class Found:
    """Megabytes (1e6 bytes)."""

    started: float = 0.0
    settled: float = 0.0
    parts: list[float] = field(default_factory=list)
    """Of each process, the server first, when settled."""
    peak: float = 0.0
    later: list[list[float]] = field(default_factory=list)
    """The same during the further renders."""

    @property
    def drift(self) -> list[float]:
        """What all processes have together during the further renders, beyond ``settled``."""
        return [sum(parts) - self.settled for parts in self.later]

    @property
    def grown(self) -> list[float]:
        """By which each process is larger in the last tenth of the further renders than in the first."""
        tenth = max(1, len(self.later) // 10)
        first, last = self.later[:tenth], self.later[-tenth:]
        return [
            mean(after) - mean(before)
            for before, after in zip(zip(*first, strict=True), zip(*last, strict=True), strict=True)
        ]


def pss(pid: int) -> float:
    """Megabytes; nothing for a process that has just ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1_024 / 1e6
    return 0.0


def held(server: Server) -> list[float]:
    return [pss(pid) for pid in server.processes()]


def settled(server: Server, seconds: float = SETTLE) -> list[float]:
    """The server, then its workers, the largest first; a worker that is just being replaced is waited for."""
    time.sleep(seconds)
    end = time.monotonic() + PATIENCE
    while (len(found := held(server)) != 1 + WORKERS or not all(found)) and time.monotonic() < end:
        time.sleep(0.5)
    return [found[0], *sorted(found[1:], reverse=True)]


def pictures() -> list[str]:
    """Corpus files that are expected to decode; what this build cannot read is passed over later."""
    files = json.loads((corpus() / "MANIFEST.json").read_text())["files"]
    return [entry["path"] for entry in files if entry["path"].startswith(FOLDERS)]


def requests(names: list[str], seed: int) -> Iterator[str]:
    """Paths of pictures, hardly two alike."""
    draw = random.Random(seed)
    while True:
        draw.shuffle(names)
        for name in names:
            width = draw.randint(64, 1_600)
            [format_] = draw.choices(FORMATS, FORMAT_WEIGHTS)
            yield f"/c_scale,w_{width},f_{format_}/@corpus/{quote(name)}"


def ask(server: Server, paths: Iterator[str], count: int, peak: Found) -> None:
    """Have ``count`` pictures made, some at a time."""
    lock = threading.Lock()
    left = count

    def client() -> None:
        nonlocal left
        while True:
            with lock:
                if left <= 0:
                    return
                path = next(paths)
            status, headers, _ = server.get(path)
            with lock:
                # The corpus has files that are to be refused; they cost memory too, but are no pictures.
                left -= status == 200 and headers.get("x-cache") == "render"

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(client) for _ in range(CLIENTS)]
        while not all(one.done() for one in running):
            peak.peak = max(peak.peak, sum(held(server)))
            time.sleep(0.25)
        for one in running:
            one.result()


def measure(renders: int, **environ: str) -> Found:
    found = Found()
    settings = {
        "ORIGIN_SOURCES": f"corpus=file://{corpus()};public",
        "ORIGIN_WORKERS": str(WORKERS),
        "ORIGIN_RESULT_BYTES": "256MiB",
        **environ,
    }
    with TemporaryDirectory() as folder, serving(Path(folder), **settings) as server:
        paths = requests(pictures(), seed=1)
        found.started = sum(held(server))
        ask(server, paths, MIXED, found)
        found.parts = settled(server)
        found.settled = sum(found.parts)
        print(
            f"# started {found.started:.0f}, settled {found.settled:.0f} of",
            *map(round, found.parts),
            flush=True,
        )
        for _ in range(SAMPLES):
            ask(server, paths, renders // SAMPLES, found)
            found.later.append(settled(server, PAUSE))
            print("#", *map(round, found.later[-1]), flush=True)
    return found


def allocators() -> dict[str, dict[str, str]]:
    """Environment by allocator; jemalloc only where it is installed."""
    ways = {"glibc, as shipped": {}, "glibc untamed": UNTAMED}
    for library in JEMALLOC:
        if Path(library).exists():
            return {"jemalloc": {"LD_PRELOAD": library}, **ways}  # the server sets MALLOC_CONF
    print("# jemalloc is left out: install libjemalloc2")
    return ways


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--renders", type=int, default=2_000, help="further renders, over which it may drift")
    parser.add_argument("--only", help="just the allocators whose name begins so")
    options = parser.parse_args()
    rows: list[list[str]] = []
    settled_by: dict[str, float] = {}
    figures: dict[str, float] = {}
    promises: list[Promise] = []
    for name, environ in allocators().items():
        if options.only and not name.startswith(options.only):
            continue
        runs = [measure(options.renders, **environ) for _ in range(options.rounds)]
        found = sorted(runs, key=lambda run: run.settled)[len(runs) // 2]
        drift = max(found.drift)
        rows.append(
            [
                name,
                f"{found.started:.0f}",
                f"{found.settled:.0f}",
                " + ".join(f"{part:.0f}" for part in found.parts),
                f"{found.peak:.0f}",
                f"{drift:+.0f}",
                f"{found.drift[-1]:+.0f}",
                ", ".join(f"{growth:+.0f}" for growth in found.grown),
            ]
        )
        most = max(found.grown)
        promises.append(
            Promise(f"growth of a process in {options.renders:,} renders, {name}", most, MOST, unit="MB")
        )
        settled_by[name] = found.settled
        figures |= {f"{name}: settled": found.settled, f"{name}: drift": drift}
    title = f"PSS of server and 2 workers after {MIXED} mixed pictures, and {options.renders:,} renders later"
    head = [
        "allocator",
        "started, MB",
        "settled",
        "by process",
        "peak",
        "most drift",
        "at the end",
        "growth by process",
    ]
    bars = {"settled": settled_by}
    publish(Report("memory", title, head, rows, "MB", bars, figures, promises=promises), options)


if __name__ == "__main__":
    main()
