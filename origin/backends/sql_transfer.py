"""Everything of one database, page by page, and into another exactly as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from origin.backends.asset_rows import asset_row, read_assets, version_row, with_versions
from origin.backends.sql import WRITE, Sql, check_storable
from origin.backends.tables import asset_versions, assets, revocations, users
from origin.errors import Conflict
from origin.ports import Asset, Revocation, User


class SqlTransfer(Sql):
    """A Transferable. It is in no hurry: a read may take as long as a write."""

    async def count_all(self) -> tuple[int, int, int]:
        counts = [
            sa.select(sa.func.count()).select_from(table).scalar_subquery().label(table.name)
            for table in (assets, users, revocations)
        ]
        [row] = await self._all(sa.select(*counts))
        return row.assets, row.users, row.revocations

    async def assets_after(self, id: str, limit: int) -> list[Asset]:
        page = sa.select(assets.c.id).where(assets.c.id > id).order_by(assets.c.id).limit(limit)
        rows = with_versions(assets.c.id.in_(page)).order_by(None)
        return list(read_assets(await self._all(rows.order_by(assets.c.id, asset_versions.c.number.desc()))))

    async def users_after(self, id: str, limit: int) -> list[User]:
        page = sa.select(users).where(users.c.id > id).order_by(users.c.id).limit(limit)
        return [_user(row) for row in await self._all(page)]

    async def revocations_after(self, token: str, limit: int) -> list[Revocation]:
        page = sa.select(revocations).where(revocations.c.token > token).order_by(revocations.c.token)
        return [Revocation(row.token, row.expires) for row in await self._all(page.limit(limit))]

    async def known_assets(self, ids: Sequence[str]) -> list[Asset]:
        check_storable(*ids)
        return list(read_assets(await self._all(with_versions(assets.c.id.in_(ids)))))

    async def known_users(self, given: Sequence[User]) -> list[User]:
        return [_user(row) for row in await self._all(_like(given))]

    async def put_assets(self, given: Sequence[Asset]) -> None:
        for asset in given:
            check_storable(asset.id, asset.owner, *asset.tags)
        if given:
            await self._within(WRITE, self._put_assets(given))

    async def _put_assets(self, given: Sequence[Asset]) -> None:
        async with self._changing() as (connection, change):
            there = with_versions(assets.c.id.in_([asset.id for asset in given]))
            known = {asset.id: asset for asset in read_assets((await connection.execute(there)).all())}
            for asset in given:
                if known.get(asset.id, asset) != asset:
                    raise Conflict(f"The id {asset.id!r} is taken by another asset.")
            new = [asset for asset in given if asset.id not in known]
            if not new:
                return
            await connection.execute(
                sa.insert(assets), [asset_row(asset) | {"change": change} for asset in new]
            )
            versions = [
                version_row(asset.id, version) for asset in new for version in (asset.current, *asset.older)
            ]
            await connection.execute(sa.insert(asset_versions), versions)

    async def put_users(self, given: Sequence[User]) -> None:
        for user in given:
            check_storable(user.id, user.email, user.password_hash)
        if given:
            await self._within(WRITE, self._put_users(given))

    async def _put_users(self, given: Sequence[User]) -> None:
        rows = [
            {"id": one.id, "email": one.email, "password_hash": one.password_hash, "created": one.created}
            for one in given
        ]
        async with self._transaction() as connection:
            await connection.execute(self._insert(users).values(rows).on_conflict_do_nothing())
            known = {_user(row) for row in await connection.execute(_like(given))}
            for user in given:
                if user not in known:
                    raise Conflict(f"The id or the address of the user {user.email!r} is taken.")

    async def put_revocations(self, given: Sequence[Revocation]) -> None:
        rows = [{"token": one.token, "expires": one.expires} for one in given]
        if rows:
            await self._write(self._insert(revocations).values(rows).on_conflict_do_nothing())

    async def _all(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        return await self._within(WRITE, self._read(statement))


def _user(row: sa.Row[Any]) -> User:
    return User(row.id, row.email, row.password_hash, row.created)


def _like(given: Sequence[User]) -> sa.Select[Any]:
    """The rows of users with one of these ids or addresses."""
    ids, emails = [user.id for user in given], [user.email for user in given]
    check_storable(*ids, *emails)
    return sa.select(users).where(sa.or_(users.c.id.in_(ids), users.c.email.in_(emails)))
