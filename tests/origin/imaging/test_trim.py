"""``e_trim``: what is cut away, on stills, animations and turned originals, and what comes after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from tests.origin.imaging.rendering import png, render
from tests.support.pictures import Colour, decode, pixel, plain, size_of

RED, BLUE = (220, 40, 40), (40, 70, 210)
Box = tuple[int, int, int, int]
"""Left, top, width, height."""


def boxed(
    border: Colour, *boxes: Box, colour: Colour = RED, size: tuple[int, int] = (60, 40)
) -> list[NDArray[np.uint8]]:
    """A frame for each box: the box in ``colour`` on ``border``."""
    frames = []
    for left, top, width, height in boxes:
        frame = np.empty((size[1], size[0], len(border)), np.uint8)
        frame[:] = border
        frame[top : top + height, left : left + width] = (*colour, 255)[: len(border)]
        frames.append(frame)
    return frames


def file(frames: Sequence[NDArray[np.uint8]], orientation: int = 1) -> bytes:
    image = pyvips.Image.new_from_array(np.concatenate(frames), interpretation="srgb").copy()
    if len(frames) > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", frames[0].shape[0])
        return bytes(image.webpsave_buffer(lossless=True))
    if orientation == 6:
        image = image.rot270().copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return bytes(image.pngsave_buffer())


WHITE = (255, 255, 255)
NEAR = (245, 245, 245)
CLEAR = (0, 0, 0, 0)
BOX = (10, 5, 30, 20)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("border", "url", "size"),
    [
        (WHITE, "e_trim", (30, 20)),
        (WHITE, "e_trim:0", (30, 20)),
        (WHITE, "e_trim:10:white", (30, 20)),
        (NEAR, "e_trim:10:white", (30, 20)),
        (NEAR, "e_trim:1:white", (60, 40)),
        (WHITE, "e_trim:10:blue", (60, 40)),
        (WHITE, "e_trim:100", (60, 40)),
        (WHITE, "e_trim:10:transparent", (60, 40)),
        (CLEAR, "e_trim", (30, 20)),
        (CLEAR, "e_trim:10:transparent", (30, 20)),
        ((255, 255, 255, 255), "e_trim:10:white", (30, 20)),
        # what comes after it: fractions are of the picture that enters, ratios of what is left
        (WHITE, "e_trim,w_15", (15, 10)),
        (WHITE, "e_trim,w_0.5", (30, 20)),
        (WHITE, "e_trim,w_0.25", (15, 10)),
        (WHITE, "e_trim/w_0.5", (15, 10)),
        (WHITE, "e_trim,c_fit,w_0.75", (45, 30)),
        (WHITE, "e_trim,pad_5", (40, 30)),
        (WHITE, "e_trim,pad_0.1", (42, 28)),
        (WHITE, "e_trim,bo_0.1_solid_blue", (38, 28)),
        (WHITE, "e_trim,c_fill,w_20,h_20,g_east", (20, 20)),
        (WHITE, "e_trim,c_crop,w_10,h_10,g_south_east", (10, 10)),
        (WHITE, "e_trim,mw_60", (60, 40)),
        (WHITE, "r_90,e_trim", (20, 30)),
        (WHITE, "r_90,e_trim,w_10", (10, 15)),
        (WHITE, "flip_h,e_trim,w_0.5", (30, 20)),
    ],
)
def test_what_is_left(border: Colour, url: str, size: tuple[int, int], orientation: int) -> None:
    data = png(f"/{url}", file(boxed(border, BOX), orientation))
    assert size_of(data) == size
    if url in {"e_trim", "e_trim/w_0.5", "r_90,e_trim", "e_trim,c_crop,w_10,h_10,g_south_east"}:
        assert np.abs(decode(data)[:, :, :3].astype(int) - RED).max() <= 3, "nothing of the border is left"


def test_where_it_is_cut() -> None:
    frame = boxed(WHITE, BOX)[0]
    frame[5, 10] = BLUE
    for orientation in (1, 6):
        data = png("/e_trim", file([frame], orientation))
        assert pixel(data, 0, 0) == BLUE
        assert pixel(data, 1, 1) == pixel(data, -1, -1) == RED


@pytest.mark.parametrize("border", [WHITE, CLEAR], ids=["white", "clear"])
def test_an_animation_keeps_what_any_frame_shows(border: Colour) -> None:
    data = render(
        "/e_trim,f_webp,q_lossless", file(boxed(border, (10, 5, 10, 10), (25, 20, 15, 5), (12, 7, 4, 4)))
    ).body
    assert size_of(data) == (30, 20)
    assert pixel(data, 0, 0, 0)[:3] == RED
    assert pixel(data, 29, 19, 1)[:3] == RED
    assert pixel(data, 2, 2, 2)[:3] == RED
    assert pixel(data, 29, 19, 0)[: len(border)] in {border, (*border, 255)[: len(border)]}


def test_an_empty_frame_takes_nothing_away_from_the_others() -> None:
    frames = boxed(WHITE, (0, 0, 0, 0), BOX)
    assert size_of(render("/e_trim,f_webp", file(frames)).body) == (30, 20)


@pytest.mark.parametrize("colour", [RED, WHITE, CLEAR], ids=["red", "white", "clear"])
@pytest.mark.parametrize("url", ["e_trim", "e_trim:0", "e_trim:100", "e_trim:10:transparent"])
def test_of_one_colour_nothing_is_trimmed(colour: Colour, url: str) -> None:
    assert size_of(png(f"/{url}", plain(30, 20, colour))) == (30, 20)
    assert size_of(png(f"/{url},w_10", plain(30, 20, colour))) == (10, 7)
