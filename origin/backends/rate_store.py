"""Counts of rate limits in Redis, shared by all servers."""

from __future__ import annotations

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from origin.backends.redis_link import RedisLink


class SharedCounts:
    """A moving window for each limit and name, behind the link's time-outs and its breaker."""

    def __init__(self, link: RedisLink, url: str) -> None:
        # The storage has time-outs and errors of its own; its calls go through the link all the same.
        storage = RedisStorage(f"async+{url}", implementation="redispy", connection_pool=link.pool)  # type: ignore[arg-type]
        self._limiter = MovingWindowRateLimiter(storage)
        self._link = link

    async def count(self, item: RateLimitItem, kind: str, who: str) -> tuple[bool, int, float]:
        """Count one: whether it is allowed, how many are left, and when (unix seconds) one is free again.

        Raises Unavailable.
        """

        async def counted() -> tuple[bool, int, float]:
            allowed = await self._limiter.hit(item, kind, who)
            window = await self._limiter.get_window_stats(item, kind, who)
            return allowed, window.remaining, window.reset_time

        return await self._link.call(lambda _: counted())
