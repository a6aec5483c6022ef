"""Who may begin: a slot for each worker, and a budget of estimated memory that they all share."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class _Waiter:
    memory: int
    turn: asyncio.Future[None]


class Room:
    """``slots`` jobs at a time that take at most ``memory`` bytes together; None is no limit.

    First come, first served: a large job is not overtaken for ever by small ones. One that alone is larger
    than the budget runs alone.
    """

    def __init__(self, slots: int, memory: int | None = None) -> None:
        self._slots = slots
        self.budget = memory
        self.taken = 0
        """Bytes, of the jobs that run."""
        self._running = 0
        self._line: deque[_Waiter] = deque()

    def fits(self, memory: int) -> bool:
        """Whether a job could begin at once."""
        return not self._line and self._free(memory)

    async def take(self, memory: int) -> None:
        """Wait for the turn of a job of ``memory`` bytes. Who is cancelled leaves the line."""
        if self.fits(memory):
            self._begin(memory)
            return
        waiter = _Waiter(memory, asyncio.get_running_loop().create_future())
        self._line.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._line:
                self._line.remove(waiter)
                self._call()  # it may have held up the others
            elif not waiter.turn.cancelled():
                self.give(memory)  # its turn had just come
            raise

    def give(self, memory: int) -> None:
        """A job has ended."""
        self._running -= 1
        self.taken -= memory
        self._call()

    def _free(self, memory: int) -> bool:
        if self._running == self._slots:
            return False
        return self.budget is None or not self._running or self.taken + memory <= self.budget

    def _begin(self, memory: int) -> None:
        self._running += 1
        self.taken += memory

    def _call(self) -> None:
        while self._line and (self._line[0].turn.cancelled() or self._free(self._line[0].memory)):
            waiter = self._line.popleft()
            if not waiter.turn.cancelled():  # and its task has yet to hear of it
                self._begin(waiter.memory)
                waiter.turn.set_result(None)
