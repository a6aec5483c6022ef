"""People, tokens and keys: forged tokens, keys that change under load, pictures that end.

The figures of gates G10, G17, G18 and G25 are printed (``pytest -s``).
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from secrets import token_hex
from typing import Any

import pytest

from tests.conftest import NginxFactory, OriginFactory
from tests.origin.api.test_tokens import REFUSED
from tests.support import pictures
from tests.support.figures import Figures, milliseconds
from tests.support.origin import KEY, OLD_KEY, OriginServer, Response, ask, until
from tests.support.people import SECRET, Browser, Person, issue
from tests.support.servers import NginxServer, free_port
from urlspec.sign import SigningKey

EDGE_SECRET = "e" * 40
OLD_SECRET, NEW_SECRET = SECRET, "n" * 40
OFF = {f"ORIGIN_RATE_{kind}": "off" for kind in ("RENDER", "UPLOAD", "LOGIN", "REGISTER", "API")}


@dataclass
class Pair:
    """Two servers of one store behind nginx, whose keys can be changed one server after the other."""

    edge: NginxServer
    servers: tuple[OriginServer, OriginServer]
    browser: Browser
    widths: Iterator[int] = field(default_factory=lambda: count(30))

    def restart(self, **settings: str) -> None:
        for server in self.servers:
            server.stop()
            server.environment = dict(server.environment or {}) | settings
            server.start()

    def get(self, target: str, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.edge.url, target, headers=named)


@pytest.fixture(scope="module")
def pair(
    origin_factory: OriginFactory, nginx_factory: NginxFactory, postgres_database: str, tmp_path_factory: Any
) -> Iterator[Pair]:
    ports = (free_port(), free_port())
    edge = nginx_factory(*(f"127.0.0.1:{port}" for port in ports), refresh_secret=EDGE_SECRET)
    settings: dict[str, Any] = OFF | {
        "DATABASE_URL": postgres_database,
        "JWT_SECRET": OLD_SECRET,
        "ORIGIN_SIGNING_KEYS": f"old:{OLD_KEY}",
        "ORIGIN_UNSIGNED": "any",
        "ORIGIN_EDGES": edge.url,
        "ORIGIN_EDGE_SECRET": EDGE_SECRET,
        "ORIGIN_TRUSTED_PROXIES": "127.0.0.1",
    }
    home = tmp_path_factory.mktemp("store")
    first, second = (
        origin_factory(ORIGIN_PORT=str(port), ORIGIN_DATA_DIR=str(home / "data"), **settings)
        for port in ports
    )
    browser = Browser(first, edge.url)
    yield Pair(edge, (first, second), browser)
    browser.close()


def person_of(pair: Pair, secret: str = OLD_SECRET, id: str = "") -> Person:
    id = id or f"user{token_hex(8)}"
    return Person(pair.browser, id, issue(id, secret=secret))


def test_g10_no_forged_token_is_anybody(pair: Pair) -> None:
    """The tokens of the API's own tests, wherever a token may stand."""
    owner = person_of(pair)
    id = owner.uploaded(pictures.card(), visibility="private")["id"]
    accepted: list[str] = []
    asked = 0
    for name, make in REFUSED.items():
        token = make()
        body = json.dumps({"refresh_token": token}).encode()
        kind = {"Content-Type": "application/json"}
        tries = {
            "listing": pair.get("/images", Authorization=f"Bearer {token}"),
            "picture": pair.get(f"/w_20/{id}", Authorization=f"Bearer {token}"),
            "cookie": pair.get(f"/w_20/{id}", Cookie=f"origin_session={token}"),
            "refresh": ask(pair.edge.url, "/auth/refresh", "POST", kind, body=body),
        }
        asked += len(tries)
        accepted += [f"{name}: {where}" for where, answer in tries.items() if answer.status < 400]
    figures = Figures("G10: tokens that must not count")
    figures.add("tokens, in how many requests", f"{len(REFUSED)}, {asked}")
    figures.add("accepted", len(accepted), "0")
    figures.show()
    assert len(REFUSED) >= 40
    assert accepted == []
    assert owner.get(f"/w_20/{id}").status == 200


def test_g17_what_is_deleted_ends_at_the_edge(pair: Pair) -> None:
    owner = person_of(pair)
    ids = [owner.uploaded(pictures.card(90 + n, 60))["id"] for n in range(5)]
    paths = [f"/w_{next(pair.widths)}/{id}" for id in ids]
    for path in paths * 2:
        assert pair.get(path).status == 200
    assert {pair.get(path)["X-Edge"] for path in paths} == {"HIT"}
    stale, longest = 0, 0.0
    for id, path in zip(ids, paths, strict=True):
        assert owner.delete(f"/images/{id}").status == 204
        started = time.monotonic()
        while (answer := pair.get(path)).status == 200:
            stale += 1
            assert time.monotonic() - started < 30
            time.sleep(0.02)
        longest = max(longest, time.monotonic() - started)
        assert answer.summary == (410, "gone")
    figures = Figures("G17: five pictures deleted, with copies at the edge")
    figures.add("old answers after the deletion", stale, "at most 1 each")
    figures.add("longest until 410", milliseconds(longest), "10 s")
    figures.show()


@pytest.mark.parametrize("how", ["signing out", "closing it"])
def test_g18_a_right_that_ends_ends_with_the_next_request(pair: Pair, how: str) -> None:
    owner, guest = person_of(pair), Person(pair.browser)
    id = owner.uploaded(pictures.card(80, 60), visibility="private" if how == "signing out" else "public")[
        "id"
    ]
    asking = owner if how == "signing out" else guest
    path = f"/w_{next(pair.widths)}/{id}"
    assert [asking.get(path).headers["x-edge"] for _ in range(2)] == ["MISS", "HIT"]
    if how == "signing out":
        assert owner.post("/auth/logout").status == 204
    else:
        assert owner.patch(f"/images/{id}", {"visibility": "private"}).status == 200
    after = asking.get(path)
    figures = Figures(f"G18: {how}, with a copy at the edge")
    figures.add("the next request", after.status, "401 or 404")
    figures.show()
    assert after.problem in {(401, "unauthorized"), (404, "not_found")}


@dataclass
class Load:
    """Somebody who never stops asking, with the key and the token that are in use just then."""

    pair: Pair
    id: str
    key: SigningKey
    token: str
    answers: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ending.is_set():
            width = next(self.pair.widths)
            for lasting in (None, timedelta(seconds=60)):
                self._note(self.key.sign(f"/w_{width % 90 + 5}/{self.id}", lasting))
            self._note(f"/w_20/{self.id}", Authorization=f"Bearer {self.token}")
            time.sleep(0.03)

    def _note(self, target: str, **headers: str) -> None:
        answer = self.pair.get(target, **headers)
        self.answers[answer.status] += 1
        if answer.status != 200:
            self.failed.append(f"{answer.status} {answer.code} {target[:20]}")

    def __enter__(self) -> Load:
        self._thread = threading.Thread(target=self.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()


def test_g25_keys_change_and_nobody_notices(pair: Pair) -> None:
    """The last of the module: it leaves the servers with other keys."""
    id = person_of(pair).uploaded(pictures.card(100, 70))["id"]
    old, new = SigningKey("old", OLD_KEY), SigningKey("new", KEY)
    me = f"user{token_hex(8)}"
    with Load(pair, id, old, issue(me, secret=OLD_SECRET)) as load:
        pair.restart(ORIGIN_SIGNING_KEYS=f"old:{OLD_KEY},new:{KEY}", ORIGIN_JWT_SECRET_OLD=NEW_SECRET)
        pair.restart(
            ORIGIN_SIGNING_KEYS=f"new:{KEY},old:{OLD_KEY}",
            JWT_SECRET=NEW_SECRET,
            ORIGIN_JWT_SECRET_OLD=OLD_SECRET,
        )
        before_change = sum(load.answers.values())
        load.key, load.token = new, issue(me, secret=NEW_SECRET)
        until(lambda: sum(load.answers.values()) > before_change + 20)
        started = time.monotonic()
        pair.restart(ORIGIN_SIGNING_KEYS=f"new:{KEY}", ORIGIN_JWT_SECRET_OLD="")
        revoked = time.monotonic() - started
    figures = Figures("G25: signing keys and token secrets changed under load, on two servers")
    figures.add("answers meanwhile", dict(load.answers), "0 failed requests")
    figures.add("until the old ones counted nowhere", f"{revoked:.1f} s", "60 s")
    figures.show()
    assert load.failed == []
    assert set(load.answers) == {200}
    path = f"/w_{next(pair.widths)}/{id}"
    for server in pair.servers:
        assert server.get(old.sign(path)).summary == (403, "signature_invalid")
        assert server.get(new.sign(path)).status == 200
        for secret, status in ((OLD_SECRET, 401), (NEW_SECRET, 200)):
            answer = server.get("/images", Authorization=f"Bearer {issue(me, secret=secret)}")
            assert answer.status == status
