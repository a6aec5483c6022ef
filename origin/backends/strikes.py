"""How often something went wrong lately, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

ENTRIES: Final = 10_000


class LocalStrikes:
    """Of one process; the oldest names are forgotten when there are more than ``ENTRIES``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def add(self, name: str, count: int, seconds: float) -> int:
        (before,) = await self.counts([name])
        self._entries[name] = (before + count, self._clock() + seconds)
        self._entries.move_to_end(name)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
        return before + count

    async def counts(self, names: Sequence[str]) -> list[int]:
        now = self._clock()
        found = [self._entries.get(name, (0, now)) for name in names]
        return [count if end > now else 0 for count, end in found]

    async def clear(self, name: str) -> None:
        self._entries.pop(name, None)
