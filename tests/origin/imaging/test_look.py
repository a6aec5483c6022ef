"""Effects, shadows and backgrounds, looked at in the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from origin.errors import RegionOutside
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import (
    BLUE,
    GREEN,
    RED,
    Colour,
    animated,
    assert_close_colour,
    card,
    decode,
    frame_colour,
    grayscale,
    pixel,
    plain,
    size_of,
    transparent,
)
from urlspec.parse import parse

CARD = card()
"""120 x 80."""


def saved(pixels: NDArray[Any], suffix: str = ".png") -> bytes:
    return bytes(pyvips.Image.new_from_array(pixels.astype(np.uint8)).write_to_buffer(suffix))


def film(frames: list[NDArray[Any]]) -> bytes:
    """An animation of the frames, without loss."""
    image = pyvips.Image.new_from_array(np.vstack(frames).astype(np.uint8)).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, "page-height", frames[0].shape[0])
    return bytes(image.write_to_buffer(".webp", lossless=True))


RAMP = np.repeat(np.arange(60, 188)[None, :, None], 32, axis=0).repeat(3, axis=2)
"""128 x 32, grey 60 to 187 from left to right."""
CAST = RAMP + np.array([30, 0, -30])
"""The same, too red and not blue enough."""


# Colour ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "before", "after"),
    [
        ("tint:40:navy", (100, 200, 50), (60, 120, 81)),
        ("tint:100:rgb:102030", (100, 200, 50), (16, 32, 48)),
        ("tint:100:rgb:ff000080", (0, 0, 0), (128, 0, 0)),
        ("tint:50:red", (0,), (128, 0, 0)),
        ("monochrome:teal", (0, 0, 0), (0, 0, 0)),
        ("monochrome:teal", (255, 255, 255), (255, 255, 255)),
        ("monochrome:teal", (101, 101, 101), (0, 128, 128)),
        ("monochrome:red:50", (54, 54, 54), (154, 27, 27)),
        ("monochrome:black", (100, 100, 100), (100, 100, 100)),
        ("monochrome:white", (100, 100, 100), (100, 100, 100)),
        ("duotone:midnightblue:gold", (0, 0, 0), (25, 25, 112)),
        ("duotone:midnightblue:gold", (255, 255, 255), (255, 215, 0)),
        ("duotone:black:white", (128, 128, 128), (128, 128, 128)),
        ("duotone:red:blue", (128,), (127, 0, 128)),
        ("blackwhite", (128, 128, 128), (255,)),
        ("blackwhite", (127, 127, 127), (0,)),
        ("blackwhite:20", (60, 60, 60), (255,)),
        ("blackwhite:100", (254, 254, 254), (0,)),
        ("colorblind", (255, 255, 255), (255, 255, 255)),
        ("colorblind", (0, 0, 0), (0, 0, 0)),
        # The published matrices on linear light: 0.367 and 0.280 and -0.012 of full red.
        ("colorblind:deuteranopia", (255, 0, 0), (163, 144, 0)),
        ("colorblind:protanopia", (255, 0, 0), (109, 95, 0)),
        ("colorblind:tritanopia", (0, 0, 255), (0, 107, 149)),
        ("colorblind:deuteranomaly", (255, 0, 0), (205, 114, 0)),
        ("colorblind:achromatopsia", (255, 0, 0), (127, 127, 127)),
        ("colorblind_assist", (120, 120, 120), (120, 120, 120)),
    ],
)
def test_colour(effect: str, before: Colour, after: Colour) -> None:
    source = plain(9, 9, before) if len(before) > 1 else grayscale(suffix=".png")
    if len(before) == 1:
        source = saved(np.full((9, 9), before[0]))
    assert_close_colour(pixel(png(f"/e_{effect}", source), 4, 4), after, 2)


@pytest.mark.parametrize("kind", ["deuteranopia", "protanopia"])
def test_assistance_keeps_apart_what_simulation_confuses(kind: str) -> None:
    red, green = plain(3, 3, (170, 90, 60)), plain(3, 3, (110, 125, 60))

    def apart(chain: str) -> float:
        pair = [np.array(pixel(png(chain, one), 1, 1), float) for one in (red, green)]
        return float(np.linalg.norm(pair[0] - pair[1]))

    assert apart(f"/e_colorblind_assist:{kind},e_colorblind:{kind}") > 1.3 * apart(f"/e_colorblind:{kind}")


# What is found in the picture -----------------------------------------------------------------------------


def ends(data: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    found = decode(data).astype(int)
    return found[5, 1], found[5, -2]


def test_auto_contrast_reaches_black_and_white() -> None:
    low, high = ends(png("/e_auto_contrast", saved(RAMP)))
    assert low.max() < 8
    assert high.min() > 247
    half = ends(png("/e_auto_contrast:50", saved(RAMP)))
    assert half[0].max() == pytest.approx(31, abs=5)


def test_auto_contrast_keeps_the_cast_that_auto_color_takes() -> None:
    def cast(data: bytes) -> float:
        mean = decode(data).astype(float).mean(axis=(0, 1))
        return float(mean.max() - mean.min())

    assert cast(png("/e_auto_contrast", saved(CAST))) > 40
    assert cast(png("/e_auto_color", saved(CAST))) < 4
    assert (
        4 < cast(png("/e_enhance", saved(CAST))) < cast(png("/e_auto_contrast,e_saturation:15", saved(CAST)))
    )


@pytest.mark.parametrize(("shade", "lighter"), [(50, True), (210, False)])
def test_auto_brightness_goes_towards_the_middle(shade: int, *, lighter: bool) -> None:
    source = saved(np.clip(RAMP - 124 + shade, 0, 255))
    before, after = decode(source).astype(float).mean(), decode(png("/e_auto_brightness", source)).mean()
    assert (after > before + 15) if lighter else (after < before - 15)
    assert abs(after - 117) < abs(before - 117)


@pytest.mark.parametrize("effect", ["auto_contrast", "auto_color"])
def test_a_plain_picture_has_nothing_to_stretch(effect: str) -> None:
    assert pixel(png(f"/e_{effect}", plain(9, 9, (90, 120, 30))), 4, 4) == (90, 120, 30)


def test_what_is_transparent_does_not_count() -> None:
    deep = np.dstack([RAMP, np.full(RAMP.shape[:2], 255)])
    hidden = np.zeros((32, 400, 4))
    hidden[:, :, 1] = 255
    found = decode(png("/e_auto_contrast", saved(np.hstack([deep, hidden]))))
    alone = decode(png("/e_auto_contrast", saved(deep)))
    assert (found[:, :128] == alone).all()


@pytest.mark.parametrize("effect", ["auto_brightness", "auto_contrast", "auto_color", "enhance"])
def test_all_frames_are_treated_alike(effect: str) -> None:
    frames = [RAMP.copy(), np.clip(CAST + 40, 0, 255)]
    frames[0][:, :16] = frames[1][:, :16] = (100, 110, 120)
    moving = render(f"/e_{effect},f_webp,q_lossless", film(frames)).body
    first, second = (pixel(moving, 5, 5, page)[:3] for page in (0, 1))
    assert first == second, "the picture flickers"
    assert first != pixel(png(f"/e_{effect}", saved(frames[0])), 5, 5)[:3], "only one frame was measured"


# Detail ---------------------------------------------------------------------------------------------------


def noisy(sigma: float) -> bytes:
    rng = np.random.default_rng(3)
    edge = np.where(np.arange(96)[None, :, None] < 48, 60, 190) + rng.normal(0, sigma, (64, 96, 3))
    return saved(np.clip(edge, 0, 255))


def test_denoise_calms_areas_and_keeps_edges() -> None:
    before, after = decode(noisy(8)).astype(float), decode(png("/e_denoise:60", noisy(8))).astype(float)
    assert after[8:56, 8:40].std() < 0.35 * before[8:56, 8:40].std()
    step = after[:, 52:60].mean() - after[:, 36:44].mean()
    assert step == pytest.approx(130, abs=4)
    rise = after[10:54, 45:51].mean(axis=(0, 2))
    assert np.diff(rise).max() > 90, "the edge was blurred"


def test_unsharp_overshoots_by_its_amount_and_respects_its_threshold() -> None:
    row = np.where(np.arange(80) < 40, 100, 140)
    source = saved(np.repeat(row[None, :, None], 20, axis=0).repeat(3, axis=2))
    plus = [
        decode(png(f"/e_unsharp:2:{amount}", source))[10, :, 0].astype(int).max() - 140
        for amount in (50, 100, 200)
    ]
    assert plus[0] > 4
    assert plus[1] == pytest.approx(2 * plus[0], abs=2)
    assert plus[2] == pytest.approx(4 * plus[0], abs=3)
    assert (decode(png("/e_unsharp:2:200:60", source)) == decode(source)).all()


@pytest.mark.parametrize(
    ("effect", "box"),
    [
        ("blur_region:10:20:30:40", (10, 20, 30, 40)),
        ("blur_region:0.5:0.25:0.25:0.5:4", (60, 20, 30, 40)),
        ("blur_region:100:60:50:50", (100, 60, 20, 20)),
        ("blur_region:0:0:1.0:1.0:3", (0, 0, 120, 80)),
        ("pixelate_region:10:20:30:40", (10, 20, 30, 40)),
        ("pixelate_region:0.5:0.25:0.25:0.5:6", (60, 20, 30, 40)),
        ("pixelate_region:5:10:15:20:8,dpr_2", (10, 20, 30, 40)),
        ("blur_region:5:10:15:20:8,dpr_2", (10, 20, 30, 40)),
    ],
)
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_regions(effect: str, box: tuple[int, int, int, int], *, moving: bool) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 255, (80, 120, 3))
    source = film([noise, 255 - noise]) if moving else saved(noise)
    done = render(f"/e_{effect},f_webp,q_lossless", source).body
    left, top, width, height = box
    for page in range(2 if moving else 1):
        before, after = decode(source, page).astype(int), decode(done, page).astype(int)
        changed = (before[:, :, :3] != after[:, :, :3]).any(axis=2)
        inside = np.zeros_like(changed)
        inside[top : top + height, left : left + width] = True
        assert not changed[~inside].any(), "something outside changed"
        assert changed[inside].mean() > 0.95
        assert after[inside].std() < 0.75 * before[inside].std()


@pytest.mark.parametrize("effect", ["blur_region:120:0:5:5", "pixelate_region:0:1.0:5:5"])
def test_a_region_outside_is_refused(effect: str) -> None:
    with pytest.raises(RegionOutside):
        render(f"/e_{effect}", CARD)


def test_a_blurred_region_is_the_blur_of_the_whole() -> None:
    whole, part = decode(png("/e_blur:3", CARD)), decode(png("/e_blur_region:40:20:50:40:3", CARD))
    assert np.abs(whole[20:60, 40:90].astype(int) - part[20:60, 40:90]).max() <= 1


@pytest.mark.parametrize(("amount", "corner"), [(40, 0.6), (100, 0.0)])
def test_vignette_darkens_corners_alike(amount: int, corner: float) -> None:
    found = decode(png(f"/e_vignette:{amount}", plain(121, 81, (200, 200, 200))))[:, :, 0].astype(float)
    assert found[0, 0] == pytest.approx(200 * corner, abs=6)
    assert found[40, 60] == 200
    assert (found == found[::-1]).all()
    assert (found == found[:, ::-1]).all()
    assert (np.diff(found[0, 60:]) <= 0).all()


@pytest.mark.parametrize(
    ("effect", "changed", "kept"),
    [
        ("gradient:black:100", (60, 79), (60, 20)),
        ("gradient:black:100:up", (60, 0), (60, 60)),
        ("gradient:black:100:right", (119, 40), (20, 40)),
        ("gradient:black:100:left:10", (0, 40), (112, 40)),
        ("gradient:black:100:135:50", (119, 79), (40, 20)),
    ],
)
def test_gradient_overlay(effect: str, changed: tuple[int, int], kept: tuple[int, int]) -> None:
    data = png(f"/e_{effect}", plain(120, 80, (200, 180, 160)))
    assert_close_colour(pixel(data, *changed), (0, 0, 0), 3)
    assert pixel(data, *kept) == (200, 180, 160)


@pytest.mark.parametrize(
    ("effect", "gone", "kept"), [("fade", (60, 79), (60, 50)), ("fade:50:left", (0, 9), (70, 9))]
)
def test_fade(effect: str, gone: tuple[int, int], kept: tuple[int, int]) -> None:
    data = png(f"/e_{effect}", plain(120, 80, RED))
    assert pixel(data, *gone)[3] <= 2
    assert pixel(data, *kept) == (*RED, 255)


# Shadow and border ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "size", "picture", "seen"),
    [
        # The seen: a point, its colour, and how opaque it is.
        ("/e_shadow:10:6:0:red:50", (130, 86), (0, 0), ((125, 40), (255, 0, 0), 128)),
        ("/e_shadow:-10:-6:0:blue:100", (130, 86), (10, 6), ((3, 30), (0, 0, 255), 255)),
        ("/e_shadow:0:0:20:black:100", (180, 140), (30, 30), ((90, 29), (0, 0, 0), 122)),
        ("/e_shadow:5:3:0:red:50,dpr_2", (130, 86), (0, 0), ((125, 40), (255, 0, 0), 128)),
        ("/e_shadow:10:6:0:red:50,pad_4,b_white", (138, 94), (4, 4), ((129, 44), (255, 127, 127), None)),
        ("/rad_max,e_shadow:10:6:0:red:50", (130, 86), (0, 0), ((127, 46), (255, 0, 0), 128)),
    ],
)
def test_shadow(
    url: str,
    size: tuple[int, int],
    picture: tuple[int, int],
    seen: tuple[tuple[int, int], Colour, int | None],
) -> None:
    data = png(url, CARD)
    assert size_of(data) == size
    at, colour, alpha = seen
    got = pixel(data, *at)
    assert_close_colour(got[:3], colour, 2)
    assert alpha is None or got[3] == pytest.approx(alpha, abs=8)
    assert_close_colour(pixel(data, picture[0] + 30, picture[1] + 20)[:3], RED, 2)


def test_a_soft_shadow_is_not_cut() -> None:
    alpha = decode(png("/rad_20,e_shadow:0:12:40:black:100", CARD))[:, :, 3]
    edges = [alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]
    assert max(int(edge.max()) for edge in edges) <= 3


def test_shadow_falls_through_what_is_transparent() -> None:
    data = png("/e_shadow:0:0:20:black:100", transparent())
    assert pixel(data, 30 + 110, 30 + 40)[3] == 0
    assert 80 < pixel(data, 30 + 62, 30 + 40)[3] < 160


def test_every_frame_has_its_shadow_and_its_border() -> None:
    moving = render("/rad_6,bo_2px_solid_blue/e_shadow:4:4:0,f_webp,q_lossless", animated(3)).body
    assert size_of(moving) == (48, 38)
    for page in range(3):
        assert_close_colour(pixel(moving, 20, 15, page)[:3], frame_colour(page), 2)
        assert_close_colour(pixel(moving, 20, 1, page)[:3], (0, 0, 255), 2)
        assert pixel(moving, 46, 20, page)[3] == pytest.approx(102, abs=2)


def test_a_border_follows_rounded_corners() -> None:
    found = decode(png("/rad_20,bo_6px_solid_blue", CARD)).astype(int)
    assert found.shape == (92, 132, 4)
    assert found[0, 0, 3] == 0
    middle = int(26 - 23 / np.sqrt(2))  # half way through the border, on the diagonal
    assert_close_colour(tuple(found[middle, middle]), (0, 0, 255, 255), 3)
    assert_close_colour(tuple(found[30, 30]), (*RED, 255), 2)
    opaque = found[:, :, 3].sum() / 255
    assert opaque == pytest.approx(132 * 92 - 26**2 * (4 - np.pi), rel=0.002)


def test_a_border_around_padding_is_straight() -> None:
    assert pixel(png("/rad_20,pad_4,bo_6px_solid_blue", CARD), 0, 0) == (0, 0, 255, 255)


@pytest.mark.parametrize(
    ("shape", "area", "inside", "outside"),
    [
        # Of the 120 x 80 card: parts of a square of 80, and points of it.
        ("circle", np.pi / 4, (40, 1), (8, 8)),
        ("triangle", 4 / 3 / np.sqrt(3) * 0.75, (40, 75), (10, 20)),
        ("diamond", 0.5, (40, 3), (10, 10)),
        ("pentagon", None, (40, 4), (3, 76)),
        ("hexagon", 3 * np.sqrt(3) / 8, (40, 3), (3, 3)),
        ("octagon", 2 * (np.sqrt(2) - 1), (40, 1), (4, 4)),
        ("star", None, (40, 6), (20, 10)),
        ("heart", None, (20, 5), (40, 3)),
    ],
)
def test_masks(shape: str, area: float | None, inside: tuple[int, int], outside: tuple[int, int]) -> None:
    found = decode(png(f"/mask_{shape}", CARD))
    assert found.shape == (80, 120, 4)
    alpha = found[:, :, 3].astype(int)
    assert np.abs(alpha - alpha[:, ::-1]).max() <= 1, "left is not as right"
    assert alpha[inside[1], 20 + inside[0]] == 255
    assert alpha[outside[1], 20 + outside[0]] == 0
    assert ((alpha > 0) & (alpha < 255)).sum() > 20 or shape == "diamond", "no antialiasing"
    if area is not None:
        assert alpha.sum() / 255 / 6400 == pytest.approx(area, abs=0.01)
    moving = render(f"/mask_{shape},f_webp,q_lossless", animated(2)).body
    assert [pixel(moving, 20, 15, page) for page in (0, 1)] == [(*frame_colour(page), 255) for page in (0, 1)]
    assert pixel(moving, 0, 0, 1)[3] == 0


# Backgrounds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "points"),
    [
        ("/c_pad,w_200,h_80,b_auto", {(3, 40): BLUE, (197, 40): BLUE}),
        ("/c_pad,w_200,h_80,b_auto:border_contrast", {(3, 40): (255, 255, 255)}),
        ("/c_pad,w_200,h_80,b_auto:predominant", {(3, 40): BLUE, (197, 40): BLUE}),
        ("/c_pad,w_200,h_80,b_auto:border_gradient", {(0, 40): RED, (199, 40): BLUE, (45, 40): RED}),
        ("/c_pad,w_100,h_160,b_auto:border_gradient:right", {(0, 5): RED, (99, 150): BLUE}),
        ("/pad_10,b_gradient:red:blue", {(60, 0): (254, 0, 1), (60, 99): (1, 0, 254)}),
        ("/pad_10,b_gradient:red:blue:right", {(0, 50): (254, 0, 1), (139, 50): (1, 0, 254)}),
        ("/pad_10,b_gradient:red:lime:blue:up", {(5, 99): (252, 3, 0), (5, 50): (0, 252, 3)}),
        ("/pad_10,b_gradient:red:blue:135", {(0, 0): (254, 0, 1), (139, 99): (1, 0, 254)}),
        ("/c_pad,w_200,h_80,pad_10,b_gradient:red:blue:right", {(0, 5): (254, 0, 1), (219, 5): (1, 0, 254)}),
        ("/pad_10,e_negate,b_gradient:red:blue", {(60, 0): (254, 0, 1)}),
        ("/c_pad,w_200,h_80,b_blurred", {(3, 40): RED, (197, 40): BLUE}),
        ("/c_pad,w_200,h_80,b_blurred:2:-50", {(3, 40): (110, 20, 20), (197, 40): (20, 35, 105)}),
        ("/c_pad,w_200,h_80,b_blurred:2:100", {(3, 40): (255, 255, 255)}),
        ("/a_45,b_blurred", {(2, 50): RED}),
        ("/rad_30,b_auto:border_contrast", {(0, 0): (255, 255, 255)}),
    ],
)
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_backgrounds(url: str, points: dict[tuple[int, int], Colour], *, moving: bool) -> None:
    """The picture is a quarter red on the left, the rest blue."""
    scene = np.full((80, 120, 3), BLUE)
    scene[:, :30] = RED
    other = scene.copy()
    other[30:50, 50:70] = GREEN
    data = render(f"{url},f_webp,q_lossless", film([scene, other]) if moving else saved(scene)).body
    for page in range(2 if moving else 1):
        for at, colour in points.items():
            got = pixel(data, *at, page)
            assert_close_colour(got[:3], colour, 4)
            assert len(got) == 3 or got[3] == 255


def test_backgrounds_of_an_animation_stand_still() -> None:
    frames = [np.full((30, 40, 3), colour) for colour in (RED, BLUE)]
    moving = render("/c_pad,w_80,h_30,b_auto,f_webp,q_lossless", film(frames)).body
    assert pixel(moving, 2, 2, 0) == pixel(moving, 2, 2, 1)


@pytest.mark.parametrize("fill", ["auto", "blurred", "gradient:red:blue", "gradient:red:transparent"])
def test_backgrounds_lie_behind_alpha(fill: str) -> None:
    data = png(f"/b_{fill}", transparent())
    assert_close_colour(pixel(data, 20, 20)[:3], RED, 2)
    behind = pixel(data, 90, 0)
    assert len(behind) == (4 if "transparent" in fill else 3)
    if "gradient" in fill:
        assert_close_colour(behind[:3], (254, 0, 0), 4)
    else:
        assert behind[1] < 90, "the invisible green half is in it"


def test_what_is_half_transparent_is_laid_on_once() -> None:
    assert pixel(png("/c_pad,w_200,h_80,b_rgb:ff000080", CARD), 2, 2) == (255, 0, 0, 128)


def test_dpr_multiplies_the_blur_of_a_background() -> None:
    one, two = (
        png(f"/c_pad,w_{w},h_{h},b_blurred:{s}", CARD) for w, h, s in ((100, 40, "5,dpr_2"), (200, 80, 10))
    )
    assert (decode(one) == decode(two)).all()


@pytest.mark.parametrize("source", ["grey", "grey+alpha", "one pixel"])
@pytest.mark.parametrize(
    "url",
    [
        "/e_shadow",
        "/rad_2,bo_1px_solid_grey",
        "/pad_3,b_auto",
        "/pad_3,b_blurred",
        "/pad_3,b_auto:border_gradient",
    ],
)
def test_every_edge_takes_every_kind_of_picture(url: str, source: str) -> None:
    grey = grayscale(suffix=".png")
    deep = pyvips.Image.new_from_buffer(grey, "").bandjoin(128)
    data = {"grey": grey, "grey+alpha": bytes(deep.write_to_buffer(".png")), "one pixel": plain(1, 1, RED)}[
        source
    ]
    before, after = size_of(data), size_of(png(url, data))
    grown = {"/e_shadow": (72, 72), "/rad_2,bo_1px_solid_grey": (2, 2)}.get(url, (6, 6))
    assert after == (before[0] + grown[0], before[1] + grown[1])


# Neutral values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "neutral",
    [
        "auto_brightness:0", "auto_color:0", "auto_contrast:0", "enhance:0", "tint:0:red",
        "tint:50:transparent", "monochrome:red:0", "duotone:red:blue:0", "denoise:0", "unsharp:1:0",
        "blur_region:0:0:5:5:0", "pixelate_region:0:0:5:5:1", "vignette:0", "gradient:black:0",
        "gradient:transparent", "fade:0",
        "shadow:0:8:24:black:0", "shadow:0:8:24:transparent",
    ],
)  # fmt: skip
def test_neutral_values_are_dropped(neutral: str) -> None:
    assert parse(f"/w_9,e_{neutral}/cat").canonical() == "/w_9/cat"
