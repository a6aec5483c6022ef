"""Finished pictures in Redis, shared by all machines."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from origin.backends.redis_link import RedisLink
from origin.backends.result_entry import Complaint, decode, encode
from origin.backends.tally import Tally
from origin.errors import Unavailable
from origin.ports import Result

log = logging.getLogger(__name__)

BATCH = 500
"""Results dropped in one call: each call has to fit the link's time-out."""


class RedisResults:
    """Results with bodies of at most ``max_entry_bytes``, for ``ttl`` seconds.

    Beside each result its key is a member of one set per asset, for ``forget``.
    """

    name = "redis"

    def __init__(
        self,
        link: RedisLink,
        *,
        max_entry_bytes: int = 1 << 20,
        prefix: str = "origin:",
        ttl: int = 7 * 86400,
    ) -> None:
        self._link = link
        self._max_entry_bytes = max_entry_bytes
        self._prefix = prefix
        self._ttl = ttl
        self._complain = Complaint(log, "results in Redis fail")
        self.tally = Tally()

    def accepts(self, result: Result) -> bool:
        """It is small enough, and the server was there when last asked."""
        return len(result.body) <= self._max_entry_bytes and not self._link.in_doubt

    async def get(self, key: str) -> Result | None:
        found = await self.find(key)
        return found and found[0]

    async def find(self, key: str) -> tuple[Result, tuple[str, ...]] | None:
        """The result and its assets."""
        name = self._entry(key)
        try:
            data = cast("bytes | None", await self._link.call(lambda redis: redis.get(name)))
        except Unavailable as error:
            self.tally.errors += 1
            self._complain(error)
            return None
        if data is None:
            self.tally.misses += 1
            return None
        found = decode(data, key)
        if found is None:
            self.tally.errors += 1
            self._complain(ValueError(f"{name} is damaged"))
        else:
            self.tally.hits += 1
        return found

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        if len(result.body) > self._max_entry_bytes:
            return

        async def store(redis: Redis) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(self._entry(key), encode(key, result, assets), ex=self._ttl)
                for asset in assets:
                    pipe.sadd(self._members(asset), key)
                    pipe.expire(self._members(asset), self._ttl + 60)  # outlives its members
                await pipe.execute()

        try:
            await self._link.call(store)
        except Unavailable as error:
            self._complain(error)

    async def forget(self, asset: str) -> int:
        members = self._members(asset)
        dropped = 0

        async def drop(redis: Redis) -> int | None:
            keys = await _some(redis, members)
            if not keys:
                return None
            # Together: a put in between would leave a result that no set knows.
            async with redis.pipeline(transaction=True) as pipe:
                pipe.unlink(*(self._entry(key.decode()) for key in keys))
                pipe.srem(members, *keys)
                return int((await pipe.execute())[0])

        try:
            while (count := await self._link.call(drop)) is not None:
                dropped += count
        except Unavailable as error:
            self._complain(error)
        return dropped

    def _entry(self, key: str) -> str:
        return f"{self._prefix}result:{key}"

    def _members(self, asset: str) -> str:
        return f"{self._prefix}asset:{asset}"


async def _some(redis: Redis, members: str) -> list[bytes]:
    found = await cast("Awaitable[Any]", redis.srandmember(members, BATCH))
    return list(found)
