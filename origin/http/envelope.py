"""What every answer of the API has in common, and how much is done for a request before it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from origin.errors import BodyTooLarge, OriginError, TooManySignIns
from origin.http.asgi import header, respond
from origin.http.problems import encode, problem_of

LARGEST_BODY: Final = 16 << 10
"""Bytes of a body that is not an upload: the framework reads those whole, before it asks who sends them."""
SIGN_INS: Final = frozenset({"/auth/login", "/auth/session", "/auth/register"})
MOST_SIGN_INS: Final = 64
"""Sign-ins at once; each waits for the hash of a password. More are turned away before the framework spends a
millisecond of the loop on each: a thousand that come together would keep pictures waiting for a second."""


class Completed:
    """ASGI middleware around all else: the headers that every answer has, also a preflight's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message["headers"], message["status"], scope)
            await send(message)

        await self._app(scope, receive, answer)


class Envelope:
    """ASGI middleware around the API. ``is_upload`` tells the requests whose bodies their handlers stream."""

    def __init__(self, app: ASGIApp, is_upload: Callable[[Scope], bool]) -> None:
        self._app = app
        self._is_upload = is_upload
        self._sign_ins = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_upload(scope):
            await self._app(scope, receive, send)
            return
        body = await _read(scope, receive)
        if body is None:
            text = f"A body that is not an upload has at most {LARGEST_BODY} bytes."
            await _refuse(scope, send, BodyTooLarge(text))
        elif scope["method"] == "POST" and scope["path"] in SIGN_INS:
            await self._sign_in(scope, _replay(body, receive), send)
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._sign_ins >= MOST_SIGN_INS:
            await _refuse(scope, send, TooManySignIns())
            return
        self._sign_ins += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sign_ins -= 1


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, or None when it is or says that it is larger than LARGEST_BODY."""
    announced = header(scope, b"content-length")
    if announced is not None and (not re.fullmatch("[0-9]{1,9}", announced) or int(announced) > LARGEST_BODY):
        return None
    if announced is None and header(scope, b"transfer-encoding") is None:
        return b""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def once_more() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


async def _refuse(scope: Scope, send: Send, error: OriginError) -> None:
    scope["state"]["error"] = error
    headers, body = encode(problem_of(error), scope["state"]["request_id"])
    await respond(send, error.status, headers, body, head=scope["method"] == "HEAD")


def _completed(headers: list[tuple[bytes, bytes]], status: int, scope: Scope) -> list[tuple[bytes, bytes]]:
    """What problem documents have already is not said twice."""
    present = {name.lower() for name, _ in headers}
    common = (
        (b"x-request-id", scope["state"]["request_id"].encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    kept = [pair for pair in headers if status != 204 or pair[0].lower() != b"content-type"]
    return [*kept, *(pair for pair in common if pair[0] not in present)]
