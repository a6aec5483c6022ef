"""A small HTTP server for what stands in front of one: it answers as told and remembers what arrived."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from tests.support.servers import free_port

KEPT = "public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400"
"""What the origin says about an ordinary picture."""


@dataclass(frozen=True)
class Request:
    """A request as it arrived: ``target`` is the raw text of the request line."""

    method: str
    target: str
    headers: Message
    body_bytes: int
    body: bytes = b""
    """The beginning of it, at most 64 KiB."""


@dataclass(frozen=True)
class Reply:
    """An answer.

    ``cut`` sends that many bytes of the body and hangs up, -1 not even the headers; ``measured=False`` sends
    no length.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    measured: bool = True


@dataclass
class Upstream:
    """``answer`` decides; ``seen`` is everything that arrived, in order."""

    port: int
    answer: Callable[[Request], Reply]
    seen: list[Request] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def arrived(self, target: str) -> list[Request]:
        """The requests for exactly this target."""
        return [request for request in self.seen if request.target == target]

    def start(self) -> None:
        upstream = self

        class Handler(_Handler):
            owner = upstream

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Hang up on everybody and refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            # A kept connection is closed by its own thread, when the next request arrives on it.


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: ClassVar[Upstream]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def handle_one_request(self) -> None:
        # A client that hangs up is not news here.
        with suppress(ConnectionError):
            super().handle_one_request()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(min(64 << 10, length))
        taken = len(body)
        while taken < length:
            taken += len(self.rfile.read(min(1 << 20, length - taken)))
        if self.owner._server is None:
            self.close_connection = True
            return
        request = Request(self.command, self.requestline.split(" ")[1], self.headers, taken, body)
        self.owner.seen.append(request)
        reply = self.owner.answer(request)
        if reply.cut == -1:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.measured:
            self.send_header("Content-Length", str(len(reply.body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None or not reply.measured:
            self.wfile.flush()
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815


@contextmanager
def upstream(answer: Callable[[Request], Reply]) -> Iterator[Upstream]:
    """A running upstream on a free loopback port."""
    server = Upstream(free_port(), answer)
    server.start()
    try:
        yield server
    finally:
        server.stop()


_serial = itertools.count(1)


def fresh_id() -> str:
    """An id no other test of this run uses."""
    return f"asset{next(_serial)}"


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def edge(self) -> str | None:
        return self.headers["X-Edge"]


def ask(
    url: str,
    target: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    """One request on a connection of its own, the target sent as it stands."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def send(url: str, request: bytes) -> Answer:
    """Any bytes as a request, and the answer; a body that ends too soon is given as far as it came."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        with HTTPResponse(connection) as response:
            response.begin()
            try:
                body = response.read()
            except IncompleteRead as error:
                body = error.partial
            return Answer(response.status, response.headers, body)
