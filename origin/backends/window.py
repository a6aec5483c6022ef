"""How many requests another system is asked at once, learnt from how it fares."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from origin.errors import StorageUnavailable

LEAST: Final = 4
"""Requests at once that are left when it is worst: enough to notice that it is better."""

PATIENCE: Final = 1.5
"""Seconds that a request waits for its turn while the window is narrow; storage that asks to be spared is not
spared by a crowd that waits."""

FORGOTTEN: Final = 60.0
"""Seconds after which what was said of a busy hour says nothing any more."""


@dataclass(slots=True)
class Counts:
    """What happened since this process started."""

    narrowed: int = 0
    turned_away: int = 0
    """Requests that were not sent, because too many waited."""


class Window:
    """At most ``most`` requests under way, and fewer while the other side is slow.

    Additive increase, multiplicative decrease, as TCP has it (RFC 5681): a request that was told to wait,
    or not answered in time, halves the window, once for all that were under way together; a window full of
    answers widens it by one. Who does not fit waits, first come, first served.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.counts = Counts()
        self._clock = clock
        self._width = float(most)
        self._under_way = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._narrowed = -FORGOTTEN
        """When it was made narrower last."""

    @property
    def width(self) -> int:
        """Requests that may be under way."""
        return int(self._width)

    @property
    def under_way(self) -> int:
        return self._under_way

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """Take part. Raises StorageUnavailable without a turn in ``seconds``, sooner while it is narrow."""
        await self._enter(seconds)
        try:
            yield
        finally:
            self._under_way -= 1
            self._call()

    def answered(self) -> None:
        """A request was served. What is not used to its end proves nothing."""
        if self._under_way >= self.width and self._width < self.most:
            self._width = min(float(self.most), self._width + 1 / self._width)
            self._call()

    def slowed(self, begun: float) -> None:
        """A request that began at ``begun`` (of the clock) was asked to come later, or waited in vain."""
        if begun < self._narrowed:
            return  # it knew nothing of the narrower window yet
        self._narrowed = self._clock()
        self._width = max(min(LEAST, self.most), min(self._width, self._under_way) / 2)
        self.counts.narrowed += 1

    def now(self) -> float:
        return self._clock()

    async def _enter(self, seconds: float) -> None:
        if self._width < self.most and self._clock() - self._narrowed > FORGOTTEN:
            self._width = float(self.most)
        if not self._line and self._under_way < self.width:
            self._under_way += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(min(seconds, PATIENCE) if self._width < self.most else seconds):
                await turn
        except TimeoutError as error:
            self._gone(turn)
            self.counts.turned_away += 1
            raise StorageUnavailable("Storage has more to do than it can just now.") from error
        except asyncio.CancelledError:
            self._gone(turn)
            raise

    def _gone(self, turn: asyncio.Future[None]) -> None:
        """Somebody left the line, perhaps in the moment of its turn."""
        if turn in self._line:
            self._line.remove(turn)
        elif not turn.cancelled():
            self._under_way -= 1
            self._call()

    def _call(self) -> None:
        while self._line and self._under_way < self.width:
            turn = self._line.popleft()
            if not turn.done():  # else it was cancelled, and its task has yet to hear of it
                self._under_way += 1
                turn.set_result(None)
