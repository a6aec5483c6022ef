from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from origin.backends.database import Database
from origin.backends.files import FileStore
from origin.backends.results import FolderResults, MemoryResults
from origin.ports import Asset, AssetVersion, ObjectStore, ResultStore

WHEN = datetime(2026, 5, 17, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Puts bytes into a file to be uploaded."""

    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(params=["files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store for originals."""
    return FileStore(tmp_path / "originals")


@pytest.fixture(params=["memory", "folder"])
async def results(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ResultStore]:
    """An empty store for results."""
    if request.param == "memory":
        yield MemoryResults(1 << 20)
        return
    folder = FolderResults(tmp_path / "results", 1 << 20)
    yield folder
    await folder.close()


@pytest.fixture(params=["sqlite"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    return f"sqlite:///{tmp_path}/origin.db"


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    """A database with its tables, and nothing in them."""
    database = Database(empty_database)
    await database.migrate()
    yield database
    await database.close()


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
