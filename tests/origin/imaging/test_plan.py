"""Sizes and places, exact to the pixel, from headers alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from origin.errors import (
    ImageTooComplex,
    OriginError,
    PageMissing,
    RegionOutside,
    ResultTooLarge,
    TooExpensive,
)
from origin.imaging.geometry import Box, Size, Smart
from origin.imaging.model import Header, Limits
from origin.imaging.plan import Plan, PlannedLayer, plan
from origin.imaging.planned import described
from origin.imaging.shape import Shape
from urlspec.parse import parse
from urlspec.sources import AssetRef, SourceRef

CAT = AssetRef("cat")


def planned(url: str, width: int = 600, height: int = 400, accept: Any = "jpeg", **header: Any) -> Plan:
    header = {"format": "jpeg", **header}
    limits = header.pop("limits", Limits())
    focus = header.pop("focus", None)
    headers: dict[SourceRef, Header] = {
        CAT: Header(width=width, height=height, **header),
        AssetRef("logo"): Header("png", 120, 80, has_alpha=True),
    }
    return plan(parse(f"{url}/cat"), headers, limits, accept, {CAT: focus} if focus else None)


def size(url: str, width: int = 600, height: int = 400, **header: Any) -> tuple[int, int]:
    return tuple(planned(url, width, height, **header).size)  # type: ignore[return-value]


def only(url: str, width: int = 600, height: int = 400, **header: Any) -> Shape:
    (step,) = planned(url, width, height, **header).steps
    assert isinstance(step, Shape)
    return step


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # one side: the other follows
        ("/w_300", (300, 200)),
        ("/h_100", (150, 100)),
        ("/w_900", (600, 400)),
        ("/c_lfill,w_900", (600, 400)),
        ("/c_lpad,w_900", (600, 400)),
        ("/c_fill,w_900", (900, 600)),
        ("/c_fit,w_900", (900, 600)),
        ("/c_mfit,w_900", (900, 600)),
        ("/c_scale,h_800", (1200, 800)),
        ("/c_pad,w_900", (900, 600)),
        ("/c_thumb,w_900", (900, 600)),
        ("/c_crop,w_300", (300, 200)),
        # both sides
        ("/w_300,h_300", (300, 200)),
        ("/w_300,h_100", (150, 100)),
        ("/w_900,h_900", (600, 400)),
        ("/c_fit,w_900,h_900", (900, 600)),
        ("/c_fit,w_300,h_300", (300, 200)),
        ("/c_mfit,w_300,h_300", (600, 400)),
        ("/c_mfit,w_900,h_900", (900, 600)),
        ("/c_scale,w_300,h_300", (300, 300)),
        ("/c_fill,w_300,h_300", (300, 300)),
        ("/c_fill,w_900,h_900", (900, 900)),
        ("/c_lfill,w_300,h_300", (300, 300)),
        ("/c_lfill,w_900,h_900", (600, 400)),
        ("/c_lfill,w_900,h_100", (600, 100)),
        ("/c_pad,w_300,h_300", (300, 300)),
        ("/c_pad,w_900,h_900", (900, 900)),
        ("/c_lpad,w_900,h_900", (900, 900)),
        ("/c_crop,w_300,h_300", (300, 300)),
        ("/c_crop,w_900,h_900", (600, 400)),
        ("/c_thumb,w_300,h_300", (300, 300)),
        ("/c_fill_pad,w_100,h_300", (100, 300)),
        ("/c_fill_pad,w_900", (900, 600)),
        ("/c_auto,w_900,h_100", (900, 100)),
        ("/c_auto,g_face,w_70,h_70", (70, 70)),
        ("/c_auto_pad,w_900,h_100", (900, 100)),
        ("/c_mpad,w_900,h_300", (900, 400)),
        ("/c_mpad,w_300,h_300", (600, 400)),
        ("/c_mpad,w_1.1", (660, 440)),
        ("/c_mpad,ar_1:1", (600, 600)),
        # ratio
        ("/c_fill,ar_1:1,w_300", (300, 300)),
        ("/c_fill,ar_16:9,h_90", (160, 90)),
        ("/c_fill,ar_1:1", (400, 400)),
        ("/c_fill,ar_2.0", (600, 300)),
        ("/c_crop,ar_1:1", (400, 400)),
        ("/c_pad,ar_1:1", (600, 600)),
        ("/c_lpad,ar_3:1", (1200, 400)),
        ("/ar_1:1,w_300", (300, 200)),
        # dpr multiplies pixels, not fractions
        ("/w_100,dpr_2", (200, 133)),
        ("/w_0.5,dpr_2", (300, 200)),
        ("/c_fill,w_100,h_50,dpr_1.5", (150, 75)),
        ("/w_100,pad_10,dpr_2", (240, 173)),
        ("/w_100,bo_5px_solid_red,dpr_2", (220, 153)),
        # fractions
        ("/w_1.0", (600, 400)),
        ("/w_1", (1, 1)),
        ("/w_0.5", (300, 200)),
        ("/c_scale,w_0.5,h_1.0", (300, 400)),
        ("/c_scale,w_2.0", (1200, 800)),
        ("/c_crop,w_0.5,h_0.25", (300, 100)),
        # turning: w_ is the width that comes out
        ("/r_90,w_200", (200, 300)),
        ("/r_180,w_200", (200, 133)),
        ("/r_-90,h_300", (200, 300)),
        ("/r_90", (400, 600)),
        ("/flip_h,w_200", (200, 133)),
        ("/a_90,w_200", (200, 300)),
        ("/w_200/r_90", (133, 200)),
        ("/r_90,w_0.5", (200, 300)),
        # free angle: the bounding box
        ("/c_scale,w_100,h_100,a_45", (141, 141)),
        ("/c_scale,w_300,h_200,a_30", (360, 323)),
        # outside
        ("/w_300,pad_10", (320, 220)),
        ("/w_300,pad_1:2:3:4", (306, 204)),
        ("/w_300,pad_0.1", (420, 280)),
        ("/c_fill,w_200,h_200,bo_10px_solid_red", (220, 220)),
        ("/w_300,pad_10,bo_1px_solid_red", (322, 222)),
        ("/w_300,bo_0.05_solid_red,dpr_2", (640, 440)),
        # least sizes: enlarged, then cut to what was asked for
        ("/mw_900", (900, 600)),
        ("/mw_300,mh_500", (750, 500)),
        ("/mw_2.0", (1200, 800)),
        ("/w_300,mh_250", (300, 250)),
        ("/w_300,h_300,mh_250", (300, 250)),
        ("/w_300,h_300,mh_100", (300, 200)),
        ("/h_100,mw_100,mh_50,dpr_2", (300, 200)),
        ("/c_fit,w_30,h_300,mh_100", (30, 100)),
        ("/c_scale,w_0.1,h_0.05,mh_40", (60, 40)),
        ("/c_lfill,w_900,h_900,mw_800", (800, 533)),
        ("/r_90,w_100,mh_300", (100, 300)),
        ("/w_300,rad_20,e_blur:5,b_red,o_50", (300, 200)),
        # rounding: half up, at least one
        ("/c_fit,w_3", (3, 2)),
        ("/w_0.0001", (1, 1)),
        # chains: each component sees what the one before it made
        ("/c_crop,w_300,h_300/w_100", (100, 100)),
        ("/w_300/c_scale,w_2.0", (600, 400)),
        ("/w_300/pad_10/w_0.5", (160, 110)),
        ("/l_logo,w_3.0", (600, 400)),
    ],
)
def test_size_of_a_600x400_picture(url: str, expected: tuple[int, int]) -> None:
    assert size(url) == expected


@pytest.mark.parametrize(
    ("picture", "url", "expected"),
    [
        ((3, 2), "/w_1", (1, 1)),
        ((5, 2), "/c_scale,w_0.5", (3, 1)),
        ((1, 1000), "/w_100,h_100", (1, 100)),
        ((1000, 1), "/h_1", (1000, 1)),
        ((1000, 3), "/w_10", (10, 1)),
        ((4032, 3024), "/w_640", (640, 480)),
        ((4000, 2667), "/c_fill,w_333,h_222", (333, 222)),
        ((1, 1), "/c_fill,w_30,h_20", (30, 20)),
        ((16000, 10), "/c_limit,w_100,h_100", (100, 1)),
    ],
)
def test_odd_pictures(picture: tuple[int, int], url: str, expected: tuple[int, int]) -> None:
    assert size(url, *picture) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_of_the_picture_as_shown(orientation: int) -> None:
    assert size("/w_300", orientation=orientation) == (300, 200)


@pytest.mark.parametrize(("orientation", "expected"), [(1, (300, 200)), (3, (300, 200)), (6, (300, 450))])
def test_ignoring_the_orientation_shows_the_stored_pixels(
    orientation: int, expected: tuple[int, int]
) -> None:
    assert size("/r_ignore,w_300", orientation=orientation) == expected


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("/c_crop,w_100,h_50", Box(0, 0, 100, 50)),
        ("/c_crop,w_100,h_50,x_20,y_30", Box(20, 30, 100, 50)),
        ("/c_crop,w_100,h_50,x_0.5,y_0.25", Box(300, 100, 100, 50)),
        ("/c_crop,w_100,h_50,g_north_west,x_5,y_6", Box(5, 6, 100, 50)),
        ("/c_crop,w_100,h_50,g_north,y_6", Box(250, 6, 100, 50)),
        ("/c_crop,w_100,h_50,g_north_east,x_5,y_6", Box(495, 6, 100, 50)),
        ("/c_crop,w_100,h_50,g_west,x_5", Box(5, 175, 100, 50)),
        ("/c_crop,w_100,h_50,g_center", Box(250, 175, 100, 50)),
        ("/c_crop,w_100,h_50,g_center,x_-10,y_10", Box(240, 185, 100, 50)),
        ("/c_crop,w_100,h_50,g_east,x_5", Box(495, 175, 100, 50)),
        ("/c_crop,w_100,h_50,g_south_west,x_5,y_10", Box(5, 340, 100, 50)),
        ("/c_crop,w_100,h_50,g_south,y_10", Box(250, 340, 100, 50)),
        ("/c_crop,w_100,h_50,g_south_east,x_5,y_10", Box(495, 340, 100, 50)),
        ("/c_crop,w_100,h_50,g_xy_center,x_300,y_200", Box(250, 175, 100, 50)),
        ("/c_crop,w_100,h_50,g_fp:0.5:0.5", Box(250, 175, 100, 50)),
        ("/c_crop,w_100,h_50,g_fp:0.0:1.0", Box(0, 350, 100, 50)),
        # clipped to the picture
        ("/c_crop,w_100,h_50,x_550,y_380", Box(550, 380, 50, 20)),
        ("/c_crop,w_100,h_50,x_-30,y_-20", Box(0, 0, 70, 30)),
        ("/c_crop,w_100,h_50,g_xy_center,x_0,y_0", Box(0, 0, 50, 25)),
        ("/c_crop,w_900,h_50", Box(0, 0, 600, 50)),
        ("/c_crop,w_100,h_50,x_20,y_30,dpr_2", Box(40, 60, 200, 100)),
        ("/r_90,c_crop,w_100,h_50,x_350", Box(350, 0, 50, 50)),
        ("/c_crop,w_100,h_50,g_auto", Smart(Size(100, 50), "attention")),
        ("/c_crop,w_100,h_50,g_entropy", Smart(Size(100, 50), "entropy")),
    ],
)
def test_crop_region(url: str, region: Box | Smart) -> None:
    assert only(url).region == region


@pytest.mark.parametrize(
    "url", ["/c_crop,w_100,h_50,x_600", "/c_crop,w_100,h_50,y_-50", "/c_crop,w_9,h_9,g_south,y_400"]
)
def test_a_region_wholly_outside_is_refused(url: str) -> None:
    with pytest.raises(RegionOutside) as caught:
        planned(url)
    assert "600x400" in caught.value.detail


@pytest.mark.parametrize(
    ("url", "resize", "cut"),
    [
        ("/c_fill,w_200,h_200", (300, 200), Box(50, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_west", (300, 200), Box(0, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_east", (300, 200), Box(100, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_east,x_20", (300, 200), Box(80, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_west,x_900", (300, 200), Box(100, 0, 200, 200)),
        ("/c_fill,w_300,h_100,g_south,y_10", (300, 200), Box(0, 90, 300, 100)),
        ("/c_fill,w_200,h_200,g_fp:0.25:0.5", (300, 200), Box(0, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_fp:0.5:0.5", (300, 200), Box(50, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_xy_center,x_400,y_0", (300, 200), Box(100, 0, 200, 200)),
        ("/c_fill,w_200,h_200,g_auto", (300, 200), Smart(Size(200, 200), "attention")),
        ("/c_fill,w_900,h_900", (1350, 900), Box(225, 0, 900, 900)),
        ("/c_fill,w_600,h_400", None, None),
        ("/c_lfill,w_900,h_100", None, Box(0, 150, 600, 100)),
    ],
)
def test_fill_covers_and_cuts(url: str, resize: tuple[int, int] | None, cut: Box | Smart | None) -> None:
    step = only(url)
    assert (step.resize, step.cut) == (resize, cut)


def test_focus_is_where_the_asset_says_and_else_the_centre() -> None:
    url = "/c_fill,w_200,h_200,g_focus"
    assert only(url, focus=(1.0, 0.5)).cut == Box(100, 0, 200, 200)
    assert only(url).cut == Box(50, 0, 200, 200)
    assert any("g_focus" in warning for warning in planned(url).warnings)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("/c_thumb,w_100,h_100", Box(100, 0, 400, 400)),
        ("/c_thumb,w_100,h_100,z_2", Box(200, 100, 200, 200)),
        ("/c_thumb,w_100,h_100,z_2,g_north_west", Box(0, 0, 200, 200)),
        ("/c_thumb,w_100,h_100,z_0.5", Box(100, 0, 400, 400)),
        ("/c_thumb,w_100,h_100,z_4,g_auto", Smart(Size(100, 100), "attention")),
    ],
)
def test_thumb_zooms_before_it_fills(url: str, region: Box | Smart) -> None:
    step = only(url)
    assert step.region == region
    assert step.leaving == (100, 100)


@pytest.mark.parametrize(
    ("url", "frame"),
    [
        ("/c_pad,w_300,h_300", Box(0, 50, 300, 200)),
        ("/c_pad,w_300,h_300,g_north", Box(0, 0, 300, 200)),
        ("/c_pad,w_300,h_300,g_south,y_20", Box(0, 80, 300, 200)),
        ("/c_lpad,w_900,h_900,g_south_east", Box(300, 500, 600, 400)),
        ("/c_lpad,w_900,h_900,g_fp:0.0:1.0", Box(0, 500, 600, 400)),
        ("/c_pad,w_300,h_200", None),
    ],
)
def test_pad_places_the_picture_in_its_canvas(url: str, frame: Box | None) -> None:
    assert only(url).frame == frame


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/l_logo", (240, 160)),
        ("/l_logo,g_north_west,x_5,y_6", (5, 6)),
        ("/l_logo,g_south_east,x_5,y_6", (475, 314)),
        ("/l_logo,g_south,y_0.1", (240, 280)),
        ("/l_logo,g_xy_center,x_100,y_100", (40, 60)),
        ("/l_logo,g_fp:0.0:0.0", (-60, -40)),
        ("/l_logo,g_south_east,x_5,y_6,dpr_2", (470, 308)),
        ("/l_logo,w_0.1,g_north_west", (0, 0)),
        ("/l_logo,dpr_2/w_0.1/fl_layer_apply,g_south_east,x_5", (530, 360)),
        ("/l_logo/w_0.1/fl_layer_apply,g_south_east", (540, 360)),
        ("/l_logo/c_scale,w_0.5/w_0.5/fl_layer_apply,g_south_east", (450, 300)),
    ],
)
def test_layer_place(url: str, place: tuple[int, int]) -> None:
    (step,) = planned(url).steps
    assert isinstance(step, PlannedLayer)
    assert (step.place.left, step.place.top) == place


def test_fractions_in_the_first_component_of_a_layer_are_of_the_picture_below() -> None:
    (step,) = planned("/l_logo/c_scale,w_0.5/c_scale,w_0.5/fl_layer_apply").steps
    assert isinstance(step, PlannedLayer)
    assert step.size == (150, 100)


@pytest.mark.parametrize(
    ("url", "shrink"),
    [
        ("", 1.0),
        ("/w_600", 2.5),
        ("/w_300", 5.0),
        ("/w_1500", 1.0),
        ("/w_1000", 1000 / 667),
        ("/w_300,r_90", 20 / 6),
        ("/c_fill,w_300,h_300", 20 / 6),
        ("/c_crop,w_1000,h_1000/w_100", 5.0),
        ("/c_crop,w_1000,h_1000", 1.0),
        ("/w_300/e_blur:3", 5.0),
        ("/e_blur:3/w_300", 1.0),
        ("/w_300,e_blur:3/w_30", 5.0),
        ("/w_300/w_100", 1000 / 67),
        ("/w_100/c_scale,w_1500", 1000 / 67),
        ("/e_trim/w_300", 1.0),
        ("/e_trim,w_300", 1.0),
        ("/l_logo/w_300", 1.0),
        ("/w_300/l_logo", 5.0),
        ("/c_thumb,w_100,h_100,z_2,g_auto", 5.0),
    ],
)
def test_decoding_keeps_twice_what_is_needed(url: str, shrink: float) -> None:
    assert planned(url, 3000, 2000).load.shrink == pytest.approx(shrink)


@pytest.mark.parametrize("url", ["/w_300", "/r_90,w_300", "/c_fill,w_300,h_90/r_90", "/c_scale,w_300,h_1900"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_shrinking_never_falls_below_the_margin(url: str, orientation: int) -> None:
    made = planned(url, 3000, 2000, orientation=orientation)
    shown = made.steps[0]
    assert isinstance(shown, Shape)
    assert shown.resize is not None
    turned = shown.turn.shown(shown.entering)
    for have, want in zip(turned, shown.resize, strict=True):
        assert have / made.load.shrink >= min(2 * want, have) - 1


@pytest.mark.parametrize(
    ("url", "header", "accept", "expected"),
    [
        ("/w_10", {"format": "jpeg"}, "avif", "jpeg"),
        ("/w_10", {"format": "png"}, "avif", "png"),
        ("/w_10", {"format": "svg", "has_alpha": True}, "jpeg", "png"),
        ("/w_10", {"format": "svg"}, "jpeg", "jpeg"),
        ("/f_jpg", {"format": "png"}, "avif", "jpeg"),
        ("/f_auto", {}, "avif", "avif"),
        ("/f_auto", {}, "webp", "webp"),
        ("/f_auto", {}, "jpeg", "jpeg"),
        ("/f_auto", {"has_alpha": True, "format": "png"}, "jpeg", "png"),
        ("/f_auto,rad_20", {}, "jpeg", "png"),
        ("/f_auto,a_20", {}, "jpeg", "png"),
        ("/f_auto,a_20,b_red", {}, "jpeg", "jpeg"),
        ("/f_auto,c_pad,w_50,h_50,b_transparent", {}, "jpeg", "png"),
        ("/f_auto", {"format": "gif", "frames": 3}, "avif", "webp"),
        ("/f_auto", {"format": "gif", "frames": 3}, "webp", "webp"),
        ("/f_auto", {"format": "webp", "frames": 3}, "jpeg", "gif"),
        ("/f_auto,pg_2", {"format": "gif", "frames": 3}, "avif", "avif"),
        ("/f_auto,w_5000", {"width": 8000, "height": 6000}, "avif", "webp"),
        ("/f_json", {"format": "png"}, "avif", "png"),
    ],
)
def test_output_format(url: str, header: dict[str, Any], accept: str, expected: str) -> None:
    made = planned(url, accept=accept, **header)
    assert made.output.name == expected
    # The pixels of a still have the last word in f_auto.
    assert bool(made.output.choices) == ("f_auto" in url and made.frames == 1)


@pytest.mark.parametrize(
    ("url", "frames"), [("/f_webp", 3), ("/f_gif", 3), ("/f_png", 1), ("/f_avif", 1), ("/pg_2,f_gif", 1)]
)
def test_frames_survive_where_the_format_can_hold_them(url: str, frames: int) -> None:
    assert planned(url, format="gif", frames=3).frames == frames


@pytest.mark.parametrize(
    ("url", "header", "error", "members"),
    [
        ("/c_scale,w_9000", {}, ResultTooLarge, {"width": 7745, "height": 5163}),
        ("/c_scale,w_9000,h_10", {}, ResultTooLarge, {"width": 8192, "height": 9}),
        ("/c_scale,w_5000,dpr_2", {}, ResultTooLarge, {"width": 7745, "height": 5163}),
        ("/c_pad,w_65535,h_65535", {}, ResultTooLarge, {"width": 6324, "height": 6324}),
        ("/pad_4000", {}, ResultTooLarge, {"width": 6399, "height": 6250}),
        ("/w_100,bo_9999px_solid_red", {}, ResultTooLarge, {"width": 6329, "height": 6320}),
        ("/f_avif", {"width": 5000, "height": 5000}, ResultTooLarge, {"width": 4000, "height": 4000}),
        ("/f_png", {"width": 9000, "height": 10}, ResultTooLarge, {"width": 8192, "height": 9}),
        ("/pg_4", {"format": "gif", "frames": 3}, PageMissing, {"pages": 3}),
        ("/pg_2", {}, PageMissing, {"pages": 1}),
        ("/f_gif", {"format": "gif", "width": 1000, "height": 1000, "frames": 100}, TooExpensive, {}),
        (
            "/w_9",
            {"width": 16000, "height": 6000, "interlaced": True, "bits": 16, "format": "png"},
            ImageTooComplex,
            {},
        ),
        ("/w_9", {"width": 10000, "height": 9000, "format": "avif"}, ImageTooComplex, {}),
        ("/l_text:Sans_2000:" + "M" * 100, {}, ResultTooLarge, {}),
        ("/l_text:Sans_2000:M,dpr_10", {}, ResultTooLarge, {}),
        ("/l_logo,c_scale,w_9000", {}, ResultTooLarge, {}),
    ],
)
def test_what_is_too_much_is_refused(
    url: str, header: dict[str, Any], error: type[OriginError], members: dict[str, int]
) -> None:
    with pytest.raises(error) as caught:
        planned(url, **header)
    for name, value in members.items():
        assert abs(int(caught.value.members[name]) - value) <= 1


@pytest.mark.parametrize("url", ["/w_9", "/c_crop,w_10,h_10", "/w_500,f_avif", "/w_8000/w_100"])
def test_a_source_beyond_the_result_limits_may_become_smaller(url: str) -> None:
    assert planned(url, 12000, 8000).size.width <= 500


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/w_100,b_red", "b_rgb:ff0000"),
        ("/c_thumb,w_10,h_10,z_0.5", "z_ below 1"),
    ],
)
def test_arguments_without_effect_on_this_picture_are_named(url: str, words: str) -> None:
    assert any(words in warning for warning in planned(url).warnings)


@pytest.mark.parametrize("url", ["/c_pad,w_9,h_9,b_red", "/a_20,b_red", "/pad_2,b_red", "/rad_2,b_red"])
def test_a_background_that_shows_is_not_warned_about(url: str) -> None:
    assert planned(url).warnings == ()


@pytest.mark.parametrize(
    ("url", "exact"),
    [
        ("/w_10", True),
        ("/e_trim,w_10", False),
        ("/e_trim,c_fill,w_9,h_9", True),
        ("/l_text:Sans_10:x", False),
        ("/l_logo", True),
    ],
)
def test_a_plan_says_whether_pixels_have_a_say(url: str, exact: bool) -> None:
    assert planned(url).exact is exact


def test_a_plan_describes_itself_as_json() -> None:
    url = (
        "/r_90,e_trim,c_fill,w_300,h_300,g_auto,a_20,e_blur:3,rad_9,pad_3,bo_2px_solid_red,b_blue,o_50,dpr_2"
        "/l_logo,w_0.5,g_south,y_10,e_multiply,f_webp,q_auto"
    )
    found = json.loads(json.dumps(described(planned(url))))
    assert found["result"]["format"] == "webp"
    assert found["result"]["exact"] is True
    first, layer = found["steps"]
    assert first["turn"] == {"mirrored": False, "degrees": 90}
    assert first["effects"] == ["e_blur:6"]
    assert first["corners"] == [18, 18, 18, 18]
    assert layer["layer"] == "logo"
    assert layer["mode"] == "multiply"
    assert set(found["cost"]) == {"memory_bytes", "seconds"}
