"""Assets in SQLite or PostgreSQL, through one set of statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.backends.engine import ACQUIRE, STATEMENT, database_errors, database_url, make_engine
from origin.backends.migrate import migrate
from origin.backends.tables import asset_versions, assets, changes
from origin.errors import Conflict, DatabaseUnavailable, NotFound
from origin.ports import Asset, AssetVersion

T = TypeVar("T")

READ = 1.2
"""Seconds for a read, with everything: whoever asks wants a picture."""

WRITE = ACQUIRE + STATEMENT
"""Seconds for a write, with everything."""


class Database:
    """The assets of ``sqlite:///path`` or ``postgresql://…``; at most ``pool`` connections.

    Nothing is opened before the first call. Whatever is wrong with the database is DatabaseUnavailable, at
    the latest after READ or WRITE seconds.
    """

    def __init__(self, url: str, *, pool: int = 5) -> None:
        self.url = database_url(url)
        self._engine = make_engine(self.url, pool=pool)
        sqlite = self.url.get_backend_name() == "sqlite"
        # One statement needs no transaction in PostgreSQL, and so two round trips less.
        options = {"reads": True} if sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self._engine.execution_options(**options)
        self._left: set[asyncio.Task[Any]] = set()

    async def migrate(self) -> None:
        """Create or update the tables. Safe when several processes start at once."""
        await asyncio.to_thread(migrate, self.url)

    async def close(self) -> None:
        if self._left:
            await asyncio.wait(self._left, timeout=WRITE + STATEMENT)
        await self._engine.dispose()

    # Reading

    async def ping(self) -> None:
        """Raises DatabaseUnavailable unless the database answers and its tables are there."""
        await self._within(READ, self._read(sa.select(changes.c.last)))

    async def find(self, id: str) -> Asset | None:
        if not _storable(id):
            return None
        return await self._within(READ, self._find(assets.c.id == id))

    async def find_same(
        self, owner: str | None, sha256: str, *, visibility: str | None = None
    ) -> Asset | None:
        current = asset_versions.alias("same")
        newest = (
            sa.select(assets.c.id)
            .join(
                current,
                sa.and_(current.c.asset_id == assets.c.id, current.c.number == assets.c.current_version),
            )
            .where(
                current.c.sha256 == sha256,
                current.c.purged.is_(False),
                assets.c.owner.is_not_distinct_from(owner),
                assets.c.deleted.is_(None),
                sa.true() if visibility is None else assets.c.visibility == visibility,
            )
            .order_by(assets.c.created.desc(), assets.c.id)
            .limit(1)
        )
        return await self._within(READ, self._find(assets.c.id == newest.scalar_subquery()))

    async def changed_since(self, mark: int) -> tuple[int, list[str]]:
        """A negative mark asks for the present one, without ids.

        Where the database has gone back behind ``mark`` (a backup was put in), the new mark is the lower one.
        """
        join = sa.outerjoin(changes, assets, sa.and_(assets.c.change > mark, sa.literal(mark) >= 0))
        statement = sa.select(changes.c.last, assets.c.id).select_from(join).order_by(assets.c.change)
        rows = await self._within(READ, self._read(statement))
        if not rows:
            raise DatabaseUnavailable
        return rows[0].last, [row.id for row in rows if row.id is not None]

    async def _find(self, condition: sa.ColumnElement[bool]) -> Asset | None:
        rows = await self._read(_with_versions(condition))
        return _asset(rows)

    async def _read(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with database_errors(), self._reading.connect() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(statement)).all()
            return rows

    # Writing

    async def add(self, asset: Asset) -> Asset:
        return await self._within(WRITE, self._add(asset))

    async def delete(self, id: str) -> None:
        deleted = sa.func.coalesce(assets.c.deleted, sa.bindparam("now", type_=assets.c.deleted.type))
        await self._within(WRITE, self._update(id, deleted=deleted, purges=assets.c.purges + 1))

    async def purge(self, id: str) -> None:
        await self._within(WRITE, self._update(id, purges=assets.c.purges + 1))

    async def _add(self, asset: Asset) -> Asset:
        async with self._writing() as (connection, change):
            # Writers are one after the other here, so nobody can take the id in between.
            if (await connection.execute(sa.select(assets.c.id).where(assets.c.id == asset.id))).first():
                raise Conflict("This id is taken")
            await connection.execute(sa.insert(assets).values(_row(asset) | {"change": change}))
            versions = [_version_row(asset.id, version) for version in (asset.current, *asset.older)]
            await connection.execute(sa.insert(asset_versions), versions)
            added = _asset((await connection.execute(_with_versions(assets.c.id == asset.id))).all())
        assert added is not None
        return added

    async def _update(self, id: str, **values: Any) -> None:
        if not _storable(id):
            raise NotFound
        async with self._writing() as (connection, change):
            statement = sa.update(assets).where(assets.c.id == id).values(change=change, **values)
            parameters = {"now": datetime.now(UTC)} if "deleted" in values else {}
            if not (await connection.execute(statement, parameters)).rowcount:
                raise NotFound

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[tuple[AsyncConnection, int]]:
        """A transaction and the number of the change it makes."""
        async with database_errors(), self._engine.connect() as connection, connection.begin():
            count = sa.update(changes).values(last=changes.c.last + 1).returning(changes.c.last)
            yield connection, (await connection.execute(count)).scalar_one()

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, or DatabaseUnavailable after ``seconds``.

        Work that takes longer, or whose caller left, is not waited for and not cancelled either: it has
        time-outs of its own, and cancelled drivers leave tasks that never end (aiosqlite) or connections in
        an unknown state.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                self._leave(task)
        if not task.done():
            raise DatabaseUnavailable
        return task.result()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._left.add(task)
        task.add_done_callback(self._ended)
        if self._engine.dialect.name == "postgresql":
            # A server that is silent can keep asyncpg waiting for the end of its own cancellation.
            timer = asyncio.get_running_loop().call_later(STATEMENT, task.cancel)
            task.add_done_callback(lambda _: timer.cancel())

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it any more; DatabaseUnavailable has been said


def _storable(text: str) -> bool:
    """PostgreSQL refuses what no id contains: NUL and halves of surrogate pairs."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _with_versions(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """An asset's row as often as it has versions, newest version first."""
    columns = [column.label(f"v_{column.name}") for column in asset_versions.c]
    return (
        sa.select(assets, *columns)
        .join(asset_versions, asset_versions.c.asset_id == assets.c.id)
        .where(condition)
        .order_by(asset_versions.c.number.desc())
    )


def _asset(rows: Sequence[sa.Row[Any]]) -> Asset | None:
    if not rows:
        return None
    row = rows[0]
    versions = {version.v_number: _version(version) for version in rows}
    current = versions.pop(row.current_version)
    return Asset(
        id=row.id,
        owner=row.owner,
        visibility=row.visibility,
        current=current,
        purges=row.purges,
        created=row.created,
        deleted=row.deleted,
        focus=None if row.focus_x is None else (row.focus_x, row.focus_y),
        tags=tuple(row.tags),
        older=tuple(versions.values()),
    )


def _version(row: sa.Row[Any]) -> AssetVersion:
    return AssetVersion(
        number=row.v_number,
        sha256=row.v_sha256,
        bytes=row.v_bytes,
        format=row.v_format,
        width=row.v_width,
        height=row.v_height,
        frames=row.v_frames,
        has_alpha=row.v_has_alpha,
        orientation=row.v_orientation,
        created=row.v_created,
        thumbhash=row.v_thumbhash,
        dominant_color=row.v_dominant_color,
        purged=row.v_purged,
    )


def _row(asset: Asset) -> dict[str, Any]:
    x, y = asset.focus or (None, None)
    return {
        "id": asset.id,
        "owner": asset.owner,
        "visibility": asset.visibility,
        "current_version": asset.current.number,
        "purges": asset.purges,
        "created": asset.created,
        "deleted": asset.deleted,
        "focus_x": x,
        "focus_y": y,
        "tags": list(asset.tags),
    }


def _version_row(id: str, version: AssetVersion) -> dict[str, Any]:
    return {
        "asset_id": id,
        "number": version.number,
        "sha256": version.sha256,
        "bytes": version.bytes,
        "format": version.format,
        "width": version.width,
        "height": version.height,
        "frames": version.frames,
        "has_alpha": version.has_alpha,
        "orientation": version.orientation,
        "created": version.created,
        "thumbhash": version.thumbhash,
        "dominant_color": version.dominant_color,
        "purged": version.purged,
    }
