"""How many requests S3 is asked at once: fewer when it says so, more again when it answers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from origin.backends import window
from origin.backends.s3 import S3Store
from origin.backends.window import FORGOTTEN, LEAST, Window
from origin.errors import StorageUnavailable
from tests.origin.backends.conftest import store_in
from tests.origin.backends.test_s3 import SLOW_DOWN, SOON, answer, read
from tests.support.servers import S3Server


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def crowd(stack: AsyncExitStack, window: Window, count: int) -> None:
    for _ in range(count):
        await stack.enter_async_context(window.turn(SOON))


async def test_it_halves_once_for_all_that_were_under_way_and_widens_by_one() -> None:
    clock = Clock()
    wide = Window(32, clock)
    async with AsyncExitStack() as stack:
        await crowd(stack, wide, 32)
        begun = clock.now
        for clock.now in (1_001.0, 1_002.0, 1_003.0):
            wide.slowed(begun)
        assert (wide.width, wide.counts.narrowed) == (16, 1), "they knew nothing of each other"
        wide.slowed(1_002.0)
        assert wide.width == 8
        for _ in range(8):
            wide.answered()
        assert wide.width == 8
        wide.answered()
        assert wide.width == 9
    for _ in range(100):
        wide.answered()
    assert wide.width == 9, "what nobody uses proves nothing"
    for _ in range(10):
        clock.now += 1
        wide.slowed(clock.now)
    assert wide.width == LEAST
    clock.now += FORGOTTEN + 1
    async with wide.turn(SOON):
        assert wide.width == 32, "what was a minute ago counts no more"


async def test_who_does_not_fit_waits_in_line_or_is_turned_away() -> None:
    narrow = Window(4)
    order: list[int] = []

    async def one(number: int) -> None:
        async with narrow.turn(SOON):
            order.append(number)

    async with AsyncExitStack() as stack:
        await crowd(stack, narrow, 4)
        waiting = [asyncio.create_task(one(number)) for number in range(5)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        with pytest.raises(StorageUnavailable) as caught:
            await narrow.turn(0.01).__aenter__()
        assert caught.value.status == 503
        assert order == []
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [0, 2, 3, 4]
    assert (narrow.under_way, narrow.counts.turned_away) == (0, 1)


class Weak:
    """An S3 that serves ``most`` at once and tells the others to slow down."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.under_way = 0
        self.refused = 0
        self.served = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self.under_way > self.most:
                self.refused += 1
                writer.write(SLOW_DOWN)
            else:
                await asyncio.sleep(0.02)
                self.served += 1
                writer.write(answer("200 OK", b"picture"))
            await writer.drain()
        finally:
            self.under_way -= 1
            writer.close()


async def test_a_crowd_adapts_to_a_weak_server(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "PATIENCE", SOON)  # a busy machine decides nothing
    weak = Weak(most=5)
    server = await asyncio.start_server(weak.serve, "127.0.0.1", 0)
    store = store_in(s3, url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    failed = 0

    async def reader(store: S3Store) -> None:
        nonlocal failed
        for _ in range(10):
            try:
                assert await read(store) == b"picture"
            except StorageUnavailable:
                failed += 1

    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(reader(store) for _ in range(40)))
        assert weak.served + failed == 400
        assert store.window.counts.narrowed > 0
        assert failed <= 15, "of a crowd that does not adapt, 57"
        assert weak.refused <= 150, "of a crowd that does not adapt, 244; of this one, 60"
    finally:
        await store.close()
        server.close()
