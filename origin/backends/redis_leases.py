"""Who of several processes renders a key."""

from __future__ import annotations

import asyncio
import logging
import time
from secrets import token_hex

from origin.backends.leases import Granted
from origin.backends.redis_link import RedisLink
from origin.errors import Unavailable
from origin.ports import Lease

log = logging.getLogger(__name__)

IF_OURS = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
RELEASE = IF_OURS + "return redis.call('del', KEYS[1])"
EXTEND = IF_OURS + "return redis.call('pexpire', KEYS[1], ARGV[2])"

FIRST_LOOK = 0.01
"""Seconds between looks at a lease somebody waits for; each wait is half as long again, up to LAST_LOOK."""

LAST_LOOK = 0.1


class RedisLeases:
    """Leases of ``ttl`` seconds, extended while they are held, for ``longest`` seconds at most.

    A holder that dies loses its lease within ``ttl``. Without Redis every process gets one: the same picture
    made twice is better than none.
    """

    def __init__(
        self, link: RedisLink, *, prefix: str = "origin:", ttl: float = 3.0, longest: float = 60.0
    ) -> None:
        self._link = link
        self._prefix = prefix
        self._ttl = ttl
        self._longest = longest

    async def acquire(self, key: str) -> Lease | None:
        name, token = self._name(key), token_hex(16)
        milliseconds = int(self._ttl * 1000)
        try:
            granted = await self._link.call(lambda redis: redis.set(name, token, nx=True, px=milliseconds))
        except Unavailable:
            return Granted()
        return _RedisLease(self._link, name, token, self._ttl, self._longest) if granted else None

    async def wait(self, key: str, seconds: float) -> None:
        name, pause = self._name(key), FIRST_LOOK
        end = time.monotonic() + seconds
        try:
            while await self._link.call(lambda redis: redis.exists(name)):
                left = end - time.monotonic()
                if left <= 0:
                    return
                await asyncio.sleep(min(pause, left))
                pause = min(pause * 1.5, LAST_LOOK)
        except Unavailable:
            return

    def _name(self, key: str) -> str:
        return f"{self._prefix}lease:{key}"


class _RedisLease:
    contested = True

    def __init__(self, link: RedisLink, name: str, token: str, ttl: float, longest: float) -> None:
        self._link = link
        self._name = name
        self._token = token
        self._extending = asyncio.create_task(self._extend(ttl, longest))

    async def done(self) -> None:
        """Give it back. What Redis cannot be told ends by itself."""
        self._extending.cancel()
        try:
            await self._link.call(lambda redis: redis.eval(RELEASE, 1, self._name, self._token))
        except Unavailable as error:
            log.debug("a lease could not be given back", exc_info=error)

    async def _extend(self, ttl: float, longest: float) -> None:
        end = time.monotonic() + longest
        words = (self._name, self._token, str(int(ttl * 1000)))
        while time.monotonic() < end:
            await asyncio.sleep(ttl / 3)
            try:
                await self._link.call(lambda redis: redis.eval(EXTEND, 1, *words))
            except Unavailable as error:
                log.debug("a lease could not be extended", exc_info=error)
