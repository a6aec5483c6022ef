"""Whether a dependency is well, in one word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from origin.http.problems import problem_of

CHECK_SECONDS = 2.0
Check = Callable[[], Awaitable[None]]


async def checked(check: Check) -> str:
    """``ok``, or the class of what went wrong: details are for the log, not for strangers."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:
        return problem_of(error).code if not isinstance(error, TimeoutError) else "timeout"
    return "ok"
