"""Layers: where they lie, and how they mix."""

from __future__ import annotations

import numpy as np
import pytest

from tests.origin.imaging.rendering import png, render
from tests.support.pictures import (
    BLUE,
    CENTRE,
    GREEN,
    RED,
    Colour,
    animated,
    assert_close_colour,
    card,
    decode,
    frame_colour,
    grayscale,
    oriented,
    pixel,
    plain,
    size_of,
    transparent,
)

INK = (10, 20, 30)
LOGO = plain(20, 10, INK)
GREY = plain(60, 40, (100, 150, 200))


def over(url: str, source: bytes = GREY, **layers: bytes) -> bytes:
    return png(url, source, layers={"logo": LOGO, **layers})


def box(data: bytes, colour: Colour = INK) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels of ``colour``."""
    found = (abs(decode(data)[:, :, :3].astype(int) - colour) < 4).all(axis=2)
    down, across = np.nonzero(found)
    return int(across.min()), int(down.min()), int(across.max()) + 1, int(down.max()) + 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/l_logo", (20, 15, 40, 25)),
        ("/l_logo,g_north_west", (0, 0, 20, 10)),
        ("/l_logo,g_north_west,x_3,y_4", (3, 4, 23, 14)),
        ("/l_logo,g_south_east,x_3,y_4", (37, 26, 57, 36)),
        ("/l_logo,g_south_east,x_-10,y_-5", (50, 35, 60, 40)),
        ("/l_logo,g_xy_center,x_0,y_0", (0, 0, 10, 5)),
        ("/l_logo,g_fp:1.0:1.0", (50, 35, 60, 40)),
        ("/l_logo,g_east,x_0.5", (10, 15, 30, 25)),
        ("/l_logo,w_10", (25, 18, 35, 23)),
        ("/l_logo,r_90", (25, 10, 35, 30)),
        ("/l_logo,c_scale,w_1.0,h_0.5", (0, 10, 60, 30)),
        ("/l_logo/w_10/r_90/fl_layer_apply,g_north_west,x_1", (1, 0, 6, 10)),
        ("/l_logo/c_crop,w_6,h_4/fl_layer_apply,g_south", (27, 36, 33, 40)),
        ("/l_logo,g_north_west,dpr_2,x_3,y_4", (6, 8, 26, 18)),
    ],
)
def test_place(url: str, expected: tuple[int, int, int, int]) -> None:
    data = over(url)
    assert size_of(data) == (60, 40)
    assert box(data) == expected


def test_a_layer_wholly_outside_changes_nothing() -> None:
    assert (decode(over("/l_logo,g_north_west,x_100")) == decode(GREY)).all()


def test_layers_are_turned_by_their_own_orientation() -> None:
    logo = oriented(6, 60, 40)
    data = png("/l_logo,g_north_west", plain(60, 40, (0, 0, 0)), layers={"logo": logo})
    assert_close_colour(pixel(data, 4, 4), RED, 12)
    assert_close_colour(pixel(data, -5, 4), GREEN, 12)


def test_a_layer_in_a_layer() -> None:
    data = over(
        "/l_frame/l_logo/fl_layer_apply,g_north_west/w_30/fl_layer_apply,g_south_east",
        frame=plain(60, 40, (255, 255, 255)),
    )
    assert box(data, (255, 255, 255))[2:] == (60, 40)
    assert_close_colour(pixel(data, 34, 23), INK, 6)
    assert pixel(data, 50, 35) == (255, 255, 255)


def test_components_after_a_layer_work_on_the_whole() -> None:
    assert box(over("/l_logo,g_north_west/flip_h")) == (40, 0, 60, 10)


@pytest.mark.parametrize(("percent", "share"), [(100, 1.0), (50, 0.5), (20, 0.2), (0, 0.0)])
def test_opacity(percent: int, share: float) -> None:
    expected = tuple(
        round(low * (1 - share) + high * share) for low, high in zip((100, 150, 200), INK, strict=True)
    )
    assert_close_colour(pixel(over(f"/l_logo,o_{percent}"), 30, 20), expected, 1)


def test_alpha_of_the_layer_counts() -> None:
    data = png("/l_logo", plain(120, 80, (0, 0, 0)), layers={"logo": transparent()})
    assert pixel(data, 100, 5) == (0, 0, 0)
    assert_close_colour(pixel(data, 59, 5), (110, 20, 20), 2)
    assert pixel(data, 5, 5) == RED


def test_tiled_covers_everything() -> None:
    data = over("/l_logo,fl_tiled", logo=card(20, 10))
    found = decode(data)
    assert found.shape == (40, 60, 3)
    for top in range(0, 40, 10):
        for left in range(0, 60, 20):
            assert (found[top : top + 10, left : left + 20] == decode(card(20, 10))).all()


def test_tiles_stand_apart() -> None:
    found = decode(over("/l_logo,fl_tiled,x_4,y_3"))
    inked = (found == INK).all(axis=2)
    assert [inked[0, x] for x in (0, 19, 20, 23, 24)] == [True, True, False, False, True]
    assert [inked[y, 0] for y in (9, 10, 12, 13)] == [True, False, False, True]
    assert (decode(over("/l_logo/fl_layer_apply,fl_tiled,x_4,y_3")) == found).all()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("multiply", (4, 12, 24)),
        ("screen", (106, 158, 206)),
        ("darken", (10, 20, 30)),
        ("lighten", (100, 150, 200)),
        ("difference", (90, 130, 170)),
        ("exclusion", (102, 146, 183)),
        ("add", (110, 170, 230)),
        ("overlay", (8, 61, 157)),
        ("hard_light", (8, 24, 47)),
        ("color_dodge", (104, 163, 227)),
        ("color_burn", (0, 0, 0)),
        ("linear_burn", (0, 0, 0)),
        ("subtract", (90, 130, 170)),
        ("color", (132, 142, 152)),
        ("luminosity", (0, 22, 45)),
        ("atop", (10, 20, 30)),
    ],
)
def test_blend_modes(mode: str, expected: Colour) -> None:
    data = over(f"/l_logo,e_{mode}")
    assert_close_colour(pixel(data, 30, 20), expected, 2)
    assert pixel(data, 2, 2) == (100, 150, 200), "outside the layer something changed"


def test_soft_light_lies_between() -> None:
    assert 0 < pixel(over("/l_logo,e_soft_light"), 30, 20)[0] < 100


def test_mask_and_cut() -> None:
    kept = over("/l_logo,e_mask")
    assert pixel(kept, 30, 20) == (100, 150, 200, 255)
    assert pixel(kept, 2, 2)[3] == 0
    for mode in ("cut", "xor"):
        gone = over(f"/l_logo,e_{mode}")
        assert pixel(gone, 30, 20)[3] == 0
        assert pixel(gone, 2, 2) == (100, 150, 200, 255)


def test_blending_counts_the_alpha_of_the_picture_below() -> None:
    plain_layer = {"logo": plain(120, 80, INK)}
    for mode, left, right in (("atop", 255, 0), ("xor", 0, 255), ("color", 255, 255), ("subtract", 255, 255)):
        data = png(f"/l_logo,e_{mode}", transparent(), layers=plain_layer)
        assert [pixel(data, x, 5)[3] for x in (5, 100)] == [left, right], mode
        if right:
            assert_close_colour(pixel(data, 100, 5)[:3], INK, 1)  # nothing is there to mix with


def test_an_opaque_picture_stays_opaque_under_a_layer() -> None:
    assert decode(over("/l_logo")).shape[2] == 3


def test_a_coloured_layer_makes_a_grey_picture_coloured() -> None:
    data = png("/l_logo,g_north_west", grayscale(suffix=".png"), layers={"logo": plain(9, 9, RED)})
    assert pixel(data, 3, 3) == RED


def test_underlay_shows_through() -> None:
    data = png("/u_logo,c_scale,w_1.0,h_1.0", transparent(), layers={"logo": plain(9, 9, BLUE)})
    assert size_of(data) == (120, 80)
    assert_close_colour(pixel(data, 5, 5)[:3], RED, 1)
    assert_close_colour(pixel(data, 100, 40)[:3], BLUE, 3)


def test_a_layer_may_be_the_source_itself() -> None:
    data = png("/l_cat/c_scale,w_0.5/fl_layer_apply,g_north_west", card())
    assert size_of(data) == (120, 80)
    assert_close_colour(pixel(data, 30, 20), CENTRE, 2)


def test_a_layer_lies_on_every_frame() -> None:
    data = render("/l_logo,g_north_west,f_gif", animated(), layers={"logo": LOGO}).body
    for frame in range(3):
        assert_close_colour(pixel(data, 5, 5, page=frame)[:3], INK, 8)
        assert_close_colour(pixel(data, 30, 20, page=frame)[:3], frame_colour(frame), 8)


def test_of_an_animated_layer_the_first_frame_is_laid() -> None:
    data = over("/l_logo,g_north_west", logo=animated())
    assert_close_colour(pixel(data, 5, 5), frame_colour(0), 8)
