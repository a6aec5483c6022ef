"""How many requests a second does this machine serve, when they are those of a CDN's day?

2,000 objects asked for by Zipf's law in six variants, through nginx. First a part of the day that is not
measured, as fast as it goes, so that there is something to hit; then steps at rising rates, at random times
(open loop: a slow answer delays nobody else's question, and its wait counts). Each step shows latency from
the moment a request was due, who answered, and CPU of server and nginx for a request. The highest rate is of
the last step with a p99 below a second and no failure. The client runs on the same machine, and its CPU is
shown, because it is missing there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, cycle, islice
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pyvips
import uvloop

from benchmarks.support import (
    Promise,
    Report,
    Server,
    arguments,
    cpu_of,
    median,
    photos,
    publish,
    serving,
)
from tests.support.servers import nginx_server

EXPONENT = 0.9
"""Of Zipf's law: the object of rank n is asked for as often as n to the minus this."""

VARIANTS = (
    ("w_160,f_webp", 20), ("w_320,f_webp", 35), ("w_640,f_webp", 25),
    ("w_1080,f_webp", 10), ("w_320,f_jpg", 5), ("w_640,f_jpg", 5),
)  # fmt: skip
"""Chain, and how often it is asked for in a hundred requests."""

SIDE = 2_000
"""Pixels of the longer side of the originals, as uploads to a shop have them."""

PATIENCE = 1_000.0
"""Milliseconds of the p99 at which a rate counts as too high."""

CONNECTIONS = 240
"""Of the client at most; nginx lets an address have 256."""

FILLING = 12
"""Requests under way before anything is measured."""

GROWTH = 1.25
"""A step's rate in times of the one before."""

LEAST = 2.0
"""Requests a second, below which none is looked for."""

TRIES = 2
"""Of a rate, before it counts as too high: a p99 of some hundred requests is decided by a few of them."""

SETTINGS = {"ORIGIN_QUEUE": "256"}
"""Renders may wait for about a second, as is asked here; as shipped they are refused earlier."""


@dataclass
class Step:
    """What came of the requests at one rate."""

    rate: float
    latency: list[float] = field(default_factory=list)
    """Milliseconds."""
    answered: Counter[str] = field(default_factory=Counter)
    """Requests by who answered: nginx, the server's caches, or a render."""
    failed: Counter[int] = field(default_factory=Counter)
    """Answers by status that was not 200."""
    server: float = 0.0
    """CPU-seconds of the server and its workers."""
    edge: float = 0.0
    """CPU-seconds of nginx."""
    client: float = 0.0
    """Cores that the client took."""

    def quantile(self, percent: int) -> float:
        return quantiles(self.latency, n=100)[percent - 1]

    def share(self, *names: str) -> float:
        """Part of the requests that these answered."""
        return sum(self.answered[name] for name in names) / len(self.latency)

    @property
    def served(self) -> bool:
        return not self.failed and self.quantile(99) < PATIENCE


class Client:
    """Asks over connections that it keeps. It is as light as can be, since it shares the machine."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def get(self, path: str) -> tuple[int, str, bytes]:
        """Status, who answered, and the body."""
        async with self._places:
            pair = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
            reader, writer = pair
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(_said(head, b"content-length") or 0))
            if _said(head, b"connection") == "close":
                writer.close()
            else:
                self._idle.append(pair)
        had = "nginx" if _said(head, b"x-edge") == "hit" else _said(head, b"x-cache")
        return int(head[9:12]), had, body

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


def _said(head: bytes, name: bytes) -> str:
    found = re.search(rb"\r\n" + name + rb": ([^\r]*)", head)
    return found[1].decode() if found else ""


def originals(folder: Path, count: int) -> list[str]:
    """``count`` objects made from the photographs, each a file of its own name."""
    scaled = []
    for photo in photos(progressive=False):
        target = folder / f"{photo.stem}.jpg"
        pyvips.Image.thumbnail(str(photo), SIDE, height=SIDE).jpegsave(str(target), Q=88)
        scaled.append(target)
    names = []
    for number, source in enumerate(islice(cycle(scaled), count)):
        names.append(f"{number}.jpg")
        os.link(source, folder / names[-1])
    return names


def drawn(names: list[str], draw: random.Random) -> Iterator[str]:
    """Paths in the order in which they are asked for, without an end."""
    weights = list(accumulate((rank + 1) ** -EXPONENT for rank in range(len(names))))
    chains, often = zip(*VARIANTS, strict=True)
    while True:
        objects = draw.choices(names, cum_weights=weights, k=1_000)
        for name, chain in zip(objects, draw.choices(chains, often, k=1_000), strict=True):
            yield f"/{chain}/@photos/{name}"


async def fill(url: str, paths: Iterator[str]) -> None:
    """Ask for all of them, some at once. RuntimeError where one is not answered with a picture."""
    client = Client(url)

    async def some() -> None:
        for path in paths:
            status, _, body = await client.get(path)
            if status != 200:
                raise RuntimeError(f"{status} for {path}: {body[:300]!r}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(FILLING):
            tasks.create_task(some())
    client.close()


async def ask(url: str, paths: Iterator[str], step: Step, seconds: float, draw: random.Random) -> None:
    """Ask at the step's rate, at random moments, whether or not answers have come."""
    client = Client(url)

    async def one(path: str, due: float) -> None:
        status, had, _ = await client.get(path)
        step.latency.append((time.perf_counter() - due) * 1_000)
        if status == 200:
            step.answered[had] += 1
        else:
            step.failed[status] += 1

    due = time.perf_counter() + 0.05
    end = due + seconds
    async with asyncio.TaskGroup() as tasks:
        while due < end:
            await asyncio.sleep(due - time.perf_counter())
            tasks.create_task(one(next(paths), due))
            due += draw.expovariate(step.rate)
    client.close()


def day(folder: Path, pictures: Path, names: list[str], seed: int, options: argparse.Namespace) -> list[Step]:
    """One round, with nothing kept of the round before: steps up to the first that is not served.

    Where already the first is too fast, half of it is the first.
    """
    folder.mkdir()
    sources = f"photos=file://{pictures};public"
    draw = random.Random(seed)
    paths, steps, rate = drawn(names, draw), list[Step](), options.rate
    with serving(folder / "data", ORIGIN_SOURCES=sources, **SETTINGS) as server:
        edge = nginx_server(folder, f"127.0.0.1:{server.port}")
        try:
            uvloop.run(fill(edge.url, islice(paths, options.before)))
            while True:
                for _ in range(TRIES):
                    step = Step(rate)
                    with counted(step, server, edge.pid):
                        uvloop.run(ask(edge.url, paths, step, options.seconds, draw))
                    print(f"# round {seed + 1}: {', '.join(row(step))}", flush=True)
                    if step.served:
                        break
                if step.served:
                    steps.append(step)
                    rate *= GROWTH
                elif steps or rate < LEAST:
                    return [*steps, step]
                else:
                    rate /= 2
        finally:
            edge.stop()


@contextmanager
def counted(step: Step, server: Server, edge: int) -> Iterator[None]:
    """Add the CPU of everybody to a step."""
    started, client = time.monotonic(), time.process_time()
    before, own = server.cpu(), cpu_of(edge)
    yield
    step.server, step.edge = server.cpu() - before, cpu_of(edge) - own
    step.client = (time.process_time() - client) / (time.monotonic() - started)


HEAD = (
    "requests a second", "requests", "nginx had", "server had", "rendered", "failed", "p50, ms", "p99, ms",
    "server, CPU ms a request", "of a render", "nginx, CPU ms", "client, cores",
)  # fmt: skip


def row(step: Step) -> list[str]:
    count, rendered = len(step.latency), step.answered["render"]
    kept = step.share(*(name for name in step.answered if name not in {"nginx", "render"}))
    return [
        f"{step.rate:.0f}", f"{count:,}", f"{step.share('nginx'):.1%}", f"{kept:.1%}",
        f"{step.share('render'):.1%}", f"{sum(step.failed.values())}",
        f"{step.quantile(50):.1f}", f"{step.quantile(99):.0f}",
        f"{step.server * 1_000 / count:.2f}", f"{step.server * 1_000 / max(1, rendered):.1f}",
        f"{step.edge * 1_000 / count:.2f}", f"{step.client:.2f}",
    ]  # fmt: skip


def highest(steps: list[Step]) -> float:
    """Requests a second of the last step that was served; 0 for none."""
    return steps[-2].rate if len(steps) > 1 else 0.0


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--before", type=int, help="requests before the first step (20,000)")
    parser.add_argument("--seconds", type=float, help="of a step (15)")
    parser.add_argument("--rate", type=float, default=100, help="requests a second of the first step")
    parser.add_argument("--short", action="store_true", help="one round, an hour of the day, shorter steps")
    options = parser.parse_args()
    if options.short:
        options.rounds = 1
    options.before = options.before or (2_000 if options.short else 20_000)
    options.seconds = options.seconds or (4.0 if options.short else 15.0)
    with TemporaryDirectory() as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        pictures = home / "pictures"
        pictures.mkdir()
        names = originals(pictures, options.objects)
        rounds = [day(home / str(seed), pictures, names, seed, options) for seed in range(options.rounds)]
    publish(report(rounds, options), options)


def report(rounds: list[list[Step]], options: argparse.Namespace) -> Report:
    rates = [highest(steps) for steps in rounds]
    # Of an even number of rounds the better of the two in the middle: a table is of one round.
    shown = sorted(rounds, key=highest)[len(rounds) // 2]
    best = shown[-2] if len(shown) > 1 else shown[0]
    bars = {
        name: {f"{step.rate:.0f}/s": step.quantile(percent) for step in shown}
        for name, percent in (("p50", 50), ("p99", 99))
    }
    promises = [
        Promise(
            f"requests a second with a p99 below {PATIENCE / 1_000:.0f} s, CDN mix", median(rates), unit="/s"
        ),
        Promise(f"requests that nginx had, at {best.rate:.0f}/s", best.share("nginx") * 100, unit="%"),
        Promise(
            f"server's CPU for a request, at {best.rate:.0f}/s",
            best.server * 1_000 / len(best.latency),
            unit="ms",
        ),
    ]
    figures = {f"round {number + 1}, requests a second": rate for number, rate in enumerate(rates)}
    notes = {
        "mix": f"Zipf {EXPONENT}; " + ", ".join(f"{often} % {chain}" for chain, often in VARIANTS),
        "originals": f"{SIDE} px, JPEG; ORIGIN_QUEUE={SETTINGS['ORIGIN_QUEUE']}",
        "the last rate": "is the one that was too high",
    }
    title = (
        f"{options.objects:,} objects, 6 variants, through nginx, {options.before:,} requests before; "
        f"latency by requests a second"
    )
    return Report("mix", title, HEAD, [row(step) for step in shown], "ms", bars, figures, notes, promises)


if __name__ == "__main__":
    main()
