"""Redis behind a circuit breaker: a server that is away or silent must not cost time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from origin.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")


LIBRARY_TIMEOUT = 10.0
"""Seconds of the library's own time-outs, which end nothing here: they cannot tell a silent server from a
busy loop."""

BUSY_ROUNDS = 20
"""How often a call is given its time again because this process was busy."""


class RedisLink:
    """One pool of connections to ``url``, shared by everything that uses this Redis.

    Each call may take ``timeout`` seconds and is not repeated. After ``failures`` in a row the link is open:
    calls fail at once, and in the background the server is asked once every ``probe_every`` seconds, as
    long as anybody calls. Nothing is connected before the first call.
    """

    def __init__(
        self, url: str, *, timeout: float = 0.05, failures: int = 3, probe_every: float = 1.0
    ) -> None:
        self._timeout = timeout
        self._allowed = failures
        self._probe_every = probe_every
        self._failures = 0
        self._probed = float("-inf")
        self._probe: asyncio.Task[None] | None = None
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=64,
            timeout=LIBRARY_TIMEOUT,
            socket_timeout=LIBRARY_TIMEOUT,
            socket_connect_timeout=LIBRARY_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    @property
    def is_open(self) -> bool:
        """The server is taken to be away."""
        return self._failures >= self._allowed

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises Unavailable unless the server answers now."""
        await self._try(lambda redis: redis.exists(""))

    async def call(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        """What ``operation`` returns. Raises Unavailable."""
        if self.is_open:
            self._probe_soon()
            raise Unavailable
        return await self._try(operation)

    async def _try(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            result = await _in_time(operation(self._redis), self._timeout)
        except ResponseError as error:  # out of memory, read-only: it is there and says no
            raise Unavailable from error
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._failed(error)
            raise Unavailable from error
        if self.is_open:
            log.warning("Redis is back")
        self._failures = 0
        return result

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == self._allowed:
            log.warning("Redis is away: %s", error, exc_info=error)

    def _probe_soon(self) -> None:
        now = time.monotonic()
        if self._probe is None and now - self._probed >= self._probe_every:
            self._probed = now
            self._probe = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        try:
            await self.ping()
        except Unavailable as error:
            log.debug("Redis is still away", exc_info=error)
        finally:
            self._probe = None


async def _in_time(work: Awaitable[T], seconds: float) -> T:
    """The result of ``work``. Raises TimeoutError when the server lets ``seconds`` pass.

    A loop that was busy for longer finds its timers due before it reads the answers that have long been
    there. So a timer that comes late speaks of this process and not of the server: the time counts anew.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    try:
        for _ in range(BUSY_ROUNDS):
            begun = loop.time()
            await asyncio.wait({task}, timeout=seconds)
            if task.done() or loop.time() - begun < 1.5 * seconds:
                break
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
