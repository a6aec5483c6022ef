"""``origin export`` and ``origin import``: from one machine to a fleet and back, killed on the way."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from origin.backends.database import Database
from origin.backends.s3 import S3Store
from tests.conftest import OriginFactory
from tests.support.faults import Fault, FaultyProxy, faulty
from tests.support.origin import ORIGIN, Library, base_environment, run_cli, until
from tests.support.servers import PostgresServer, S3Server
from tests.support.stores import Store, embedded, files, fill

MORE = 80
"""Assets beside the special ones: some batches, so that a kill can fall between them."""


@asynccontextmanager
async def fleet_store(database_url: str, s3: S3Server) -> AsyncIterator[Store]:
    """What the program keeps in this database and this S3."""
    database = Database(database_url)
    await database.migrate()
    originals = S3Store(
        s3.bucket,
        "originals/",
        endpoint_url=s3.endpoint_url,
        region=s3.region,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    try:
        yield Store(database, originals)
    finally:
        await originals.close()
        await database.close()


def fleet_settings(database_url: str, s3: S3Server, endpoint_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_S3_ENDPOINT_URL": endpoint_url,
    }


async def run(*words: str | Path, environment: dict[str, str]) -> str:
    """What a command that works says on stderr; nobody watches it, so there is no bar."""
    done = await asyncio.to_thread(run_cli, *words, environment=environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


async def killed(*words: str | Path, environment: dict[str, str], proxy: FaultyProxy, requests: int) -> None:
    """Run a command until it has sent ``requests`` to storage, which then falls silent; and kill it."""
    proxy.requests = 0
    process = await asyncio.create_subprocess_exec(
        *ORIGIN, *map(str, words), env=environment, cwd=environment["HOME"], stderr=asyncio.subprocess.PIPE
    )
    while proxy.requests < requests:
        assert process.returncode is None, await process.communicate()
        await asyncio.sleep(0)
    await proxy.set(Fault.BLACK_HOLE)
    process.kill()
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    await proxy.set(Fault.PASS)


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


async def test_to_the_fleet_and_back(
    database_url: str, s3_factory: Callable[[], S3Server], tmp_path: Path
) -> None:
    s3 = s3_factory()
    one_machine = base_environment(tmp_path / "one")
    other_machine = base_environment(tmp_path / "other")
    for environment in (one_machine, other_machine):
        Path(environment["HOME"]).mkdir()
    async with embedded(Path(one_machine["ORIGIN_DATA_DIR"])) as store:
        full = await fill(store, tmp_path, more=MORE)
    assets, originals = len(full.assets), len(full.originals)

    out, home = tmp_path / "out", tmp_path / "home"
    said = await run("export", out, environment=one_machine)
    assert f"{assets} assets" in said
    assert f"{originals} originals had to be copied" in said

    async with (
        faulty(s3.endpoint_url) as (proxy, endpoint_url),
        fleet_store(database_url, s3) as fleet,
    ):
        environment = base_environment(tmp_path / "one") | fleet_settings(database_url, s3, endpoint_url)
        await killed("import", out, environment=environment, proxy=proxy, requests=120)
        partly = await fleet.contents()
        assert 0 < len(partly.assets) < assets
        assert partly.assets.items() < full.assets.items(), "whole assets only"
        kept = {v.sha256 for asset in partly.assets.values() for v in (asset.current, *asset.older)}
        assert kept & full.originals.keys() <= partly.originals.keys(), "no row without its object"

        said = await run("import", out, environment=environment)
        assert f"{assets - len(partly.assets)} assets" in said
        assert f"Already there: {len(partly.assets)} assets" in said
        assert await fleet.contents() == full

        await killed("export", home, environment=environment, proxy=proxy, requests=40)
        assert not (home / "manifest.json").exists()
        copied = sum(name.startswith("originals/") for name in files(home))
        assert 0 < copied < originals

        said = await run("export", home, environment=environment)
        assert f"{originals - copied} originals had to be copied" in said

    def lines(folder: Path, name: str) -> list[str]:
        return sorted((folder / name).read_text().splitlines())

    for name in ("assets.jsonl", "users.jsonl", "revocations.jsonl"):
        assert lines(home, name) == lines(out, name)
    await run("import", home, environment=other_machine)
    async with embedded(Path(other_machine["ORIGIN_DATA_DIR"])) as store:
        assert await store.contents() == full


def test_a_running_server_notices(library: Library, origin_factory: OriginFactory, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    environment = base_environment(tmp_path / "home", ORIGIN_DATA_DIR=str(tmp_path / "data"))
    library.copy(tmp_path / "data")
    assert run_cli("export", tmp_path / "out", environment=environment).returncode == 0
    server = origin_factory()
    public, private = (f"/w_10/{library.ids[name]}" for name in ("card.jpg", "secret.png"))
    assert server.get(public).status == 404, "and that is remembered"
    done = server.cli("import", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    until(lambda: server.get(public).status == 200)
    assert server.get(private).status == 404


@pytest.mark.parametrize("command", ["export", "import"])
def test_words(tmp_path: Path, command: str) -> None:
    environment = base_environment(tmp_path)
    told = run_cli(command, "--help", environment=environment)
    assert (told.returncode, told.stderr) == (0, "")
    assert re.search(r"\bfolder\b", told.stdout)
    assert run_cli(command, environment=environment).returncode == 2


def test_what_stands_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_text("mine")
    done = run_cli("export", tmp_path / "mine", environment=base_environment(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds something else (photo.jpg)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bar_where_somebody_watches(tmp_path: Path) -> None:
    """On a terminal, which ``pty`` makes."""
    environment = base_environment(tmp_path) | {"TERM": "xterm", "COLUMNS": "100"}
    program = (
        "import os, pty, sys\n"
        "os.environ |= " + json.dumps(environment) + "\n"
        f"sys.exit(os.waitstatus_to_exitcode(pty.spawn({[*ORIGIN, 'export', str(tmp_path / 'out')]!r})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout
    assert "Exporting" in done.stdout
