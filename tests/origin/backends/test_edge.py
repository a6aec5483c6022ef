"""Telling caches: a real nginx in front of a real upstream, and the receiver of a webhook."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import cast

import httpx
import pytest

from origin.backends.edge import NginxEdge, NotMarked, WebhookEdge
from origin.errors import Unavailable
from origin.ports import EdgePurger
from tests.conftest import NginxFactory
from tests.support.edge import AVIF, PLAIN, SECRET, WEBP, Edge, picture
from tests.support.servers import free_port
from tests.support.upstream import Reply, Request, fresh_id, upstream

MARK = Reply(200, b"", {"Vary": "X-Cache-Refresh", "Cache-Control": "no-store"})


@pytest.fixture(scope="module")
def edge(nginx_factory: NginxFactory) -> Iterator[Edge]:
    with upstream(picture) as origin:
        yield Edge(nginx_factory(origin.address, refresh_secret=SECRET).url, origin, {"/_marker": MARK})


def line(request: Request) -> str:
    """What is put on record when a picture is sent."""
    return f"{request.target}\n{request.headers['X-Cache-Variant']}"


async def test_every_copy_on_record_is_fetched_anew(edge: Edge) -> None:
    """Thirty variants are warm; the purge renders none of them."""
    targets = [f"/w_auto,f_auto/l_text:Sans_9:{text}/{fresh_id()}" for text in ("a!", "a%21")]
    hints = [{}, {"Width": "300"}, {"Sec-CH-Width": "300"}, {"DPR": "1.5"}, {"Save-Data": "on"}]
    asked = [
        (target, {"Accept": accept, **hint})
        for target in targets
        for accept in (AVIF, WEBP, PLAIN)
        for hint in hints
    ]
    for target, headers in asked:
        edge.get(target, **headers)
    assert {edge.get(target, **headers).edge for target, headers in asked} == {"HIT"}
    recorded = [line(request) for target in targets for request in edge.origin.arrived(target)]
    assert len(recorded) == len(asked) == 30
    before = len(edge.origin.seen)
    nginx: EdgePurger = NginxEdge(edge.url, SECRET, connections=8)
    began = time.perf_counter()
    await nginx.purge("an-id", recorded)
    print(f"30 copies in {1000 * (time.perf_counter() - began):.0f} ms")
    await cast(NginxEdge, nginx).close()
    assert [request.target for request in edge.origin.seen[before:]] == ["/_marker"] * 30
    assert [edge.get(target, **headers).edge for target, headers in asked] == ["MISS"] * 30


async def test_what_did_not_come_through_nginx_is_not_its_business(edge: Edge) -> None:
    before = len(edge.origin.seen)
    nginx = NginxEdge(edge.url, SECRET)
    await nginx.purge("an-id", ["/w_300/abc\n", "/w_400/abc\n"])
    await nginx.purge("an-id", [])
    await nginx.close()
    assert len(edge.origin.seen) == before


async def test_the_path_is_sent_byte_for_byte() -> None:
    paths = ["/w_1/../a", "/./a", "/a%2Fb", "/%41", "/a!$&'()*+;=b,@c:~", "//a", "/l_text:A_9:%25%2C%C3%A9/a"]
    with upstream(lambda _: Reply(200, b"", {"X-Edge": "MARKED"})) as nginx:
        purger = NginxEdge(f"http://{nginx.address}", SECRET, connections=1)
        await purger.purge("an-id", [f"{path}\nany|||||" for path in paths + paths])
        await purger.close()
        assert [(request.method, request.target) for request in nginx.seen] == [("GET", one) for one in paths]
        sent = nginx.seen[0].headers
        assert (sent["X-Cache-Refresh"], sent["X-Cache-Variant"]) == (SECRET, "any|||||")


REFUSALS = {
    "wrong secret": ("1" * 64, MARK),
    "an origin without marks": (SECRET, Reply(404, b"{}", {"Cache-Control": "public, max-age=10"})),
    "an origin in trouble": (SECRET, Reply(503, b"{}", {"Cache-Control": "no-store"})),
}


@pytest.mark.parametrize(("secret", "reply"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_an_edge_that_sets_no_mark_is_told_of(edge: Edge, secret: str, reply: Reply) -> None:
    targets = [f"/w_300/{fresh_id()}" for _ in range(3)]
    for target in targets:
        edge.get(target)
    edge.replies["/_marker"] = reply
    nginx = NginxEdge(edge.url, secret)
    try:
        with pytest.raises(Unavailable) as caught:
            await nginx.purge("an-id", [f"{target}\nany|||||" for target in targets])
    finally:
        edge.replies["/_marker"] = MARK
        await nginx.close()
    assert isinstance(caught.value.__cause__, NotMarked)
    assert "127.0.0.1" not in caught.value.detail
    assert [edge.get(target).edge for target in targets] == ["HIT"] * 3


async def test_one_copy_that_cannot_be_marked_does_not_keep_the_others(edge: Edge) -> None:
    targets = [f"/w_300/{fresh_id()}" for _ in range(4)]
    for target in targets:
        edge.get(target)
    nginx = NginxEdge(edge.url, SECRET, connections=2)
    with pytest.raises(Unavailable):
        await nginx.purge("an-id", ["/w_300/bad\nno-variant", *(f"{target}\nany|||||" for target in targets)])
    await nginx.close()
    assert [edge.get(target).edge for target in targets] == ["MISS"] * 4


async def test_an_edge_that_is_away_is_asked_twice_a_connection_and_not_once_a_copy() -> None:
    with upstream(lambda _: Reply(cut=-1)) as nginx:
        purger = NginxEdge(f"http://{nginx.address}", SECRET, connections=3)
        with pytest.raises(Unavailable) as caught:
            await purger.purge("an-id", [f"/w_{n}/abc\nany|||||" for n in range(100)])
        await purger.close()
        assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
        assert len(nginx.seen) == 6


async def test_nobody_listens() -> None:
    purger = NginxEdge(f"http://127.0.0.1:{free_port()}", SECRET)
    with pytest.raises(Unavailable) as caught:
        await purger.purge("an-id", ["/w_1/abc\nany|||||"])
    await purger.close()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


async def test_a_silent_edge_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        purger = NginxEdge(f"http://127.0.0.1:{silent.getsockname()[1]}", SECRET, timeout=0.2)
        with pytest.raises(Unavailable) as caught:
            await purger.purge("an-id", ["/w_1/abc\nany|||||"])
        await purger.close()
    assert isinstance(caught.value.__cause__, httpx.TimeoutException)


async def test_a_connection_that_broke_is_tried_once_more() -> None:
    answers = iter([Reply(cut=-1), Reply(200, b"", {"X-Edge": "MARKED"})])
    with upstream(lambda _: next(answers)) as nginx:
        purger = NginxEdge(f"http://{nginx.address}", SECRET)
        await purger.purge("an-id", ["/w_1/abc\nany|||||"])
        await purger.close()
        assert len(nginx.seen) == 2


async def test_no_more_connections_than_allowed() -> None:
    busy, most = 0, 0

    def slow(_: Request) -> Reply:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        time.sleep(0.02)
        busy -= 1
        return Reply(200, b"", {"X-Edge": "MARKED"})

    with upstream(slow) as nginx:
        purger = NginxEdge(f"http://{nginx.address}", SECRET, connections=3)
        await asyncio.gather(
            *(purger.purge(id, [f"/w_{n}/{id}\nany|||||" for n in range(9)]) for id in ("a", "b"))
        )
        await purger.close()
    assert len(nginx.seen) == 18
    assert 2 <= most <= 3


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://a.example", "a" * 31),
        ("http://a.example", "a" * 31 + "+"),
        ("http://a.example", "a" * 31 + "."),
        ("http://a.example", "a" * 32 + "\n"),
        ("http://a.example/path", "a" * 32),
        ("http://a.example/?a=1", "a" * 32),
        ("ftp://a.example", "a" * 32),
        ("a.example:8080", "a" * 32),
        ("http://", "a" * 32),
    ],
)
def test_what_could_never_work_is_refused_at_once(url: str, secret: str) -> None:
    with pytest.raises(ValueError, match="edge") as caught:
        NginxEdge(url, secret)
    assert secret not in str(caught.value)


# A CDN's purge ----------------------------------------------------------------------------------------------


RECORDED = ["/w_1/abc\nany|||||", "/w_1/abc\nwebp|||||", "/w_2/abc\n", "/%C3%A9/abc\nany|||||"]


async def test_a_cdn_gets_the_key_and_the_paths() -> None:
    with upstream(lambda _: Reply(202)) as cdn:
        purger: EdgePurger = WebhookEdge(f"http://{cdn.address}/purge?zone=7", "t0ken")
        await purger.purge("an-id", RECORDED)
        await purger.purge("other-id", [])
        await cast(WebhookEdge, purger).close()
        first, second = cdn.seen
    assert (first.method, first.target) == ("POST", "/purge?zone=7")
    assert first.headers["Authorization"] == "Bearer t0ken"
    assert first.headers["Content-Type"] == "application/json"
    assert json.loads(first.body) == {
        "surrogate_key": "an-id",
        "paths": ["/w_1/abc", "/w_2/abc", "/%C3%A9/abc"],
    }
    assert json.loads(second.body) == {"surrogate_key": "other-id", "paths": []}


async def test_without_a_token_none_is_sent() -> None:
    with upstream(lambda _: Reply(200)) as cdn:
        purger = WebhookEdge(f"http://{cdn.address}/")
        await purger.purge("an-id", RECORDED)
        await purger.close()
        assert cdn.seen[0].headers["Authorization"] is None


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500, 503])
async def test_only_a_2xx_is_a_purge(status: int) -> None:
    with upstream(lambda _: Reply(status, b"x", {"Location": "/elsewhere"})) as cdn:
        purger = WebhookEdge(f"http://{cdn.address}/", "t0ken")
        with pytest.raises(Unavailable) as caught:
            await purger.purge("an-id", RECORDED)
        await purger.close()
        assert len(cdn.seen) == 1
    assert isinstance(caught.value.__cause__, httpx.HTTPStatusError)
    assert "127.0.0.1" not in caught.value.detail


async def test_a_cdn_whose_connection_broke_is_asked_once_more() -> None:
    answers = iter([Reply(cut=-1), Reply(204)])
    with upstream(lambda _: next(answers)) as cdn:
        purger = WebhookEdge(f"http://{cdn.address}/")
        await purger.purge("an-id", RECORDED)
        await purger.close()
        assert [json.loads(request.body)["surrogate_key"] for request in cdn.seen] == ["an-id", "an-id"]


async def test_a_cdn_that_is_away() -> None:
    purger = WebhookEdge(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(Unavailable) as caught:
        await purger.purge("an-id", RECORDED)
    await purger.close()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
