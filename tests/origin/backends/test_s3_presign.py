"""Uploads that a browser puts straight into S3."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from secrets import token_hex
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from origin.backends.s3 import S3Store
from origin.errors import NotFound, StorageUnavailable
from tests.origin.backends.conftest import store_in
from tests.support.servers import S3Server, free_port

# One client serves the module: opening one costs half a second.
pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = b"not a picture, but S3 does not look"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def presigner(s3: S3Server) -> AsyncIterator[S3Store]:
    store = store_in(s3, prefix="presigned/")
    yield store
    await store.close()


@pytest.fixture
def key() -> str:
    """A key of which nobody knows, with what is to be escaped."""
    return f"quarantine/Grüße +%2F{token_hex(6)}"


async def presigned(store: S3Store, key: str, *, seconds: int = 60) -> tuple[str, dict[str, str]]:
    return await store.presign_put(
        key, sha256=SHA, size=len(CONTENT), media_type="image/webp", seconds=seconds
    )


async def put(url: str, content: bytes, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.put(url, content=content, headers=headers)).status_code


async def is_there(store: S3Store, key: str) -> bool:
    try:
        await store.stat(key)
    except NotFound:
        return False
    return True


async def content_of(store: S3Store, key: str) -> bytes:
    async with store.open(key) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def test_a_put_as_it_was_announced(presigner: S3Store, key: str) -> None:
    url, headers = await presigned(presigner, key)
    assert await put(url, CONTENT, headers) == 200
    assert await content_of(presigner, key) == CONTENT


async def test_length_checksum_and_type_are_signed(presigner: S3Store, key: str) -> None:
    url, headers = await presigned(presigner, key)
    query = parse_qs(urlsplit(url).query)
    signed = query["X-Amz-SignedHeaders"][0].split(";")
    assert signed == ["content-length", "content-type", "host", "x-amz-checksum-sha256"]
    assert query["X-Amz-Expires"] == ["60"]
    assert headers == {
        "Content-Type": "image/webp",
        "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(CONTENT).digest()).decode(),
    }


OTHER = base64.b64encode(hashlib.sha256(b"other").digest()).decode()


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        (CONTENT + b"!", {}),
        (CONTENT[:-1], {}),
        (b"", {}),
        (CONTENT, {"x-amz-checksum-sha256": OTHER}),
        (CONTENT, {"x-amz-checksum-sha256": None}),
        (CONTENT, {"Content-Type": "text/html"}),
        (CONTENT, {"Content-Type": None}),
    ],
    ids=["longer", "shorter", "empty", "other checksum", "no checksum", "other type", "no type"],
)
async def test_a_put_that_was_not_announced(
    presigner: S3Store, key: str, content: bytes, changed: dict[str, str | None]
) -> None:
    url, headers = await presigned(presigner, key)
    sent = {name: value for name, value in {**headers, **changed}.items() if value is not None}
    assert await put(url, content, sent) in {400, 403}
    assert not await is_there(presigner, key)


async def test_other_bytes_of_the_same_length_are_for_us_to_notice(presigner: S3Store, key: str) -> None:
    # AWS compares the checksum; this server, like others, does not. So whoever takes the object in hashes it.
    url, headers = await presigned(presigner, key)
    assert await put(url, CONTENT[::-1], headers) == 200
    assert await content_of(presigner, key) == CONTENT[::-1]


async def test_a_url_is_for_one_key_one_method_and_some_time(presigner: S3Store) -> None:
    here, there = f"quarantine/{token_hex(6)}", f"quarantine/{token_hex(6)}"
    url, headers = await presigned(presigner, here)
    for other in (there, SHA):
        assert await put(url.replace(here, other), CONTENT, headers) == 403
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 403
        assert (await client.delete(url)).status_code == 403
    short, headers = await presigned(presigner, here, seconds=1)
    await asyncio.sleep(2.1)
    assert await put(short, CONTENT, headers) in {400, 403}
    assert not any([await is_there(presigner, key) for key in (here, there, SHA)])


@pytest.mark.parametrize("key", ["", "\0", "\ud800", "quarantine/../x", "x" * 2000])
async def test_no_url_for_what_is_no_key(presigner: S3Store, key: str) -> None:
    with pytest.raises(NotFound):
        await presigned(presigner, key)


async def test_signing_asks_nobody_but_needs_credentials(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = S3Store("bucket", endpoint_url=f"http://127.0.0.1:{free_port()}", access_key="a", secret_key="b")
    url, _ = await presigned(away, "quarantine/x")
    assert "/bucket/quarantine/" in url
    await away.close()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    anonymous = S3Store("bucket", endpoint_url=s3.endpoint_url)
    with pytest.raises(StorageUnavailable):
        await presigned(anonymous, "quarantine/x")
    await anonymous.close()


async def test_moving(presigner: S3Store, key: str, write: Callable[[bytes], Path]) -> None:
    target = token_hex(32)
    await presigner.put(key, write(CONTENT), media_type="image/webp")
    await presigner.put(target, write(b"old"), media_type="image/webp")
    await presigner.move(key, target)
    assert not await is_there(presigner, key)
    assert await content_of(presigner, target) == CONTENT
    await presigner.move(target, target)
    assert await content_of(presigner, target) == CONTENT


@pytest.mark.parametrize("missing", ["nothing", "quarantine/nothing", "", "\0"])
async def test_moving_what_is_not_there(
    presigner: S3Store, missing: str, write: Callable[[bytes], Path]
) -> None:
    target = token_hex(32)
    await presigner.put(target, write(CONTENT), media_type="image/webp")
    with pytest.raises(NotFound):
        await presigner.move(missing, target)
    with pytest.raises(NotFound):
        await presigner.move(missing, missing)
    assert await content_of(presigner, target) == CONTENT
