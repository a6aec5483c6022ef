"""Originals and sources in S3, or in what speaks its language.

The credentials need ListBucket beside GetObject (and PutObject, DeleteObject for a store): without it S3 says
403 instead of 404, and a missing picture looks like storage that is away.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from origin.backends.disk import storage_errors
from origin.backends.s3_requests import SILENCE, Credentials, Refused, S3Requests, once, persistent
from origin.backends.window import Window
from origin.errors import BadRequest, NotFound, OriginError, StorageTimeout, StorageUnavailable
from origin.ports import ObjectInfo, ObjectStream

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

T = TypeVar("T")

PART = 16 * 1024 * 1024
"""Bytes of a part of a multipart upload; what is not larger goes in one request."""

LONGEST_KEY = 1024
"""Bytes of UTF-8; S3's own limit, prefix included."""


class S3Store:
    """The objects of ``bucket`` whose keys begin with ``prefix``; keys here are without it.

    ``endpoint_url`` None means AWS; without ``access_key`` the usual AWS sources of credentials apply.
    ``budget``: seconds until an answer begins, with all attempts. ``write_budget``: seconds for a whole put.
    One HTTP client, opened by the first call, serves the process.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        budget: float = 8.0,
        write_budget: float = 60.0,
        connections: int = 50,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._budget = budget
        self._write_budget = write_budget
        region = region or "us-east-1"
        self._session = aioboto3.Session(
            aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region
        )
        self._given = Credentials(access_key, secret_key) if access_key and secret_key else None
        self._requests = S3Requests(
            bucket,
            endpoint_url=endpoint_url,
            region=region,
            credentials=self._credentials,
            budget=budget,
            connections=connections,
        )
        self._endpoint_url = endpoint_url
        self._config = AioConfig(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=1,
            read_timeout=write_budget,  # for whole requests; ours are below
            retries={"total_max_attempts": 1, "mode": "standard"},  # ours, or attempts would multiply
            max_pool_connections=connections,
            http_session_cls=_Session,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._client: S3Client | None = None
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    @property
    def window(self) -> Window:
        """How many requests may be under way: fewer while S3 asks for it."""
        return self._requests.window

    async def close(self) -> None:
        self._client = None
        await self._requests.close()
        await self._stack.aclose()

    async def _credentials(self) -> Credentials:
        """Given, or found where AWS's programs look for them; those are renewed before they end."""
        if self._given is not None:
            return self._given
        try:
            found = await self._session.get_credentials()
            if found is None:
                raise Refused(0)
            frozen = await found.get_frozen_credentials()
        except BotoCoreError as error:
            raise Refused(0) from error
        if not (frozen.access_key and frozen.secret_key):
            raise Refused(0)
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    # Reading

    async def ping(self) -> None:
        """Raises StorageUnavailable or StorageTimeout unless the bucket answers."""
        try:
            await self._requests.ping()
        except NotFound as error:
            raise StorageUnavailable from error

    async def stat(self, key: str) -> ObjectInfo:
        return await self._requests.stat(self._name(key))

    def open(self, key: str) -> AbstractAsyncContextManager[ObjectStream]:
        return self._requests.open(self._name(key))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with ``prefix``, in S3's order."""
        async for key, _ in self._listed(prefix):
            yield key

    async def older_than(self, prefix: str, before: datetime) -> AsyncIterator[str]:
        async for key, modified in self._listed(prefix):
            if modified < before:
                yield key

    async def _listed(self, prefix: str) -> AsyncIterator[tuple[str, datetime]]:
        token: dict[str, Any] = {}
        while True:
            page = await self._request(
                lambda client: client.list_objects_v2(
                    Bucket=self._bucket, Prefix=self._prefix + prefix, **token
                )
            )
            for found in page.get("Contents", []):
                yield found["Key"].removeprefix(self._prefix), found["LastModified"]
            if not page["IsTruncated"]:
                return
            token["ContinuationToken"] = page["NextContinuationToken"]

    # Writing

    async def put(self, key: str, path: Path, *, media_type: str) -> None:
        """Store the file at ``path``. Raises StorageUnavailable and StorageTimeout; then nothing was stored,
        or all of it: a key that names the content may be put again."""
        try:
            name = self._name(key)
        except NotFound as error:
            raise BadRequest("This is no name for a stored file") from error
        with storage_errors():
            file = path.open("rb")
        try:
            async with asyncio.timeout(self._write_budget):
                await self._put(name, file, media_type)
        except TimeoutError as error:
            raise StorageTimeout from error
        finally:
            file.close()

    async def _put(self, name: str, file: BinaryIO, media_type: str) -> None:
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": name}
        first = await _part(file)
        if len(first) < PART:
            await self._request(
                lambda client: client.put_object(**where, Body=first, ContentType=media_type),
                writes=True,
            )
            return
        upload = await self._request(
            lambda client: client.create_multipart_upload(**where, ContentType=media_type), writes=True
        )
        upload_id = upload["UploadId"]
        try:
            parts = await self._put_parts(where, upload_id, file, first)
            await self._request(
                lambda client: client.complete_multipart_upload(
                    **where, UploadId=upload_id, MultipartUpload={"Parts": parts}
                ),
                writes=True,
            )
        except BaseException:
            # Also when we are cancelled: parts of an upload nobody completes are paid for and never seen.
            with suppress(OriginError):
                await self._request(lambda client: client.abort_multipart_upload(**where, UploadId=upload_id))
            raise

    async def _put_parts(self, where: dict[str, Any], upload: str, file: BinaryIO, data: bytes) -> list[Any]:
        parts: list[Any] = []
        while data:
            number, body = len(parts) + 1, data
            part = await self._request(
                lambda client: client.upload_part(
                    **where,
                    UploadId=upload,
                    PartNumber=number,  # noqa: B023 - called before the loop goes on
                    Body=body,  # noqa: B023
                ),
                writes=True,
            )
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
            data = await _part(file)
        return parts

    async def delete(self, key: str) -> None:
        with suppress(NotFound):
            name = self._name(key)
            await self._request(lambda client: client.delete_object(Bucket=self._bucket, Key=name))

    # Straight from a browser

    async def presign_put(
        self, key: str, *, sha256: str, size: int, media_type: str, seconds: int
    ) -> tuple[str, dict[str, str]]:
        """URL and headers of a PUT. Length, checksum and type are signed: S3 refuses a PUT with others.

        The length is not among the headers, since every client sends it by itself and a browser lets nobody
        else do it. Not every server compares the bytes with the checksum, so whoever uses them has to.
        """
        name = self._name(key)
        headers = {
            "Content-Type": media_type,
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
        }
        parameters = {
            "Bucket": self._bucket,
            "Key": name,
            "ContentLength": size,
            "ContentType": media_type,
            "ChecksumSHA256": headers["x-amz-checksum-sha256"],
        }
        url = await self._request(
            lambda client: client.generate_presigned_url("put_object", parameters, ExpiresIn=seconds)
        )
        return url, headers

    async def move(self, source: str, target: str) -> None:
        """Two steps: for a moment, or when the second fails, the object has both names."""
        there = {"Bucket": self._bucket, "Key": self._name(target)}
        here = {"Bucket": self._bucket, "Key": self._name(source)}
        if here == there:
            await self.stat(source)
            return
        await self._request(lambda client: client.copy_object(**there, CopySource=here), writes=True)  # type: ignore[arg-type]
        await self.delete(source)

    # Asking S3

    def _name(self, key: str) -> str:
        """The full key. Raises NotFound for what no object can be called.

        ``.`` and ``..`` are refused because something on the way may resolve them, out of the bucket.
        """
        name = self._prefix + key
        if not key or "\0" in name or {".", ".."} & set(name.split("/")):
            raise NotFound
        try:
            too_long = len(name.encode()) > LONGEST_KEY
        except UnicodeEncodeError as error:
            raise NotFound from error
        if too_long:
            raise NotFound
        return name

    async def _request(self, ask: Callable[[S3Client], Awaitable[T]], *, writes: bool = False) -> T:
        """The answer to ``ask``, tried a few times within the budget; errors are ours.

        A write may be silent for long, while S3 puts parts together, and must not be repeated for that.
        """
        budget, silence = (self._write_budget, None) if writes else (self._budget, SILENCE)

        async def attempt() -> T:
            try:
                return await ask(await self._opened())
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                raise Refused(int(status), error.response["Error"].get("Code", "")) from error
            except (ConnectTimeoutError, ReadTimeoutError) as error:
                raise TimeoutError from error
            except BotoCoreError as error:
                raise Refused(0) from error

        async with self.window.turn(budget):
            return await persistent(attempt, budget, silence, self.window)

    async def _opened(self) -> S3Client:
        async with self._opening:
            if self._client is None:
                context = self._session.client("s3", endpoint_url=self._endpoint_url, config=self._config)
                client: S3Client = await self._stack.enter_async_context(context)
                self._client = client
            return self._client


class _Session(AIOHTTPSession):
    """The library's HTTP, which repeats nothing by itself."""

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        return once(await super()._get_session(proxy_url))  # type: ignore[misc]


async def _part(file: BinaryIO) -> bytes:
    def read() -> bytes:
        with storage_errors():
            return file.read(PART)

    return await asyncio.to_thread(read)
