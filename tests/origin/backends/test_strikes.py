"""What is remembered of failures: here, in Redis, and here while Redis is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest

from origin.backends.redis_link import RedisLink
from origin.backends.redis_strikes import RedisStrikes
from origin.backends.strikes import ENTRIES, LocalStrikes
from origin.ports import Strikes
from tests.conftest import RedisFactory


@pytest.fixture(params=["local", "redis", "redis away"])
async def strikes(request: pytest.FixtureRequest) -> AsyncIterator[Strikes]:
    if request.param == "local":
        yield LocalStrikes()
        return
    url = request.getfixturevalue("redis_url") if request.param == "redis" else "redis://127.0.0.1:9/0"
    link = RedisLink(url, timeout=5.0)
    yield RedisStrikes(link, prefix=f"{token_hex(4)}:")
    await link.close()


async def test_strikes_add_up_until_they_are_cleared(strikes: Strikes) -> None:
    assert await strikes.counts(["one", "other"]) == [0, 0]
    assert await strikes.add("one", 1, 60) == 1
    assert await strikes.add("one", 2, 60) == 3
    assert await strikes.counts(["other", "one"]) == [0, 3]
    await strikes.clear("one")
    await strikes.clear("never")
    assert await strikes.counts(["one"]) == [0]


async def test_processes_count_together(redis_url: str) -> None:
    one, other = RedisLink(redis_url, timeout=5.0), RedisLink(redis_url, timeout=5.0)
    prefix = f"{token_hex(4)}:"
    mine, theirs = RedisStrikes(one, prefix=prefix), RedisStrikes(other, prefix=prefix)
    assert [await mine.add("x", 1, 60), await theirs.add("x", 1, 60)] == [1, 2]
    assert await mine.counts(["x"]) == [2]
    await one.close()
    await other.close()


async def test_foreign_words_count_as_nothing(redis_factory: RedisFactory) -> None:
    link = RedisLink(redis_factory().url, timeout=5.0)
    await link.call(lambda redis: redis.set("p:strikes:x", "many"))
    assert await RedisStrikes(link, prefix="p:").counts(["x"]) == [0]
    await link.close()


async def test_strikes_end() -> None:
    now = 0.0
    strikes = LocalStrikes(lambda: now)
    await strikes.add("x", 1, 60)
    now = 59.0
    assert await strikes.add("x", 1, 60) == 2
    now = 118.0
    assert await strikes.counts(["x"]) == [2]
    now = 119.0
    assert await strikes.counts(["x"]) == [0]
    assert await strikes.add("x", 1, 60) == 1


async def test_memory_is_bounded() -> None:
    strikes = LocalStrikes()
    for number in range(ENTRIES + 1):
        await strikes.add(str(number), 1, 60)
    assert await strikes.counts(["0", "1", str(ENTRIES)]) == [0, 1, 1]
