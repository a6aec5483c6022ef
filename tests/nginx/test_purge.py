"""How the edge forgets: a mark takes the place of a copy, and whoever asks next gets what is true now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import NginxFactory
from tests.support import servers
from tests.support.edge import ALICE, AVIF, PLAIN, SECRET, WEBP, Edge, picture, problem
from tests.support.upstream import KEPT, Answer, Reply, Request, ask, fresh_id, upstream

MARK = Reply(200, b"", {"Vary": "X-Cache-Refresh", "Cache-Control": "no-store"})
"""What the origin answers to ``GET /_marker``."""

OLD = Reply(200, b"old pixels", {"Cache-Control": KEPT, "Content-Type": "image/webp", "ETag": '"k-1"'})
NEW = Reply(200, b"new pixels", {"Cache-Control": KEPT, "Content-Type": "image/avif", "ETag": '"k-2"'})
GONE = Reply(410, b"{}", {"Cache-Control": "public, max-age=10", "Content-Type": "application/problem+json"})
MISSING = replace(GONE, status=404)


@pytest.fixture(autouse=True)
def marker(edge: Edge) -> None:
    edge.replies["/_marker"] = MARK


@pytest.fixture
def alone(nginx_factory: NginxFactory) -> Iterator[Edge]:
    """An edge with a refresh secret, whose origin the test may stop."""
    with upstream(picture) as origin:
        yield Edge(nginx_factory(origin.address, refresh_secret=SECRET).url, origin, {"/_marker": MARK})


def variant(request: Request) -> str:
    """What the origin puts on record beside the path."""
    return str(request.headers["X-Cache-Variant"])


def mark(edge: Edge, target: str, variant: str = "any|||||", secret: str = SECRET) -> Answer:
    return edge.get(target, **{"X-Cache-Refresh": secret, "X-Cache-Variant": variant})


def test_a_mark_ends_a_copy(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = OLD
    assert [edge.get(target).edge for _ in range(2)] == ["MISS", "HIT"]
    edge.replies[target] = NEW
    assert edge.get(target).body == b"old pixels"
    marked = mark(edge, target)
    assert (marked.status, marked.edge, marked.body) == (200, "MARKED", b"")
    assert len(edge.origin.arrived(target)) == 1, "setting a mark renders nothing"
    after = [edge.get(target) for _ in range(2)]
    assert [(one.status, one.body, one.edge) for one in after] == [
        (200, b"new pixels", "MISS"),
        (200, b"new pixels", "HIT"),
    ]
    assert len(edge.origin.arrived(target)) == 2


def test_the_answer_after_a_mark_is_that_of_a_miss(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    said = NEW.headers | {"X-Cache": "render", "Server-Timing": "render;dur=7", "Vary": "Accept"}
    edge.replies[target] = replace(NEW, headers=said)
    miss = edge.get(target)
    mark(edge, target)
    after = edge.get(target)
    passing = {"Date", "X-Request-Id", "X-Edge"}

    def lasting(answer: Answer) -> list[tuple[str, str]]:
        return sorted(item for item in answer.headers.items() if item[0] not in passing)

    assert lasting(after) == lasting(miss)
    first, second = edge.origin.arrived(target)
    assert [item for item in first.headers.items() if item[0] != "X-Request-Id"] == [
        item for item in second.headers.items() if item[0] != "X-Request-Id"
    ]
    assert second.headers["X-Request-Id"] == after.headers["X-Request-Id"]


HINTS: list[dict[str, str]] = [
    {},
    {"Sec-CH-Width": "320"},
    {"Width": "320"},
    {"Sec-CH-Width": "320", "Width": "640"},
    {"Sec-CH-DPR": "2"},
    {"DPR": "1.5"},
    {"Save-Data": "ON"},
    {"Sec-CH-Width": "99999", "DPR": "9.9999", "Save-Data": "on"},
    {"Width": "9e9"},
    {"Sec-CH-Width": "1", "Width": "2", "Sec-CH-DPR": "3", "DPR": "4.0", "Save-Data": "on"},
]
CHAINS = ["f_auto", "w_auto,dpr_auto,f_auto", "t_card", "w_300,f_webp", "l_text:Sans_9:a%2Ct_b,t_c"]


@pytest.mark.parametrize("chain", CHAINS)
def test_every_variant_is_ended_as_it_was_recorded(edge: Edge, chain: str) -> None:
    """Three classes of Accept and ten sets of hints: all that one path can have."""
    target, other = f"/{chain}/{fresh_id()}", f"/{chain}/{fresh_id()}"
    asked = [{"Accept": accept, **hints} for accept in (AVIF, WEBP, PLAIN) for hints in HINTS]
    old = {}
    for headers in asked:
        edge.get(target, **headers)
        edge.get(other, **headers)
        old[tuple(headers.items())] = edge.get(target, **headers)
    assert {one.edge for one in old.values()} == {"HIT"}
    recorded = {variant(request) for request in edge.origin.arrived(target)}
    assert len(recorded) == len(edge.origin.arrived(target)), "a record names one copy"
    edge.replies[target] = NEW
    before = len(edge.origin.seen)
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        marked = list(pool.map(lambda line: mark(edge, target, line).edge, recorded))
    print(f"{len(recorded)} marks in {1000 * (time.perf_counter() - began):.0f} ms")
    assert marked == ["MARKED"] * len(recorded)
    assert {request.target for request in edge.origin.seen[before:]} == {"/_marker"}
    assert {edge.get(target, **headers).body for headers in asked} == {b"new pixels"}
    assert {edge.get(other, **headers).edge for headers in asked} == {"HIT"}


def test_one_variant_is_marked_and_no_other(edge: Edge) -> None:
    target = f"/f_auto/{fresh_id()}"
    for accept in (AVIF, WEBP, PLAIN):
        edge.get(target, Accept=accept)
    assert mark(edge, target, "webp|||||").edge == "MARKED"
    assert [edge.get(target, Accept=one).edge for one in (AVIF, WEBP, PLAIN)] == ["HIT", "MISS", "HIT"]


@pytest.mark.parametrize("reply", [NEW, GONE, MISSING], ids=["new file", "deleted", "private now"])
def test_what_the_origin_says_next_replaces_the_mark(edge: Edge, reply: Reply) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = OLD
    edge.get(target)
    edge.replies[target] = reply
    mark(edge, target)
    after = [edge.get(target) for _ in range(2)]
    assert [(one.status, one.body) for one in after] == [(reply.status, reply.body)] * 2
    assert [one.edge for one in after] == ["MISS", "HIT"]
    assert after[1].headers.get_all("Cache-Control") == [reply.headers["Cache-Control"]]


UNKEPT = {
    "refused": Reply(403, b"{}", {"Cache-Control": "no-store"}),
    "overloaded": Reply(503, b"{}", {"Cache-Control": "no-store", "Retry-After": "1"}),
    "not on record": Reply(200, b"x", {"Cache-Control": KEPT, "X-Accel-Expires": "0"}),
    "without a length": Reply(200, b"x", {"Cache-Control": KEPT}, measured=False),
}


@pytest.mark.parametrize("reply", UNKEPT.values(), ids=UNKEPT.keys())
def test_what_is_not_kept_leaves_the_mark(edge: Edge, reply: Reply) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = OLD
    edge.get(target)
    edge.replies[target] = reply
    mark(edge, target)
    after = [edge.get(target) for _ in range(3)]
    assert [(one.status, one.body, one.edge) for one in after] == [(reply.status, reply.body, "MISS")] * 3
    edge.replies[target] = NEW
    assert [edge.get(target).edge for _ in range(2)] == ["MISS", "HIT"]


def test_half_an_answer_leaves_the_mark(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = OLD
    edge.get(target)
    edge.replies[target] = replace(NEW, cut=-1)
    mark(edge, target)
    assert problem(edge.get(target)) == (502, "origin_unreachable")
    edge.replies[target] = NEW
    assert edge.get(target).body == b"new pixels"


def test_a_marked_copy_does_not_outlive_the_origin(alone: Edge) -> None:
    """Unlike one that is merely old: neither it nor the mark itself is sent."""
    target = f"/w_300/{fresh_id()}"
    alone.replies[target] = replace(OLD, headers={"Cache-Control": "max-age=1, stale-while-revalidate=60"})
    alone.get(target)
    mark(alone, target)
    time.sleep(2.1)  # the copy would be old by now
    alone.origin.stop()
    for _ in range(3):
        answer = alone.get(target)
        assert problem(answer) == (502, "origin_unreachable")
        assert answer.headers["Retry-After"] == "2"
    alone.replies[target] = NEW
    alone.origin.start()
    assert [alone.get(target).body for _ in range(2)] == [b"new pixels"] * 2


def test_without_the_origin_no_mark_is_set_and_this_is_said(alone: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    alone.replies[target] = OLD
    alone.get(target)
    alone.origin.stop()
    marked = mark(alone, target)
    assert problem(marked) == (502, "origin_unreachable")
    assert marked.edge != "MARKED"
    assert alone.get(target).edge == "HIT"


def test_an_old_copy_is_marked_as_well(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = replace(OLD, headers={"Cache-Control": "max-age=1, stale-while-revalidate=60"})
    edge.get(target)
    time.sleep(2.1)
    edge.replies[target] = NEW
    assert mark(edge, target).edge == "MARKED"
    assert [edge.get(target).body for _ in range(2)] == [b"new pixels"] * 2


def test_a_url_that_is_not_kept_can_be_marked(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    assert mark(edge, target).edge == "MARKED"
    assert mark(edge, target).edge == "MARKED"
    assert [edge.get(target).edge for _ in range(2)] == ["MISS", "HIT"]


def test_a_mark_answers_range_head_and_conditions(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = NEW
    edge.get(target)
    mark(edge, target)
    part = edge.get(target, Range="bytes=4-")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"pixels", "bytes 4-9/10")
    assert edge.get(target).edge == "HIT"
    mark(edge, target)
    assert edge.get(target, Range="bytes=0-1,3-4").body == b"new pixels"
    mark(edge, target)
    assert edge.get(target, If_None_Match='"k-2"').status == 304
    # As with HEAD, the headers go out before the body has come in.
    edge.until(target, lambda one: one.edge == "HIT")
    mark(edge, target)
    head = ask(edge.url, target, method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "10", b"")
    assert {request.method for request in edge.origin.arrived(target)} == {"GET"}
    assert edge.until(target, lambda one: one.edge == "HIT")[-1].body == b"new pixels"


def test_a_fill_under_way_overwrites_a_mark_and_needs_a_second(edge: Edge) -> None:
    """nginx keeps what ends last. So the origin marks again after its deadline, when no old fill is left."""
    target = f"/w_300/{fresh_id()}"
    arrived, end = threading.Event(), threading.Event()

    def slow(_: Request) -> Reply:
        arrived.set()
        assert end.wait(10)
        return OLD

    edge.replies[target] = slow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(edge.get, target)
        assert arrived.wait(10)
        edge.replies[target] = NEW
        assert mark(edge, target).edge == "MARKED"
        end.set()
        assert waiting.result().body == b"old pixels"
    late = edge.get(target)
    assert (late.body, late.edge) == (b"old pixels", "HIT")
    assert mark(edge, target).edge == "MARKED"
    assert [edge.get(target).body for _ in range(2)] == [b"new pixels"] * 2


def test_once_a_mark_is_answered_no_request_sees_the_old_copy(edge: Edge) -> None:
    """The answer to a mark comes after the mark, whichever process of nginx takes the next request."""
    target = f"/w_300/{fresh_id()}"
    generation = 0

    def now(_: Request) -> Reply:
        return replace(NEW, body=str(generation).encode())

    edge.replies[target] = now
    edge.get(target)
    with ThreadPoolExecutor(4) as pool:
        for generation in range(1, 60):
            assert mark(edge, target).edge == "MARKED"
            seen = {answer.body for answer in pool.map(edge.get, [target] * 4)}
            assert seen == {str(generation).encode()}


NOT_A_MARK = {
    "a picture": NEW,
    "not there": MISSING,
    "no length": replace(MARK, measured=False),
    "a body": replace(MARK, body=b"x"),
    "without Vary": replace(MARK, headers={}),
    "another Vary": replace(MARK, headers={"Vary": "Accept"}),
    "more in Vary": replace(MARK, headers={"Vary": "Accept, X-Cache-Refresh"}),
    "another status": replace(MARK, status=503),
}


@pytest.mark.parametrize("reply", NOT_A_MARK.values(), ids=NOT_A_MARK.keys())
def test_only_a_mark_is_stored_as_one(edge: Edge, reply: Reply) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = OLD
    edge.get(target)
    edge.replies["/_marker"] = reply
    assert mark(edge, target).edge != "MARKED"
    after = edge.get(target)
    assert (after.body, after.edge) == (b"old pixels", "HIT")


WRONG: dict[str, dict[str, str]] = {
    "no secret": {},
    "another secret": {"X-Cache-Refresh": "0" * 64},
    "half the secret": {"X-Cache-Refresh": SECRET[:32]},
    "secret in another case": {"X-Cache-Refresh": SECRET.lower()},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
def test_only_the_secret_marks(edge: Edge, headers: dict[str, str]) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.get(target)
    before = len(edge.origin.seen)
    assert edge.get(target, **{"X-Cache-Variant": "any|||||"}, **headers).edge == "HIT"
    assert edge.get(target).edge == "HIT"
    assert len(edge.origin.seen) == before
    mark(edge, target)
    assert edge.get(target, **{"X-Cache-Variant": "any|||||"}, **headers).body.startswith(target.encode())
    assert edge.get(target).edge == "HIT"


def test_only_a_listed_address_marks(
    nginx_factory: NginxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = servers.NGINX_CONF.read_text()
    conf = tmp_path / "nginx.conf"
    conf.write_text(text.replace("127.0.0.0/8 1;  # site: purgers", "127.0.0.9 1;  # site: purgers"))
    assert conf.read_text() != text
    monkeypatch.setattr(servers, "NGINX_CONF", conf)
    with upstream(picture) as origin:
        edge = Edge(nginx_factory(origin.address, refresh_secret=SECRET).url, origin, {"/_marker": MARK})
        target = f"/w_300/{fresh_id()}"
        edge.get(target)
        assert problem(mark(edge, target)) == (400, "bad_request")
        assert edge.get(target).edge == "HIT"
        there = HTTPConnection(edge.url.removeprefix("http://"), timeout=20, source_address=("127.0.0.9", 0))
        there.request("GET", target, headers={"X-Cache-Refresh": SECRET, "X-Cache-Variant": "any|||||"})
        assert there.getresponse().headers["X-Edge"] == "MARKED"
        there.close()
        assert problem(mark(edge, target)) == (400, "bad_request")
        assert edge.get(target).edge == "MISS"


@pytest.mark.parametrize("line", ["", "any", "jpeg|||||", "any||||", "any||||||", "any|x||||", "any|||||off"])
def test_a_variant_that_cannot_be_marks_nothing(edge: Edge, line: str) -> None:
    """Such a request only fetches anew, which whoever wanted a mark can tell."""
    target = f"/w_300/{fresh_id()}"
    edge.get(target)
    assert mark(edge, target, line).edge == "BYPASS"
    assert edge.get(target).edge == "HIT"


@pytest.mark.parametrize("target", ["/_mark", "/_nowhere", "/_marker", "/%5Fmark"])
@pytest.mark.parametrize("headers", [{}, {"X-Cache-Refresh": SECRET, "X-Cache-Variant": "any|||||"}])
def test_the_inner_routes_are_not_reachable(edge: Edge, target: str, headers: dict[str, str]) -> None:
    before = len(edge.origin.seen)
    assert problem(edge.get(target, **headers)) == (404, "not_found")
    assert len(edge.origin.seen) == before


@pytest.mark.parametrize("query", ["?", "?a=1"])
def test_nothing_is_kept_under_a_query(edge: Edge, query: str) -> None:
    """The origin has the path on record, without even a bare question mark."""
    target = f"/w_300/{fresh_id()}{query}"
    assert [edge.get(target).edge for _ in range(2)] == ["BYPASS", "BYPASS"]
    assert problem(mark(edge, target)) == (400, "bad_request")


def test_a_path_is_marked_byte_for_byte(edge: Edge) -> None:
    name = fresh_id()
    spelled = [f"/l_text:Sans_9:{text}/{name}" for text in ("a!", "a%21", "%25%2C%C3%A9", "$&'()*+;=b")]
    for target in spelled:
        edge.get(target)
    for target in spelled:
        assert mark(edge, target).edge == "MARKED"
        assert [edge.get(one).edge for one in spelled] == [
            "MISS" if one == target else "HIT" for one in spelled
        ]


ANYWHERE: dict[str, tuple[str, dict[str, str]]] = {
    "picture": ("/w_300/{id}", {}),
    "API": ("/images/{id}", {}),
    "page": ("/explain/w_300/{id}", {}),
    "for some": ("/w_300/{id}", ALICE),
}


@pytest.mark.parametrize(("target", "headers"), ANYWHERE.values(), ids=ANYWHERE.keys())
def test_a_redirect_of_the_origin_is_not_obeyed(edge: Edge, target: str, headers: dict[str, str]) -> None:
    """Neither at once nor, which would end nginx 1.22, from a copy."""
    target = target.format(id=fresh_id())
    key = Reply(204, b"", {"X-Cache-Key": fresh_id(), "X-Cache-Control": "private, max-age=60"})
    edge.replies["/_authorize"] = key
    sent = {"Cache-Control": KEPT, "X-Accel-Redirect": "/_problem"}
    edge.replies[target] = Reply(200, b"x", sent)
    answers = [edge.get(target, **headers) for _ in range(2)]
    assert [(one.status, one.body, one.headers["X-Accel-Redirect"]) for one in answers] == [
        (200, b"x", None)
    ] * 2


def test_marks_outlive_a_restart_of_nginx(nginx_factory: NginxFactory) -> None:
    with upstream(picture) as origin:
        nginx = nginx_factory(origin.address, refresh_secret=SECRET)
        edge = Edge(nginx.url, origin, {"/_marker": MARK})
        target = f"/w_300/{fresh_id()}"
        edge.replies[target] = OLD
        edge.get(target)
        mark(edge, target)
        edge.replies[target] = NEW
        nginx.stop()
        nginx.start()
        assert edge.get(target).body == b"new pixels"
