"""What the sweeper asks of the database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from origin.backends.database import Database
from origin.errors import StorageUnavailable
from tests.origin.backends.conftest import WHEN, an_asset

ONE, TWO, THREE = (digit * 64 for digit in "123")
DAY = timedelta(days=1)


async def test_deletions_that_are_over(database: Database) -> None:
    await database.add(an_asset("alive"))
    for id, age in (("old", 3), ("older", 4), ("exact", 2), ("new", 1)):
        await database.add(replace(an_asset(id), deleted=WHEN - age * DAY))
    before = WHEN - 2 * DAY
    assert await database.expired(before, 10) == ["older", "old"]
    assert await database.expired(before, 1) == ["older"]
    await database.bury("older", before)
    assert await database.expired(before, 10) == ["old"]
    await database.bury("older", before)


@pytest.mark.parametrize("id", ["alive", "restored", "deleted anew", "nothing", "\0", "\ud800"])
async def test_what_is_not_over_is_not_buried(database: Database, id: str) -> None:
    version = an_asset().current
    before = WHEN - DAY
    assets = {
        "alive": an_asset("alive"),
        "restored": an_asset("restored"),
        "deleted anew": replace(an_asset("deleted anew"), deleted=WHEN),
    }
    for asset in assets.values():
        await database.add(replace(asset, current=replace(version, number=2), older=(version,)))
    untouched = [await database.find(known) for known in assets]
    await database.bury(id, before)
    assert [await database.find(known) for known in assets] == untouched


async def test_burying_purges_every_version_and_forgets_urls(database: Database) -> None:
    version = an_asset().current
    for id in ("gone", "stays"):
        await database.add(
            replace(
                an_asset(id),
                current=replace(version, number=2),
                older=(version,),
                deleted=WHEN - DAY if id == "gone" else None,
            )
        )
        await database.emitted([id], "/path")
    await database.bury("gone", WHEN)
    gone, stays = await database.find("gone"), await database.find("stays")
    assert gone is not None
    assert stays is not None
    assert [v.purged for v in (gone.current, *gone.older)] == [True, True]
    assert (gone.purges, gone.deleted) == (1, WHEN - DAY)
    assert [v.purged for v in (stays.current, *stays.older)] == [False, False]
    assert (await database.emitted_for("gone"), await database.emitted_for("stays")) == ([], ["/path"])


async def test_urls_are_on_record_for_as_long_as_a_cache_may_hold_them(database: Database) -> None:
    await database.emitted(["a"], "/path")
    now = datetime.now(UTC)
    await database.forget_old(now + 399 * DAY)
    assert await database.emitted_for("a") == ["/path"]
    await database.forget_old(now + 401 * DAY)
    assert await database.emitted_for("a") == []


async def with_contents(database: Database) -> None:
    """ONE is current, TWO older, THREE purged; each also where it does not count."""
    version = an_asset().current
    contents = (ONE, False), (TWO, False), (THREE, True)
    one, two, three = (
        replace(version, number=3 - n, sha256=sha, purged=purged) for n, (sha, purged) in enumerate(contents)
    )
    await database.add(replace(an_asset(), current=one, older=(two, three)))
    await database.add(replace(an_asset("other"), current=replace(one, purged=True)))


async def test_contents_that_are_needed(database: Database) -> None:
    await with_contents(database)
    assert await database.referenced([ONE, TWO, THREE, "4" * 64, "\0", "\ud800"]) == {ONE, TWO}
    assert await database.referenced([]) == set()
    assert await database.referenced([f"{n:064}" for n in range(2_000)] + [TWO]) == {TWO}
    await database.delete(an_asset().id)  # and can be restored
    assert await database.referenced([ONE, TWO]) == {ONE, TWO}


@pytest.mark.parametrize(
    ("sha256", "expected"), [(ONE, False), (TWO, False), (THREE, True), ("4" * 64, True)]
)
async def test_only_what_is_not_needed_is_removed(database: Database, sha256: str, expected: bool) -> None:
    await with_contents(database)
    removed: list[str] = []

    async def remove() -> None:
        removed.append(sha256)

    assert await database.remove_unreferenced(sha256, remove) is expected
    assert removed == [sha256] * expected


async def test_a_removal_that_fails(database: Database) -> None:
    async def remove() -> None:
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        await database.remove_unreferenced(ONE, remove)
    await database.add(an_asset())


@pytest.mark.parametrize("kind", ["asset", "version"])
async def test_nobody_refers_to_what_is_being_removed(database: Database, kind: str) -> None:
    await database.add(an_asset("there"))
    order: list[str] = []
    removing = asyncio.Event()

    async def remove() -> None:
        removing.set()
        await asyncio.sleep(0.2)
        order.append("removed")

    async def refer() -> None:
        await removing.wait()
        if kind == "asset":
            await database.add(an_asset(sha256=ONE))
        else:
            await database.add_version(None, "there", replace(an_asset().current, sha256=ONE))
        order.append("referred")

    removed, _ = await asyncio.gather(database.remove_unreferenced(ONE, remove), refer())
    assert removed
    assert order == ["removed", "referred"]
    assert not await database.remove_unreferenced(ONE, remove)
