"""Sending pictures in: what comes back, and when it is the same again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest

from tests.support import pictures
from tests.support.origin import OriginServer
from tests.support.people import Person

FIELDS = [
    *("id", "version", "url", "width", "height", "format", "bytes", "frames", "has_alpha", "orientation"),
    *("visibility", "tags", "sha256", "thumbhash", "dominant_color", "created_at"),
]

KINDS: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "jpeg": (
        lambda: pictures.card(suffix=".jpg"),
        {"format": "jpeg", "width": 120, "height": 80, "frames": 1, "has_alpha": False, "orientation": 1},
    ),
    "turned": (
        lambda: pictures.oriented(6),
        {"format": "jpeg", "width": 120, "height": 80, "orientation": 6},
    ),
    "transparent": (lambda: pictures.transparent(), {"format": "png", "has_alpha": True}),
    "animated": (lambda: pictures.animated(), {"format": "gif", "frames": 3}),
    "webp": (lambda: pictures.card(suffix=".webp"), {"format": "webp"}),
    "avif": (lambda: pictures.card(suffix=".avif"), {"format": "avif"}),
    "tiff": (lambda: pictures.card(suffix=".tif"), {"format": "tiff"}),
}


@pytest.mark.parametrize(("make", "expected"), KINDS.values(), ids=KINDS.keys())
def test_what_is_known_of_a_picture(me: Person, make: Callable[[], bytes], expected: dict[str, Any]) -> None:
    data = make()
    answer = me.upload(data, "anything.bin")
    assert answer.status == 201
    body = answer.json
    assert list(body) == FIELDS
    assert {name: body[name] for name in expected} == expected
    assert re.fullmatch("[1-9A-HJ-NP-Za-km-z]{22}", body["id"])
    assert (body["version"], body["url"]) == (1, f"/{body['id']}")
    assert (body["bytes"], body["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert (body["visibility"], body["tags"]) == ("public", [])
    assert re.fullmatch("#[0-9a-f]{6}", body["dominant_color"])
    assert re.fullmatch("[A-Za-z0-9+/]+={0,2}", body["thumbhash"])
    assert abs(datetime.fromisoformat(body["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert me.known(body["id"]).json == body
    assert me.get(body["url"]).status == 200


def test_headers_of_an_answer(me: Person, fresh: Callable[..., bytes]) -> None:
    answer = me.send("POST", "/images", {"X-Request-Id": "mine-1"}, files={"file": ("a.png", fresh())})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    # An edge gives each request an id of its own.
    assert (answer.headers["x-request-id"] == "mine-1") != me.browser.through_edge
    assert "ratelimit-limit" not in answer.headers  # it is off here


def test_metadata_is_not_kept_in_the_answer_and_not_delivered(me: Person) -> None:
    body = me.uploaded(pictures.oriented(6, 90, 60))
    assert b"Exif" not in me.get(f"/w_10/{body['id']}").body
    assert "exif" not in str(body).lower()


def test_everything_that_can_be_said_of_an_upload(me: Person, fresh: Callable[..., bytes]) -> None:
    id = f"Slug-{token_hex(4)}"
    body = me.uploaded(fresh(), id=id, visibility="private", tags=" red, Grüße ,,red")
    assert (body["id"], body["url"]) == (id, f"/{id}")
    assert (body["visibility"], body["tags"]) == ("private", ["red", "Grüße"])


def test_the_older_address_does_the_same(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    answer = me.upload(data, path="/images/upload")
    assert (answer.status, list(answer.json)) == (201, FIELDS)
    assert me.upload(data).json == answer.json


SAME: dict[str, tuple[dict[str, str], dict[str, str], bool]] = {
    "nothing said": ({}, {}, True),
    "visibility equal": ({}, {"visibility": "public"}, True),
    "private, not said again": ({"visibility": "private"}, {}, True),
    "private, said again": ({"visibility": "private"}, {"visibility": "private"}, True),
    "other tags": ({"tags": "a"}, {"tags": "b"}, True),
    "other visibility": ({}, {"visibility": "private"}, False),
    "with an id": ({}, {"id": "{new}"}, False),
    "the same id": ({"id": "{new}"}, {"id": "{new}"}, True),
    "the same id, visibility equal": (
        {"id": "{new}", "visibility": "private"},
        {"id": "{new}", "visibility": "private"},
        True,
    ),
    "had an id": ({"id": "{new}"}, {}, True),
}


@pytest.mark.parametrize(("first", "second", "same"), SAME.values(), ids=SAME.keys())
def test_the_same_bytes_again(
    me: Person, fresh: Callable[..., bytes], first: dict[str, str], second: dict[str, str], same: bool
) -> None:
    data, new = fresh(), token_hex(6)
    one, two = (
        me.upload(data, **{name: value.format(new=new) for name, value in fields.items()})
        for fields in (first, second)
    )
    assert (one.status, two.status) == (201, 200 if same else 201)
    assert (one.json == two.json) is same
    assert one.json["sha256"] == two.json["sha256"]
    if not same:
        assert one.json["id"] != two.json["id"]
        assert me.get(f"/{one.json['id']}").body == me.get(f"/{two.json['id']}").body


def test_the_same_bytes_of_somebody_else_are_another_asset(
    me: Person, other: Person, fresh: Callable[..., bytes]
) -> None:
    data = fresh()
    assert me.uploaded(data)["id"] != other.uploaded(data)["id"]


def test_what_was_deleted_does_not_come_back_by_its_bytes(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    first = me.uploaded(data)["id"]
    assert me.delete(f"/images/{first}").status == 204
    assert me.uploaded(data)["id"] != first


def test_the_same_upload_eight_times_at_once_is_one_asset(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: me.upload(data), range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1


def test_the_same_slug_eight_times_at_once_is_one_asset(me: Person, fresh: Callable[..., bytes]) -> None:
    data, id = fresh(), token_hex(6)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: me.upload(data, id=id), range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]


# Idempotency-Key


def test_a_key_gives_the_first_answer_again(me: Person, fresh: Callable[..., bytes]) -> None:
    data, key = fresh(), token_hex(8)
    first = me.upload(data, key=key)
    assert first.status == 201
    assert me.patch(f"/images/{first.json['id']}", {"tags": ["later"]}).status == 200
    again = me.upload(data, key=key)
    assert (again.status, again.json) == (201, first.json)
    assert me.upload(data).status == 200


def test_a_key_belongs_to_one_request(me: Person, other: Person, fresh: Callable[..., bytes]) -> None:
    data, key = fresh(), token_hex(8)
    assert me.upload(data, key=key).status == 201
    assert me.upload(fresh(), key=key).problem == (409, "conflict")
    assert me.upload(data, key=key, visibility="private").problem == (409, "conflict")
    assert me.upload(data, path="/images/upload", key=key).problem == (409, "conflict")
    assert other.upload(fresh(), key=key).status == 201


def test_a_refused_request_gives_its_key_back(me: Person, fresh: Callable[..., bytes]) -> None:
    key = token_hex(8)
    assert me.upload(b"no picture", key=key).problem == (415, "unsupported_media")
    assert me.upload(fresh(), key=key).status == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"], ids=["empty", "too long", "a control"])
def test_what_cannot_be_a_key(me: Person, fresh: Callable[..., bytes], key: str) -> None:
    assert me.upload(fresh(), key=key).problem == (400, "bad_request")


def test_one_key_at_once_is_one_upload(me: Person, fresh: Callable[..., bytes]) -> None:
    data, key = fresh(400, 300), token_hex(8)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: me.upload(data, key=key), range(6)))
    # Whoever comes while the first is worked on is told so; whoever comes later gets its answer.
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json["id"] for answer in answers if answer.status == 201}) == 1


def test_nothing_is_left_where_uploads_arrive(
    server: OriginServer, me: Person, fresh: Callable[..., bytes]
) -> None:
    me.uploaded(fresh())
    me.upload(b"no picture")
    assert list((server.data / "uploads").rglob("upload-*")) == []
