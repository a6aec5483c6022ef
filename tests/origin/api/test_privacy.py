"""Who sees what: assets of others are like ones that never were, private pictures are for their owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from origin.http.envelope import LARGEST_BODY
from tests.support import pictures
from tests.support.origin import KEY, until
from tests.support.people import PASSWORD, Answer, Person, issue
from urlspec.sign import SigningKey

VERBS: dict[str, Callable[[Person, str], Answer]] = {
    "metadata": lambda p, id: p.known(id),
    "PATCH": lambda p, id: p.patch(f"/images/{id}", {"visibility": "public"}),
    "PATCH that changes nothing": lambda p, id: p.patch(f"/images/{id}", {}),
    "PUT file": lambda p, id: p.replaced(id, pictures.card()),
    "PUT file that is none": lambda p, id: p.replaced(id, b"x"),
    "DELETE": lambda p, id: p.delete(f"/images/{id}"),
    "restore": lambda p, id: p.post(f"/images/{id}/restore"),
    "purge": lambda p, id: p.post(f"/images/{id}/purge"),
    "url": lambda p, id: p.post(f"/images/{id}/url", {"chain": "w_10"}),
    "complete": lambda p, id: p.post(f"/images/{id}/complete"),
    "picture": lambda p, id: p.get(f"/w_10/{id}"),
    "original": lambda p, id: p.get(f"/{id}"),
    "raw": lambda p, id: p.get(f"/raw_1/{id}"),
    "version": lambda p, id: p.get(f"/v_1/{id}"),
    "as a layer": lambda p, id: p.get(f"/l_{id}/{p.id or 'none'}"),
    "explain": lambda p, id: p.get(f"/explain/w_10/{id}"),
    "query form": lambda p, id: p.get(f"/images/{id}?width=10"),
    "edge": lambda p, id: p.get("/_authorize", X_Original_URI=f"/w_10/{id}"),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_somebody_elses_private_asset_never_was(
    me: Person, other: Person, stranger: Person, fresh: Callable[..., bytes], verb: Callable[..., Answer]
) -> None:
    id, never = token_hex(11), token_hex(11)
    other.uploaded(fresh(), visibility="private", id=id)
    me.uploaded(fresh(), id=me.id)
    for person in (me, stranger):
        theirs, none = verb(person, id), verb(person, never)
        assert theirs.status in {401, 403, 404}
        assert theirs.without_id == none.without_id
        assert id not in theirs.raw.text
    assert other.known(id).json["version"] == 1
    assert other.known(id).json["visibility"] == "private"


OWNERS = ("metadata", "PATCH", "PUT file", "DELETE", "restore", "purge", "url", "complete")


@pytest.mark.parametrize("verb", OWNERS)
def test_somebody_elses_public_asset_is_only_a_picture(
    me: Person, other: Person, stranger: Person, fresh: Callable[..., bytes], verb: str
) -> None:
    body = other.uploaded(fresh())
    assert VERBS[verb](me, body["id"]).problem == (404, "not_found")
    assert VERBS[verb](stranger, body["id"]).problem == (401, "unauthorized")
    assert other.known(body["id"]).json == body
    assert me.get(body["url"]).status == 200


def test_what_an_operator_put_is_nobodys(me: Person) -> None:
    id = me.browser.server.put(pictures.card(77, 55))
    assert me.get(f"/w_10/{id}").status == 200
    for verb in OWNERS:
        assert VERBS[verb](me, id).problem == (404, "not_found")


def test_the_owner_sees_a_private_picture(me: Person, stranger: Person, fresh: Callable[..., bytes]) -> None:
    body = me.uploaded(fresh(), visibility="private")
    for path in (f"/w_10/{body['id']}", body["url"], f"/v_1/{body['id']}", f"/images/{body['id']}?width=10"):
        answer = me.get(path)
        assert answer.status == 200, path
        assert answer.headers["cache-control"].startswith("private, max-age=")
        assert "access-control-allow-origin" not in answer.headers
        assert stranger.get(path).problem == (404, "not_found")


def test_a_session_sees_it_too(stranger: Person, fresh: Callable[..., bytes]) -> None:
    credentials = {"email": f"{token_hex(6)}@people.example", "password": PASSWORD}
    assert stranger.post("/auth/register", credentials).status == 201
    token = stranger.post("/auth/login", credentials).json["access_token"]
    url = Person(stranger.browser, token=token).uploaded(fresh(), visibility="private")["url"]
    cookie = stranger.post("/auth/session", credentials).headers["set-cookie"].partition(";")[0]
    assert stranger.get(url, Cookie=cookie).status == 200
    own = {"Cookie": cookie, "Origin": stranger.browser.url}
    assert stranger.send("DELETE", "/auth/session", own).status == 204
    assert stranger.get(url, Cookie=cookie).problem == (404, "not_found")


def test_signing_out_counts_for_the_next_picture(me: Person, fresh: Callable[..., bytes]) -> None:
    url = me.uploaded(fresh(), visibility="private")["url"]
    assert me.get(url).status == 200
    assert me.post("/auth/logout").status == 204
    assert me.get(url).problem == (401, "unauthorized")


def signed(path: str, lasting: timedelta | None) -> str:
    return SigningKey("web", KEY).sign(path, lasting)


def test_a_signature_that_ends_shows_a_private_picture(
    me: Person, other: Person, stranger: Person, fresh: Callable[..., bytes]
) -> None:
    path = f"/w_10/{me.uploaded(fresh(), visibility='private')['id']}"
    for person in (stranger, other, me):
        answer = person.get(signed(path, timedelta(seconds=60)))
        assert answer.status == 200
        kind, _, age = answer.headers["cache-control"].partition(", max-age=")
        assert (kind, 0 < int(age) <= 60) == ("private", True)
    assert stranger.get(signed(path, None)).problem == (404, "not_found")
    ended = signed(path, timedelta(seconds=1))
    until(lambda: stranger.get(ended).status == 403)
    assert stranger.get(ended).problem == (403, "signature_expired")


def test_closing_and_opening_show_on_the_next_request(
    me: Person, stranger: Person, fresh: Callable[..., bytes]
) -> None:
    id = me.uploaded(fresh())["id"]
    for path in (f"/w_10/{id}", f"/w_11/{id}"):
        assert stranger.get(path).headers["cache-control"].startswith("public")
    assert me.patch(f"/images/{id}", {"visibility": "private"}).status == 200
    for path in (f"/w_10/{id}", f"/w_12/{id}", f"/v_1/{id}"):
        assert stranger.get(path).problem == (404, "not_found")
        assert me.get(path).headers["cache-control"].startswith("private")
    assert me.patch(f"/images/{id}", {"visibility": "public"}).status == 200
    assert stranger.get(f"/w_10/{id}").status == 200


def test_a_private_layer_is_as_private(me: Person, other: Person, stranger: Person) -> None:
    under = me.uploaded(pictures.card())["id"]
    logo = me.uploaded(pictures.plain(9, 9, (1, 2, 3)), visibility="private")["id"]
    path = f"/w_50/l_{logo}/{under}"
    answer = me.get(path)
    assert (answer.status, answer.headers["cache-control"][:7]) == (200, "private")
    for person in (other, stranger):
        assert person.get(path).problem == (404, "not_found")


def test_the_untouched_file_is_for_its_owner(me: Person, other: Person, stranger: Person) -> None:
    data = pictures.oriented(3, 50, 40)
    id = me.uploaded(data)["id"]
    assert me.get(f"/raw_1/{id}").body == data
    assert stranger.get(signed(f"/raw_1/{id}", None)).body == data
    for person in (other, stranger):
        assert person.get(f"/raw_1/{id}").problem == (403, "signature_required")
        assert person.get(f"/w_10,meta_all/{id}").problem == (403, "signature_required")


def test_where_urls_must_be_signed_the_owner_needs_no_signature(
    browse: Callable[..., Any], fresh: Callable[..., bytes]
) -> None:
    browser = browse(ORIGIN_UNSIGNED="none")
    me, other, stranger = (Person(browser, id, issue(id)) for id in ("me", "other", "nobody"))
    stranger = Person(browser)
    id = me.uploaded(fresh())["id"]
    assert me.get(f"/w_10/{id}").status == 200
    assert me.get(f"/images/{id}?width=10").status == 200
    for person in (other, stranger):
        for path in (f"/w_10/{id}", f"/w_10/{token_hex(11)}", f"/images/{id}?width=10"):
            assert person.get(path).problem == (403, "signature_required")
    assert stranger.get(me.post(f"/images/{id}/url", {"chain": "w_10"}).json["url"]).status == 200


# Other sites


def test_an_allowed_origin_may_call_the_api(me: Person) -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = me.browser.send("OPTIONS", "/images/x", headers=asked)
    assert answer.status in {200, 204}
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    simple = me.get("/images", Origin="https://app.example")
    assert simple.headers["access-control-allow-origin"] == "https://app.example"
    assert "Origin" in simple.headers["vary"]
    refused = me.browser.send("GET", "/images", headers={"Origin": "https://app.example"})
    assert refused.problem == (401, "unauthorized")
    assert refused.headers["access-control-allow-origin"] == "https://app.example"


def test_an_allowed_origin_may_read_what_is_turned_away_early(stranger: Person) -> None:
    headers = {"Origin": "https://app.example", "Content-Type": "application/json"}
    answer = stranger.send("POST", "/auth/login", headers, content=b" " * (LARGEST_BODY + 1))
    assert answer.problem == (413, "body_too_large")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.evil", "null", "http://app.example"]
)
def test_other_origins_may_not(me: Person, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    for answer in (me.browser.send("OPTIONS", "/images/x", headers=asked), me.get("/images", Origin=origin)):
        assert "access-control-allow-origin" not in answer.headers
