"""The fleet: two origins behind the shipped nginx, with Redis, S3 and PostgreSQL, all of them real."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NginxFactory, OriginFactory
from tests.support import pictures
from tests.support.origin import KEY, OriginServer, Response, ask, until
from tests.support.servers import (
    NginxServer,
    PostgresServer,
    RedisServer,
    S3Server,
    postgres_server,
    redis_server,
    s3_server,
)
from urlspec.sign import SigningKey

KEPT = 3
"""Seconds for which the edge keeps a public picture here, so that a test can wait for the end of it."""


@dataclass
class Fleet:
    edge: NginxServer
    first: OriginServer
    second: OriginServer
    redis: RedisServer
    s3: S3Server
    database: PostgresServer
    ids: dict[str, str]

    def get(self, target: str, /, **headers: str) -> Response:
        """Through the edge."""
        return ask(self.edge.url, target, headers={name.replace("_", "-"): v for name, v in headers.items()})

    def spread(self, target: str, times: int) -> list[Response]:
        """At once, by turns from both origins, past the edge."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda n: (self.first, self.second)[n % 2].get(target), range(times)))


@pytest.fixture(scope="module")
def fleet(
    origin_factory: OriginFactory,
    nginx_factory: NginxFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    redis = redis_server(tmp_path_factory.mktemp("redis"))
    s3 = s3_server(tmp_path_factory.mktemp("s3"))
    database = postgres_server()
    settings: dict[str, Any] = {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
        "JWT_SECRET": "j" * 40,
        "ORIGIN_SIGNING_KEYS": f"web:{KEY}",
        "ORIGIN_UNSIGNED": "any",
        "ORIGIN_SOURCES": f"shop=s3://{s3.bucket}/shop;public",
        "ORIGIN_CACHE_CONTROL": f"public, max-age={KEPT}",
    }
    try:
        first, second = origin_factory(**settings), origin_factory(**settings)
        edge = nginx_factory(*(server.url.removeprefix("http://") for server in (first, second)))
        ids = {
            "card": first.put(pictures.card(suffix=".jpg"), "card.jpg"),
            "large": second.put(pictures.card(1200, 800, ".jpg"), "large.jpg"),
            "secret": first.put(pictures.card(), "secret.png", "--private"),
        }
        yield Fleet(edge, first, second, redis, s3, database, ids)
    finally:
        redis.stop()
        database.stop()
        shutil.rmtree(database.log.parent)
        s3.process.stop()


def sign(path: str, lasting: float) -> str:
    return SigningKey("web", KEY).sign(path, timedelta(seconds=lasting))


def test_both_origins_are_ready_and_know_every_picture(fleet: Fleet) -> None:
    for server in (fleet.first, fleet.second):
        checks = server.get("/readyz").json["checks"]
        assert checks == dict.fromkeys(("database", "storage", "workers", "redis", "source shop"), "ok")
        for name in ("card", "large"):
            assert server.get(f"/w_40/{fleet.ids[name]}").status == 200


def test_the_second_time_the_edge_answers(fleet: Fleet) -> None:
    path = f"/w_41,r_90,f_webp/{fleet.ids['card']}"
    miss, hit = fleet.get(path), fleet.get(path)
    assert [miss["X-Edge"], hit["X-Edge"]] == ["MISS", "HIT"]
    assert pictures.size_of(miss.body) == (41, 62)
    assert (hit.body, hit["ETag"], hit["Link"]) == (miss.body, miss["ETag"], miss["Link"])
    assert miss["X-Cache"] == "render"
    assert "X-Cache" not in hit
    assert miss["X-Request-Id"] != hit["X-Request-Id"]
    assert miss["Content-Security-Policy"] == hit["Content-Security-Policy"]


def test_a_right_copy_is_told_so_by_the_edge(fleet: Fleet) -> None:
    path = f"/w_42/{fleet.ids['card']}"
    tag = fleet.get(path)["ETag"]
    answer = fleet.get(path, If_None_Match=tag)
    assert (answer.status, answer.body, answer["ETag"]) == (304, b"", tag)


def test_classes_of_clients_are_cached_apart(fleet: Fleet) -> None:
    path = f"/w_43,f_auto/{fleet.ids['card']}"
    clients = {
        "avif": "image/avif,image/webp,image/apng,*/*;q=0.8",
        "webp": "image/webp,*/*",
        "jpg": "*/*",
    }
    for format, accept in clients.items():
        answer = fleet.get(path, Accept=accept)
        assert (answer["X-Edge"], pictures.format_of(answer.body)) == ("MISS", format)
    for format, accept in clients.items():
        answer = fleet.get(path, Accept=f"text/html,{accept}")
        assert (answer["X-Edge"], pictures.format_of(answer.body)) == ("HIT", format)
        assert "Accept" in answer["Vary"]


def test_what_one_origin_made_the_other_need_not(fleet: Fleet) -> None:
    path = f"/w_44/{fleet.ids['card']}"
    made, found = fleet.first.get(path), fleet.second.get(path)
    assert (made.cache, found.cache) == ("render", "redis")
    assert (found.body, found["ETag"]) == (made.body, made["ETag"])


def test_a_hundred_ask_two_origins_and_one_renders(fleet: Fleet) -> None:
    answers = fleet.spread(f"/e_sepia:30/w_700,f_webp/{fleet.ids['large']}", 100)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    caches = Counter(answer.cache for answer in answers)
    assert caches["render"] == 1, caches
    assert set(caches) <= {"render", "coalesced", "memory", "redis"}


def test_a_draft_is_replaced_once_for_all(fleet: Fleet) -> None:
    servers = (fleet.first, fleet.second)
    path, accept = f"/w_640,f_auto/{fleet.ids['large']}", "image/avif,*/*"
    drafts = [server.get(path, Accept=accept) for server in servers]
    assert len({(draft.body, draft["ETag"]) for draft in drafts}) == 1
    assert drafts[0]["ETag"].startswith('W/"'), "both know of it, so both want to replace it"
    renders = sum(rendered(server) for server in servers)

    def settled() -> bool:
        return all(not server.get(path, Accept=accept)["ETag"].startswith("W/") for server in servers)

    until(settled, 60)
    finals = [server.get(path, Accept=accept) for server in servers]
    assert len({(final.body, final["ETag"]) for final in finals}) == 1
    assert len(finals[0].body) <= len(drafts[0].body)
    assert sum(rendered(server) for server in servers) == renders + 1


def rendered(server: OriginServer) -> float:
    """AVIF pictures that its workers have made."""
    text = server.get("/metrics").body.decode()
    found = re.search(
        r'^origin_render_seconds_count\{format="avif",stage="encode"\} (\S+)', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


def test_objects_of_the_bucket_are_served_without_an_upload(fleet: Fleet) -> None:
    place = fleet.s3.path("shop/new shoes/ü.png")
    place.parent.mkdir(parents=True)
    place.write_bytes(pictures.card())
    answer = fleet.get("/w_60/@shop/new%20shoes/%C3%BC.png")
    assert (answer.status, answer["X-Edge"]) == (200, "MISS"), answer.body
    assert pictures.size_of(answer.body) == (60, 40)
    assert fleet.get("/w_60/@shop/none.png").summary == (404, "not_found")
    assert fleet.get("/w_60/@shop/..%2Foriginals").status == 400


# For some, and for a while -------------------------------------------------------------------------------


def test_an_expired_signature_is_refused_also_on_a_hit(fleet: Fleet) -> None:
    path = f"/w_45/{fleet.ids['card']}"
    long, short = sign(path, 600), sign(path, 3)
    end = int(short.split(".")[2])
    answers = [fleet.get(url) for url in (long, long, short)]
    assert [answer["X-Edge"] for answer in answers] == ["MISS", "HIT", "HIT"]
    assert all(answer["Cache-Control"].startswith("private") for answer in answers)
    assert answers[2].max_age <= 3
    time.sleep(max(0.0, end - time.time()) + 0.1)
    assert fleet.get(short).summary == (403, "signature_expired")
    assert fleet.get(long)["X-Edge"] == "HIT"


def test_a_private_picture_is_never_for_everybody(fleet: Fleet) -> None:
    path = f"/w_20/{fleet.ids['secret']}"
    assert fleet.get(path).summary == (404, "not_found")
    url = sign(path, 600)
    assert [fleet.get(url)["X-Edge"] for _ in range(2)] == ["MISS", "HIT"]
    assert fleet.get(path).summary == (404, "not_found")
    assert fleet.get(url[:-1] + "x").status in {403, 404}
    assert fleet.get(url.replace("/w_20/", "/w_21/")).summary == (403, "signature_invalid")


def test_a_purge_is_heard_by_all_and_a_removal_ends_it(fleet: Fleet) -> None:
    name = fleet.first.put(pictures.plain(50, 40, (9, 9, 9)), "gone.png")
    path = f"/w_30/{name}"
    tag = fleet.second.get(path)["ETag"]
    assert fleet.first.cli("purge", name).returncode == 0
    both = (fleet.first, fleet.second)
    until(lambda: all(server.get(path)["ETag"] != tag for server in both))
    assert fleet.second.cli("rm", name).returncode == 0
    until(lambda: all(server.get(path).status == 410 for server in both))


# Trouble ------------------------------------------------------------------------------------------------


def test_without_redis_pictures_are_served_all_the_same(fleet: Fleet) -> None:
    known, other = f"/w_46/{fleet.ids['card']}", f"/w_47/{fleet.ids['card']}"
    before = fleet.first.get(known)
    fleet.redis.kill()
    try:
        for server in (fleet.first, fleet.second):
            answer = server.get(known)
            assert (answer.status, answer.body) == (200, before.body)
            assert server.get(other).status == 200
            ready = server.get("/readyz")
            assert (ready.status, ready.json["checks"]["redis"]) == (200, "unavailable")
        assert {answer.status for answer in fleet.spread(f"/w_48/{fleet.ids['card']}", 10)} == {200}
    finally:
        fleet.redis.start()
    path = f"/w_49,e_negate/{fleet.ids['card']}"
    until(lambda: fleet.first.get("/readyz").json["checks"]["redis"] == "ok")
    until(lambda: fleet.second.get("/readyz").json["checks"]["redis"] == "ok")
    assert [fleet.first.get(path).cache, fleet.second.get(path).cache] == ["render", "redis"]


def test_without_s3_what_is_known_is_served(fleet: Fleet) -> None:
    known = f"/w_50/{fleet.ids['card']}"
    before = fleet.first.get(known)
    fresh = fleet.first.put(pictures.plain(90, 40, (1, 9, 9)), "fresh.png")
    fleet.s3.process.kill()
    try:
        after = fleet.first.get(known)
        assert (after.status, after.body) == (200, before.body)
        another_size = fleet.first.get(f"/w_51/{fleet.ids['card']}")
        assert another_size.status == 200, "the original is kept here, too"
        new = fleet.first.get(f"/w_52/{fresh}")
        assert new.summary == (503, "storage_unavailable")
        assert 1 <= int(new["Retry-After"]) <= 60
        assert new["Cache-Control"] == "no-store"
        ready = fleet.first.get("/readyz")
        assert (ready.status, ready.json["checks"]["storage"]) == (503, "storage_unavailable")
    finally:
        fleet.s3.process.start()
    assert fleet.first.get(f"/w_52/{fresh}").status == 200


def test_without_the_database_what_is_known_is_served(fleet: Fleet) -> None:
    known = f"/w_53/{fleet.ids['card']}"
    before = fleet.first.get(known)
    fleet.database.stop()
    try:
        after = fleet.first.get(known)
        assert (after.status, after.body) == (200, before.body)
        unknown = fleet.first.get("/w_53/" + "z" * 22)
        assert unknown.summary == (503, "db_unavailable")
        assert int(unknown["Retry-After"]) >= 1
    finally:
        fleet.database.start()
    until(lambda: fleet.first.get("/w_53/" + "z" * 22).status == 404)


def test_a_damaged_object_is_never_a_picture(fleet: Fleet) -> None:
    name = fleet.first.put(pictures.noise(200, 150, seed=11), "damaged.jpg")
    (stored,) = [
        path
        for path in fleet.s3.root.rglob("*")
        if path.is_file() and path.read_bytes() == pictures.noise(200, 150, seed=11)
    ]
    good = stored.read_bytes()
    for damage, code in ((good[:-500], "storage_truncated"), (good[:-1] + b"x", "storage_corrupt")):
        stored.write_bytes(damage)
        for server in (fleet.first, fleet.second):
            answer = server.get(f"/w_54/{name}")
            assert (answer.summary, answer["Cache-Control"]) == ((502, code), "no-store")
    stored.write_bytes(good)
    assert fleet.get(f"/w_54/{name}").status == 200


def test_one_origin_less_is_not_noticed_and_none_gives_old_copies(fleet: Fleet) -> None:
    """The last of the module: it ends both origins."""
    old = f"/w_55/{fleet.ids['card']}"
    before = fleet.get(old)
    private = sign(f"/w_56/{fleet.ids['secret']}", 600)
    assert fleet.get(private).status == 200
    fleet.first.kill()
    assert {fleet.get(f"/w_{57 + n}/{fleet.ids['card']}").status for n in range(10)} == {200}
    fleet.second.kill()
    time.sleep(KEPT + 1.2)  # nginx counts whole seconds
    stale = fleet.get(old)
    assert (stale.status, stale["X-Edge"], stale.body) == (200, "STALE", before.body)
    refused = fleet.get(private)
    assert refused.status == 503, "nobody can say whether it may be seen"
    assert int(refused["Retry-After"]) >= 1
    assert fleet.get(f"/w_99/{fleet.ids['card']}").status in {502, 503}
