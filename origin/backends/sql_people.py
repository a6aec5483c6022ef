"""Users, and tokens that no longer count."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from origin.backends.sql import Sql, check_storable, storable
from origin.backends.tables import revocations, users
from origin.errors import Conflict
from origin.ports import User


class SqlPeople(Sql):
    """A UserKeeper and a TokenLedger."""

    async def add_user(self, user: User) -> None:
        check_storable(user.id, user.email, user.password_hash)
        row = {
            "id": user.id,
            "email": user.email,
            "password_hash": user.password_hash,
            "created": user.created,
        }
        adding = self._insert(users).values(row).on_conflict_do_nothing().returning(users.c.id)
        if not await self._write(adding):
            raise Conflict("There is already a user with this address.")

    async def user_by_email(self, email: str) -> User | None:
        return await self._user(users.c.email, email)

    async def user_by_id(self, id: str) -> User | None:
        return await self._user(users.c.id, id)

    async def _user(self, column: sa.Column[str], text: str) -> User | None:
        if not storable(text):
            return None
        for row in await self._rows(sa.select(users).where(column == text)):
            return User(row.id, row.email, row.password_hash, row.created)
        return None

    async def revoke(self, jti: str, expires: datetime) -> bool:
        row = {"token": _digest(jti), "expires": expires}
        revoking = self._insert(revocations).values(row).on_conflict_do_nothing()
        return bool(await self._write(revoking.returning(revocations.c.token)))

    async def revoked(self, jtis: Sequence[str]) -> bool:
        tokens = [_digest(jti) for jti in jtis]
        return bool(await self._rows(sa.select(revocations.c.token).where(revocations.c.token.in_(tokens))))


def _digest(jti: str) -> str:
    """An id of a token, which may be any text, as something that every database keeps and indexes."""
    return hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
