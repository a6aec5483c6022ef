"""Requests at a rate that does not wait for answers, and what came back."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True)
class Sample:
    """One request. ``status`` is 0 where no answer came."""

    target: str
    status: int
    seconds: float
    retry_after: bool = False


async def ask(session: aiohttp.ClientSession, url: str, target: str) -> Sample:
    started = time.perf_counter()
    try:
        async with session.get(url + target) as answer:
            await answer.read()
            status, says = answer.status, "Retry-After" in answer.headers
    except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        status, says = 0, False
    return Sample(target, status, time.perf_counter() - started, says)


async def open_loop(url: str, targets: Iterator[str], rate: float, seconds: float) -> list[Sample]:
    """``rate`` requests a second, at random moments, whatever becomes of those before."""
    chance = random.Random(int(rate))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=PATIENCE) as session:
        tasks: list[asyncio.Task[Sample]] = []
        begun, at = time.perf_counter(), 0.0
        while at < seconds:
            await asyncio.sleep(max(0.0, at - (time.perf_counter() - begun)))
            tasks.append(asyncio.create_task(ask(session, url, next(targets))))
            at += chance.expovariate(rate)
        return list(await asyncio.gather(*tasks))


async def closed_loop(url: str, targets: Iterator[str], clients: int, seconds: float) -> list[Sample]:
    """``clients`` that ask one after the other for as long as ``seconds``."""
    samples: list[Sample] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=PATIENCE) as session:
        end = time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                samples.append(await ask(session, url, next(targets)))

        await asyncio.gather(*(client() for _ in range(clients)))
    return samples


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def milliseconds(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:.1f} ms" if values else "none"


def statuses(samples: Sequence[Sample]) -> str:
    return ", ".join(
        f"{count} × {status}" for status, count in sorted(Counter(s.status for s in samples).items())
    )


def variants(id: str, *, start: int = 0) -> Iterator[str]:
    """Paths of one picture that nobody has asked for yet."""
    number = start
    while True:
        yield f"/w_{200 + number % 400},q_{50 + number // 400 % 40},f_webp/{id}"
        number += 1


def logged(log: Path, after: int = 0) -> tuple[list[tuple[int, float]], int]:
    """Status and seconds of each request as the server saw it, from the log's byte ``after``; its end."""
    data = log.read_bytes()
    found = []
    for line in data[after:].splitlines():
        entry = json.loads(line) if line.startswith(b"{") else {}
        if entry.get("event") == "request":
            found.append((int(entry["status"]), float(entry["ms"]) / 1000))
    return found, len(data)
