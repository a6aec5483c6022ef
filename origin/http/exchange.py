"""What became of one request: what logs, metrics and traces are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from origin.http.asgi import Scope, header

CLIENT_LEFT = 499
"""The status of a request whose client was gone before the answer began; nginx logs it so too."""


class Exchange(NamedTuple):
    """A request that has ended. Reading it costs what is read: most of it lies in the scope."""

    scope: Scope
    answered: int
    """The status that was sent; 0 when none was."""
    sent: int
    """Bytes of the body."""
    seconds: float

    @property
    def status(self) -> int:
        return self.answered or (500 if self.error else CLIENT_LEFT)

    @property
    def route(self) -> str:
        """``picture explain authorize marker page api``."""
        return str(self.scope["state"].get("route", "picture"))

    @property
    def request_id(self) -> str:
        return str(self.scope["state"]["request_id"])

    @property
    def cache(self) -> str:
        """Where a picture came from, as in ``X-Cache``; ``client`` for a 304, else nothing."""
        return str(self.scope["state"].get("cache", ""))

    @property
    def warning(self) -> str:
        """What went otherwise than a picture's URL asked, as in ``X-Warning``."""
        return str(self.scope["state"].get("warning", ""))

    @property
    def stages(self) -> Mapping[str, float]:
        """Seconds of fetching and rendering, where this request did either."""
        found: Mapping[str, float] = self.scope["state"].get("seconds", {})
        return found

    @property
    def error(self) -> Exception | None:
        """What was raised and answered with a problem document."""
        found: Exception | None = self.scope["state"].get("error")
        return found

    @property
    def received(self) -> int:
        """Bytes of the request's body, as announced."""
        if self.scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return 0
        length = header(self.scope, b"content-length") or ""
        return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0


Observe = Callable[[Exchange], None]
