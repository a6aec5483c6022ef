"""Slots and a budget of memory: who begins, who waits, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from origin.imaging.room import Room


async def begun(room: Room, *jobs: int) -> list[int]:
    """The jobs, by their memory, that begin when all come one after the other and none ends."""
    tasks = [asyncio.create_task(room.take(memory)) for memory in jobs]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    found = [memory for memory, task in zip(jobs, tasks, strict=True) if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


@pytest.mark.parametrize(
    ("slots", "budget", "jobs", "begin"),
    [
        pytest.param(2, None, (9, 9, 9), [9, 9], id="no budget: slots alone count"),
        pytest.param(4, 10, (4, 5, 1, 1), [4, 5, 1], id="the budget is used to its end"),
        pytest.param(4, 10, (4, 7, 1), [4], id="the small wait behind the large"),
        pytest.param(4, 10, (50, 1), [50], id="larger than the budget: alone"),
        pytest.param(4, 10, (1, 50, 1), [1], id="larger than the budget: when nobody else works"),
        pytest.param(1, 10, (0, 0), [0], id="slots count for those without memory too"),
    ],
)
async def test_who_begins(slots: int, budget: int | None, jobs: tuple[int, ...], begin: list[int]) -> None:
    assert await begun(Room(slots, budget), *jobs) == begin


async def test_who_ends_lets_the_next_in() -> None:
    room = Room(4, 10)
    await room.take(6)
    large, small = asyncio.create_task(room.take(9)), asyncio.create_task(room.take(1))
    await asyncio.sleep(0)
    assert not large.done()
    assert not small.done()
    assert not room.fits(1)
    room.give(6)
    await asyncio.gather(large, small)
    assert room.taken == 10
    room.give(9)
    room.give(1)
    assert (room.taken, room.fits(10)) == (0, True)


async def test_who_leaves_the_line_holds_nobody_up() -> None:
    room = Room(4, 10)
    await room.take(6)
    large, small = asyncio.create_task(room.take(9)), asyncio.create_task(room.take(1))
    await asyncio.sleep(0)
    large.cancel()
    await small
    assert room.taken == 7


async def test_who_leaves_when_the_turn_has_come_gives_it_back() -> None:
    room = Room(1, 10)
    await room.take(6)
    leaving, next = asyncio.create_task(room.take(2)), asyncio.create_task(room.take(3))
    await asyncio.sleep(0)
    room.give(6)
    leaving.cancel()
    await next
    assert leaving.cancelled()
    assert room.taken == 3


async def test_who_leaves_just_before_the_turn_comes_does_not_get_it() -> None:
    room = Room(1, 10)
    await room.take(6)
    leaving, next = asyncio.create_task(room.take(2)), asyncio.create_task(room.take(3))
    await asyncio.sleep(0)
    leaving.cancel()
    room.give(6)
    await next
    assert leaving.cancelled()
    assert room.taken == 3
