"""Tickets, answers to requests that may be repeated, and URLs that caches may hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest

from origin.backends import sql_uploads
from origin.backends.database import Database
from origin.errors import BadRequest
from origin.ports import Remembered, Ticket
from tests.origin.backends.conftest import WHEN
from tests.support.stores import PATIENCE

SECOND = timedelta(seconds=1)
LATER = datetime.now(UTC) + timedelta(days=1)
UNKEPT = ["a\0b", "\ud800"]


def a_ticket(owner: str, id: str | None = None) -> Ticket:
    return Ticket(
        id or token_hex(11),
        owner,
        "ab" * 32,
        123_456_789_012,
        "private",
        ("b", "Grüße"),
        f"quarantine/{token_hex(11)}",
        WHEN,
        LATER,
    )


# Tickets


async def test_a_ticket_comes_back_to_its_owner(shared: Database, owner: str) -> None:
    ticket = a_ticket(owner)
    await shared.add_ticket(ticket)
    assert await shared.ticket(owner, ticket.id) == ticket
    assert await shared.ticket(f"{owner}x", ticket.id) is None
    assert await shared.ticket("", ticket.id) is None
    assert await shared.ticket(owner, token_hex(11)) is None


async def test_the_newest_ticket_counts(shared: Database, owner: str) -> None:
    first = a_ticket(owner)
    newest = replace(a_ticket(owner, first.id), created=WHEN + timedelta(seconds=2))
    between = replace(a_ticket(owner, first.id), created=WHEN + timedelta(seconds=1))
    others = replace(a_ticket(f"{owner}x", first.id), created=WHEN + timedelta(seconds=3))
    for ticket in (first, newest, between, others):
        await shared.add_ticket(ticket)
    assert await shared.ticket(owner, first.id) == newest
    await shared.drop_ticket(first.id)
    assert await shared.ticket(owner, first.id) is None
    assert await shared.ticket(f"{owner}x", first.id) is None
    await shared.drop_ticket(first.id)


async def test_one_ticket_ends_and_leaves_the_others(shared: Database, owner: str) -> None:
    mine, others = a_ticket(owner), a_ticket(f"{owner}x")
    others = replace(others, id=mine.id)
    for ticket in (mine, others):
        await shared.add_ticket(ticket)
    await shared.cancel_ticket(mine.key)
    assert await shared.ticket(owner, mine.id) is None
    assert await shared.ticket(f"{owner}x", mine.id) == others


@pytest.mark.parametrize("text", UNKEPT)
async def test_tickets_for_any_text(shared: Database, owner: str, text: str) -> None:
    assert await shared.ticket(owner, text) is None
    assert await shared.ticket(text, "id") is None
    await shared.drop_ticket(text)
    await shared.cancel_ticket(text)
    for ticket in (a_ticket(owner, text), a_ticket(text), replace(a_ticket(owner), tags=(text,))):
        with pytest.raises(BadRequest):
            await shared.add_ticket(ticket)


async def test_old_tickets_are_forgotten(shared: Database, owner: str) -> None:
    open_, over = a_ticket(owner), replace(a_ticket(owner), expires=LATER - timedelta(hours=3))
    for ticket in (open_, over):
        await shared.add_ticket(ticket)
    await shared.forget_old(LATER - timedelta(hours=1))
    assert await shared.ticket(owner, over.id) is None
    assert await shared.ticket(owner, open_.id) == open_


# Idempotency keys


async def test_the_first_answer_is_remembered(shared: Database, owner: str) -> None:
    assert await shared.begin(owner, "key", "print", LATER) is None
    assert await shared.begin(owner, "key", "print", LATER) == Remembered("print", 0, b"")
    await shared.finish(owner, "key", 201, b'{"\0\xff": 1}')
    assert await shared.begin(owner, "key", "other", LATER) == Remembered("print", 201, b'{"\0\xff": 1}')


async def test_a_key_is_its_owners(shared: Database, owner: str) -> None:
    assert await shared.begin(owner, "key", "print", LATER) is None
    assert await shared.begin(f"{owner}x", "key", "print", LATER) is None
    assert await shared.begin(owner, "Key", "print", LATER) is None
    await shared.finish(f"{owner}x", "key", 201, b"theirs")
    assert await shared.begin(owner, "key", "print", LATER) == Remembered("print", 0, b"")


async def test_a_claim_that_is_given_back(shared: Database, owner: str) -> None:
    assert await shared.begin(owner, "key", "print", LATER) is None
    await shared.abandon(owner, "key")
    assert await shared.begin(owner, "key", "other", LATER) is None
    await shared.finish(owner, "key", 200, b"done")
    assert await shared.begin(owner, "key", "x", LATER) == Remembered("other", 200, b"done")


async def test_an_answer_is_never_changed(shared: Database, owner: str) -> None:
    await shared.begin(owner, "key", "print", LATER)
    await shared.finish(owner, "key", 201, b"first")
    await shared.finish(owner, "key", 200, b"second")
    await shared.abandon(owner, "key")
    assert await shared.begin(owner, "key", "print", LATER) == Remembered("print", 201, b"first")


async def test_a_key_lasts_until_it_expires(shared: Database, owner: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert await shared.begin(owner, "key", "print", past) is None
    await shared.finish(owner, "key", 201, b"first")
    assert await shared.begin(owner, "key", "other", LATER) is None
    assert await shared.begin(owner, "key", "third", LATER) == Remembered("other", 0, b"")


async def test_who_dies_does_not_keep_the_key(
    shared: Database, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("open", "done"):
        await shared.begin(owner, key, "print", LATER)
    await shared.finish(owner, "done", 201, b"first")
    monkeypatch.setattr(sql_uploads, "UNFINISHED", timedelta(0))
    assert await shared.begin(owner, "done", "print", LATER) == Remembered("print", 201, b"first")
    assert await shared.begin(owner, "open", "print", LATER) is None


@pytest.mark.parametrize("kind", ["new", "expired"])
async def test_one_of_many_begins(shared: Database, shared_url: str, owner: str, kind: str) -> None:
    other = Database(shared_url, patience=PATIENCE)
    for n in range(4):
        key = f"key-{n}"
        if kind == "expired":
            await shared.begin(owner, key, "old", datetime.now(UTC) - timedelta(seconds=1))
        known = await asyncio.gather(
            *((shared, other)[m % 2].begin(owner, key, str(m), LATER) for m in range(6))
        )
        assert known.count(None) == 1
        winner = str(known.index(None))
        assert [found for found in known if found] == [Remembered(winner, 0, b"")] * 5
    await other.close()


@pytest.mark.parametrize("text", UNKEPT)
async def test_keys_of_any_text(shared: Database, owner: str, text: str) -> None:
    for who, key in ((owner, text), (text, "key")):
        with pytest.raises(BadRequest):
            await shared.begin(who, key, "print", LATER)
        await shared.finish(who, key, 200, b"")
        await shared.abandon(who, key)


async def test_old_keys_are_forgotten(shared: Database, owner: str) -> None:
    for key, expires in (("open", LATER), ("over", LATER - timedelta(hours=3))):
        await shared.begin(owner, key, "print", expires)
        await shared.finish(owner, key, 200, b"")
    await shared.forget_old(LATER - timedelta(hours=1))
    assert await shared.begin(owner, "open", "x", LATER) == Remembered("print", 200, b"")
    assert await shared.begin(owner, "over", "x", LATER) is None


# Emitted URLs


async def test_urls_are_on_record_once(shared: Database) -> None:
    one, two = sorted(token_hex(11) for _ in range(2))
    await shared.emitted([one, two, one], "/w_1/x\nimage/webp\n\n")
    await shared.emitted([two], "/w_1/x\nimage/webp\n\n")
    await shared.emitted([two], "/w_1/x\n\n\n")
    assert await shared.emitted_for(one) == ["/w_1/x\nimage/webp\n\n"]
    assert sorted(await shared.emitted_for(two)) == ["/w_1/x\n\n\n", "/w_1/x\nimage/webp\n\n"]
    assert await shared.emitted_for(token_hex(11)) == []
    await shared.emitted([], "/w_1/x")


async def test_urls_are_forgotten(shared: Database) -> None:
    one, two = token_hex(11), token_hex(11)
    for path in ("/1", "/2", "/3"):
        await shared.emitted([one, two], path)
    await shared.forget_emitted(one, ["/1", "/3", "/4"])
    await shared.forget_emitted(one, [])
    assert await shared.emitted_for(one) == ["/2"]
    assert len(await shared.emitted_for(two)) == 3


async def test_reminders_come_when_they_are_due(database: Database) -> None:
    for id, wait in (("later", 2), ("soon", 1), ("never", 9)):
        await database.remind(id, WHEN + wait * SECOND, WHEN + 99 * SECOND)
    assert await database.due(WHEN, 9) == []
    now = WHEN + 2 * SECOND
    assert await database.due(now, 9) == ["soon", "later"]
    assert await database.due(now, 1) == ["soon"]
    await database.remind("soon", now + SECOND, WHEN + 99 * SECOND)  # changed again meanwhile
    for id in ("soon", "later"):
        await database.reminded(id, now)
    assert await database.due(now + SECOND, 9) == ["soon"]


async def test_reminders_are_put_off_until_they_are_given_up(database: Database) -> None:
    await database.remind("id", WHEN, WHEN + 5 * SECOND)
    await database.put_off("id", WHEN, WHEN + 4 * SECOND)
    assert await database.due(WHEN + 3 * SECOND, 9) == []
    assert await database.due(WHEN + 4 * SECOND, 9) == ["id"]
    await database.put_off("id", WHEN + 4 * SECOND, WHEN + 8 * SECOND)
    assert await database.due(WHEN + 99 * SECOND, 9) == []


async def test_a_url_may_be_long(shared: Database) -> None:
    asset = token_hex(11)
    paths = sorted(f"/{token_hex(20_000)}" for _ in range(2))
    for path in paths * 2:
        await shared.emitted([asset], path)
    assert sorted(await shared.emitted_for(asset)) == paths


@pytest.mark.parametrize("text", UNKEPT)
async def test_urls_of_any_text(shared: Database, text: str) -> None:
    assert await shared.emitted_for(text) == []
    await shared.forget_emitted(text, ["/"])
    for assets, path in (([text], "/"), (["a"], text)):
        with pytest.raises(BadRequest):
            await shared.emitted(assets, path)


async def test_many_record_the_same_at_once(shared: Database, shared_url: str) -> None:
    assets = [token_hex(11) for _ in range(8)]
    other = Database(shared_url, patience=PATIENCE)
    await asyncio.gather(
        *(shared.emitted(assets, f"/{n % 3}") for n in range(12)),
        *(other.emitted(assets[::-1], f"/{n % 3}") for n in range(12)),
    )
    for asset in assets:
        assert await shared.emitted_for(asset) == ["/0", "/1", "/2"]
    await other.close()
