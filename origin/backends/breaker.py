"""Whether another system is there, so that one that is away costs the first who asks it and nobody else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from origin.errors import Unavailable

log = logging.getLogger(__name__)

SOON = 0.02
"""Seconds until a system in doubt is asked again."""


class Breaker:
    """Counts failures in a row of a system called ``name``.

    The first puts it in doubt, and it is asked in the background: ``ask`` returns, or raises Unavailable.
    After ``allowed`` failures it is taken to be away, and asked every ``every`` seconds until it is back.
    """

    def __init__(
        self, name: str, ask: Callable[[], Awaitable[object]], *, allowed: int = 3, every: float = 1.0
    ) -> None:
        self._name = name
        self._ask = ask
        self._allowed = allowed
        self._every = every
        self._failures = 0
        self._known = asyncio.Event()
        self._known.set()
        self._asking: asyncio.Task[None] | None = None

    @property
    def in_doubt(self) -> bool:
        """Its last answer was none."""
        return self._failures > 0

    @property
    def is_open(self) -> bool:
        """It is taken to be away."""
        return self._failures >= self._allowed

    async def decided(self) -> None:
        """Wait until it is back, or taken to be away. Returns at once unless it is in doubt."""
        await self._known.wait()

    def passed(self) -> None:
        if self.is_open:
            log.warning("%s is back", self._name)
        self._failures = 0
        self._known.set()

    def failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures == self._allowed:
            log.warning("%s is away: %r", self._name, error.__cause__ or error)
        (self._known.set if self.is_open else self._known.clear)()
        if self._asking is None:
            self._asking = asyncio.create_task(self._until_back())

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _until_back(self) -> None:
        try:
            took = 0.0
            while self.in_doubt:
                # One that lets time pass is asked as often as one that refuses.
                await asyncio.sleep(max(SOON, self._every - took) if self.is_open else SOON)
                began = time.monotonic()
                try:
                    await self._ask()
                except Unavailable as error:
                    self.failed(error)
                except Exception as error:
                    # Whatever it is: who stopped asking would take it to be away for ever.
                    log.exception("%s could not be asked", self._name)
                    self.failed(error)
                else:
                    self.passed()
                took = time.monotonic() - began
        finally:
            self._asking = None
            self._known.set()
