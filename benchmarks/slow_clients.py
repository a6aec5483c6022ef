"""Do clients that never finish asking, or read their answers a byte at a time, slow the others down?

Two thousand connections send their request heads to nginx one byte at a time, and a hundred read a large
picture at a crawl, while a steady load of others asks for pictures that nginx has and for new ones. The slow
ones are a process of their own, behind the others in priority: they have machines of their own elsewhere. For
the slowest hundredth of the others, twice the time that it takes without them is promised at most.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.load import Sample, milliseconds, open_loop, percentile, statuses
from benchmarks.support import Promise, Report, arguments, photos, publish
from tests.support.origin import OriginServer, make_library, origin_server
from tests.support.servers import nginx_server

SLOW_ADDRESS = "127.0.0.2"
"""Whence the slow ones come: nginx counts connections by address."""
MOST_AT_WORK = 64
"""Connections that nginx keeps to a server for everybody."""


class Slow:
    """Connections that are kept busy doing nothing."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        self._host, self._port = place.hostname, place.port
        self.open = 0
        self.closed = 0
        """By the other side."""

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port, local_addr=(SLOW_ADDRESS, 0))

    async def ask_slowly(self) -> None:
        """A head that never ends, one byte a second, on a new connection whenever this one is closed."""
        while True:
            with suppress(OSError):
                reader, writer = await self._connection()
                self.open += 1
                try:
                    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                    while not reader.at_eof():
                        writer.write(b"a")
                        await writer.drain()
                        await asyncio.sleep(1.0)
                finally:
                    self.open -= 1
                    self.closed += 1
                    writer.close()
            await asyncio.sleep(0.5)

    async def read_slowly(self, target: str) -> None:
        """A large answer, a few bytes a second."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await self._connection()
                try:
                    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                    while await reader.read(64):
                        await asyncio.sleep(1.0)
                finally:
                    writer.close()
            await asyncio.sleep(0.5)


def targets(id: str, start: int) -> Iterator[str]:
    """Every fifth is new; the others nginx has."""
    for number in count(start):
        yield (
            f"/w_{200 + number % 1_000},q_{60 + number // 1_000}/{id}" if number % 5 == 0 else f"/w_150/{id}"
        )


def upstream_connections(origin: OriginServer) -> int:
    """Established connections to the server behind nginx (proc_pid_net_tcp: state 01)."""
    port = f"{urlsplit(origin.url).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{port}") and line[3] == "01" for line in lines)


def crawl(url: str, asking: int, reading: int, target: str, told: Connection) -> None:
    """Slow clients until ``told`` says something; then how many are open, and how many were closed."""
    os.nice(10)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def all_of_them() -> None:
        slow = Slow(url)
        tasks = [asyncio.create_task(slow.ask_slowly()) for _ in range(asking)]
        tasks += [asyncio.create_task(slow.read_slowly(target)) for _ in range(reading)]
        await asyncio.to_thread(told.recv)
        told.send((slow.open, slow.closed))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(all_of_them())


async def others(
    nginx: str, origin: OriginServer, wanted: Iterator[str], rate: float, seconds: float
) -> tuple[list[Sample], int]:
    """The answers, and how many connections the server had meanwhile."""
    load = asyncio.create_task(open_loop(nginx, wanted, rate, seconds))
    await asyncio.sleep(seconds / 2)
    reached = upstream_connections(origin)
    return await load, reached


def amid(
    nginx: str, origin: OriginServer, id: str, options: tuple[int, int, float, float]
) -> tuple[list[Sample], int, int, int]:
    """The others' answers; slow clients held and closed by nginx; connections to the server."""
    asking, reading, rate, seconds = options
    if not asking:
        samples, reached = asyncio.run(others(nginx, origin, targets(id, 0), rate, seconds))
        return samples, 0, 0, reached
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    large = f"/c_scale,w_3000/{id}"
    process = context.Process(target=crawl, args=(nginx, asking, reading, large, theirs), daemon=True)
    process.start()
    try:
        time.sleep(8.0)  # until all of them are there
        samples, reached = asyncio.run(others(nginx, origin, targets(id, 10_000), rate, seconds))
        ours.send(None)
        held, closed = ours.recv()
        return samples, held, closed, reached
    finally:
        process.kill()
        process.join()


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--asking", type=int, default=2_000, help="clients that never finish asking")
    parser.add_argument("--reading", type=int, default=100, help="clients that read slowly")
    parser.add_argument("--rate", type=float, default=30.0, help="requests a second of the others")
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    photo = photos(progressive=False)[0].read_bytes()
    rows: list[list[str]] = []
    slowest: list[float] = []
    answered = 0
    with TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        library = make_library(folder, {"photo.jpg": photo}, {"none.jpg": photo})
        (folder / "origin").mkdir()
        (folder / "nginx").mkdir()
        origin = origin_server(folder / "origin", library, ORIGIN_WORKERS="2", ORIGIN_QUEUE="100")
        running.callback(origin.stop)
        nginx = nginx_server(folder / "nginx", origin.url.removeprefix("http://"))
        running.callback(nginx.stop)
        id = library.ids["photo.jpg"]
        for asking, reading in ((0, 0), (options.asking, options.reading)):
            load = (asking, reading, options.rate, options.seconds)
            samples, held, closed, reached = amid(nginx.url, origin, id, load)
            times = [one.seconds for one in samples if one.status == 200]
            rows.append(
                [
                    f"{asking} asking, {reading} reading",
                    statuses(samples),
                    milliseconds(times, 0.5),
                    milliseconds(times, 0.99),
                    str(held),
                    str(closed),
                    str(reached),
                ]
            )
            slowest.append(percentile(times, 0.99))
            answered = reached
    head = (
        "slow clients",
        "answers to others",
        "p50",
        "p99",
        "held by nginx",
        "closed by it",
        "reach the server",
    )
    title = f"{options.rate:g} requests a second of others through nginx"
    figures = {"p99 without slow clients": slowest[0], "p99 with them": slowest[1]}
    promises = [
        Promise("p99 of others amid slow clients to that without", slowest[1] / slowest[0], most=2),
        Promise("connections of slow clients that reach the server", max(0, answered - MOST_AT_WORK), most=0),
    ]
    publish(Report("slow clients", title, head, rows, figures=figures, promises=promises), options)


if __name__ == "__main__":
    main()
