"""Assets as their owners see them. The owner is part of every condition: what is not theirs is not there."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.backends.asset_rows import read_asset, read_assets, version_row, with_versions
from origin.backends.sql import WRITE, check_storable, storable
from origin.backends.sql_assets import SqlAssets, check_quota, used_bytes
from origin.backends.tables import asset_versions, assets
from origin.errors import BadRequest, NotFound
from origin.ports import UNSET, Asset, AssetVersion, Page, Unset

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SqlLibrary(SqlAssets):
    """An AssetLibrary."""

    async def page(
        self,
        owner: str,
        *,
        limit: int,
        cursor: str | None = None,
        tag: str | None = None,
        visibility: str | None = None,
    ) -> Page:
        after = None if cursor is None else read_cursor(cursor)
        if not storable(owner, tag, visibility):
            return Page((), None)
        conditions = [assets.c.owner == owner, assets.c.deleted.is_(None)]
        if after is not None:
            created, id = after
            place = sa.tuple_(sa.literal(created, assets.c.created.type), sa.literal(id))
            conditions.append(sa.tuple_(assets.c.created, assets.c.id) < place)
        if tag is not None:
            conditions.append(self._tagged(tag))
        if visibility is not None:
            conditions.append(assets.c.visibility == visibility)
        newest = (
            sa.select(assets.c.id)
            .where(*conditions)
            .order_by(assets.c.created.desc(), assets.c.id.desc())
            .limit(limit + 1)
        )
        found = read_assets(await self._rows(with_versions(assets.c.id.in_(newest))))
        if len(found) <= limit:
            return Page(found, None)
        return Page(found[:limit], cursor_after(found[limit - 1]))

    def _tagged(self, tag: str) -> sa.ColumnElement[bool]:
        unfold = sa.func.json_each if self._is_sqlite else sa.func.json_array_elements_text
        tags = unfold(assets.c.tags).table_valued("value")
        return sa.exists(sa.select(sa.literal(1)).select_from(tags).where(tags.c.value == tag))

    async def owned(self, owner: str, id: str, *, deleted: bool = False) -> Asset:
        if not storable(owner, id):
            raise NotFound
        asset = read_asset(await self._rows(with_versions(_of(owner, id))))
        if asset is None or (asset.deleted is not None and not (deleted and _restorable(asset))):
            raise NotFound
        return asset

    async def change(
        self,
        owner: str,
        id: str,
        *,
        visibility: str | None = None,
        focus: tuple[float, float] | Unset | None = UNSET,
        tags: Sequence[str] | None = None,
    ) -> Asset:
        if not storable(owner, id):
            raise NotFound
        check_storable(*(tags or ()))
        return await self._within(WRITE, self._change(owner, id, visibility, focus, tags))

    async def _change(
        self,
        owner: str,
        id: str,
        visibility: str | None,
        focus: tuple[float, float] | Unset | None,
        tags: Sequence[str] | None,
    ) -> Asset:
        mine = _live(owner, id)
        async with self._changing() as (connection, change):
            asset = await _found(connection, mine)
            values: dict[str, Any] = {"change": change}
            if visibility not in {None, asset.visibility}:
                values |= {"visibility": visibility, "purges": asset.purges + 1}
            if not isinstance(focus, Unset) and focus != asset.focus:
                x, y = focus or (None, None)
                values |= {"focus_x": x, "focus_y": y, "purges": asset.purges + 1}
            if tags is not None:
                values["tags"] = list(tags)
            await connection.execute(sa.update(assets).where(mine).values(values))
            return await _found(connection, mine)

    async def add_version(
        self, owner: str | None, id: str, version: AssetVersion, *, quota: int | None = None
    ) -> Asset:
        if not storable(owner, id):
            raise NotFound
        return await self._within(WRITE, self._add_version(owner, id, version, quota))

    async def _add_version(
        self, owner: str | None, id: str, version: AssetVersion, quota: int | None
    ) -> Asset:
        mine = _live(owner, id)
        async with self._changing() as (connection, change):
            asset = await _found(connection, mine)
            if owner is not None:
                await check_quota(connection, owner, version.bytes, quota)
            number = 1 + max(known.number for known in (asset.current, *asset.older))
            row = version_row(id, version) | {"number": number}
            await connection.execute(sa.insert(asset_versions).values(row))
            current = sa.update(assets).where(mine).values(change=change, current_version=number)
            await connection.execute(current)
            return await _found(connection, mine)

    async def purge_versions(self, owner: str, id: str) -> Asset:
        if not storable(owner, id):
            raise NotFound
        return await self._within(WRITE, self._purge_versions(owner, id))

    async def _purge_versions(self, owner: str, id: str) -> Asset:
        mine = _live(owner, id)
        async with self._changing() as (connection, change):
            asset = await _found(connection, mine)
            older = sa.and_(
                asset_versions.c.asset_id == asset.id, asset_versions.c.number != asset.current.number
            )
            await connection.execute(sa.update(asset_versions).where(older).values(purged=True))
            counted = sa.update(assets).where(mine).values(change=change, purges=asset.purges + 1)
            await connection.execute(counted)
            return await _found(connection, mine)

    async def discard(self, owner: str, id: str) -> None:
        if not storable(owner, id):
            raise NotFound
        await self._within(WRITE, self._discard(owner, id))

    async def _discard(self, owner: str, id: str) -> None:
        async with self._changing() as (connection, change):
            values = {"change": change, "deleted": datetime.now(UTC), "purges": assets.c.purges + 1}
            discarded = sa.update(assets).where(_live(owner, id)).values(values)
            if not (await connection.execute(discarded)).rowcount:
                raise NotFound

    async def restore(self, owner: str, id: str, *, since: datetime) -> Asset:
        if not storable(owner, id):
            raise NotFound
        return await self._within(WRITE, self._restore(owner, id, since))

    async def _restore(self, owner: str, id: str, since: datetime) -> Asset:
        mine = sa.and_(_of(owner, id), assets.c.deleted >= since)
        async with self._changing() as (connection, change):
            if not _restorable(await _found(connection, mine)):
                raise NotFound
            await connection.execute(sa.update(assets).where(mine).values(change=change, deleted=None))
            return await _found(connection, _live(owner, id))

    async def bytes_of(self, owner: str, *, besides: str = "") -> int:
        if not storable(owner, besides):
            return 0
        [row] = await self._rows(used_bytes(owner, besides))
        return int(row[0])


def _of(owner: str | None, id: str) -> sa.ColumnElement[bool]:
    return sa.and_(assets.c.id == id, assets.c.owner.is_not_distinct_from(owner))


def _live(owner: str | None, id: str) -> sa.ColumnElement[bool]:
    return sa.and_(_of(owner, id), assets.c.deleted.is_(None))


def _restorable(asset: Asset) -> bool:
    """Whether its bytes are still there: the last step of a deletion purges every version."""
    return not asset.current.purged


async def _found(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> Asset:
    asset = read_asset((await connection.execute(with_versions(condition))).all())
    if asset is None:
        raise NotFound
    return asset


# Cursors name the last asset of a page. They give no right: the owner is asked for beside them.


def cursor_after(asset: Asset) -> str:
    microseconds = (asset.created - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{microseconds}:{asset.id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """When the last asset was created, and its id. Raises BadRequest for a text that no page ended with."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        microseconds, _, id = text.partition(":")
        created = _EPOCH + timedelta(microseconds=int(microseconds))
    except (ValueError, OverflowError) as error:
        raise _no_cursor() from error
    again = base64.urlsafe_b64encode(f"{int(microseconds)}:{id}".encode()).decode().rstrip("=")
    if again != cursor or not id or not storable(id):
        raise _no_cursor()
    return created, id


def _no_cursor() -> BadRequest:
    return BadRequest("This cursor was not made here: take it from `next` of the page before.")
