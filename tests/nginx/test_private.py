"""Pictures for some: the origin is asked each time, and one copy serves all it lets through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.edge import ALICE, AVIF, SESSION, Edge, problem
from tests.support.upstream import Reply, Request, fresh_id


@dataclass
class Gate:
    """The origin's answer to "may this one see it, and which copy?"."""

    allowed: bool = True
    key: str = ""
    control: str = "private, max-age=60"

    def __call__(self, request: Request) -> Reply:
        if not self.allowed:
            return Reply(403, b"", {"X-Auth-Status": "404"})
        return Reply(204, b"", {"X-Cache-Key": self.key, "X-Cache-Control": self.control})


@pytest.fixture
def gate(edge: Edge) -> Iterator[Gate]:
    gate = Gate(key=fresh_id())
    edge.replies["/_authorize"] = gate
    yield gate
    del edge.replies["/_authorize"]


EXPIRING = "/s1.web.1893456000.JddRGUHEyJY5w6ixA8wt8Xrf1QQQSS5beMeGUc2Pj6Q"
FOR_SOME: dict[str, tuple[str, dict[str, str]]] = {
    "expiring": (EXPIRING + "/w_300/{id}", {}),
    "expiring, other key": ("/s1.k2.1999999999.abc/w_300/{id}", {}),
    "malformed": ("/s1.web/w_300/{id}", {}),
    "token": ("/w_300/{id}", ALICE),
    "session": ("/w_300/{id}", SESSION),
    "token and signature for good": ("/s1.web.0.abc/w_300/{id}", ALICE),
}


@pytest.mark.parametrize(("target", "headers"), FOR_SOME.values(), ids=FOR_SOME.keys())
def test_the_origin_is_asked_on_every_request(
    edge: Edge, gate: Gate, target: str, headers: dict[str, str]
) -> None:
    target = target.format(id=fresh_id())
    asked = len(edge.origin.arrived("/_authorize"))
    answers = [edge.get(target, Accept="image/webp", **headers) for _ in range(3)]
    assert [answer.edge for answer in answers] == ["MISS", "HIT", "HIT"]
    questions = edge.origin.arrived("/_authorize")[asked:]
    assert [question.headers["X-Original-URI"] for question in questions] == [target] * 3
    assert questions[0].headers["Authorization"] == headers.get("Authorization")
    assert questions[0].headers["Cookie"] == ("origin_session=s-1" if headers is SESSION else None)
    assert questions[0].headers["X-Request-Id"] == answers[0].headers["X-Request-Id"]
    assert answers[2].headers.get_all("Cache-Control") == ["private, max-age=60"]
    fetched = edge.origin.arrived(target)
    assert [request.headers["Authorization"] for request in fetched] == [headers.get("Authorization")]


def test_one_copy_for_all_who_may_see_it(edge: Edge, gate: Gate) -> None:
    name = fresh_id()
    first = edge.get(EXPIRING + f"/w_300/{name}")
    for target, headers in FOR_SOME.values():
        again = edge.get(target.format(id=name), **headers)
        assert (again.edge, again.body) == ("HIT", first.body)
    gate.key = fresh_id()
    assert edge.get(EXPIRING + f"/w_300/{name}").edge == "MISS"


def test_headers_of_one_path_are_not_those_of_another(edge: Edge, gate: Gate) -> None:
    """The origin's key names bytes, and two downloads of them may have two names."""
    name = fresh_id()
    for word in ("a", "b"):
        named = Reply(200, b"x", {"Cache-Control": "private, max-age=300", "Content-Disposition": word})
        edge.replies[f"/dl_{word}/{name}"] = named
    for _ in range(2):
        got = [edge.get(f"/dl_{word}/{name}", **ALICE) for word in ("a", "b")]
        assert [answer.headers["Content-Disposition"] for answer in got] == ["a", "b"]
    assert [answer.edge for answer in got] == ["HIT", "HIT"]


def test_the_plain_cache_never_holds_a_copy_for_some(edge: Edge, gate: Gate) -> None:
    target = f"/w_300/{fresh_id()}"
    private = Reply(200, b"secret", {"Cache-Control": "private, max-age=300"})
    edge.replies[target] = lambda request: (
        private
        if request.headers["Authorization"]
        else Reply(404, b"{}", {"Cache-Control": "public, max-age=10"})
    )
    assert edge.get(target, **ALICE).body == b"secret"
    assert edge.get(target, **ALICE).edge == "HIT"
    assert edge.get(target).status == 404
    assert edge.get(target, **ALICE).body == b"secret"
    assert edge.get(target).status == 404


def test_a_refusal_is_the_origins_own(edge: Edge, gate: Gate) -> None:
    target = f"/w_300/{fresh_id()}"
    assert [edge.get(target, **ALICE).edge for _ in range(2)] == ["MISS", "HIT"]
    gate.allowed = False
    refusal = Reply(404, b'{"code":"not_found"}', {"Cache-Control": "public, max-age=10", "X-Why": "gone"})
    edge.replies[target] = refusal
    answer = edge.get(target, **ALICE)
    assert (answer.status, answer.body, answer.headers["X-Why"]) == (404, refusal.body, "gone")
    assert answer.headers.get_all("Cache-Control") == ["public, max-age=10"]
    assert edge.origin.arrived(target)[-1].headers["Authorization"] == "Bearer alice"
    gate.allowed = True
    assert edge.get(target, **ALICE).edge == "HIT"


def test_a_refusal_is_asked_for_without_the_clients_word_about_itself(edge: Edge, gate: Gate) -> None:
    target, gate.allowed = f"/w_300/{fresh_id()}", False
    forged = {"X-Forwarded-For": "9.9.9.9", "X-Request-Id": "mine", "X-Original-URI": "/other"}
    answer = edge.get(target, **ALICE, **forged)
    arrived = edge.origin.arrived(target)[-1].headers
    assert (arrived["X-Forwarded-For"], arrived["X-Original-URI"]) == ("127.0.0.1", None)
    assert arrived["X-Request-Id"] == answer.headers["X-Request-Id"] != "mine"
    assert arrived["Host"] == edge.url.removeprefix("http://")


NOT_KEPT = {
    "draft": Reply(200, b"x", {"Cache-Control": "private, max-age=60"}),
    "fallback": Reply(200, b"x", {"Cache-Control": "private, max-age=300", "X-Fallback": "not_found"}),
    "refusal": Reply(403, b"x", {"Cache-Control": "no-store"}),
    "trouble": Reply(503, b"x", {"Cache-Control": "no-store"}),
}


@pytest.mark.parametrize("reply", NOT_KEPT.values(), ids=NOT_KEPT.keys())
def test_what_passes_is_not_kept_for_some(edge: Edge, gate: Gate, reply: Reply) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.replies[target] = reply
    answers = [edge.get(target, **ALICE) for _ in range(2)]
    assert [answer.edge for answer in answers] == ["MISS", "MISS"]
    assert answers[0].headers.get_all("Cache-Control") == [reply.headers["Cache-Control"]]


def test_without_a_key_nothing_is_kept(edge: Edge, gate: Gate) -> None:
    gate.key = ""
    one, other = (edge.get(f"/w_300/{fresh_id()}", **ALICE) for _ in range(2))
    assert one.body != other.body
    assert (one.edge, other.edge) == ("BYPASS", "BYPASS")


def test_no_copy_for_some_without_the_origin(mortal: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    mortal.replies["/_authorize"] = Gate(key=fresh_id())
    assert [mortal.get(target, **ALICE).edge for _ in range(2)] == ["MISS", "HIT"]
    mortal.origin.stop()
    answer = mortal.get(target, **ALICE)
    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"


def test_hints_and_accept_reach_the_question(edge: Edge, gate: Gate) -> None:
    edge.get(f"/w_auto,f_auto/{fresh_id()}", Accept="image/avif,*/*", Sec_CH_Width="320", **ALICE)
    question = edge.origin.arrived("/_authorize")[-1].headers
    assert (question["Accept"], question["Sec-CH-Width"]) == (AVIF, "320")
