"""Uploads straight into S3, and what comes after any upload: eager variants and the webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.origin.api.conftest import fleet_settings
from tests.support import pictures
from tests.support.origin import until
from tests.support.people import Answer, Browser, Person, somebody
from tests.support.servers import S3Server
from tests.support.upstream import Reply, Request, upstream


@pytest.fixture(scope="module")
def fleet(request: pytest.FixtureRequest, browse: Callable[..., Browser]) -> Iterator[Browser]:
    """A server with S3, where somebody may store 20 kB."""
    with ExitStack() as stack:
        yield browse(**fleet_settings(request, stack), ORIGIN_QUOTA_BYTES="20000")


@pytest.fixture
def me(fleet: Browser) -> Person:
    return somebody(fleet)


@pytest.fixture
def other(fleet: Browser) -> Person:
    return somebody(fleet)


def wish(data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "media_type": "image/png",
    } | more


def put(place: Answer, data: bytes, **changed: str | None) -> int:
    """What a browser does: it sends the headers it was told to, and nothing of ours."""
    assert place.status == 200, place.body
    body = place.json
    headers = body["headers"] | {name.replace("_", "-"): value for name, value in changed.items()}
    sent = {name: value for name, value in headers.items() if value is not None}
    return httpx.request(body["method"], body["url"], content=data, headers=sent, trust_env=False).status_code


def quarantined(s3: S3Server) -> list[Path]:
    return [path for path in (s3.root / s3.bucket).rglob("quarantine/*") if path.is_file()]


def test_a_straight_upload(me: Person, s3: S3Server, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    place = me.post("/images/presign", wish(data, visibility="private", tags=["a"]))
    body = place.json
    assert set(body) == {"id", "method", "url", "headers", "expires_at", "complete"}
    assert body["complete"] == f"/images/{body['id']}/complete"
    signed = parse_qs(urlsplit(body["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    assert {"content-length", "x-amz-checksum-sha256"} <= set(signed)
    assert me.known(body["id"]).problem == (404, "not_found")
    assert me.post(body["complete"]).problem == (409, "conflict")
    assert put(place, data) == 200
    before = len(quarantined(s3))
    answer = me.post(body["complete"])
    assert answer.status == 201
    asset = answer.json
    assert (asset["id"], asset["visibility"], asset["tags"]) == (body["id"], "private", ["a"])
    assert asset["sha256"] == hashlib.sha256(data).hexdigest()
    assert me.get(f"/raw_1/{asset['id']}").body == data
    assert len(quarantined(s3)) == before - 1
    again = me.post(body["complete"])
    assert (again.status, again.json) == (200, asset)


def test_complete_said_many_times_at_once(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    place = me.post("/images/presign", wish(data, id=token_hex(6)))
    assert put(place, data) == 200
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: me.post(place.json["complete"]), range(5)))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.body for answer in answers}) == 1


def test_a_ticket_is_its_owners(me: Person, other: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    place = me.post("/images/presign", wish(data, id=token_hex(6)))
    assert put(place, data) == 200
    assert other.post(place.json["complete"]).problem == (404, "not_found")
    assert me.post(place.json["complete"]).status == 201
    assert other.post(place.json["complete"]).problem == (404, "not_found")


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda data: data + b"\0",
    "shorter": lambda data: data[:-1],
    "other bytes": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_other_bytes_than_announced(
    me: Person, s3: S3Server, fresh: Callable[..., bytes], change: Callable[[bytes], bytes]
) -> None:
    data = fresh()
    place = me.post("/images/presign", wish(data))
    before = len(quarantined(s3))
    wrong = change(data)
    # What storage does not refuse by itself is found when it is looked at.
    if put(place, wrong, Content_Length=None) == 200:
        assert me.post(place.json["complete"]).problem == (422, "upload_mismatch")
    else:
        assert me.post(place.json["complete"]).problem == (409, "conflict")
    assert len(quarantined(s3)) == before
    assert put(place, data) == 200
    assert me.post(place.json["complete"]).status == 201


NO_PICTURES: dict[str, tuple[bytes, tuple[int, str]]] = {
    "HTML": (b"<html>" + bytes(40), (415, "unsupported_media")),
    "half a JPEG": (pictures.noise(200, 200)[:8_000], (422, "image_corrupt")),
}


@pytest.mark.parametrize(("data", "expected"), NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_what_is_no_picture_is_removed_at_once(
    me: Person, s3: S3Server, data: bytes, expected: tuple[int, str]
) -> None:
    before = len(quarantined(s3))
    place = me.post("/images/presign", wish(data, bytes=len(data)))
    assert put(place, data) == 200
    assert me.post(place.json["complete"]).problem == expected
    assert len(quarantined(s3)) == before
    assert me.post(place.json["complete"]).problem == (404, "not_found")
    assert me.post("/images/presign", wish(bytes(20_000))).status == 200  # nothing counts any more


def test_what_is_announced_counts_against_the_quota(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    assert me.post("/images/presign", wish(data, bytes=20_001)).problem == (413, "quota_exceeded")
    assert me.post("/images/presign", wish(data, bytes=(2 << 20) + 1)).problem == (413, "source_too_large")
    place = me.post("/images/presign", wish(data))
    assert me.post("/images/presign", wish(data, bytes=20_000 - len(data))).status == 200
    assert me.upload(fresh()).problem == (413, "quota_exceeded")
    assert me.post("/images/presign", wish(data, bytes=1)).problem == (413, "quota_exceeded")
    # The ticket itself stands for what it announced.
    assert put(place, data) == 200
    assert me.post(place.json["complete"]).status == 201


def test_many_tickets_at_once_stay_within_the_quota(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: me.post("/images/presign", wish(data, bytes=6_000)), range(6)))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [413] * 3


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"bytes": 0},
        {"bytes": -1},
        {"bytes": "10"},
        {"bytes": 1.5},
        {"media_type": "text/html"},
        {"media_type": "image/png\r\nx: y"},
        {"id": "a_b"},
        {"id": "images"},
        {"visibility": "secret"},
        {"tags": [","]},
        {"more": 1},
    ],
    ids=str,
)
def test_wishes_that_cannot_be(me: Person, changed: dict[str, Any]) -> None:
    assert me.post("/images/presign", wish(b"x", **changed)).problem[0] == 400


def test_an_id_that_is_taken(me: Person, other: Person, fresh: Callable[..., bytes]) -> None:
    data, id = fresh(), token_hex(6)
    mine = me.post("/images/presign", wish(data, id=id))
    theirs = other.post("/images/presign", wish(data, id=id))
    for place in (mine, theirs):
        assert put(place, data) == 200
    assert me.post(mine.json["complete"]).status == 201
    assert other.post(theirs.json["complete"]).problem == (404, "not_found")
    assert other.post("/images/presign", wish(data, id=id)).problem == (409, "conflict")


def test_without_s3(browse: Callable[..., Browser], webhook: Hook, fresh: Callable[..., bytes]) -> None:
    answer = somebody(webhook.browser).post("/images/presign", wish(fresh()))
    assert answer.problem == (400, "bad_request")
    assert "POST /images" in answer.json["detail"]


# After the answer


@dataclass
class Hook:
    """Where events arrive, and a server that sends them."""

    browser: Browser
    failures: list[int] = field(default_factory=list)
    """Statuses to answer with before the next 204."""
    arrived: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Reply:
        with self.lock:
            self.arrived.append((dict(request.headers.items()), request.body))
            return Reply(self.failures.pop(0) if self.failures else 204)

    def events(self, asset: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for headers, body in self.arrived if asset.encode() in body]


HOOK_SECRET = "h" * 40


@pytest.fixture(scope="module")
def webhook(browse: Callable[..., Browser]) -> Iterator[Hook]:
    hook: list[Hook] = []
    with upstream(lambda request: hook[0](request)) as server:
        hook.append(
            Hook(
                browse(ORIGIN_WEBHOOK_URL=f"http://{server.address}/hook", ORIGIN_WEBHOOK_SECRET=HOOK_SECRET)
            )
        )
        yield hook[0]


def test_eager_variants_are_there_before_anybody_asks(webhook: Hook, fresh: Callable[..., bytes]) -> None:
    me = somebody(webhook.browser)
    asset = me.uploaded(fresh(), eager="w_9,f_webp  c_fill,w_8,h_7,f_auto", visibility="private")
    until(lambda: bool(webhook.events(asset["id"])))
    [(headers, body)] = webhook.events(asset["id"])
    event = json.loads(body)
    assert event["event"] == "image.ready"
    assert event["asset"] == {"id": asset["id"], "version": 1, "sha256": asset["sha256"]}
    assert event["eager"] == {"w_9,f_webp": "ok", "c_fill,w_8,h_7,f_auto": "ok"}
    expected = hmac.new(HOOK_SECRET.encode(), f"{headers['x-origin-timestamp']}.".encode() + body, "sha256")
    assert headers["x-origin-signature"] == expected.hexdigest()
    assert abs(int(headers["x-origin-timestamp"]) - time.time()) < 30
    assert headers["content-type"] == "application/json"
    assert me.get(f"/w_9,f_webp/{asset['id']}").headers["x-cache"] == "memory"
    for accept in ("image/avif,image/webp", "image/webp", "image/*"):
        answer = me.get(f"/c_fill,w_8,h_7,f_auto/{asset['id']}", Accept=accept)
        assert answer.headers["x-cache"] == "memory"


def test_an_eager_chain_that_fails_keeps_no_other_from_being_made(
    webhook: Hook, fresh: Callable[..., bytes]
) -> None:
    me = somebody(webhook.browser)
    asset = me.uploaded(fresh(), eager="c_crop,w_5,h_5,x_5000,y_1 w_7")
    until(lambda: bool(webhook.events(asset["id"])))
    event = json.loads(webhook.events(asset["id"])[0][1])
    assert event["eager"]["w_7"] == "ok"
    assert event["eager"]["c_crop,w_5,h_5,x_5000,y_1"] == "region_outside"


def test_a_webhook_that_fails_is_told_again(webhook: Hook, fresh: Callable[..., bytes]) -> None:
    webhook.failures += [500, 302]
    asset = somebody(webhook.browser).uploaded(fresh())
    until(lambda: len(webhook.events(asset["id"])) == 3)
    bodies = {body for _, body in webhook.events(asset["id"])}
    assert len(bodies) == 1  # the same event, which its id tells
    assert len(json.loads(bodies.pop())["id"]) == 32


def test_the_same_bytes_again_tell_nobody_anything(webhook: Hook, fresh: Callable[..., bytes]) -> None:
    me, data = somebody(webhook.browser), fresh()
    asset = me.uploaded(data)
    until(lambda: len(webhook.events(asset["id"])) == 1)
    assert me.upload(data).status == 200
    assert me.replaced(asset["id"], data).status == 200
    assert me.replaced(asset["id"], fresh()).status == 200
    until(lambda: len(webhook.events(asset["id"])) == 2)
    versions = [json.loads(body)["asset"]["version"] for _, body in webhook.events(asset["id"])]
    assert versions == [1, 2]
