"""Registering, signing in, staying signed in, and signing out."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from secrets import token_hex
from typing import Any

import jwt
import pytest

from tests.support.origin import OriginServer
from tests.support.people import PASSWORD, SECRET, Answer, Browser, Person, issue


def address() -> str:
    return f"{token_hex(6)}@people.example"


@pytest.fixture(scope="session")
def account(browser: Browser) -> dict[str, str]:
    """A registered user's credentials. Tests must leave it as it is."""
    credentials = {"email": address(), "password": PASSWORD}
    assert Person(browser).post("/auth/register", credentials).status == 201
    return credentials


def signed_in(browser: Browser, account: dict[str, str]) -> Any:
    answer = Person(browser).post("/auth/login", account)
    assert answer.status == 200, answer.body
    return answer.json


def asset_list(browser: Browser, token: str, **headers: str) -> Answer:
    return Person(browser, token=token).get("/images", **headers)


# Registering


def test_registering(stranger: Person) -> None:
    email = address()
    answer = stranger.post("/auth/register", {"email": email.upper(), "password": PASSWORD})
    assert answer.status == 201
    assert set(answer.json) == {"id", "email"}
    assert answer.json["email"] == email
    token = stranger.post("/auth/login", {"email": email, "password": PASSWORD}).json["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == answer.json["id"]


def test_registering_never_tells_who_is_there(stranger: Person, account: dict[str, str]) -> None:
    answers = [
        stranger.post("/auth/register", {"email": account["email"], "password": password})
        for password in (PASSWORD, "another password", PASSWORD)
    ]
    assert [(answer.status, set(answer.json)) for answer in answers] == [(201, {"id", "email"})] * 3
    # An id that came again with the right password would be a way to try passwords.
    assert len({answer.json["id"] for answer in answers}) == 3
    assert stranger.post("/auth/login", account).status == 200
    wrong = {"email": account["email"], "password": "another password"}
    assert stranger.post("/auth/login", wrong).problem == (401, "unauthorized")


BODIES: dict[str, tuple[Any, tuple[int, str]]] = {
    "no address": ({"password": PASSWORD}, (400, "body_invalid")),
    "no password": ({"email": "a@b.example"}, (400, "body_invalid")),
    "an address that is none": ({"email": "a b@c.example", "password": PASSWORD}, (400, "body_invalid")),
    "an address with NUL": ({"email": "a\0@c.example", "password": PASSWORD}, (400, "body_invalid")),
    "an address with half a character": (
        '{"email": "\\ud800@c.example", "password": "' + PASSWORD + '"}',
        (400, "body_invalid"),
    ),
    "a short password": ({"email": "a@b.example", "password": "1234567"}, (400, "body_invalid")),
    "a long password": ({"email": "a@b.example", "password": "p" * 129}, (400, "body_invalid")),
    "a number": ({"email": "a@b.example", "password": 12345678}, (400, "body_invalid")),
    "something more": (
        {"email": "a@b.example", "password": PASSWORD, "admin": True},
        (400, "body_invalid"),
    ),
    "a list": ([], (400, "body_invalid")),
    "no JSON": ("{", (400, "body_invalid")),
    "deep JSON": ("[" * 8_000, (400, "bad_request")),
    "nothing": ("", (400, "body_invalid")),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES.keys())
def test_what_cannot_be_registered(stranger: Person, body: Any, expected: tuple[int, str]) -> None:
    options: dict[str, Any] = {"json": body}
    if isinstance(body, str):
        options = {"content": body, "headers": {"Content-Type": "application/json"}}
    answer = stranger.send("POST", "/auth/register", **options)
    assert answer.problem == expected
    assert PASSWORD not in answer.raw.text


def test_a_form_is_no_json(stranger: Person) -> None:
    """What another site can send without asking first."""
    body = '{"email": "a@b.example", "password": "long enough"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = stranger.send("POST", "/auth/register", {"Content-Type": kind}, content=body)
        assert answer.problem == (400, "body_invalid")


def test_where_registration_is_closed(browse: Callable[..., Browser]) -> None:
    browser = browse(ORIGIN_REGISTRATION="closed")
    stranger, email = Person(browser), address()
    answer = stranger.post("/auth/register", {"email": email, "password": PASSWORD})
    assert answer.problem == (403, "forbidden")
    assert stranger.post("/auth/login", {"email": email, "password": PASSWORD}).status == 401
    done = browser.server.cli("user", "add", email, "--password", PASSWORD)
    assert done.returncode == 0, done.stderr
    assert stranger.post("/auth/login", {"email": email, "password": PASSWORD}).status == 200
    again = browser.server.cli("user", "add", email.upper(), "--password", PASSWORD)
    assert (again.returncode, again.stdout) == (1, "")


# Signing in


def test_signing_in(stranger: Person, account: dict[str, str]) -> None:
    answer = stranger.post("/auth/login", account | {"email": account["email"].upper()})
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 900)
    assert "set-cookie" not in answer.headers
    assert asset_list(stranger.browser, answer.json["access_token"]).status == 200


def test_one_answer_for_unknown_and_wrong(stranger: Person, account: dict[str, str]) -> None:
    unknown = stranger.post("/auth/login", {"email": address(), "password": PASSWORD})
    wrong = stranger.post("/auth/login", account | {"password": "wrong password"})
    assert unknown.problem == (401, "unauthorized")
    assert unknown.without_id == wrong.without_id


@pytest.mark.parametrize("password", ["", "short", "p" * 512, "\0", "ü" * 200], ids=repr)
def test_passwords_that_cannot_be_right(stranger: Person, account: dict[str, str], password: str) -> None:
    assert stranger.post("/auth/login", account | {"password": password}).problem == (401, "unauthorized")


def test_access_tokens_say_what_they_must(browser: Browser, account: dict[str, str]) -> None:
    token = signed_in(browser, account)["access_token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="image-origin", issuer="image-origin")
    assert {"iss", "aud", "sub", "iat", "exp", "jti"} <= set(claims)
    assert claims["exp"] - claims["iat"] == 900


# Staying signed in


def test_renewing(browser: Browser, account: dict[str, str]) -> None:
    stranger, first = Person(browser), signed_in(browser, account)
    answer = stranger.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json["refresh_token"] != first["refresh_token"]
    for token in (first["access_token"], answer.json["access_token"]):
        assert asset_list(browser, token).status == 200


def test_a_refresh_token_that_comes_back_ends_everything(browser: Browser, account: dict[str, str]) -> None:
    stranger, first = Person(browser), signed_in(browser, account)
    second = stranger.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).json
    again = stranger.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert again.problem == (401, "unauthorized")
    for token in (first["access_token"], second["access_token"]):
        assert asset_list(browser, token).problem == (401, "unauthorized")
    last = stranger.post("/auth/refresh", {"refresh_token": second["refresh_token"]})
    assert last.problem == (401, "unauthorized")


def test_tokens_are_for_one_purpose(browser: Browser, account: dict[str, str]) -> None:
    stranger, tokens = Person(browser), signed_in(browser, account)
    assert asset_list(browser, tokens["refresh_token"]).problem == (401, "unauthorized")
    for token in (tokens["access_token"], "", "x", "a.b.c"):
        assert stranger.post("/auth/refresh", {"refresh_token": token}).problem == (401, "unauthorized")
    as_cookie = {"Cookie": f"origin_session={tokens['access_token']}"}
    assert stranger.get("/images", **as_cookie).problem == (401, "unauthorized")


# Signing out


def test_signing_out_counts_at_once(browser: Browser, account: dict[str, str]) -> None:
    tokens, other = signed_in(browser, account), signed_in(browser, account)
    person = Person(browser, token=tokens["access_token"])
    assert person.post("/auth/logout").status == 204
    assert person.get("/images").problem == (401, "unauthorized")
    refreshed = Person(browser).post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.problem == (401, "unauthorized")
    assert asset_list(browser, other["access_token"]).status == 200


def test_another_spelling_of_a_revoked_token_is_revoked(browser: Browser, account: dict[str, str]) -> None:
    token = signed_in(browser, account)["access_token"]
    assert Person(browser, token=token).post("/auth/logout").status == 204
    for spelling in (token, f"{token}=", f"{token}=="):
        assert asset_list(browser, spelling).problem == (401, "unauthorized")


def test_signing_out_needs_somebody(stranger: Person) -> None:
    assert stranger.post("/auth/logout").problem == (401, "unauthorized")
    assert stranger.delete("/auth/session").problem == (401, "unauthorized")


# Browsers


@pytest.fixture
def cookie(browser: Browser, account: dict[str, str]) -> str:
    answer = Person(browser).post("/auth/session", account)
    assert (answer.status, answer.body) == (204, b"")
    return answer.headers["set-cookie"]


def session(cookie: str) -> str:
    return cookie.partition(";")[0]


def test_the_cookie_of_a_session(cookie: str) -> None:
    jar: SimpleCookie = SimpleCookie(cookie)
    morsel = jar["origin_session"]
    assert (morsel["httponly"], morsel["secure"], morsel["path"]) == (True, "", "/")
    assert morsel["samesite"] == "Strict"
    assert 0 < int(morsel["max-age"]) <= 86_400
    assert morsel["domain"] == ""


def test_the_cookie_is_secure_where_it_can_be(browse: Callable[..., Browser]) -> None:
    stranger = Person(browse(ORIGIN_PUBLIC_URL="https://img.example"))
    credentials = {"email": address(), "password": PASSWORD}
    assert stranger.post("/auth/register", credentials).status == 201
    answer = stranger.post("/auth/session", credentials)
    assert SimpleCookie(answer.headers["set-cookie"])["origin_session"]["secure"] is True


def test_a_wrong_password_opens_no_session(stranger: Person, account: dict[str, str]) -> None:
    answer = stranger.post("/auth/session", account | {"password": "wrong password"})
    assert answer.problem == (401, "unauthorized")
    assert "set-cookie" not in answer.headers


def test_a_session_reads(browser: Browser, cookie: str) -> None:
    stranger = Person(browser)
    for header in (session(cookie), f"theme=dark; {session(cookie)}; x=y"):
        assert stranger.get("/images", Cookie=header).status == 200


FROM: dict[str, tuple[dict[str, str], int]] = {
    "the same origin": ({"Origin": "{own}"}, 200),
    "an allowed origin": ({"Origin": "https://app.example"}, 200),
    "another site": ({"Origin": "https://evil.example"}, 403),
    "another port": ({"Origin": "http://127.0.0.1:1"}, 403),
    "a name that contains ours": ({"Origin": "{own}.evil.example"}, 403),
    "an opaque origin": ({"Origin": "null"}, 403),
    "no origin": ({}, 403),
    "the same site, says the browser": ({"Sec-Fetch-Site": "same-origin"}, 200),
    "another site, says the browser": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "a sister site, says the browser": ({"Sec-Fetch-Site": "same-site"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), FROM.values(), ids=FROM.keys())
def test_who_may_change_something_with_a_session(
    browser: Browser,
    account: dict[str, str],
    fresh: Callable[..., bytes],
    headers: dict[str, str],
    status: int,
) -> None:
    token = signed_in(browser, account)["access_token"]
    id = Person(browser, token=token).uploaded(fresh())["id"]
    cookie = Person(browser).post("/auth/session", account).headers["set-cookie"]
    sent = {name: value.format(own=browser.url) for name, value in headers.items()}
    answer = Person(browser).send(
        "PATCH", f"/images/{id}", {"Cookie": session(cookie)} | sent, json={"tags": ["a"]}
    )
    assert answer.status == status, answer.body
    known = Person(browser, token=token).known(id).json
    assert known["tags"] == (["a"] if status == 200 else [])


def test_another_site_cannot_sign_a_browser_in(stranger: Person, account: dict[str, str]) -> None:
    foreign = stranger.post("/auth/session", account, Origin="https://evil.example")
    assert foreign.problem == (403, "forbidden")
    assert stranger.post("/auth/session", account, Origin=stranger.browser.url).status == 204


def test_closing_a_session(browser: Browser, cookie: str) -> None:
    stranger = Person(browser)
    own = {"Cookie": session(cookie), "Origin": browser.url}
    answer = stranger.send("DELETE", "/auth/session", own)
    assert answer.status == 204
    ended = SimpleCookie(answer.headers["set-cookie"])["origin_session"]
    assert (ended.value, ended["max-age"], ended["path"]) == ("", "0", "/")
    assert stranger.get("/images", Cookie=session(cookie)).problem == (401, "unauthorized")


def test_a_session_that_ended_makes_a_stranger_and_no_errors_of_pictures(
    browser: Browser, me: Person, cookie: str, fresh: Callable[..., bytes]
) -> None:
    public, private = me.uploaded(fresh()), me.uploaded(fresh(), visibility="private")
    own = {"Cookie": session(cookie), "Origin": browser.url}
    assert Person(browser).send("DELETE", "/auth/session", own).status == 204
    for header in (session(cookie), "origin_session=x", "origin_session=", 'origin_session="a;b'):
        assert Person(browser).get(public["url"], Cookie=header).status == 200
        assert Person(browser).get(private["url"], Cookie=header).problem == (404, "not_found")
    # A token is sent on purpose, and so must be right.
    refused = Person(browser, token="x").get(public["url"])
    assert refused.problem == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_the_audience_keeps_deployments_apart(browse: Callable[..., Browser]) -> None:
    browser = browse(ORIGIN_AUDIENCE="img.example")
    assert asset_list(browser, issue("somebody", aud="img.example")).status == 200
    assert asset_list(browser, issue("somebody")).problem == (401, "unauthorized")


def test_the_secret_is_made_once_and_kept(browse: Callable[..., Browser]) -> None:
    browser = browse(JWT_SECRET="")
    credentials = {"email": address(), "password": PASSWORD}
    assert Person(browser).post("/auth/register", credentials).status == 201
    token = signed_in(browser, credentials)["access_token"]
    server: OriginServer = browser.server
    assert (server.data / "jwt-secret").stat().st_mode & 0o777 == 0o600
    server.stop()
    server.start()
    assert asset_list(browser, token).status == 200
