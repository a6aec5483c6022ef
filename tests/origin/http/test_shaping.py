"""Presets, fonts, fallbacks and descriptions, as a server with such settings answers."""

from __future__ import annotations

import base64
import shutil
import struct
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import Library, OriginServer, until

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
HUGE = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, 60_000, 60_000, 1, 24, *[0] * 6)
PRESETS = """
[presets]
card = "c_fill,w_40,h_30,f_webp"
soft = "w_60/e_blur:2"
wide = "c_pad,w_$1,h_$2,b_$3"
box = {chain = "c_fill,w_$1,h_$2", args = [["12", "24"], ["9", "18"]]}
"""


@pytest.fixture(scope="module")
def server(
    origin_factory: OriginFactory, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> OriginServer:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "presets.toml").write_text(PRESETS)
    (folder / "shop").mkdir()
    (folder / "shop" / "half.jpg").write_bytes(pictures.noise(400, 300)[:20_000])
    (folder / "shop" / "words.jpg").write_bytes(b"words" * 100)
    (folder / "shop" / "huge.bmp").write_bytes(HUGE)
    (folder / "fonts").mkdir()
    shutil.copy(DEJAVU, folder / "fonts" / "Mine.ttf")
    return origin_factory(
        library=library,
        ORIGIN_PRESETS=str(folder / "presets.toml"),
        ORIGIN_FONTS=str(folder / "fonts"),
        ORIGIN_SOURCES=f"shop=file://{folder / 'shop'}",
        ORIGIN_ACCEPT="jpeg,png,gif,bmp",
        ORIGIN_DEV_ERRORS="on",
    )


PRESET_URLS = {
    "plain": ("/t_card/{id}", "/c_fill,w_40,h_30,f_webp/{id}"),
    "two components": ("/t_soft/{id}", "/w_60/e_blur:2/{id}"),
    "with more beside it": ("/t_card,e_negate/{id}", "/c_fill,w_40,h_30,f_webp/e_negate/{id}"),
    "output beside it wins": ("/t_card,f_png/{id}", "/c_fill,w_40,h_30,f_png/{id}"),
    "arguments": ("/t_wide:50:60:red/{id}", "/c_pad,w_50,h_60,b_red/{id}"),
    "escaped colon": ("/t_wide:50:60:rgb%3A00ff00/{id}", "/c_pad,w_50,h_60,b_rgb:00ff00/{id}"),
    "listed arguments": ("/t_box:24:9/{id}", "/c_fill,w_24,h_9/{id}"),
}


@pytest.mark.parametrize(("short", "long"), PRESET_URLS.values(), ids=PRESET_URLS.keys())
def test_a_preset_is_its_chain(server: OriginServer, short: str, long: str) -> None:
    name = server.ids["card.jpg"]
    one, other = server.get(short.format(id=name)), server.get(long.format(id=name))
    assert (one.status, one["ETag"], one.body) == (200, other["ETag"], other.body)
    assert other.cache == "memory"
    assert "t_" in one["Link"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/t_none/{id}", "preset_unknown"),
        ("/t_crd/{id}", "preset_unknown"),
        ("/t_wide:50/{id}", "preset_arguments"),
        ("/t_box:25:9/{id}", "preset_arguments"),
        ("/t_wide:50:60:nocolour/{id}", "value_invalid"),
    ],
)
def test_a_preset_that_does_not_fit_is_told_so(server: OriginServer, path: str, code: str) -> None:
    answer = server.get(path.format(id=server.ids["card.jpg"]))
    assert answer.summary == (400, code)
    if "crd" in path:
        assert answer.json["nearest"] == "card"


# Fallback -----------------------------------------------------------------------------------------------

FALLBACKS = {
    "not there": ("/w_16,d_{logo}/none", "not_found"),
    "object not there": ("/w_16,d_{logo}/@shop/none.jpg", "not_found"),
    "broken": ("/w_16,d_{logo}/@shop/half.jpg", "image_corrupt"),
    "no picture": ("/w_16,d_{logo}/@shop/words.jpg", "unsupported_media"),
    "over limits": ("/w_16,d_{logo}/@shop/huge.bmp", "image_too_large"),
    "private": ("/w_16,d_{logo}/{secret}", "not_found"),
    "an original": ("/meta_copyright,w_16,d_{logo}/none", "not_found"),
    "unknown source": ("/w_16,d_{logo}/@none/a.jpg", "not_found"),
    "a version that never was": ("/v_9,w_16,d_{logo}/{id}", "not_found"),
}


@pytest.mark.parametrize(("path", "code"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_a_fallback_stands_in_for_a_moment(server: OriginServer, path: str, code: str) -> None:
    answer = server.get(
        path.format(logo=server.ids["logo.png"], id=server.ids["card.jpg"], secret=server.ids["secret.png"])
    )
    assert (answer.status, answer["X-Fallback"]) == (200, code)
    assert answer["Cache-Control"] == "public, max-age=10"
    assert pictures.size_of(answer.body) == (16, 8)
    pictures.assert_close_colour(pictures.pixel(answer.body, 5, 4), (200, 0, 200))


def test_a_fallback_is_not_used_without_need(server: OriginServer) -> None:
    answer = server.get(f"/w_16,d_{server.ids['logo.png']}/{server.ids['card.png']}")
    assert (answer.status, "X-Fallback" in answer) == (200, False)
    assert pictures.size_of(answer.body) == (16, 11)


@pytest.mark.parametrize(("path", "status"), [("/w_16,d_none/none2", 404), ("/w_x,d_{logo}/none", 400)])
def test_a_fallback_mends_neither_itself_nor_the_url(server: OriginServer, path: str, status: int) -> None:
    assert server.get(path.format(logo=server.ids["logo.png"])).status == status


# Refusals as pictures -------------------------------------------------------------------------------------

IMG = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/widht_300/{id}", 400, "argument_unknown"),
        ("/w_16/none", 404, "not_found"),
        ("/w_16/@shop/half.jpg", 422, "image_corrupt"),
        ("/w_16/@shop/words.jpg", 415, "unsupported_media"),
        ("/s1.a.0.b/w_16/{id}", 403, "signature_invalid"),
    ],
)
def test_an_img_shows_what_is_wrong(server: OriginServer, path: str, status: int, code: str) -> None:
    target = path.format(id=server.ids["card.jpg"])
    drawn = server.get(target, Accept=IMG)
    assert (drawn.status, drawn["Content-Type"], drawn["X-Error"]) == (status, "image/png", code)
    assert drawn["Cache-Control"] == "no-store"
    assert pictures.format_of(drawn.body) == "png"
    width, height = pictures.size_of(drawn.body)
    assert width == 648
    assert height > 90
    assert pictures.pixel(drawn.body, 1, 1)[:3] == (190, 30, 20)
    assert server.get(target, "HEAD", Accept=IMG)["Content-Length"] == str(len(drawn.body))
    for accept in (PAGE, "*/*", "application/json"):
        assert server.get(target, Accept=accept).summary == (status, code)


def test_nothing_is_drawn_unless_a_developer_wants_it(origin: OriginServer) -> None:
    assert origin.get("/w_16/none", Accept=IMG).summary == (404, "not_found")


# Texts and descriptions ---------------------------------------------------------------------------------


def test_a_text_is_drawn_with_a_font_of_the_folder(server: OriginServer) -> None:
    name = server.ids["card.jpg"]
    text = server.get(f"/l_text:DejaVu%20Sans_24:Hi%20%26%20%3Cb%3E,co_black/w_110,f_png/{name}")
    plain = server.get(f"/w_110,f_png/{name}")
    assert text.status == 200
    assert pictures.difference(text.body, plain.body).max > 100


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ("w_60,l_text:Nowhere_20:Hi", "Nowhere"),
        ("c_fill,w_20,h_20,g_face", "no face"),
        ("w_60,b_red", "opaque"),
        ("w_60", ""),
    ],
)
def test_what_went_otherwise_is_said(server: OriginServer, chain: str, says: str) -> None:
    made, kept = (server.get(f"/{chain}/{server.ids['card.jpg']}") for _ in range(2))
    assert (made.cache, kept.cache) == ("render", "memory")
    assert ("X-Warning" in made) == ("X-Warning" in kept) == bool(says)
    if says:
        assert says in made["X-Warning"] == kept["X-Warning"]
        warned = {"request_id": made["X-Request-Id"], "warning": made["X-Warning"]}.items()
        until(lambda: any(warned <= line.items() for line in server.lines()))


def test_a_picture_is_described(server: OriginServer) -> None:
    name = server.ids["turned.jpg"]
    told = server.get(f"/w_60,f_json/{name}")
    assert told["Content-Type"] == "application/json"
    assert (told.json["width"], told.json["height"]) == (120, 80), "as shown"
    assert told.json["result"] == {"width": 60, "height": 40, "format": "jpeg"}
    thumb = server.get(f"/f_thumbhash/{name}")
    assert 5 <= len(base64.b64decode(thumb.body, validate=True)) <= 25
    blur = server.get(f"/f_blurhash/{name}")
    assert 6 <= len(blur.body) <= 100
    uri = server.get(f"/w_16,f_datauri/{name}")
    assert uri.body.startswith(b"data:image/")
    inner = base64.b64decode(uri.body.split(b",", 1)[1], validate=True)
    assert pictures.size_of(inner) == (16, 11)


def test_explain_tells_and_renders_nothing(server: OriginServer) -> None:
    path = f"/t_card,co_red/{server.ids['card.jpg']}"
    told = server.get(f"/explain{path}")
    assert (told.status, told["Content-Type"], told["Cache-Control"]) == (200, "application/json", "no-store")
    document = told.json
    assert document["expanded"].startswith("/c_fill,w_40,h_30")
    assert document["warnings"][0]["argument"] == "co_red"
    assert (document["plan"]["result"]["width"], document["plan"]["result"]["height"]) == (40, 30)
    picture = server.get(path)
    assert picture["ETag"].startswith(f'"{document["key"]}-')


@pytest.mark.parametrize(("path", "status"), [("/w_x/{id}", 400), ("/w_9/none", 404), ("/w_9/{id}?a=1", 400)])
def test_explain_refuses_as_the_picture_would(server: OriginServer, path: str, status: int) -> None:
    target = path.format(id=server.ids["card.jpg"])
    one, other = server.get(f"/explain{target}"), server.get(target)
    assert (one.status, one.code) == (other.status, other.code) == (status, one.code)
