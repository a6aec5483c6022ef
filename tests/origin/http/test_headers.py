"""The headers of a picture: who may keep it, for how long, and what it may differ by."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import KEY, Library, OriginServer, Response
from urlspec.sign import SigningKey

SHARED = "public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400"
YEAR = "public, max-age=31536000, immutable"
HINTS = "Sec-CH-Width, Width, Sec-CH-DPR, DPR, Save-Data"


@pytest.fixture(scope="module")
def signed(origin_factory: OriginFactory, library: Library) -> OriginServer:
    return origin_factory(library=library, ORIGIN_SIGNING_KEYS=f"web:{KEY}")


def sign(path: str, lasting: int | None = None) -> str:
    return SigningKey("web", KEY).sign(path, timedelta(seconds=lasting) if lasting else None)


def test_a_picture_has_every_header(origin: OriginServer) -> None:
    before = time.time()
    answer = origin.get(f"/w_61,f_webp/{origin.ids['card.png']}")
    assert (answer.status, pictures.size_of(answer.body)) == (200, (61, 41))
    assert answer["Content-Type"] == "image/webp"
    assert answer["Content-Length"] == str(len(answer.body))
    assert answer["Cache-Control"] == SHARED
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Timing-Allow-Origin"] == "*"
    assert answer["Link"] == f'</w_61,f_webp/{origin.ids["card.png"]}>; rel="canonical"'
    assert answer["X-Cache"] == "render"
    assert re.fullmatch(r"fetch;dur=[0-9.]+, render;dur=[0-9.]+", answer["Server-Timing"])
    assert re.fullmatch(r'"[0-9a-f]{32}-[0-9a-f]{8}"', answer["ETag"])
    assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", answer["X-Request-Id"])
    assert parsedate_to_datetime(answer["Last-Modified"]).timestamp() <= before
    assert not {"Vary", "Set-Cookie", "Server", "Content-Disposition", "X-Fallback"}.intersection(
        name.title() for name in answer.headers
    )


CACHE_CONTROL = {
    "plain": ("/w_62/{id}", SHARED, None),
    "original": ("/{id}", SHARED, None),
    "version": ("/v_1,w_62/{id}", YEAR, None),
    "version in its own component": ("/w_62/v_1/{id}", YEAR, None),
    "negotiated": ("/w_62,f_auto/{id}", SHARED, "Accept"),
    "fixed format": ("/w_62,f_png/{id}", SHARED, None),
    "extension": ("/w_62/{id}.webp", SHARED, None),
    "negotiated version": ("/v_1,w_62,f_auto/{id}", YEAR, "Accept"),
    "automatic quality": ("/w_62,q_auto/{id}", SHARED, None),
    "width hint": ("/w_auto/{id}", SHARED, HINTS),
    "ratio hint": ("/w_31,dpr_auto/{id}", SHARED, HINTS),
    "hint and format": ("/w_auto,f_auto/{id}", SHARED, f"Accept, {HINTS}"),
    "description": ("/w_62,f_json/{id}", SHARED, None),
}


@pytest.mark.parametrize(("path", "control", "vary"), CACHE_CONTROL.values(), ids=CACHE_CONTROL.keys())
def test_cache_control_and_vary(origin: OriginServer, path: str, control: str, vary: str | None) -> None:
    answer = origin.get(path.format(id=origin.ids["card.jpg"]), Accept="image/webp")
    assert (answer.status, answer["Cache-Control"], answer.headers["Vary"]) == (200, control, vary)
    assert ("Accept-CH" in answer) == (vary is not None and "CH" in vary)


def test_a_signature_that_never_ends_is_as_public_as_none(signed: OriginServer) -> None:
    answer = signed.get(sign(f"/w_62/{signed.ids['card.jpg']}"))
    assert (answer.status, answer["Cache-Control"]) == (200, SHARED)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Link"] == f'</w_62/{signed.ids["card.jpg"]}>; rel="canonical"'


@pytest.mark.parametrize(
    ("path", "lasting", "longest"),
    [
        pytest.param("/w_63/{id}", 100, 100, id="short"),
        pytest.param("/v_1,w_63/{id}", 200, 200, id="version is no excuse"),
        pytest.param("/w_63/{id}", 86_400, 3_600, id="long"),
    ],
)
def test_what_expires_is_private_and_never_kept_longer(
    signed: OriginServer, path: str, lasting: int, longest: int
) -> None:
    answer = signed.get(sign(path.format(id=signed.ids["card.jpg"]), lasting))
    assert answer.status == 200
    assert re.fullmatch(r"private, max-age=[0-9]+", answer["Cache-Control"])
    assert longest - 5 <= answer.max_age <= longest
    assert "Access-Control-Allow-Origin" not in answer


def test_a_private_asset_is_private_even_within_a_public_one(signed: OriginServer) -> None:
    secret, card = signed.ids["secret.png"], signed.ids["card.png"]
    for path in (f"/w_20/{secret}", f"/w_60/l_{secret}/{card}", f"/w_60/u_{secret}/{card}"):
        answer = signed.get(sign(path, 60))
        assert (answer.status, answer["Cache-Control"].split(",")[0]) == (200, "private"), path
        assert signed.get(sign(path)).summary == (404, "not_found"), path


# Revalidation ----------------------------------------------------------------------------------------------


def condition(tag: str) -> dict[str, str]:
    key = tag.split("-")[0].strip('"')
    return {
        "same": tag,
        "weak": f"W/{tag}",
        "same key, other bytes": f'"{key}-00000000"',
        "in a list": f'"other", W/"more", {tag}',
        "second spelling of the list": f'"other",{tag},"last"',
    }


CONDITIONS = tuple(condition('"0-0"'))


@pytest.mark.parametrize("which", CONDITIONS)
def test_a_copy_that_is_right_costs_nothing(origin: OriginServer, which: str) -> None:
    path = f"/w_64,f_auto/{origin.ids['card.jpg']}"
    full = origin.get(path, Accept="image/webp")
    answer = origin.get(path, Accept="image/webp", If_None_Match=condition(full["ETag"])[which])
    assert (answer.status, answer.body) == (304, b"")
    for name in ("Cache-Control", "Vary", "Link", "Last-Modified"):
        assert answer[name] == full[name]
    assert answer["ETag"].split("-")[0] == full["ETag"].split("-")[0]
    assert "Content-Length" not in answer
    assert "Content-Type" not in answer


@pytest.mark.parametrize("tag", ['"0123-4567"', "nonsense", '"', "", "x" * 6_000])
def test_a_copy_of_something_else_is_replaced(origin: OriginServer, tag: str) -> None:
    answer = origin.get(f"/w_64/{origin.ids['card.jpg']}", If_None_Match=tag)
    assert (answer.status, len(answer.body) > 0) == (200, True)


def test_a_right_copy_is_not_rendered_again(origin: OriginServer) -> None:
    """The tag names what the picture is made from, so it is right before anything was ever made here."""
    path = f"/w_65/{origin.ids['card.jpg']}"
    key = origin.get(f"/explain{path}").json["key"]
    assert origin.get(path, If_None_Match=f'"{key}-00000000"').status == 304
    assert origin.get(path).cache == "render"


def test_another_class_of_client_has_another_tag(origin: OriginServer) -> None:
    path = f"/w_64,f_auto/{origin.ids['card.jpg']}"
    webp, jpeg = origin.get(path, Accept="image/webp"), origin.get(path, Accept="*/*")
    assert webp["ETag"] != jpeg["ETag"]
    assert origin.get(path, Accept="*/*", If_None_Match=webp["ETag"]).status == 200


def test_a_range_is_ignored(origin: OriginServer) -> None:
    path = f"/w_64/{origin.ids['card.jpg']}"
    whole = origin.get(path)
    part = origin.get(path, Range="bytes=0-9", If_Range=whole["ETag"])
    assert (part.status, part.body) == (200, whole.body)


# HEAD ------------------------------------------------------------------------------------------------------


def fixed(answer: Response) -> dict[str, str]:
    """The headers that may not differ between two answers to the same question."""
    moving = {"date", "x-request-id", "x-cache", "server-timing"}
    return {name.lower(): value for name, value in answer.headers.items() if name.lower() not in moving}


@pytest.mark.parametrize(
    "path",
    [
        "/w_66,f_auto/{id}",
        "/{id}",
        "/v_1,w_66/{id}.png",
        "/w_66/no-such-id",
        "/w_x/{id}",
        "/explain/w_66/{id}",
    ],
)
def test_head_is_get_without_a_body(origin: OriginServer, path: str) -> None:
    target = path.format(id=origin.ids["card.jpg"])
    head, get = origin.get(target, "HEAD", X_Request_Id="a"), origin.get(target, X_Request_Id="a")
    assert (head.status, head.body, fixed(head)) == (get.status, b"", fixed(get))
    assert int(get["Content-Length"]) == len(get.body) > 0


def test_head_renders_on_a_miss(origin: OriginServer) -> None:
    path = f"/w_67/{origin.ids['card.jpg']}"
    assert [origin.get(path, method).cache for method in ("HEAD", "GET")] == ["render", "memory"]


# Names -----------------------------------------------------------------------------------------------------

DOWNLOADS = {
    "plain": ("a.jpg", "attachment; filename=\"a.jpg\"; filename*=UTF-8''a.jpg"),
    "space": ("my%20cat.jpg", "attachment; filename=\"my cat.jpg\"; filename*=UTF-8''my%20cat.jpg"),
    "umlaut": ("%C3%BC.jpg", "attachment; filename=\"_.jpg\"; filename*=UTF-8''%C3%BC.jpg"),
    "emoji": ("%F0%9F%90%B1.png", "attachment; filename=\"_.png\"; filename*=UTF-8''%F0%9F%90%B1.png"),
    "quote": ("a%22b.jpg", "attachment; filename=\"a_b.jpg\"; filename*=UTF-8''a%22b.jpg"),
    "percent": ("50%25.jpg", "attachment; filename=\"50_.jpg\"; filename*=UTF-8''50%25.jpg"),
    "semicolon": ("a;b.jpg", "attachment; filename=\"a;b.jpg\"; filename*=UTF-8''a%3Bb.jpg"),
    "apostrophe": ("it's.jpg", "attachment; filename=\"it's.jpg\"; filename*=UTF-8''it%27s.jpg"),
}


@pytest.mark.parametrize(("name", "header"), DOWNLOADS.values(), ids=DOWNLOADS.keys())
def test_a_download_has_its_name_in_both_forms(origin: OriginServer, name: str, header: str) -> None:
    answer = origin.get(f"/w_68,dl_{name}/{origin.ids['card.jpg']}")
    assert (answer.status, answer["Content-Disposition"]) == (200, header)


def test_the_name_of_a_download_shares_the_picture(origin: OriginServer) -> None:
    first = origin.get(f"/w_69,dl_a.jpg/{origin.ids['card.jpg']}")
    second = origin.get(f"/w_69,dl_b.jpg/{origin.ids['card.jpg']}")
    assert (first.cache, second.cache, first.body) == ("render", "memory", second.body)


SPELLINGS = {
    "order": "/f_webp,h_50,w_70/{id}",
    "default": "/h_50,w_70,f_webp,c_limit/{id}",
    "extension": "/w_70,h_50/{id}.webp",
    "output by itself": "/w_70,h_50/f_webp/{id}",
    "no-op": "/w_70,h_50,rad_0,f_webp/{id}",
    "no effect": "/w_70,h_50,co_red,f_webp/{id}",
}


def test_every_spelling_shares_one_entry(origin: OriginServer) -> None:
    name = origin.ids["card.jpg"]
    first = origin.get(f"/w_70,h_50,f_webp/{name}")
    assert first.cache == "render"
    for label, spelling in SPELLINGS.items():
        answer = origin.get(spelling.format(id=name))
        assert (answer.cache, answer.body, answer["ETag"]) == ("memory", first.body, first["ETag"]), label
        assert answer["Link"] == f'</w_70,h_50,f_webp/{name}>; rel="canonical"', label


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("abc-DEF-123", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ("a_b", False),
        ('"><script>', False),
        ("", False),
    ],
)
def test_a_request_id_is_taken_over_only_when_it_is_harmless(
    origin: OriginServer, sent: str, kept: bool
) -> None:
    for path in (f"/w_64/{origin.ids['card.jpg']}", "/w_64/none", "/healthz/x", "/explain/w_1/none"):
        answer = origin.get(path, X_Request_Id=sent)
        assert (answer["X-Request-Id"] == sent) == kept, path
        assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", answer["X-Request-Id"])


def test_request_ids_differ(origin: OriginServer) -> None:
    assert len({origin.get("/none")["X-Request-Id"] for _ in range(5)}) == 5


def test_links_and_urls_begin_with_the_public_url(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, ORIGIN_PUBLIC_URL="https://img.example/p/")
    name = server.ids["card.jpg"]
    answer = server.get(f"/w_64/{name}", Host="evil.example")
    assert answer["Link"] == f'<https://img.example/p/w_64/{name}>; rel="canonical"'


def test_cache_control_is_configurable(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, ORIGIN_CACHE_CONTROL="public, max-age=7")
    name = server.ids["card.jpg"]
    assert server.get(f"/w_64/{name}")["Cache-Control"] == "public, max-age=7"
    assert server.get(f"/v_1,w_64/{name}")["Cache-Control"] == YEAR


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-URL", "X-Rewrite-URL", "Forwarded"),
        *("X-HTTP-Method-Override", "Accept-Language", "DPR", "Width", "Save-Data", "Accept", "Cookie"),
        *("Sec-CH-Width", "Sec-CH-DPR", "X-Original-URI", "Accept-Encoding", "Viewport-Width"),
    ],
)
def test_no_other_header_changes_a_picture(origin: OriginServer, header: str) -> None:
    path = f"/w_64,f_jpg/{origin.ids['card.jpg']}"
    clean = origin.get(path)
    answer = origin.get(path, **{header: "2"}, X_Request_Id="x")
    assert (answer.status, answer.body, answer["ETag"]) == (200, clean.body, clean["ETag"])
    assert fixed(answer) == fixed(clean)
