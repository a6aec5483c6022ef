"""Every crop mode with every gravity, on stills, animations and turned originals, pixel by pixel.

The picture is a ramp: red tells how far from the left a pixel comes, green how far from the top, and blue
which frame it is of. What a URL should show is worked out here once more, in whole pixels.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from tests.origin.imaging.rendering import render
from tests.support.pictures import decode

WIDTH, HEIGHT, FRAMES = 60, 40, 3
Pair = tuple[int, int]


def ramp(frame: int = 0) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([4 * x, 6 * y, np.full_like(x, 80 * frame)], axis=2).astype(np.uint8)


STORED: dict[int, Callable[[Any], Any]] = {
    1: lambda image: image,
    2: lambda image: image.fliphor(),
    3: lambda image: image.rot180(),
    4: lambda image: image.flipver(),
    5: lambda image: image.rot90().fliphor(),
    6: lambda image: image.rot270(),
    7: lambda image: image.rot270().fliphor(),
    8: lambda image: image.rot90(),
}
"""How a picture is stored that is shown upright."""


@functools.cache
def source(kind: str) -> bytes:
    if kind == "animated":
        strip = np.concatenate([ramp(frame) for frame in range(FRAMES)])
        image = pyvips.Image.new_from_array(strip, interpretation="srgb").copy()
        image.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)
        image.set_type(pyvips.GValue.array_int_type, "delay", [100] * FRAMES)
        return bytes(image.webpsave_buffer(lossless=True))
    image = pyvips.Image.new_from_array(ramp(), interpretation="srgb").copy()
    orientation = int(kind.removeprefix("orientation ")) if kind != "still" else 1
    image = STORED[orientation](image).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return bytes(image.pngsave_buffer())


class Mode(NamedTuple):
    """``resized`` is the whole picture after its resize, ``shown`` the part of it that is seen."""

    url: str
    resized: Pair
    shown: Pair
    canvas: Pair | None = None


MODES = [
    Mode("c_crop,w_20,h_10", (60, 40), (20, 10)),
    Mode("c_crop,w_0.5,h_0.5", (60, 40), (30, 20)),
    Mode("c_fill,w_20,h_20", (30, 20), (20, 20)),
    Mode("c_fill,w_60,h_20", (60, 40), (60, 20)),
    Mode("c_fill,w_100,h_100", (150, 100), (100, 100)),
    Mode("c_lfill,w_20,h_20", (30, 20), (20, 20)),
    Mode("c_lfill,w_90,h_20", (60, 40), (60, 20)),
    Mode("c_thumb,w_20,h_20", (30, 20), (20, 20)),
    Mode("c_thumb,w_30,h_20,z_2", (60, 40), (30, 20)),
    Mode("c_auto,w_20,h_20", (30, 20), (20, 20)),
    Mode("c_auto,w_30,h_20,z_2", (60, 40), (30, 20)),
    Mode("c_fill_pad,w_20,h_20", (30, 20), (20, 20)),
    Mode("c_fill_pad,w_20,h_60", (30, 20), (20, 20), (20, 60)),
    Mode("c_auto_pad,w_20,h_60", (30, 20), (20, 20), (20, 60)),
    Mode("c_pad,w_30,h_30", (30, 20), (30, 20), (30, 30)),
    Mode("c_pad,w_120,h_100", (120, 80), (120, 80), (120, 100)),
    Mode("c_lpad,w_80,h_60", (60, 40), (60, 40), (80, 60)),
    Mode("c_mpad,w_80,h_60", (60, 40), (60, 40), (80, 60)),
    Mode("c_mpad,w_80,h_20", (60, 40), (60, 40), (80, 40)),
    Mode("w_25,mh_30", (45, 30), (25, 30)),
]
PLAIN = [
    Mode("w_30,h_30", (30, 20), (30, 20)),
    Mode("w_90,h_90", (60, 40), (60, 40)),
    Mode("c_fit,w_120,h_120", (120, 80), (120, 80)),
    Mode("c_mfit,w_120,h_120", (120, 80), (120, 80)),
    Mode("c_mfit,w_20,h_20", (60, 40), (60, 40)),
    Mode("c_scale,w_30,h_10", (30, 10), (30, 10)),
    Mode("c_scale,w_0.5", (30, 20), (30, 20)),
    Mode("mw_90", (90, 60), (90, 60)),
]
COMPASS = {
    f"{south}_{east}".strip("_") or "center": (across, down)
    for south, down in (("north", 0.0), ("", 0.5), ("south", 1.0))
    for east, across in (("west", 0.0), ("", 0.5), ("east", 1.0))
}
SHIFTS = {"": (0, 0.0), ",x_3,y_2": (3, 2.0), ",x_-2,y_0.1": (-2, 0.1)}
"""Pixels of the result, or a fraction of the picture."""
POINTS = {
    "g_fp:0.25:0.75": (0.25, 0.75),
    "g_fp:0.0:1.0": (0.0, 1.0),
    "g_focus": (0.6, 0.4),
    "g_xy_center,x_20,y_20": (20 / WIDTH, 20 / HEIGHT),
    "g_xy_center,x_0.5,y_0.25": (0.5, 0.25),
}
FOCUS = (0.6, 0.4)


def half_up(value: float) -> int:
    return math.floor(value + 0.5 + 1e-9)


def within(start: int, inner: int, outer: int) -> int:
    return max(0, min(start, outer - inner))


def from_edge(along: float, room: int, shift: int) -> int:
    return room - shift if along == 1 else half_up(room * along) + shift


def expected(mode: Mode, left: int, top: int, frame: int, at: Pair = (0, 0)) -> NDArray[np.float64]:
    """The ramp, resized, cut at ``left``, ``top``, and laid into white at ``at``."""
    across = (left + np.arange(mode.shown[0]) + 0.5) * WIDTH / mode.resized[0] - 0.5
    down = (top + np.arange(mode.shown[1]) + 0.5) * HEIGHT / mode.resized[1] - 0.5
    pixels = np.empty((mode.shown[1], mode.shown[0], 3))
    pixels[:, :, 0] = 4 * across.clip(0, WIDTH - 1)
    pixels[:, :, 1] = 6 * down.clip(0, HEIGHT - 1)[:, np.newaxis]
    pixels[:, :, 2] = 80 * frame
    if mode.canvas is None:
        return pixels
    canvas = np.full((mode.canvas[1], mode.canvas[0], 3), 255.0)
    canvas[at[1] : at[1] + mode.shown[1], at[0] : at[0] + mode.shown[0]] = pixels
    return canvas


def look(kind: str, url: str, mode: Mode, cut: Pair, at: Pair = (0, 0)) -> None:
    output = "f_webp,q_lossless" if kind == "animated" else "f_png"
    rendered = render(f"/{url},{output}", source(kind), focus=FOCUS)
    assert rendered.frames == (FRAMES if kind == "animated" else 1)
    for frame in range(rendered.frames):
        shown = decode(rendered.body, frame).astype(float)[:, :, :3]
        wanted = expected(mode, *cut, frame, at)
        assert shown.shape == wanted.shape, f"{url}: {shown.shape[1]}x{shown.shape[0]}"
        gap = np.abs(shown - wanted)
        assert gap.mean() < 1.3, f"{url}, frame {frame}: {gap.mean():.2f} apart"
        assert np.quantile(gap, 0.99) <= 6, url


@pytest.mark.parametrize("kind", ["still", "animated", "orientation 6"])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.url)
def test_compass(mode: Mode, kind: str) -> None:
    """Offsets count inwards from the edge that gravity names, and what is cut lies in the picture."""
    look_around(mode, kind, COMPASS, SHIFTS if kind == "still" else [""])


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 7, 8])
def test_every_orientation(orientation: int) -> None:
    for mode in MODES:
        look_around(mode, f"orientation {orientation}", ["north_west", "east", "south"], [""])


def look_around(mode: Mode, kind: str, words: Iterable[str], shifts: Iterable[str]) -> None:
    for word in words:
        across, down = COMPASS[word]
        for said in shifts:
            x, fraction = SHIFTS[said]
            rooms = [resized - shown for resized, shown in zip(mode.resized, mode.shown, strict=True)]
            y = half_up(fraction * mode.resized[1]) if 0 < fraction < 1 else int(fraction)
            cut = (
                within(from_edge(across, rooms[0], x), mode.shown[0], mode.resized[0]),
                within(from_edge(down, rooms[1], y), mode.shown[1], mode.resized[1]),
            )
            if "c_crop" in mode.url and cut != (
                from_edge(across, rooms[0], x),
                from_edge(down, rooms[1], y),
            ):
                continue  # a region is clipped, not moved: test_plan
            at = (0, 0)
            if mode.canvas:
                at = (
                    within(
                        from_edge(across, mode.canvas[0] - mode.shown[0], x), mode.shown[0], mode.canvas[0]
                    ),
                    within(from_edge(down, mode.canvas[1] - mode.shown[1], y), mode.shown[1], mode.canvas[1]),
                )
            look(kind, f"{mode.url},g_{word}{said}", mode, cut, at)


@pytest.mark.parametrize("kind", ["still", "animated", "orientation 6"])
@pytest.mark.parametrize("mode", [mode for mode in MODES if not mode.canvas], ids=lambda mode: mode.url)
def test_points(mode: Mode, kind: str) -> None:
    """The middle of what is cut lies on the point, as far as the picture reaches."""
    for said, (x, y) in POINTS.items():
        cut = (
            within(half_up(mode.resized[0] * x - mode.shown[0] / 2), mode.shown[0], mode.resized[0]),
            within(half_up(mode.resized[1] * y - mode.shown[1] / 2), mode.shown[1], mode.resized[1]),
        )
        if "c_crop,w_0.5" in mode.url and "xy_center" in said:
            continue  # sticks out, and is clipped
        look(kind, f"{mode.url},{said}", mode, cut)


@pytest.mark.parametrize("kind", ["still", "animated", "orientation 6"])
def test_modes_that_keep_everything(kind: str) -> None:
    for mode in PLAIN:
        look(kind, mode.url, mode, (0, 0))


@pytest.mark.parametrize("kind", ["still", "animated", "orientation 6"])
@pytest.mark.parametrize("by", ["auto", "entropy"])
@pytest.mark.parametrize(
    ("url", "size"),
    [
        ("c_fill,w_20,h_20", (20, 20)),
        ("c_crop,w_20,h_20", (20, 20)),
        ("c_thumb,w_20,h_20,z_1.5", (20, 20)),
        ("c_auto,w_20,h_20,z_1.5", (20, 20)),
        ("c_fill_pad,w_20,h_60", (20, 60)),
        ("c_auto_pad,w_20,h_20", (20, 20)),
        ("c_lfill,w_30,h_90", (30, 40)),
    ],
)
def test_what_is_looked_for_is_the_same_in_every_frame(url: str, size: Pair, by: str, kind: str) -> None:
    """Every frame is cut at the same place, which is one of the picture as shown."""
    output = "f_webp,q_lossless" if kind == "animated" else "f_png"
    rendered = render(f"/{url},g_{by},{output}", source(kind))
    assert (rendered.width, rendered.height) == size
    frames = [decode(rendered.body, frame).astype(int)[:, :, :3] for frame in range(rendered.frames)]
    for frame in frames:
        assert np.abs(frame[:, :, :2] - frames[0][:, :, :2]).max() <= 2
    inside = frames[0][size[1] // 2]
    assert (np.diff(inside[:, 0]) > 0).all(), "red grows to the right in the picture as shown"
    assert np.ptp(inside[:, 1]) <= 3
