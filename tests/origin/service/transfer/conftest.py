"""Two stores, and an export of the one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.stores import (
    Contents,
    Store,
    embedded,
    exported,
    fill,
)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Store]:
    async with embedded(tmp_path / "source") as store:
        yield store


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Store]:
    async with embedded(tmp_path / "target") as store:
        yield store


@pytest.fixture
async def full(source: Store, tmp_path: Path) -> Contents:
    return await fill(source, tmp_path)


@pytest.fixture
async def folder(source: Store, full: Contents, tmp_path: Path) -> Path:
    """A finished export of ``source``."""
    await exported(source, tmp_path / "export")
    return tmp_path / "export"
