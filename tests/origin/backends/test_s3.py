"""S3 that is away, slow, wrong or cut off, and what only S3 does."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from origin.backends import s3_requests
from origin.backends.s3 import PART, S3Store
from origin.backends.source_cache import SourceCache
from origin.errors import (
    BadRequest,
    NotFound,
    OriginError,
    StorageBroken,
    StorageTimeout,
    StorageTruncated,
    StorageUnavailable,
)
from tests.origin.backends.conftest import store_in
from tests.support.faults import Fault, FaultyProxy, faulty
from tests.support.servers import S3Server, free_port

CONTENT = os.urandom(1 << 20)
SOON = 30
"""Seconds: far above what is promised, because machines are busy, and far below what libraries would wait."""

SHA = hashlib.sha256(CONTENT).hexdigest()


@asynccontextmanager
async def broken(s3: S3Server, budget: float = 8) -> AsyncIterator[tuple[FaultyProxy, S3Store]]:
    """A store behind a proxy, with ``picture`` in it and a connection that is open."""
    s3.path("picture").write_bytes(CONTENT)
    async with faulty(s3.endpoint_url) as (proxy, url):
        store = store_in(s3, url=url, budget=budget)
        try:
            async with asyncio.timeout(60):
                while await ended(store.stat("picture")):  # a busy machine may take longer than the budget
                    pass
            proxy.requests = 0
            yield proxy, store
        finally:
            await store.close()


async def read(store: S3Store, key: str = "picture") -> bytes:
    async with store.open(key) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def listed(store: S3Store) -> list[str]:
    return [key async for key in store.keys("")]


async def ended(action: Awaitable[object]) -> bool:
    """Whether time ran out."""
    try:
        await action
    except StorageTimeout:
        return True
    return False


async def failing(action: Awaitable[object], error: type[OriginError]) -> None:
    """``action`` fails with exactly ``error``, and does not wait for as long as the drivers would."""
    async with asyncio.timeout(SOON):
        with pytest.raises(error) as caught:
            await action
    assert type(caught.value) is error


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET_BODY])
@pytest.mark.parametrize("after", [2_000, 500_000, len(CONTENT)])
async def test_a_cut_body_is_noticed(s3: S3Server, fault: Fault, after: int) -> None:
    async with broken(s3) as (proxy, store):
        await proxy.set(fault, after=after)
        await failing(read(store), StorageTruncated)
        await proxy.set(Fault.PASS)
        assert await read(store) == CONTENT


async def test_the_cache_fetches_a_cut_body_once_more(s3: S3Server, tmp_path: Path) -> None:
    async with broken(s3) as (proxy, store):
        cache = SourceCache(tmp_path, 1 << 30)
        await proxy.set(Fault.CUT, after=300_000, times=1)
        async with cache.hold("id", store, "picture", max_bytes=1 << 30, sha256=SHA) as held:
            assert held.path.read_bytes() == CONTENT
        assert proxy.requests == 2
        await cache.close()


async def test_a_damaged_object_never_enters_the_cache(
    s3: S3Server, s3_store: S3Store, write: Callable[[bytes], Path], tmp_path: Path
) -> None:
    await s3_store.put(SHA, write(CONTENT), media_type="image/png")
    [path] = s3.root.rglob(SHA)
    path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    cache = SourceCache(tmp_path / "cache", 1 << 30)

    async def hold() -> None:
        async with cache.hold(SHA, s3_store, SHA, max_bytes=1 << 30, sha256=SHA, size=len(CONTENT)):
            pass

    await failing(hold(), StorageBroken)
    path.write_bytes(CONTENT)
    await hold()
    await cache.close()


async def test_a_drip_ends_at_the_deadline(s3: S3Server, tmp_path: Path) -> None:
    async with broken(s3) as (proxy, store):
        cache = SourceCache(tmp_path, 1 << 30, deadline=0.7)
        await proxy.set(Fault.DRIP, after=1_000, rate=50_000)

        async def hold() -> None:
            async with cache.hold("id", store, "picture", max_bytes=1 << 30):
                pass

        await failing(hold(), StorageTimeout)
        await cache.close()


async def test_silence_ends_with_the_budget(s3: S3Server) -> None:
    async with broken(s3, budget=0.7) as (proxy, store):
        await proxy.set(Fault.BLACK_HOLE)
        await failing(read(store), StorageTimeout)
        await failing(store.stat("picture"), StorageTimeout)
        await proxy.set(Fault.PASS)
        assert await read(store) == CONTENT


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.REFUSE])
async def test_no_connection_is_tried_a_few_times(s3: S3Server, fault: Fault) -> None:
    async with broken(s3) as (proxy, store):
        await proxy.set(fault)
        for call in (read(store), store.stat("picture"), store.delete("other"), store.ping(), listed(store)):
            proxy.requests = 0
            await failing(call, StorageUnavailable)
            assert proxy.requests == (0 if fault is Fault.REFUSE else 3)
        await proxy.set(Fault.PASS)
        assert await read(store) == CONTENT


async def test_a_server_that_is_not_there_at_the_start(s3: S3Server) -> None:
    store = store_in(s3, url=f"http://127.0.0.1:{free_port()}")
    await failing(store.stat("picture"), StorageUnavailable)
    await failing(store.ping(), StorageUnavailable)
    await store.close()


async def test_a_wrong_secret(s3: S3Server, write: Callable[[bytes], Path]) -> None:
    s3.path("picture").write_bytes(CONTENT)
    store = store_in(s3, secret="wrong")
    await failing(read(store), StorageUnavailable)
    await failing(store.stat("picture"), StorageUnavailable)
    await failing(store.put("key", write(b"x"), media_type="image/png"), StorageUnavailable)
    await failing(store.ping(), StorageUnavailable)
    assert not s3.path("key").exists()
    await store.close()


async def test_a_missing_bucket_is_not_a_missing_picture(s3: S3Server) -> None:
    store = store_in(s3, bucket="nothing")
    await failing(read(store), StorageUnavailable)
    await failing(store.ping(), StorageUnavailable)
    await store.close()


async def test_ping(s3_store: S3Store) -> None:
    await s3_store.ping()


# Answers no real server can be made to give


@asynccontextmanager
async def answering(s3: S3Server, *answers: bytes) -> AsyncIterator[tuple[list[bytes], S3Store]]:
    """A store whose server gives these answers, one per connection, the last one ever after."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[min(len(requests), len(answers)) - 1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    store = store_in(s3, url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", budget=SOON)
    try:
        with pytest.MonkeyPatch.context() as patch:  # what it says decides, never how busy the machine is
            patch.setattr(s3_requests, "SILENCE", SOON)
            patch.setattr(s3_requests, "CONNECT_SECONDS", SOON)
            yield requests, store
    finally:
        await store.close()
        server.close()


def answer(status: str, body: bytes = b"", length: str | None = None) -> bytes:
    size = f"Content-Length: {len(body)}\r\n" if length is None else length
    head = f'HTTP/1.1 {status}\r\n{size}Last-Modified: Sun, 17 May 2026 12:00:00 GMT\r\nETag: "x"\r\n'
    return f"{head}Connection: close\r\n\r\n".encode() + body


SLOW_DOWN = answer("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>")
INTERNAL = answer("500 Internal Error", b"<Error><Code>InternalError</Code></Error>")
DENIED = answer("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>")
SKEWED = answer("403 Forbidden", b"<Error><Code>RequestTimeTooSkewed</Code></Error>")
PICTURE = answer("200 OK", b"picture")


@pytest.mark.parametrize(
    ("answers", "error", "asked"),
    [
        pytest.param([SLOW_DOWN], StorageUnavailable, 3, id="always SlowDown"),
        pytest.param([INTERNAL], StorageUnavailable, 3, id="always 500"),
        pytest.param([DENIED], StorageUnavailable, 1, id="denied"),
        pytest.param([SKEWED], StorageUnavailable, 1, id="clocks differ"),
        pytest.param([answer("404 Gone", b"<Error><Code>NoSuchKey</Code></Error>")], NotFound, 1, id="404"),
        pytest.param([answer("200 OK", b"picture", "")], StorageBroken, 1, id="no length"),
        pytest.param([answer("400 Bad", b"<Error><Code>X</Code></Error>")], StorageUnavailable, 1, id="400"),
        pytest.param([answer("500 Oops", b"<html>not xml")], StorageUnavailable, 3, id="not XML"),
        pytest.param([b"SSH-2.0-OpenSSH\r\n\r\n"], StorageUnavailable, 3, id="not HTTP"),
    ],
)  # fmt: skip
async def test_what_a_server_says(
    s3: S3Server, answers: list[bytes], error: type[OriginError], asked: int
) -> None:
    async with answering(s3, *answers) as (requests, store):
        await failing(read(store), error)
        assert len(requests) == asked


@pytest.mark.parametrize("first", [[SLOW_DOWN], [INTERNAL, SLOW_DOWN]])
async def test_a_busy_server_is_tried_again(s3: S3Server, first: list[bytes]) -> None:
    async with answering(s3, *first, PICTURE) as (requests, store):
        assert await read(store) == b"picture"
        assert len(requests) == len(first) + 1


# Keys


@pytest.mark.parametrize("key", ["", "..", "../other/x", "a/../b", "./a", "a/.", "a\0b", "\ud800", "é" * 600])
async def test_names_that_no_object_has(s3_store: S3Store, write: Callable[[bytes], Path], key: str) -> None:
    await failing(s3_store.stat(key), NotFound)
    await failing(read(s3_store, key), NotFound)
    await failing(s3_store.put(key, write(b"x"), media_type="image/png"), BadRequest)
    await s3_store.delete(key)


async def test_a_store_stays_below_its_prefix(s3: S3Server, s3_store: S3Store) -> None:
    s3.path("outside").write_bytes(b"secret")
    await failing(s3_store.stat("outside"), NotFound)
    assert [key async for key in s3_store.keys("")] == []


# Uploads


@pytest.mark.parametrize("size", [PART - 1, PART, 2 * PART + 12_345])
async def test_large_files_go_in_parts(s3_store: S3Store, write: Callable[[bytes], Path], size: int) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    await s3_store.put("big", write(content), media_type="image/tiff")
    assert hashlib.sha256(await read(s3_store, "big")).digest() == hashlib.sha256(content).digest()


async def uploads(store: S3Store) -> list[Any]:
    client = await store._opened()
    return list((await client.list_multipart_uploads(Bucket=store._bucket)).get("Uploads", []))


async def test_a_failed_upload_is_aborted(
    s3_store: S3Store, write: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(CONTENT * 40)
    sent = s3_store._put_parts

    async def shrunk(where: Any, upload: str, file: Any, data: bytes) -> list[Any]:
        assert len(await uploads(s3_store)) == 1
        await sent(where, upload, file, data)
        raise StorageUnavailable

    monkeypatch.setattr(s3_store, "_put_parts", shrunk)
    await failing(s3_store.put("big", path, media_type="image/tiff"), StorageUnavailable)
    assert await uploads(s3_store) == []
    await failing(s3_store.stat("big"), NotFound)


async def test_a_cancelled_upload_is_aborted(s3_store: S3Store, write: Callable[[bytes], Path]) -> None:
    path = write(CONTENT * 60)
    putting = asyncio.create_task(s3_store.put("big", path, media_type="image/tiff"))
    while not await uploads(s3_store):
        assert not putting.done()
        await asyncio.sleep(0.005)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await uploads(s3_store) == []
    await failing(s3_store.stat("big"), NotFound)


async def test_an_upload_to_nobody(s3: S3Server, write: Callable[[bytes], Path]) -> None:
    async with broken(s3) as (proxy, store):
        await proxy.set(Fault.REFUSE)
        await failing(store.put("new", write(b"x"), media_type="image/png"), StorageUnavailable)
    assert not s3.path("new").exists()


async def test_many_readers_share_one_client(s3: S3Server) -> None:
    async with broken(s3, budget=8) as (_, store):
        assert await asyncio.gather(*(read(store) for _ in range(20))) == [CONTENT] * 20


async def test_a_reader_that_leaves_early_costs_only_its_connection(s3: S3Server) -> None:
    async with broken(s3) as (_, store):
        for _ in range(5):
            async with store.open("picture") as stream:
                async for _ in stream.chunks():
                    break
        assert await read(store) == CONTENT
