"""Texts as layers: what is written, how large it becomes, and with which font."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from numpy.typing import NDArray

from origin.errors import OriginError, ResultTooLarge
from origin.imaging import RenderPool
from origin.imaging.fontfile import covered, families_of
from origin.imaging.fonts import FALLBACK, configuration, family_for, installed, remarks
from origin.imaging.model import Job, Limits, Source
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import assert_close_colour, decode, pixel, plain
from urlspec.parse import parse
from urlspec.sources import AssetRef

PAPER = plain(400, 200, (255, 255, 255))


def ink(url: str, source: bytes = PAPER, **more: Any) -> NDArray[np.bool_]:
    """Where something was written."""
    return np.asarray((decode(png(url, source, **more))[:, :, :3] < 128).any(axis=2))


def extent(mask: NDArray[np.bool_]) -> tuple[int, int]:
    down, across = np.nonzero(mask)
    return int(np.ptp(across)) + 1, int(np.ptp(down)) + 1


def test_text_is_written_in_black_and_in_its_colour() -> None:
    assert ink("/l_text:DejaVu%20Sans_40:Hello").sum() > 500
    found = decode(png("/l_text:DejaVu%20Sans_80_bold:HHH,co_rgb:ff0000", PAPER)).reshape(-1, 3)
    assert (found == (255, 0, 0)).all(axis=1).sum() > 1000
    assert not (found == (0, 0, 0)).all(axis=1).any()


def test_size_is_pixels_of_the_em_and_dpr_multiplies_it() -> None:
    heights = [extent(ink(f"/l_text:DejaVu%20Sans_{size}:H"))[1] for size in (40, 80)]
    assert heights[0] == pytest.approx(40 * 0.729, abs=1.5)  # cap height of the font
    assert heights[1] == pytest.approx(80 * 0.729, abs=1.5)
    assert extent(ink("/l_text:DejaVu%20Sans_40:H,dpr_2"))[1] == heights[1]


@pytest.mark.parametrize(
    "text", ["AT&T", "<b>x</b>", "<span size='900000'>x</span>", "a < b > c", "&amp;", 'it\'s "so"', "100%"]
)
def test_text_is_text_never_markup(text: str) -> None:
    plain_size = extent(ink("/l_text:DejaVu%20Sans_16:" + "x" * len(text), plain(900, 200, (255, 255, 255))))
    size = extent(ink("/l_text:DejaVu%20Sans_16:" + quote(text, safe=""), plain(900, 200, (255, 255, 255))))
    assert 0.4 * plain_size[0] < size[0] < 2 * plain_size[0]
    assert size[1] < 24


def test_weight_style_and_decoration_change_the_ink() -> None:
    amounts = {
        style: ink(f"/l_text:DejaVu%20Sans_40{style}:Hello").sum()
        for style in ("", "_bold", "_italic", "_underline", "_strikethrough")
    }
    assert amounts["_bold"] > 1.2 * amounts[""]
    assert amounts["_underline"] > amounts[""]
    assert amounts["_strikethrough"] > amounts[""]
    assert (ink("/l_text:DejaVu%20Sans_40_italic:Hello") != ink("/l_text:DejaVu%20Sans_40:Hello")).any()


def test_w_wraps() -> None:
    free = extent(ink("/l_text:DejaVu%20Sans_20:one%20two%20three%20four"))
    wrapped = extent(ink("/l_text:DejaVu%20Sans_20:one%20two%20three%20four,w_100"))
    assert wrapped[0] <= 100 < free[0]
    assert wrapped[1] > 2 * free[1]


def test_line_feed_breaks_lines_and_alignment_places_them() -> None:
    left, right = (
        ink(f"/l_text:DejaVu%20Sans_30{style}:MMMMMM%0AI,g_north_west") for style in ("_left", "_right")
    )
    lower = slice(32, 80)
    assert np.nonzero(left[lower])[1].min() + 60 < np.nonzero(right[lower])[1].min()


def test_alpha_of_the_colour_counts() -> None:
    found = decode(png("/l_text:DejaVu%20Sans_80_bold:HHH,co_rgb:00000080", PAPER))
    assert found.min() == pytest.approx(127, abs=2)


def test_a_layer_of_text_can_be_shaped() -> None:
    flat = extent(ink("/l_text:DejaVu%20Sans_30:Hello"))
    turned = extent(ink("/l_text:DejaVu%20Sans_30:Hello/r_90/fl_layer_apply"))
    assert turned == (flat[1], flat[0])


def test_a_font_that_is_not_installed_is_replaced_and_named() -> None:
    rendered = render("/l_text:No%20Such%20Font_30:Hello,f_png", PAPER)
    assert any("'No Such Font' is not installed" in warning for warning in rendered.warnings)
    assert (
        decode(rendered.body) == decode(png(f"/l_text:{FALLBACK.replace(' ', '%20')}_30:Hello", PAPER))
    ).all()


def test_a_family_that_ends_in_a_number_is_a_family() -> None:
    assert extent(ink("/l_text:Sans%2048%209999_20:x"))[1] < 30


def test_emoji_and_other_scripts_are_written() -> None:
    for text in ("%F0%9F%98%80", "%E6%97%A5%E6%9C%AC", "%D8%B3%D9%84%D8%A7%D9%85"):
        assert ink(f"/l_text:DejaVu%20Sans_40:{text}").any()


@pytest.mark.parametrize(
    "text", ["%EF%B7%BD" * 60, "M" * 400, "%0A".join("x" * 80)], ids=["wide", "long", "high"]
)
@pytest.mark.parametrize("size", [100, 300, 2000])
def test_no_text_is_larger_than_the_limits(text: str, size: int) -> None:
    with pytest.raises(OriginError) as caught:
        render(f"/l_text:Sans_{size}:{text}", PAPER, limits=Limits(max_result_side=500))
    assert isinstance(caught.value, ResultTooLarge)


def test_families_are_read_from_font_files() -> None:
    known = installed()
    assert known, "no fonts are installed"
    assert all(name == name.strip() and name for name in known)


def test_what_is_no_font_has_no_families(tmp_path: Path) -> None:
    file = tmp_path / "x.ttf"
    for junk in (b"", b"ttcf", b"\0\1\0\0\0\xff" + b"name" * 30):
        file.write_bytes(junk)
        assert families_of(file) == frozenset()
        assert covered(file) == ()


# Box and outline ----------------------------------------------------------------------------------------

SENTENCE = quote("The quick brown fox jumps over the lazy dog, again and again, until it rests.", safe="")


def test_a_text_ends_in_an_ellipsis_where_its_box_ends() -> None:
    whole = ink(f"/l_text:DejaVu%20Sans_20:{SENTENCE},w_200,g_north_west")
    short = ink(f"/l_text:DejaVu%20Sans_20:{SENTENCE},w_200,h_50,g_north_west")
    assert extent(whole)[1] > 80
    assert 30 < extent(short)[1] <= 50
    assert extent(short)[0] <= 200
    assert (whole[:20] == short[:20]).all()  # the first line is the same
    assert (ink(f"/l_text:DejaVu%20Sans_20:{SENTENCE},w_200,h_180,g_north_west") == whole).all()


def test_a_cut_never_goes_through_a_sign() -> None:
    family = quote("👩‍👩‍👧" * 5, safe="")
    render(f"/l_text:DejaVu%20Sans_40:{family},w_150,h_50,f_png", PAPER)


@pytest.mark.parametrize(
    ("box", "width", "height"), [("w_150", 150, 30), ("w_150,h_60", 150, 60), ("h_30", 400, 30)]
)
def test_a_text_shrinks_until_it_fits(box: str, width: int, height: int) -> None:
    found = extent(ink(f"/l_text:DejaVu%20Sans_90_shrink:Shrink%20me,{box}"))
    assert found[0] <= width
    assert found[1] <= height
    assert found[0] > 0.6 * width or found[1] > 0.6 * height
    small = f"/l_text:DejaVu%20Sans_12{{}}:Hi,{box}"
    assert (ink(small.format("_shrink")) == ink(small.format(""))).all()  # it never grows


def test_spacing_is_in_pixels_and_dpr_multiplies_it() -> None:
    def size(styles: str, text: str, more: str = "") -> tuple[int, int]:
        return extent(ink(f"/l_text:DejaVu%20Sans_20{styles}:{text}{more}"))

    assert size("_letter_spacing_10", "HHHH")[0] == pytest.approx(size("", "HHHH")[0] + 30, abs=1)
    assert size("_letter_spacing_-2", "HHHH")[0] == pytest.approx(size("", "HHHH")[0] - 6, abs=1)
    assert size("_line_spacing_15", "H%0AH")[1] == size("", "H%0AH")[1] + 15
    doubled = extent(ink("/l_text:DejaVu%20Sans_40_letter_spacing_20_line_spacing_30:HH%0AHH"))
    assert size("_letter_spacing_10_line_spacing_15", "HH%0AHH", ",dpr_2") == doubled


def test_justified_lines_fill_the_width() -> None:
    ragged, even = (ink(f"/l_text:DejaVu%20Sans_20{style}:{SENTENCE},w_300") for style in ("", "_justify"))
    lines = [extent(np.asarray(half))[0] for half in (ragged[:98], even[:98])]
    assert lines[0] < 299 <= lines[1] + 2


def test_lines_of_both_directions_stand_together() -> None:
    both = extent(ink("/l_text:DejaVu%20Sans_30:Hello%20there%0A%D8%B3%D9%84%D8%A7%D9%85"))
    assert both[0] < 250


def test_an_outline_lies_around_the_letters() -> None:
    letters = ink("/l_text:DejaVu%20Sans_80_bold:HI")
    data = png("/l_text:DejaVu%20Sans_80_bold_stroke:HI,co_white,bo_5px_solid_red", PAPER)
    found = decode(data).astype(int)
    red = np.asarray((abs(found - (255, 0, 0)) < 40).all(axis=2))
    assert extent(red) == pytest.approx((extent(letters)[0] + 10, extent(letters)[1] + 10), abs=2)
    assert not (red & letters).any()  # it is outside of them
    hollow = decode(png("/l_text:DejaVu%20Sans_80_bold_stroke:HI,co_transparent,bo_5px_solid_red", PAPER))
    assert (hollow[letters] == 255).all(axis=1).mean() > 0.9
    wide = extent(ink("/l_text:DejaVu%20Sans_40_bold_stroke:HI,dpr_2,bo_20px_solid_black"))
    assert wide == pytest.approx((extent(letters)[0] + 80, extent(letters)[1] + 80), abs=2)


def test_an_outline_is_as_wide_in_every_direction() -> None:
    dot = decode(png("/l_text:DejaVu%20Sans_60_stroke:.,co_transparent,bo_24px_solid_black", PAPER))[:, :, 0]
    down, across = np.nonzero(dot < 128)
    middle = (down.min() + down.max()) / 2, (across.min() + across.max()) / 2
    corner = max(abs(y - middle[0]) + abs(x - middle[1]) for y, x in zip(down, across, strict=True))
    side = (down.max() - down.min()) / 2
    assert corner < 1.6 * side  # round, not square


def test_around_a_text_there_is_nothing_unless_a_background_is_said() -> None:
    blue = plain(200, 100, (0, 0, 200))
    bare = png("/l_text:DejaVu%20Sans_20:x,pad_20", blue)
    assert pixel(bare, 100, 35) == (0, 0, 200)
    boxed = png("/l_text:DejaVu%20Sans_20:x,pad_20,b_red", blue)
    assert_close_colour(pixel(boxed, 100, 35), (255, 0, 0), 1)
    rounded = png("/l_text:DejaVu%20Sans_20:x,pad_20,b_red/rad_max/fl_layer_apply", blue)
    assert_close_colour(pixel(rounded, 100, 35), (255, 0, 0), 1)
    assert pixel(rounded, 78, 30) == (0, 0, 200)


def test_a_text_is_written_on_all_of_a_picture() -> None:
    tiled = ink("/l_text:DejaVu%20Sans_20:ab,a_-30,fl_tiled,x_10,y_10")
    for quarter in (tiled[:100, :200], tiled[100:, :200], tiled[:100, 200:], tiled[100:, 200:]):
        assert quarter.sum() > 100


# Fonts --------------------------------------------------------------------------------------------------


def test_generic_families_and_missing_ones() -> None:
    assert list(remarks("Sans", "x")) == []
    assert family_for("monospace") != family_for("sans")
    assert family_for("No Such Font") == family_for("sans")


def test_characters_that_no_font_shows_are_named(tmp_path: Path) -> None:
    (told,) = remarks("sans", "a\u200d\U0010fffd")  # a joiner leaves no ink, the other is for private use
    assert "\U0010fffd" in told
    assert "\u200d" not in told
    assert "fonts-noto-core" in told
    assert "<dir>" in configuration(str(tmp_path))


@pytest.mark.parametrize("text", ["中文漢字", "日本語", "السلام عليكم", "😀🎉", "Größe"])
def test_scripts_of_the_world_have_a_font(text: str) -> None:
    assert list(remarks("sans", text)) == []


def test_emoji_are_in_colour_and_as_large_as_letters() -> None:
    found = decode(png("/l_text:DejaVu%20Sans_40:%F0%9F%98%80", PAPER)).astype(int)
    assert ((found[:, :, 0] - found[:, :, 2]) > 100).sum() > 200  # yellow
    assert extent(np.asarray((found < 250).any(axis=2)))[1] < 60


async def test_a_folder_of_fonts_adds_families(tmp_path: Path) -> None:
    """In workers: a process reads its fonts once."""
    family, renamed = "DejaVu Sans", "DejaVu Sanx"
    file = next(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    data = file.read_bytes()
    for encoding in ("utf-16-be", "latin-1"):
        data = data.replace(family.encode(encoding), renamed.encode(encoding))
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    (fonts / "Own.ttf").write_bytes(data)
    picture = tmp_path / "paper.png"
    picture.write_bytes(PAPER)
    job = Job(
        parse(f"/l_text:{quote(renamed)}_40:Hello,f_png/cat"),
        {AssetRef("cat"): Source(str(picture))},
        fonts=str(fonts),
    )
    pool = RenderPool(1, 2, 10.0, fonts=str(fonts))
    await pool.start()
    try:
        rendered = await pool.render(job)
    finally:
        await pool.close()
    assert rendered.warnings == ()
    original = png(f"/l_text:{quote(family)}_40:Hello", PAPER)
    assert (decode(rendered.body) == decode(original)).all()
