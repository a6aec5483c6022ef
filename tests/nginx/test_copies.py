"""How long a copy is kept, when an old one serves, and what ends it."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.edge import SECRET, Edge, problem
from tests.support.upstream import KEPT, Reply, Request, ask, fresh_id, send


def test_headers_of_a_miss_and_a_hit(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    said = {"Cache-Control": KEPT, "Vary": "Accept", "X-Cache": "render", "Server-Timing": "render;dur=7"}
    edge.replies[target] = Reply(body=b"jpeg", headers=said | {"X-Request-Id": "theirs"})
    miss, hit = edge.get(target), edge.get(target)
    assert (miss.edge, hit.edge) == ("MISS", "HIT")
    assert (miss.headers["X-Cache"], miss.headers["Server-Timing"]) == ("render", "render;dur=7")
    assert (hit.headers["X-Cache"], hit.headers["Server-Timing"]) == (None, None)
    assert (hit.headers["Cache-Control"], hit.headers["Vary"]) == (KEPT, "Accept")
    assert hit.headers["Content-Length"] == "4"
    assert hit.headers["Server"] == "nginx"
    ids = [answer.headers.get_all("X-Request-Id") for answer in (miss, hit)]
    assert all(len(one) == 1 and re.fullmatch("[0-9a-f]{32}", one[0]) for one in ids if one)
    assert ids[0] != ids[1]
    assert ids[0] == [edge.origin.arrived(target)[0].headers["X-Request-Id"]]


ANSWERS = {
    "picture": (Reply(200, b"x", {"Cache-Control": KEPT}), "HIT"),
    "immutable": (Reply(200, b"x", {"Cache-Control": "public, max-age=31536000, immutable"}), "HIT"),
    "missing": (Reply(404, b"{}", {"Cache-Control": "public, max-age=10", "Vary": "Authorization"}), "HIT"),
    "gone": (Reply(410, b"{}", {"Cache-Control": "public, max-age=10"}), "HIT"),
    "wrong": (Reply(400, b"{}", {"Cache-Control": "no-store"}), "MISS"),
    "forbidden": (Reply(403, b"{}", {"Cache-Control": "no-store"}), "MISS"),
    "broken picture": (Reply(422, b"{}", {"Cache-Control": "no-store"}), "MISS"),
    "overloaded": (Reply(503, b"{}", {"Cache-Control": "no-store", "Retry-After": "1"}), "MISS"),
    "too slow": (Reply(504, b"{}", {"Cache-Control": "no-store"}), "MISS"),
    "private": (Reply(200, b"x", {"Cache-Control": "private, max-age=60"}), "MISS"),
    "with a cookie": (Reply(200, b"x", {"Cache-Control": KEPT, "Set-Cookie": "a=1"}), "MISS"),
    "without a word": (Reply(200, b"x"), "MISS"),
    "without a length": (Reply(200, b"x", {"Cache-Control": KEPT}, measured=False), "MISS"),
}


@pytest.mark.parametrize(("reply", "second"), ANSWERS.values(), ids=ANSWERS.keys())
def test_the_origin_says_what_is_kept(edge: Edge, reply: Reply, second: str) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = reply
    answers = [edge.get(target), edge.get(target)]
    assert [answer.edge for answer in answers] == ["MISS", second]
    assert [(answer.status, answer.body) for answer in answers] == [(reply.status, reply.body)] * 2
    for name, value in reply.headers.items():
        assert answers[1].headers[name] == value


def test_an_old_copy_is_used_while_a_new_one_is_fetched(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = Reply(200, b"old", {"Cache-Control": "max-age=1, stale-while-revalidate=60"})
    edge.get(target)
    edge.replies[target] = Reply(200, b"new", {"Cache-Control": KEPT})
    answers = edge.until(target, lambda one: one.body == b"new")
    seen = [(one.body, one.edge) for one in answers]
    assert seen.count((b"old", "STALE")) >= 1
    assert seen[-1] == (b"new", "HIT")


def test_a_deleted_picture_is_seen_at_most_once_more(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = Reply(200, b"x", {"Cache-Control": "max-age=1, stale-while-revalidate=60"})
    edge.get(target)
    edge.replies[target] = Reply(410, b"{}", {"Cache-Control": "public, max-age=10"})
    answers = edge.until(target, lambda one: one.status == 410)
    assert [one.edge for one in answers].count("STALE") <= 1


def test_a_refused_picture_does_not_live_on_its_old_copy(edge: Edge) -> None:
    """An answer that may not be kept replaces no copy; only the end of stale-while-revalidate ends it."""
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = Reply(200, b"x", {"Cache-Control": "max-age=1, stale-while-revalidate=1"})
    edge.get(target)
    edge.replies[target] = Reply(403, b"{}", {"Cache-Control": "no-store"})
    edge.until(target, lambda one: one.status == 403)
    assert [edge.get(target).status for _ in range(3)] == [403] * 3


def test_an_unchanged_picture_is_not_sent_again(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"

    def answer(request: Request) -> Reply:
        known = request.headers["If-None-Match"] == '"k-1"'
        control = KEPT if known else "max-age=1"
        return Reply(
            304 if known else 200, b"" if known else b"x", {"Cache-Control": control, "ETag": '"k-1"'}
        )

    edge.replies[target] = answer
    edge.get(target)
    last = edge.until(target, lambda one: one.edge == "REVALIDATED")[-1]
    assert (last.status, last.body) == (200, b"x")
    assert edge.get(target).edge == "HIT"


def test_half_a_body_is_never_kept(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    whole = bytes(range(256)) * 4096
    edge.replies[target] = Reply(200, whole, {"Cache-Control": KEPT}, cut=300_000)
    half = send(edge.url, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert half.headers["Content-Length"] == str(len(whole))
    assert half.body == whole[:300_000]
    edge.replies[target] = Reply(200, whole, {"Cache-Control": KEPT})
    answer = edge.get(target)
    assert (answer.edge, answer.body) == ("MISS", whole)


def test_a_copy_answers_range_head_and_conditions(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = Reply(200, b"0123456789", {"Cache-Control": KEPT, "ETag": '"k-1"'})
    head = ask(edge.url, target, method="HEAD")
    assert (head.status, head.edge, head.headers["Content-Length"], head.body) == (200, "MISS", "10", b"")
    assert [request.method for request in edge.origin.arrived(target)] == ["GET"]
    # The headers of a HEAD go out before the body has come in.
    edge.until(target, lambda one: one.edge == "HIT")
    fetched = len(edge.origin.arrived(target))
    part = edge.get(target, Range="bytes=2-4")
    assert (part.status, part.edge, part.body) == (206, "HIT", b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert edge.get(target, Range="bytes=2-4", If_Range='"k-2"').status == 200
    assert edge.get(target, Range="bytes=0-1,3-4").body == b"0123456789"
    beyond = edge.get(target, Range="bytes=99-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */10")
    assert json.loads(beyond.body)["code"] == "range_not_satisfiable"
    assert "no-store" in (beyond.headers.get_all("Cache-Control") or [])
    assert problem(edge.get(target, If_Match='"k-2"')) == (412, "precondition_failed")
    assert edge.get(target, If_None_Match='"k-1"').status == 304
    assert len(edge.origin.arrived(target)) == fetched


def test_a_copy_outlives_the_origin(mortal: Edge) -> None:
    kept, other = f"/w_300/{fresh_id()}", f"/w_300/{fresh_id()}"
    mortal.replies[kept] = Reply(200, b"x", {"Cache-Control": "max-age=1"})
    mortal.get(kept)
    mortal.origin.stop()
    answer = mortal.until(kept, lambda one: one.edge == "STALE")[-1]
    assert (answer.status, answer.body) == (200, b"x")
    lost = mortal.get(other)
    assert problem(lost) == (502, "origin_unreachable")
    assert lost.headers["Retry-After"] == "2"


def test_a_copy_outlives_the_origins_trouble(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = Reply(200, b"x", {"Cache-Control": "max-age=1"})
    edge.get(target)
    edge.replies[target] = Reply(503, b"{}", {"Cache-Control": "no-store"})
    assert edge.until(target, lambda one: one.edge == "STALE")[-1].body == b"x"


WRONG_SECRETS = {
    "none": "",
    "another": "0" * 64,
    "half": SECRET[:32],
    "longer": SECRET + "0",
    "another case": SECRET.lower(),
}


@pytest.mark.parametrize("secret", WRONG_SECRETS.values(), ids=WRONG_SECRETS.keys())
def test_only_the_secret_fetches_anew(edge: Edge, secret: str) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.get(target)
    assert edge.get(target, **{"X-Cache-Refresh": secret}).edge == "HIT"
    edge.replies[target] = Reply(410, b"gone", {"Cache-Control": "public, max-age=10"})
    assert edge.get(target, **{"X-Cache-Refresh": SECRET}).edge == "BYPASS"
    after = edge.get(target)
    assert (after.status, after.edge) == (410, "HIT")


def test_without_a_secret_nothing_fetches_anew(mortal: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    mortal.get(target)
    for secret in ("", " ", "$", "0", SECRET):
        assert mortal.get(target, **{"X-Cache-Refresh": secret}).edge == "HIT"
