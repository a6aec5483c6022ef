"""Engines for the two databases: the same statements, the same time-outs, errors of ours."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from origin.errors import DatabaseUnavailable, OriginError, StorageFull

ACQUIRE = 1.0
"""Seconds until a connection must be there, new or from the pool."""

STATEMENT = 2.0
"""Seconds a statement may take, and so how long SQLite waits for another writer."""

FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
"""SQLite's results: the second where the index of its log cannot grow."""

DISK_FULL = "53100"
"""PostgreSQL's: https://www.postgresql.org/docs/current/errcodes-appendix.html."""


def database_url(url: str) -> URL:
    """The SQLAlchemy URL of ``sqlite:///path`` or ``postgresql://…`` (``postgres://`` too).

    Raises ValueError, which does not repeat the URL: there is a password in it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("is not a URL; write sqlite:///path or postgresql://user@host/database") from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ValueError("names no file; write sqlite:///path")
        return parsed.set(drivername="sqlite+aiosqlite")
    if backend in {"postgresql", "postgres"}:
        query = dict(parsed.query)
        if "sslmode" in query:  # libpq's name for what asyncpg calls ssl
            query["ssl"] = query.pop("sslmode")
        return parsed.set(drivername="postgresql+asyncpg", query=query)
    raise ValueError(f"is of an unknown kind, {backend}; write sqlite:///path or postgresql://…")


def make_engine(url: URL, *, pool: int, statement: float = STATEMENT, patience: float = 1.0) -> AsyncEngine:
    """An engine with at most ``pool`` connections and ``statement`` seconds for each statement.

    All times are multiplied by ``patience``.
    """
    acquire, statement = ACQUIRE * patience, statement * patience
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(
            url, pool_size=pool, max_overflow=0, pool_timeout=acquire, connect_args={"timeout": statement}
        )
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=acquire,
        pool_pre_ping=True,  # a restarted server costs no request
        connect_args={
            "timeout": acquire,
            "command_timeout": statement,
            "server_settings": {
                "application_name": "origin",
                "statement_timeout": str(int(statement * 1000)),
                "idle_in_transaction_session_timeout": str(int(statement * 5000)),
            },
        },
    )


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Transactions begin where we say, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes its lock at once and waits for its turn: taken later, after a read, it may fail at once.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@asynccontextmanager
async def database_errors(*, writes: bool = False) -> AsyncIterator[None]:
    """Turns what the database and its drivers say into DatabaseUnavailable.

    What ``writes`` and finds no space raises StorageFull.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError, sqlite3.Error) as error:
        raise _told(error, writes=writes) from error


def _told(error: Exception, *, writes: bool) -> OriginError:
    if writes and is_full(error):
        return StorageFull("There is no space left in the database.")
    return DatabaseUnavailable()


def is_full(error: BaseException) -> bool:
    """Whether this is a database's word for a full disk."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) in FULL
    return getattr(cause, "sqlstate", None) == DISK_FULL


SETTLED = 2.0
"""Seconds for which a file has not been written when its time stamp can be relied on: they are coarse."""

Untouched = tuple[tuple[int, int, int], ...]
"""Inode, bytes and time of the last write of a database's files."""


def untouched(url: URL) -> Untouched | None:
    """What tells whether a SQLite database was written to; None where its files cannot tell."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        found = [os.stat(url.database + suffix) for suffix in ("", "-wal")]  # noqa: PTH116 - asked all the time
    except OSError:
        return None
    if time.time() - max(status.st_mtime for status in found) < SETTLED:
        return None
    return tuple((status.st_ino, status.st_size, status.st_mtime_ns) for status in found)
