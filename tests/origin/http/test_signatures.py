"""Who may see, over HTTP: signatures, their end, private pictures, and what is guarded always."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.declared import SERVED
from tests.support.origin import KEY, OLD_KEY, Library, OriginServer, Response
from urlspec.declare import Argument
from urlspec.parse import parse
from urlspec.sign import SigningKey

AUDIENCE = "img.example"
WEB, OLD = SigningKey("web", KEY), SigningKey("old", OLD_KEY)
INVALID, EXPIRED, REQUIRED = "signature_invalid", "signature_expired", "signature_required"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "a.png").write_bytes(pictures.card())
    return folder


@pytest.fixture(scope="module")
def signed(origin_factory: OriginFactory, library: Library, folder: Path) -> OriginServer:
    return origin_factory(
        library=library,
        ORIGIN_SIGNING_KEYS=f"web:{KEY},old:{OLD_KEY}",
        ORIGIN_AUDIENCE=AUDIENCE,
        ORIGIN_SOURCES=f"shop=file://{folder} open=file://{folder};public",
    )


@pytest.fixture(scope="module")
def presets_only(origin_factory: OriginFactory, library: Library, folder: Path) -> OriginServer:
    file = folder / "presets.toml"
    file.write_text('[presets]\ncard = "c_fill,w_40,h_30"\nbox = {chain = "w_$1", args = [["20", "30"]]}\n')
    return origin_factory(
        library=library,
        ORIGIN_SIGNING_KEYS=f"web:{KEY}",
        ORIGIN_UNSIGNED="presets",
        ORIGIN_PRESETS=str(file),
        ORIGIN_SOURCES=f"shop=file://{folder} open=file://{folder};public",
    )


@pytest.fixture(scope="module")
def lenient(origin_factory: OriginFactory, library: Library, folder: Path) -> OriginServer:
    """Keys are there, and unsigned URLs are allowed all the same."""
    return origin_factory(
        library=library,
        ORIGIN_SIGNING_KEYS=f"web:{KEY}",
        ORIGIN_UNSIGNED="any",
        ORIGIN_SOURCES=f"shop=file://{folder} open=file://{folder};public",
    )


def sign(path: str, lasting: float | None = None, key: SigningKey = WEB, audience: str = AUDIENCE) -> str:
    return key.sign(path, None if lasting is None else timedelta(seconds=lasting), audience)


def words(answer: Response) -> tuple[int, str, str]:
    """What a refusal says."""
    return answer.status, answer.code, answer.json["detail"]


# Right and wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [WEB, OLD], ids=["the first key", "another key"])
@pytest.mark.parametrize("lasting", [None, 600], ids=["for good", "for a while"])
def test_a_right_signature_opens(signed: OriginServer, key: SigningKey, lasting: float | None) -> None:
    answer = signed.get(sign(f"/w_50,f_webp/{signed.ids['card.png']}", lasting, key))
    assert (answer.status, pictures.size_of(answer.body)) == (200, (50, 33))


def test_no_altered_byte_is_accepted(signed: OriginServer) -> None:
    url = sign(f"/w_51/{signed.ids['card.png']}", 900)
    end = url.index("/", 1)
    allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    first = words(signed.get(sign(f"/w_51/{signed.ids['card.png']}", 900, audience="other")))
    assert first[:2] == (403, INVALID)
    for place in range(4, end):
        other = allowed[(allowed.find(url[place]) + 1 + place) % 64] if url[place] in allowed else "-"
        mutant = url[:place] + other + url[place + 1 :]
        if mutant != url:
            assert words(signed.get(mutant)) == first, mutant
    assert signed.get(url).cache == "render", "no mutant was rendered"


def test_the_last_character_has_no_second_spelling(signed: OriginServer) -> None:
    url = sign(f"/w_52/{signed.ids['card.png']}")
    end = url.index("/", 1)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [c for c in alphabet if signed.get(url[: end - 1] + c + url[end:]).status == 200]
    assert accepted == [url[end - 1]]


FORGERIES = {
    "padding": "/s1.web.0.{mac}={rest}",
    "more padding": "/s1.web.0.{mac}=={rest}",
    "escaped padding": "/s1.web.0.{mac}%3D{rest}",
    "junk": "/s1.web.0.{mac}*{rest}",
    "shorter": "/s1.web.0.{short}{rest}",
    "longer": "/s1.web.0.{mac}A{rest}",
    "no mac": "/s1.web.0.{rest}",
    "no fields": "/s1.{rest}",
    "unknown key": "/s1.nobody.0.{mac}{rest}",
    "key id in capitals": "/s1.WEB.0.{mac}{rest}",
    "long key id": "/s1.webwebweb.0.{mac}{rest}",
    "other key's id": "/s1.old.0.{mac}{rest}",
    "other expiry": "/s1.web.1999999999.{mac}{rest}",
    "leading zero": "/s1.web.00.{mac}{rest}",
    "eleven digits": "/s1.web.19999999999.{mac}{rest}",
    "swapped fields": "/s1.0.web.{mac}{rest}",
    "another chain": "/s1.web.0.{mac}/w_54/{id}",
    "one more component": "/s1.web.0.{mac}/e_negate{rest}",
    "twice": "/s1.web.0.{mac}/s1.web.0.{mac}{rest}",
    "another spelling of the path": "/s1.web.0.{mac}/c_limit,w_53/{id}",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_forgeries_are_all_told_the_same(signed: OriginServer, forgery: str) -> None:
    rest = f"/w_53/{signed.ids['card.png']}"
    mac = sign(rest).split("/")[1].split(".")[3]
    target = forgery.format(mac=mac, short=mac[:-1], rest=rest, id=signed.ids["card.png"])
    expected = words(signed.get("/s1.web.0." + "A" * 43 + "/w_53/none"))
    assert words(signed.get(target)) == expected
    assert expected[:2] == (403, INVALID)


def test_a_signature_stands_first_or_nowhere(signed: OriginServer) -> None:
    rest = f"/w_53/{signed.ids['card.png']}"
    segment = sign(rest).split("/")[1]
    assert signed.get(f"/w_53/{segment}/{signed.ids['card.png']}").status in {400, 403}
    assert signed.get(f"/unsafe/{segment}{rest}").status in {400, 403}
    assert signed.get(f"//{segment}{rest}").status in {400, 403}


@pytest.mark.parametrize("audience", ["", "other.example", "img.example2", "IMG.EXAMPLE"])
def test_a_signature_counts_for_one_deployment(signed: OriginServer, audience: str) -> None:
    path = f"/w_50/{signed.ids['card.png']}"
    assert signed.get(sign(path, audience=audience)).summary == (403, INVALID)


@pytest.mark.parametrize("path", ["/w_9/none", "/w_9/{id}", "/w_x/{id}", "/x_/y", "/none", "/{id}"])
def test_a_signature_is_asked_for_before_anything_else_is_said(signed: OriginServer, path: str) -> None:
    target = path.format(id=signed.ids["card.png"])
    bad = signed.get(f"/s1.web.0.{'A' * 43}{target}")
    assert bad.summary == (403, INVALID)
    if signed.get(sign(target)).status != 400:
        assert signed.get(target).summary == (403, REQUIRED)


def test_unsigned_is_the_same_whether_or_not_the_picture_is_there(signed: OriginServer) -> None:
    answers = [
        signed.get(f"/w_50/{name}", X_Request_Id="same")
        for name in (signed.ids["card.png"], signed.ids["secret.png"], "none", "@shop/a.png", "@none/a.png")
    ]
    assert {answer.summary for answer in answers} == {(403, REQUIRED)}
    assert len({answer.body for answer in answers}) == 1


def test_explain_answers_whom_the_picture_would_be_answered(signed: OriginServer) -> None:
    path = f"/w_50/{signed.ids['card.png']}"
    assert signed.get(f"/explain{path}").summary == (403, REQUIRED)
    assert signed.get(f"/explain{sign(path)}").json["signature"] == {"kid": "web", "expires": None}
    secret = f"/w_20/{signed.ids['secret.png']}"
    assert signed.get(f"/explain{sign(secret)}").summary == (404, "not_found")
    assert signed.get(f"/explain{sign(secret, 60)}").json["public"] is False


def test_without_keys_a_signature_cannot_be_right(origin: OriginServer) -> None:
    path = f"/w_50/{origin.ids['card.png']}"
    assert origin.get(WEB.sign(path)).summary == (403, INVALID)
    assert origin.get(path).status == 200


def test_a_key_that_is_taken_away_no_longer_opens(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, ORIGIN_SIGNING_KEYS=f"web:{KEY}")
    path = f"/w_50/{server.ids['card.png']}"
    assert server.get(WEB.sign(path)).status == 200
    assert server.get(OLD.sign(path)).summary == (403, INVALID)


# The end ---------------------------------------------------------------------------------------------------


def test_a_signature_ends_also_for_what_is_cached(signed: OriginServer) -> None:
    path = f"/w_55/{signed.ids['card.png']}"
    url = sign(path, 3)
    expires = int(url.split(".")[2])
    assert [signed.get(url).cache for _ in range(2)] == ["render", "memory"]
    tag = signed.get(url)["ETag"]
    time.sleep(max(0.0, expires - time.time()) + 0.05)
    assert signed.get(url).summary == (403, EXPIRED)
    assert signed.get(url, "HEAD").status == 403
    assert signed.get(url, If_None_Match=tag).summary == (403, EXPIRED)
    assert signed.get(sign(path, 60)).cache == "memory"


def test_an_old_signature_says_no_more_for_what_is_not_there(signed: OriginServer) -> None:
    past = int(time.time()) - 5
    for name in (signed.ids["card.png"], "none"):
        assert signed.get(WEB.sign(f"/w_50/{name}", past, AUDIENCE)).summary == (403, EXPIRED)


def test_every_signature_of_a_path_shares_its_picture(signed: OriginServer) -> None:
    path = f"/w_56/{signed.ids['card.png']}"
    urls = [sign(path), sign(path, 60), sign(path, 90), sign(path, key=OLD)]
    answers = [signed.get(url) for url in urls]
    assert [answer.cache for answer in answers] == ["render", "memory", "memory", "memory"]
    assert len({answer["ETag"] for answer in answers}) == 1


# Private ---------------------------------------------------------------------------------------------------


def test_a_private_picture_needs_a_signature_that_ends(signed: OriginServer) -> None:
    path = f"/w_20/{signed.ids['secret.png']}"
    assert signed.get(path).summary == (403, REQUIRED)
    assert signed.get(sign(path)).summary == (404, "not_found")
    assert signed.get(sign(path, 60)).status == 200


@pytest.mark.parametrize("path", ["/w_20/{id}", "/{id}", "/v_1/{id}", "/v_7/{id}", "/w_20,f_json/{id}"])
def test_what_is_private_looks_like_nothing(lenient: OriginServer, path: str) -> None:
    private = lenient.get(path.format(id=lenient.ids["secret.png"]), X_Request_Id="same")
    nothing = lenient.get(path.format(id="n" * 22), X_Request_Id="same")
    assert private.summary == (404, "not_found")
    assert (private.status, private.body) == (nothing.status, nothing.body)
    drop = {"date"}
    left, right = (
        {name.lower(): value for name, value in answer.headers.items() if name.lower() not in drop}
        for answer in (private, nothing)
    )
    assert left == right


def test_a_private_layer_is_as_private_as_a_source(lenient: OriginServer) -> None:
    path = f"/w_60/l_{lenient.ids['secret.png']}/{lenient.ids['card.png']}"
    assert lenient.get(path).summary == (404, "not_found")
    assert lenient.get(sign(path, 60, audience="")).status == 200


def test_a_private_fallback_is_as_private_as_a_source(lenient: OriginServer) -> None:
    path = f"/w_60,d_{lenient.ids['secret.png']}/none"
    assert lenient.get(path).summary == (404, "not_found")
    answer = lenient.get(sign(path, 60, audience=""))
    assert (answer.status, answer["X-Fallback"]) == (200, "not_found")
    assert answer["Cache-Control"].startswith("private")
    assert "Access-Control-Allow-Origin" not in answer


# What is guarded always ------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", ["/meta_all/{id}", "/w_50,meta_all/{id}", "/raw_1/{id}"])
def test_metadata_and_raw_files_need_a_signature_in_every_mode(
    origin: OriginServer, lenient: OriginServer, guarded: str
) -> None:
    for server in (origin, lenient):
        assert server.get(guarded.format(id=server.ids["card.jpg"])).summary == (403, REQUIRED)
    answer = lenient.get(sign(guarded.format(id=lenient.ids["card.jpg"]), audience=""))
    assert (answer.status, answer["Content-Type"]) == (200, "image/jpeg")


@pytest.mark.parametrize("kind", SERVED, ids=lambda kind: kind.__name__)
def test_arguments_about_the_answer(lenient: OriginServer, kind: type[Argument]) -> None:
    path, (name, value) = SERVED[kind]
    named = path.format(card=lenient.ids["card.jpg"], logo=lenient.ids["logo.png"])
    answer = lenient.get(sign(named, audience=""))
    assert (answer.status, answer[name]) == (200, value)
    canonical = parse(named).canonical()
    assert parse(canonical).canonical() == canonical


def test_the_raw_file_is_the_uploaded_one(lenient: OriginServer) -> None:
    path = sign(f"/raw_1/{lenient.ids['turned.jpg']}", audience="")
    assert lenient.get(path).body == pictures.oriented(6)


def test_unsigned_presets_and_nothing_else(presets_only: OriginServer) -> None:
    name = presets_only.ids["card.png"]
    for allowed in (
        f"/t_card/{name}",
        f"/t_card,f_auto/{name}",
        f"/t_box:20/{name}",
        f"/t_card/t_box:20/{name}",
        f"/t_card,v_1/{name}",
        f"/t_card,dl_a.png/{name}",
        "/t_card/@open/a.png",
    ):
        assert presets_only.get(allowed).status == 200, allowed
    for refused in (
        f"/w_50/{name}",
        f"/{name}",
        f"/t_card,w_50/{name}",
        f"/t_card/w_50/{name}",
        f"/t_card,q_90/{name}",
        f"/t_card,meta_all/{name}",
        f"/t_card/{name}.webp",
        "/t_card/@shop/a.png",
    ):
        assert presets_only.get(refused).summary == (403, REQUIRED), refused
    assert presets_only.get(f"/t_box:99/{name}").status in {400, 403}
    assert presets_only.get(sign(f"/w_50/{name}", audience="")).status == 200


def test_a_signature_is_no_part_of_unsigned_any(lenient: OriginServer) -> None:
    path = f"/w_57/{lenient.ids['card.png']}"
    assert lenient.get(path).cache == "render"
    assert lenient.get(sign(path, audience="")).cache == "memory"
    assert lenient.get(f"/s1.web.0.{'A' * 43}{path}").summary == (403, INVALID)


# Named sources ---------------------------------------------------------------------------------------------


def test_a_source_is_closed_once_there_are_keys_unless_it_is_opened(
    lenient: OriginServer, signed: OriginServer
) -> None:
    assert lenient.get("/w_50/@open/a.png").status == 200
    assert lenient.get("/w_50/@shop/a.png").summary == (403, REQUIRED)
    assert lenient.get("/w_50/@shop/none.png").summary == (403, REQUIRED)
    assert lenient.get(sign("/w_50/@shop/a.png", audience="")).status == 200
    assert lenient.get("/w_60/l_@shop:a.png/@open/a.png").summary == (403, REQUIRED)
    assert lenient.get("/w_60/l_@open:a.png/@open/a.png").status == 200
    assert signed.get("/w_50/@open/a.png").summary == (403, REQUIRED)
    assert signed.get(sign("/w_50/@shop/a.png")).status == 200
    assert signed.get(sign("/w_50/@shop/none.png")).summary == (404, "not_found")


# The edge's question ---------------------------------------------------------------------------------------


def test_the_edge_is_told_who_may_see_and_which_copy(signed: OriginServer) -> None:
    path = f"/w_58/{signed.ids['secret.png']}"
    url = sign(path, 60)
    allowed = signed.get("/_authorize", X_Original_URI=url)
    assert (allowed.status, allowed.body) == (204, b"")
    assert allowed["X-Cache-Control"].startswith("private, max-age=")
    picture = signed.get(url)
    assert picture["ETag"].startswith(f'"{allowed["X-Cache-Key"]}-'), "one key here and there"
    assert picture.cache == "render", "the question renders nothing"
    again = signed.get("/_authorize", X_Original_URI=sign(path, 90))
    assert again["X-Cache-Key"] == allowed["X-Cache-Key"]


@pytest.mark.parametrize(
    ("path", "lasting", "status"),
    [("/w_9/{secret}", None, 404), ("/w_9/none", 60, 404), ("/w_x/{secret}", 60, 400), ("/w_9/x?a", 60, 400)],
)
def test_the_edge_hears_no(signed: OriginServer, path: str, lasting: float | None, status: int) -> None:
    target = path.format(secret=signed.ids["secret.png"])
    answer = signed.get("/_authorize", X_Original_URI=sign(target, lasting))
    assert (answer.status, answer["X-Auth-Status"]) == (403, str(status))


def test_nobody_gets_a_picture_from_the_question(signed: OriginServer) -> None:
    assert signed.get("/_authorize").status == 403
    assert signed.get("/_authorize", X_Original_URI=f"/w_9/{signed.ids['card.png']}").status == 403
