"""Signed requests to S3 whose answers are read, the hot path of an origin.

A GET through botocore costs more of the event loop's time than answering a hit: its parameters are validated,
serialised, hooked, signed and parsed by generic code. This one knows what it asks (AWS Signature Version 4,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html) and hands the body on as it
comes. `python -m benchmarks.s3` measures both.

Objects are read whole: every variant of a picture is made from the one copy in the source cache, and a range
would have to be fetched again with the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import random
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

import aiohttp
import certifi
from yarl import URL

from origin.backends.window import Window
from origin.errors import (
    NotFound,
    OriginError,
    StorageBroken,
    StorageTimeout,
    StorageTruncated,
    StorageUnavailable,
)
from origin.ports import ObjectInfo, ObjectStream

T = TypeVar("T")

CHUNK: Final = 256 * 1024
"""Least bytes handed on at once; what arrives in smaller pieces is gathered."""

ATTEMPTS: Final = 3
"""Of ours, and on the wire: see ``once``."""

SILENCE: Final = 3.0
"""Seconds of a read attempt until its answer begins, and between pieces of a body."""

BACKOFF: Final = 0.25
"""Seconds: the wait before attempt n is random below this times 2**(n - 1), at most 0.75 s in all."""

AGAIN: Final = {429, 500, 502, 503, 504}
"""Statuses after which S3 asks to be tried again."""

AGAIN_CODES: Final = {"SlowDown", "RequestTimeout"}

MISSING: Final = {"NoSuchKey", "404"}
"""HEAD is answered without a body and so without a code. NoSuchBucket and NoSuchUpload are ours to mend."""

CONNECT_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 12.0
"""Shorter than S3 keeps a connection that nobody uses."""

LONGEST_REFUSAL: Final = 64 * 1024
"""Bytes that are read of an answer which is no success."""

NOTHING: Final = hashlib.sha256(b"").hexdigest()

CODE: Final = re.compile(rb"<Code>\s*([A-Za-z0-9._-]{1,100})\s*</Code>")


class Refused(Exception):
    """S3 answered, and did not do it; or, with status 0, its client could not ask."""

    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code


ERRORS: Final = (Refused, aiohttp.ClientError, OSError)
"""What a request may raise; asyncio's TimeoutError is an OSError."""


async def persistent(
    ask: Callable[[], Awaitable[T]], budget: float, silence: float | None, window: Window
) -> T:
    """The answer to ``ask``, tried up to ATTEMPTS times within ``budget`` seconds; errors are ours.

    An attempt ends after ``silence`` seconds without an answer. ``window`` learns how it went.
    """
    try:
        async with asyncio.timeout(budget):
            for attempt in range(1, ATTEMPTS):
                try:
                    return await _attempt(ask, silence, window)
                except ERRORS as error:
                    if not _may_try_again(error):
                        raise
                    if attempt == 1 and _was_closed(error):
                        continue
                await asyncio.sleep(random.uniform(0, BACKOFF * 2 ** (attempt - 1)))  # noqa: S311
            return await _attempt(ask, silence, window)
    except ERRORS as error:
        raise translated(error) from error


async def _attempt(ask: Callable[[], Awaitable[T]], silence: float | None, window: Window) -> T:
    begun = window.now()
    try:
        async with asyncio.timeout(silence):
            found = await ask()
    except ERRORS as error:
        if _is_slow(error):
            window.slowed(begun)
        raise
    window.answered()
    return found


def _is_slow(error: Exception) -> bool:
    """Whether it is asked for too much."""
    if isinstance(error, Refused):
        return error.status in {429, 503} or error.code in AGAIN_CODES
    return isinstance(error, TimeoutError)


def _was_closed(error: Exception) -> bool:
    """Whether a connection broke before its answer: often one that was kept, and closed over there meanwhile.

    That says nothing about S3, so the second attempt need not wait.
    """
    broke = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    return broke and not isinstance(error, aiohttp.ClientConnectorError | TimeoutError)


def once(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Keep aiohttp from repeating what may be repeated when its connection breaks: attempts are ours.

    It has no option for that; its own test client does the same.
    """
    session._retry_connection = False
    return session


def _may_try_again(error: Exception) -> bool:
    return not isinstance(error, Refused) or error.status in AGAIN | {0} or error.code in AGAIN_CODES


def translated(error: Exception) -> OriginError:
    if isinstance(error, Refused):
        return NotFound() if error.code in MISSING else StorageUnavailable()
    # aiohttp's time-outs are connection errors and asyncio's TimeoutError at once.
    return StorageTimeout() if isinstance(error, TimeoutError) else StorageUnavailable()


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str | None = None
    """Of credentials that end."""


class Signer:
    """AWS Signature Version 4 of requests without a body, for one ``region``."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._key: tuple[str, str, bytes] = ("", "", b"")

    def headers(
        self, method: str, host: str, path: str, credentials: Credentials, now: datetime, query: str = ""
    ) -> dict[str, str]:
        """The headers that ``method`` on the escaped ``path`` has to carry. ``now`` is UTC; ``query`` is
        sorted and escaped."""
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        day = stamp[:8]
        signed = {"host": host, "x-amz-content-sha256": NOTHING, "x-amz-date": stamp}
        if credentials.token is not None:
            signed["x-amz-security-token"] = credentials.token
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{NOTHING}"
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._signing_key(day, credentials), text.encode(), hashlib.sha256).hexdigest()
        del signed["host"]  # the client writes it
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def _signing_key(self, day: str, credentials: Credentials) -> bytes:
        """It holds for a day, so it is kept."""
        known_day, secret, key = self._key
        if (known_day, secret) != (day, credentials.secret_key):
            key = f"AWS4{credentials.secret_key}".encode()
            for part in (day, self.region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (day, credentials.secret_key, key)
        return key


class S3Requests:
    """HEAD and GET of the objects of ``bucket``, by their full keys.

    ``endpoint_url`` None means AWS in ``region``. ``budget``: seconds until an answer begins, with all
    attempts. The HTTP client is opened by the first call. A bucket that says that it lies in another region
    is asked there from then on.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint_url: str | None,
        region: str,
        credentials: Callable[[], Awaitable[Credentials]],
        budget: float,
        connections: int,
    ) -> None:
        self._bucket = bucket
        self._endpoint_url = endpoint_url
        self._credentials = credentials
        self._budget = budget
        self._connections = connections
        self.window = Window(connections)
        self._session: aiohttp.ClientSession | None = None
        self._settle(region)

    def _settle(self, region: str) -> None:
        self._signer = Signer(region)
        ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        parts = urlsplit(self._endpoint_url or f"https://s3.{region}.{ending}")
        self._server = f"{parts.scheme}://{parts.netloc}"
        port = {"http": 80, "https": 443}.get(parts.scheme)
        self._host = parts.netloc.removesuffix(f":{port}")
        self._base = f"{parts.path.rstrip('/')}/{quote(self._bucket, safe='')}"

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ping(self) -> None:
        """Raises NotFound, StorageUnavailable and StorageTimeout unless the bucket answers."""
        await self._told(None)

    async def stat(self, name: str) -> ObjectInfo:
        """Raises NotFound, StorageUnavailable, StorageTimeout and StorageBroken."""
        return _info(await self._told(name))

    async def _told(self, name: str | None) -> aiohttp.ClientResponse:
        async with self.window.turn(self._budget):
            answer = await persistent(lambda: self._ask("HEAD", name), self._budget, SILENCE, self.window)
            answer.close()
            return answer

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[ObjectStream]:
        """Raises what :meth:`stat` does; its chunks StorageTruncated as well."""
        async with self.window.turn(self._budget):
            begun = self.window.now()
            answer = await persistent(lambda: self._ask("GET", name), self._budget, SILENCE, self.window)
            try:
                yield _Stream(_info(answer), answer)
            except StorageTimeout:
                self.window.slowed(begun)
                raise
            finally:
                answer.close()  # the connection went back to the pool if everything was read

    async def _ask(self, method: str, name: str | None) -> aiohttp.ClientResponse:
        """Raises Refused and what aiohttp raises."""
        answer = await self._sent(method, name)
        there = answer.headers.get("x-amz-bucket-region", self._signer.region)
        if answer.status in {301, 307, 400} and there != self._signer.region:
            answer.close()
            self._settle(there)
            answer = await self._sent(method, name)
        if answer.status == 200:
            return answer
        try:
            body = await answer.content.read(LONGEST_REFUSAL) if method == "GET" else b""
        finally:
            answer.close()
        code = CODE.search(body)
        raise Refused(answer.status, code[1].decode() if code else str(answer.status))

    async def _sent(self, method: str, name: str | None) -> aiohttp.ClientResponse:
        path = self._base if name is None else f"{self._base}/{quote(name, safe='/-_.~')}"
        credentials = await self._credentials()
        headers = self._signer.headers(method, self._host, path, credentials, datetime.now(UTC))
        url = URL(self._server + path, encoded=True)
        return await self._opened().request(method, url, headers=headers, allow_redirects=False)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            authorities = os.environ.get("AWS_CA_BUNDLE") or certifi.where()
            self._session = once(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(
                        limit=self._connections,
                        keepalive_timeout=IDLE_SECONDS,
                        ssl=ssl.create_default_context(cafile=authorities),
                    ),
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    headers={"Accept-Encoding": "identity"},
                    skip_auto_headers=("Accept",),
                    auto_decompress=False,  # an object's own Content-Encoding is not the transport's
                    read_bufsize=CHUNK,
                    trust_env=bool(getproxies()),
                )
            )
        return self._session


class _Stream:
    def __init__(self, info: ObjectInfo, answer: aiohttp.ClientResponse) -> None:
        self.info = info
        self._answer = answer

    async def chunks(self) -> AsyncIterator[bytes]:
        """Pieces of at least CHUNK bytes, but for the last one."""
        read, gathered, pieces = 0, 0, list[bytes]()
        try:
            while piece := await self._piece():
                read += len(piece)
                gathered += len(piece)
                pieces.append(piece)
                if gathered >= CHUNK:
                    yield b"".join(pieces)
                    gathered = 0
                    pieces.clear()
        except aiohttp.ClientPayloadError as error:
            raise StorageTruncated from error
        except ERRORS as error:
            raise translated(error) from error
        if pieces:
            yield b"".join(pieces)
        if read != self.info.size:
            raise StorageTruncated

    async def _piece(self) -> bytes:
        async with asyncio.timeout(SILENCE):
            return await self._answer.content.readany()


def _info(answer: aiohttp.ClientResponse) -> ObjectInfo:
    """Raises StorageBroken without a length: the end of such a body could not be told from a cut."""
    size = answer.headers.get("Content-Length", "")
    try:
        modified = parsedate_to_datetime(answer.headers.get("Last-Modified", ""))
    except ValueError as error:
        raise StorageBroken from error
    if not size.isdecimal() or modified.tzinfo is None:
        raise StorageBroken
    tag = answer.headers.get("ETag", "").strip('"')
    return ObjectInfo(int(size), tag or f"{modified.timestamp()}", modified)
