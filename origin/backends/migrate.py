"""Brings a database to the newest version of the tables."""

from __future__ import annotations

import asyncio
import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from origin.backends.engine import database_errors, make_engine

PATIENCE = 120.0
"""Seconds for a migration, and for another process to finish its own."""

ADVISORY_LOCK = 0x6F726967696E
"""The number under which PostgreSQL knows that somebody migrates."""

NEWEST = "0003"
"""The last revision in ``migrations``."""

VERSIONS = "alembic_version"
"""The table in which Alembic notes where a database is."""

_one_at_a_time = threading.Lock()
"""Alembic keeps what it works on in module globals."""


def migrate(url: URL) -> None:
    """Apply the migrations that are missing, all or none. Blocks; safe in several processes at once.

    Raises DatabaseUnavailable.
    """
    with _one_at_a_time, _file_lock(url):
        asyncio.run(_migrate(url))


async def _migrate(url: URL) -> None:
    engine = make_engine(url, pool=1, statement=PATIENCE)
    try:
        async with database_errors(), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    if _is_newest(connection):
        return
    # Imported where there is something to do: of most starts it would be a tenth.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_newest(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(VERSIONS):
        return False
    return list(connection.execute(sa.text(f"SELECT version_num FROM {VERSIONS}")).scalars()) == [NEWEST]  # noqa: S608


@contextmanager
def _file_lock(url: URL) -> Iterator[None]:
    """For SQLite, whose own lock does not cover the change to write-ahead logging."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        yield
        return
    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
