"""What is passed on and never kept, and nginx's own refusals."""

from __future__ import annotations

import pytest

from tests.support.edge import Edge, problem
from tests.support.upstream import Reply, ask, fresh_id, send

ROUTES = """
/ /healthz /readyz /metrics /openapi.json /docs /auth/login /explain/w_300/abc /images /images/upload
/images/abc /images/abc?width=3&height=4 /images?limit=2 /images/a.jpg /images/a%2Fb.jpg
"""


@pytest.mark.parametrize("target", ROUTES.split())
def test_the_api_is_never_kept(edge: Edge, target: str) -> None:
    before = len(edge.origin.arrived(target))
    sent = {"Authorization": "Bearer a", "Cookie": "origin_session=1", "Accept": "application/json"}
    forged = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Host": "evil", "X-Request-Id": "mine"}
    for _ in range(2):
        answer = edge.get(target, Host="img.example:8080", **sent, **forged)
        assert (answer.status, answer.edge) == (200, None)
    arrived = [request.headers for request in edge.origin.arrived(target)[before:]]
    assert len(arrived) == 2
    got = arrived[0]
    assert {name: got[name] for name in sent} == sent
    assert got["Host"] == "img.example:8080"
    assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert got["X-Forwarded-Host"] is None
    assert arrived[1]["X-Request-Id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "target",
    [
        "/_authorize",
        "/%5Fauthorize",
        "/w_1/../_authorize",
        "/_problem",
        "/_uncached",
        "/_authorised",
        "/_x/y",
    ],
)
def test_the_inner_routes_are_not_reachable(edge: Edge, target: str) -> None:
    before = len(edge.origin.seen)
    assert problem(edge.get(target, X_Original_URI="/abc")) == (404, "not_found")
    assert len(edge.origin.seen) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "PURGE"])
def test_pictures_are_only_read(edge: Edge, method: str) -> None:
    answer = ask(edge.url, f"/w_300/{fresh_id()}", method=method)
    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_preflights_pass_and_are_not_kept(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    for _ in range(2):
        assert ask(edge.url, target, asked, method="OPTIONS").status == 200
    arrived = edge.origin.arrived(target)
    assert [request.method for request in arrived] == ["OPTIONS"] * 2
    assert arrived[0].headers["Origin"] == "https://a.example"


@pytest.mark.parametrize("target", ["/images", "/images/upload", "/images/abc/file"])
def test_an_upload_of_the_largest_size_passes(edge: Edge, target: str) -> None:
    assert ask(edge.url, target, method="POST", body=bytes(65 << 20)).status == 200
    assert edge.origin.arrived(target)[-1].body_bytes == 65 << 20


def call(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([line + b" HTTP/1.1", *headers, b"", b""])


TOO_MUCH = {
    "upload": (call(b"POST /images", b"Host: x", b"Content-Length: 68157441"), 413, "source_too_large"),
    "login": (call(b"POST /auth/login", b"Host: x", b"Content-Length: 1048577"), 413, "source_too_large"),
    "URL": (call(b"GET /" + b"a" * 9000, b"Host: x"), 414, "path_too_long"),
    "header": (call(b"GET /abc", b"Host: x", b"A: " + b"a" * 9000), 431, "headers_too_large"),
    "no host": (call(b"GET /abc"), 400, "bad_request"),
    "nonsense": (call(b"GET /abc", b"Host: x", b"Content-Length: many"), 400, "bad_request"),
}


@pytest.mark.parametrize(("sent", "status", "code"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_nginx_refuses_in_the_one_shape_of_errors(edge: Edge, sent: bytes, status: int, code: str) -> None:
    assert problem(send(edge.url, sent)) == (status, code)


def test_an_origin_that_breaks_off_is_a_502(edge: Edge) -> None:
    target = f"/images/{fresh_id()}"
    edge.replies[target] = Reply(cut=-1)
    assert problem(edge.get(target)) == (502, "origin_unreachable")
