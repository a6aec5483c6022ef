"""Calls that end in the moment in which they are given up.

Of one that fails nobody asks how it ended, and nobody complains; one whose answer is there has it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from origin.backends.database import Database
from origin.backends.redis_link import RedisLink
from origin.errors import DatabaseUnavailable
from tests.support.servers import free_port

Call = Callable[[asyncio.Future[None]], Awaitable[object]]


async def complaints(call: Call, error: Exception, steps: int) -> list[str]:
    """What the loop has to say when ``call`` fails and its caller leaves ``steps`` turns later."""
    loop, told = asyncio.get_running_loop(), list[str]()

    def note(_: object, context: dict[str, Any]) -> None:
        told.append(context["message"])

    loop.set_exception_handler(note)
    failing: asyncio.Future[None] = loop.create_future()
    caller = asyncio.ensure_future(call(failing))
    for _ in range(5):
        await asyncio.sleep(0)
    failing.set_exception(error)
    for _ in range(steps):
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    del caller, failing
    await asyncio.sleep(0)
    gc.collect()
    loop.set_exception_handler(None)
    return told


async def waited(future: asyncio.Future[None]) -> None:
    await future


@pytest.mark.parametrize("steps", range(5))
async def test_redis(steps: int) -> None:
    link = RedisLink(f"redis://127.0.0.1:{free_port()}", timeout=30)
    told = await complaints(lambda future: link.call(lambda _: waited(future)), RedisError(), steps)
    await link.close()
    assert told == []


@pytest.mark.parametrize("steps", range(5))
async def test_a_database(steps: int, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x")
    told = await complaints(
        lambda future: database._in_time(30, waited(future)), DatabaseUnavailable(), steps
    )
    await database.close()
    assert told == []


async def test_a_busy_loop_is_not_taken_for_a_silent_database(tmp_path: Path) -> None:
    async def answer() -> str:
        said = await asyncio.to_thread(lambda: "here")
        for _ in range(5):  # a driver has more than one step to do with it
            await asyncio.sleep(0)
        return said

    database = Database(f"sqlite:///{tmp_path}/x", patience=0.1)
    asked = asyncio.create_task(database._in_time(0.05, answer()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.2)
    assert await asked == "here"
    await database.close()
