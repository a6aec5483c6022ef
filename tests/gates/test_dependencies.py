"""Redis, PostgreSQL and S3 that fail in every way, one after the other, before one server.

Each row: what is answered while it lasts, with ``Retry-After`` where it is a refusal, that nothing of it was
kept, and that all is well soon after. Times are printed (``pytest -s``) beside what is promised.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.faults import Fault, Troubled, troubled
from tests.support.figures import Figures, milliseconds
from tests.support.origin import OriginServer, Response, until
from tests.support.people import SECRET, Browser, Person, somebody
from tests.support.servers import PostgresServer, S3Server, postgres_server, redis_server, s3_server

PICTURES = 20
HUNG = 30.0
"""Seconds for what is promised in a few: machines are busy."""


@dataclass
class World:
    origin: OriginServer
    redis: Troubled
    database: Troubled
    storage: Troubled
    s3: S3Server
    postgres: PostgresServer
    writer: Person
    figures: Figures
    fresh: Iterator[str]
    """Ids of pictures that nobody has asked for yet."""
    sizes: Iterator[int] = field(default_factory=lambda: count(10))
    """Widths that nobody has asked for yet."""
    strangers: Iterator[int] = field(default_factory=count)

    def unknown(self) -> Response:
        """The answer for an id that never was, and of which nobody has heard."""
        return self.origin.get(f"/w_9/{next(self.strangers):022}")

    def new(self, id: str | None = None) -> str:
        """The path of a picture that is still to be made."""
        return f"/w_{next(self.sizes)},f_png/{id or self.origin.ids['known']}"

    def object(self, id: str) -> Path:
        """The file of an asset's original."""
        (found,) = [path for path in self.s3.root.rglob("*") if path.name == SHA[id]]
        return found

    def told(self, what: str, found: str, promise: str = "") -> None:
        self.figures.add(what, found, promise)

    def well(self, *paths: str) -> float:
        """Until every path is a picture again; seconds."""
        return until(lambda: all(self.origin.get(path).status == 200 for path in paths), HUNG)


SHA: dict[str, str] = {}


@pytest.fixture(scope="module")
def world(origin_factory: OriginFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    redis = redis_server(tmp_path_factory.mktemp("redis"))
    s3 = s3_server(tmp_path_factory.mktemp("s3"))
    postgres = postgres_server()
    figures = Figures("what dependencies do, and what is answered")
    try:
        with troubled(redis.url, postgres.url, s3.endpoint_url) as (to_redis, to_database, to_s3):
            settings: dict[str, Any] = {
                "DATABASE_URL": to_database.url,
                "REDIS_URL": to_redis.url,
                "AWS_S3_BUCKET_NAME": s3.bucket,
                "AWS_S3_ACCESS_KEY": s3.access_key,
                "AWS_S3_SECRET_KEY": s3.secret_key,
                "AWS_S3_ENDPOINT_URL": to_s3.url,
                "JWT_SECRET": SECRET,
                "ORIGIN_RATE_RENDER": "100000/minute",
                "ORIGIN_RATE_LOGIN": "8/minute",
                "ORIGIN_RATE_API": "off",
            }
            origin = origin_factory(**settings)
            folder = tmp_path_factory.mktemp("pictures")
            for seed in range(PICTURES):
                data = pictures.noise(240, 160, seed=100 + seed)
                (folder / f"{seed:02}.jpg").write_bytes(data)
            done = origin.cli("put", "--json", folder)
            assert done.returncode == 0, done.stdout + done.stderr
            ids = _ids(done.stdout, folder)
            origin.ids["known"] = ids.pop()
            with closing(Browser(origin)) as browser:
                writer = somebody(browser)
                world = World(origin, to_redis, to_database, to_s3, s3, postgres, writer, figures, iter(ids))
                assert origin.get(world.new()).status == 200
                yield world
            figures.show()
    finally:
        redis.stop()
        postgres.stop()
        shutil.rmtree(postgres.log.parent)
        s3.process.stop()


def _ids(lines: str, folder: Path) -> list[str]:
    found = [json.loads(line) for line in lines.splitlines()]
    for entry in found:
        SHA[entry["id"]] = hashlib.sha256((folder / Path(entry["file"]).name).read_bytes()).hexdigest()
    return [entry["id"] for entry in found]


def refused(answer: Response, status: int, code: str) -> None:
    assert answer.summary == (status, code), answer.body
    assert answer["Cache-Control"] == "no-store"
    if status in {503, 504}:
        assert 1 <= int(answer["Retry-After"]) <= 60


# S3 -------------------------------------------------------------------------------------------------------


def s3_says(status: str, body: bytes = b"", length: str | None = None) -> bytes:
    size = f"Content-Length: {len(body)}\r\n" if length is None else length
    head = f'HTTP/1.1 {status}\r\n{size}Last-Modified: Sun, 17 May 2026 12:00:00 GMT\r\nETag: "x"\r\n'
    return f"{head}Connection: close\r\n\r\n".encode() + body


def s3_refuses(status: str, code: str) -> bytes:
    return s3_says(status, f"<Error><Code>{code}</Code></Error>".encode())


HTML = s3_says("200 OK", b"<html>Welcome to the hotel's network</html>")
OTHER = s3_says("200 OK", pictures.noise(240, 160, seed=1))
SLOW_DOWN = s3_refuses("503 Slow Down", "SlowDown")
ANSWER: dict[str, Any] = {"fault": Fault.ANSWER}

S3_FAULTS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "a body cut once": ({"fault": Fault.CUT, "after": 3_000, "times": 1}, 200, "", ""),
    "a body always cut": ({"fault": Fault.CUT, "after": 3_000}, 502, "storage_truncated", "8 s"),
    "a body always reset": ({"fault": Fault.RESET_BODY, "after": 3_000}, 502, "storage_truncated", "8 s"),
    "no length": ({**ANSWER, "words": s3_says("200 OK", b"x", "")}, 502, "storage_corrupt", ""),
    "a page instead": ({**ANSWER, "words": HTML}, 502, "storage_truncated", ""),
    "another picture": ({**ANSWER, "words": OTHER}, 502, "storage_", ""),
    "SlowDown": ({**ANSWER, "words": SLOW_DOWN}, 503, "storage_unavailable", "1.5 s"),
    "SlowDown once": ({**ANSWER, "words": SLOW_DOWN, "times": 1}, 200, "", ""),
    "500": ({**ANSWER, "words": s3_refuses("500 No", "InternalError")}, 503, "storage_unavailable", "1.5 s"),
    "403": ({**ANSWER, "words": s3_refuses("403 No", "AccessDenied")}, 503, "storage_unavailable", ""),
    "404": ({**ANSWER, "words": s3_refuses("404 No", "NoSuchKey")}, 502, "storage_missing", ""),
    "not HTTP": ({**ANSWER, "words": b"SSH-2.0-x\r\n\r\n"}, 503, "storage_unavailable", "1.5 s"),
    "reset before headers": ({"fault": Fault.RESET}, 503, "storage_unavailable", "1.5 s"),
    "refused": ({"fault": Fault.REFUSE}, 503, "storage_unavailable", "1.5 s"),
    "a black hole": ({"fault": Fault.BLACK_HOLE}, 504, "storage_timeout", "8 s"),
    "a drip": ({"fault": Fault.DRIP, "after": 600, "rate": 1_000}, 504, "storage_timeout", "8 s"),
}  # fmt: skip


@pytest.mark.parametrize("name", S3_FAULTS)
def test_storage_that_fails(world: World, name: str) -> None:
    trouble, status, code, promise = S3_FAULTS[name]
    path, known = world.new(next(world.fresh)), world.new()
    workers = world.origin.workers()
    asked = world.storage.requests
    world.storage.set(**trouble)
    try:
        answer = world.origin.get(path)
        times = world.storage.requests - asked
        assert times <= 3
        assert world.origin.get(known).status == 200, "what is kept here needs no storage"
    finally:
        world.storage.set(Fault.PASS)
    if status == 200:
        assert (answer.status, answer.cache) == (200, "render")
    else:
        refused(answer, status, answer.code if answer.code.startswith(code) else code)
    back = world.well(path)
    assert world.origin.workers() == workers
    whole = world.origin.get(path)
    assert pictures.size_of(whole.body)[0] == int(path[3:].partition(",")[0])
    assert answer.seconds < HUNG
    world.told(f"S3: {name}", f"{answer.status} {milliseconds(answer.seconds)}, {times} tries", promise)
    world.told("    well again", milliseconds(back), "5 s")


def test_a_damaged_object_is_never_a_picture(world: World) -> None:
    id = next(world.fresh)
    path, place = world.new(id), world.object(id)
    good = place.read_bytes()
    for what, bad, code in [
        ("a flipped bit", good[:2_000] + bytes([good[2_000] ^ 1]) + good[2_001:], "storage_corrupt"),
        ("one byte more", good + b"x", "storage_corrupt"),
        ("half of it", good[: len(good) // 2], "storage_truncated"),
        ("nothing", b"", "storage_truncated"),
    ]:
        place.write_bytes(bad)
        answer = world.origin.get(path)
        refused(answer, 502, code)
        world.told(f"S3: {what}", f"502 {milliseconds(answer.seconds)}")
    place.write_bytes(good)
    assert world.origin.get(path).status == 200


# PostgreSQL ----------------------------------------------------------------------------------------------

DATABASE_FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": Fault.REFUSE},
    "reset": {"fault": Fault.RESET},
    "a black hole": {"fault": Fault.BLACK_HOLE},
    "5 s late": {"fault": Fault.LATE, "after": 5_000},
    "garbage": {"fault": Fault.GARBAGE},
}


@pytest.mark.parametrize("name", DATABASE_FAULTS)
def test_a_database_that_fails(world: World, name: str) -> None:
    known = [world.new() for _ in range(4)]
    hit = world.new()
    assert world.origin.get(hit).status == 200
    until(lambda: world.unknown().status == 404, HUNG)
    world.database.set(**DATABASE_FAULTS[name])
    try:
        first = world.unknown()
        refused(first, 503, "db_unavailable")
        answers = [world.origin.get(path) for path in (hit, *known)]
        assert [answer.status for answer in answers] == [200] * 5, "what is known is served"
        crowd = world.origin.many([f"/w_9/x{next(world.strangers):021}" for _ in range(30)])
        for answer in crowd:
            refused(answer, 503, "db_unavailable")
        last = world.unknown()
        refused(last, 503, "db_unavailable")
        assert world.writer.upload(pictures.noise(30, 20, seed=5)).problem == (503, "db_unavailable")
    finally:
        world.database.set(Fault.PASS)
    back = until(lambda: world.unknown().status == 404, HUNG)
    slowest = max(answer.seconds for answer in crowd)
    world.told(f"PostgreSQL: {name}, unknown", f"503 {milliseconds(first.seconds)}", "1.2 s")
    world.told("    30 at once, the slowest", f"503 {milliseconds(slowest)}", "1.2 s")
    served = ", ".join(milliseconds(one.seconds) for one in answers)
    world.told("    known, a hit and four renders", f"200 {served}")
    world.told("    well again", milliseconds(back), "5 s")


def test_a_database_that_only_reads(world: World) -> None:
    world.postgres.sql("ALTER DATABASE postgres SET default_transaction_read_only = on")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'origin'"
    try:
        world.postgres.sql(end)
        assert world.origin.get(world.new()).status == 200
        assert world.unknown().status == 404
        assert world.writer.upload(pictures.noise(30, 20, seed=6)).problem == (503, "db_unavailable")
        assert world.origin.get(world.new()).status == 200, "a write that fails is no reason not to read"
    finally:
        reset = "ALTER DATABASE postgres RESET default_transaction_read_only"
        world.postgres.sql(f"BEGIN READ WRITE; {reset}; COMMIT")
        world.postgres.sql(end)
    assert world.writer.upload(pictures.noise(30, 20, seed=6)).status == 201


# Redis ----------------------------------------------------------------------------------------------------

REDIS_FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": Fault.REFUSE},
    "reset": {"fault": Fault.RESET},
    "a black hole": {"fault": Fault.BLACK_HOLE},
    "2 s late": {"fault": Fault.LATE, "after": 2_000},
    "garbage": {"fault": Fault.GARBAGE},
}


def redis_is(world: World, state: str) -> bool:
    return bool(world.origin.get("/readyz").json["checks"]["redis"] == state)


@pytest.mark.parametrize("name", REDIS_FAULTS)
def test_a_redis_that_fails(world: World, name: str) -> None:
    until(lambda: redis_is(world, "ok"), HUNG)
    usual = [world.origin.get(world.new()) for _ in range(5)]
    hit = world.new()
    assert world.origin.get(hit).status == 200
    world.redis.set(**REDIS_FAULTS[name])
    try:
        answers = [world.origin.get(world.new()) for _ in range(8)]
        asked = world.redis.requests
        hits = [world.origin.get(hit) for _ in range(20)]
        tries = world.redis.requests - asked
    finally:
        world.redis.set(Fault.PASS)
    assert {(answer.status, answer.cache) for answer in answers} == {(200, "render")}
    assert {(answer.status, answer.cache) for answer in hits} == {(200, "memory")}
    assert tries <= 20, "asked in the background, not by every request"
    back = until(lambda: redis_is(world, "ok"), HUNG)
    before = sorted(answer.seconds for answer in usual)[2]
    more = [milliseconds(answer.seconds - before) for answer in answers]
    world.told(f"Redis: {name}, eight renders", "+ " + ", ".join(more), "+55 ms three times, then +5 ms")
    world.told("    well again", milliseconds(back), "5 s")


def test_sign_ins_are_limited_without_redis(world: World) -> None:
    """A quarter of the rate, counted here: never without a limit."""
    until(lambda: redis_is(world, "ok"), HUNG)
    browser = world.writer.browser
    world.redis.set(Fault.REFUSE)
    try:
        world.origin.get(world.new())  # who notices
        body = {"email": "nobody@example.org", "password": "wrong wrong wrong"}
        answers = [browser.send("POST", "/auth/login", json=body).status for _ in range(4)]
    finally:
        world.redis.set(Fault.PASS)
    assert answers == [401, 401, 429, 429]
    until(lambda: redis_is(world, "ok"), HUNG)


# All of them ----------------------------------------------------------------------------------------------


def test_all_away_at_once(world: World) -> None:
    """What this server has, it gives."""
    hit = world.new()
    before = world.origin.get(hit)
    assert before.status == 200
    for one in (world.redis, world.database, world.storage):
        one.set(Fault.BLACK_HOLE)
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: world.origin.get(hit), range(20)))
        assert {answer.body for answer in answers} == {before.body}
        assert world.origin.get(world.new()).status == 200
        assert world.origin.healthy()
        ready = world.origin.get("/readyz")
        assert (ready.status, ready["Retry-After"]) == (503, "2")
        assert ready.json["checks"]["workers"] == "ok"
        assert "ok" not in {ready.json["checks"][name] for name in ("redis", "database", "storage")}
    finally:
        for one in (world.redis, world.database, world.storage):
            one.set(Fault.PASS)
    back = until(lambda: world.origin.get("/readyz").status == 200, HUNG)
    world.told("all away: hits, the slowest", milliseconds(max(one.seconds for one in answers)))
    world.told("    well again", milliseconds(back), "5 s")
