"""What every store for originals does."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from origin.backends.files import FileStore
from origin.backends.s3 import S3Store
from origin.errors import NotFound
from origin.ports import ObjectReader, ObjectStore

SHA = hashlib.sha256(b"picture").hexdigest()


async def read(store: ObjectReader, key: str) -> bytes:
    async with store.open(key) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


@pytest.mark.parametrize(
    "key",
    [SHA, "a", "dir/name.jpg", "Grüße 東京 🎉.png", "100%25 + & ?#;=.jpg", ".hidden", "a..b", "café"],
)
async def test_what_was_put_is_read(store: ObjectStore, write: Callable[[bytes], Path], key: str) -> None:
    await store.put(key, write(b"picture"), media_type="image/png")
    assert await read(store, key) == b"picture"
    assert [found async for found in store.keys("")] == [key]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, 3_333_333])
async def test_every_size(store: ObjectStore, write: Callable[[bytes], Path], size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    await store.put(SHA, write(content[:size]), media_type="image/png")
    assert await read(store, SHA) == content[:size]
    assert (await store.stat(SHA)).size == size


async def test_stat_and_open_tell_the_same(store: ObjectStore, write: Callable[[bytes], Path]) -> None:
    await store.put(SHA, write(b"picture"), media_type="image/png")
    info = await store.stat(SHA)
    async with store.open(SHA) as stream:
        assert (stream.info.size, stream.info.validator) == (info.size, info.validator)
    assert info.size == 7
    assert abs(info.modified - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_validator_follows_the_bytes(store: ObjectStore, write: Callable[[bytes], Path]) -> None:
    await store.put(SHA, write(b"one"), media_type="image/png")
    before = (await store.stat(SHA)).validator
    assert (await store.stat(SHA)).validator == before
    await asyncio.sleep(0.02)
    await store.put(SHA, write(b"two"), media_type="image/png")
    assert (await store.stat(SHA)).validator != before


@pytest.mark.parametrize("key", ["nothing", "no/such/folder", "x" * 900])
async def test_a_missing_key(store: ObjectStore, key: str) -> None:
    with pytest.raises(NotFound):
        await store.stat(key)
    with pytest.raises(NotFound):
        await read(store, key)
    await store.delete(key)


async def test_delete(store: ObjectStore, write: Callable[[bytes], Path]) -> None:
    await store.put(SHA, write(b"picture"), media_type="image/png")
    await store.delete(SHA)
    with pytest.raises(NotFound):
        await store.stat(SHA)
    assert [key async for key in store.keys("")] == []


async def test_keys_by_prefix(store: ObjectStore, write: Callable[[bytes], Path]) -> None:
    for key in ("aa1", "aa2", "ab1", "aa/3"):
        await store.put(key, write(b"picture"), media_type="image/png")
    assert sorted([key async for key in store.keys("aa")]) == ["aa/3", "aa1", "aa2"]


async def test_keys_by_age(
    store: FileStore | S3Store,
    write: Callable[[bytes], Path],
    backdate: Callable[[ObjectStore, str, timedelta], None],
) -> None:
    for key in ("aa1", "aa2", "ab1", "aa/3"):
        await store.put(key, write(b"picture"), media_type="image/png")
    for key in ("aa1", "ab1", "aa/3"):
        backdate(store, key, timedelta(minutes=90))
    now = datetime.now(UTC)
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    assert sorted([key async for key in store.older_than("", hour)]) == ["aa/3", "aa1", "ab1"]
    assert sorted([key async for key in store.older_than("aa", hour)]) == ["aa/3", "aa1"]
    assert [key async for key in store.older_than("", day)] == []
    assert len([key async for key in store.older_than("", now + timedelta(minutes=1))]) == 4


async def test_putting_the_same_again_makes_it_young(
    store: FileStore | S3Store,
    write: Callable[[bytes], Path],
    backdate: Callable[[ObjectStore, str, timedelta], None],
) -> None:
    upload = write(b"picture")
    os.utime(upload, (0, 0))
    await store.put(SHA, upload, media_type="image/png")
    backdate(store, SHA, timedelta(hours=2))
    hour = datetime.now(UTC) - timedelta(hours=1)
    assert [key async for key in store.older_than("", hour)] == [SHA]
    await store.put(SHA, upload, media_type="image/png")
    assert [key async for key in store.older_than("", hour)] == []


async def test_readers_see_whole_objects_while_they_are_replaced(store: ObjectStore, tmp_path: Path) -> None:
    contents = [bytes([letter]) * 2_000_000 for letter in b"abc"]
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    await store.put(SHA, paths[0], media_type="image/png")

    async def replace() -> None:
        for path in paths[1:]:
            await store.put(SHA, path, media_type="image/png")

    replacing = asyncio.create_task(replace())
    while not replacing.done():
        assert await read(store, SHA) in contents
    await replacing
