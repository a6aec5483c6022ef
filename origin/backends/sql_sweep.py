"""What becomes of things that nobody can ask for any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from origin.backends.sql import WRITE, Sql, storable
from origin.backends.tables import (
    asset_versions,
    assets,
    changes,
    emitted,
    idempotency,
    revocations,
    tickets,
)

EMITTED: Final = timedelta(days=400)
"""How long after its last sending a cache may hold a URL: a year if pinned, and a month that nobody asks."""

SPARE: Final = timedelta(hours=1)
"""Kept beyond its end: clocks differ, and tokens count a little longer than they say."""


class SqlSweep(Sql):
    """Sweepable."""

    async def expired(self, before: datetime, limit: int) -> list[str]:
        kept = sa.select(asset_versions.c.asset_id).where(
            asset_versions.c.asset_id == assets.c.id, asset_versions.c.purged.is_(False)
        )
        oldest = sa.select(assets.c.id).where(assets.c.deleted < before, kept.exists())
        return [row.id for row in await self._rows(oldest.order_by(assets.c.deleted).limit(limit))]

    async def bury(self, id: str, before: datetime) -> None:
        if storable(id):
            await self._within(WRITE, self._bury(id, before))

    async def _bury(self, id: str, before: datetime) -> None:
        async with self._changing() as (connection, change):
            gone = sa.and_(assets.c.id == id, assets.c.deleted < before)
            counted = sa.update(assets).where(gone).values(change=change, purges=assets.c.purges + 1)
            if (await connection.execute(counted)).rowcount:
                mine = asset_versions.c.asset_id == id
                await connection.execute(sa.update(asset_versions).where(mine).values(purged=True))
                await connection.execute(sa.delete(emitted).where(emitted.c.asset_id == id))

    async def referenced(self, sha256: Sequence[str]) -> set[str]:
        return {row.sha256 for row in await self._rows(_having(sha256))}

    async def remove_unreferenced(self, sha256: str, remove: Callable[[], Awaitable[None]]) -> bool:
        return await self._within(WRITE, self._remove_unreferenced(sha256, remove))

    async def _remove_unreferenced(self, sha256: str, remove: Callable[[], Awaitable[None]]) -> bool:
        async with self._transaction() as connection:
            # The lock of whoever changes assets. (SQLite has taken its own at the beginning.)
            await connection.execute(sa.select(changes.c.last).with_for_update())
            if (await connection.execute(_having([sha256]))).first() is not None:
                return False
            await remove()
            return True

    async def forget_old(self, now: datetime) -> None:
        for table in (revocations, idempotency, tickets):
            await self._write(sa.delete(table).where(table.c.expires < now - SPARE))
        await self._write(sa.delete(emitted).where(emitted.c.seen < now - EMITTED))


def _having(sha256: Sequence[str]) -> sa.Select[tuple[str]]:
    contents = [content for content in sha256 if storable(content)]
    return (
        sa.select(asset_versions.c.sha256)
        .where(asset_versions.c.sha256.in_(contents), asset_versions.c.purged.is_(False))
        .distinct()
    )
