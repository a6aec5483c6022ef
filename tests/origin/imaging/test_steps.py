"""Every argument that changes pixels, looked at in the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from origin.imaging.steps import STEPS
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import (
    BLUE,
    CENTRE,
    GREEN,
    NORTH_EAST,
    NORTH_WEST,
    RED,
    SOUTH_EAST,
    SOUTH_WEST,
    YELLOW,
    Colour,
    animated,
    assert_close_colour,
    card,
    decode,
    frame_colour,
    frames_of,
    grayscale,
    pixel,
    plain,
    size_of,
    transparent,
)
from urlspec import arguments as a
from urlspec.declare import Argument
from urlspec.outputs import OutputArgument
from urlspec.pipeline import EFFECTS, PIPELINE

CARD = card()
"""120 x 80."""

ELSEWHERE: dict[type[Argument], str] = {
    a.Preset: "expanded before a request is rendered",
    a.Rotate: "shape: View",
    a.Flip: "shape: View",
    a.Angle: "edges: rotated",
    a.Trim: "edges: trim_box",
    **dict.fromkeys(
        (
            a.Crop,
            a.Width,
            a.Height,
            a.AspectRatio,
            a.MinWidth,
            a.MinHeight,
            a.Gravity,
            a.X,
            a.Y,
            a.Zoom,
            a.Dpr,
        ),
        "shape: sizes and places",
    ),
    a.CornerRadius: "edges: cornered",
    a.Padding: "edges: padded",
    a.Mask: "masks; edges: masked",
    a.Shadow: "edges: shadowed",
    a.Border: "edges: bordered",
    a.Background: "edges: backed; backings",
    a.Opacity: "edges: faded; layers: laid",
    **dict.fromkeys((a.Layer, a.Underlay, a.LayerApply, a.Blend, a.Tiled), "layers: laid"),
    a.TextColour: "text: draw",
}
"""Arguments that are not one function from pixels to pixels, and where they are done."""


@pytest.mark.parametrize("kind", PIPELINE, ids=lambda kind: kind.__name__)
def test_every_argument_has_a_step(kind: type[Argument]) -> None:
    if issubclass(kind, OutputArgument):
        return
    assert (kind in STEPS) != (kind in ELSEWHERE), f"{kind.__name__} has no step, or two places"


def test_steps_are_done_in_pipeline_order() -> None:
    assert tuple(kind for kind in PIPELINE if kind in STEPS) == EFFECTS


# Turning and cutting --------------------------------------------------------------------------------------


def corners(data: bytes) -> list[Colour]:
    """Colours near the four corners: north west, north east, south west, south east."""
    return [pixel(data, x, y)[:3] for y in (3, -4) for x in (3, -4)]


NAMES = {NORTH_WEST: "nw", NORTH_EAST: "ne", SOUTH_WEST: "sw", SOUTH_EAST: "se"}


@pytest.mark.parametrize(
    ("url", "size", "expected"),
    [
        ("", (120, 80), "nw ne sw se"),
        ("/r_90", (80, 120), "sw nw se ne"),
        ("/r_180", (120, 80), "se sw ne nw"),
        ("/r_270", (80, 120), "ne se nw sw"),
        ("/flip_h", (120, 80), "ne nw se sw"),
        ("/flip_v", (120, 80), "sw se nw ne"),
        ("/flip_hv", (120, 80), "se sw ne nw"),
        ("/r_90,flip_h", (80, 120), "nw sw ne se"),
        ("/r_90,flip_v", (80, 120), "se ne sw nw"),
        ("/flip_h/r_90", (80, 120), "se ne sw nw"),
        ("/a_hflip", (120, 80), "ne nw se sw"),
        ("/r_90/r_90", (120, 80), "se sw ne nw"),
        ("/r_90/c_crop,w_80,h_60,g_south/r_270", (60, 80), "ne se ne se"),
    ],
)
def test_turns(url: str, size: tuple[int, int], expected: str) -> None:
    data = png(url, CARD)
    assert size_of(data) == size
    if "crop" in url:
        assert corners(data) == [NORTH_EAST, NORTH_EAST, SOUTH_EAST, SOUTH_EAST]
    else:
        assert " ".join(NAMES[colour] for colour in corners(data)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/c_crop,w_20,h_20", RED),
        ("/c_crop,w_20,h_20,g_north_east", GREEN),
        ("/c_crop,w_20,h_20,g_south_west", BLUE),
        ("/c_crop,w_20,h_20,g_south_east", YELLOW),
        ("/c_crop,w_20,h_16,g_center", CENTRE),
        ("/c_crop,w_20,h_16,x_50,y_32", CENTRE),
        ("/c_crop,w_10,h_10,g_fp:0.5:0.5", CENTRE),
        ("/c_crop,w_10,h_10,g_xy_center,x_60,y_40", CENTRE),
        ("/r_90,c_crop,w_10,h_10", BLUE),
        ("/c_thumb,w_10,h_10,z_10", CENTRE),
        ("/c_thumb,w_10,h_10,z_10,g_south_east", YELLOW),
        ("/c_fill,w_8,h_40,g_west", RED),
    ],
)
def test_cuts_show_what_they_should(url: str, expected: Colour) -> None:
    data = png(url, CARD)
    assert_close_colour(pixel(data, 1, 1), expected, 4)
    assert_close_colour(pixel(data, -2, 1), expected, 4)


@pytest.mark.parametrize("by", ["auto", "entropy"])
@pytest.mark.parametrize(("left", "top"), [(10, 30), (140, 30), (75, 10)])
def test_smart_gravity_finds_the_only_thing_there_is(by: str, left: int, top: int) -> None:
    noise = pyvips.Image.gaussnoise(30, 30, mean=128, sigma=60).cast("uchar").bandjoin([200, 40])
    scene = pyvips.Image.new_from_buffer(plain(180, 60, (90, 95, 90)), "")
    data = bytes(scene.insert(noise, left, top).write_to_buffer(".png"))
    for url, scale in (("c_fill,w_60,h_60", 1), ("c_fill,w_30,h_30", 2)):
        found = decode(png(f"/{url},g_{by}", data)).astype(int)
        orange = (abs(found[:, :, 1] - 200) < 60) & (abs(found[:, :, 2] - 40) < 60)
        assert orange.mean() > 0.9 * (30 * 30) / (60 * 60), f"{url} at scale {scale} lost the square"


def test_smart_gravity_cuts_all_frames_alike() -> None:
    data = png("/c_fill,w_20,h_20,g_auto", animated(3))
    assert pixel(data, 3, 3)[:3] == frame_colour(0)
    moving = render("/c_fill,w_20,h_20,g_auto,f_webp,q_lossless", animated(3)).body
    assert [pixel(moving, 3, 3, page)[:3] for page in range(3)] == [frame_colour(page) for page in range(3)]


@pytest.mark.parametrize(
    ("url", "border", "expected"),
    [
        ("/e_trim", (250, 250, 250), (120, 80)),
        ("/e_trim", (0, 0, 0), (120, 80)),
        ("/e_trim:2", (120, 200, 90), (120, 80)),
        ("/e_trim:10:white", (250, 250, 250), (120, 80)),
        ("/e_trim:2:black", (250, 250, 250), (140, 110)),
        ("/e_trim,w_60", (0, 0, 0), (60, 40)),
        ("/e_trim/w_0.5", (0, 0, 0), (60, 40)),
        ("/e_trim,w_0.5", (0, 0, 0), (70, 47)),
        ("/e_trim,r_90", (0, 0, 0), (80, 120)),
    ],
)
def test_trim(url: str, border: Colour, expected: tuple[int, int]) -> None:
    image = pyvips.Image.new_from_buffer(CARD, "").embed(
        12, 18, 140, 110, extend="background", background=border
    )
    data = png(url, bytes(image.write_to_buffer(".png")))
    assert size_of(data) == expected


def test_trim_of_transparent_edges() -> None:
    assert size_of(png("/flip_h/e_trim", transparent())) == (60, 80)


def test_trim_leaves_a_plain_picture_alone() -> None:
    assert size_of(png("/e_trim", plain(30, 20, RED))) == (30, 20)


def test_trim_keeps_what_any_frame_shows() -> None:
    frames = []
    for left in (5, 20):
        scene = pyvips.Image.black(40, 30, bands=3).copy(interpretation="srgb").cast("uchar")
        frames.append(scene.draw_rect([255, 0, 0], left, 10, 10, 10, fill=True))
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 30)
    data = bytes(strip.write_to_buffer(".gif"))
    rendered = render("/e_trim,f_gif", data)
    assert (rendered.width, rendered.height, rendered.frames) == (25, 10, 2)


@pytest.mark.parametrize("degrees", [20, 45, -30, 135, 200.5])
def test_a_free_angle_turns_clockwise_about_the_middle(degrees: float) -> None:
    data = png(f"/a_{degrees}", card(200, 200))
    found = decode(data)
    height, width, bands = found.shape
    assert bands == 4
    angle = np.radians(degrees)
    for (x, y), colour in {
        (-60, -60): RED,
        (60, -60): GREEN,
        (-60, 60): BLUE,
        (60, 60): YELLOW,
        (0, 0): CENTRE,
    }.items():
        across = width / 2 + x * np.cos(angle) - y * np.sin(angle)
        down = height / 2 + x * np.sin(angle) + y * np.cos(angle)
        assert_close_colour(tuple(int(v) for v in found[int(down), int(across)]), (*colour, 255), 3)
    assert found[0, 0, 3] == 0 or degrees % 90 == 0
    edge = found[:, :, 3]
    assert ((edge > 0) & (edge < 255)).any(), "the edge is not antialiased"


# Tone and colour ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "before", "after"),
    [
        ("brightness:20", (100, 100, 100), (151, 151, 151)),
        ("brightness:-20", (100, 50, 10), (49, 0, 0)),
        ("brightness:100", (0, 0, 0), (255, 255, 255)),
        ("contrast:-100", (10, 200, 99), (128, 128, 128)),
        ("contrast:50", (128, 128, 128), (128, 128, 128)),
        ("contrast:100", (100, 200, 10), (0, 255, 0)),
        ("gamma:2", (64, 128, 255), (128, 181, 255)),
        ("gamma:0.5", (64, 128, 255), (16, 64, 255)),
        ("negate", (10, 200, 255), (245, 55, 0)),
        ("saturation:-100", (255, 0, 0), (54, 54, 54)),
        ("saturation:50", (120, 120, 120), (120, 120, 120)),
        ("saturation:100", (150, 100, 100), (189, 89, 89)),
        ("grayscale", (120, 120, 120), (120,)),
        ("sepia:100", (200, 200, 200), (255, 241, 187)),
        ("sepia:50", (200, 200, 200), (235, 220, 194)),
        ("hue:360", (200, 50, 50), (200, 50, 50)),
    ],
)
def test_tone_and_colour(effect: str, before: Colour, after: Colour) -> None:
    got = pixel(png(f"/e_{effect}", plain(9, 9, before)), 4, 4)
    assert_close_colour(got, after, 2)


@pytest.mark.parametrize(("degrees", "strongest"), [(120, 1), (-120, 2), (240, 2)])
def test_hue_turns_red_to_green_and_blue(degrees: int, strongest: int) -> None:
    got = pixel(png(f"/e_hue:{degrees}", plain(9, 9, (200, 60, 60))), 4, 4)
    assert got.index(max(got)) == strongest


@pytest.mark.parametrize(
    "effect",
    ["brightness:20", "contrast:30", "gamma:2", "saturation:40", "hue:90", "sepia", "negate", "grayscale"],
)
def test_colour_effects_leave_alpha_alone(effect: str) -> None:
    before, after = decode(transparent()), decode(png(f"/e_{effect}", transparent()))
    assert (before[:, :, -1] == after[:, :, -1]).all()


@pytest.mark.parametrize("kind", EFFECTS, ids=lambda kind: kind.word)
@pytest.mark.parametrize("source", ["grey", "grey+alpha", "animation", "one pixel"])
def test_every_effect_takes_every_kind_of_picture(kind: type[Argument], source: str) -> None:
    alpha = pyvips.Image.new_from_buffer(grayscale(suffix=".png"), "").bandjoin(128)
    pictures: dict[str, Callable[[], bytes]] = {
        "grey": lambda: grayscale(suffix=".png"),
        "grey+alpha": lambda: bytes(alpha.write_to_buffer(".png")),
        "animation": lambda: animated(3),
        "one pixel": lambda: plain(1, 1, RED),
    }
    data = pictures[source]()
    rendered = render(f"/{kind.example.partition('/')[0]},f_webp,q_lossless", data)
    assert (rendered.width, rendered.height) == size_of(data)
    assert rendered.frames == frames_of(data)


# Detail ---------------------------------------------------------------------------------------------------


def step_edge(data: bytes) -> NDArray[np.float64]:
    """The red band along the middle row."""
    found = decode(data)
    return found[found.shape[0] // 2, :, 0].astype(float)


def half_and_half() -> bytes:
    left = pyvips.Image.black(200, 100) + 50
    return bytes(
        (left.join(pyvips.Image.black(200, 100) + 200, "horizontal")).cast("uchar").write_to_buffer(".png")
    )


@pytest.mark.parametrize("sigma", [1, 3, 7, 9, 20, 60])
def test_blur_is_gaussian_of_the_named_width(sigma: int) -> None:
    row = step_edge(png(f"/e_blur:{sigma}", half_and_half()))
    for beyond in (-sigma, 0, sigma // 2, sigma):
        passed = 0.5 * (1 + math.erf((beyond + 0.5) / sigma / math.sqrt(2)))
        assert row[200 + beyond] == pytest.approx(50 + 150 * passed, abs=5)


@pytest.mark.parametrize("sigma", [0.5, 1, 1.1, 1.9, 2.1, 5, 9.9, 16.4, 50])
def test_blur_leaves_flat_areas_and_opaque_pixels_alone(sigma: float) -> None:
    found = decode(png(f"/e_blur:{sigma}", plain(60, 40, (255, 40, 180, 255))))
    assert np.abs(found.astype(int) - np.array([255, 40, 180, 255])).max() <= 1
    assert found[:, :, 3].min() == 255


def test_dpr_multiplies_blur() -> None:
    assert (decode(png("/e_blur:4", CARD)) == decode(png("/e_blur:2,dpr_2", CARD))).all()


def test_blur_does_not_bring_out_invisible_colour() -> None:
    blurred = decode(png("/e_blur:4", transparent()))
    assert blurred.shape[2] == 4
    assert 0 < blurred[20, 62, 3] < 255, "alpha was not blurred"
    assert_close_colour(
        tuple(int(v) for v in blurred[10, 62, :3]), RED, 30
    )  # not the green that is hidden there


def test_sharpen_lifts_edges_and_strength_counts() -> None:
    soft = png("/e_blur:1", half_and_half())
    rows = [step_edge(soft), step_edge(png("/e_sharpen", soft)), step_edge(png("/e_sharpen:0.8:5", soft))]
    slopes = [np.abs(np.diff(row)).max() for row in rows]
    assert slopes[0] < slopes[1] < slopes[2]
    assert rows[2][20] == pytest.approx(rows[0][20], abs=1), "a flat area changed"


@pytest.mark.parametrize("block", [2, 7, 40, 1000])
def test_pixelate_makes_blocks_of_one_colour(block: int) -> None:
    found = decode(png(f"/e_pixelate:{block}", card(120, 80))).astype(int)
    for top in range(0, 80, block):
        for left in range(0, 120, block):
            tile = found[top : top + block, left : left + block]
            assert np.ptp(tile.reshape(-1, 3), axis=0).max() == 0, f"the block at {left},{top} is not plain"
    assert found.shape == (80, 120, 3)


# Shape and edge -------------------------------------------------------------------------------------------


def test_corners_are_round_antialiased_and_transparent() -> None:
    alpha = decode(png("/rad_20", CARD))[:, :, 3].astype(int)
    assert alpha[0, 0] == alpha[0, -1] == alpha[-1, 0] == alpha[-1, -1] == 0
    assert alpha[40, 60] == alpha[0, 60] == alpha[40, 0] == 255
    missing = (255 - alpha[:20, :20]).sum() / 255
    assert missing == pytest.approx(400 * (1 - np.pi / 4), rel=0.03)
    assert ((alpha > 0) & (alpha < 255)).sum() > 40
    assert (alpha == alpha[::-1]).all()
    assert (alpha == alpha[:, ::-1]).all()


def test_corners_each_of_its_own() -> None:
    alpha = decode(png("/rad_0:10:20:30", CARD))[:, :, 3].astype(int)
    tiles = [alpha[:30, :30], alpha[:30, -30:], alpha[-30:, -30:], alpha[-30:, :30]]
    for tile, radius in zip(tiles, (0, 10, 20, 30), strict=True):
        assert (255 - tile).sum() / 255 == pytest.approx(radius**2 * (1 - np.pi / 4), rel=0.05)


@pytest.mark.parametrize(("width", "height"), [(120, 80), (121, 81), (7, 5), (1, 1)])
def test_max_corners_make_an_ellipse(width: int, height: int) -> None:
    alpha = decode(png("/rad_max", card(width, height) if width > 8 else plain(width, height, RED)))[:, :, 3]
    assert alpha.mean() / 255 == pytest.approx(np.pi / 4, abs=0.02 if width > 8 else 0.25)
    assert alpha[height // 2, width // 2] > 200


def test_corners_larger_than_the_picture_shrink_as_in_css() -> None:
    alpha = decode(png("/rad_500", CARD))[:, :, 3]
    assert alpha[40, 0] > 100
    assert alpha[0, 60] == 255, "the straight part of the longer side is gone"
    assert alpha[0, 2] == 0


def test_corners_without_alpha_in_the_format_get_white_or_the_background() -> None:
    assert_close_colour(pixel(render("/rad_30,f_jpg,q_100", CARD).body, 0, 0), (255, 255, 255), 3)
    assert_close_colour(pixel(render("/rad_30,b_navy,f_jpg,q_95", CARD).body, 0, 0), (0, 0, 128), 25)


@pytest.mark.parametrize(
    ("url", "size", "outside", "inside"),
    [
        ("/c_pad,w_100,h_100", (100, 100), (255, 255, 255), (3, 30)),
        ("/c_pad,w_100,h_100,b_rgb:336699", (100, 100), (51, 102, 153), (3, 30)),
        ("/c_lpad,w_200,h_200,b_black", (200, 200), (0, 0, 0), (45, 70)),
        ("/pad_10", (140, 100), (255, 255, 255), (15, 15)),
        ("/pad_10:20:30:40,b_red", (180, 120), (255, 0, 0), (45, 15)),
        ("/bo_5px_solid_rgb:123456", (130, 90), (18, 52, 86), (8, 8)),
        ("/pad_0.5,b_lime", (240, 160), (0, 255, 0), (65, 45)),
    ],
)
def test_space_outside(url: str, size: tuple[int, int], outside: Colour, inside: tuple[int, int]) -> None:
    data = png(url, CARD)
    assert size_of(data) == size
    assert pixel(data, 0, 0)[:3] == outside
    assert pixel(data, -1, -1)[:3] == outside
    assert_close_colour(pixel(data, *inside)[:3], RED, 3)


def test_border_lies_outside_padding() -> None:
    data = png("/pad_10,bo_5px_solid_blue,b_lime", CARD)
    assert size_of(data) == (150, 110)
    assert pixel(data, 2, 2) == (0, 0, 255)
    assert pixel(data, 8, 8) == (0, 255, 0)
    assert pixel(data, 17, 17) == RED


def test_transparent_space_stays_transparent() -> None:
    data = png("/c_pad,w_100,h_100,b_transparent", CARD)
    assert pixel(data, 50, 2)[3] == 0
    assert pixel(data, 3, 50)[3] == 255


def test_padding_a_grey_picture_with_colour_makes_it_coloured() -> None:
    data = png("/pad_5,b_red", grayscale(suffix=".png"))
    assert pixel(data, 0, 0) == (255, 0, 0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/b_red", (255, 0, 0)),
        ("/b_lime", (0, 255, 0)),
        ("/b_rgb:ff000080", (255, 0, 0, 128)),
    ],
)
def test_background_shows_through_alpha(url: str, expected: Colour) -> None:
    got = pixel(png(url, transparent()), 100, 40)
    assert got == expected


def test_background_mixes_with_half_transparent_pixels() -> None:
    assert_close_colour(pixel(png("/b_black", transparent()), 59, 10), (110, 20, 20), 3)


@pytest.mark.parametrize(("percent", "alpha"), [(50, 128), (0, 0), (1, 3), (99, 252)])
def test_opacity_fades_the_whole_picture(percent: int, alpha: int) -> None:
    got = pixel(png(f"/o_{percent}", CARD), 5, 5)
    assert got[3] == pytest.approx(alpha, abs=1)
    assert got[:3] == RED


def test_opacity_fades_what_is_transparent_already() -> None:
    assert pixel(png("/o_50", transparent()), 59, 10)[3] == pytest.approx(64, abs=1)


# Order ----------------------------------------------------------------------------------------------------


def test_inside_a_component_the_order_is_the_languages_not_the_writers() -> None:
    one, other = png("/e_negate,pad_5,b_red", CARD), png("/b_red,pad_5,e_negate", CARD)
    assert (decode(one) == decode(other)).all()
    assert pixel(one, 0, 0) == (255, 0, 0), "padding came before negate"


def test_between_components_the_url_decides() -> None:
    assert pixel(png("/pad_5,b_red/e_negate", CARD), 0, 0) == (0, 255, 255)


def test_many_effects_on_alpha_cost_no_more_than_their_number() -> None:
    chain = "/".join(["e_brightness:1,e_contrast:1,e_hue:1,e_sepia:1"] * 12)
    rendered = render(f"/{chain},f_png", transparent(600, 400))
    assert (rendered.width, rendered.height) == (600, 400)


def test_animations_are_worked_on_frame_by_frame() -> None:
    url = "/c_pad,w_60,h_60,b_blue,rad_8,pad_4,bo_2px_solid_red,e_blur:1,f_webp,q_lossless"
    data = render(url, animated(3)).body
    assert size_of(data) == (72, 72)
    assert frames_of(data) == 3
    for page in range(3):
        assert pixel(data, 0, 0, page)[:3] == (255, 0, 0)
        assert pixel(data, 36, 8, page)[:3] == (0, 0, 255)
        assert_close_colour(pixel(data, 36, 36, page)[:3], frame_colour(page), 2)
