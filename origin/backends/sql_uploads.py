"""Tickets for straight uploads, and answers to requests that may be repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from origin.backends.sql import WRITE, Sql, check_storable, storable
from origin.backends.sql_assets import check_quota
from origin.backends.tables import changes, idempotency, tickets
from origin.ports import Remembered, Ticket

UNFINISHED: Final = timedelta(minutes=10)
"""No request is worked on for so long: who claimed a key and did not finish has died."""


class SqlTickets(Sql):
    """A TicketKeeper. An id may have several tickets, and then the newest counts."""

    async def add_ticket(self, ticket: Ticket, *, quota: int | None = None) -> None:
        check_storable(ticket.id, ticket.owner, ticket.key, *ticket.tags)
        row = {
            "key": ticket.key,
            "id": ticket.id,
            "owner": ticket.owner,
            "sha256": ticket.sha256,
            "bytes": ticket.bytes,
            "visibility": ticket.visibility,
            "tags": list(ticket.tags),
            "created": ticket.created,
            "expires": ticket.expires,
        }
        await self._within(WRITE, self._add_ticket(row, quota))

    async def _add_ticket(self, row: dict[str, Any], quota: int | None) -> None:
        async with self._transaction() as connection:
            # The lock of whoever changes assets: what they add counts against the same quota.
            await connection.execute(sa.select(changes.c.last).with_for_update())
            await check_quota(connection, row["owner"], row["bytes"], quota)
            await connection.execute(sa.insert(tickets).values(row))

    async def ticket(self, owner: str, id: str) -> Ticket | None:
        if not storable(owner, id):
            return None
        newest = sa.select(tickets).where(tickets.c.owner == owner, tickets.c.id == id)
        for row in await self._rows(newest.order_by(tickets.c.created.desc(), tickets.c.key).limit(1)):
            return Ticket(
                id=row.id,
                owner=row.owner,
                sha256=row.sha256,
                bytes=row.bytes,
                visibility=row.visibility,
                tags=tuple(row.tags),
                key=row.key,
                created=row.created,
                expires=row.expires,
            )
        return None

    async def drop_ticket(self, id: str) -> None:
        """The id is taken now: none of its tickets can become an asset any more."""
        if storable(id):
            await self._write(sa.delete(tickets).where(tickets.c.id == id))

    async def cancel_ticket(self, key: str) -> None:
        if storable(key):
            await self._write(sa.delete(tickets).where(tickets.c.key == key))


class SqlIdempotency(Sql):
    """An IdempotencyKeeper. A claim that is neither finished nor given back ends after UNFINISHED."""

    async def begin(self, owner: str, key: str, fingerprint: str, expires: datetime) -> Remembered | None:
        check_storable(owner, key, fingerprint)
        return await self._within(WRITE, self._begin(owner, key, fingerprint, expires))

    async def _begin(self, owner: str, key: str, fingerprint: str, expires: datetime) -> Remembered | None:
        now = datetime.now(UTC)
        claim = {"fingerprint": fingerprint, "status": 0, "body": b"", "claimed": now, "expires": expires}
        free = sa.or_(
            idempotency.c.expires <= now,
            sa.and_(idempotency.c.status == 0, idempotency.c.claimed <= now - UNFINISHED),
        )
        claiming = (
            self._insert(idempotency)
            .values(owner=owner, key=key, **claim)
            .on_conflict_do_update(index_elements=["owner", "key"], set_=claim, where=free)
            .returning(idempotency.c.key)
        )
        async with self._transaction() as connection:
            if (await connection.execute(claiming)).first() is not None:
                return None
            # The row that was in the way is locked by the attempt, and so is still there.
            held = sa.select(idempotency).where(idempotency.c.owner == owner, idempotency.c.key == key)
            row = (await connection.execute(held)).one()
            return Remembered(row.fingerprint, row.status, row.body)

    async def finish(self, owner: str, key: str, status: int, body: bytes) -> None:
        if storable(owner, key):
            await self._write(
                sa.update(idempotency).where(_open(owner, key)).values(status=status, body=body)
            )

    async def abandon(self, owner: str, key: str) -> None:
        if storable(owner, key):
            await self._write(sa.delete(idempotency).where(_open(owner, key)))


def _open(owner: str, key: str) -> sa.ColumnElement[bool]:
    """A claim that is not finished: the answer of a finished one never changes."""
    return sa.and_(idempotency.c.owner == owner, idempotency.c.key == key, idempotency.c.status == 0)
