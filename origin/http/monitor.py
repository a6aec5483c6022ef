"""``/metrics``, for Prometheus and nobody else."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from origin.errors import NotFound, Unauthorized
from origin.http.asgi import Scope, header

Exposition = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The metrics as text and their media type, for an ``Accept``."""


class Monitor:
    """Answers on ``port``, a listener of its own, or to whoever knows ``token``.

    With neither, only to direct callers on this machine. ``address`` tells a client's.
    """

    def __init__(
        self,
        exposition: Exposition,
        *,
        token: str | None,
        port: int | None,
        address: Callable[[Scope], str],
    ) -> None:
        self._exposition = exposition
        self._token = token
        self._address = address
        self.port = port

    async def metrics(self, request: Request) -> Response:
        self._admit(request.scope)
        body, media_type = await self._exposition(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})

    def here(self, scope: Scope) -> bool:
        """Whether the request came in at the monitoring port, where there are no pictures."""
        return self.port is not None and (scope.get("server") or ("", None))[1] == self.port

    def _admit(self, scope: Scope) -> None:
        """Raises Unauthorized, or NotFound where nobody from outside is meant to come."""
        if self._token is not None:
            scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
            right = hmac.compare_digest(token.strip().encode(), self._token.encode())
            if scheme.lower() != "bearer" or not right:
                raise Unauthorized("Send the metrics token as Authorization: Bearer <token>.")
        elif self.port is not None:
            if not self.here(scope):
                raise NotFound
        elif not self._local(scope):
            raise NotFound

    def _local(self, scope: Scope) -> bool:
        """A caller on this machine for whom nobody speaks: a proxy's word about loopback is not enough."""
        if header(scope, b"x-forwarded-for") is not None or header(scope, b"forwarded") is not None:
            return False
        try:
            return ipaddress.ip_address(self._address(scope)).is_loopback
        except ValueError:
            return False
