"""A full store, an export of it, and empty ones. They are made once; every test has copies."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.stores import Contents, Store, embedded, exported, fill


@dataclass(frozen=True)
class Made:
    full: Path
    """Data folder."""
    empty: Path
    """Data folder."""
    export: Path
    contents: Contents


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("transfer")

    async def make() -> Contents:
        async with embedded(home / "empty"):
            pass
        async with embedded(home / "full") as store:
            contents = await fill(store, home)
            await exported(store, home / "export")
        return contents

    return Made(home / "full", home / "empty", home / "export", asyncio.run(make()))


@pytest.fixture
def full(made: Made) -> Contents:
    """What ``source`` and ``folder`` hold."""
    return made.contents


@pytest.fixture
async def source(made: Made, tmp_path: Path) -> AsyncIterator[Store]:
    shutil.copytree(made.full, tmp_path / "source")
    async with embedded(tmp_path / "source") as store:
        yield store


@pytest.fixture
async def blank(made: Made, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store to be filled, and exported."""
    shutil.copytree(made.empty, tmp_path / "blank")
    async with embedded(tmp_path / "blank") as store:
        yield store


@pytest.fixture
async def target(made: Made, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store to import into."""
    shutil.copytree(made.empty, tmp_path / "target")
    async with embedded(tmp_path / "target") as store:
        yield store


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    """A finished export of ``source``."""
    shutil.copytree(made.export, tmp_path / "export")
    return tmp_path / "export"
