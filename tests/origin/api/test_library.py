"""What owners do with their assets, and what the pictures show afterwards."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest

from tests.support import pictures
from tests.support.people import Answer, Browser, Person, somebody

RED, BLUE = (250, 10, 10), (10, 10, 250)


def plain(colour: tuple[int, int, int], width: int = 40) -> bytes:
    return pictures.plain(width, 30, colour)


def shows(answer: Answer, colour: tuple[int, int, int]) -> None:
    assert answer.status == 200, answer.body
    pictures.assert_close_colour(pictures.pixel(answer.body, 3, 3), colour)


# Listing


def walked(me: Person, limit: int, **filters: str) -> list[Any]:
    """All pages together."""
    items: list[Any] = []
    query = f"?limit={limit}" + "".join(f"&{name}={value}" for name, value in filters.items())
    cursor = ""
    while True:
        answer = me.get(f"/images{query}{cursor}")
        assert answer.status == 200, answer.body
        assert set(answer.json) == {"items", "next"}
        assert len(answer.json["items"]) <= limit
        items += answer.json["items"]
        if answer.json["next"] is None:
            return items
        cursor = f"&cursor={answer.json['next']}"


def test_lists_are_newest_first_and_ones_own(me: Person, other: Person, fresh: Callable[..., bytes]) -> None:
    assert me.get("/images").json == {"items": [], "next": None}
    mine = [me.uploaded(fresh()) for _ in range(5)]
    other.uploaded(fresh())
    for limit in (1, 2, 5, 100):
        assert walked(me, limit) == mine[::-1]
    assert me.get("/images").json["items"] == mine[::-1]
    me.delete(f"/images/{mine[2]['id']}")
    assert walked(me, 2) == [mine[4], mine[3], mine[1], mine[0]]


def test_lists_by_tag_and_visibility(me: Person, fresh: Callable[..., bytes]) -> None:
    made = {
        "a": me.uploaded(fresh(), tags="red,big"),
        "b": me.uploaded(fresh(), tags="red", visibility="private"),
        "c": me.uploaded(fresh(), tags="Rot & größer%"),
        "d": me.uploaded(fresh(), visibility="private"),
    }

    def names(**filters: str) -> str:
        ids = {body["id"]: name for name, body in made.items()}
        return "".join(ids[item["id"]] for item in walked(me, 1, **filters))

    assert names(tag="red") == "ba"
    assert names(tag="re") == ""
    assert names(tag="Red") == ""
    assert names(tag="Rot%20%26%20gr%C3%B6%C3%9Fer%25") == "c"
    assert names(visibility="private") == "db"
    assert names(visibility="public") == "ca"
    assert names(visibility="private", tag="red") == "b"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=-1", "limit=ten", "limit=", "limit=1.5", "limit=1e1"),
        *("cursor=", "cursor=x", "cursor=" + "A" * 500, "cursor=MTpiOmM%3D", "cursor=%00", "cursor=%FF"),
        *("visibility=secret", "visibility=", "tag=", "tag=" + "t" * 65),
    ],
)
def test_lists_that_cannot_be(me: Person, query: str) -> None:
    status, code = me.get(f"/images?{query}").problem
    assert (status, code) in {(400, "body_invalid"), (400, "bad_request")}


def test_somebody_elses_cursor_shows_nothing_of_theirs(
    me: Person, other: Person, fresh: Callable[..., bytes]
) -> None:
    for person in (me, other):
        for _ in range(2):
            person.uploaded(fresh())
    cursor = other.get("/images?limit=1").json["next"]
    mine = {item["id"] for item in walked(me, 10)}
    assert {item["id"] for item in me.get(f"/images?cursor={cursor}").json["items"]} <= mine


# Changing


def test_changing_tags_and_focus(me: Person, fresh: Callable[..., bytes]) -> None:
    body = me.uploaded(fresh(), tags="a")
    path = f"/images/{body['id']}"
    assert me.patch(path, {}).json == body
    assert me.patch(path, {"tags": ["b", "c", "b"]}).json == body | {"tags": ["b", "c"]}
    focus = {"x": 0.25, "y": 1}
    changed = me.patch(path, {"focus": focus}).json
    assert changed == body | {"tags": ["b", "c"], "focus": focus}
    assert me.known(body["id"]).json == changed
    assert me.patch(path, {"focus": None, "tags": []}).json == body | {"tags": []}


def test_the_focus_moves_the_crop(me: Person) -> None:
    id = me.uploaded(pictures.card(300, 100, ".png"))["id"]
    left, right = ((0.0, 0.5), (1.0, 0.5))
    seen = []
    for x, y in (left, right):
        assert me.patch(f"/images/{id}", {"focus": {"x": x, "y": y}}).status == 200
        answer = me.get(f"/c_fill,g_focus,w_50,h_100,f_png/{id}")
        assert answer.status == 200, answer.body
        seen.append(pictures.pixel(answer.body, 25, 95))
    assert seen[0] != seen[1]


CHANGES: dict[str, Any] = {
    "an unknown field": {"owner": "me"},
    "an id": {"id": "new"},
    "visibility": {"visibility": "secret"},
    "focus outside": {"focus": {"x": 1.01, "y": 0}},
    "focus of text": {"focus": {"x": "0.5", "y": 0}},
    "focus of truth": {"focus": {"x": True, "y": 0}},
    "half a focus": {"focus": {"x": 0.5}},
    "a focus as a list": {"focus": [0.5, 0.5]},
    "tags as text": {"tags": "a"},
    "an empty tag": {"tags": [""]},
    "a long tag": {"tags": ["t" * 65]},
    "a comma in a tag": {"tags": ["a,b"]},
    "a control in a tag": {"tags": ["a\x7f"]},
    "21 tags": {"tags": [str(number) for number in range(21)]},
    "a list": [],
    "a number": 7,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes_that_cannot_be(me: Person, fresh: Callable[..., bytes], change: Any) -> None:
    body = me.uploaded(fresh())
    answer = me.patch(f"/images/{body['id']}", change)
    assert answer.problem in {(400, "body_invalid"), (400, "bad_request")}
    assert len(answer.body) < 1_500
    assert me.known(body["id"]).json == body


# A new file


def test_a_new_file_is_a_new_version(me: Person) -> None:
    body = me.uploaded(plain(RED), tags="kept", visibility="public")
    id = body["id"]
    shows(me.get(f"/w_20,f_png/{id}"), RED)
    new = me.replaced(id, plain(BLUE, 50))
    assert new.status == 200
    assert (new.json["id"], new.json["version"], new.json["width"]) == (id, 2, 50)
    assert (new.json["tags"], new.json["created_at"]) == (["kept"], body["created_at"])
    assert new.json["sha256"] != body["sha256"]
    shows(me.get(f"/w_20,f_png/{id}"), BLUE)
    shows(me.get(f"/w_20,f_png,v_2/{id}"), BLUE)
    first = me.get(f"/w_20,f_png,v_1/{id}")
    shows(first, RED)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert me.get(f"/w_20,v_3/{id}").problem == (404, "not_found")


def test_the_same_file_again_changes_nothing(me: Person, fresh: Callable[..., bytes]) -> None:
    data = fresh()
    body = me.uploaded(data)
    assert me.replaced(body["id"], data).json == body


def test_a_file_that_is_no_picture_changes_nothing(me: Person) -> None:
    body = me.uploaded(plain(RED))
    path = f"/images/{body['id']}/file"
    assert me.replaced(body["id"], b"<html>").problem == (415, "unsupported_media")
    half = pictures.noise(200, 200)[:8_000]
    assert me.replaced(body["id"], half).problem == (422, "image_corrupt")
    assert me.upload(plain(BLUE), path=path, method="PUT", tags="b").problem == (400, "bad_request")
    assert me.send("PUT", path, content=b"").problem == (400, "bad_request")
    assert me.known(body["id"]).json == body


def test_purging_ends_older_versions(me: Person) -> None:
    body = me.uploaded(plain(RED))
    id = body["id"]
    newer = me.replaced(id, plain(BLUE)).json
    old = me.get(f"/w_20,f_png/{id}")
    assert me.post(f"/images/{id}/purge").json == newer
    assert me.get(f"/w_20,f_png,v_1/{id}").problem == (410, "gone")
    shows(me.get(f"/w_20,f_png,v_2/{id}"), BLUE)
    assert me.get(f"/w_20,f_png/{id}").headers["etag"] != old.headers["etag"]
    assert me.replaced(id, plain(RED)).json["version"] == 3


# Deleting


def test_deleting_and_restoring(me: Person) -> None:
    body = me.uploaded(plain(RED))
    id = body["id"]
    assert me.replaced(id, plain(BLUE)).status == 200
    body = me.known(id).json
    shows(me.get(f"/w_20,f_png/{id}"), BLUE)
    answer = me.delete(f"/images/{id}")
    assert (answer.status, answer.body) == (204, b"")
    for path in (f"/w_20,f_png/{id}", f"/w_21/{id}", f"/{id}", f"/v_1/{id}", f"/images/{id}?width=20"):
        gone = me.get(path)
        assert gone.problem == (410, "gone"), path
        assert gone.headers["cache-control"] == "public, max-age=10"
    assert me.known(id).problem == (404, "not_found")
    assert me.delete(f"/images/{id}").problem == (404, "not_found")
    assert me.patch(f"/images/{id}", {"tags": ["a"]}).problem == (404, "not_found")
    assert me.replaced(id, plain(RED)).problem == (404, "not_found")
    assert me.post(f"/images/{id}/restore").json == body
    shows(me.get(f"/w_20,f_png/{id}"), BLUE)
    shows(me.get(f"/w_20,f_png,v_1/{id}"), RED)
    assert me.post(f"/images/{id}/restore").problem == (404, "not_found")


def test_what_was_private_never_was(me: Person, stranger: Person, fresh: Callable[..., bytes]) -> None:
    id = me.uploaded(fresh(), visibility="private")["id"]
    assert me.delete(f"/images/{id}").status == 204
    for person in (me, stranger):
        assert person.get(f"/{id}").problem == (404, "not_found")


# The picture and what is known of it have one address


def test_one_address_gives_the_picture_or_what_is_known(
    me: Person, other: Person, stranger: Person, fresh: Callable[..., bytes]
) -> None:
    body = me.uploaded(fresh())
    path = f"/images/{body['id']}"
    assert me.get(path, Accept="application/json").json == body
    assert me.get(path, Accept="application/json;q=0.9, */*;q=0.1").json == body
    for accept in ("image/webp,*/*", "*/*", "text/html"):
        answer = me.get(path, Accept=accept)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert me.get(f"{path}?width=9", Accept="application/json").headers["content-type"] == "image/png"
    assert stranger.get(path).status == 200
    assert stranger.get(path, Accept="application/json").problem == (401, "unauthorized")
    assert other.get(path, Accept="application/json").problem == (404, "not_found")
    head = me.send("HEAD", path)
    assert (head.status, head.body) == (200, b"")


FORMS: dict[str, tuple[str, str]] = {
    "nothing": ("", "/{id}"),
    "width": ("width=20", "/w_20/{id}"),
    "both sides": ("width=20&height=9", "/w_20,h_9/{id}"),
    "rotate": ("rotate=90", "/a_90/{id}"),
    "rotate back": ("rotate=-90&width=20", "/r_270,w_20/{id}"),
    "any angle": ("rotate=20&format=png", "/a_20/f_png/{id}"),
    "no turn": ("rotate=360&width=20", "/w_20/{id}"),
    "format": ("format=webp&width=20", "/w_20,f_webp/{id}"),
    "jpeg": ("format=jpeg", "/f_jpg/{id}"),
    "compress": ("compress=40&format=jpg", "/f_jpg,q_40/{id}"),
    "grayscale": ("grayscale=true&width=20", "/w_20,e_grayscale/{id}"),
    "not grayscale": ("grayscale=false&width=20", "/w_20/{id}"),
    "flip": ("flip=true&width=20", "/flip_v,w_20/{id}"),
    "mirror": ("mirror=1&width=20", "/flip_h,w_20/{id}"),
    "flip and mirror": ("flip&mirror&width=20", "/flip_hv,w_20/{id}"),
    "blur": ("blur=2.5&width=20", "/w_20,e_blur:2.5/{id}"),
}


@pytest.fixture(scope="module")
def card(browser: Browser) -> str:
    return str(somebody(browser).uploaded(pictures.card(60, 40, ".png"))["id"])


@pytest.mark.parametrize(("query", "path"), FORMS.values(), ids=FORMS.keys())
def test_the_query_form_shares_entries_with_the_path(
    stranger: Person, card: str, query: str, path: str
) -> None:
    by_path = stranger.get(path.format(id=card))
    by_query = stranger.get(f"/images/{card}?{query}")
    assert by_query.status == 200, by_query.body
    assert (by_query.body, by_query.headers["etag"]) == (by_path.body, by_path.headers["etag"])
    assert by_query.headers["x-cache"] == "memory"


def test_a_watermark_is_text_and_never_a_command(stranger: Person, card: str) -> None:
    without = stranger.get(f"/images/{card}?width=60")
    for text in ("hello", "AT%26T%20%3Cb%3E", "a%2Cw_1%2Fb%3Ac", "50%25", "%C3%BCber"):
        answer = stranger.get(f"/images/{card}?width=60&watermarkText={text}")
        assert answer.status == 200, answer.body
        assert pictures.size_of(answer.body) == (60, 40)
        assert answer.body != without.body


@pytest.mark.parametrize(
    "query",
    [
        *("width=0", "width=ten", "width=1&width=2", "Width=1", "size=1", "x", "rotate=up", "flip=maybe"),
        *("width=2,h_3", "width=2/w_3", "format=exe", "compress=101", "blur=-1", "width=%00", "width="),
        *("quality=80", "watermarkText=%00", "grayscale=2", "width=%FF", "format=webp%2Cq_1"),
    ],
)
def test_query_forms_that_cannot_be(stranger: Person, card: str, query: str) -> None:
    answer = stranger.get(f"/images/{card}?{query}")
    assert answer.status == 400
    assert answer.problem[0] == 400
    assert len(answer.json["detail"]) > 10


# Signed URLs for owners


def test_a_signed_url_of_ones_own(me: Person, stranger: Person, fresh: Callable[..., bytes]) -> None:
    body = me.uploaded(fresh(), visibility="private")
    path = f"/images/{body['id']}/url"
    answer = me.post(path, {"chain": "w_20,f_webp/e_blur:1", "expires_in": 60})
    assert (answer.status, set(answer.json)) == (200, {"url"})
    url = answer.json["url"]
    assert url.startswith("/s1.web.")
    picture = stranger.get(url)
    assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
    directive, _, age = picture.headers["cache-control"].partition(", max-age=")
    assert (directive, 0 < int(age) <= 60) == ("private", True)
    assert stranger.get(me.post(path, {}).json["url"]).status == 200
    other = "x" if url[20] != "x" else "y"
    assert stranger.get(url[:20] + other + url[21:]).problem[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        {"chain": "w_zehn"},
        {"chain": "w_10/other"},
        {"chain": "../x"},
        {"chain": "w_10?x"},
        {"chain": "w_10%2Fx"},
        {"chain": 7},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 604_801},
        {"expires_in": "60"},
        {"expires_in": 1.5},
        {"more": 1},
    ],
    ids=str,
)
def test_urls_that_cannot_be_signed(me: Person, fresh: Callable[..., bytes], body: Any) -> None:
    id = me.uploaded(fresh())["id"]
    assert me.post(f"/images/{id}/url", body).problem[0] == 400


def test_without_a_key_nothing_is_signed(browse: Callable[..., Browser], fresh: Callable[..., bytes]) -> None:
    me = somebody(browse(ORIGIN_SIGNING_KEYS=""))
    id = me.uploaded(fresh(), id=token_hex(4))["id"]
    answer = me.post(f"/images/{id}/url", {"chain": "w_10"})
    assert answer.problem == (400, "bad_request")
    assert "ORIGIN_SIGNING_KEYS" in answer.json["detail"]


def test_addresses_begin_with_the_public_url(
    browse: Callable[..., Browser], fresh: Callable[..., bytes]
) -> None:
    me = somebody(browse(ORIGIN_PUBLIC_URL="https://img.example/pics/"))
    body = me.upload(fresh()).json
    assert body["url"] == f"https://img.example/pics/{body['id']}"
    foreign = me.get(f"/images/{body['id']}", Accept="application/json", Host="evil.example")
    assert foreign.json["url"] == body["url"]
    signed = me.post(f"/images/{body['id']}/url", {"chain": "w_10"}).json["url"]
    assert signed.startswith("https://img.example/pics/s1.web.")
    assert me.get(signed.removeprefix("https://img.example/pics")).status == 200
