"""A database whose disk is full: a write says so, reads go on, and nothing needs a restart afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from origin.backends.database import Database
from origin.errors import StorageFull
from tests.origin.backends.conftest import an_asset
from tests.support.servers import IS_ROOT, PostgresServer
from tests.support.stores import PATIENCE


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> Iterator[tuple[str, Path]]:
    """URL of a database on a disk of 16 MiB, and a file there that can fill it."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    disk = (server.log.parent if server else tmp_path) / f"small{token_hex(4)}"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system here")
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", "--lazy", str(disk)], check=True)
        if server is None:
            yield f"sqlite:///{disk}/origin.db", disk / "filler"
            return
        (disk / "space").mkdir()
        if IS_ROOT:
            shutil.chown(disk / "space", "postgres")
        name = f"t{token_hex(6)}"
        server.sql(f"CREATE TABLESPACE {name} LOCATION '{disk}/space'")
        stack.callback(server.sql, f"DROP TABLESPACE {name}")
        server.sql(f"CREATE DATABASE {name} TABLESPACE {name}")
        stack.callback(server.sql, f"DROP DATABASE {name} WITH (FORCE)")
        yield f"postgresql://postgres@127.0.0.1:{server.port}/{name}", disk / "filler"


def fill(file: Path) -> None:
    space = os.statvfs(file.parent)
    with file.open("wb") as sink:
        os.posix_fallocate(sink.fileno(), 0, space.f_bavail * space.f_frsize)


async def many(database: Database) -> None:
    """More than there is room for in pages that are there already."""
    for number in range(1_000):
        await database.add(replace(an_asset(f"more{number}"), tags=(token_hex(2_000),)))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_no_space(place: tuple[str, Path]) -> None:
    url, filler = place
    database = Database(url, patience=PATIENCE)
    try:
        await database.migrate()
        await database.add(an_asset("before"))
        fill(filler)
        with pytest.raises(StorageFull) as caught:
            await many(database)
        assert caught.value.status == 507
        assert caught.value.__cause__ is not None
        assert (await database.find("before")) == an_asset("before"), "what is there can be read"
        filler.unlink()
        await database.add(an_asset("after"))
        assert (await database.find("after")) == an_asset("after")
    finally:
        await database.close()
