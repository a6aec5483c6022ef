"""Word of changes from one server to all others through PostgreSQL's LISTEN and NOTIFY, without Redis."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from origin.backends.engine import ACQUIRE, database_url
from origin.errors import Unavailable

log = logging.getLogger(__name__)

AGAIN: Final = 1.0
"""Seconds between two attempts to listen, at first."""

LONGEST: Final = 30.0
"""The same, at most: each pause is twice the one before."""

PING: Final = 10.0
"""Seconds between two looks whether a silent connection is one that still lives."""

WITHIN: Final = ACQUIRE + 1.0
"""Seconds for a word to be taken, with everything."""

# Time-outs are OSErrors; what a connection says that breaks amid a call is an InternalClientError.
_AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresAnnouncements:
    """Publishes ids on ``channel`` of the database ``url`` and hears what others publish, on one connection.

    What is missed while the connection is away, or where a pooler stands before the database that knows no
    LISTEN, is found by reading the log of changes, so a lost word costs half a second and nothing else.
    """

    def __init__(self, url: str, *, channel: str = "origin_changes", ping: float = PING) -> None:
        dialect: Any = PGDialect_asyncpg  # which carries no types
        _, self._target = dialect().create_connect_args(database_url(url))
        self._channel = channel
        self._ping = ping
        self._connection: Any = None
        self._turn = asyncio.Lock()  # a connection does one thing at a time
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    async def announce(self, id: str) -> None:
        """Tell everybody who listens. Raises Unavailable."""
        try:
            await self._do("SELECT pg_notify($1, $2)", self._channel, id)
        except _AWAY as error:
            raise Unavailable from error

    async def start(self, heard: Callable[[str], None]) -> None:
        """Call ``heard`` with every id from now on."""
        self._task = asyncio.create_task(self._listen(heard))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._drop()

    async def _listen(self, heard: Callable[[str], None]) -> None:
        pause = AGAIN
        while True:
            try:
                await self._hear(heard)
            except _AWAY as error:
                log.info("changes are not heard through PostgreSQL just now: %r", error)
            if self.listening:
                pause = AGAIN
            self.listening = False
            # Servers that lost it in the same moment need not come back in one.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, LONGEST)

    async def _hear(self, heard: Callable[[str], None]) -> None:
        """Listen until the connection is lost. Raises what it was lost by."""
        lost = asyncio.Event()

        def told(_connection: object, _pid: int, _channel: str, id: object) -> None:
            heard(str(id))

        async with asyncio.timeout(WITHIN), self._turn:
            connection = await self._connected()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(self._channel, told)
        self.listening = True
        while not lost.is_set():
            try:
                async with asyncio.timeout(self._ping):
                    await lost.wait()
            except TimeoutError:
                await self._do("SELECT 1")
        raise ConnectionError("the database closed the connection")

    async def _do(self, statement: str, *values: str) -> None:
        try:
            async with asyncio.timeout(WITHIN), self._turn:
                await (await self._connected()).execute(statement, *values)
        except _AWAY:
            self._drop()
            raise

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                **self._target, timeout=ACQUIRE, server_settings={"application_name": "origin changes"}
            )
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
