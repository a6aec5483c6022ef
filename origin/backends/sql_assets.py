"""Assets by their id, whoever owns them: what delivery, ingestion and operators need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.backends.asset_rows import asset_row, read_asset, version_row, with_versions
from origin.backends.engine import Untouched, untouched
from origin.backends.sql import WRITE, Sql, check_storable, storable
from origin.backends.tables import asset_versions, assets, changes, tickets
from origin.errors import Conflict, DatabaseUnavailable, NotFound, QuotaExceeded
from origin.ports import Asset


class SqlAssets(Sql):
    """An AssetKeeper."""

    _heard: tuple[Untouched | None, int] | None = None
    """The last change, and what the database's files looked like when it was asked for."""

    async def find(self, id: str) -> Asset | None:
        if not storable(id):
            return None
        return read_asset(await self._rows(with_versions(assets.c.id == id)))

    async def find_same(
        self, owner: str | None, sha256: str, *, visibility: str | None = None
    ) -> Asset | None:
        if not storable(owner, sha256, visibility):
            return None
        return read_asset(await self._rows(_same(owner, sha256, visibility)))

    async def changed_since(self, mark: int) -> tuple[int, list[str]]:
        """A negative mark asks for the present one, without ids.

        Where the database has gone back behind ``mark`` (a backup was put in), the new mark is the lower one.
        """
        # Twice a second for ever: a look at two files instead of a query where nobody has written.
        found = untouched(self.url)
        if found is not None and self._heard == (found, mark):
            return mark, []
        join = sa.outerjoin(changes, assets, sa.and_(assets.c.change > mark, sa.literal(mark) >= 0))
        statement = sa.select(changes.c.last, assets.c.id).select_from(join).order_by(assets.c.change)
        rows = await self._rows(statement)
        if not rows:
            raise DatabaseUnavailable
        last, ids = rows[0].last, [row.id for row in rows if row.id is not None]
        self._heard = (found, last)
        return last, ids

    async def add(self, asset: Asset, *, once: bool = False, quota: int | None = None) -> Asset:
        check_storable(asset.id, asset.owner, *asset.tags)
        return await self._within(WRITE, self._add(asset, once, quota))

    async def _add(self, asset: Asset, once: bool, quota: int | None) -> Asset:
        async with self._changing() as (connection, change):
            if once:
                same = _same(asset.owner, asset.current.sha256, asset.visibility)
                if (known := read_asset((await connection.execute(same)).all())) is not None:
                    return known
            if (await connection.execute(sa.select(assets.c.id).where(assets.c.id == asset.id))).first():
                raise Conflict("This id is taken")
            if asset.owner is not None:
                await check_quota(connection, asset.owner, asset.current.bytes, quota, besides=asset.id)
            await connection.execute(sa.insert(assets).values(asset_row(asset) | {"change": change}))
            versions = [version_row(asset.id, version) for version in (asset.current, *asset.older)]
            await connection.execute(sa.insert(asset_versions), versions)
            added = read_asset((await connection.execute(with_versions(assets.c.id == asset.id))).all())
        assert added is not None
        return added

    async def delete(self, id: str) -> None:
        deleted = sa.func.coalesce(assets.c.deleted, sa.literal(datetime.now(UTC), assets.c.deleted.type))
        await self._update(id, deleted=deleted, purges=assets.c.purges + 1)

    async def purge(self, id: str) -> None:
        await self._update(id, purges=assets.c.purges + 1)

    async def _update(self, id: str, **values: Any) -> None:
        if not storable(id):
            raise NotFound
        await self._within(WRITE, self._updated(id, values))

    async def _updated(self, id: str, values: dict[str, Any]) -> None:
        async with self._changing() as (connection, change):
            statement = sa.update(assets).where(assets.c.id == id).values(change=change, **values)
            if not (await connection.execute(statement)).rowcount:
                raise NotFound


def _same(owner: str | None, sha256: str, visibility: str | None) -> sa.Select[Any]:
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
    return with_versions(assets.c.id == newest.scalar_subquery())


def used_bytes(owner: str, besides: str = "") -> sa.Select[Any]:
    """The bytes that count against a quota."""
    stored = (
        sa.select(sa.func.coalesce(sa.func.sum(asset_versions.c.bytes), 0))
        .join(assets, assets.c.id == asset_versions.c.asset_id)
        .where(assets.c.owner == owner, assets.c.deleted.is_(None), asset_versions.c.purged.is_(False))
    )
    announced = sa.select(sa.func.coalesce(sa.func.sum(tickets.c.bytes), 0)).where(
        tickets.c.owner == owner, tickets.c.expires > datetime.now(UTC), tickets.c.id != besides
    )
    return sa.select(stored.scalar_subquery() + announced.scalar_subquery())


async def check_quota(
    connection: AsyncConnection, owner: str, size: int, quota: int | None, *, besides: str = ""
) -> None:
    """Raises QuotaExceeded. Holds until the end of a transaction that nobody else's can go on beside."""
    if quota is not None:
        used: int = (await connection.execute(used_bytes(owner, besides))).scalar_one()
        QuotaExceeded.check(quota, int(used), size)
