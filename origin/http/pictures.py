"""Delivery over HTTP: ``GET`` and ``HEAD`` of a picture, and the question nginx asks about one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from origin.errors import OriginError
from origin.http.asgi import (
    ClientGone,
    HeaderList,
    Receive,
    Scope,
    Send,
    beyond_path,
    header,
    raw_path,
    respond,
    while_connected,
)
from origin.http.problems import SAFE, Problem, encode, problem_of, status_problem
from origin.service.access import Principal
from origin.service.admission import Admitted, Ask
from origin.service.deliver import WARNING, Deliver, Delivered
from origin.service.explain import Explain
from origin.service.negotiate import wants_picture
from origin.service.purge import Emissions
from origin.service.queryform import path_of
from urlspec.errors import UrlError
from urlspec.outputs import Download, Version

YEAR: Final = 31_536_000
DRAFT_SECONDS: Final = 60
FALLBACK_SECONDS: Final = 10
HINTS: Final = b"Sec-CH-Width, Width, Sec-CH-DPR, DPR, Save-Data"
ALLOW: Final = b"GET, HEAD, OPTIONS"

Authenticate = Callable[[Scope], Awaitable[Principal | None]]
Address = Callable[[Scope], str]
Notice = Callable[[int, str, str, str], Awaitable[bytes]]
"""Draws status, title, detail and code of a refusal as a PNG. Raises OriginError."""


class Pictures:
    """ASGI application of every delivery path."""

    def __init__(
        self,
        deliver: Deliver,
        explain: Explain,
        *,
        cache_control: str,
        public_url: str,
        cors_origins: frozenset[str],
        authenticate: Authenticate,
        address: Address,
        emissions: Emissions | None = None,
        notice: Notice | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._deliver = deliver
        self._explain = explain
        self._cache_control = cache_control.encode()
        self._public_url = public_url
        self._cors_origins = cors_origins
        self._authenticate = authenticate
        self._address = address
        self._emissions = emissions
        self._notice = notice
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in {"GET", "HEAD"}:
            await self._other_method(scope, send)
            return
        await self._answer(scope, receive, send, self._path_form(scope))

    async def query_form(self, id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """``GET /images/<id>?width=…``. Caches in front do not keep it, so no purge needs to know of it."""
        await self._answer(scope, receive, send, self._query_form(id, scope))

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, work: Coroutine[Any, Any, tuple[Delivered, bool]]
    ) -> None:
        head = scope["method"] == "HEAD"
        try:
            delivered, keepable = await while_connected(scope, receive, work)
        except ClientGone:
            return
        except Exception as error:
            await self._refuse(scope, send, error, head=head)
            return
        await self._send(scope, send, delivered, head=head, keepable=keepable)

    async def _path_form(self, scope: Scope) -> tuple[Delivered, bool]:
        """The answer, and whether a cache in front may keep it."""
        ask = await self._ask(scope, raw_path(scope), beyond_path(scope))
        delivered = await self._deliver.deliver(ask)
        if self._emissions is None or not delivered.admitted.public:
            return delivered, True
        variant = header(scope, b"x-cache-variant") or ""
        return delivered, await self._emissions.note(ask, delivered.admitted, variant)

    async def _query_form(self, id: str, scope: Scope) -> tuple[Delivered, bool]:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return await self._deliver.deliver(await self._ask(scope, path_of(id, query), b"")), True

    async def _ask(self, scope: Scope, path: bytes, beyond: bytes) -> Ask:
        if beyond:
            raise UrlError(
                "query_not_allowed",
                "A picture's URL is a path: without a query string, a fragment or a host; every option stands"
                " in the path.",
                expected="a path such as /w_300,f_webp/<id>",
            )
        principal = await self._authenticate(scope)
        return Ask(
            path,
            header(scope, b"accept"),
            header(scope, b"sec-ch-width") or header(scope, b"width"),
            header(scope, b"sec-ch-dpr") or header(scope, b"dpr"),
            principal,
            header(scope, b"if-none-match"),
            f"user:{principal.id}" if principal else f"ip:{self._address(scope)}",
            header(scope, b"save-data"),
        )

    async def _send(
        self, scope: Scope, send: Send, delivered: Delivered, *, head: bool, keepable: bool
    ) -> None:
        headers = self._common(delivered.admitted, fallback=delivered.fallback, draft=delivered.draft)
        headers.append((b"etag", delivered.etag.encode()))
        headers.append((b"x-request-id", scope["state"]["request_id"].encode()))
        if not keepable:
            headers.append((b"x-accel-expires", b"0"))
        made = delivered.made
        if made is None:
            scope["state"]["cache"] = "client"
            await respond(send, 304, headers, b"", head=True)
            return
        result = made.result
        timing = ", ".join(f"{stage};dur={seconds * 1000:.1f}" for stage, seconds in made.seconds.items())
        headers += [
            (b"content-type", result.media_type.encode()),
            (b"content-length", str(len(result.body)).encode()),
            (b"x-cache", made.cache.encode()),
            (b"server-timing", (timing or "fetch;dur=0, render;dur=0").encode()),
            *((name.lower().encode(), value.encode()) for name, value in result.headers),
        ]
        if (named := delivered.admitted.request.output.get(Download)) is not None:
            headers.append((b"content-disposition", disposition(named.name)))
        scope["state"]["cache"] = made.cache
        scope["state"]["seconds"] = made.seconds
        scope["state"]["warning"] = dict(result.headers).get(WARNING, "")
        await respond(send, 200, headers, result.body, head=head)

    def _common(self, admitted: Admitted, *, fallback: str = "", draft: bool = False) -> HeaderList:
        """Headers that a 200 and its 304 share."""
        headers: HeaderList = [
            *SAFE,
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"timing-allow-origin", b"*"),
            (b"last-modified", formatdate(admitted.modified, usegmt=True).encode()),
            (b"link", f'<{self._public_url}{admitted.reading.canonical}>; rel="canonical"'.encode()),
        ]
        headers.append((b"cache-control", self.cache_control(admitted, draft=draft, fallback=bool(fallback))))
        if fallback:
            headers.append((b"x-fallback", fallback.encode()))
        if admitted.assets:
            headers.append((b"surrogate-key", " ".join(admitted.assets).encode()))
        if admitted.public:
            headers.append((b"access-control-allow-origin", b"*"))
        varies = [b"Accept"] if admitted.negotiated else []
        if admitted.hinted:
            varies.append(HINTS)
            headers.append((b"accept-ch", b"Sec-CH-Width, Sec-CH-DPR"))
        if varies:
            headers.append((b"vary", b", ".join(varies)))
        return headers

    def cache_control(self, admitted: Admitted, *, draft: bool = False, fallback: bool = False) -> bytes:
        """How long the answer may be kept, and by whom."""
        soon = FALLBACK_SECONDS if fallback else DRAFT_SECONDS if draft else 0
        versioned = admitted.request.output.has(Version)
        if not admitted.public:
            longest = soon or (YEAR if versioned else 3_600)
            expires = admitted.credentials.expires
            left = int(expires - self._clock()) if expires else 300
            return f"private, max-age={max(0, min(longest, left))}".encode()
        if soon:
            return f"public, max-age={soon}".encode()
        return f"public, max-age={YEAR}, immutable".encode() if versioned else self._cache_control

    async def _refuse(self, scope: Scope, send: Send, error: Exception, *, head: bool) -> None:
        problem = problem_of(error)
        scope["state"]["error"] = error
        headers, body = encode(problem, scope["state"]["request_id"])
        if problem.status == 401:
            headers.append((b"www-authenticate", b'Bearer error="invalid_token"'))
        if self._notice is not None and wants_picture(header(scope, b"accept")):
            headers, body = await _drawn(self._notice, problem, headers, body)
        await respond(send, problem.status, headers, body, head=head)

    async def _other_method(self, scope: Scope, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            origin = header(scope, b"origin") or ""
            headers: HeaderList = [
                (b"allow", ALLOW),
                (b"x-request-id", scope["state"]["request_id"].encode()),
            ]
            if origin in self._cors_origins:
                headers += [
                    (b"access-control-allow-origin", origin.encode("latin-1")),
                    (b"access-control-allow-methods", ALLOW),
                    (b"access-control-allow-headers", b"Authorization"),
                    (b"access-control-max-age", b"86400"),
                    (b"vary", b"Origin"),
                ]
            await respond(send, 204, headers, b"", head=True)
            return
        problem = status_problem(405, "method_not_allowed", "A picture can only be read: GET or HEAD.")
        headers, body = encode(problem, scope["state"]["request_id"])
        await respond(send, 405, [*headers, (b"allow", ALLOW)], body)

    async def authorize(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """``GET /_authorize``: may the request of ``X-Original-URI`` be answered, and under which key?

        Asked by nginx before it looks into its cache for what is private or expires. Never renders.
        """
        uri = (header(scope, b"x-original-uri") or "").encode("latin-1")
        path, mark, _ = uri.partition(b"?")
        try:
            admitted = await self._deliver.admission.admit(await self._ask(scope, path, mark))
        except Exception as error:
            problem = problem_of(error)
            scope["state"]["error"] = error
            status = 403 if problem.status < 500 else problem.status
            headers, body = encode(problem, scope["state"]["request_id"])
            headers.append((b"x-auth-status", str(problem.status).encode()))
            await respond(send, status, headers, body)
            return
        await respond(
            send,
            204,
            [
                (b"x-cache-key", admitted.key.encode()),
                (b"x-cache-control", self.cache_control(admitted)),
                (b"cache-control", b"no-store"),
            ],
            b"",
            head=True,
        )

    async def explain(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``GET /explain/<any delivery path>``: how the URL was read. Renders nothing."""
        if scope["method"] not in {"GET", "HEAD"}:
            await self._other_method(scope, send)
            return
        head = scope["method"] == "HEAD"
        try:
            ask = await self._ask(scope, raw_path(scope)[len(b"/explain") :], beyond_path(scope))
            body = await while_connected(scope, receive, self._explain.explain(ask))
        except ClientGone:
            return
        except Exception as error:
            await self._refuse(scope, send, error, head=head)
            return
        headers = [
            *SAFE,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-request-id", scope["state"]["request_id"].encode()),
        ]
        await respond(send, 200, headers, body, head=head)


async def _drawn(
    notice: Notice, problem: Problem, headers: HeaderList, body: bytes
) -> tuple[HeaderList, bytes]:
    """The same refusal as a picture, or as it was where none can be drawn just now."""
    try:
        picture = await notice(problem.status, problem.title, problem.detail, problem.code)
    except OriginError:
        return headers, body
    kept = [
        one
        for one in headers
        if one[0] not in {b"content-type", b"content-length", b"cache-control", b"vary"}
    ]
    return [
        *kept,
        (b"content-type", b"image/png"),
        (b"content-length", str(len(picture)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-error", problem.code.encode()),
    ], picture


def disposition(name: str) -> bytes:
    """``Content-Disposition`` in both forms of RFC 6266: plain ASCII for old clients, UTF-8 for the rest."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode("ascii")
