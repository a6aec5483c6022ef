"""What every keeper of assets does."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from origin.backends import migrate
from origin.backends.database import Database
from origin.backends.engine import database_url, make_engine
from origin.backends.tables import metadata
from origin.errors import Conflict, DatabaseUnavailable, NotFound
from tests.origin.backends.conftest import WHEN, an_asset
from tests.support.faults import Fault, FaultyProxy, faulty
from tests.support.servers import PostgresServer
from tests.support.stores import PATIENCE

MIGRATIONS = Path(migrate.__file__).parent / "migrations"


async def test_an_asset_comes_back_as_it_was(database: Database) -> None:
    asset = replace(
        an_asset(), owner="user", visibility="private", focus=(0.25, 1.0), tags=("b", "a", "Grüße")
    )
    assert await database.add(asset) == asset
    assert await database.find(asset.id) == asset


async def test_older_versions_come_newest_first(database: Database) -> None:
    first = an_asset().current
    older = (replace(first, number=2, purged=True), replace(first, number=1, thumbhash=None))
    asset = replace(an_asset(), current=replace(first, number=3), older=older)
    await database.add(asset)
    assert await database.find(asset.id) == asset


@pytest.mark.parametrize(
    "id", ["", "nothing", "AAAAAAAAAAAAAAAAAAAAAA", "%", "a'--", "\0", "\ud800", "x" * 9000]
)
async def test_an_id_that_never_was(database: Database, id: str) -> None:
    await database.add(an_asset())
    assert await database.find(id) is None
    with pytest.raises(NotFound):
        await database.delete(id)
    with pytest.raises(NotFound):
        await database.purge(id)


async def test_a_taken_id(database: Database) -> None:
    await database.add(an_asset())
    with pytest.raises(Conflict):
        await database.add(replace(an_asset(), tags=("other",)))
    assert await database.find(an_asset().id) == an_asset()


async def test_one_of_many_gets_the_id(database: Database) -> None:
    outcomes = await asyncio.gather(*(database.add(an_asset()) for _ in range(8)), return_exceptions=True)
    assert sum(outcome == an_asset() for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


async def test_purge_and_delete_count(database: Database) -> None:
    await database.add(an_asset())
    await database.purge(an_asset().id)
    await database.purge(an_asset().id)
    purged = await database.find(an_asset().id)
    assert purged == replace(an_asset(), purges=2)
    await database.delete(an_asset().id)
    deleted = await database.find(an_asset().id)
    assert deleted is not None
    assert deleted.deleted is not None
    assert deleted.deleted > WHEN
    assert deleted.purges == 3
    await database.delete(an_asset().id)
    again = await database.find(an_asset().id)
    assert again is not None
    assert (again.deleted, again.purges) == (deleted.deleted, 4)


async def test_purges_at_once_are_all_counted(database: Database) -> None:
    await database.add(an_asset())
    await asyncio.gather(*(database.purge(an_asset().id) for _ in range(20)))
    found = await database.find(an_asset().id)
    assert found is not None
    assert found.purges == 20


@pytest.mark.parametrize("owner", [None, "user"])
async def test_the_newest_live_asset_with_the_same_bytes(database: Database, owner: str | None) -> None:
    def made(id: str, days: int, **other: object) -> None:
        asset = an_asset(id, owner=owner)
        assets.append(replace(asset, created=WHEN + timedelta(days=days), **other))  # type: ignore[arg-type]

    assets = [
        an_asset("other-owner", owner="somebody"),
        an_asset("other-bytes", sha256="cd" * 32, owner=owner),
    ]
    made("old", 0)
    made("new", 2)
    made("middle", 1)
    made("deleted", 3, deleted=WHEN)
    version = an_asset().current
    made("purged", 4, current=replace(version, purged=True))
    made("replaced", 5, current=replace(version, number=2, sha256="ef" * 32), older=(version,))
    for asset in assets:
        await database.add(asset)
    found = await database.find_same(owner, "ab" * 32)
    assert found is not None
    assert found.id == "new"
    assert await database.find_same(owner, "00" * 32) is None
    assert await database.find_same("nobody", "ab" * 32) is None


async def test_the_same_bytes_with_one_visibility(database: Database) -> None:
    await database.add(an_asset("public"))
    await database.add(replace(an_asset("private"), visibility="private", created=WHEN + timedelta(days=1)))
    wanted = [None, "public", "private"]
    found = [await database.find_same(None, "ab" * 32, visibility=visibility) for visibility in wanted]
    assert [asset and asset.id for asset in found] == ["private", "public", "private"]


async def test_changes_are_seen_once_and_in_order(database: Database) -> None:
    start, none = await database.changed_since(-1)
    assert none == []
    for id in "abc":
        await database.add(an_asset(id))
    mark, ids = await database.changed_since(start)
    assert ids == ["a", "b", "c"]
    assert await database.changed_since(mark) == (mark, [])
    await database.purge("b")
    await database.delete("a")
    await database.purge("b")
    with pytest.raises(NotFound):
        await database.purge("nothing")
    later, ids = await database.changed_since(mark)
    assert ids == ["a", "b"]
    assert await database.changed_since(later) == (later, [])
    assert (await database.changed_since(later + 100))[0] == later


async def test_no_change_is_missed_by_polling(database: Database) -> None:
    mark, _ = await database.changed_since(-1)
    seen: list[str] = []
    adding = asyncio.gather(*(database.add(an_asset(str(number))) for number in range(20)))
    while not adding.done():
        mark, ids = await database.changed_since(mark)
        seen += ids
        await asyncio.sleep(0)
    await adding
    _, ids = await database.changed_since(mark)
    assert sorted(seen + ids, key=int) == [str(number) for number in range(20)]


async def test_a_file_that_nobody_has_written_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "origin.db"
    own, other = (Database(f"sqlite:///{file}", patience=PATIENCE) for _ in range(2))
    statements: list[str] = []
    sa.event.listen(
        own._engine.sync_engine, "before_cursor_execute", lambda *said: statements.append(str(said[2]))
    )

    def written(ago: float) -> None:
        for path in (file, file.with_name("origin.db-wal")):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - ago))

    async def asked(mark: int) -> tuple[int, list[str], bool]:
        before = len(statements)
        return *await own.changed_since(mark), len(statements) > before

    try:
        await own.migrate()
        await own.add(an_asset("a"))
        written(-60)
        mark, _ = await own.changed_since(-1)
        assert await asked(mark) == (mark, [], True), "just written: time stamps are coarse"
        written(120)
        assert await asked(mark) == (mark, [], True)
        assert await asked(mark) == (mark, [], False)
        assert await asked(mark - 1) == (mark, ["a"], True), "from another mark there is something to tell"
        await other.add(an_asset("b"))
        assert await asked(mark) == (mark + 1, ["b"], True)
    finally:
        await own.close()
        await other.close()


async def test_migrating_again_keeps_everything(database: Database) -> None:
    await database.add(an_asset())
    await database.migrate()
    assert await database.find(an_asset().id) == an_asset()


def test_a_start_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [migrate.NEWEST]


async def test_a_database_of_an_older_version_is_brought_up(database: Database) -> None:
    def step_back(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")

    engine = make_engine(database.url, pool=1)
    async with engine.begin() as connection:
        await connection.run_sync(step_back)
        assert not await connection.run_sync(lambda sync: sa.inspect(sync).has_table("reminders"))
    await database.migrate()
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).has_table("reminders"))
    await engine.dispose()


async def test_the_migrations_make_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: sa.Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    engine = make_engine(database.url, pool=1)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


MIGRATE = """
import asyncio, sys
from origin.backends.database import Database
async def main():
    database = Database(sys.argv[1])
    await asyncio.gather(database.migrate(), database.migrate())
    await database.ping()
    await database.close()
asyncio.run(main())
"""


def test_processes_that_start_at_once_migrate_once(empty_database: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MIGRATE, empty_database]) for _ in range(2)]
    assert [process.wait(90) for process in processes] == [0, 0]


async def test_without_tables_the_database_is_unavailable(empty_database: str) -> None:
    database = Database(empty_database)
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    with pytest.raises(DatabaseUnavailable):
        await database.find("id")
    await database.close()


# A database that is away

SOON = 30
"""Seconds: far above what is promised, because machines are busy, and far below what drivers would wait."""


@asynccontextmanager
async def broken(
    postgres: PostgresServer, patience: float = 1.0
) -> AsyncIterator[tuple[FaultyProxy, Database]]:
    """A database behind a proxy, with an asset and open connections."""
    with postgres.database() as direct:
        async with faulty(direct) as (proxy, url):
            patient = Database(url, patience=PATIENCE)
            await patient.migrate()
            await patient.add(an_asset())
            await patient.close()
            database = Database(url, patience=patience)
            await asyncio.gather(*(until_back(database) for _ in range(5)))
            try:
                yield proxy, database
            finally:
                await database.close()


async def unavailable(action: Awaitable[object]) -> None:
    """``action`` fails soon, because of the database."""
    async with asyncio.timeout(SOON):
        with pytest.raises(DatabaseUnavailable):
            await action


async def until_back(database: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                assert await database.find(an_asset().id) is not None
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.RESET, Fault.BLACK_HOLE])
async def test_a_postgresql_that_is_away_is_said_soon(postgres: PostgresServer, fault: Fault) -> None:
    async with broken(postgres) as (proxy, database):
        await proxy.set(fault)
        await unavailable(database.find(an_asset().id))
        many = [unavailable(database.find(an_asset().id)) for _ in range(20)]
        await asyncio.gather(*many)
        await unavailable(database.purge(an_asset().id))
        await proxy.set(Fault.PASS)
        await until_back(database)
        await database.purge(an_asset().id)


async def test_a_restarted_postgresql_costs_no_request(
    postgres: PostgresServer,
) -> None:
    async with broken(postgres, PATIENCE) as (_, database):
        postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'origin'"
        )
        assert await database.find(an_asset().id) == an_asset()


async def test_a_locked_table_does_not_hold_requests(postgres: PostgresServer) -> None:
    async with broken(postgres) as (_, database):
        engine = make_engine(database.url, pool=1)
        async with engine.connect() as other, other.begin():
            await other.execute(sa.text("LOCK TABLE assets"))
            many = [unavailable(database.find(an_asset().id)) for _ in range(12)]
            await asyncio.gather(*many)
        await engine.dispose()
        await until_back(database)


async def test_a_read_only_postgresql_still_reads(postgres: PostgresServer) -> None:
    async with broken(postgres) as (_, database):
        assert database.url.database is not None
        postgres.sql(f"ALTER DATABASE {database.url.database} SET default_transaction_read_only = on")
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        reader = Database(url, patience=PATIENCE)
        assert await reader.find(an_asset().id) == an_asset()
        await unavailable(reader.purge(an_asset().id))
        await unavailable(reader.add(an_asset("other")))
        await reader.close()


async def test_a_caller_that_leaves_leaves_nothing_locked(empty_database: str) -> None:
    database = Database(empty_database, pool=2, patience=PATIENCE)
    await database.migrate()
    await database.add(an_asset())
    for pause in (0, 0, 0.001, 0.002, 0.005):
        leaving = [asyncio.create_task(database.purge(an_asset().id)) for _ in range(4)]
        await asyncio.sleep(pause)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
    await database.purge(an_asset().id)
    assert await database.find(an_asset().id) is not None
    await database.close()


async def test_a_sqlite_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "origin.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    database = Database(f"sqlite:///{tmp_path}/origin.db")
    await unavailable(database.migrate())
    await unavailable(database.find("id"))
    await database.close()


async def test_a_sqlite_file_that_another_keeps_locked(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/origin.db")
    await database.migrate()
    await database.add(an_asset())
    with closing(sqlite3.connect(tmp_path / "origin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await database.find(an_asset().id) == an_asset()
        await unavailable(database.purge(an_asset().id))
        other.execute("ROLLBACK")
    await database.purge(an_asset().id)
    await database.close()


async def test_sqlite_waits_for_another_writer(tmp_path: Path) -> None:
    first, second = (Database(f"sqlite:///{tmp_path}/origin.db", patience=PATIENCE) for _ in range(2))
    await first.migrate()
    await asyncio.gather(*((first, second)[n % 2].add(an_asset(str(n))) for n in range(30)))
    assert all([await first.find(str(n)) for n in range(30)])
    await first.close()
    await second.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "://secret@", "secret"]
)
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match=r"write sqlite:///path") as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "rendered"),
    [
        ("sqlite:///var/x.db", "sqlite+aiosqlite:///var/x.db"),
        ("sqlite:////var/x.db", "sqlite+aiosqlite:////var/x.db"),
        ("postgres://u:p@h:1/d", "postgresql+asyncpg://u:***@h:1/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql+psycopg://u@h/d", "postgresql+asyncpg://u@h/d"),
    ],
)
def test_urls(url: str, rendered: str) -> None:
    assert str(database_url(url)) == rendered
