"""What reaches the socket: targets that are no path, requests that are none, heads without an end."""

from __future__ import annotations

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from origin.http.protocol import LONGEST_HEAD
from tests.support.origin import OriginServer


def send(server: OriginServer, raw: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """The first answer to some bytes, and its body."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer, answer.read()


def refused(answer: http.client.HTTPResponse, body: bytes) -> tuple[int, str]:
    """Status and code, of a problem document like any other."""
    document = json.loads(body)
    assert answer.headers.get_content_type() == "application/problem+json"
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
        "no-store",
        "nosniff",
    )
    assert (document["status"], document["request_id"]) == (answer.status, answer.headers["X-Request-Id"])
    return answer.status, document["code"]


@pytest.mark.parametrize(
    "target",
    [
        *("/w_9/{id}?", "/w_9/{id}#", "/w_9/{id}#f", "/w_9/{id}?#", "/w_9/{id}?x=1", "/{id}?", "/{id}#"),
        *(
            "http://other.example/w_9/{id}",
            "//other.example/w_9/{id}",
            "/explain/w_9/{id}?",
            "/explain/{id}#f",
        ),
    ],
)
def test_a_picture_has_one_target(origin: OriginServer, target: str) -> None:
    target = target.format(id=origin.ids["card.png"])
    answer, body = send(origin, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert refused(answer, body) in {(400, "query_not_allowed"), (400, "path_invalid")}


MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "unknown method": b"BREW /w_9/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in the target": b"GET /w_9/a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "control in the target": b"GET /w_9/a\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "raw UTF-8": "GET /w_9/é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "header without a colon": b"GET /w_9/x HTTP/1.1\r\nHost\r\n\r\n",
    "space before the colon": b"GET /w_9/x HTTP/1.1\r\nHost : x\r\n\r\n",
    "NUL in a header": b"GET /w_9/x HTTP/1.1\r\nHost: x\0\r\n\r\n",
    "two lengths": b"POST /auth/login HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length, chunks": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a1"),
}  # fmt: skip


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_request_is_refused_in_the_one_shape(origin: OriginServer, raw: bytes) -> None:
    answer, body = send(origin, raw)
    assert refused(answer, body) == (400, "bad_request")
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize(
    "start",
    [b"GET /w_9/x HTTP/1.1\r\nX-Long: ", b"GET /", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100],
    ids=["a header", "a target", "many headers"],
)
def test_a_head_that_does_not_end_is_not_waited_for(origin: OriginServer, start: bytes) -> None:
    filling = b"A: b\r\n" if start.endswith(b"\n") else b"a"
    answer, body = send(origin, start + filling * (LONGEST_HEAD // len(filling) + 1))
    assert refused(answer, body) == (431, "headers_too_large")
    assert answer.headers["Connection"] == "close"


def test_bodies_and_many_requests_of_one_connection_are_no_long_head(origin: OriginServer) -> None:
    place = urlsplit(origin.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    for _ in range(3):
        connection.request("POST", "/w_9/x", body=b"x" * (LONGEST_HEAD * 2), headers={"X-Long": "a" * 30_000})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (405, "method_not_allowed")
    connection.close()
