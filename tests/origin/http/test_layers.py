"""Layers, texts and presets as strangers write them: the picture with its layer, or an answer that says why.

Never a failure of the server, and never a picture without what was to be laid on it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import OriginFactory
from tests.support.origin import Library, OriginServer
from tests.support.pictures import decode

PRESETS = """
[presets]
box = {chain = "c_fill,w_$1,h_$2", args = [["120", "240"], ["90", "180"]]}
mark = "l_text:sans_$1:$2,g_south,y_0.05"
card = "t_box:120:90/t_mark:12:card"
"""


@pytest.fixture(scope="module")
def server(
    origin_factory: OriginFactory, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> OriginServer:
    presets = tmp_path_factory.mktemp("presets") / "presets.toml"
    presets.write_text(PRESETS)
    return origin_factory(library=library, ORIGIN_PRESETS=str(presets), ORIGIN_MAX_URL_BYTES="8000")


def text(content: str, font: str = "sans_16") -> str:
    return f"l_text:{font}:{quote(content, safe='')}"


WRITTEN = {
    "ampersand": text("AT&T"),
    "comparison": text("a < b"),
    "markup": text('<span size="900000">x</span>'),
    "entity": text("&#0;&bogus;"),
    "percent": text("100% %s {} $1"),
    "a font that is not there": text("x", "Sans%209999_16"),
    "a number for a family": text("x", "9999_16"),
    "joined emoji": text("👩‍👩‍👧 🇺🇳"),
    "right to left": text("السلام عليكم"),
    "overrides of direction": text("\u202eabc\u202c"),
    "combining marks": text("Z" + "\u0351" * 60),
    "no letters in any font": text("\ue123\U0010fffd"),
    "not closed": text("open") + "/e_blur:1",
    "not closed, and another one": "l_{logo}/l_{logo},g_south",
    "many": "/".join(["l_{logo},g_north_west"] * 8),
    "outline wider than the letters": text("x", "sans_16_stroke") + ",bo_90px_solid_red",
    "one word that never fits": text("W" * 400) + ",w_50,h_40",
    "shrunk to nothing": text("W" * 400, "sans_900_shrink") + ",w_50,h_40",
    "an ellipsis that does not fit": text("word word", "sans_60") + ",w_8,h_5",
    "preset": "t_card",
    "preset with text": "t_mark:14:a%3Ab%2Cc",
}

REFUSED = {
    "font from a path": (text("x", "..%2Fx_16"), 400, "value_invalid"),
    "font with markup": (text("x", "Sans%3Cb%3E_16"), 400, "value_invalid"),
    "font without a size": (text("x", "Sans%209999"), 400, "value_invalid"),
    "font as large as a house": (text("x", "sans_9999"), 400, "value_invalid"),
    "unknown style": (text("x", "sans_16_wobbly"), 400, "value_invalid"),
    "two weights": (text("x", "sans_16_bold_light"), 400, "value_invalid"),
    "spacing out of range": (text("x", "sans_16_letter_spacing_5000"), 400, "value_invalid"),
    "5,000 characters": (text("x" * 5_000), 400, "value_invalid"),
    "10,000 characters": (text("x" * 10_000), 400, "path_too_long"),
    "empty": ("l_text:sans_16:", 400, "value_invalid"),
    "nothing to see": (text(" \u200b\u2028"), 400, "value_invalid"),
    "too large": (text("M" * 300, "sans_2000"), 400, "result_too_large"),
    "raw colon": ("l_text:sans_16:10:30", 400, "value_invalid"),
    "closed twice": ("l_{logo}/fl_layer_apply/fl_layer_apply", 400, "layer_unopened"),
    "closed, never opened": ("fl_layer_apply,g_south", 400, "layer_unopened"),
    "nested too deeply": (
        "l_{logo}/l_{logo}/l_{logo}" + "/fl_layer_apply" * 3, 400, "layer_too_deep",
    ),
    "nine layers": ("/".join(["l_{logo}"] * 9), 400, "too_many_layers"),
    "looking for a place": ("l_{logo},g_auto", 400, "value_invalid"),
    "two blend modes": ("l_{logo},e_screen,e_multiply", 400, "argument_conflict"),
    "a layer that is not there": ("l_nosuchthing", 404, "not_found"),
    "an underlay that is not there": ("u_nosuchthing", 404, "not_found"),
    "somebody else's": ("l_{secret}", 404, "not_found"),
    "somebody else's, inside": ("l_{logo}/l_{secret}/fl_layer_apply/fl_layer_apply", 404, "not_found"),
    "a source that is not there": ("l_@brand:logo.png", 404, "not_found"),
    "a value that the preset does not list": ("t_box:120:91", 400, "preset_arguments"),
    "too few values": ("t_box:120", 400, "preset_arguments"),
    "no such preset": ("t_boxx:1", 400, "preset_unknown"),
    "a chain of 40 s": (
        "/".join(["c_scale,w_6300,h_6300,e_blur:60,e_sharpen"] * 12), 400, "too_expensive",
    ),
    "larger than anything": ("c_scale,w_60000,h_60000", 400, "result_too_large"),
}  # fmt: skip


def filled(chain: str, server: OriginServer) -> str:
    return chain.replace("{logo}", server.ids["logo.png"]).replace("{secret}", server.ids["secret.png"])


@pytest.mark.parametrize("chain", WRITTEN.values(), ids=WRITTEN.keys())
def test_it_is_laid_on_the_picture(server: OriginServer, chain: str) -> None:
    plain = server.get(f"/f_png/{server.ids['card.jpg']}")
    answer = server.get(f"/{filled(chain, server)}/f_png/{server.ids['card.jpg']}")
    assert answer.summary == (200, "")
    shown, without = decode(answer.body), decode(plain.body)
    assert shown.shape != without.shape or (shown != without).any()


@pytest.mark.parametrize(("chain", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_by_name(server: OriginServer, chain: str, status: int, code: str) -> None:
    answer = server.get(f"/{filled(chain, server)}/{server.ids['card.jpg']}")
    assert answer.summary == (status, code)
    assert "ETag" not in answer


def test_a_private_layer_and_none_at_all_cannot_be_told_apart(server: OriginServer) -> None:
    answers = [
        server.get(f"/l_{layer}/{server.ids['card.jpg']}")
        for layer in (server.ids["secret.png"], "A" * len(server.ids["secret.png"]))
    ]
    told = [
        {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in {"x-request-id", "date"}
        }
        for answer in answers
    ]
    bodies = [answer.body.replace(answer["X-Request-Id"].encode(), b"") for answer in answers]
    assert told[0] == told[1]
    assert bodies[0] == bodies[1]


def test_explain_names_what_a_text_lacks(server: OriginServer) -> None:
    told = server.get(f"/explain/{text('x', 'No%20Such%20Font_20_stroke')}/{server.ids['card.jpg']}").json
    assert any("'No Such Font' is not installed" in line for line in told["plan"]["warnings"])
    assert [one["argument"] for one in told["warnings"]] == ["stroke"]
    told = server.get(f"/explain/{text('𐫰')}/{server.ids['card.jpg']}").json
    if told["plan"]["warnings"]:  # unless there is a font for Manichaean
        assert "no font here shows 𐫰" in told["plan"]["warnings"][0]


def test_changed_presets_and_fonts_make_other_pictures(
    origin_factory: OriginFactory, library: Library, tmp_path: Path
) -> None:
    """Of those that use them: what a server kept of the others stays good through a restart."""
    presets, fonts = tmp_path / "presets.toml", tmp_path / "fonts"
    fonts.mkdir()
    tags = []
    for width, font in ((60, "one"), (50, "two")):
        presets.write_text(f'[presets]\ncard = "w_{width},f_png"\n')
        (fonts / f"{font}.ttf").write_bytes(b"")
        server = origin_factory(
            library=library,
            folder=tmp_path / "origin",
            ORIGIN_PRESETS=str(presets),
            ORIGIN_FONTS=str(fonts),
        )
        answers = [
            server.get(f"/{chain}/{library.ids['card.jpg']}") for chain in ("t_card", text("x"), "w_9")
        ]
        assert decode(answers[0].body).shape[1] == width
        tags.append([answer["ETag"].partition("-")[0] for answer in answers])
        server.stop()
    assert [before != after for before, after in zip(*tags, strict=True)] == [True, True, False]
