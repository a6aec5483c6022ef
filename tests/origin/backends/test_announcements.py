"""Word of a change from one server to the others, through Redis and through PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg
import pytest

from origin.backends.postgres_announce import PostgresAnnouncements
from origin.backends.redis_announce import RedisAnnouncements
from origin.backends.redis_link import RedisLink
from origin.errors import Unavailable
from origin.ports import Announcements
from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.faults import Fault, FaultyProxy
from tests.support.servers import PostgresServer


@dataclass
class Broker:
    """Where announcements go through, over a line that a test may break."""

    kind: str
    line: FaultyProxy
    url: str
    made: AsyncExitStack

    async def member(self, channel: str) -> tuple[Announcements, list[str]]:
        """Somebody who listens, and what is heard."""
        heard: list[str] = []
        one: Announcements
        if self.kind == "redis":
            link = RedisLink(self.url)
            self.made.push_async_callback(link.close)
            one = RedisAnnouncements(link, self.url, channel=channel)
        else:
            one = PostgresAnnouncements(self.url, channel=channel, ping=0.2)
        self.made.push_async_callback(one.close)
        await one.start(heard.append)
        return one, heard


@pytest.fixture(params=["redis", "postgresql"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    postgres = request.param == "postgresql"
    real: str = request.getfixturevalue("postgres_database" if postgres else "redis_url")
    parts = urlsplit(real)
    assert parts.port
    async with AsyncExitStack() as stack:
        line = FaultyProxy(parts.port)
        await line.set(Fault.PASS)
        stack.push_async_callback(line.stop)
        url = real.replace(f":{parts.port}", f":{line.port}")
        yield Broker(request.param, line, url, await stack.enter_async_context(AsyncExitStack()))


async def told(sender: Announcements, heard: list[str], id: str) -> None:
    """Say it until it is heard: nothing promises that a word arrives."""
    async with asyncio.timeout(20):
        while id not in heard:
            try:
                await sender.announce(id)
            except Unavailable:
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.02)


async def forever(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()


async def test_everybody_hears_and_no_other_channel_does(broker: Broker) -> None:
    first, by_first = await broker.member("ours")
    _, by_second = await broker.member("ours")
    stranger, by_stranger = await broker.member("theirs")
    for heard in (by_first, by_second):
        await told(first, heard, "cat-1")
    ids = ["A" * 22, "Ünïcode ' ; --", "@shop/new shoes/%.png", "x" * 1_000]
    for id in ids:
        await first.announce(id)
    await told(first, by_second, "last")
    assert [id for id in by_second if id not in {"cat-1", "last"}] == ids
    await told(stranger, by_stranger, "other")
    assert set(by_stranger) == {"other"}


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.REFUSE, Fault.BLACK_HOLE], ids=lambda f: f.name)
async def test_a_lost_line_is_said_and_comes_back(broker: Broker, fault: Fault) -> None:
    if broker.kind == "redis" and fault is Fault.BLACK_HOLE:
        pytest.skip("a subscription that is silent looks like one that has nothing to say")
    sender, heard = await broker.member("ours")
    await told(sender, heard, "before")
    await broker.line.set(fault)
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await forever(lambda: sender.announce("meanwhile"))
    await broker.line.set(Fault.PASS)
    await told(sender, heard, "after")


async def test_a_command_tells_without_listening(postgres_database: str) -> None:
    listener = await asyncpg.connect(postgres_database)
    heard: list[str] = []
    await listener.add_listener("origin_changes", lambda *said: heard.append(str(said[-1])))
    speaker = PostgresAnnouncements(postgres_database)
    await speaker.announce("cat")
    await speaker.close()
    await listener.execute("SELECT 1")
    assert heard == ["cat"]
    await listener.close()


async def test_servers_without_redis_tell_each_other_through_the_database(
    origin_factory: OriginFactory, postgres: PostgresServer
) -> None:
    with postgres.database() as url:
        server = origin_factory(DATABASE_URL=url, JWT_SECRET=token_hex(20))
        listener = await asyncpg.connect(url)
        heard: list[str] = []
        await listener.add_listener("origin_changes", lambda *said: heard.append(str(said[-1])))
        id = await asyncio.to_thread(server.put, pictures.plain(4, 4, (1, 2, 3)), "dot.png")
        done = await asyncio.to_thread(server.cli, "purge", id)
        assert done.returncode == 0, done.stderr
        listening = await listener.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'origin changes'"
        )
        assert (listening, id in heard) == (1, True)
        await listener.close()
        server.stop()
