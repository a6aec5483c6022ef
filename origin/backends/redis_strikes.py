"""How often something went wrong lately, for all processes that share a Redis."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from origin.backends.redis_link import RedisLink
from origin.backends.strikes import LocalStrikes
from origin.errors import Unavailable

log = logging.getLogger(__name__)

ADD = "local n = redis.call('incrby', KEYS[1], ARGV[1]) redis.call('pexpire', KEYS[1], ARGV[2]) return n"


class RedisStrikes:
    """Each process remembers its own as well: they count alone while Redis is away."""

    def __init__(self, link: RedisLink, *, prefix: str = "origin:") -> None:
        self._link = link
        self._prefix = prefix
        self._own = LocalStrikes()

    async def add(self, name: str, count: int, seconds: float) -> int:
        own = await self._own.add(name, count, seconds)
        words = (self._name(name), str(count), str(int(seconds * 1000)))
        try:
            return max(own, int(await self._link.call(lambda redis: redis.eval(ADD, 1, *words))))
        except Unavailable:
            return own

    async def counts(self, names: Sequence[str]) -> list[int]:
        own = await self._own.counts(names)
        try:
            found = await self._link.call(lambda redis: redis.mget([self._name(name) for name in names]))
        except Unavailable:
            return own
        return [max(mine, _number(theirs)) for mine, theirs in zip(own, found, strict=True)]

    async def clear(self, name: str) -> None:
        await self._own.clear(name)
        try:
            await self._link.call(lambda redis: redis.delete(self._name(name)))
        except Unavailable as error:
            log.debug("strikes could not be cleared", exc_info=error)

    def _name(self, name: str) -> str:
        return f"{self._prefix}strikes:{name}"


def _number(value: bytes | str | None) -> int:
    """What somebody else wrote there counts as nothing."""
    return int(value) if value is not None and value.isdigit() else 0
