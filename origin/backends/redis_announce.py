"""Word of changes from one server to all others, through Redis, within milliseconds."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from origin.backends.redis_link import RedisLink
from origin.errors import OriginError, Unavailable

log = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds between two attempts to listen, at most."""


class RedisAnnouncements:
    """Publishes ids on ``channel`` and hears what others publish.

    What is missed while Redis is away is found by reading the log of changes in the database, so a lost word
    costs half a second and nothing else.
    """

    def __init__(self, link: RedisLink, url: str, *, channel: str = "origin:changes") -> None:
        self._link = link
        self._url = url
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    async def announce(self, id: str) -> None:
        """Tell everybody who listens. Raises Unavailable."""
        try:
            await self._link.call(lambda redis: redis.publish(self._channel, id))
        except (RedisError, OSError, OriginError) as error:
            raise Unavailable from error

    async def start(self, heard: Callable[[str], None]) -> None:
        """Call ``heard`` with every id from now on."""
        self._task = asyncio.create_task(self._listen(heard))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self, heard: Callable[[str], None]) -> None:
        while True:
            try:
                await self._hear(heard)
            except (RedisError, OSError) as error:
                log.info("changes are not heard through Redis just now: %r", error)
            # Servers that lost it in the same moment need not come back in one.
            await asyncio.sleep(AGAIN * random.uniform(0.5, 1.0))  # noqa: S311

    async def _hear(self, heard: Callable[[str], None]) -> None:
        client: Redis = Redis.from_url(self._url, socket_connect_timeout=1.0, decode_responses=True)
        async with client, client.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            async for message in subscription.listen():
                heard(str(message["data"]))
