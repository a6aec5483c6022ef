from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from origin.backends.database import Database
from origin.backends.engine import database_url
from origin.backends.files import FileStore
from origin.backends.migrate import migrate
from origin.backends.redis_link import RedisLink
from origin.backends.redis_results import RedisResults
from origin.backends.results import FolderResults, MemoryResults, TieredResults
from origin.backends.s3 import S3Store
from origin.ports import Asset, AssetVersion, ObjectStore, ResultStore
from tests.support.servers import PostgresServer, S3Server
from tests.support.stores import PATIENCE

WHEN = datetime(2026, 5, 17, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Puts bytes into a file to be uploaded."""

    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True)
    if made.returncode:
        pytest.skip("may not mount a small file system here")
    yield mount
    subprocess.run(["umount", mount], check=True)


@pytest.fixture
async def s3_store(s3: S3Server) -> AsyncIterator[S3Store]:
    """A store of its own in the shared S3."""
    store = store_in(s3, prefix=f"{token_hex(6)}/")
    yield store
    await store.close()


@pytest.fixture(params=["files", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store for originals."""
    if request.param == "files":
        return FileStore(tmp_path / "originals")
    store: S3Store = request.getfixturevalue("s3_store")
    return store


@pytest.fixture
def backdate(request: pytest.FixtureRequest) -> Callable[[ObjectStore, str, timedelta], None]:
    """Makes an object of ``store`` look as if it had been written earlier."""

    def backdate(store: ObjectStore, key: str, by: timedelta) -> None:
        if isinstance(store, FileStore):
            path = store.local_path(key)
        else:
            assert isinstance(store, S3Store)
            server: S3Server = request.getfixturevalue("s3")
            path = server.path(store._prefix + key)
        then = (datetime.now(UTC) - by).timestamp()
        os.utime(path, (then, then))

    return backdate


def store_in(
    server: S3Server,
    *,
    prefix: str = "",
    url: str = "",
    secret: str = "",
    bucket: str = "",
    budget: float = 8,
) -> S3Store:
    return S3Store(
        bucket or server.bucket,
        prefix,
        endpoint_url=url or server.endpoint_url,
        region=server.region,
        access_key=server.access_key,
        secret_key=secret or server.secret_key,
        budget=budget,
    )


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    """The shared Redis, with more patience than a busy machine needs."""
    link = RedisLink(redis_url, timeout=20)
    yield link
    await link.close()


@pytest.fixture
async def redis_results(link: RedisLink) -> RedisResults:
    return RedisResults(link, prefix=f"{token_hex(6)}:")


@pytest.fixture
async def folder_results(tmp_path: Path) -> AsyncIterator[FolderResults]:
    folder = FolderResults(tmp_path / "results", 1 << 20)
    yield folder
    await folder.close()


@pytest.fixture(params=["memory", "folder", "redis", "tiered"])
def results(request: pytest.FixtureRequest) -> ResultStore:
    """An empty store for results."""
    if request.param == "memory":
        return MemoryResults(1 << 20)
    if request.param == "tiered":
        # No memory and no folder worth mentioning: what is found was in Redis.
        return TieredResults(MemoryResults(0), request.getfixturevalue("redis_results"), None)
    store: ResultStore = request.getfixturevalue(f"{request.param}_results")
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/origin.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    """A database with its tables, and nothing in them."""
    database = Database(empty_database, patience=PATIENCE)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with tables, in which tests use owners and ids of their own."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('database')}/origin.db"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        migrate(database_url(url))
        yield url


@pytest.fixture
async def shared(shared_url: str) -> AsyncIterator[Database]:
    database = Database(shared_url, patience=PATIENCE)
    yield database
    await database.close()


@pytest.fixture
def owner() -> str:
    """Somebody who has nothing yet."""
    return f"user-{token_hex(8)}"


def an_asset(
    id: str = "aaaaaaaaaaaaaaaaaaaaaa", *, sha256: str = "ab" * 32, owner: str | None = None
) -> Asset:
    version = AssetVersion(
        number=1,
        sha256=sha256,
        bytes=123_456_789_012,
        format="jpeg",
        width=4000,
        height=3000,
        frames=1,
        has_alpha=False,
        orientation=6,
        created=WHEN,
        thumbhash="3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        dominant_color="#aabbcc",
    )
    return Asset(id=id, owner=owner, visibility="public", current=version, purges=0, created=WHEN)
