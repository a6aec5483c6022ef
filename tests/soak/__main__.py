"""Load, faults and killed workers for as long as is wanted: ``python -m tests.soak --minutes 20``.

A fleet of one: an origin with S3, Redis and PostgreSQL, each behind a proxy that can break it. Clients ask
for pictures, purge, upload and send damaged files; every picture that comes is compared with the one that
was made in peace. Faults come one after the other; after each one it is measured how long it takes until
everything works again: from the moment in which the network or the server is there again, and beyond what
the same takes in peace on this machine just then. A wrong picture, an answer that nobody deserves, a slow
recovery or memory that grows and grows end the program with exit code 1.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.support import corpus, machine, median, table
from tests.soak.faults import FAULTS, Stage
from tests.soak.load import Load
from tests.soak.watch import Memory, sample
from tests.support.faults import troubled
from tests.support.origin import origin_server
from tests.support.people import SECRET
from tests.support.servers import postgres_server, redis_server, s3_server

RECOVERY = 5.0
"""Seconds after the end of a fault within which everything works again."""
DRIFT = 128
"""MiB that a process may grow between the first and the last calm minute."""
QUIET = 3.0
"""Seconds between faults."""
ROUNDS = 9
"""In peace, of which the median is what is usual."""
UNDER_WAY = 2.0
"""Seconds after a recovery in which answers to what was asked before it may still come."""
SETTINGS: dict[str, Any] = {
    "JWT_SECRET": SECRET,
    "ORIGIN_WORKERS": "2",
    "ORIGIN_QUEUE": "64",
    "ORIGIN_RATE_UPLOAD": "off",
    "ORIGIN_RATE_API": "off",
}


def soak(stage: Stage, load: Load, minutes: float, drawn: random.Random) -> tuple[list[list[str]], bool]:
    """A row for every fault, and whether everything recovered and nothing grew."""
    times: dict[str, list[float]] = {}
    memory: list[Memory] = []
    end = time.monotonic() + 60 * minutes
    order: list[str] = []
    rounds: deque[float] = deque(maxlen=ROUNDS)
    while time.monotonic() < end:
        time.sleep(QUIET)
        rounds.extend(load.usual() for _ in range(3))
        memory.append(sample(stage.server))
        order = order or drawn.sample(list(FAULTS), len(FAULTS))
        name = order.pop()
        load.troubled = True
        FAULTS[name](stage, drawn)
        took, missed = load.recovered(median(rounds))
        time.sleep(UNDER_WAY)
        load.troubled = False
        times.setdefault(name, []).append(took)
        told = "; ".join([*(f"{count} x {what}" for what, count in missed.items()), *load.slow])
        left = max(0, int(end - time.monotonic()))
        usual = f"{took:.2f} s beyond the usual {median(rounds):.2f} s"
        print(f"{left:5} s left, {name}: {usual}; missed: {told or 'nothing'}", file=sys.stderr)
    rows = [
        [name, str(len(took)), f"{median(took):.2f} s", f"{max(took):.2f} s"] for name, took in times.items()
    ]
    return rows, _memory_holds(memory) and all(max(took) <= RECOVERY for took in times.values())


def _memory_holds(memory: list[Memory]) -> bool:
    half = max(1, len(memory) // 4)
    early = Memory(*(max(column) for column in zip(*memory[:half], strict=True)))
    late = Memory(*(max(column) for column in zip(*memory[-half:], strict=True)))
    print(f"memory (PSS) early and late: server {early.server} and {late.server} MiB, "
          f"largest worker {early.workers} and {late.workers} MiB")  # fmt: skip
    return late.server - early.server <= DRIFT and late.workers - early.workers <= DRIFT


def run(folder: Path, minutes: float, seed: int) -> bool:
    with ExitStack() as stack:
        for name in ("redis", "s3", "origin"):
            (folder / name).mkdir()
        redis, s3, postgres = redis_server(folder / "redis"), s3_server(folder / "s3"), postgres_server()
        stack.callback(shutil.rmtree, postgres.log.parent)
        for process in (redis, s3.process, postgres):
            stack.callback(process.stop)
        proxies = stack.enter_context(troubled(redis.url, postgres.url, s3.endpoint_url))
        server = origin_server(
            folder / "origin",
            REDIS_URL=proxies[0].url,
            DATABASE_URL=proxies[1].url,
            AWS_S3_ENDPOINT_URL=proxies[2].url,
            AWS_S3_BUCKET_NAME=s3.bucket,
            AWS_S3_ACCESS_KEY=s3.access_key,
            AWS_S3_SECRET_KEY=s3.secret_key,
            AWS_REGION=s3.region,
            **SETTINGS,
        )
        stack.callback(server.stop)
        load = Load(server.url, corpus(), random.Random(seed))
        load.prepare()
        load.start()
        began = time.monotonic()
        rows, well = soak(Stage(server, *proxies), load, minutes, random.Random(seed))
        load.stop()
        print(f"{machine()}, {(time.monotonic() - began) / 60:.1f} minutes\n")
        print(table(["fault", "times", "recovery", "longest"], rows), "", *load.lines(), sep="\n")
        unexpected = server.unexpected()
        print(f"errors without a name in the log: {len(unexpected)}", *unexpected[:5], sep="\n")
        return well and load.well and not unexpected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="origin-soak-") as folder:
        well = run(Path(folder), chosen.minutes, chosen.seed)
    print("all is well" if well else "something is wrong")
    sys.exit(not well)


if __name__ == "__main__":
    main()
