"""What does a CDN's day cost: many originals, few of them asked for often, some sizes of each?

2,000 objects asked for by Zipf's law in six variants, through nginx, at times that were drawn beforehand
(open loop: a slow answer delays nobody else's question, and its wait counts). Latency from the moment a
request was due, by what nginx had; CPU of the server and of nginx for all of them; and which part of the
requests each answered.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate, cycle, islice
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import aiohttp
import pyvips
import uvloop

from benchmarks.support import (
    Report,
    Server,
    arguments,
    median,
    photos,
    processes_of,
    publish,
    seconds_of,
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


@dataclass
class Seen:
    """What came of the requests of a round."""

    latency: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds, by what nginx said it had."""
    caches: Counter[str] = field(default_factory=Counter)
    """Requests by who answered."""
    failed: Counter[int] = field(default_factory=Counter)
    """Answers by status that was not 200."""
    seconds: float = 0.0
    """CPU of the server and its workers."""
    edge: float = 0.0
    """CPU of nginx."""

    @property
    def all(self) -> list[float]:
        return [value for values in self.latency.values() for value in values]


def originals(folder: Path, count: int) -> list[str]:
    """``count`` objects made from the photographs, each a file of its own."""
    scaled = []
    for photo in photos(progressive=False):
        target = folder / f"{photo.stem}.jpg"
        pyvips.Image.thumbnail(str(photo), SIDE, height=SIDE).jpegsave(str(target), Q=88)
        scaled.append(target)
    names = []
    for number, source in enumerate(islice(cycle(scaled), count)):
        names.append(f"{number}.jpg")
        shutil.copyfile(source, folder / names[-1])
    return names


def drawn(names: list[str], count: int, draw: random.Random) -> list[str]:
    """Paths in the order in which they are asked for."""
    weights = list(accumulate((rank + 1) ** -EXPONENT for rank in range(len(names))))
    chains, often = zip(*VARIANTS, strict=True)
    objects = draw.choices(names, cum_weights=weights, k=count)
    return [
        f"/{chain}/@photos/{name}"
        for name, chain in zip(objects, draw.choices(chains, often, k=count), strict=True)
    ]


async def ask(base: str, paths: list[str], rate: float, draw: random.Random) -> Seen:
    """Ask at ``rate`` requests a second, at random moments, whether or not answers have come."""
    seen = Seen()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(base, connector=connector) as session:

        async def one(path: str, due: float) -> None:
            await asyncio.sleep(due - time.perf_counter())
            async with session.get(path) as answer:
                await answer.read()
                had = answer.headers.get("x-edge", "none")
                seen.latency.setdefault(had, []).append((time.perf_counter() - due) * 1_000)
                seen.caches["nginx" if had == "HIT" else answer.headers.get("x-cache", "none")] += 1
                if answer.status != 200:
                    seen.failed[answer.status] += 1

        due = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as tasks:
            for path in paths:
                due += draw.expovariate(rate)
                tasks.create_task(one(path, due))
    return seen


def measure(folder: Path, pictures: Path, paths: list[str], rate: float, seed: int) -> Seen:
    """One round, with nothing kept of the round before."""
    folder.mkdir()
    sources = f"photos=file://{pictures};public"
    with serving(folder / "data", ORIGIN_SOURCES=sources, ORIGIN_QUEUE="1000") as server:
        edge = nginx_server(folder, f"127.0.0.1:{server.port}")
        try:
            front = Server(server.process, urlsplit(edge.url).port or 0)
            front.get("/w_32,f_webp/@photos/0.jpg")
            before, own = server.cpu(), seconds_of(processes_of(edge.pid))
            seen = uvloop.run(ask(edge.url, paths, rate, random.Random(seed)))
            seen.seconds = server.cpu() - before
            seen.edge = seconds_of(processes_of(edge.pid)) - own
            return seen
        finally:
            edge.stop()


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=6_000, help="of a round")
    parser.add_argument("--rate", type=float, default=40, help="requests a second")
    options = parser.parse_args()
    rounds: list[Seen] = []
    with TemporaryDirectory() as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        pictures = home / "pictures"
        pictures.mkdir()
        names = originals(pictures, options.objects)
        for number in range(options.rounds):
            paths = drawn(names, options.requests, random.Random(number))
            seen = measure(home / str(number), pictures, paths, options.rate, number)
            rounds.append(seen)
            print(f"# round {number + 1}: {dict(seen.caches)}, failed {dict(seen.failed)}", flush=True)
    report(rounds, options.objects, options.requests, options.rate, options)
    if any(seen.failed for seen in rounds):
        raise SystemExit("not every request was answered with a picture")


def report(rounds: list[Seen], objects: int, requests: int, rate: float, options: argparse.Namespace) -> None:
    kinds = sorted({name for seen in rounds for name in seen.latency})
    rows = []
    bars: dict[str, dict[str, float]] = {"p50": {}, "p99": {}}
    for kind in [*kinds, "all"]:
        lists = [seen.all if kind == "all" else seen.latency.get(kind, []) for seen in rounds]
        cuts = [quantiles(values, n=100) for values in lists if len(values) > 1]
        if not cuts:
            continue
        p50, p99 = (median([cut[place] for cut in cuts]) for place in (49, 98))
        part = median([len(values) / len(seen.all) for values, seen in zip(lists, rounds, strict=True)])
        rows.append([kind, f"{part:.1%}", f"{p50:.1f}", f"{p99:.1f}"])
        bars["p50"][kind], bars["p99"][kind] = p50, p99
    spent = median([seen.seconds for seen in rounds]) * 1_000 / requests
    edge = median([seen.edge for seen in rounds]) * 1_000 / requests
    rendered = median([seen.caches["render"] for seen in rounds])
    missed = median([seen.seconds / max(1, seen.caches["render"]) for seen in rounds]) * 1_000
    rows += [
        ["", "", "", ""],
        ["server, CPU ms a request", "", f"{spent:.2f}", ""],
        ["server, CPU ms a render", "", f"{missed:.1f}", ""],
        ["nginx, CPU ms a request", "", f"{edge:.2f}", ""],
    ]
    figures = {
        "server ms a request": spent, "server ms a render": missed, "nginx ms a request": edge,
        "rendered": rendered / requests,
    }  # fmt: skip
    title = f"{objects:,} objects, {requests:,} requests at {rate:.0f}/s through nginx, {len(rounds)} rounds"
    head = ["nginx had", "requests", "p50, ms", "p99, ms"]
    publish(Report("mix", title, head, rows, "ms", bars, figures), options)


if __name__ == "__main__":
    main()
