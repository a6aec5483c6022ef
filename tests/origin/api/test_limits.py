"""How often one may: by user or by address, in one process or shared by all, and what does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any

import pytest

from tests.conftest import RedisFactory
from tests.support.people import PASSWORD, Answer, Browser, Person, issue, somebody

LIMITS = {
    "ORIGIN_RATE_RENDER": "3/minute",
    "ORIGIN_RATE_UPLOAD": "4/minute",
    "ORIGIN_RATE_LOGIN": "3/minute",
    "ORIGIN_RATE_REGISTER": "2/minute",
    "ORIGIN_RATE_API": "5/minute",
    "ORIGIN_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
}


@pytest.fixture(scope="module", params=["in process", "in Redis"])
def limited(request: pytest.FixtureRequest, browse: Callable[..., Browser]) -> Browser:
    shared = {"REDIS_URL": request.getfixturevalue("redis_url")} if request.param == "in Redis" else {}
    return browse(**LIMITS, **shared)


def addresses() -> str:
    """One that nobody came from before."""
    return f"2001:db8:{token_hex(2)}:{token_hex(2)}::1"


def standing(answer: Answer) -> tuple[int, int]:
    assert 0 <= int(answer.headers["ratelimit-reset"]) <= 60
    return int(answer.headers["ratelimit-limit"]), int(answer.headers["ratelimit-remaining"])


def refused(answer: Answer, limit: int) -> None:
    assert answer.problem == (429, "too_many_requests")
    assert standing(answer) == (limit, 0)
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_requests_by_user(limited: Browser) -> None:
    me, other = somebody(limited), somebody(limited)
    assert [standing(me.get("/images")) for _ in range(5)] == [(5, left) for left in (4, 3, 2, 1, 0)]
    refused(me.get("/images", X_Forwarded_For=addresses()), 5)
    refused(me.known("anything"), 5)
    # Another token is the same user; another user has done nothing yet.
    refused(Person(limited, me.id, issue(me.id)).get("/images"), 5)
    assert standing(other.get("/images")) == (5, 4)


def test_uploads_by_user(limited: Browser, fresh: Callable[..., bytes]) -> None:
    me = somebody(limited)
    assert [standing(me.upload(fresh())) for _ in range(2)] == [(4, 3), (4, 2)]
    assert me.upload(b"no picture").problem == (415, "unsupported_media")
    assert me.upload(fresh()).status == 201
    refused(me.upload(fresh()), 4)
    assert me.get("/images").status == 200
    assert somebody(limited).upload(fresh()).status == 201


def sign_in(limited: Browser, address: str, path: str = "/auth/login") -> Answer:
    body = {"email": f"{token_hex(6)}@people.example", "password": PASSWORD}
    return Person(limited).post(path, body, X_Forwarded_For=address)


def test_sign_ins_by_address(limited: Browser) -> None:
    address = addresses()
    assert [sign_in(limited, address).status for _ in range(2)] == [401, 401]
    assert sign_in(limited, address, "/auth/session").status == 401
    refused(sign_in(limited, address), 3)
    refused(sign_in(limited, address, "/auth/session"), 3)
    assert sign_in(limited, addresses()).status == 401


def test_registrations_by_address(limited: Browser) -> None:
    address = addresses()
    assert [sign_in(limited, address, "/auth/register").status for _ in range(2)] == [201, 201]
    refused(sign_in(limited, address, "/auth/register"), 2)


def test_renewing_does_not_count_as_signing_in(limited: Browser) -> None:
    address = addresses()
    for _ in range(4):
        answer = Person(limited).post("/auth/refresh", {"refresh_token": "x"}, X_Forwarded_For=address)
        assert answer.problem == (401, "unauthorized")
    assert sign_in(limited, address).status == 401


SAME: dict[str, tuple[str, str]] = {
    "what a client adds in front": ("1.1.1.1, {a}", "2.2.2.2, {a}"),
    "a trusted proxy behind": ("{a}, 10.1.2.3", "{a}"),
    "two trusted proxies behind": ("{a}, 10.1.2.3, 10.9.9.9", "9.9.9.9, {a}"),
    "one customer's network": ("{a}", "{a}:2:3"),
    "IPv4 in IPv6": ("192.0.2.{n}", "::ffff:192.0.2.{n}"),
}


@pytest.mark.parametrize(("first", "second"), SAME.values(), ids=SAME.keys())
def test_whom_an_address_belongs_to(limited: Browser, first: str, second: str) -> None:
    parts = {"a": addresses().removesuffix("1"), "n": str(int(token_hex(1), 16))}
    first, second = (text.format(**parts).replace(":::", "::") for text in (first, second))
    first, second = (text.replace("::,", "::1,") for text in (first, second))
    assert [sign_in(limited, address).status for address in (first, second, first)] == [401] * 3
    refused(sign_in(limited, second), 3)


def test_without_a_trusted_proxy_the_header_means_nothing(browse: Callable[..., Browser]) -> None:
    browser = browse(**LIMITS | {"ORIGIN_TRUSTED_PROXIES": ""})
    assert [sign_in(browser, addresses()).status for _ in range(4)] == [401, 401, 401, 429]


def test_what_is_there_already_costs_nothing(limited: Browser, fresh: Callable[..., bytes]) -> None:
    public = limited.server.put(fresh(400, 300), "public.png")
    me, address = Person(limited), addresses()

    def get(width: int, of: str = address, **headers: str) -> Answer:
        return me.get(f"/w_{width}/{public}", X_Forwarded_For=of, **headers)

    made = [get(width) for width in (301, 302, 303)]
    assert [answer.headers["x-cache"] for answer in made] == ["render"] * 3
    for _ in range(6):
        assert get(301).headers["x-cache"] == "memory"
    assert get(302, If_None_Match=made[1].headers["etag"]).status == 304
    answer = get(304)
    assert answer.problem == (429, "too_many_requests")
    assert standing(answer) == (3, 0)
    # It is there now for everybody, also for who may order no more.
    assert get(304, addresses()).headers["x-cache"] == "render"
    assert get(304).headers["x-cache"] == "memory"
    # Who signs in is counted as oneself.
    assert somebody(limited).get(f"/w_305/{public}", X_Forwarded_For=address).status == 200


# Passwords


@pytest.fixture(scope="module")
def guarded(browse: Callable[..., Browser]) -> Browser:
    return browse(ORIGIN_RATE_LOGIN="1000/minute", ORIGIN_TRUSTED_PROXIES="127.0.0.1")


def account(browser: Browser) -> dict[str, str]:
    credentials = {"email": f"{token_hex(6)}@people.example", "password": PASSWORD}
    assert Person(browser).post("/auth/register", credentials).status == 201
    return credentials


def guess(browser: Browser, email: str, password: str = "a guess", of: str = "") -> Answer:
    body = {"email": email, "password": password}
    return Person(browser).post("/auth/login", body, X_Forwarded_For=of or addresses())


def test_five_guesses_an_account(guarded: Browser) -> None:
    known, unknown = account(guarded)["email"], f"{token_hex(6)}@people.example"
    for email in (known, unknown):
        assert [guess(guarded, email).status for _ in range(5)] == [401] * 5
        answer = guess(guarded, email.upper(), PASSWORD)
        assert answer.problem == (429, "too_many_requests")
        assert 60 < int(answer.headers["retry-after"]) <= 900
    assert guess(guarded, account(guarded)["email"], PASSWORD).status == 200


def test_many_guesses_at_once_are_no_way_around(guarded: Browser) -> None:
    email = account(guarded)["email"]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: guess(guarded, email), range(12)))
    counts = Counter(answer.status for answer in answers)
    assert set(counts) == {401, 429}
    assert counts[401] <= 5
    assert guess(guarded, account(guarded)["email"], PASSWORD).status == 200


def test_twenty_guesses_an_address(guarded: Browser) -> None:
    address = addresses()
    for _ in range(4):
        email = f"{token_hex(6)}@people.example"
        assert [guess(guarded, email, of=address).status for _ in range(5)] == [401] * 5
    right = account(guarded)
    assert guess(guarded, right["email"], PASSWORD, of=address).problem == (429, "too_many_requests")
    assert guess(guarded, right["email"], PASSWORD).status == 200


def test_who_is_right_is_not_counted(guarded: Browser) -> None:
    email, address = account(guarded)["email"], addresses()
    assert [guess(guarded, email, PASSWORD, address).status for _ in range(8)] == [200] * 8


# Redis


def test_servers_share_the_count(browse: Callable[..., Browser], redis_factory: RedisFactory) -> None:
    redis = redis_factory()
    settings: dict[str, Any] = LIMITS | {"REDIS_URL": redis.url}
    first, second = browse(**settings), browse(**settings)
    id = f"user{token_hex(6)}"
    people = [Person(browser, id, issue(id)) for browser in (first, second)]
    assert [standing(people[turn % 2].get("/images"))[1] for turn in range(5)] == [4, 3, 2, 1, 0]
    for person in people:
        refused(person.get("/images"), 5)
    # Without Redis each counts for itself; what guards passwords is then a quarter.
    redis.kill()
    other = somebody(first)
    assert [other.get("/images").status for _ in range(6)] == [200] * 5 + [429]
    address = addresses()
    assert [sign_in(first, address).status for _ in range(2)] == [401, 429]
    redis.start()
