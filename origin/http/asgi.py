"""The little of ASGI that the delivery path needs, without a framework between the socket and a hit."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any, Final, TypeVar

T = TypeVar("T")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
HeaderList = list[tuple[bytes, bytes]]

RAW_TARGET: Final = "origin.raw_target"
"""Where the scope has the request's target, byte for byte, from servers that tell it."""
WATCHING: Final = "origin.watching"
"""Where the scope has the set of those who want to be called when the client leaves, from servers that do so:
a second task for every request, which only waits for that, costs as much as finding a picture in memory."""

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9-]{1,64}")


class ClientGone(Exception):
    """The client closed its connection before the answer was ready."""


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a request header; several lines of one name are joined as RFC 9110 says."""
    values = [value for key, value in scope["headers"] if key == name]
    return b", ".join(values).decode("latin-1") if values else None


def request_id(scope: Scope) -> str:
    """The client's request id when it is harmless, else a new one."""
    for key, value in scope["headers"]:
        if key == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(8)


def raw_path(scope: Scope) -> bytes:
    """The path as it was sent, undecoded and without a query string."""
    return bytes(scope["raw_path"])


def beyond_path(scope: Scope) -> bytes:
    """What the target holds besides the path: a query or a fragment, also an empty one, a scheme and host."""
    target: bytes = scope.get(RAW_TARGET) or raw_path(scope) + scope["query_string"]
    return target.removeprefix(raw_path(scope))


async def respond(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, *, head: bool = False
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def while_connected(scope: Scope, receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is cancelled when the client leaves first (ClientGone)."""
    watching: set[Callable[[], None]] | None = scope.get(WATCHING)
    if watching is None:
        return await _beside_a_watcher(receive, work)
    task, gone = asyncio.current_task(), False
    assert task is not None

    def leave() -> None:
        nonlocal gone
        gone = True
        task.cancel()

    watching.add(leave)
    try:
        return await work
    finally:
        watching.discard(leave)
        if gone:
            task.uncancel()
            raise ClientGone


async def _beside_a_watcher(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return await task
    finally:
        for pending in (task, watcher):
            if not pending.done():
                pending.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
