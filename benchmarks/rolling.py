"""Does anybody notice when the servers behind nginx are restarted, or killed, one after the other?

Two servers behind the shipped nginx.conf, a steady load of pictures that are to be made and some that nginx
has. A restart is SIGTERM, the end, a new start; a kill is SIGKILL for the server and its workers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import Sample, milliseconds, open_loop, statuses
from benchmarks.support import Promise, Report, arguments, photos, publish
from tests.support.origin import OriginServer, make_library, origin_server
from tests.support.servers import nginx_server

PAUSE = 3.0
"""Seconds between two events."""


def targets(id: str, start: int) -> Iterator[str]:
    """Nine of ten are new; the tenth nginx has."""
    for number in count(start):
        new = f"w_{200 + number % 1_000},q_{50 + number // 1_000}"
        yield f"/w_150/{id}" if number % 10 == 9 else f"/{new}/{id}"


def restart(server: OriginServer, found: list[tuple[str, int, float]]) -> None:
    started = time.perf_counter()
    os.kill(server.pid, signal.SIGTERM)
    try:
        code = server.ended(60)
    except subprocess.TimeoutExpired:
        code = -1
    found.append(("restart", code, time.perf_counter() - started))
    server.kill()
    server.start()


def kill(server: OriginServer, found: list[tuple[str, int, float]]) -> None:
    server.kill()
    found.append(("kill", -signal.SIGKILL, 0.0))
    time.sleep(1.0)
    server.start()


def under_load(
    url: str, wanted: Iterator[str], rate: float, seconds: float, events: list[partial[None]]
) -> list[Sample]:
    """The load, while ``events`` happen one after the other in this thread, which owns the servers."""
    samples: list[Sample] = []
    thread = threading.Thread(
        target=lambda: samples.extend(asyncio.run(open_loop(url, wanted, rate, seconds)))
    )
    thread.start()
    for event in events:
        time.sleep(PAUSE)
        event()
    thread.join()
    return samples


def main() -> None:
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    options = parser.parse_args()
    photo = photos(progressive=False)[0]
    with TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        library = make_library(folder, {"photo.jpg": photo.read_bytes()}, {"none.jpg": photo.read_bytes()})
        servers = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            servers.append(origin_server(folder / name, library, ORIGIN_WORKERS="1", ORIGIN_QUEUE="200"))
            running.callback(servers[-1].kill)
        (folder / "nginx").mkdir()
        nginx = nginx_server(folder / "nginx", *(one.url.removeprefix("http://") for one in servers))
        running.callback(nginx.stop)
        id = library.ids["photo.jpg"]
        rows: list[list[str]] = []
        figures: dict[str, float] = {}
        for what, act in (("restart", restart), ("kill", kill)):
            found: list[tuple[str, int, float]] = []
            events = [partial(act, server, found) for _ in range(options.rounds) for server in servers]
            seconds = len(events) * (PAUSE + 4.0)
            wanted = targets(id, 20_000 if act is kill else 0)
            samples = under_load(nginx.url, wanted, options.rate, seconds, events)
            failed = sum(one.status != 200 for one in samples)
            times = [one.seconds for one in samples if one.status == 200]
            codes = ", ".join(str(code) for code in sorted({code for _, code, _ in found}))
            longest = max(took for _, _, took in found)
            rows.append(
                [
                    f"{what} × {len(found)}",
                    statuses(samples),
                    str(failed),
                    milliseconds(times, 0.5),
                    milliseconds(times, 0.99),
                    codes,
                    f"{longest:.1f} s" if what == "restart" else "",
                ]
            )
            figures |= {f"failed in {what}": failed, f"longest end in {what}": longest}
    head = ("what", "answers", "failed", "p50", "p99", "exit codes", "longest end")
    title = f"Two servers behind nginx, {options.rate:g} requests a second"
    promises = [
        Promise("requests that fail in a rolling restart", figures["failed in restart"], most=0),
        Promise(
            "longest end of a server that was asked to", figures["longest end in restart"], most=20, unit="s"
        ),
        Promise(
            "requests that fail when servers are killed, one after the other",
            figures["failed in kill"],
            most=0,
        ),
    ]
    publish(Report("rolling", title, head, rows, figures=figures, promises=promises), options)


if __name__ == "__main__":
    main()
