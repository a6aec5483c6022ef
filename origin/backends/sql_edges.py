"""Which URLs caches in front may hold, and which of those must be told of a change once more."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from origin.backends.sql import Sql, check_storable, storable
from origin.backends.tables import emitted, reminders

SEEN_AGAIN: Final = timedelta(days=1)
"""How exactly the record knows when a URL was sent last: hits write nothing, and most sendings neither."""


class SqlEdges(Sql):
    """The EmittedUrls and the PurgeReminders."""

    async def emitted(self, asset: Sequence[str], path: str) -> None:
        check_storable(path, *asset)
        if not asset:
            return
        now = datetime.now(UTC)
        row = {"digest": _digest(path), "path": path, "seen": now}
        # In one order, or two servers that record the same assets could wait for each other.
        rows = [{"asset_id": id} | row for id in sorted(set(asset))]
        await self._write(
            self._insert(emitted)
            .values(rows)
            .on_conflict_do_update(
                index_elements=[emitted.c.asset_id, emitted.c.digest],
                set_={"seen": now},
                where=emitted.c.seen < now - SEEN_AGAIN,
            )
        )

    async def emitted_for(self, asset: str) -> list[str]:
        if not storable(asset):
            return []
        recorded = sa.select(emitted.c.path).where(emitted.c.asset_id == asset).order_by(emitted.c.path)
        return [row.path for row in await self._rows(recorded)]

    async def forget_emitted(self, asset: str, paths: Sequence[str]) -> None:
        if storable(asset, *paths):
            digests = [_digest(path) for path in paths]
            recorded = sa.and_(emitted.c.asset_id == asset, emitted.c.digest.in_(digests))
            await self._write(sa.delete(emitted).where(recorded))

    async def remind(self, asset: str, due: datetime, until: datetime) -> None:
        check_storable(asset)
        values: dict[str, Any] = {"due": due, "until": until}
        await self._write(
            self._insert(reminders)
            .values(asset_id=asset, **values)
            .on_conflict_do_update(index_elements=[reminders.c.asset_id], set_=values)
        )

    async def due(self, now: datetime, limit: int) -> list[str]:
        coming = sa.select(reminders.c.asset_id).where(reminders.c.due <= now).order_by(reminders.c.due)
        return [row.asset_id for row in await self._rows(coming.limit(limit))]

    async def put_off(self, asset: str, now: datetime, due: datetime) -> None:
        kept = sa.update(reminders).where(_reminder(asset, now), reminders.c.until > due).values(due=due)
        await self._write(kept, sa.delete(reminders).where(_reminder(asset, now)))

    async def reminded(self, asset: str, now: datetime) -> None:
        await self._write(sa.delete(reminders).where(_reminder(asset, now)))


def _reminder(asset: str, now: datetime) -> sa.ColumnElement[bool]:
    """The reminder that was due at ``now``: a change since then has made it a later one."""
    return sa.and_(reminders.c.asset_id == asset, reminders.c.due <= now)


def _digest(path: str) -> str:
    """PostgreSQL indexes no text above some 2,700 bytes, and headers are part of these."""
    return hashlib.sha256(path.encode()).hexdigest()
