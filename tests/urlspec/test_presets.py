"""Presets: expanded before anything else is judged, closed against what fills them."""

from __future__ import annotations

from typing import Any

import pytest

from urlspec import PresetFileError, Presets, UrlError, parse
from urlspec.presets import PresetDefinition, only_presets

PRESETS = Presets.from_toml("""
[presets]
card = "c_fill,w_400,h_300,f_auto"
box = {chain = "c_fill,w_$1,h_$2", args = [["120", "240"], ["90", "180"]]}
wide = "w_$1"
ratio = "c_fill,w_300,ar_$1"
logo = "l_$1,w_80"
title = "l_text:Sans_$2:$1"
named = "w_300,dl_$1"
fallback = "d_$1"
two = "w_300/e_blur:3,q_60"
outer = "t_two/t_box:120:90"
outer2 = "t_wide:$1"
called = "t_title:$1:20"
place = "fl_layer_apply,g_south_east"
same = "r_90,q_80,f_webp"
tint = "b_$1"
""")


def expanded(path: str) -> str:
    return parse(path, PRESETS).canonical()


def refusal(path: str, presets: Presets = PRESETS) -> UrlError:
    with pytest.raises(UrlError) as caught:
        parse(path, presets)
    return caught.value


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/t_card/cat", "/c_fill,w_400,h_300,f_auto/cat"),
        ("/t_box:120:90/cat", "/c_fill,w_120,h_90/cat"),
        ("/t_box:240:90,f_webp/cat", "/c_fill,w_240,h_90,f_webp/cat"),
        ("/t_two/cat", "/w_300/e_blur:3,q_60/cat"),
        ("/cat", "/cat"),
        # Other arguments become one component after it
        ("/t_card,e_blur:2,rad_5/cat", "/c_fill,w_400,h_300/e_blur:2,rad_5,f_auto/cat"),
        ("/t_two,w_9/cat", "/w_300/e_blur:3/w_9,q_60/cat"),
        ("/w_9/t_card/r_90/cat", "/w_9/c_fill,w_400,h_300/r_90,f_auto/cat"),
        # Output arguments of the URL override the preset's, wherever they stand
        ("/t_card,f_webp/cat", "/c_fill,w_400,h_300,f_webp/cat"),
        ("/t_card/f_webp/cat", "/c_fill,w_400,h_300,f_webp/cat"),
        ("/t_card/cat.webp", "/c_fill,w_400,h_300,f_webp/cat"),
        ("/t_two,q_90/cat", "/w_300/e_blur:3,q_90/cat"),
        ("/t_same,f_png,q_lossless/cat", "/r_90,f_png/cat"),
        # A colon that fills a place separates fields there, save in a text
        ("/t_ratio:16%3A9/cat", "/c_fill,w_300,ar_16:9/cat"),
        ("/t_logo:@brand%3Alogos%3Aa.png/cat", "/l_%40brand:logos:a.png,w_80/cat"),
        ("/t_title:10%3A30:20/cat", "/l_text:Sans_20:10%3A30/cat"),
        ("/t_title:a%2Cb%2Fc%25d:20/cat", "/l_text:Sans_20:a%2Cb%2Fc%25d/cat"),
        ("/t_named:a%3Ab.jpg/cat", "/w_300,dl_a%3Ab.jpg/cat"),
        ("/t_named:Gr%C3%BC%C3%9Fe.jpg/cat", "/w_300,dl_Gr%C3%BC%C3%9Fe.jpg/cat"),
        # Presets in presets
        ("/t_outer/cat", "/w_300/e_blur:3/c_fill,w_120,h_90,q_60/cat"),
        ("/t_outer2:77/cat", "/w_77/cat"),
        ("/t_tint:rgb%3AFF0000/cat", "/b_rgb:ff0000/cat"),
        ("/t_called:10%3A30/cat", "/l_text:Sans_20:10%3A30/cat"),
        ("/t_outer,q_5/cat", "/w_300/e_blur:3/c_fill,w_120,h_90,q_5/cat"),
        # Part of a bracket
        ("/l_logo,w_9/t_place/cat", "/l_logo,w_9/fl_layer_apply,g_south_east/cat"),
        ("/t_logo:a/r_90/t_place/cat", "/l_a,w_80/r_90/fl_layer_apply,g_south_east/cat"),
        # What fills a place is never looked through again
        ("/t_title:%241:20/cat", "/l_text:Sans_20:%241/cat"),
    ],
)  # fmt: skip
def test_expansion(path: str, canonical: str) -> None:
    assert expanded(path) == canonical
    assert parse(canonical) == parse(path, PRESETS)


@pytest.mark.parametrize(
    ("path", "code", "nearest"),
    [
        ("/t_crad/cat", "preset_unknown", "card"),
        ("/t_zzzzz/cat", "preset_unknown", None),
        ("/t_box/cat", "preset_arguments", None),
        ("/t_box:120/cat", "preset_arguments", None),
        ("/t_box:120:90:1/cat", "preset_arguments", None),
        ("/t_card:1/cat", "preset_arguments", None),
        ("/t_box:121:90/cat", "preset_arguments", "120"),
        ("/t_box:90:120/cat", "preset_arguments", None),
        ("/t_wide:abc/cat", "value_invalid", None),
        ("/t_card,t_two/cat", "argument_repeated", None),
        ("/t_card/t_card/cat", "argument_repeated", None),  # both say f_
        ("/t_place/cat", "layer_unopened", None),
        ("/t_card,f_webp/cat.png", "argument_conflict", None),
    ],
)
def test_refusals(path: str, code: str, nearest: str | None) -> None:
    error = refusal(path)
    assert (error.code, error.nearest) == (code, nearest)
    assert error.expected


@pytest.mark.parametrize("call", ["t_wide:abc", "t_crad", "t_box:1:90", "t_outer2:x"])
def test_a_refusal_names_the_place_of_the_call(call: str) -> None:
    error = refusal(f"/w_3/{call}/cat")
    assert (error.component, error.position) == (2, 5)


INJECTIONS = [
    "300%2Cw_9999", "300%2Fl_secret", "300%2Cl_secret", "300%2F@private%2Fx", "300%0A", "%24%31",
    "300%2Ff_jpg", "300%2Craw_1", "..%2F..%2Fx", "300%3A200", "%2C", "%2F", "300%252Cw_9", "$1", "%241",
]  # fmt: skip


@pytest.mark.parametrize("argument", INJECTIONS)
@pytest.mark.parametrize("preset", ["wide", "outer2", "logo", "fallback"])
def test_an_argument_adds_nothing_to_a_chain(preset: str, argument: str) -> None:
    assert refusal(f"/t_{preset}:{argument}/cat").status == 400


@pytest.mark.parametrize("argument", [text for text in INJECTIONS if not text.endswith(("%0A", "%31"))])
def test_an_argument_that_is_text_stays_text(argument: str) -> None:
    request = parse(f"/t_title:{argument}:20/cat", PRESETS)
    assert len(request.components) == 1
    assert len(request.components[0].arguments) == 1
    assert request.output.arguments == ()


def test_without_presets_a_request_is_as_given() -> None:
    assert parse("/t_zzz:1,g_auto/fl_layer_apply,w_3/r_ignore/cat").canonical() == (
        "/t_zzz:1,g_auto/fl_layer_apply,w_3/r_ignore/cat"
    )


def test_presets_that_grow_too_fast_are_stopped_early() -> None:
    class Counted(dict[str, PresetDefinition]):
        asked = 0

        def get(self, key: str, default: Any = None) -> Any:
            self.asked += 1
            return super().get(key, default)

    chains = {"a": "t_b/" * 24, "b": "t_c/" * 24, "c": "t_d/" * 24, "d": "w_3/" * 24}
    definitions = Counted({name: PresetDefinition(chain.strip("/")) for name, chain in chains.items()})
    assert refusal("/t_a/cat", Presets(definitions)).code == "too_many_components"
    assert definitions.asked < 30
    with pytest.raises(PresetFileError, match="more than 24 components"):
        Presets.from_toml("[presets]\n" + "\n".join(f'{name} = "{chain}"' for name, chain in chains.items()))


def test_limits_count_after_expansion() -> None:
    presets = Presets.from_toml('[presets]\nblurs = "e_blur:1/e_blur:2"\nlogos = "l_a/l_b/l_c"\n')
    assert len(parse("/" + "t_blurs/" * 12 + "cat", presets).components) == 24
    assert refusal("/" + "t_blurs/" * 13 + "cat", presets).code == "too_many_components"
    assert refusal("/" + "t_logos/" * 3 + "cat", presets).code == "too_many_layers"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/t_card/cat", True),
        ("/t_two/cat", True),
        ("/t_outer/cat", True),
        ("/t_box:120:90/cat", True),
        ("/t_box:240:180,f_auto/cat", True),
        ("/t_card,v_2/cat", True),
        ("/t_card,dl_a.jpg,f_auto,v_2/cat", True),
        ("/t_card/f_auto/cat", True),
        ("/t_card/t_two/cat", True),
        ("/t_card/@products/a.jpg", True),
        ("/cat", False),
        ("/f_auto/cat", False),
        ("/w_300/cat", False),
        ("/t_card,w_300/cat", False),
        ("/t_card/w_300/cat", False),
        ("/t_card,f_webp/cat", False),
        ("/t_card/cat.webp", False),
        ("/t_card,q_80/cat", False),
        ("/t_card,d_secret/cat", False),
        ("/t_card,meta_all/cat", False),
        ("/t_card,pg_2/cat", False),
        ("/t_card:1/cat", False),
        ("/t_box:121:90/cat", False),
        ("/t_box:120/cat", False),
        ("/t_box:120:90:1/cat", False),
        ("/t_box:120:90%2Cw_9999/cat", False),
        ("/t_wide:300/cat", False),
        ("/t_unknown/cat", False),
        ("/l_secret/t_card/cat", False),
    ],
)  # fmt: skip
def test_only_presets(path: str, allowed: bool) -> None:
    assert only_presets(parse(path), PRESETS) is allowed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[presets", "not TOML"),
        ("presets = 3", "one table"),
        ('[preset]\ncard = "w_3"', "one table"),
        ('[presets]\n"a b" = "w_3"', "a name is"),
        ("[presets]\na = 3", "write a chain"),
        ("[presets]\na = {args = []}", "write a chain"),
        ('[presets]\na = {chain = "w_3", arg = []}', "write a chain"),
        ('[presets]\na = ""', "empty"),
        ('[presets]\na = "/"', "empty"),
        ('[presets]\na = "w_x"', "expects pixels"),
        ('[presets]\na = "quality_3"', "here it is written q_"),
        ('[presets]\na = "w_3//h_3"', "empty segment"),
        ('[presets]\na = "l_text:Sans_3:a b"', "may not stand here"),
        ('[presets]\na = "@products/x"', "no argument"),
        ('[presets]\na = "c_fill"', "needs w_"),
        ('[presets]\na = "t_b"', "no preset"),
        ('[presets]\na = "t_a"', "too deeply"),
        ('[presets]\na = "t_b"\nb = "t_c"\nc = "t_d"\nd = "t_e"\ne = "w_3"', "too deeply"),
        ('[presets]\na = {chain = "w_$1", args = [["3", "x"]]}', "expects pixels"),
        ('[presets]\na = {chain = "w_$1,h_$2", args = [["3"]]}', "args lists the texts"),
        ('[presets]\na = {chain = "w_$1", args = [[]]}', "args lists the texts"),
        ('[presets]\na = {chain = "w_$1", args = [[3]]}', "args lists the texts"),
        ('[presets]\na = {chain = "w_$1", args = ["3"]}', "args lists the texts"),
        ('[presets]\na = {chain = "w_3", args = [["3"]]}', "takes no args"),
        ('[presets]\na = "w_$2"', "from \\$1 without a gap"),
        ('[presets]\na = "$1,w_3"', "in the value"),
        ('[presets]\na = "w_3/$1"', "in the value"),
    ],
)
def test_files_that_cannot_be_used(text: str, said: str) -> None:
    with pytest.raises(PresetFileError, match=said) as caught:
        Presets.from_toml(text)
    if "[presets]\na" in text:
        assert "preset 'a'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("[presets]", []),
        ('[presets]\na = {chain = "w_3", args = []}\nb = "/r_ignore/"', ["a", "b"]),
    ],
)
def test_files_that_can(text: str, names: list[str]) -> None:
    presets = Presets.from_toml(text)
    assert list(presets.definitions) == names
    assert all(parse(f"/t_{name}/cat", presets).components for name in names)
