"""The SDK: URLs that are built are URLs that are read, signed and safe in markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any, assert_type

import pytest

from urlspec import (
    AssetRef,
    Colour,
    FocalPoint,
    Fraction,
    Keyring,
    LongExpiryWarning,
    NamedRef,
    PresetCall,
    Ratio,
    SigningKey,
    TextRef,
    Url,
    UrlError,
    UrlSpecError,
    parse,
    picture,
    srcset,
)

ANY: Any = Url("https://img.example", "cat")  # for values that a type checker refuses too
KEY = SigningKey("web", "a secret that is long enough to be one")
CAT = Url("https://img.example", "cat")


def path(url: Url) -> str:
    return str(url).removeprefix("https://img.example")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (CAT, "/cat"),
        (CAT.width(300), "/w_300/cat"),
        (CAT.width(0.5), "/w_0.5/cat"),
        (CAT.width(1.0), "/w_1.0/cat"),
        (CAT.width(1 / 3), "/w_0.3333/cat"),
        (CAT.width(Fraction(0.25)), "/w_0.25/cat"),
        (CAT.width("auto"), "/w_auto/cat"),
        (CAT.width("300"), "/w_300/cat"),
        (CAT.format("auto").width(640).height(480).crop("fill"), "/c_fill,w_640,h_480,f_auto/cat"),
        (CAT.width(640).then().blur(3).format("auto"), "/w_640/e_blur:3,f_auto/cat"),
        (CAT.then().width(3).then().then().blur(2).then(), "/w_3/e_blur:2/cat"),
        (CAT.rotate(90), "/r_90/cat"),
        (CAT.rotate(-90), "/r_270/cat"),
        (CAT.rotate("auto"), "/cat"),
        (CAT.angle(-20.1), "/a_339.9/cat"),
        (CAT.angle(-0.0), "/cat"),
        (CAT.angle("hflip"), "/flip_h/cat"),
        (CAT.sharpen(), "/e_sharpen/cat"),
        (CAT.sharpen(strength=2), "/e_sharpen:0.8:2/cat"),
        (CAT.sepia(), "/e_sepia/cat"),
        (CAT.trim(20, "white"), "/e_trim:20:rgb:ffffff/cat"),
        (CAT.trim(colour=Colour(1, 2, 3)), "/e_trim:10:rgb:010203/cat"),
        (CAT.width(9).aspect_ratio("16:9"), "/w_9,ar_16:9/cat"),
        (CAT.width(9).aspect_ratio(1.5), "/w_9,ar_1.5/cat"),
        (CAT.width(9).aspect_ratio(16 / 9), "/w_9,ar_1.7778/cat"),
        (CAT.width(9).aspect_ratio(Ratio(4, 3)), "/w_9,ar_4:3/cat"),
        (CAT.width(9).height(9).crop("fill").gravity(FocalPoint(0.5, 0)), "/c_fill,w_9,h_9,g_fp:0.5:0/cat"),
        (CAT.background("red"), "/b_rgb:ff0000/cat"),
        (CAT.background(Colour(255, 0, 0, 128)), "/b_rgb:ff000080/cat"),
        (CAT.corner_radius(9), "/rad_9/cat"),
        (CAT.corner_radius("max"), "/rad_max/cat"),
        (CAT.corner_radius((1, 2)), "/rad_1:2/cat"),
        (CAT.corner_radius("1:2:3:4"), "/rad_1:2:3:4/cat"),
        (CAT.padding(5), "/pad_5/cat"),
        (CAT.padding((5, Fraction(0.1))), "/pad_5:0.1/cat"),
        (CAT.border("2px_solid_red"), "/bo_2px_solid_rgb:ff0000/cat"),
        (CAT.quality(80), "/q_80/cat"),
        (CAT.quality("auto:eco"), "/q_auto:eco/cat"),
        (CAT.download("Grüße & <1>.jpg"), "/dl_Gr%C3%BC%C3%9Fe%20%26%20%3C1%3E.jpg/cat"),
        (CAT.fallback("none"), "/d_none/cat"),
        (CAT.fallback("@brand/a/b.png"), "/d_%40brand:a:b.png/cat"),
        (CAT.version(2).raw(1), "/v_2,raw_1/cat"),
        (CAT.preset("card"), "/t_card/cat"),
        (CAT.preset("box:120:90").format("webp"), "/t_box:120:90,f_webp/cat"),
        (CAT.preset(PresetCall("ratio", ("16:9",))), "/t_ratio:16%3A9/cat"),
        # Layers start a component of their own
        (CAT.layer("logo").width(80).gravity("south"), "/l_logo,w_80,g_south/cat"),
        (CAT.width(640).layer("logo").width(80), "/w_640/l_logo,w_80/cat"),
        (CAT.layer("@brand/a/b.png"), "/l_%40brand:a:b.png/cat"),
        (CAT.layer(NamedRef("brand", "a/b.png")), "/l_%40brand:a:b.png/cat"),
        (CAT.layer("a").layer("b"), "/l_a/l_b/cat"),
        (CAT.underlay("paper").width(1.0), "/u_paper,w_1.0/cat"),
        (
            CAT.layer("logo").then().rotate(90).layer_apply().gravity("north_west"),
            "/l_logo/r_90/fl_layer_apply,g_north_west/cat",
        ),
        (
            CAT.width(9).text("10:30, <b>\nAT&T/100%"),
            "/w_9/l_text:DejaVu%20Sans_32:10%3A30%2C%20%3Cb%3E%0AAT%26T%2F100%25/cat",
        ),
        (
            CAT.text("Hi", family="Noto Sans", size=20, styles=["bold", "italic"]),
            "/l_text:Noto%20Sans_20_bold_italic:Hi/cat",
        ),
        (
            CAT.layer(TextRef("Sans", 20, "Hi", italic=True)).text_colour("red"),
            "/l_text:Sans_20_italic:Hi,co_rgb:ff0000/cat",
        ),
        (CAT.layer("text:Sans_20:10:30"), "/l_text:Sans_20:10%3A30/cat"),
        # Written chains
        (CAT.chain("c_fill,w_400,h_300/e_blur:3"), "/c_fill,w_400,h_300/e_blur:3/cat"),
        (CAT.width(9).chain("e_blur:3/f_webp").quality(5), "/w_9/e_blur:3,f_webp,q_5/cat"),
        (CAT.layer("a").chain("w_9").layer_apply(), "/l_a/w_9/fl_layer_apply/cat"),
        (CAT.layer("a").chain("fl_layer_apply,g_south"), "/l_a/fl_layer_apply,g_south/cat"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_built_is_canonical_and_is_read_back(url: Url, expected: str) -> None:
    assert path(url) == expected
    assert parse(expected) == url.request()
    assert parse(expected).canonical() == expected


@pytest.mark.parametrize(
    ("base", "source", "written"),
    [
        ("https://img.example", "cat", "https://img.example/cat"),
        ("https://img.example/", "cat", "https://img.example/cat"),
        ("", "cat", "/cat"),
        ("", AssetRef("cat"), "/cat"),
        ("", "@products/shoes/1.jpg", "/@products/shoes/1.jpg"),
        ("", "@products/a b,c/ü.jpg", "/@products/a%20b%2Cc/%C3%BC.jpg"),
        ("", NamedRef("products", "a/b"), "/@products/a/b"),
    ],
)
def test_base_and_source(base: str, source: str | AssetRef | NamedRef, written: str) -> None:
    assert str(Url(base, source)) == written


@pytest.mark.parametrize(
    "source",
    ["", "my_cat", "docs", "cat.webp", "a/b", "@p", "@p/", "@p/../x", "@p/a//b", "@P/a", "@p/.env", "@p/a\n"],
)
def test_sources_that_cannot_be(source: str) -> None:
    with pytest.raises(UrlError, match="Not a source"):
        Url("", source)


@pytest.mark.parametrize(
    "build",
    [
        lambda: CAT.width(0),
        lambda: CAT.width(-3),
        lambda: CAT.width(70_000),
        lambda: CAT.width("wide"),
        lambda: ANY.width(None),
        lambda: CAT.width(float("nan")),
        lambda: CAT.width("3,h_4"),
        lambda: CAT.rotate(20),
        lambda: ANY.crop("fill,w_3"),
        lambda: ANY.crop("stretch"),
        lambda: ANY.blur("x"),
        lambda: ANY.blur([]),
        lambda: CAT.blur(float("inf")),
        lambda: CAT.quality(0),
        lambda: CAT.corner_radius((1, -2)),
        lambda: ANY.corner_radius(("a", "b")),
        lambda: CAT.corner_radius((1, 2, 3, 4, 5)),
        lambda: CAT.padding(()),
        lambda: CAT.background("#ff0000"),
        lambda: CAT.background(Colour(300, 0, 0)),
        lambda: CAT.gravity(FocalPoint(2, 0)),
        lambda: CAT.download("a/b"),
        lambda: CAT.download(""),
        lambda: CAT.download("\ud800"),
        lambda: CAT.layer("my_logo"),
        lambda: CAT.layer("docs"),
        lambda: CAT.layer(TextRef("<b>", 20, "Hi")),
        lambda: CAT.layer(TextRef("Sans", 0, "Hi")),
        lambda: CAT.text(""),
        lambda: CAT.text("a" * 501),
        lambda: CAT.text("bell\a"),
        lambda: CAT.text("Hi", family="Sans, Serif"),
        lambda: CAT.text("Hi", styles=["blod"]),
        lambda: CAT.preset("no preset"),
        lambda: CAT.chain(""),
        lambda: CAT.chain("w_x"),
        lambda: CAT.chain("w_3//h_3"),
        lambda: CAT.chain("/w_3"),
        lambda: CAT.chain("w_3/@private/secret"),
        lambda: CAT.chain("w_3/dog"),
        lambda: CAT.chain("w_3?x"),
        lambda: CAT.chain("l_text:Sans_20:ü"),
    ],
)
def test_impossible_values_are_refused_at_once(build: Callable[[], Url]) -> None:
    with pytest.raises(UrlError) as caught:
        build()
    assert caught.value.detail


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (CAT.crop("fill"), "size_missing"),
        (CAT.width(3).width(4), "argument_repeated"),
        (CAT.format("webp").then().format("png"), "argument_repeated"),
        (CAT.layer_apply(), "layer_unopened"),
        (CAT.chain("/".join(["e_blur:2"] * 25)), "too_many_components"),
        (CAT.text("ü" * 400), "path_too_long"),
        (Url("", "@p/a").version(2), "argument_conflict"),
    ],
)
def test_what_cannot_stand_together_is_refused_when_the_text_is_made(url: Url, code: str) -> None:
    with pytest.raises(UrlError) as caught:
        str(url)
    assert caught.value.code == code


def test_a_url_is_immutable() -> None:
    small = CAT.width(100)
    large = small.then().width(50)
    assert (path(CAT), path(small), path(large)) == ("/cat", "/w_100/cat", "/w_100/w_50/cat")
    with pytest.raises(AttributeError):
        CAT.base = "https://elsewhere.example"  # type: ignore[misc]
    assert CAT.width(100) == small


def test_types() -> None:
    assert_type(CAT.width(3).crop("fill").height(3).format("webp"), Url)
    assert_type(CAT.then().text("Hi").chain("w_3"), Url)
    assert_type(CAT.sign(KEY), str)
    assert_type(CAT.path, str)
    assert_type(srcset(CAT, [100]), str)


def test_a_subclass_stays_one() -> None:
    class Ours(Url):
        pass

    assert isinstance(Ours("", "cat").width(3).then().layer("a").chain("w_3"), Ours)


def test_signing() -> None:
    signed = CAT.width(640).format("auto").sign(KEY)
    assert signed.startswith("https://img.example/s1.web.0.")
    verified = Keyring((KEY,)).verify(signed.removeprefix("https://img.example").encode(), 0)
    assert verified is not None
    assert verified.rest == b"/w_640,f_auto/cat"
    assert CAT.sign(f"{KEY.kid}:{KEY.secret}") == CAT.sign(KEY)
    assert CAT.sign(KEY, audience="img.example") != CAT.sign(KEY)
    assert CAT.made() == str(CAT)
    assert CAT.made(KEY) == CAT.sign(KEY)


def test_signing_with_an_end() -> None:
    signed = CAT.sign(KEY, expires=timedelta(hours=1))
    assert re.match(r"https://img\.example/s1\.web\.[1-9][0-9]{9}\.", signed)
    with pytest.warns(LongExpiryWarning):
        CAT.sign(KEY, expires=timedelta(days=30))


def test_the_signature_counts_in_the_length_of_a_path() -> None:
    url = CAT.text("a" * 500).then().download("b" * 100).then().text("c" * 350)
    assert 960 < len(url.path) <= 1_024
    with pytest.raises(UrlError) as caught:
        url.sign(KEY)
    assert caught.value.code == "path_too_long"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (CAT, ["/w_100/cat 100w", "/w_200/cat 200w"]),
        (CAT.width(640).format("auto"), ["/w_100,f_auto/cat 100w", "/w_200,f_auto/cat 200w"]),
        (CAT.width(640).then().blur(2), ["/w_100/e_blur:2/cat 100w", "/w_200/e_blur:2/cat 200w"]),
        (
            CAT.crop("fill").aspect_ratio("16:9"),
            ["/c_fill,w_100,ar_16:9/cat 100w", "/c_fill,w_200,ar_16:9/cat 200w"],
        ),
        (CAT.width(9).then().width(8), ["/w_9/w_100/cat 100w", "/w_9/w_200/cat 200w"]),
        # The width of a layer is its own
        (CAT.width(9).layer("a").width(8), ["/w_100/l_a,w_8/cat 100w", "/w_200/l_a,w_8/cat 200w"]),
        (CAT.layer("a").height(8), ["/l_a,h_8/w_100/cat 100w", "/l_a,h_8/w_200/cat 200w"]),
        (
            CAT.width(9).layer("a").then().width(8).layer_apply(),
            ["/w_100/l_a/w_8/fl_layer_apply/cat 100w", "/w_200/l_a/w_8/fl_layer_apply/cat 200w"],
        ),
    ],
)
def test_srcset(url: Url, expected: list[str]) -> None:
    candidates = url.srcset([100, 200]).split(", ")
    assert [one.removeprefix("https://img.example") for one in candidates] == expected


def test_srcset_signs_every_candidate() -> None:
    for candidate in CAT.srcset([100, 200], key=KEY, audience="a").split(", "):
        signed = candidate.split(" ")[0].removeprefix("https://img.example").encode()
        assert Keyring((KEY,), "a").verify(signed, 0) is not None


@pytest.mark.parametrize(
    ("url", "widths", "said"),
    [
        (CAT, [], "at least one width"),
        (CAT.width(9).height(9), [100], "aspect_ratio"),
        (CAT.width(9).dpr(2), [100], "dpr"),
        (CAT, [0], "w_"),
    ],
)
def test_srcsets_that_would_be_wrong(url: Url, widths: list[int], said: str) -> None:
    with pytest.raises(UrlSpecError, match=said):
        url.srcset(widths)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))


def tags(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(markup)
    return parser.tags


def test_picture() -> None:
    cat = CAT.width(640).quality("auto")
    markup = cat.picture([640, 320, 1280], alt="A cat", sizes="50vw", class_="wide", width=640)
    (outer, _), avif, webp, (tag, image) = tags(markup)
    assert (outer, avif[0], webp[0], tag) == ("picture", "source", "source", "img")
    assert avif[1]["type"] == "image/avif"
    assert webp[1]["type"] == "image/webp"
    for source, form in ((avif[1], "avif"), (webp[1], "webp"), (image, "jpg")):
        assert source["sizes"] == "50vw"
        candidates = (source["srcset"] or "").split(", ")
        assert [one.split(" ")[1] for one in candidates] == ["640w", "320w", "1280w"]
        assert candidates[1] == f"https://img.example/w_320,f_{form},q_auto/cat 320w"
    assert image["src"] == "https://img.example/w_640,f_jpg,q_auto/cat"
    assert (image["alt"], image["class"], image["width"]) == ("A cat", "wide", "640")
    assert (image["loading"], image["decoding"]) == ("lazy", "async")
    assert markup.startswith("<picture>\n")
    assert markup.endswith("</picture>")


def test_picture_names_jpeg_by_its_media_type() -> None:
    markup = CAT.picture([100], alt="", formats=("jpg", "png"))
    assert tags(markup)[1][1]["type"] == "image/jpeg"


def test_picture_replaces_a_format_said_before() -> None:
    markup = CAT.width(9).format("gif").then().blur(2).picture([100], alt="", formats=("webp", "auto"))
    assert "f_gif" not in markup
    assert "f_auto" in (tags(markup)[-1][1]["src"] or "")


@pytest.mark.parametrize(
    "evil", ['"><script>alert(1)</script>', "' onerror='x", "a & b &amp; c", "<>", '"', "&quot;"]
)
def test_every_attribute_is_escaped(evil: str) -> None:
    base = Url(f"https://img.example/{evil}", "cat")
    markup = picture(base, [100], alt=evil, sizes=evil, title=evil)
    image = tags(markup)[-1][1]
    assert (image["alt"], image["sizes"], image["title"]) == (evil, evil, evil)
    assert (image["src"] or "").startswith(f"https://img.example/{evil}")
    assert [tag for tag, _ in tags(markup)] == ["picture", "source", "source", "img"]
    outside = re.sub(r'"[^"]*"', "", markup)
    assert (outside.count("<"), outside.count(">")) == (5, 5)
    assert not set("&'\"").intersection(outside)
    assert evil in unescape(markup)


@pytest.mark.parametrize("name", ["on click", 'a"b', "a>b", "", "a=b", "a/b", "ü"])
def test_names_of_attributes_are_names(name: str) -> None:
    with pytest.raises(UrlSpecError, match="attribute"):
        ANY.picture([100], alt="", **{name: "x"})


@pytest.mark.parametrize("formats", [(), ("auto", "jpg"), ("json", "jpg"), ("bmp", "jpg"), ("webp", "bmp")])
def test_formats_that_a_browser_could_not_choose_by(formats: tuple[str, ...]) -> None:
    with pytest.raises(UrlSpecError):
        CAT.picture([100], alt="", formats=formats)


def test_functions_do_what_the_methods_do() -> None:
    assert srcset(CAT, [100], key=KEY) == CAT.srcset([100], key=KEY)
    assert picture(CAT, [100], alt="A", key=KEY) == CAT.picture([100], alt="A", key=KEY)
