"""A whole database out and in: pages that miss nothing, rows that come back exactly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from origin.backends.database import Database
from origin.errors import BadRequest, Conflict
from origin.ports import Asset, Revocation, User
from tests.origin.backends.conftest import WHEN, an_asset

T = TypeVar("T")

ANN = User("ann", "ann@example.com", "$argon2id$a", WHEN)
BOB = User("bob", "bob@example.com", "$argon2id$b", WHEN + timedelta(microseconds=1))


def variety() -> list[Asset]:
    """Assets in every state that there is, in no order."""
    first = an_asset().current
    old = replace(first, sha256="cd" * 32, purged=True, thumbhash=None, dominant_color=None)
    second = replace(first, number=2, has_alpha=True, frames=12, created=WHEN + timedelta(seconds=1))
    return [
        an_asset("plain"),
        replace(an_asset("Zebra", owner="ann"), visibility="private", tags=("a", "ü", "")),
        replace(an_asset("versions"), current=replace(second, number=3), older=(second, old), purges=5),
        # An older version may have been made the current one by hand; the numbers then say nothing.
        replace(an_asset("back"), current=first, older=(second,)),
        replace(an_asset("deleted", owner="gone"), deleted=WHEN + timedelta(days=1), purges=1),
        replace(an_asset("buried"), current=old, deleted=WHEN, purges=2),
        replace(an_asset("0-focus"), focus=(0.1, 1 / 3)),
    ]


async def everything(after: Callable[[str, int], Awaitable[list[T]]], key: str, limit: int) -> list[T]:
    found: list[T] = []
    while page := await after(getattr(found[-1], key) if found else "", limit):
        assert len(page) <= limit
        found += page
    return found


def in_order(assets: Sequence[Asset]) -> list[Asset]:
    return sorted(assets, key=lambda asset: asset.id)


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_pages_miss_nothing(database: Database, limit: int) -> None:
    assets = variety()
    for asset in assets:
        await database.add(asset)
    revocations = [Revocation(digit * 64, WHEN) for digit in "a0f"]
    await database.add_user(BOB)
    await database.add_user(ANN)
    await database.put_revocations(revocations)
    assert await database.count_all() == (len(assets), 2, 3)
    assert in_order(await everything(database.assets_after, "id", limit)) == in_order(assets)
    assert await everything(database.users_after, "id", limit) == [ANN, BOB]
    found = await everything(database.revocations_after, "token", limit)
    assert [one.token[0] for one in found] == ["0", "a", "f"]


async def test_assets_come_back_as_they_were(database: Database) -> None:
    assets = variety()
    await database.put_assets(assets)
    assert [await database.find(asset.id) for asset in assets] == assets
    assert in_order(await database.known_assets([asset.id for asset in assets[:3]] + ["none"])) == in_order(
        assets[:3]
    )


async def test_putting_is_announced_once(database: Database) -> None:
    mark, _ = await database.changed_since(-1)
    await database.put_assets(variety())
    new, ids = await database.changed_since(mark)
    assert new == mark + 1
    assert set(ids) == {asset.id for asset in variety()}
    await database.put_assets(variety())
    assert (await database.changed_since(new))[1] == [], "nothing changed"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda a: replace(a, purges=9), id="purge counter"),
        pytest.param(lambda a: replace(a, owner="ann"), id="owner"),
        pytest.param(lambda a: replace(a, deleted=WHEN), id="deleted"),
        pytest.param(lambda a: replace(a, current=replace(a.current, sha256="ef" * 32)), id="content"),
        pytest.param(lambda a: replace(a, older=(replace(a.current, number=7),)), id="versions"),
        pytest.param(lambda a: replace(a, created=WHEN + timedelta(microseconds=1)), id="time"),
    ],
)
async def test_another_asset_of_that_id_stops_all(
    database: Database, other: Callable[[Asset], Asset]
) -> None:
    there = other(an_asset("plain"))
    await database.add(there)
    mark, _ = await database.changed_since(-1)
    with pytest.raises(Conflict, match="plain"):
        await database.put_assets([an_asset("before"), an_asset("plain"), an_asset("after")])
    assert await database.count_all() == (1, 0, 0)
    assert await database.find("plain") == there
    assert await database.changed_since(mark) == (mark, [])


async def test_users_come_back_as_they_were(database: Database) -> None:
    await database.put_users([ANN])
    await database.put_users([BOB, ANN])
    assert await database.user_by_id("ann") == ANN
    assert await database.user_by_email("bob@example.com") == BOB
    assert {one.id for one in await database.known_users([ANN, replace(BOB, id="x")])} == {"ann", "bob"}
    assert await database.known_users([User("x", "x@example.com", "", WHEN)]) == []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(ANN, password_hash="$argon2id$other"), id="password"),
        pytest.param(replace(ANN, email="other@example.com"), id="address"),
        pytest.param(replace(ANN, id="other"), id="id"),
    ],
)
async def test_another_user_stops_all(database: Database, other: User) -> None:
    await database.add_user(other)
    with pytest.raises(Conflict, match="ann@"):
        await database.put_users([BOB, ANN])
    assert await database.count_all() == (0, 1, 0)


async def test_revocations_count_again(database: Database) -> None:
    await database.revoke("token", WHEN)
    [known] = await database.revocations_after("", 10)
    other = Revocation("ab" * 32, WHEN)
    await database.put_revocations([known, other])
    await database.put_revocations([])
    assert await database.count_all() == (0, 0, 2)
    assert await database.revoked(["token"])


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["NUL", "half a character"])
async def test_what_cannot_be_kept_is_refused(database: Database, text: str) -> None:
    for refused in (
        database.put_assets([replace(an_asset("x"), tags=(text,))]),
        database.put_users([replace(ANN, email=text)]),
        database.known_assets([text]),
        database.known_users([replace(ANN, email=text)]),
    ):
        with pytest.raises(BadRequest):
            await refused
    assert await database.count_all() == (0, 0, 0)
