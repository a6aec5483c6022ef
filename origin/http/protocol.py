"""HTTP/1.1 at the socket: uvicorn's protocol, with the target as it was sent and errors in the one shape."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from origin.http.asgi import RAW_TARGET, WATCHING
from origin.http.problems import Problem, encode, status_problem

LONGEST_HEAD: Final = 64 << 10
"""Bytes of a request line with all headers, above which nobody waits for the end of them."""

MALFORMED: Final = status_problem(400, "bad_request", "The request line or a header is malformed.")
TOO_LARGE: Final = status_problem(
    431, "headers_too_large", f"The request line and the headers together have at most {LONGEST_HEAD} bytes."
)


class Protocol(HttpToolsProtocol):
    """One connection.

    ASGI knows no difference between ``/cat``, ``/cat?``, ``/cat#x`` and ``http://host/cat``, and a picture's
    URL has one spelling: the scope says under ``RAW_TARGET`` what was sent. Who is in the set of ``WATCHING``
    is called when the client leaves.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = None
        self._watching: set[Callable[[], None]] = set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for leave in tuple(self._watching):
            leave()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > LONGEST_HEAD and not self.transport.is_closing():
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        self.scope[RAW_TARGET] = self.url  # type: ignore[typeddict-unknown-key]
        self.scope[WATCHING] = self._watching  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the text that uvicorn would send
        self._refuse(MALFORMED)

    def _refuse(self, problem: Problem) -> None:
        headers, body = encode(problem, secrets.token_hex(8))
        lines = [name + b": " + value + b"\r\n" for name, value in [*headers, (b"connection", b"close")]]
        self.transport.write(b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body]))
        self.transport.close()
