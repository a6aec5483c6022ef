"""Counts of rate limits in Redis, shared by all servers."""

from __future__ import annotations

from limits.aio.storage import RedisStorage


def shared_rates(url: str) -> RedisStorage:
    """A store that gives up quickly: a limiter must never make pictures wait."""
    return RedisStorage(
        f"async+{url}",
        implementation="redispy",
        socket_timeout=0.05,
        socket_connect_timeout=0.05,
        retry_on_timeout=False,
    )
