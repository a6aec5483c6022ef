"""Redis behind a circuit breaker: a server that is away or silent must not cost time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from origin.backends.breaker import Breaker
from origin.errors import Unavailable

T = TypeVar("T")


LIBRARY_TIMEOUT = 10.0
"""Seconds of the library's own time-outs, which end nothing here: they cannot tell a silent server from a
busy loop."""

BUSY_ROUNDS = 20
"""How often a call is given its time again because this process was busy."""


class RedisLink:
    """One pool of connections to ``url``, shared by everything that uses this Redis.

    Each call may take ``timeout`` seconds and is not repeated. After one that failed all others fail at once,
    until the server has been asked in the background and has answered; after ``failures`` in a row it is
    asked once every ``probe_every`` seconds. Nothing is connected before the first call.
    """

    def __init__(
        self, url: str, *, timeout: float = 0.05, failures: int = 3, probe_every: float = 1.0
    ) -> None:
        self._timeout = timeout
        self.pool = BlockingConnectionPool.from_url(
            url,
            max_connections=64,
            timeout=LIBRARY_TIMEOUT,
            socket_timeout=LIBRARY_TIMEOUT,
            socket_connect_timeout=LIBRARY_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        """For libraries that make a client of their own; what they ask goes through :meth:`call` too."""
        self._redis = Redis.from_pool(self.pool)
        self._breaker = Breaker("Redis", self._asked, allowed=failures, every=probe_every)

    @property
    def is_open(self) -> bool:
        """The server is taken to be away."""
        return self._breaker.is_open

    @property
    def in_doubt(self) -> bool:
        """Calls fail at once just now."""
        return self._breaker.in_doubt

    async def close(self) -> None:
        await self._breaker.close()
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises Unavailable unless the server answers now."""
        await self._try(lambda redis: redis.exists(""))

    async def call(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        """What ``operation`` returns. Raises Unavailable."""
        if self._breaker.in_doubt:
            raise Unavailable
        return await self._try(operation)

    async def _try(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            result = await self._once(operation)
        except Unavailable as error:
            if not isinstance(error.__cause__, ResponseError):
                self._breaker.failed(error.__cause__ or error)
            raise
        self._breaker.passed()
        return result

    async def _once(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            return await _in_time(operation(self._redis), self._timeout)
        except (RedisError, OSError, RuntimeError) as error:
            # RuntimeError is uvloop's, for a connection that was closed a moment ago. A ResponseError (out of
            # memory, read-only) says that it is there. TimeoutError is an OSError.
            raise Unavailable from error

    async def _asked(self) -> None:
        await self._once(lambda redis: redis.exists(""))


async def _in_time(work: Awaitable[T], seconds: float) -> T:
    """The result of ``work``. Raises TimeoutError when the server lets ``seconds`` pass.

    A loop that was busy for longer finds its timers due before it reads the answers that have long been
    there. So a timer that comes late speaks of this process and not of the server: the time counts anew.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    task.add_done_callback(_heard)
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


def _heard(task: asyncio.Future[T]) -> None:
    """It may fail when it is given up, or in the moment in which its caller leaves: then nobody else asks."""
    if not task.cancelled():
        task.exception()
