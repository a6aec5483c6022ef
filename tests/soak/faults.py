"""What happens to a fleet: each fault begins, lasts a little, and is over when its function returns."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.support.faults import Fault, Troubled
from tests.support.origin import OriginServer

LASTS: Final = 3.0
"""Seconds."""


@dataclass(frozen=True)
class Stage:
    """The server, and the proxies before what it needs."""

    server: OriginServer
    redis: Troubled
    postgres: Troubled
    s3: Troubled


Happening = Callable[[Stage, random.Random], None]


def _proxy(name: str, fault: Fault, *, after: int = 0, rate: int = 10_000) -> Happening:
    def happen(stage: Stage, drawn: random.Random) -> None:
        proxy: Troubled = getattr(stage, name)
        proxy.set(fault, after=after, rate=rate)
        time.sleep(LASTS)
        proxy.set(Fault.PASS)

    return happen


def _worker_killed(stage: Stage, drawn: random.Random) -> None:
    workers = stage.server.workers()  # none where all have just been killed
    for pid in drawn.sample(workers, drawn.randint(min(1, len(workers)), len(workers))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _workers_killed_often(stage: Stage, drawn: random.Random) -> None:
    for _ in range(6):
        _worker_killed(stage, drawn)
        time.sleep(LASTS / 6)


def _server_killed(stage: Stage, drawn: random.Random) -> None:
    """Started again as by a supervisor."""
    stage.server.kill()
    time.sleep(0.2)
    stage.server.start()


def _server_frozen(stage: Stage, drawn: random.Random) -> None:
    stage.server.pause()
    time.sleep(LASTS)
    stage.server.resume()


FAULTS: Final[dict[str, Happening]] = {
    "workers killed": _worker_killed,
    "workers killed again and again": _workers_killed_often,
    "server killed and started": _server_killed,
    "server frozen": _server_frozen,
    "Redis away": _proxy("redis", Fault.REFUSE),
    "Redis silent": _proxy("redis", Fault.BLACK_HOLE),
    "Redis resets": _proxy("redis", Fault.RESET),
    "PostgreSQL away": _proxy("postgres", Fault.REFUSE),
    "PostgreSQL silent": _proxy("postgres", Fault.BLACK_HOLE),
    "PostgreSQL resets": _proxy("postgres", Fault.RESET),
    "S3 away": _proxy("s3", Fault.REFUSE),
    "S3 silent": _proxy("s3", Fault.BLACK_HOLE),
    "S3 ends bodies early": _proxy("s3", Fault.CUT, after=2_000),
    "S3 resets bodies": _proxy("s3", Fault.RESET_BODY, after=1_000),
    "S3 drips": _proxy("s3", Fault.DRIP, after=500, rate=2_000),
}
