"""How SQLite or PostgreSQL is asked, through one set of statements and within a given time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.backends.breaker import Breaker
from origin.backends.engine import ACQUIRE, STATEMENT, database_errors, database_url, make_engine
from origin.backends.migrate import migrate
from origin.backends.tables import changes
from origin.errors import BadRequest, DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

READ = 1.2
"""Seconds for a read, with everything: whoever asks wants a picture."""

WRITE = ACQUIRE + STATEMENT
"""Seconds for a write, with everything."""


WAITING = 2
"""Calls that may wait for each connection of a database that has not answered anybody for STUCK seconds."""

STUCK = 0.25

BUSY = 0.25
"""Seconds that a timer may come late before this process counts as busy, and not the database as silent."""

BUSY_ROUNDS = 3
"""How often a call is given its time because this process was busy."""


class Sql:
    """``sqlite:///path`` or ``postgresql://…`` with at most ``pool`` connections.

    Nothing is opened before the first call. Whatever is wrong with the database is DatabaseUnavailable, at
    the latest after READ or WRITE seconds, and at once while it is known to be away; a write that finds no
    space is StorageFull. All times are multiplied by ``patience``, for machines that are busy with other
    things.
    """

    def __init__(self, url: str, *, pool: int = 5, patience: float = 1.0) -> None:
        self.url = database_url(url)
        self._engine = make_engine(self.url, pool=pool, patience=patience)
        self._patience = patience
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        # One statement needs no transaction in PostgreSQL, and so two round trips less.
        options = {"reads": True} if self._is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self._engine.execution_options(**options)
        self._left: set[asyncio.Task[Any]] = set()
        self._breaker = Breaker("the database", self.ping)
        self._most = pool * (1 + WAITING)
        self._under_way = 0
        self._answered = 0.0
        """When a call last ended, or the first of those under way began."""

    async def migrate(self) -> None:
        """Create or update the tables. Safe when several processes start at once."""
        await asyncio.to_thread(migrate, self.url)

    async def close(self) -> None:
        await self._breaker.close()
        if self._left:
            await asyncio.wait(self._left, timeout=(WRITE + STATEMENT) * self._patience)
        await self._engine.dispose()

    async def ping(self) -> None:
        """Raises DatabaseUnavailable unless the database answers and its tables are there."""
        await self._in_time(READ * self._patience, self._read(sa.select(changes.c.last)))

    # Reading

    async def _rows(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """All rows of one read."""
        # A write may fail for reasons of its own (a lock, a server that only reads); a read may not.
        return await self._within(READ, self._read(statement), telling=True)

    async def _read(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with database_errors(), self._reading.connect() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(statement)).all()
            return rows

    # Writing

    async def _write(self, *statements: sa.Executable) -> Sequence[sa.Row[Any]]:
        """Do all of it or nothing; the rows that the last statement returns."""
        return await self._within(WRITE, self._written(statements))

    async def _written(self, statements: Sequence[sa.Executable]) -> Sequence[sa.Row[Any]]:
        rows: Sequence[sa.Row[Any]] = []
        async with self._transaction() as connection:
            for statement in statements:
                result = await connection.execute(statement)
                rows = result.all() if result.returns_rows else []
        return rows

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with database_errors(writes=True), self._engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[tuple[AsyncConnection, int]]:
        """A transaction that changes assets, and the number of the change it makes.

        Such transactions are one after the other: what one of them reads stays true until its end.
        """
        async with self._transaction() as connection:
            count = sa.update(changes).values(last=changes.c.last + 1).returning(changes.c.last)
            yield connection, (await connection.execute(count)).scalar_one()

    def _insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that can say what happens to a row that is there: both databases say it in one way."""
        if self._is_sqlite:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    # Within the time

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T], *, telling: bool = False) -> T:
        """The result of ``work``, or DatabaseUnavailable after ``seconds``, or at once when it is known so.

        ``telling``: whether it fails tells whether the database is there.
        """
        seconds *= self._patience
        begun = time.monotonic()
        try:
            await self._admitted(seconds, begun)
        except BaseException:
            work.close()
            raise
        self._under_way += 1
        try:
            result = await self._in_time(seconds - (time.monotonic() - begun), work)
        except DatabaseUnavailable as error:
            if telling:
                self._breaker.failed(error.__cause__ or error)
            raise
        finally:
            self._under_way -= 1
        self._answered = time.monotonic()
        if telling:
            self._breaker.passed()
        return result

    async def _admitted(self, seconds: float, now: float) -> None:
        """Raises DatabaseUnavailable where asking would be of no use."""
        try:
            async with asyncio.timeout(seconds):
                await self._breaker.decided()
        except TimeoutError as error:
            raise DatabaseUnavailable from error
        if not self._under_way:
            self._answered = now
        # Many wait and nobody is served: to wait as well would only make the crowd larger.
        stuck = self._under_way >= self._most and time.monotonic() - self._answered > STUCK * self._patience
        if self._breaker.in_doubt or stuck:
            raise DatabaseUnavailable

    async def _in_time(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, or DatabaseUnavailable after ``seconds``.

        Work that takes longer, or whose caller left, is not waited for and not cancelled either: it has
        time-outs of its own, and cancelled drivers leave tasks that never end (aiosqlite) or connections in
        an unknown state. A loop that was busy finds its timers due before it reads the answers that have long
        been there, so a timer that comes late says nothing: the time counts anew.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        try:
            for _ in range(BUSY_ROUNDS):
                begun = loop.time()
                await asyncio.wait({task}, timeout=seconds)
                if task.done() or loop.time() - begun < seconds + BUSY * self._patience:
                    break
        finally:
            if not task.done():
                self._leave(task)
        if not task.done():
            raise DatabaseUnavailable
        return task.result()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._left.add(task)
        if not self._is_sqlite:
            # A server that is silent can keep asyncpg waiting for the end of its own cancellation.
            timer = asyncio.get_running_loop().call_later(STATEMENT * self._patience, task.cancel)
            task.add_done_callback(lambda _: timer.cancel())

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left in the moment of its end: then nobody else asks


def storable(*texts: str | None) -> bool:
    """Whether PostgreSQL could hold all of them: it refuses NUL and halves of surrogate pairs."""
    return not any(
        "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text) for text in texts if text
    )


def check_storable(*texts: str | None) -> None:
    """Raises BadRequest where a text to be kept cannot be."""
    if not storable(*texts):
        raise BadRequest("A text with NUL or with half of a character in it cannot be kept.")
