"""The local cache of originals: whole, right, small enough, fetched once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from origin.backends.files import FileStore, FolderSource
from origin.backends.source_cache import HeldFile, SourceCache
from origin.errors import (
    NotFound,
    OriginError,
    SourceTooLarge,
    StorageBroken,
    StorageTimeout,
    StorageTruncated,
    StorageUnavailable,
    Unavailable,
)
from origin.ports import ObjectInfo, ObjectStream

CONTENT = bytes(range(256)) * 2_000
SHA = hashlib.sha256(CONTENT).hexdigest()
BIG = 1 << 30


class Script:
    """A store far away that does as it is told, once per request; the last instruction is for all others.

    An instruction is the body; a number cuts the body there; an error is raised.
    """

    def __init__(
        self, *steps: bytes | int | OriginError, pause: float = 0.0, size: int | None = None
    ) -> None:
        self.steps = list(steps) or [CONTENT]
        self.pause = pause
        self.size = size
        self.opened = 0
        self.chunks_read = 0
        self.cancelled = 0

    async def stat(self, key: str) -> ObjectInfo:
        raise NotImplementedError

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectStream]:
        self.opened += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, OriginError):
            raise step
        body = step if isinstance(step, bytes) else CONTENT[:step]
        whole = len(body) if isinstance(step, bytes) else len(CONTENT)
        info = ObjectInfo(self.size if self.size is not None else whole, "etag", datetime.now(UTC))
        try:
            yield ScriptStream(self, info, body)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


class ScriptStream:
    def __init__(self, script: Script, info: ObjectInfo, body: bytes) -> None:
        self.info = info
        self._script = script
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 100_000):
            await asyncio.sleep(self._script.pause)
            self._script.chunks_read += 1
            yield self._body[start : start + 100_000]
        if len(self._body) < self.info.size:
            raise StorageTruncated


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[SourceCache]:
    cache = SourceCache(tmp_path / "cache", BIG, deadline=1)
    yield cache
    await cache.close()


def kept(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]


async def get(cache: SourceCache, script: Script, identity: str = "id", sha256: str | None = SHA) -> HeldFile:
    async with cache.hold(identity, script, "key", max_bytes=BIG, sha256=sha256) as held:
        assert held.path.stat().st_size == held.size
        return held


async def test_fetched_once_then_served_from_the_disk(cache: SourceCache, tmp_path: Path) -> None:
    script = Script()
    assert (await get(cache, script)).fetched
    held = await get(cache, script)
    assert not held.fetched
    assert held.path.read_bytes() == CONTENT
    assert (script.opened, held.size) == (1, len(CONTENT))
    assert not (await get(SourceCache(tmp_path / "cache", BIG), script)).fetched


async def test_identities_do_not_mix(cache: SourceCache) -> None:
    one = await get(cache, Script(b"one"), "1", None)
    two = await get(cache, Script(b"two"), "2", None)
    assert (one.path.read_bytes(), two.path.read_bytes()) == (b"one", b"two")


async def test_an_empty_object(cache: SourceCache) -> None:
    assert (await get(cache, Script(b""), sha256=None)).size == 0


async def test_many_askers_one_fetch(cache: SourceCache) -> None:
    script = Script(pause=0.01)
    held = await asyncio.gather(*(get(cache, script) for _ in range(50)))
    assert script.opened == 1
    assert all(one.fetched for one in held)


async def test_one_asker_leaving_does_not_end_the_fetch_of_the_others(cache: SourceCache) -> None:
    script = Script(pause=0.03)
    first, second = (asyncio.create_task(get(cache, script)) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).fetched
    assert (script.opened, script.cancelled) == (1, 0)


async def test_the_last_asker_leaving_ends_the_fetch(cache: SourceCache, tmp_path: Path) -> None:
    script = Script(pause=0.03)
    askers = [asyncio.create_task(get(cache, script)) for _ in range(3)]
    await asyncio.sleep(0.05)
    for asker in askers:
        asker.cancel()
    await asyncio.gather(*askers, return_exceptions=True)
    await asyncio.sleep(0.05)
    assert (script.opened, script.cancelled) == (1, 1)
    assert kept(tmp_path) == []
    assert (await get(cache, script)).fetched
    assert script.opened == 2


# Failures


@pytest.mark.parametrize(
    ("script", "error", "opened"),
    [
        pytest.param(Script(100, 200_000), StorageTruncated, 2, id="cut twice"),
        pytest.param(Script(0), StorageTruncated, 2, id="nothing but a header"),
        pytest.param(Script(CONTENT, size=100), StorageBroken, 1, id="more than announced"),
        pytest.param(Script(CONTENT[:-1] + b"x"), StorageBroken, 1, id="a wrong byte"),
        pytest.param(Script(b"<html>not found</html>"), StorageBroken, 1, id="another object"),
        pytest.param(Script(NotFound()), NotFound, 1, id="not there"),
        pytest.param(Script(StorageUnavailable()), StorageUnavailable, 1, id="away"),
        pytest.param(Script(pause=0.6), StorageTimeout, 1, id="a drip"),
        pytest.param(Script(pause=60), StorageTimeout, 1, id="silence"),
    ],
)
async def test_a_failure_leaves_nothing_behind(
    cache: SourceCache, tmp_path: Path, script: Script, error: type[OriginError], opened: int
) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(error) as caught:
            await get(cache, script)
    assert type(caught.value) is error
    assert script.opened == opened
    assert kept(tmp_path) == []
    assert not list((tmp_path / "cache").rglob(".tmp/*"))
    assert (await get(cache, Script())).path.read_bytes() == CONTENT


async def test_one_cut_body_is_fetched_again(cache: SourceCache) -> None:
    script = Script(1_000, CONTENT)
    assert (await get(cache, script)).path.read_bytes() == CONTENT
    assert script.opened == 2


async def test_everybody_waiting_hears_of_the_failure(cache: SourceCache) -> None:
    script = Script(StorageUnavailable())
    outcomes = await asyncio.gather(*(get(cache, script) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 5


async def test_the_size_is_known_from_the_database(cache: SourceCache) -> None:
    script = Script(CONTENT[:-1])
    with pytest.raises(StorageTruncated):
        async with cache.hold("id", script, "key", max_bytes=BIG, size=len(CONTENT)):
            pass
    assert script.chunks_read == 0


async def test_too_large_is_told_before_a_byte_is_read(cache: SourceCache) -> None:
    script = Script()
    with pytest.raises(SourceTooLarge) as caught:
        async with cache.hold("id", script, "key", max_bytes=len(CONTENT) - 1):
            pass
    assert script.chunks_read == 0
    assert caught.value.members == {"max_bytes": len(CONTENT) - 1}


async def test_the_limit_holds_for_what_is_there_already(cache: SourceCache) -> None:
    await get(cache, Script())
    with pytest.raises(SourceTooLarge):
        async with cache.hold("id", Script(), "key", max_bytes=len(CONTENT) - 1):
            pass


async def test_a_file_the_disk_damaged_is_fetched_again(tmp_path: Path) -> None:
    first = SourceCache(tmp_path, BIG)
    path = (await get(first, Script())).path
    for damaged in (CONTENT[:-1] + b"x", CONTENT[:-1], b""):
        path.write_bytes(damaged)
        script = Script()
        held = await get(SourceCache(tmp_path, BIG), script)
        assert held.fetched
        assert held.path.read_bytes() == CONTENT


# The byte budget


async def test_the_oldest_leave_and_the_held_stay(tmp_path: Path) -> None:
    cache = SourceCache(tmp_path, 5 * len(CONTENT))
    async with cache.hold("held", Script(), "key", max_bytes=BIG) as held:
        for number in range(12):
            await get(cache, Script(), str(number))
            await cache.close()
        assert held.path.read_bytes() == CONTENT
        assert sum(path.stat().st_size for path in kept(tmp_path)) <= 5 * len(CONTENT)
    assert not (await get(cache, Script(), "11")).fetched
    assert (await get(cache, Script(), "0")).fetched
    await cache.close()


async def test_another_process_does_not_remove_what_is_held(tmp_path: Path) -> None:
    ours, theirs = SourceCache(tmp_path, BIG), SourceCache(tmp_path, 1)
    async with ours.hold("held", Script(), "key", max_bytes=BIG) as held:
        async with theirs.hold("theirs", Script(), "key", max_bytes=BIG) as other:
            await theirs.close()
            assert held.path.exists()
            assert other.path.exists()
        await theirs._budget.make_room(1)
        assert held.path.exists()
        assert not other.path.exists()
    await ours.close()


async def test_a_budget_smaller_than_one_picture_still_serves(tmp_path: Path) -> None:
    cache = SourceCache(tmp_path, 1)
    for _ in range(5):
        assert (await get(cache, Script())).size == len(CONTENT)
    await cache.close()


async def test_a_disk_smaller_than_the_budget_still_serves(small_disk: Path) -> None:
    cache = SourceCache(small_disk, BIG)
    for number in range(5):
        held = await get(cache, Script(), str(number))
        assert held.path.read_bytes() == CONTENT
    await cache.close()


async def test_a_picture_larger_than_the_disk(small_disk: Path) -> None:
    cache = SourceCache(small_disk, BIG)
    with pytest.raises(Unavailable):
        await get(cache, Script(CONTENT * 4), sha256=None)
    assert kept(small_disk) == []
    assert (await get(cache, Script())).fetched
    await cache.close()


def test_a_killed_fetch_leaves_no_file(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from origin.backends.source_cache import SourceCache
from origin.ports import ObjectInfo
class Endless:
    info = ObjectInfo(1 << 30, "etag", datetime.now(UTC))
    @asynccontextmanager
    async def open(self, key):
        yield self
    async def chunks(self):
        print("go", flush=True)
        while True:
            await asyncio.sleep(0.001)
            yield bytes(100_000)
async def main():
    async with SourceCache(Path(sys.argv[1]), 1 << 30).hold("id", Endless(), "key", max_bytes=1 << 30):
        pass
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"go\n"
        time.sleep(0.1)
        process.kill()
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == [".tmp"]


# Readers whose objects are files already


async def test_local_files_are_held_where_they_are(
    cache: SourceCache, tmp_path: Path, write: Callable[[bytes], Path]
) -> None:
    store = FileStore(tmp_path / "originals")
    await store.put(SHA, write(CONTENT), media_type="image/png")
    async with cache.hold("id", store, SHA, max_bytes=BIG, sha256=SHA, size=len(CONTENT)) as held:
        assert held == HeldFile(store.local_path(SHA), len(CONTENT), fetched=False)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        pytest.param(CONTENT[:-1], StorageTruncated, id="cut"),
        pytest.param(CONTENT + b"x", StorageBroken, id="longer"),
        pytest.param(CONTENT[:-1] + b"x", StorageBroken, id="a wrong byte"),
    ],
)
async def test_damaged_local_originals(
    cache: SourceCache,
    tmp_path: Path,
    write: Callable[[bytes], Path],
    damage: bytes,
    error: type[OriginError],
) -> None:
    store = FileStore(tmp_path / "originals")
    await store.put(SHA, write(CONTENT), media_type="image/png")
    async with cache.hold("id", store, SHA, max_bytes=BIG, sha256=SHA, size=len(CONTENT)):
        pass
    store.local_path(SHA).write_bytes(damage)
    with pytest.raises(error) as caught:
        async with cache.hold("id", store, SHA, max_bytes=BIG, sha256=SHA, size=len(CONTENT)):
            pass
    assert type(caught.value) is error
    assert store.local_path(SHA).exists()


async def test_local_sources(cache: SourceCache, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.png").write_bytes(b"picture")
    os.mkfifo(tmp_path / "source" / "pipe.png")
    source = FolderSource(tmp_path / "source")
    async with cache.hold("id", source, "a.png", max_bytes=7) as held:
        assert held.path.read_bytes() == b"picture"
    with pytest.raises(SourceTooLarge):
        async with cache.hold("id", source, "a.png", max_bytes=6):
            pass
    for key in ("nothing.png", "../source/a.png", "pipe.png", ""):
        with pytest.raises(NotFound):
            async with cache.hold("id", source, key, max_bytes=7):
                pass
