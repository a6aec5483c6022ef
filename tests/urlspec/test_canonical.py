"""What a URL means is its canonical text: one for every accepted spelling."""

from __future__ import annotations

import pytest

from urlspec import Request, parse
from urlspec.sources import AssetRef, NamedRef


def case(given: str, canonical: str) -> object:
    return pytest.param(given, canonical, id=given)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        # Nothing to say
        case("/cat", "/cat"),
        case("/w_300,r_90,f_webp/cat", "/r_90,w_300,f_webp/cat"),
        # Pipeline order inside a component, the URL's order between components
        case(
            "/h_300,w_400,g_auto,c_fill/q_auto,e_blur:3,f_auto/cat",
            "/c_fill,w_400,h_300,g_auto/e_blur:3,f_auto,q_auto/cat",
        ),
        case("/e_blur:2/w_10/e_blur:2/cat", "/e_blur:2/w_10/e_blur:2/cat"),
        case(
            "/e_sharpen,e_grayscale,e_gamma:2,a_20,r_90,e_trim/cat",
            "/r_90,e_trim,a_20,e_gamma:2,e_grayscale,e_sharpen/cat",
        ),
        case("/bo_2px_solid_red,pad_5,rad_9/cat", "/rad_9,pad_5,bo_2px_solid_rgb:ff0000/cat"),
        # Output arguments go to the end, wherever they stood
        case("/f_webp/w_3/cat", "/w_3,f_webp/cat"),
        case("/q_80,f_webp/cat", "/f_webp,q_80/cat"),
        case(
            "/v_2,dl_a.jpg,meta_all,mb_9000,q_80,f_jpg/cat", "/f_jpg,q_80,mb_9000,meta_all,dl_a.jpg,v_2/cat"
        ),
        case("/d_none/w_3/cat", "/w_3,d_none/cat"),
        case("/pg_2/w_3/cat", "/w_3,pg_2/cat"),
        # Extensions
        case("/cat.webp", "/f_webp/cat"),
        case("/cat.jpeg", "/f_jpg/cat"),
        case("/w_3/cat.jpg", "/w_3,f_jpg/cat"),
        case("/w_3,f_webp/cat.webp", "/w_3,f_webp/cat"),
        case("/f_jpeg/cat.jpg", "/f_jpg/cat"),
        case("/cat.json", "/f_json/cat"),
        # Defaults and no-ops go
        case("/c_limit,w_3/cat", "/w_3/cat"),
        case("/c_limit,ar_16:9/cat", "/c_limit,ar_16:9/cat"),
        case("/c_fill,w_3,h_4,g_center,x_0,y_0.0/cat", "/c_fill,w_3,h_4/cat"),
        case("/c_crop,w_3,h_4,g_north_west/cat", "/c_crop,w_3,h_4/cat"),
        case("/c_crop,w_3,h_4,g_center/cat", "/c_crop,w_3,h_4,g_center/cat"),
        case("/c_thumb,w_3,h_4,z_1/cat", "/c_thumb,w_3,h_4/cat"),
        case("/w_3,dpr_1.0/cat", "/w_3/cat"),
        case("/r_auto,w_3/cat", "/w_3/cat"),
        case("/e_blur:0,e_brightness:0,e_contrast:0,e_saturation:0,e_gamma:1,e_sepia:0/cat", "/cat"),
        case("/e_hue:360,e_pixelate:1,e_sharpen:1:0,rad_0,pad_0:0.0,bo_0px_solid_red,o_100/cat", "/cat"),
        case("/w_3,meta_none/cat", "/w_3/cat"),
        case("/e_blur:0/w_3/cat", "/w_3/cat"),
        case("/e_trim:10/cat", "/e_trim/cat"),
        case("/e_sharpen:0.8:1/cat", "/e_sharpen/cat"),
        case("/e_sharpen:0.8:2/cat", "/e_sharpen:0.8:2/cat"),
        case("/e_sepia:80/cat", "/e_sepia/cat"),
        case("/e_pixelate:5/cat", "/e_pixelate/cat"),
        case("/q_auto:good/cat", "/q_auto/cat"),
        # Numbers
        case("/w_0.50/cat", "/w_0.5/cat"),
        case("/w_1/cat", "/w_1/cat"),
        case("/w_1.0/cat", "/w_1.0/cat"),
        case("/w_1.0000/cat", "/w_1.0/cat"),
        case("/e_blur:2.50/cat", "/e_blur:2.5/cat"),
        case("/e_blur:3.0/cat", "/e_blur:3/cat"),
        case("/e_blur:0.0001/cat", "/e_blur:0.0001/cat"),
        case("/w_3,dpr_1.50/cat", "/w_3,dpr_1.5/cat"),
        case("/c_fill,ar_16.0:9,w_3/cat", "/c_fill,w_3,ar_16:9/cat"),
        case("/c_fill,ar_1.50:1,w_3/cat", "/c_fill,w_3,ar_1.5/cat"),
        case("/c_fill,w_3,h_4,g_fp:0.50:1.0/cat", "/c_fill,w_3,h_4,g_fp:0.5:1/cat"),
        case("/e_hue:-90/cat", "/e_hue:270/cat"),
        # Angles: a multiple of 90 is a right-angle turn
        case("/r_-90/cat", "/r_270/cat"),
        case("/a_90/cat", "/r_90/cat"),
        case("/a_-90/cat", "/r_270/cat"),
        case("/a_360/cat", "/cat"),
        case("/a_0.0/cat", "/cat"),
        case("/a_-20.1/cat", "/a_339.9/cat"),
        case("/a_-359.9999/cat", "/a_0.0001/cat"),
        case("/a_hflip/cat", "/flip_h/cat"),
        case("/a_vflip/cat", "/flip_v/cat"),
        case("/flip_vh/cat", "/flip_hv/cat"),
        case("/r_ignore,w_3/cat", "/r_ignore,w_3/cat"),
        case("/r_90/a_90/cat", "/r_90/r_90/cat"),
        # Colours
        case("/b_red/cat", "/b_rgb:ff0000/cat"),
        case("/b_rgb:ABCDEF/cat", "/b_rgb:abcdef/cat"),
        case("/b_rgb:ABCDEFFF/cat", "/b_rgb:abcdef/cat"),
        case("/b_rgb:11223380/cat", "/b_rgb:11223380/cat"),
        case("/b_transparent/cat", "/b_rgb:00000000/cat"),
        case("/bo_10px_solid_rgb:AABBCC/cat", "/bo_10px_solid_rgb:aabbcc/cat"),
        case("/e_trim:10:white/cat", "/e_trim:10:rgb:ffffff/cat"),
        # Lists as in CSS
        case("/rad_5:5:5:5/cat", "/rad_5/cat"),
        case("/rad_5:6:5:6/cat", "/rad_5:6/cat"),
        case("/rad_5:6:7:6/cat", "/rad_5:6:7/cat"),
        case("/rad_max/cat", "/rad_max/cat"),
        case("/pad_1:2:3:4/cat", "/pad_1:2:3:4/cat"),
        case("/pad_0.10:5/cat", "/pad_0.1:5/cat"),
        # Quality
        case("/q_80:444/cat", "/q_80:444/cat"),
        case("/q_auto:eco,f_webp/cat", "/f_webp,q_auto:eco/cat"),
        case("/q_lossless,f_webp/cat", "/f_webp,q_lossless/cat"),
        case("/q_lossless:60,f_webp/cat", "/f_webp,q_lossless:60/cat"),
        case("/cs_srgb,hdr_keep,f_jpg/cat", "/f_jpg/cat"),
        case("/hdr_off,fl_progressive,cs_p3,f_jpg/cat", "/f_jpg,fl_progressive,cs_p3,hdr_off/cat"),
        # Words keep their underscores
        case("/c_fill,w_3,h_4,g_north_west/cat", "/c_fill,w_3,h_4,g_north_west/cat"),
        # What the client decides stays symbolic
        case("/w_auto,dpr_auto,f_auto/cat", "/w_auto,dpr_auto,f_auto/cat"),
        # Reserved characters stand raw or escaped, and are escaped canonically
        case(
            "/l_text:Sans_20:a!b$c&d'e(f)g*h+i;j=k@l/cat",
            "/l_text:Sans_20:a%21b%24c%26d%27e%28f%29g%2Ah%2Bi%3Bj%3Dk%40l/cat",
        ),
        case("/l_text:Sans_20:a%2Cb%2Fc%3Ad%25e/cat", "/l_text:Sans_20:a%2Cb%2Fc%3Ad%25e/cat"),
        case("/l_text:Sans_20:two%0Alines/cat", "/l_text:Sans_20:two%0Alines/cat"),
        case(
            "/l_text:Sans_20:Gr%C3%BC%C3%9Fe%20%E2%82%AC/cat",
            "/l_text:Sans_20:Gr%C3%BC%C3%9Fe%20%E2%82%AC/cat",
        ),
        case("/dl_a%20b(1).jpg/cat", "/dl_a%20b%281%29.jpg/cat"),
        # Text layers
        case("/l_text:DejaVu%20Sans_32_bold:Hi/cat", "/l_text:DejaVu%20Sans_32_bold:Hi/cat"),
        case(
            "/l_text:Sans_20_center_underline_italic_bold:Hi/cat",
            "/l_text:Sans_20_bold_italic_underline_center:Hi/cat",
        ),
        case("/l_text:Sans_20_normal_left:Hi/cat", "/l_text:Sans_20:Hi/cat"),
        case("/l_text:Sans_20:Hi,co_black/cat", "/l_text:Sans_20:Hi/cat"),
        case("/l_text:Sans_20:Hi,co_red/cat", "/l_text:Sans_20:Hi,co_rgb:ff0000/cat"),
        case("/u_text:Sans_20:Hi,co_red/cat", "/u_text:Sans_20:Hi,co_rgb:ff0000/cat"),
        case("/l_text:20_20:Hi/cat", "/l_text:20_20:Hi/cat"),
        case(
            "/l_text:Sans_20_shrink_line_spacing_4.50_stroke_end_letter_spacing_-2.0_heavy:Hi,w_9,bo_2px_solid_red/cat",
            "/l_text:Sans_20_black_right_stroke_letter_spacing_-2_line_spacing_4.5_shrink:Hi,w_9,bo_2px_solid_rgb:ff0000/cat",
        ),
        case("/l_text:Sans_20_letter_spacing_0_line_spacing_0_book:Hi/cat", "/l_text:Sans_20:Hi/cat"),
        case("/l_text:Sans_20_justify:Hi,w_0.5/cat", "/l_text:Sans_20_justify:Hi,w_0.5/cat"),
        case("/l_text/cat", "/l_text/cat"),  # an asset called text
        # Named sources
        case("/w_3/@products/shoes/1.jpg", "/w_3/@products/shoes/1.jpg"),
        case("/@products/a,b:c_d%20e", "/@products/a%2Cb%3Ac_d%20e"),
        case("/@a/@b/w_3", "/@a/%40b/w_3"),
        case("/l_@brand:logos:a%3Ab.png/cat", "/l_%40brand:logos:a%3Ab.png/cat"),
        case("/d_%40brand:logo.png/cat", "/d_%40brand:logo.png/cat"),
        # Presets stay while there are none to expand
        case("/t_card/cat", "/t_card/cat"),
        case("/f_auto,t_box:120:90/cat", "/t_box:120:90,f_auto/cat"),
        case("/t_card,g_auto/fl_layer_apply/cat", "/t_card,g_auto/fl_layer_apply/cat"),
        case("/t_my_card:a%3Ab/cat", "/t_my_card:a%3Ab/cat"),
    ],
)
def test_canonical_text(given: str, canonical: str) -> None:
    request = parse(given)
    assert request.canonical() == canonical
    assert parse(canonical) == request
    assert parse(canonical).canonical() == canonical
    assert request.warnings == ()


@pytest.mark.parametrize(
    ("given", "canonical", "dropped"),
    [
        ("/w_3,g_auto/cat", "/w_3/cat", {"g_auto": "cut or padded"}),
        ("/g_auto,x_3,y_4/cat", "/cat", {"g_auto": "cut", "x_3": "cut", "y_4": "cut"}),
        ("/c_fill,w_3,g_auto/cat", "/c_fill,w_3/cat", {"g_auto": "cut or padded"}),
        ("/c_fill,w_3,h_4,g_auto,x_5/cat", "/c_fill,w_3,h_4,g_auto/cat", {"x_5": "not an edge"}),
        ("/c_crop,w_3,h_4,g_fp:0.5:0.5,y_5/cat", "/c_crop,w_3,h_4,g_fp:0.5:0.5/cat", {"y_5": "not an edge"}),
        ("/c_fill,w_3,h_4,z_2/cat", "/c_fill,w_3,h_4/cat", {"z_2": "c_thumb"}),
        ("/ar_16:9/cat", "/cat", {"ar_16:9": "crop mode"}),
        ("/w_3,h_auto/cat", "/w_3/cat", {"h_auto": "no client hint"}),
        ("/dpr_2/cat", "/cat", {"dpr_2": "pixels"}),
        ("/w_0.5,dpr_2,rad_max/cat", "/w_0.5,rad_max/cat", {"dpr_2": "pixels"}),
        ("/w_3,co_red/cat", "/w_3/cat", {"co_red": "text layer"}),
        ("/w_3,e_multiply,fl_tiled/cat", "/w_3/cat", {"e_multiply": "lays a layer", "fl_tiled": "lays"}),
        ("/l_logo,fl_tiled,g_south,x_3/cat", "/l_logo,x_3,fl_tiled/cat", {"g_south": "tiled"}),
        ("/l_logo,g_fp:0.5:0.1,x_3/cat", "/l_logo,g_fp:0.5:0.1/cat", {"x_3": "middle"}),
        (
            "/l_text:Sans_9:x,c_fill,h_3,w_9/cat",
            "/l_text:Sans_9:x,w_9,h_3/cat",
            {"c_fill": "box of a text"},
        ),
        (
            "/l_text:Sans_9_stroke_shrink_justify:x,h_auto/cat",
            "/l_text:Sans_9:x/cat",
            {"h_auto": "no client hint", "stroke": "bo_", "shrink": "w_ and h_", "justify": "w_"},
        ),
        ("/f_png,q_80/cat", "/f_png/cat", {"q_80": "without loss"}),
        ("/f_gif,q_80/cat", "/f_gif/cat", {"q_80": "colours"}),
        ("/f_webp,fl_progressive/cat", "/f_webp/cat", {"fl_progressive": "JPEG and PNG"}),
        ("/f_webp,hdr_off/cat", "/f_webp/cat", {"hdr_off": "only a JPEG"}),
        ("/f_gif,cs_p3/cat", "/f_gif/cat", {"cs_p3": "sRGB"}),
        ("/w_3/g_auto/cat", "/w_3/cat", {"g_auto": "cut"}),
    ],
)
def test_what_can_have_no_effect_is_dropped_and_named(
    given: str, canonical: str, dropped: dict[str, str]
) -> None:
    request = parse(given)
    assert request.canonical() == canonical
    assert parse(canonical) == request
    assert parse(canonical).warnings == ()
    assert {one.argument for one in request.warnings} == set(dropped)
    for one in request.warnings:
        assert dropped[one.argument] in one.reason


def test_a_dropped_argument_is_named_with_its_component() -> None:
    (dropped,) = parse("/w_3/h_4,g_auto/cat").warnings
    assert (dropped.argument, dropped.component) == ("g_auto", 2)


@pytest.mark.parametrize(
    "kept", ["/w_3,dpr_2", "/w_auto,dpr_2", "/e_blur:2,dpr_2", "/rad_3,dpr_2", "/pad_0.1:3,dpr_2"]
)
def test_dpr_stays_where_a_length_is_given_in_pixels(kept: str) -> None:
    assert "dpr_2" in parse(f"{kept}/cat").canonical()


@pytest.mark.parametrize(
    ("path", "assets"),
    [
        ("/cat", [AssetRef("cat")]),
        ("/l_logo,w_3/l_logo,x_3/d_none/cat", [AssetRef("cat"), AssetRef("logo"), AssetRef("none")]),
        ("/l_text:Sans_20:Hi/u_@brand:a:b.png/@p/x", [NamedRef("p", "x"), NamedRef("brand", "a/b.png")]),
    ],
)
def test_every_picture_that_is_named(path: str, assets: list[AssetRef | NamedRef]) -> None:
    assert list(parse(path).assets()) == assets


def test_equal_requests_are_equal_whatever_was_dropped() -> None:
    assert parse("/w_3,g_auto/cat") == parse("/w_3/cat")
    assert hash(parse("/w_3,g_auto/cat")) == hash(parse("/w_3/cat"))
    assert parse("/w_3/cat") != parse("/w_4/cat")


@pytest.mark.parametrize("given", [b"/w_300/cat", "/w_300/cat"], ids=["bytes", "str"])
def test_a_path_is_bytes_or_text(given: bytes | str) -> None:
    assert isinstance(parse(given), Request)


def test_presets_that_are_named() -> None:
    assert [str(preset) for preset in parse("/t_a/w_3/t_b:1/cat").presets] == ["t_a", "t_b:1"]
