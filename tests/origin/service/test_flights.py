"""One piece of work per key in one process."""

from __future__ import annotations

import asyncio

import pytest

from origin.errors import NotFound
from origin.service.flights import Flights


class Work:
    """Counts how often it is begun, and ends when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.begun


async def test_many_callers_share_one_run() -> None:
    flights, work = Flights[int](), Work()
    callers = [asyncio.create_task(flights.run("a", work)) for _ in range(5)]
    await asyncio.sleep(0)
    work.go.set()
    found = await asyncio.gather(*callers)
    assert found == [(1, False), (1, True), (1, True), (1, True), (1, True)]
    assert (work.begun, len(flights)) == (1, 0)


async def test_keys_are_apart() -> None:
    flights, work = Flights[int](), Work()
    work.go.set()
    found = await asyncio.gather(flights.run("a", work), flights.run("b", work))
    assert list(found) == [(1, False), (2, False)]


async def test_a_waiter_that_leaves_does_not_disturb_the_others() -> None:
    flights, work = Flights[int](), Work()
    first, second = (asyncio.create_task(flights.run("a", work)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    work.go.set()
    assert await second == (1, True)
    assert work.cancelled == 0


async def test_work_that_nobody_waits_for_is_given_up() -> None:
    flights, work = Flights[int](), Work()
    callers = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert (work.cancelled, len(flights)) == (1, 0)


async def test_who_comes_while_work_is_given_up_begins_anew() -> None:
    flights, work = Flights[int](), Work()
    first = asyncio.create_task(flights.run("a", work))
    await asyncio.sleep(0.01)
    first.cancel()
    second = asyncio.create_task(flights.run("a", work))
    await asyncio.gather(first, return_exceptions=True)
    work.go.set()
    assert (await second)[0] == work.begun


async def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    flights = Flights[int]()

    async def fails() -> int:
        await asyncio.sleep(0.01)
        raise NotFound

    found = await asyncio.gather(*(flights.run("a", fails) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [NotFound] * 3
    with pytest.raises(NotFound):
        await flights.run("a", fails)
    assert len(flights) == 0


async def test_closing_ends_everything() -> None:
    flights, work = Flights[int](), Work()
    caller = asyncio.create_task(flights.run("a", work))
    await asyncio.sleep(0.01)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.cancelled == 1
