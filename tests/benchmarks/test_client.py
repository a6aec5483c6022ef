"""The client of the load benchmarks: what it says of an answer is what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import repeat

import pytest

from benchmarks.load import Client, open_loop, percentile

ANSWERS: dict[str, tuple[bytes, int, bool]] = {
    "/whole": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", 200, False),
    "/empty": (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, False),
    "/refused": (b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno", 503, True),
    "/last": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1", 200, False),
    "/large": (b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000), 200, False),
    "/cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123", 0, False),
    "/nothing": (b"", 0, False),
}
CLOSED = {"/last", "/cut", "/nothing"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        serving.add(task)
        target = ""
        while target not in CLOSED and (line := await reader.readline()):
            target = line.split()[1].decode()
            while await reader.readline() != b"\r\n":
                pass
            writer.write(ANSWERS[target][0])
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*serving)


async def test_what_came_is_what_is_said(url: str) -> None:
    client = Client(url)
    for target in [*ANSWERS, *ANSWERS]:  # also after each kind of end
        _, status, retry = ANSWERS[target]
        found = await client.ask(target)
        assert (found.status, found.retry_after) == (status, retry), target
    client.close()


async def test_the_rate_does_not_wait_for_answers(url: str) -> None:
    samples = await open_loop(url, repeat("/large"), 200.0, 0.25)
    assert {one.status for one in samples} == {200}
    assert 20 < len(samples) < 90


def test_the_slowest_hundredth_is_among_what_was_seen() -> None:
    values = [float(number) for number in range(200)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [0.0, 100.0, 198.0, 199.0]
