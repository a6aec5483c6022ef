"""What the sweeper takes away, and what it must never take: on one machine and in a fleet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from origin.backends.database import Database
from origin.backends.files import FileStore
from origin.backends.results import MemoryResults
from origin.backends.s3 import S3Store
from origin.errors import DatabaseUnavailable, NotFound, OriginError, StorageTimeout
from origin.imaging import Inspection, Limits
from origin.imaging.describe import inspect
from origin.imaging.model import Lost
from origin.ports import Asset
from origin.service import sweep
from origin.service.catalog import CachedAssets
from origin.service.ingest import Ingest, Upload, fingerprint
from origin.service.library import Library
from origin.service.purge import Purge
from origin.service.sweep import Sweeper, Swept
from tests.origin.backends.conftest import an_asset, store_in
from tests.support import pictures
from tests.support.servers import S3Server, free_port
from tests.support.stores import PATIENCE

Store = FileStore | S3Store

LONG = timedelta(hours=2)
DAY = timedelta(days=1)
WINDOW = 30 * DAY


class InProcess:
    """Looks at uploads here, without workers."""

    async def inspect(self, path: str, lost: Lost | None = None) -> Inspection:
        return await asyncio.to_thread(inspect, path, Limits())


@dataclass
class Server:
    """One of the two ways to run: SQLite and folders, or PostgreSQL and S3."""

    url: str
    database: Database
    store: Store
    file_of: Callable[[str], Path]
    folder: Path

    async def put(self, key: str, *, age: timedelta = LONG) -> str:
        """An object of some age; its content does not matter."""
        path = self.folder / token_hex(6)
        path.write_bytes(b"content")
        await self.store.put(key, path, media_type="image/png")
        self.age(key, age)
        return key

    def age(self, key: str, age: timedelta = LONG) -> None:
        then = (datetime.now(UTC) - age).timestamp()
        os.utime(self.file_of(key), (then, then))

    async def keys(self) -> set[str]:
        return {key async for key in self.store.keys("")}

    def sweeper(self, **options: timedelta) -> Sweeper:
        return Sweeper(self.database, self.store, **options)

    def ingest(self, store: Store | None = None) -> Ingest:
        return Ingest(self.database, store or self.store, InProcess(), 1 << 20)

    def library(self, store: Store | None = None) -> Library:
        purge = Purge(
            CachedAssets(self.database), MemoryResults(0), [], self.database, self.database, deadline=1
        )
        return Library(self.database, self.ingest(store), purge, quota=1 << 30)

    def picture(self, number: int) -> tuple[Path, str]:
        """A small picture in a file, and its SHA-256."""
        path = self.folder / f"{number}.png"
        path.write_bytes(pictures.plain(8, 8, (number, 0, 0)))
        return path, fingerprint(path)[1]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine decides no test."""
    monkeypatch.setattr(sweep, "REMOVAL", 30)


@pytest.fixture(params=["machine", "fleet"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, S3Server | None]]:
    with ExitStack() as stack:
        if request.param == "machine":
            yield f"sqlite:///{tmp_path}/origin.db", None
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
            yield url, request.getfixturevalue("s3")


@pytest.fixture
async def server(urls: tuple[str, S3Server | None], tmp_path: Path) -> AsyncIterator[Server]:
    url, s3 = urls
    database = Database(url, patience=PATIENCE)
    await database.migrate()
    if s3 is None:
        files = FileStore(tmp_path / "originals")
        yield Server(url, database, files, files.local_path, tmp_path)
    else:
        prefix = f"{token_hex(6)}/"
        objects = store_in(s3, prefix=prefix)
        yield Server(url, database, objects, lambda key: s3.path(prefix + key), tmp_path)
        await objects.close()
    await database.close()


def content(number: int) -> str:
    return f"{number:x}" * 64


def having(id: str, current: int, *older: tuple[int, bool], deleted: datetime | None = None) -> Asset:
    """An asset with these contents; of the older ones it is said whether they are purged."""
    version = replace(an_asset().current, number=len(older) + 1, sha256=content(current))
    versions = (
        replace(version, number=len(older) - n, sha256=content(number), purged=purged)
        for n, (number, purged) in enumerate(older)
    )
    return replace(an_asset(id), current=version, older=tuple(versions), deleted=deleted)


# What goes and what stays


async def test_only_what_nobody_can_ask_for_goes(server: Server) -> None:
    now = datetime.now(UTC)
    await server.database.add(having("alive", 1, (2, False), (3, True)))
    await server.database.add(having("restorable", 4, deleted=now - WINDOW + DAY))
    await server.database.add(having("over", 5, (6, False), (1, False), deleted=now - WINDOW - DAY))
    kept = {content(1), content(2), content(4), "quarantine/young", "ABCD" * 16, "a" * 63, "notes.txt"}
    gone = {content(3), content(5), content(6), content(7), "quarantine/old", "quarantine/" + content(1)}
    for key in kept | gone:
        await server.put(key)
    kept.add(await server.put(content(8), age=timedelta(minutes=50)))
    await server.put("quarantine/young", age=timedelta(minutes=50))
    assert await server.sweeper().sweep(now) == Swept(buried=1, orphans=4, abandoned=2)
    assert await server.keys() == kept
    assert await server.sweeper().sweep(now) == Swept()
    buried = await server.database.find("over")
    assert buried is not None
    assert all(version.purged for version in (buried.current, *buried.older))
    restorable = await server.database.find("restorable")
    assert restorable is not None
    assert not restorable.current.purged


async def test_more_than_one_batch(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 2)
    now = datetime.now(UTC)
    for number in range(5):
        await server.database.add(having(f"over-{number}", number, deleted=now - WINDOW - DAY))
        await server.put(content(number))
    await server.database.add(having("alive", 4))
    assert await server.sweeper().sweep(now) == Swept(buried=5, orphans=4)
    assert await server.keys() == {content(4)}


async def test_what_has_ended_is_forgotten(server: Server) -> None:
    now = datetime.now(UTC)
    await server.database.revoke("over", now - DAY)
    await server.database.revoke("counts", now + DAY)
    await server.sweeper().sweep(now)
    assert not await server.database.revoked(["over"])
    assert await server.database.revoked(["counts"])


async def test_several_servers_sweep_at_once(server: Server) -> None:
    now = datetime.now(UTC)
    for number in range(6):
        await server.database.add(having(f"over-{number}", number, deleted=now - WINDOW - DAY))
        await server.put(content(number))
    await server.put("quarantine/old")
    await server.database.add(having("alive", 3))
    other = Database(server.url, patience=PATIENCE)
    sweepers = [Sweeper(database, server.store) for database in (server.database, other) * 2]
    await asyncio.gather(*(sweeper.sweep(now) for sweeper in sweepers))
    assert await server.keys() == {content(3)}
    await other.close()


# Dependencies that are away


async def test_without_the_database_everything_stays(server: Server) -> None:
    keys = {await server.put(content(1)), await server.put("quarantine/old")}
    away = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(DatabaseUnavailable):
        await Sweeper(away, server.store).sweep(datetime.now(UTC))
    assert await server.keys() == keys
    await away.close()


class Hooked(Database):
    """A database that something happens to after the sweeper's first look."""

    async def meanwhile(self) -> None:
        raise NotImplementedError

    async def referenced(self, sha256: Sequence[str]) -> set[str]:
        found = await super().referenced(sha256)
        await self.meanwhile()
        return found


async def test_a_database_that_goes_away_meanwhile(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {await server.put(content(1)), await server.put("quarantine/old")}

    async def leave() -> None:
        raise DatabaseUnavailable

    database = Hooked(server.url)
    monkeypatch.setattr(database, "meanwhile", leave)
    with pytest.raises(DatabaseUnavailable):
        await Sweeper(database, server.store).sweep(datetime.now(UTC))
    assert await server.keys() == keys
    await database.close()


async def test_storage_that_hangs_holds_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(key: str) -> None:
        await asyncio.sleep(60)

    await server.put(content(1))
    monkeypatch.setattr(server.store, "delete", hang)
    monkeypatch.setattr(sweep, "REMOVAL", 0.05)
    with pytest.raises(StorageTimeout):
        await server.sweeper().sweep(datetime.now(UTC))
    assert await server.keys() == {content(1)}
    await server.database.add(having("new", 1))


async def test_it_goes_on_after_a_failure(
    urls: tuple[str, S3Server | None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database, store = Database(urls[0], patience=PATIENCE), FileStore(tmp_path / "originals")
    path = tmp_path / "file"
    path.write_bytes(b"content")
    await store.put(content(1), path, media_type="image/png")
    os.utime(store.local_path(content(1)), (0, 0))
    sweeper = Sweeper(database, store, interval=timedelta(milliseconds=20))
    await sweeper.start()
    try:
        async with asyncio.timeout(30):
            while "sweeping ended early" not in caplog.text:  # there are no tables yet
                await asyncio.sleep(0.02)
            assert store.local_path(content(1)).exists()
            await database.migrate()
            while store.local_path(content(1)).exists():
                await asyncio.sleep(0.02)
    finally:
        await sweeper.close()
        await database.close()


async def test_closing_what_never_began(server: Server) -> None:
    await server.sweeper().close()


# The same bytes come in while their orphan is swept


async def uploaded(server: Server, kind: str, path: Path, store: Store | None = None) -> Asset:
    """The picture as a new asset, or as a new version of one."""
    if kind == "upload":
        return (await server.ingest(store).ingest(Upload(path, "user"))).asset
    return (await server.library(store).replace_file("user", "there", path)).asset


async def with_orphan(server: Server) -> tuple[Path, str]:
    first, _ = server.picture(1)
    await server.ingest().ingest(Upload(first, "user", id="there"))
    path, sha256 = server.picture(2)
    await server.put(sha256)
    return path, sha256


@pytest.mark.parametrize("kind", ["upload", "replace"])
async def test_an_upload_before_the_removal(
    server: Server, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sha256 = await with_orphan(server)
    database = Hooked(server.url)

    async def upload() -> None:
        await uploaded(server, kind, path)

    monkeypatch.setattr(database, "meanwhile", upload)
    assert await Sweeper(database, server.store).sweep(datetime.now(UTC)) == Swept()
    assert sha256 in await server.keys()
    await database.close()


@pytest.mark.parametrize("kind", ["upload", "replace"])
async def test_an_upload_around_the_removal(
    server: Server, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sha256 = await with_orphan(server)
    has_put, removed = asyncio.Event(), asyncio.Event()
    put = server.store.put

    async def put_and_wait(key: str, path: Path, *, media_type: str) -> None:
        await put(key, path, media_type=media_type)
        has_put.set()
        await removed.wait()

    database, tasks = Hooked(server.url), []

    async def begin_upload() -> None:
        tasks.append(asyncio.create_task(uploaded(server, kind, path)))
        await has_put.wait()

    monkeypatch.setattr(database, "meanwhile", begin_upload)
    monkeypatch.setattr(server.store, "put", put_and_wait)
    assert await Sweeper(database, server.store).sweep(datetime.now(UTC)) == Swept(orphans=1)
    assert sha256 not in await server.keys()
    removed.set()
    asset = await tasks[0]
    assert asset.current.sha256 == sha256
    assert server.file_of(sha256).read_bytes() == path.read_bytes()
    await database.close()


async def test_no_asset_loses_its_file_whatever_happens_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Everything counts as old at once: what protects in the field, an hour, protects nobody here.
    monkeypatch.setattr(sweep, "ORPHANED", timedelta(hours=-1))
    other = Database(server.url, patience=PATIENCE)
    files = [server.picture(number) for number in range(3)]
    ended: list[OriginError] = []

    async def come_and_go(user: str) -> None:
        for turn in range(6):
            path, _ = files[turn % len(files)]
            asset = (await server.ingest().ingest(Upload(path, user))).asset
            if turn % 2:
                await server.database.discard(user, asset.id)

    async def sweep_on(database: Database) -> None:
        sweeper = Sweeper(database, server.store, restore_window=-DAY)
        while not going.done():
            try:
                await sweeper.sweep(datetime.now(UTC))
            except OriginError as error:
                ended.append(error)
            await asyncio.sleep(0)

    going = asyncio.gather(*(come_and_go(f"user-{n}") for n in range(3)))
    await asyncio.gather(going, sweep_on(server.database), sweep_on(other))
    assert ended == []
    live: list[Asset] = []
    for user in range(3):
        live += (await server.database.page(f"user-{user}", limit=100)).assets
    assert live
    keys = await server.keys()
    assert {asset.current.sha256 for asset in live} <= keys
    await server.sweeper(restore_window=-DAY).sweep(datetime.now(UTC))
    assert await server.keys() == {asset.current.sha256 for asset in live}
    await other.close()


@pytest.mark.parametrize("kind", ["upload", "replace"])
async def test_a_file_that_was_lost_comes_back_with_its_bytes(server: Server, kind: str) -> None:
    path, sha256 = server.picture(1)
    ingested = await server.ingest().ingest(Upload(path, "user", id="there"))
    await server.store.delete(sha256)
    again = await uploaded(server, kind, path)
    assert again == ingested.asset
    assert server.file_of(sha256).read_bytes() == path.read_bytes()


async def test_nothing_is_put_twice_without_need(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    puts: list[str] = []
    put = server.store.put

    async def counted(key: str, path: Path, *, media_type: str) -> None:
        puts.append(key)
        await put(key, path, media_type=media_type)

    monkeypatch.setattr(server.store, "put", counted)
    path, sha256 = server.picture(1)
    for _ in range(2):
        await server.ingest().ingest(Upload(path, "user"))
    assert puts == [sha256]
    with pytest.raises(NotFound):
        await server.store.stat(content(1))
