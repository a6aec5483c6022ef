"""Redis that is away, silent, full or wrong costs next to nothing and never a picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from origin.backends.leases import LocalLeases
from origin.backends.redis_leases import RedisLeases
from origin.backends.redis_link import RedisLink
from origin.backends.redis_results import RedisResults
from origin.backends.results import FolderResults, MemoryResults, TieredResults
from origin.errors import Unavailable
from origin.ports import Leases, Result
from tests.conftest import RedisFactory
from tests.support.faults import Fault, FaultyProxy, faulty
from tests.support.servers import free_port

PICTURE = Result(b"picture" * 100, "image/png", created=1_790_000_000)


@asynccontextmanager
async def linked(url: str, timeout: float = 0.3) -> AsyncIterator[RedisLink]:
    link = RedisLink(url, timeout=timeout, probe_every=0.1)
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def broken(url: str) -> AsyncIterator[tuple[FaultyProxy, RedisLink]]:
    async with faulty(url) as (proxy, through), linked(through) as link:
        yield proxy, link


async def until_back(link: RedisLink) -> None:
    async with asyncio.timeout(30):
        while link.in_doubt:
            await asyncio.sleep(0.02)


async def until_open(link: RedisLink) -> None:
    async with asyncio.timeout(30):
        while not link.is_open:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.BLACK_HOLE, Fault.RESET, Fault.CUT])
async def test_a_broken_redis_is_a_miss_and_soon_costs_nothing(redis_url: str, fault: Fault) -> None:
    async with broken(redis_url) as (proxy, link):
        results = RedisResults(link, prefix=f"{fault}:")
        await results.put("key", PICTURE, ["a"])
        assert await results.get("key") == PICTURE
        await proxy.set(fault)
        async with asyncio.timeout(30):
            assert await results.get("key") is None
        assert link.in_doubt
        asked = proxy.requests
        async with asyncio.timeout(60):  # 600 calls that each waited for their time-out would take minutes
            for _ in range(200):
                assert await results.get("key") is None
                await results.put("key", PICTURE, ["a"])
                assert await results.forget("a") == 0
        assert proxy.requests - asked <= 600 // 3
        await until_open(link)
        await proxy.set(Fault.PASS)
        await until_back(link)
        assert await results.get("key") == PICTURE


async def test_a_frozen_server(redis_factory: RedisFactory) -> None:
    server = redis_factory()
    async with linked(server.url) as link:
        results = RedisResults(link)
        await results.put("key", PICTURE, [])
        server.pause()
        assert [await results.get("key") for _ in range(4)] == [None] * 4
        await until_open(link)
        server.resume()
        await until_back(link)
        assert await results.get("key") == PICTURE


async def test_a_server_that_dies_and_comes_back(redis_factory: RedisFactory) -> None:
    server = redis_factory()
    async with linked(server.url) as link:
        results = RedisResults(link)
        await results.put("key", PICTURE, [])
        server.kill()
        assert [await results.get("key") for _ in range(4)] == [None] * 4
        await until_open(link)
        server.start()
        await until_back(link)
        await results.put("key", PICTURE, [])
        assert await results.get("key") == PICTURE


async def test_a_server_that_is_not_there_at_the_start() -> None:
    async with linked(f"redis://127.0.0.1:{free_port()}/0") as link:
        results = RedisResults(link)
        await results.put("key", PICTURE, ["a"])
        assert await results.get("key") is None
        assert await results.forget("a") == 0
        with pytest.raises(Unavailable):
            await link.ping()


async def test_a_single_failure_does_not_open_the_link(redis_url: str) -> None:
    async with broken(redis_url) as (proxy, link):
        results = RedisResults(link, prefix="single:")
        await results.put("key", PICTURE, [])
        for _ in range(4):
            await proxy.set(Fault.CUT, after=10, times=1)
            assert await results.get("key") is None
            await until_back(link)
            assert await results.get("key") == PICTURE
            assert not link.is_open


async def test_an_answer_that_came_too_late_is_not_given_to_the_next(redis_url: str) -> None:
    async with linked(redis_url, timeout=0.3) as link:
        client = Redis.from_url(redis_url)
        await client.set("late:1", b"one")
        for _ in range(2):
            with pytest.raises(Unavailable):
                await link.call(lambda redis: redis.blpop(["late:nothing"], timeout=1))
            await until_back(link)
            assert await link.call(lambda redis: redis.get("late:1")) == b"one"
        await client.aclose()


async def test_a_busy_loop_is_not_taken_for_a_silent_server(redis_url: str) -> None:
    async with linked(redis_url, timeout=0.05) as link:
        await link.ping()
        for steps in range(6):
            asked = asyncio.create_task(link.call(lambda redis: redis.echo("here")))
            for _ in range(steps):  # it is on its way, more or less far
                await asyncio.sleep(0)
            time.sleep(0.2)
            assert await asked == b"here"


async def test_a_full_server_says_no_and_still_reads(redis_factory: RedisFactory) -> None:
    server = redis_factory("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    async with linked(server.url, timeout=1) as link:
        results = RedisResults(link)
        await results.put("small", PICTURE, [])
        for number in range(10):
            await results.put(str(number), Result(b"x" * 900_000, "image/png"), [])
        assert await results.get("9") is None
        assert await results.get("small") == PICTURE
        assert not link.is_open


async def test_more_callers_than_connections(redis_url: str) -> None:
    async with linked(redis_url, timeout=2) as link:
        results = RedisResults(link, prefix="many:")
        await results.put("key", PICTURE, [])
        assert await asyncio.gather(*(results.get("key") for _ in range(300))) == [PICTURE] * 300


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="cut"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"garbage", id="garbage"),
        pytest.param(lambda data: data[:-1] + b"\0", id="a wrong byte"),
        pytest.param(lambda data: data.replace(b"result/1", b"result/9"), id="another version"),
    ],
)
async def test_a_damaged_entry_is_a_miss(link: RedisLink, damage: Callable[[bytes], bytes]) -> None:
    results = RedisResults(link, prefix="damage:")
    await results.put("key", PICTURE, [])
    data = await link.call(lambda redis: redis.get("damage:result:key"))
    assert isinstance(data, bytes)
    await link.call(lambda redis: redis.set("damage:result:key", damage(data)))
    assert await results.get("key") is None
    await results.put("key", PICTURE, [])
    assert await results.get("key") == PICTURE


async def test_a_key_of_another_kind_is_a_miss(link: RedisLink) -> None:
    await link.call(lambda redis: redis.sadd("kind:result:key", "x"))
    assert await RedisResults(link, prefix="kind:").get("key") is None


async def test_everything_expires(link: RedisLink) -> None:
    results = RedisResults(link, prefix="ttl:", ttl=100)
    await results.put("key", PICTURE, ["a"])
    assert 90 < await link.call(lambda redis: redis.ttl("ttl:result:key")) <= 100
    assert 100 < await link.call(lambda redis: redis.ttl("ttl:asset:a")) <= 160


async def test_forgetting_thousands(link: RedisLink) -> None:
    results = RedisResults(link, prefix="thousands:")
    await asyncio.gather(*(results.put(str(n), PICTURE, ["a"]) for n in range(1_200)))
    assert await results.forget("a") == 1_200
    assert await link.call(lambda redis: redis.exists("thousands:asset:a")) == 0


# Tiers


async def test_large_results_go_to_the_folder(link: RedisLink, folder_results: FolderResults) -> None:
    redis = RedisResults(link, prefix="large:", max_entry_bytes=1_000)
    tiers = TieredResults(MemoryResults(0), redis, folder_results)
    large = Result(b"x" * 1_001, "image/png")
    await tiers.put("small", PICTURE, ["a"])
    await tiers.put("large", large, ["a"])
    assert await tiers.lookup("small") == (PICTURE, "redis")
    assert await tiers.lookup("large") == (large, "files")
    assert not redis.accepts(large)
    await redis.put("large", large, [])
    assert await redis.get("large") is None
    assert await tiers.forget("a") == 2
    assert await tiers.lookup("small") is None
    assert await tiers.lookup("large") is None


async def test_without_redis_everything_goes_to_the_folder(
    redis_factory: RedisFactory, folder_results: FolderResults
) -> None:
    server = redis_factory()
    async with linked(server.url) as link:
        tiers = TieredResults(MemoryResults(0), RedisResults(link), folder_results)
        server.kill()
        for _ in range(3):
            assert await tiers.lookup("key") is None
        await tiers.put("key", PICTURE, ["a"])
        assert await tiers.lookup("key") == (PICTURE, "files")


# Leases


@pytest.fixture
def two(link: RedisLink) -> tuple[RedisLeases, RedisLeases]:
    """What two processes have."""
    return RedisLeases(link, prefix="two:", ttl=0.6), RedisLeases(link, prefix="two:", ttl=0.6)


@pytest.mark.parametrize("kind", ["local", "redis"])
async def test_a_lease_can_be_had_given_back_and_had_again(kind: str, link: RedisLink) -> None:
    leases: Leases = LocalLeases() if kind == "local" else RedisLeases(link, prefix="again:")
    for _ in range(3):
        lease = await leases.acquire("key")
        assert lease is not None
        await lease.done()
        await lease.done()
    await leases.wait("key", 0)
    await leases.wait("never held", 5)


async def test_one_holder_at_a_time(two: tuple[RedisLeases, RedisLeases]) -> None:
    first, second = two
    lease = await first.acquire("key")
    other = await first.acquire("other key")
    assert lease is not None
    assert other is not None
    assert await second.acquire("key") is None
    assert await first.acquire("key") is None
    await other.done()
    assert await second.acquire("key") is None
    await lease.done()
    lease = await second.acquire("key")
    assert lease is not None
    await lease.done()


async def test_many_want_it_and_one_gets_it(two: tuple[RedisLeases, RedisLeases]) -> None:
    leases = await asyncio.gather(*(two[n % 2].acquire("many") for n in range(30)))
    [lease] = [lease for lease in leases if lease is not None]
    await lease.done()


async def test_waiting_ends_when_the_holder_is_done(two: tuple[RedisLeases, RedisLeases]) -> None:
    first, second = two
    lease = await first.acquire("key")
    assert lease is not None
    waiting = asyncio.create_task(second.wait("key", 5))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await lease.done()
    async with asyncio.timeout(20):
        await waiting


async def test_waiting_has_an_end(two: tuple[RedisLeases, RedisLeases]) -> None:
    first, second = two
    lease = await first.acquire("key")
    assert lease is not None
    async with asyncio.timeout(20):
        await second.wait("key", 0.1)
    assert await second.acquire("key") is None
    await lease.done()


async def test_a_held_lease_outlives_its_ttl(two: tuple[RedisLeases, RedisLeases]) -> None:
    first, second = two
    lease = await first.acquire("key")
    assert lease is not None
    await asyncio.sleep(1.0)
    assert await second.acquire("key") is None
    await lease.done()


async def test_a_dead_holder_loses_its_lease(two: tuple[RedisLeases, RedisLeases]) -> None:
    first, second = two
    lease = await first.acquire("key")
    assert lease is not None
    lease._extending.cancel()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        await second.wait("key", 3)
    newer = await second.acquire("key")
    assert newer is not None
    await lease.done()  # the dead one comes back: it must not give away what is not its own
    assert await first.acquire("key") is None
    await newer.done()


async def test_holding_has_an_end(link: RedisLink) -> None:
    leases = RedisLeases(link, prefix="end:", ttl=0.2, longest=0.3)
    assert await leases.acquire("key") is not None
    async with asyncio.timeout(20):
        await leases.wait("key", 3)
    lease = await leases.acquire("key")
    assert lease is not None
    await lease.done()


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.BLACK_HOLE])
async def test_without_redis_everybody_may_render(redis_url: str, fault: Fault) -> None:
    async with broken(redis_url) as (proxy, link):
        leases = RedisLeases(link, prefix=f"{fault}:")
        held = await leases.acquire("key")
        await proxy.set(fault)
        for _ in range(5):
            lease = await leases.acquire("key")
            assert lease is not None
            await lease.done()
        async with asyncio.timeout(20):
            await leases.wait("key", 10)
        assert held is not None
        await held.done()
