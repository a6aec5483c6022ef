"""Bad URLs: which code, where, and what they are told was probably meant."""

from __future__ import annotations

import re

import pytest

from urlspec import UrlError, parse
from urlspec.characters import PATH_LIMIT
from urlspec.errors import CODES


def refusal(path: bytes | str, limit: int = PATH_LIMIT) -> UrlError:
    with pytest.raises(UrlError) as caught:
        parse(path, limit=limit)
    return caught.value


@pytest.mark.parametrize(
    ("path", "code", "position", "nearest"),
    [
        # Characters
        ("", "path_invalid", 0, None),
        ("cat", "path_invalid", 0, None),
        ("/w_3/c%61t", "path_invalid", 6, "a"),
        ("/dl_a%2Eb/cat", "path_invalid", 5, "."),
        ("/dl_a%5Fb/cat", "path_invalid", 5, "_"),
        ("/dl_a%7Eb/cat", "path_invalid", 5, "~"),
        ("/dl_a%2Db/cat", "path_invalid", 5, "-"),
        ("/dl_a%39b/cat", "path_invalid", 5, "9"),
        ("/dl_a%5Ab/cat", "path_invalid", 5, "Z"),
        ("/l_text:Sans_9:a%2cb/cat", "path_invalid", 16, "%2C"),
        ("/l_text:Sans_9:a%c3%bc/cat", "path_invalid", 16, "%C3"),
        ("/l_text:Sans_9:100%/cat", "path_invalid", 18, None),
        ("/l_text:Sans_9:a%2/cat", "path_invalid", 16, None),
        ("/l_text:Sans_9:a%zz/cat", "path_invalid", 16, None),
        ("/l_text:Sans_9:a b/cat", "path_invalid", 16, None),
        ('/l_text:Sans_9:a"b/cat', "path_invalid", 16, None),
        ("/l_text:Sans_9:a\\b/cat", "path_invalid", 16, None),
        ("/l_text:Sans_9:ü/cat", "path_invalid", 15, None),
        ("/cat#x", "path_invalid", 4, None),
        ("/cat\x00", "path_invalid", 4, None),
        ("/cat\n", "path_invalid", 4, None),
        ("/dl_%00/cat", "path_invalid", 4, None),
        ("/dl_a%0A/cat", "path_invalid", 5, None),
        ("/dl_a%7F/cat", "path_invalid", 5, None),
        ("/dl_a%C2%85/cat", "path_invalid", 5, None),
        ("/l_text:Sans_9:a%C2%80/cat", "path_invalid", 16, None),
        ("/l_text:Sans_9:a%0D%0A/cat", "path_invalid", 16, None),
        ("/l_text:Sans%0A_9:a/cat", "path_invalid", 12, None),
        ("/l_text:Sans_9:a,dl_%0A/cat", "path_invalid", 20, None),
        ("/t_card:%0A/cat", "path_invalid", 8, None),
        ("/l_text:Sans_9:%FF/cat", "path_invalid", 1, None),
        ("/l_text:Sans_9:%C0%AF/cat", "path_invalid", 1, None),  # an overlong /
        ("/l_text:Sans_9:%ED%A0%80/cat", "path_invalid", 1, None),  # a surrogate
        ("/l_text:Sans_9:%E2%82/cat", "path_invalid", 1, None),
        ("/@x/a%FFb", "path_invalid", 4, None),
        # Segments
        ("/", "source_missing", 1, None),
        ("//", "path_invalid", 1, None),
        ("/w_3//cat", "path_invalid", 5, None),
        ("/w_3/cat/", "path_invalid", 9, None),
        ("/w_3/./cat", "path_invalid", 5, None),
        ("/w_3/../cat", "path_invalid", 5, None),
        ("/w_3/%2E%2E/cat", "path_invalid", 5, "."),
        ("/w_3/cat?w=1", "query_not_allowed", 8, None),
        ("/w_3/cat?", "query_not_allowed", 8, None),
        # Sources
        ("/w_300", "source_missing", 1, None),
        ("/w_3/c_fill,w_3", "source_missing", 5, None),
        ("/w_3/cat,dog", "source_missing", 5, None),
        ("/my_cat", "source_missing", 1, None),
        ("/c!t", "id_invalid", 1, None),
        ("/c%C3%A4t", "id_invalid", 1, None),
        ("/w_3/.webp", "id_invalid", 5, None),
        ("/" + "a" * 65, "id_invalid", 1, None),
        ("/w_3/cat.bmp", "extension_unknown", 9, None),
        ("/w_3/cat.web", "extension_unknown", 9, "webp"),
        ("/w_3/cat.auto", "extension_unknown", 9, None),
        ("/w_3/cat.", "extension_unknown", 9, None),
        ("/w_3/cat.tar.webp", "extension_unknown", 9, "webp"),
        ("/w_3/cat.WEBP", "extension_unknown", 9, None),
        ("/w_3/images", "id_reserved", 5, None),
        ("/docs.png", "id_reserved", 1, None),
        ("/favicon.ico", "id_reserved", 1, None),
        ("/s1.webp", "id_reserved", 1, None),
        ("/w_3,l_auth/cat", "id_reserved", 5, None),
        ("/d_robots/cat", "id_reserved", 1, None),
        ("/@products", "key_invalid", 1, None),
        ("/@/a", "key_invalid", 1, None),
        ("/@Products/a", "key_invalid", 1, None),
        ("/@my_shop/a", "key_invalid", 1, None),
        ("/w_3/@p/a%2Fb", "key_invalid", 8, None),
        ("/w_3/@p/a/%5Cb", "key_invalid", 10, None),
        ("/w_3/@p/.env", "key_invalid", 8, None),
        ("/w_3/@p/a/...", "key_invalid", 10, None),
        ("/@p/a/l_text:b:%0A", "key_invalid", 6, None),
        ("/@p/a//b", "path_invalid", 6, None),
        ("/@p/a/", "path_invalid", 6, None),
        ("/@p/../a", "path_invalid", 4, None),
        ("/l_@p/cat", "value_invalid", 1, None),
        ("/l_@p::a/cat", "value_invalid", 1, None),
        ("/l_@p:..:a/cat", "value_invalid", 1, None),
        ("/l_@p:.a/cat", "value_invalid", 1, None),
        ("/l_@p:a%2Fb/cat", "value_invalid", 1, None),
        ("/l_@p:a%5Cb/cat", "value_invalid", 1, None),
        ("/%40p/a", "argument_unknown", 1, "@"),
        # Arguments nobody declared
        ("/w_3,,h_4/cat", "argument_unknown", 5, None),
        ("/w_3,/cat", "argument_unknown", 5, None),
        ("/,w_3/cat", "argument_unknown", 1, None),
        ("/w/cat", "argument_unknown", 1, "w_"),
        ("/w300/cat", "argument_unknown", 1, "w_300"),
        ("/w:300/cat", "argument_unknown", 1, "w_300"),
        ("/w=300/cat", "argument_unknown", 1, "w_300"),
        ("/w-300/cat", "argument_unknown", 1, "w_300"),
        ("/W_300/cat", "argument_unknown", 1, "w_300"),
        ("/300x200/cat", "argument_unknown", 1, "w_300,h_200"),
        ("/e_blur:2/quality_80/cat", "argument_unknown", 10, "q_"),
        ("/w_3,width_80/cat", "argument_unknown", 5, "w_"),
        ("/rs:fill:300:200/cat", "argument_unknown", 1, "c_ with w_ and h_"),
        ("/blur:3/cat", "argument_unknown", 1, "e_blur:"),
        ("/widht_3/cat", "argument_unknown", 1, "w_"),
        ("/zz_3/cat", "argument_unknown", 1, "z_"),
        ("/e_blr:3/cat", "argument_unknown", 1, "e_blur"),
        ("/e_blur_3/cat", "argument_unknown", 1, "e_blur:"),
        ("/e_blur3/cat", "argument_unknown", 1, "e_blur:"),
        ("/e_/cat", "argument_unknown", 1, None),
        ("/e_unsharp_mask:300/cat", "argument_unknown", 1, "e_unsharp:<sigma px>:<amount %>"),
        ("/e_dropshadow/cat", "argument_unknown", 1, "e_shadow:"),
        ("/e_tint/cat", "value_invalid", 1, None),
        ("/e_tint:40/cat", "value_invalid", 1, None),
        ("/e_tint:101:red/cat", "value_invalid", 1, None),
        ("/e_duotone:red/cat", "value_invalid", 1, None),
        ("/e_duotone:red:rgb:12/cat", "value_invalid", 1, None),
        ("/e_colorblind:deuteranopa/cat", "value_invalid", 1, "e_colorblind:deuteranopia"),
        ("/e_blur_region:1:2:0:4/cat", "value_invalid", 1, None),
        ("/e_gradient:black:80:sideways/cat", "value_invalid", 1, None),
        ("/e_shadow:0:8:500/cat", "value_invalid", 1, None),
        ("/mask_hart/cat", "value_invalid", 1, "mask_heart"),
        ("/b_blured,pad_3/cat", "value_invalid", 1, "b_blurred"),
        ("/b_blurred:0,pad_3/cat", "value_invalid", 1, None),
        ("/b_gradient:red,pad_3/cat", "value_invalid", 1, None),
        ("/b_gradient:red:blue:400,pad_3/cat", "value_invalid", 1, None),
        ("/b_auto:middle,pad_3/cat", "value_invalid", 1, None),
        ("/b_auto:border:right,pad_3/cat", "value_invalid", 1, None),
        ("/b_gen_fill,pad_3/cat", "value_invalid", 1, None),
        ("/fl_tield/cat", "argument_unknown", 1, "fl_tiled"),
        ("/fl_a.b/cat", "argument_unknown", 1, None),
        ("/fl_layer_apply.tiled/cat", "argument_unknown", 1, None),
        # Values
        ("/w_/cat", "value_invalid", 1, None),
        ("/w_3,h_/cat", "value_invalid", 5, None),
        ("/w_300:200/cat", "value_invalid", 1, None),
        ("/w_0/cat", "value_invalid", 1, None),
        ("/w_65536/cat", "value_invalid", 1, None),
        ("/w_10.1/cat", "value_invalid", 1, None),
        ("/r_20/cat", "value_invalid", 1, None),
        ("/r_max/cat", "value_invalid", 1, None),
        ("/a_auto_right/cat", "value_invalid", 1, None),
        ("/a_90.hflip/cat", "value_invalid", 1, None),
        ("/a_361/cat", "value_invalid", 1, None),
        ("/c_fil,w_3/cat", "value_invalid", 1, "c_fill"),
        ("/c_fil_pad,w_3/cat", "value_invalid", 1, "c_fill_pad"),
        ("/c_fill,w_3,h_3,g_northwest/cat", "value_invalid", 16, "g_north_west"),
        ("/c_fill,w_3,h_3,g_fase/cat", "value_invalid", 16, "g_face"),
        ("/w_3,mw_5/cat", "argument_conflict", 5, None),
        ("/h_0.5,w_300,mh_4,mw_301/cat", "argument_conflict", 18, None),
        ("/g_fp:0.5/cat", "value_invalid", 1, None),
        ("/g_fp:0.5:1.1/cat", "value_invalid", 1, None),
        ("/b_rde/cat", "value_invalid", 1, "b_red"),
        ("/b_%23ff0000/cat", "value_invalid", 1, None),
        ("/b_ff0000/cat", "value_invalid", 1, None),
        ("/b_rgb:fff/cat", "value_invalid", 1, None),
        ("/b_rgb/cat", "value_invalid", 1, None),
        ("/e_trim:10:rde/cat", "value_invalid", 1, "e_trim:10:red"),
        ("/e_trim:red/cat", "value_invalid", 1, None),
        ("/e_grayscale:3/cat", "value_invalid", 1, None),
        ("/e_blur/cat", "value_invalid", 1, None),
        ("/e_blur:2:3/cat", "value_invalid", 1, None),
        ("/e_multiply:3,l_logo/cat", "value_invalid", 1, None),
        ("/flip_x/cat", "value_invalid", 1, None),
        ("/q_0/cat", "value_invalid", 1, None),
        ("/q_101/cat", "value_invalid", 1, None),
        ("/q_80:422/cat", "value_invalid", 1, None),
        ("/q_auto:better/cat", "value_invalid", 1, None),
        ("/q_lossless:444/cat", "value_invalid", 1, None),
        ("/q_lossless:100/cat", "value_invalid", 1, None),
        ("/cs_cmyk/cat", "value_invalid", 1, None),
        ("/hdr_on/cat", "value_invalid", 1, None),
        ("/f_jxl/cat", "value_invalid", 1, None),
        ("/f_wepb/cat", "value_invalid", 1, "f_webp"),
        ("/rad_1:2:3:4:5/cat", "value_invalid", 1, None),
        ("/rad_-1/cat", "value_invalid", 1, None),
        ("/pad_1:2:3:4:5/cat", "value_invalid", 1, None),
        ("/bo_10px_dashed_red/cat", "value_invalid", 1, None),
        ("/bo_red/cat", "value_invalid", 1, None),
        ("/ar_0:9/cat", "value_invalid", 1, None),
        ("/ar_1:101/cat", "value_invalid", 1, None),
        ("/ar_1:1:1/cat", "value_invalid", 1, None),
        ("/mb_99/cat", "value_invalid", 1, None),
        ("/v_0/cat", "value_invalid", 1, None),
        ("/pg_0/cat", "value_invalid", 1, None),
        ("/raw_2/cat", "value_invalid", 1, None),
        ("/dl_a%2Fb/cat", "value_invalid", 1, None),
        ("/dl_a%5Cb/cat", "value_invalid", 1, None),
        ("/dl_" + "a" * 101 + "/cat", "value_invalid", 1, None),
        ("/t_/cat", "value_invalid", 1, None),
        ("/t_-a/cat", "value_invalid", 1, None),
        ("/t_a::b/cat", "value_invalid", 1, None),
        ("/t_a:1:2:3:4:5:6:7:8:9:10/cat", "value_invalid", 1, None),
        # Text layers
        ("/l_text:Sans_20/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20:10:30/cat", "value_invalid", 1, None),
        ("/l_text:Sans:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_0:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_2001:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20:/cat", "value_invalid", 1, None),
        ("/l_text:Sans%20Serif%2C_20:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans%3Cb%3E_20:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20_9999:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20_bold_thin:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20_bold_bold:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20_blod:Hi/cat", "value_invalid", 1, None),
        ("/l_text:Sans_20:" + "a" * 501 + "/cat", "value_invalid", 1, None),
        # Contradictions
        ("/w_3,w_4/cat", "argument_repeated", 5, None),
        ("/e_blur:2,e_blur:2/cat", "argument_repeated", 10, None),
        ("/r_90,a_180/cat", "argument_repeated", 6, None),
        ("/flip_h,a_vflip/cat", "argument_repeated", 8, None),
        ("/r_90,a_90,e_blur:0/cat", "argument_repeated", 6, None),
        ("/f_webp/f_webp/cat", "argument_repeated", 8, None),
        ("/q_80/w_3,q_80/cat", "argument_repeated", 10, None),
        ("/meta_none/meta_none/cat", "argument_repeated", 11, None),
        ("/f_jpg/cat.webp", "argument_conflict", 10, None),
        ("/f_auto/cat.webp", "argument_conflict", 11, None),
        ("/c_fill,w_3,h_4,ar_1/cat", "argument_conflict", 16, None),
        ("/l_logo,e_multiply,e_screen/cat", "argument_conflict", 19, None),
        ("/v_2/@p/a", "argument_conflict", 1, None),
        ("/raw_1/@p/a", "argument_conflict", 1, None),
        ("/raw_1,w_3/cat", "argument_conflict", 7, None),
        ("/raw_1/cat.webp", "argument_conflict", 10, None),
        ("/f_jpg,q_lossless/cat", "argument_conflict", 7, None),
        ("/f_avif,q_lossless:50/cat", "argument_conflict", 8, None),
        ("/f_png8,q_lossless/cat", "argument_conflict", 8, None),
        ("/c_fill/cat", "size_missing", 1, None),
        ("/c_limit/cat", "size_missing", 1, None),
        ("/w_3/c_crop,x_3/cat", "size_missing", 5, None),
        ("/w_3/r_ignore/cat", "argument_misplaced", 5, None),
        ("/r_ignore,l_logo/cat", "argument_misplaced", 1, None),
    ],
)
def test_refusals(path: str, code: str, position: int, nearest: str | None) -> None:
    error = refusal(path)
    assert (error.code, error.position, error.nearest) == (code, position, nearest)
    assert error.expected
    assert len(error.argument or "") <= 40
    assert error.title == CODES[code].title


@pytest.mark.parametrize(
    ("path", "taught"),
    [
        ("/r_20/cat", "corner radius is rad_20, free angle is a_20"),
        ("/a_auto_right/cat", "right angles are r_90"),
        ("/a_90.hflip/cat", "mirroring is flip_h"),
        ("/fl_a.b/cat", "write each flag as an argument of its own"),
        ("/quality_80/cat", "here it is written q_"),
        ("/e_blur_3/cat", "after a colon"),
        ("/l_text:Sans_20:10:30/cat", "write %3A"),
        ("/b_%23fff/cat", "rgb:RRGGBB"),
        ("/g_face:auto,c_fill,w_3,h_3/cat", "g_auto by itself"),
        ("/g_custom,c_fill,w_3,h_3/cat", "g_focus"),
        ("/g_adv_face,c_fill,w_3,h_3/cat", "g_face"),
        ("/f_heic/cat", "no HEIC"),
        ("/l_docs/cat", "kept for the server"),
        ("/dl_100%/cat", "meant as text is %25"),
        ("/w_3/cat/", "trailing slash"),
        ("/w_3", "the last segment is a component"),
    ],
)
def test_wrong_habits_are_taught(path: str, taught: str) -> None:
    assert taught.lower() in refusal(path).detail.lower()


INTEGERS = [
    "0300", "+3", "-3", "3_0_0", "３００", "%EF%BC%93", "1e3", "1E3", "0x10", "0b1", "3.", ".5", "3,", " 3",
    "3%20", "1.23456", "1000000", "nan", "inf", "-0", "--3", "03.5", "3.5.5", "٣", "Ⅲ", "½", "9" * 400,
    "", "null", "NaN", "1/2", "1%2F2", "3px", "3%25",
]  # fmt: skip


NUMBERED = ["w_{}", "e_blur:{}", "q_{}", "dpr_{},w_3", "l_text:Sans_{}:Hi", "e_hue:{}"]


@pytest.mark.parametrize(
    "argument",
    [
        shape.format(number)
        for shape in NUMBERED
        for number in INTEGERS
        if (shape, number) != ("e_hue:{}", "-3")  # a minus is allowed there
    ],
)
def test_numbers_are_ascii_digits_in_one_spelling(argument: str) -> None:
    assert refusal(f"/{argument}/cat").code in {"value_invalid", "path_invalid", "argument_unknown"}


def test_thousands_of_digits_are_refused_like_any_other_number() -> None:
    error = refusal("/w_" + "9" * 5_000 + "/cat", limit=10_000)
    assert (error.code, error.argument) == ("value_invalid", "w_" + "9" * 38)


@pytest.mark.parametrize("chain", ["x_-3,y_-0.5,c_crop,w_3,h_3", "a_-20", "e_hue:-3", "r_-90"])
def test_a_minus_stands_where_the_declaration_allows_it(chain: str) -> None:
    assert parse(f"/{chain}/cat").components


@pytest.mark.parametrize("chain", ["x_-0,c_crop,w_3,h_3", "x_-0.0,c_crop,w_3,h_3", "a_-0", "e_hue:-0"])
def test_there_is_one_zero(chain: str) -> None:
    assert refusal(f"/{chain}/cat").code == "value_invalid"


def test_a_path_of_1024_bytes_is_the_longest() -> None:
    path = "/l_text:Sans_20:" + "%20" * 334 + "abc/" + "c"
    assert len(path) == 1_023
    assert parse(path + "c")
    error = refusal(path + "cc")
    assert (error.code, error.position) == ("path_too_long", 1_024)
    assert parse(path + "cc", limit=1_025)


@pytest.mark.parametrize(
    ("chain", "code", "component", "position"),
    [
        ("/".join(["e_blur:2"] * 25), "too_many_components", 25, 1 + 24 * 9),
        (
            "/".join(["w_3,h_3,r_90,flip_h"] * 16 + ["w_3"]),
            "too_many_arguments",
            17,
            1 + 16 * 20,
        ),
        ("/".join(["l_logo"] * 9), "too_many_layers", 9, 1 + 8 * 7),
    ],
    ids=["25 components", "65 arguments", "9 layers"],
)
def test_counts(chain: str, code: str, component: int, position: int) -> None:
    error = refusal(f"/{chain}/cat")
    assert (error.code, error.component, error.position) == (code, component, position)
    parse(f"/{chain.rpartition('/')[0]}/cat")


def test_an_extension_is_an_argument_but_no_component() -> None:
    full = "/".join(["w_3,h_3,r_90,flip_h"] * 16)
    assert refusal(f"/{full}/cat.webp").code == "too_many_arguments"
    assert parse("/" + "/".join(["e_blur:2"] * 24) + "/cat.webp")


def test_a_refusal_names_component_argument_and_place() -> None:
    error = refusal("/c_fill,w_400,h_300/e_blur:3,quality_80/cat")
    assert error.members() == {
        "component": 2,
        "argument": "quality_80",
        "position": 29,
        "expected": error.expected,
        "nearest": "q_",
    }
    assert error.status == 400


def test_positions_count_bytes_of_the_whole_path_once_the_signature_is_added() -> None:
    error = refusal("/w_x/cat").shifted(60)
    assert (error.position, error.code, error.argument) == (61, "value_invalid", "w_x")
    assert refusal("/w_3").shifted(3).members()["position"] == 4


@pytest.mark.parametrize(
    "path",
    [
        "/w_" + "x" * 300 + "/cat",
        "/w:" + "x" * 300 + "/cat",
        "/" + "x" * 300 + "_1/cat",
        "/e_" + "x" * 300 + "/cat",
        "/fl_a." + "x" * 300 + "/cat",
        "/t_a:" + "x" * 300 + ",t_b/cat",
        "/l_text:Sans_20:" + "x" * 300 + ",l_a/cat",
        "/" + "x" * 300,
        "/w_3/" + "x" * 300 + "_",
        "/cat" + "^" * 300,
        "/cat." + "x" * 300,
        "/dl_%FF" + "x" * 300 + "/cat",
    ],
)
def test_what_was_sent_is_repeated_to_40_characters_at_most(path: str) -> None:
    error = refusal(path)
    said = " ".join([error.detail, error.argument or "", error.nearest or "", error.expected or ""])
    assert max(map(len, re.findall(r"[x^]+", said)), default=0) <= 40


@pytest.mark.parametrize("path", [b"/\xff", b"\x80", b"/w_3/\xc3\xa4", "/\ud800", "/\U0001f600"])
def test_bytes_beyond_ascii_are_refused(path: bytes | str) -> None:
    assert refusal(path).code == "path_invalid"
