"""A store into a folder and out of it again: everything, or nothing and the reason."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from origin.backends.files import FileStore
from origin.errors import OriginError, StorageBroken, StorageTruncated
from origin.ports import Asset, ObjectInfo, ObjectStream
from origin.service.transfer import export_store, import_store
from tests.support.stores import (
    NOTHING,
    WHEN,
    Contents,
    Steps,
    Store,
    a_version,
    an_asset,
    digest,
    embedded,
    exported,
    files,
    imported,
)

# There and back ---------------------------------------------------------------------------------------


async def test_everything_arrives(full: Contents, folder: Path, target: Store) -> None:
    done = await imported(target, folder)
    assert await target.contents() == full
    assert (done.assets, done.users, done.originals) == (6, 2, 3)


async def test_a_second_import_finds_everything_there(folder: Path, target: Store) -> None:
    await imported(target, folder)
    mark, _ = await target.database.changed_since(-1)
    done = await imported(target, folder)
    assert (done.assets, done.users, done.originals) == (0, 0, 0)
    assert await target.database.changed_since(mark) == (mark + 1, []), "no asset is announced as changed"


async def test_an_import_is_announced(folder: Path, full: Contents, target: Store) -> None:
    mark, _ = await target.database.changed_since(-1)
    await imported(target, folder)
    assert set((await target.database.changed_since(mark))[1]) == set(full.assets)


async def test_an_empty_store(target: Store, blank: Store, tmp_path: Path) -> None:
    assert (await exported(blank, tmp_path / "export")).counts.assets == 0
    await imported(target, tmp_path / "export")
    assert await target.contents() == NOTHING


async def test_an_import_adds_to_what_is_there(folder: Path, full: Contents, target: Store) -> None:
    other = an_asset("other", replace(a_version(b"other"), purged=True))
    await target.database.add(other)
    await imported(target, folder)
    assert (await target.contents()).assets == full.assets | {"other": other}


async def test_an_original_that_got_lost_comes_back(folder: Path, full: Contents, target: Store) -> None:
    await imported(target, folder)
    lost = full.assets["plain"].current.sha256
    await target.originals.delete(lost)
    done = await imported(target, folder)
    assert (done.assets, done.originals) == (0, 1)
    assert await target.contents() == full


async def test_what_is_stored_need_not_be_in_the_folder(folder: Path, full: Contents, target: Store) -> None:
    await imported(target, folder)
    shutil.rmtree(folder / "originals")
    await imported(target, folder)
    assert await target.contents() == full


async def test_progress_reaches_its_end(source: Store, target: Store, full: Contents, tmp_path: Path) -> None:
    steps = Steps()
    await export_store(source.database, source.originals, tmp_path / "export", steps)
    await import_store(target.database, target.originals, tmp_path / "export", steps)
    assert steps.steps == [
        ("Exporting", 6, 6),
        ("Comparing", 8, 8),
        ("Checking", 6, 6),
        ("Importing", 6, 6),
    ]


# What storage lost ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(b"Deleted"), id="other bytes"),
        pytest.param(lambda path: path.write_bytes(b"del"), id="half of it"),
    ],
)
async def test_an_original_that_storage_lost(
    source: Store, full: Contents, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    assert isinstance(source.originals, FileStore)
    damage(source.originals.local_path(digest(b"deleted")))
    with pytest.raises(StorageBroken, match=r"for deleted \(version 1\)\. Nothing was finished"):
        await exported(source, tmp_path / "export")
    assert not (tmp_path / "export" / "manifest.json").exists()
    assert digest(b"deleted") not in str(files(tmp_path / "export"))


async def test_a_failed_export_leaves_the_one_before(
    source: Store, folder: Path, target: Store, full: Contents
) -> None:
    await source.database.add(an_asset("lost", a_version(b"never stored")))
    with pytest.raises(StorageBroken, match="lost"):
        await exported(source, folder)
    await imported(target, folder)
    assert await target.contents() == full


class _Cut:
    """A stream that ends in the middle."""

    def __init__(self, stream: ObjectStream) -> None:
        self._stream = stream

    @property
    def info(self) -> ObjectInfo:
        return self._stream.info

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream.chunks():
            yield chunk[: len(chunk) // 2]
            raise StorageTruncated


class CutStore(FileStore):
    """The first ``cuts`` reads break off."""

    cuts = 0

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectStream]:
        async with super().open(key) as stream:
            self.cuts -= 1
            yield _Cut(stream) if self.cuts >= 0 else stream


@pytest.mark.parametrize(("cuts", "copied"), [(2, 1), (3, None)], ids=["twice", "again and again"])
async def test_a_read_that_breaks_off(
    blank: Store, target: Store, tmp_path: Path, cuts: int, copied: int | None
) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"deleted")
    store = CutStore(tmp_path / "blank" / "originals")
    await store.put(digest(b"deleted"), path, media_type="image/png")
    await blank.database.add(an_asset("one", a_version(b"deleted")))
    store.cuts = cuts
    if copied is None:
        with pytest.raises(StorageBroken):
            await exported(Store(blank.database, store), tmp_path / "export")
        return
    assert (await exported(Store(blank.database, store), tmp_path / "export")).copied == copied
    await imported(target, tmp_path / "export")


class BuryingStore(FileStore):
    """The asset is deleted for good at the moment when its original is asked for."""

    source: Store

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectStream]:
        await self.source.database.delete("one")
        await self.source.database.bury("one", WHEN.replace(year=9999))
        await self.delete(key)
        async with super().open(key) as stream:
            yield stream


async def test_what_is_purged_meanwhile_is_exported_as_purged(
    blank: Store, target: Store, tmp_path: Path
) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"deleted")
    store = BuryingStore(tmp_path / "blank" / "originals")
    store.source = blank
    await store.put(digest(b"deleted"), path, media_type="image/png")
    await blank.database.add(an_asset("one", a_version(b"deleted")))
    done = await exported(Store(blank.database, store), tmp_path / "export")
    assert (done.changed, done.copied) == (1, 0)
    await imported(target, tmp_path / "export")
    found = (await target.contents()).assets
    assert found == (await blank.contents()).assets
    assert found["one"].current.purged


# While others are at work -----------------------------------------------------------------------------


async def test_an_orphan_that_is_swept_just_now_is_put_again(
    folder: Path, full: Contents, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper may remove what lay there from earlier, until there is a row."""
    put = target.database.put_assets

    async def swept_before(given: Sequence[Asset]) -> None:
        await target.originals.delete(digest(b"second"))
        await put(given)

    monkeypatch.setattr(target.database, "put_assets", swept_before)
    await imported(target, folder)
    assert await target.contents() == full


async def test_two_imports_at_once(folder: Path, full: Contents, target: Store, tmp_path: Path) -> None:
    async with embedded(tmp_path / "target") as same:
        await asyncio.gather(imported(target, folder), imported(same, folder))
    assert await target.contents() == full


async def test_a_store_that_is_full_ends_it_and_it_can_be_resumed(
    folder: Path, full: Contents, target: Store, tmp_path: Path
) -> None:
    (tmp_path / "target" / "originals").write_text("not a folder")
    with pytest.raises(OriginError):
        await imported(target, folder)
    assert (await target.database.count_all())[0] == 0, "no row without its object"
    (tmp_path / "target" / "originals").unlink()
    await imported(target, folder)
    assert await target.contents() == full
