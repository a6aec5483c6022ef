"""The whole HTTP surface: one ASGI application that sends each path to its part."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from starlette.applications import Starlette

from origin.http.asgi import HeaderList, Message, Receive, Scope, Send, header, raw_path, request_id, respond
from origin.http.exchange import Exchange, Observe
from origin.http.monitor import Monitor
from origin.http.pictures import Pictures

PAGES: Final = frozenset(
    {b"", b"healthz", b"readyz", b"metrics", b"robots.txt", b"favicon.ico", b"openapi.json", b"docs"}
)
API: Final = frozenset({b"auth", b"images"})

MARK: Final[HeaderList] = [
    (b"content-length", b"0"),
    (b"cache-control", b"no-store"),
    (b"vary", b"X-Cache-Refresh"),
]
"""What nginx keeps in place of a copy that it shall forget: to no later request is it the answer."""

ID: Final = re.compile(rb"(?!(?:upload|presign)\Z)[A-Za-z0-9-]{1,64}")
"""What may be an asset's id below ``/images/``."""

_USUAL: Final = (700, 10, 10)
"""CPython's own: how many young objects call for the collector, and how many of its visits for older ones."""

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class Server:
    """Dispatches by the raw first segment: a decoded path has more spellings than one.

    Every request ends with a call of each of ``observers``, whatever became of it.
    """

    def __init__(
        self,
        pictures: Pictures,
        pages: Starlette,
        api: Starlette,
        lifespan: Lifespan,
        monitor: Monitor,
        observers: Sequence[Observe],
    ) -> None:
        self._pictures = pictures
        self._pages = pages
        self._api = api
        self._lifespan = lifespan
        self._monitor = monitor
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = {"request_id": request_id(scope)}
        scope["state"] = state
        started = time.perf_counter()
        answered = _Answered(send)
        try:
            await self._route(scope, receive, answered)
        finally:
            seconds = time.perf_counter() - started
            exchange = Exchange(scope, answered.status, answered.sent, seconds)
            for observe in self._observers:
                observe(exchange)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = raw_path(scope)
        state = scope["state"]
        first, _, rest = path[1:].partition(b"/")
        if self._monitor.here(scope):
            state["route"] = "page"
            await self._pages(scope, receive, send)
        elif path == b"/_authorize":
            state["route"] = "authorize"
            await self._pictures.authorize(scope, receive, send)
        elif path == b"/_marker":
            state["route"] = "marker"
            await respond(send, 200, MARK, b"", head=scope["method"] == "HEAD")
        elif first == b"explain" and rest:
            state["route"] = "explain"
            await self._pictures.explain(scope, receive, send)
        elif first in PAGES and not rest:
            state["route"] = "page"
            await self._pages(scope, receive, send)
        elif first in API and (id := _picture_by_query(scope, first, rest)) is not None:
            await self._pictures.query_form(id, scope, receive, send)
        elif first in API and (rest or first == b"images"):
            state["route"] = "api"
            await self._api(scope, receive, send)
        else:
            await self._pictures(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._lifespan():
                _settle()
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except BaseException as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def _settle() -> None:
    """Take what was imported and made at the start out of the garbage collector's sight, for good.

    It would walk a few hundred thousand objects again and again and never find one that is garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUAL)  # what runs now makes garbage


def _picture_by_query(scope: Scope, first: bytes, rest: bytes) -> str | None:
    """The id in ``GET /images/<id>`` when the picture is wanted and not what is known of it."""
    if first != b"images" or scope["method"] not in {"GET", "HEAD"} or not ID.fullmatch(rest):
        return None
    wants_json = "application/json" in (header(scope, b"accept") or "") and not scope["query_string"]
    return None if wants_json else rest.decode("ascii")


class _Answered:
    """``send`` that remembers the status and counts the body's bytes, and adds nothing else."""

    __slots__ = ("_send", "sent", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)
