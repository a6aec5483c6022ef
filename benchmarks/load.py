"""Requests at a rate that does not wait for answers, and what came back.

The client is as light as it can be: it shares the machine with the server, which lacks what it takes.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

PATIENCE = 60.0
"""Seconds for an answer."""


@dataclass(frozen=True)
class Sample:
    """One request. ``status`` is 0 where no answer came."""

    target: str
    status: int
    seconds: float
    retry_after: bool = False
    late: float = 0.0
    """Seconds by which the client itself was behind with it."""


class _Connection(asyncio.Protocol):
    """One kept connection; an answer has a Content-Length."""

    def __init__(self) -> None:
        self.open = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._parts: list[bytes] = []
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer's end"))

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer, in lower case, once its body is there too."""
        assert self._transport
        self._parts, self._head = [], b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def data_received(self, data: bytes) -> None:
        if self._head:
            self._missing -= len(data)
        else:
            self._parts.append(data)
            head, end, body = b"".join(self._parts).partition(b"\r\n\r\n")
            if not end:
                return
            self._head = head.lower()
            length = self._head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._missing = int(length or 0) - len(body)
        if self._missing <= 0 and self._answer is not None and not self._answer.done():
            self.open = b"\r\nconnection: close" not in self._head
            self._answer.set_result(self._head)

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()


class Client:
    """As many kept connections to ``url`` as are needed at once."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._idle: list[_Connection] = []

    async def ask(self, target: str, due: float | None = None) -> Sample:
        """``due``: when it should have been asked, by ``time.perf_counter``."""
        started = time.perf_counter()
        late = started - due if due is not None else 0.0
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._asked(target)
        except (OSError, EOFError):  # TimeoutError is an OSError
            return Sample(target, 0, time.perf_counter() - started, late=late)
        seconds = time.perf_counter() - started
        return Sample(target, int(head[9:12]), seconds, b"\r\nretry-after:" in head, late)

    async def _asked(self, target: str) -> bytes:
        while self._idle:
            if (connection := self._idle.pop()).open:
                break
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
        try:
            head = await connection.ask(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        except BaseException:
            connection.close()
            raise
        if connection.open:
            self._idle.append(connection)
        else:
            connection.close()
        return head

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


async def open_loop(url: str, targets: Iterator[str], rate: float, seconds: float) -> list[Sample]:
    """``rate`` requests a second, at random moments, whatever becomes of those before."""
    chance = random.Random(int(rate))
    client = Client(url)
    tasks: list[asyncio.Task[Sample]] = []
    begun, at = time.perf_counter(), 0.0
    while at < seconds:
        await asyncio.sleep(max(0.0, at - (time.perf_counter() - begun)))
        tasks.append(asyncio.create_task(client.ask(next(targets), begun + at)))
        at += chance.expovariate(rate)
    samples = list(await asyncio.gather(*tasks))
    client.close()
    return samples


async def closed_loop(url: str, targets: Iterator[str], clients: int, seconds: float) -> list[Sample]:
    """``clients`` that ask one after the other for as long as ``seconds``."""
    samples: list[Sample] = []
    client = Client(url)
    end = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < end:
            samples.append(await client.ask(next(targets)))

    await asyncio.gather(*(one() for _ in range(clients)))
    client.close()
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
