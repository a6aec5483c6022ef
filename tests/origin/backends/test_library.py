"""What owners see of their assets, and what becomes of them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest

from origin.backends.database import Database
from origin.errors import BadRequest, Conflict, NotFound, QuotaExceeded
from origin.ports import Asset, Ticket
from tests.origin.backends.conftest import WHEN, an_asset

LONG_AGO = WHEN - timedelta(days=10_000)


def named(owner: str | None, **fields: Any) -> Asset:
    """An asset with an id that nobody has."""
    return replace(an_asset(token_hex(11), owner=owner), **fields)


async def added(database: Database, owner: str | None, **fields: Any) -> Asset:
    return await database.add(named(owner, **fields))


async def walked(database: Database, owner: str, limit: int, **filters: str) -> list[str]:
    """The ids on all pages."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await database.page(owner, limit=limit, cursor=cursor, **filters)
        assert len(page.assets) <= limit
        ids += [asset.id for asset in page.assets]
        if page.next is None:
            return ids
        cursor = page.next


# Listing


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 100])
async def test_pages_go_from_new_to_old(shared: Database, owner: str, limit: int) -> None:
    # Some are created in the same microsecond: the id decides.
    made = [await added(shared, owner, created=WHEN + timedelta(microseconds=n // 3)) for n in range(8)]
    expected = [a.id for a in sorted(made, key=lambda a: (a.created, a.id), reverse=True)]
    assert await walked(shared, owner, limit) == expected


async def test_a_page_has_the_assets_whole(shared: Database, owner: str) -> None:
    first = an_asset().current
    asset = await added(
        shared,
        owner,
        visibility="private",
        current=replace(first, number=2),
        older=(first,),
        focus=(0.5, 0.25),
        tags=("a", "b"),
    )
    page = await shared.page(owner, limit=5)
    assert page.assets == (asset,)
    assert page.next is None


async def test_only_what_is_alive_and_the_owners(shared: Database, owner: str) -> None:
    mine = await added(shared, owner)
    await added(shared, owner, deleted=WHEN)
    await added(shared, None)
    await added(shared, f"{owner}x")
    assert await walked(shared, owner, 10) == [mine.id]
    assert (await shared.page(owner.upper(), limit=10)).assets == ()


async def test_what_comes_in_meanwhile_shifts_no_page(shared: Database, owner: str) -> None:
    old = [await added(shared, owner, created=WHEN + timedelta(days=n)) for n in range(4)]
    first = await shared.page(owner, limit=2)
    await added(shared, owner, created=WHEN + timedelta(days=9))
    await shared.discard(owner, old[2].id)
    second = await shared.page(owner, limit=2, cursor=first.next)
    assert [a.id for a in (*first.assets, *second.assets)] == [a.id for a in reversed(old)]


TAGS = ["tag", "Grüße", "東京 🎉", 'say "hi"', "it's", "100%", "a_b", "\\", "[1]", "null", "1"]


@pytest.mark.parametrize("tag", TAGS)
async def test_by_tag(shared: Database, owner: str, tag: str) -> None:
    both = await added(shared, owner, tags=("first", tag), created=WHEN)
    only = await added(shared, owner, tags=(tag,), created=WHEN + timedelta(1))
    await added(shared, owner, tags=(f"{tag}s", f" {tag}", *(other for other in TAGS if other != tag)))
    await added(shared, owner)
    await added(shared, f"{owner}x", tags=(tag,))
    assert await walked(shared, owner, 1, tag=tag) == [only.id, both.id]


async def test_by_visibility_and_tag(shared: Database, owner: str) -> None:
    ids = {
        (visibility, tag): (await added(shared, owner, visibility=visibility, tags=(tag,))).id
        for visibility in ("public", "private")
        for tag in ("x", "y")
    }
    assert set(await walked(shared, owner, 1, visibility="private")) == {
        ids["private", "x"],
        ids["private", "y"],
    }
    assert await walked(shared, owner, 1, visibility="public", tag="y") == [ids["public", "y"]]
    assert await walked(shared, owner, 1, visibility="secret") == []


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "AAAA", "é", "\0", "\ud800", "a b", "a\n", "%41", encoded(""), encoded(":"), encoded("1:"),
        encoded("1"), encoded(":id"), encoded("x:id"), encoded("01:id"), encoded("+1:id"), encoded(" 1:id"),
        encoded("1_0:id"), encoded("١:id"), encoded("1.5:id"), encoded("1:a\0b"), encoded("1:\ud800"),
        encoded("9" * 30 + ":id"), encoded("-" + "9" * 30 + ":id"), encoded("9" * 5000 + ":id"),
        encoded("1:id") + "=", encoded("1:id") + "====", encoded("1:a~~~").replace("-", "+"),
        encoded("1:id")[:-1], encoded("12:i") + " ", "/" * 8,
    ],
)  # fmt: skip
async def test_a_cursor_from_elsewhere(shared: Database, owner: str, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await shared.page(owner, limit=5, cursor=cursor)


async def test_a_cursor_gives_no_right(shared: Database, owner: str) -> None:
    for _ in range(3):
        await added(shared, owner)
    cursor = (await shared.page(owner, limit=1)).next
    assert cursor is not None
    assert (await shared.page(f"{owner}x", limit=5, cursor=cursor)).assets == ()


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x" * 5000])
async def test_any_text_may_be_asked_for(shared: Database, owner: str, text: str) -> None:
    await added(shared, owner)
    assert (await shared.page(text, limit=5)).assets == ()
    assert (await shared.page(owner, limit=5, tag=text)).assets == ()
    assert (await shared.page(owner, limit=5, visibility=text)).assets == ()
    assert await shared.bytes_of(text) == 0
    assert await shared.find_same(text, text, visibility=text) is None


# Whose it is

VERBS: dict[str, Callable[[Database, str, str], Awaitable[object]]] = {
    "owned": lambda d, owner, id: d.owned(owner, id),
    "owned or deleted": lambda d, owner, id: d.owned(owner, id, deleted=True),
    "change": lambda d, owner, id: d.change(owner, id, visibility="private", focus=(0, 0), tags=["x"]),
    "add version": lambda d, owner, id: d.add_version(owner, id, an_asset().current),
    "purge": lambda d, owner, id: d.purge_versions(owner, id),
    "discard": lambda d, owner, id: d.discard(owner, id),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_else_may(shared: Database, owner: str, verb: str) -> None:
    version = an_asset().current
    asset = await added(shared, owner, current=replace(version, number=2), older=(version,))
    operators = await added(shared, None)
    do = VERBS[verb]
    for who in (f"{owner}x", owner.upper(), "", "%", f"{owner}\0", "\ud800"):
        with pytest.raises(NotFound):
            await do(shared, who, asset.id)
    for which in (operators.id, token_hex(11), "", asset.id.upper(), f"{asset.id}\0", "\ud800"):
        with pytest.raises(NotFound):
            await do(shared, owner, which)
    assert await shared.find(asset.id) == asset
    assert await shared.find(operators.id) == operators
    await do(shared, owner, asset.id)


async def test_nobody_else_may_restore(shared: Database, owner: str) -> None:
    asset = await added(shared, owner, deleted=WHEN)
    for who, which in (
        (f"{owner}x", asset.id), ("", asset.id), (owner, token_hex(11)), (owner, "\0"), ("\ud800", asset.id)
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await shared.restore(who, which, since=LONG_AGO)
    assert await shared.find(asset.id) == asset


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "owned or deleted"])
async def test_what_is_deleted_is_not_there(shared: Database, owner: str, verb: str) -> None:
    asset = await added(shared, owner, deleted=WHEN)
    with pytest.raises(NotFound):
        await VERBS[verb](shared, owner, asset.id)
    assert await shared.find(asset.id) == asset


async def test_an_operator_needs_no_owner(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    await shared.purge(asset.id)
    await shared.delete(asset.id)
    found = await shared.find(asset.id)
    assert found is not None
    assert found.purges == 2
    with pytest.raises(NotFound):
        await shared.owned(owner, asset.id)


async def test_an_operators_own_asset_gets_versions(shared: Database, owner: str) -> None:
    asset = await added(shared, None)
    assert (await shared.add_version(None, asset.id, an_asset().current)).current.number == 2
    others = await added(shared, owner)
    with pytest.raises(NotFound):
        await shared.add_version(None, others.id, an_asset().current)


# Changing


@pytest.mark.parametrize(
    ("given", "expected", "purges"),
    [
        ({}, {}, 0),
        ({"visibility": "private"}, {"visibility": "private"}, 1),
        ({"visibility": "public"}, {}, 0),
        ({"focus": (0.25, 1.0)}, {"focus": (0.25, 1.0)}, 1),
        ({"focus": None}, {"focus": None}, 1),
        ({"focus": (0.5, 0.5)}, {}, 0),
        ({"tags": ["c", "Grüße"]}, {"tags": ("c", "Grüße")}, 0),
        ({"tags": []}, {"tags": ()}, 0),
        (
            {"visibility": "private", "focus": None, "tags": ["c"]},
            {"visibility": "private", "focus": None, "tags": ("c",)},
            1,
        ),
    ],
)
async def test_what_is_given_changes(
    shared: Database, owner: str, given: dict[str, Any], expected: dict[str, Any], purges: int
) -> None:
    asset = await added(shared, owner, focus=(0.5, 0.5), tags=("a", "b"), purges=3)
    changed = await shared.change(owner, asset.id, **given)
    assert changed == replace(asset, **expected, purges=3 + purges)
    assert await shared.find(asset.id) == changed


async def test_tags_that_cannot_be_kept(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    for tag in ("a\0", "\ud800"):
        with pytest.raises(BadRequest):
            await shared.change(owner, asset.id, tags=[tag])
        with pytest.raises(BadRequest):
            await added(shared, owner, tags=(tag,))
        with pytest.raises(BadRequest):
            await added(shared, tag)
        with pytest.raises(BadRequest):
            await added(shared, owner, id=tag)
    assert await shared.find(asset.id) == asset


async def test_changes_at_once_are_all_made(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    await asyncio.gather(
        shared.change(owner, asset.id, visibility="private"),
        shared.change(owner, asset.id, focus=(0.1, 0.2)),
        shared.change(owner, asset.id, tags=["t"]),
        shared.purge(asset.id),
        shared.purge_versions(owner, asset.id),
        shared.add_version(owner, asset.id, asset.current),
    )
    found = await shared.owned(owner, asset.id)
    assert (found.visibility, found.focus, found.tags) == ("private", (0.1, 0.2), ("t",))
    assert (found.purges, found.current.number) == (4, 2)


async def test_every_change_is_announced(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    for change in (
        lambda: shared.change(owner, asset.id, tags=["t"]),
        lambda: shared.add_version(owner, asset.id, asset.current),
        lambda: shared.purge_versions(owner, asset.id),
        lambda: shared.discard(owner, asset.id),
        lambda: shared.restore(owner, asset.id, since=LONG_AGO),
        lambda: shared.delete(asset.id),
        lambda: shared.bury(asset.id, datetime.now(UTC) + timedelta(days=1)),
    ):
        mark, _ = await shared.changed_since(-1)
        await change()
        assert (await shared.changed_since(mark))[1] == [asset.id]


# Versions


async def test_a_new_version_is_the_current_one(shared: Database, owner: str) -> None:
    asset = await added(shared, owner, tags=("t",))
    second = replace(asset.current, number=77, sha256="cd" * 32, width=5, thumbhash=None, created=WHEN)
    changed = await shared.add_version(owner, asset.id, second)
    assert changed == replace(asset, current=replace(second, number=2), older=(asset.current,))
    assert await shared.find(asset.id) == changed


async def test_versions_at_once_get_numbers_of_their_own(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    contents = [f"{n:02}" * 32 for n in range(8)]
    changed = await asyncio.gather(
        *(shared.add_version(owner, asset.id, replace(asset.current, sha256=sha)) for sha in contents)
    )
    assert sorted(a.current.number for a in changed) == list(range(2, 10))
    assert [a.current.sha256 for a in changed] == contents
    found = await shared.owned(owner, asset.id)
    assert [v.number for v in (found.current, *found.older)] == list(range(9, 0, -1))


async def test_a_purge_leaves_the_current_version(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    for _ in range(2):
        await shared.add_version(owner, asset.id, asset.current)
    purged = await shared.purge_versions(owner, asset.id)
    assert [(v.number, v.purged) for v in (purged.current, *purged.older)] == [
        (3, False),
        (2, True),
        (1, True),
    ]
    assert purged.purges == 1
    again = await shared.add_version(owner, asset.id, asset.current)
    assert (again.current.number, again.current.purged) == (4, False)


# Deleting and restoring


async def test_deleting_and_restoring(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    asset = await shared.add_version(owner, asset.id, asset.current)
    begun = datetime.now(UTC)
    await shared.discard(owner, asset.id)
    deleted = await shared.owned(owner, asset.id, deleted=True)
    assert deleted.deleted is not None
    assert deleted == replace(asset, deleted=deleted.deleted, purges=1)
    assert abs(deleted.deleted - begun) < timedelta(minutes=1)
    with pytest.raises(NotFound):
        await shared.discard(owner, asset.id)
    with pytest.raises(NotFound):
        await shared.restore(owner, asset.id, since=deleted.deleted + timedelta(seconds=1))
    restored = await shared.restore(owner, asset.id, since=deleted.deleted)
    assert restored == replace(asset, purges=1)
    with pytest.raises(NotFound):
        await shared.restore(owner, asset.id, since=LONG_AGO)
    assert await shared.find(asset.id) == restored


async def test_one_of_many_deletes(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    outcomes = await asyncio.gather(
        *(shared.discard(owner, asset.id) for _ in range(6)), return_exceptions=True
    )
    assert sorted(map(repr, outcomes)) == ["None"] + [repr(NotFound())] * 5
    found = await shared.find(asset.id)
    assert found is not None
    assert found.purges == 1


async def test_the_id_of_a_deleted_asset_stays_taken(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    await shared.discard(owner, asset.id)
    for who in (owner, f"{owner}x", None):
        with pytest.raises(Conflict):
            await shared.add(replace(asset, owner=who))


async def test_what_is_buried_does_not_come_back(shared: Database, owner: str) -> None:
    asset = await added(shared, owner)
    await shared.add_version(owner, asset.id, asset.current)
    await shared.discard(owner, asset.id)
    await shared.bury(asset.id, datetime.now(UTC) + timedelta(seconds=1))
    with pytest.raises(NotFound):
        await shared.restore(owner, asset.id, since=LONG_AGO)
    with pytest.raises(NotFound):
        await shared.owned(owner, asset.id, deleted=True)
    found = await shared.find(asset.id)
    assert found is not None
    assert all(version.purged for version in (found.current, *found.older))
    assert found.deleted is not None
    await shared.purge(asset.id)
    await shared.delete(asset.id)


# The quota


async def test_what_counts_for_the_quota(shared: Database, owner: str) -> None:
    version = an_asset().current

    def sized(number: int, size: int, **fields: Any) -> Any:
        return replace(version, number=number, bytes=size, **fields)

    assert await shared.bytes_of(owner) == 0
    # The content is the same every time: sharing it saves the server space, not the user.
    await added(shared, owner, current=sized(3, 1), older=(sized(2, 10), sized(1, 100, purged=True)))
    await added(shared, owner, current=sized(1, 1_000))
    await added(shared, owner, current=sized(1, 10_000), deleted=WHEN)
    await added(shared, f"{owner}x", current=sized(1, 100_000))
    await added(shared, None, current=sized(1, 100_000))
    now = datetime.now(UTC)
    for size, expires in ((1_000_000, now + timedelta(hours=1)), (10_000_000, now - timedelta(seconds=1))):
        key = f"quarantine/{token_hex(6)}"
        ticket = Ticket(token_hex(6), owner, "ab" * 32, size, "public", (), key, now, expires)
        await shared.add_ticket(ticket)
    assert await shared.bytes_of(owner) == 1_001_011


async def test_much_is_counted(shared: Database, owner: str) -> None:
    for _ in range(3):
        await added(shared, owner, current=replace(an_asset().current, bytes=1 << 60))
    assert await shared.bytes_of(owner) == 3 << 60


async def test_many_at_once_stay_within_the_quota(shared: Database, owner: str) -> None:
    version = replace(an_asset().current, bytes=10)
    there = await added(shared, owner, current=version)
    later = datetime.now(UTC) + timedelta(hours=1)

    def ticket(number: int) -> Ticket:
        return Ticket(token_hex(6), owner, "ab" * 32, 10, "public", (), token_hex(6), later, later)

    done = await asyncio.gather(
        *(shared.add(an_asset(token_hex(11), owner=owner), quota=10) for _ in range(2)),
        *(
            shared.add(replace(an_asset(token_hex(11), owner=owner), current=version), quota=50)
            for _ in range(3)
        ),
        *(shared.add_version(owner, there.id, version, quota=50) for _ in range(3)),
        *(shared.add_ticket(ticket(number), quota=50) for number in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, QuotaExceeded) for one in done) == 2 + 9 - 4
    assert all(isinstance(one, QuotaExceeded | Asset | None) for one in done)
    assert await shared.bytes_of(owner) == 50


async def test_a_ticket_makes_room_for_what_it_announced(shared: Database, owner: str) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    asset = replace(an_asset(token_hex(11), owner=owner), current=replace(an_asset().current, bytes=10))
    await shared.add_ticket(
        Ticket(asset.id, owner, "ab" * 32, 10, "public", (), token_hex(6), later, later), quota=10
    )
    assert (await shared.bytes_of(owner), await shared.bytes_of(owner, besides=asset.id)) == (10, 0)
    with pytest.raises(QuotaExceeded):
        await shared.add(replace(asset, id=token_hex(11)), quota=10)
    await shared.add(asset, quota=10)


async def test_the_same_bytes_at_once_are_one_asset(shared: Database, owner: str) -> None:
    def again(visibility: str = "public", who: str = owner) -> Asset:
        return replace(an_asset(token_hex(11), owner=who), visibility=visibility)

    done = await asyncio.gather(*(shared.add(again(), once=True) for _ in range(6)))
    assert len({asset.id for asset in done}) == 1
    assert (await shared.add(again("private"), once=True)).id != done[0].id
    assert (await shared.add(again(who=f"{owner}x"), once=True)).id != done[0].id
    assert (await shared.add(again())).id != done[0].id
