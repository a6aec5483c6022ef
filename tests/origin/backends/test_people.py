"""Users, and tokens that no longer count."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest

from origin.backends.database import Database
from origin.errors import BadRequest, Conflict
from origin.ports import User
from tests.origin.backends.conftest import WHEN
from tests.support.stores import PATIENCE

LATER = datetime.now(UTC) + timedelta(days=30)
TEXTS = ["", "\0", "a\0b", "\ud800", "x" * 9000, "'; --", "Grüße 🎉"]


def a_user() -> User:
    name = token_hex(8)
    return User(f"id-{name}", f"{name}@example.org", "$argon2id$v=19$…", WHEN)


async def test_a_user_comes_back(shared: Database) -> None:
    user = replace(a_user(), email=f"grüße+{token_hex(6)}@例え.jp")
    await shared.add_user(user)
    assert await shared.user_by_email(user.email) == user
    assert await shared.user_by_id(user.id) == user
    assert await shared.user_by_email(user.email.upper()) is None
    assert await shared.user_by_id(user.email) is None


@pytest.mark.parametrize("text", TEXTS)
async def test_a_user_that_is_not_there(shared: Database, text: str) -> None:
    assert await shared.user_by_email(text) is None
    assert await shared.user_by_id(text) is None


async def test_an_address_belongs_to_one(shared: Database) -> None:
    user = a_user()
    await shared.add_user(user)
    with pytest.raises(Conflict):
        await shared.add_user(replace(a_user(), email=user.email))
    with pytest.raises(Conflict):
        await shared.add_user(replace(a_user(), id=user.id))
    assert await shared.user_by_email(user.email) == user


async def test_one_of_many_gets_the_address(shared: Database) -> None:
    email = a_user().email
    outcomes = await asyncio.gather(
        *(shared.add_user(replace(a_user(), email=email)) for _ in range(8)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


@pytest.mark.parametrize("text", ["a\0@example.org", "\ud800@example.org"])
async def test_an_address_that_cannot_be_kept(shared: Database, text: str) -> None:
    with pytest.raises(BadRequest):
        await shared.add_user(replace(a_user(), email=text))


@pytest.mark.parametrize("text", TEXTS)
async def test_a_token_is_revoked_once(shared: Database, text: str) -> None:
    jti = token_hex(8) + text
    assert not await shared.revoked([jti])
    assert await shared.revoke(jti, LATER)
    assert not await shared.revoke(jti, LATER + timedelta(days=1))
    assert await shared.revoked([jti])


async def test_any_of_several_tokens(shared: Database) -> None:
    jtis = [token_hex(8) for _ in range(3)]
    await shared.revoke(jtis[1], LATER)
    assert await shared.revoked(jtis)
    assert not await shared.revoked([jtis[0], jtis[2]])
    assert not await shared.revoked([jtis[1].upper(), jtis[1][:-1]])
    assert not await shared.revoked([])


async def test_one_of_many_revokes(shared: Database) -> None:
    jti = token_hex(8)
    outcomes = await asyncio.gather(*(shared.revoke(jti, LATER) for _ in range(10)))
    assert sorted(outcomes) == [False] * 9 + [True]


async def test_one_of_many_processes_revokes(shared: Database, shared_url: str) -> None:
    other = Database(shared_url, patience=PATIENCE)
    for _ in range(5):
        jti = token_hex(8)
        assert sorted(await asyncio.gather(shared.revoke(jti, LATER), other.revoke(jti, LATER))) == [
            False,
            True,
        ]
    await other.close()


async def test_revocations_outlive_their_tokens(shared: Database) -> None:
    ends = {jti: LATER + timedelta(minutes=minutes) for jti, minutes in (("now", 0), ("long", -61))}
    tokens = {jti: token_hex(8) for jti in ends}
    for jti, expires in ends.items():
        await shared.revoke(tokens[jti], expires)
    await shared.forget_old(LATER + timedelta(minutes=1))
    # A token counts a little longer than it says, and clocks differ.
    assert await shared.revoked([tokens["now"]])
    assert not await shared.revoked([tokens["long"]])
