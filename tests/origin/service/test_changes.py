"""What is remembered of assets when the word of changes stops for a while."""

from __future__ import annotations

import pytest

from origin.errors import DatabaseUnavailable
from origin.ports import Asset
from origin.service.catalog import CachedAssets
from origin.service.changes import ChangeWatch
from tests.support.stores import a_version, an_asset


class Database:
    """Assets, and the log of their changes, as two counters and a switch."""

    def __init__(self) -> None:
        self.assets = {id: an_asset(id, a_version(id.encode())) for id in ("one", "two")}
        self.away = False
        self.asked: list[str] = []
        self.changes: list[str] = []

    async def find(self, id: str) -> Asset | None:
        self.asked.append(id)
        if self.away:
            raise DatabaseUnavailable
        return self.assets.get(id)

    async def changed_since(self, mark: int) -> tuple[int, list[str]]:
        if self.away:
            raise DatabaseUnavailable
        return len(self.changes), self.changes[mark:] if mark >= 0 else []


@pytest.fixture
def database() -> Database:
    return Database()


async def listening(database: Database) -> tuple[CachedAssets, ChangeWatch]:
    assets = CachedAssets(database)
    watch = ChangeWatch(database, assets)
    await watch.look()
    for id in database.assets:
        await assets.find(id)
    database.asked.clear()
    return assets, watch


async def missing_a_while(database: Database, watch: ChangeWatch) -> None:
    database.away = True
    await watch.look()
    database.away = False


async def test_while_changes_are_heard_nobody_asks_again(database: Database) -> None:
    assets, watch = await listening(database)
    await watch.look()
    assert await assets.find("one")
    assert database.asked == []


async def test_after_a_silence_everything_is_asked_for_again_once(database: Database) -> None:
    assets, watch = await listening(database)
    await missing_a_while(database, watch)
    await watch.look()
    for _ in range(2):
        assert await assets.find("one")
    assert database.asked == ["one"]


async def test_a_second_silence_finds_what_was_known_before_the_first(database: Database) -> None:
    assets, watch = await listening(database)
    await missing_a_while(database, watch)
    await watch.look()
    database.away = True
    assert await assets.find("one") == database.assets["one"]
    assert database.asked == ["one"], "it was asked for, in vain"


async def test_what_has_changed_in_the_silence_is_not_known_any_more(database: Database) -> None:
    assets, watch = await listening(database)
    database.changes.append("one")
    await missing_a_while(database, watch)
    await watch.look()
    database.away = True
    with pytest.raises(DatabaseUnavailable):
        await assets.find("one")
    assert await assets.find("two") == database.assets["two"]
