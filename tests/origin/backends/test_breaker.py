"""A system that was away comes back, whatever went wrong while it was asked."""

from __future__ import annotations

import asyncio

import pytest

from origin.backends.breaker import Breaker
from origin.errors import Unavailable


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("closed")], ids=["away", "another error"])
async def test_it_is_asked_until_it_answers(fault: Exception) -> None:
    faults = [fault, fault, fault]

    async def ask() -> None:
        if faults:
            raise faults.pop()

    breaker = Breaker("it", ask, allowed=2, every=0.01)
    breaker.failed(Unavailable())
    assert breaker.in_doubt
    async with asyncio.timeout(30):
        while breaker.in_doubt:
            await asyncio.sleep(0.01)
    assert faults == []
    await breaker.close()
