"""Telling caches in front that a picture changed: nginx with the shipped nginx.conf, and a CDN's own purge.

Both take the lines that were recorded when the pictures were sent: the raw path, a line feed, and what tells
the copies of this path apart (nginx's ``X-Cache-Variant``; empty when the request came past nginx).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import httpx

from origin.errors import Unavailable

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,}")
"""Characters that mean themselves in the regular expression of nginx.conf that compares the secret."""

TIMEOUT: Final = 2.0
CONNECTIONS: Final = 16


class NotMarked(Exception):
    """The edge answered, but set no mark."""


class NginxEdge:
    """One nginx at ``url`` (``http://host:port``), whose copies are replaced by marks; see nginx.conf.

    ``secret`` is the one in its configuration: 32 or more of letters, digits, ``-`` and ``_``. ``timeout`` is
    in seconds and for one request; at most ``connections`` are open at a time. ValueError for a URL with a
    path and for a secret that nginx could not compare.
    """

    def __init__(
        self, url: str, secret: str, *, timeout: float = TIMEOUT, connections: int = CONNECTIONS
    ) -> None:
        if not SECRET.fullmatch(secret):
            raise ValueError("the secret of an edge is 32 or more of A-Z a-z 0-9 - _")
        base = httpx.URL(url)
        if base.scheme not in {"http", "https"} or not base.host or base.raw_path != b"/":
            raise ValueError(f"{url!r} is not the address of an edge, such as http://10.88.0.10:8080")
        self._url = base
        self._secret = secret
        self._connections = connections
        self._client = _client(timeout, connections)

    async def close(self) -> None:
        await self._client.aclose()

    async def purge(self, asset: str, paths: Sequence[str]) -> None:  # noqa: ARG002 nginx knows no assets
        """Mark every copy. Tries all that it can; Unavailable when one was not marked."""
        copies = (line.partition("\n")[::2] for line in dict.fromkeys(paths))
        # Without a variant the answer did not come by the location whose copies can be marked.
        pending = ((path, variant) for path, variant in copies if variant)
        failures: list[Exception] = []

        async def work() -> None:
            for path, variant in pending:
                try:
                    await self._mark(path, variant)
                except NotMarked as error:
                    failures.append(error)
                except httpx.HTTPError as error:
                    # When the edge is away, each of us finds out once, not once a copy.
                    failures.append(error)
                    return

        await asyncio.gather(*(work() for _ in range(self._connections)))
        if failures:
            raise Unavailable("A cache in front could not be told of the change.") from failures[0]

    async def _mark(self, path: str, variant: str) -> None:
        request = self._client.build_request(
            "GET",
            self._url,
            headers={"x-cache-refresh": self._secret, "x-cache-variant": variant},
            # The request target byte for byte: as part of a URL it would be normalised.
            extensions={"target": path.encode("ascii")},
        )
        answer = await _sent(self._client, request)
        edge = answer.headers.get("x-edge")
        if edge != "MARKED":
            raise NotMarked(f"status {answer.status_code}, X-Edge {edge}")


class WebhookEdge:
    """A CDN, or an adapter to one, that purges by surrogate key or by path.

    Receives ``POST {"surrogate_key": <asset id>, "paths": [...]}`` with the token as bearer, and answers with
    a 2xx. Every picture carries the ids of its assets in ``Surrogate-Key``.
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = TIMEOUT) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = _client(timeout, 4)

    async def close(self) -> None:
        await self._client.aclose()

    async def purge(self, asset: str, paths: Sequence[str]) -> None:
        """Also without paths: the key may cover what is not on record. Unavailable unless it was taken."""
        plain = list(dict.fromkeys(line.partition("\n")[0] for line in paths))
        body = {"surrogate_key": asset, "paths": plain}
        request = self._client.build_request("POST", self._url, json=body, headers=self._headers)
        try:
            (await _sent(self._client, request)).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("The CDN did not take the purge.") from error


def _client(timeout: float, connections: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        # Waiting for a free connection is no failure of the other side.
        timeout=httpx.Timeout(timeout, pool=None),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )


async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """The answer; tried twice when the connection broke, as kept ones do when the other side restarts."""
    try:
        return await client.send(request)
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        return await client.send(request)
