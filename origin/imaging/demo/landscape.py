"""Dusk over a lake: sky, four ranges of mountains, their reflection, and two near shores."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from origin.imaging.demo.drawing import (
    Colour,
    Stops,
    VipsImage,
    columns,
    finish,
    gradient,
    grid,
    inside,
    length,
    mix,
    noise,
    profile,
    row,
    rows,
    screen,
    starlight,
)

_WIDE, _HIGH = 2400, 1600
_SUMMIT, _SHORE = 480, 1120
"""No mountain reaches above the one row; the lake begins at the other."""
_SUN: Final = (1580, 655)
_SKY: Final[Stops] = (
    (0, (20, 24, 62)),
    (260, (54, 44, 104)),
    (500, (128, 66, 128)),
    (700, (222, 100, 110)),
    (860, (250, 150, 104)),
    (1120, (255, 216, 158)),
)
_CLOUDS: Final[Stops] = ((200, (92, 60, 124)), (480, (236, 112, 120)), (760, (255, 186, 130)))
_MIST: Final = (255, 184, 142)
_BANKS: Final = (
    (
        (40, 28, 72),
        lambda x: 240 * math.exp(-((x / 700) ** 2)) + 170 * math.exp(-(((x - 2400) / 480) ** 2)) - 40,
        (
            (66, 560), (170, 420), (250, 470), (388, 380), (455, 300), (530, 330), (600, 210), (690, 250),
            (760, 140), (2340, 430), (2262, 380), (2190, 300), (2120, 330), (2040, 200), (1980, 150),
        ),
    ),
    (
        (13, 13, 36),
        lambda x: 170 * math.exp(-((x / 520) ** 2)) + 100 * math.exp(-(((x - 2400) / 340) ** 2)) - 30,
        (
            (20, 740), (130, 590), (222, 440), (310, 520), (420, 330), (505, 230), (2385, 560), (2290, 400),
            (2215, 250),
        ),
    ),
)  # fmt: skip
"""Colour, height over the lower edge by x, and trees (x, height) of the near shores, the farther first."""


@dataclass(frozen=True)
class _Ridge:
    """One range of mountains: its crest lies at ``height`` above the shore, give or take ``relief``."""

    seed: int
    height: float
    relief: float
    colour: Colour
    light: Colour
    mist: float
    peaks: Sequence[tuple[float, float, float]]
    """Centre, half width and height of the mountains that stand out."""


_RIDGES: Final = (
    _Ridge(11, 205, 90, (176, 98, 136), (255, 164, 132), 0.75, ((620, 420, 330), (2180, 330, 210))),
    _Ridge(23, 150, 90, (128, 74, 126), (236, 128, 122), 0.65,
           ((240, 330, 270), (1010, 260, 120), (2330, 260, 190))),
    _Ridge(37, 100, 80, (86, 56, 112), (178, 88, 118), 0.55,
           ((60, 360, 190), (1250, 240, 70), (2050, 300, 90))),
    _Ridge(41, 52, 60, (52, 40, 92), (110, 60, 104), 0.4, ((420, 300, 80), (2400, 420, 150))),
)  # fmt: skip


def landscape() -> VipsImage:
    sky = _sky().copy_memory()
    _, down = grid(_WIDE, _HIGH)
    middle = (0, _SUMMIT, _WIDE, _SHORE - _SUMMIT)
    land, ground = sky.crop(*middle), down.crop(*middle)
    for ridge in _RIDGES:
        land = _mountains(land, ridge, ground)
    view = sky.insert(_far_shore(land, ground), 0, _SUMMIT).copy_memory()
    scene = view.join(_lake(view), "vertical")
    for colour, bank, trees in _BANKS:
        scene = mix(scene, colour, _bank(bank, trees, down))
    return finish(scene)


def _sky() -> VipsImage:
    # All but the stars and the sun's edge is soft: half the size is enough for it.
    width, height = _WIDE // 2, _SHORE // 2
    across, down = (place * 2 for place in grid(width, height))
    x, y = across - _SUN[0], down - _SUN[1]
    # Noise stretched sideways: long thin clouds, lit from below.
    clouds = noise(width // 3, height, 96, 6, 9).resize(3, vscale=1, kernel="linear")
    clouds = (clouds * 2.6 + 0.12).clamp() * (((down - 430) / 230) ** 2 * -1).exp()
    sky = mix(gradient(_SKY, width, height, 2), gradient(_CLOUDS, width, height, 2), clouds * 0.8)
    sky = screen(sky, (255, 130, 90), (length(x, y * 1.7) / -330).exp() * 0.7)
    sky = screen(sky, (255, 220, 160), (length(x, y) / -100).exp() * 0.8)
    sky = sky.resize(2, kernel="linear")
    stars = starlight(_WIDE, _SUMMIT, 5, 3.2) * columns(row(1 - y / _SUMMIT for y in range(_SUMMIT)), _WIDE)
    sky = sky + stars.embed(0, 0, _WIDE, _SHORE)
    across, down = grid(180, 180)
    sun = inside(82 - length(across - 90, down - 90))
    left, top = _SUN[0] - 90, _SUN[1] - 90
    return sky.insert(mix(sky.crop(left, top, 180, 180), (255, 246, 220), sun), left, top)


def _mountains(land: VipsImage, ridge: _Ridge, down: VipsImage) -> VipsImage:
    crest = profile(_WIDE, ridge.seed) * ridge.relief + ridge.height
    across, _ = grid(_WIDE, 1)
    for centre, half, height in ridge.peaks:
        # Cones with a hint of a round top: straight flanks, as rock has.
        slope = ((((across - centre) / half) ** 2 + 0.02) ** 0.5 * -1 + 1.14).clamp(min=0, max=2)
        crest = crest + slope * height
    depth = (down - rows(crest * -1 + _SHORE, down)).copy_memory()
    # Gullies run down the flanks; what faces the sun is lit.
    folds = noise(_WIDE + 8, down.height * 2 // 3 + 5, 190, 7, ridge.seed + 1).abs()
    folds = folds.resize(1, vscale=1.5, kernel="linear").copy_memory()
    here, towards = folds.crop(0, 0, _WIDE, down.height), folds.crop(8, 5, _WIDE, down.height)
    lit = ((here - towards) * 4.4 + 0.3).clamp()
    mist = row(max(y - 720, 0) ** 1.6 / 400**1.6 * ridge.mist for y in range(_SUMMIT, _SHORE))
    dark, bright = (columns(mix(colour, _MIST, mist), _WIDE) for colour in (ridge.colour, ridge.light))
    stone = mix(dark, bright, lit * (depth / -300).exp())
    return mix(land, stone, inside(depth))


def _far_shore(land: VipsImage, down: VipsImage) -> VipsImage:
    """A strip of forest along the water."""
    chance = random.Random(7)  # noqa: S311 - the same forest each time
    tops = [0.0] * _WIDE
    for foot in range(0, _WIDE, 5):
        height = chance.uniform(10, 34) * (1 + 0.5 * math.sin(foot / 170))
        for x in range(max(foot - 14, 0), min(foot + 15, _WIDE)):
            tops[x] = max(tops[x], height - abs(x - foot) * 2.6)
    ground = profile(_WIDE, 77) * 30 + 18
    forest = inside(down - rows((ground + row(tops)) * -1 + _SHORE, down))
    haze = gradient(((1050 - _SUMMIT, (42, 34, 82)), (_SHORE - _SUMMIT, (116, 66, 104))), _WIDE, down.height)
    return mix(land, haze, forest)


def _lake(land: VipsImage) -> VipsImage:
    """The land upside down, seen through waves that grow towards the viewer."""
    across, down = grid(_WIDE, _HIGH - _SHORE)
    near = (down / down.height).copy_memory()
    away = near * 480 + 14
    tile = 1024  # the noise repeats after that
    waves = noise(tile, tile, 64, 5, 3).copy_memory()
    place = ((across - _SUN[0]) / away * 110 + tile / 2).bandjoin(away.log() * 1500) % tile
    waves = waves.mapim(place, extend="copy").copy_memory()
    seen = (across + waves * near * 50).bandjoin(near * -760 + _SHORE - 1 + waves * near**0.7 * 130)
    water = land.mapim(seen, extend="copy") * (near * [-0.14, -0.37, -0.38] + [0.95, 0.88, 0.92])
    path = (((across - _SUN[0]) / (near * 150 + 60)) ** 2 * -1).exp()
    water = screen(water, (255, 214, 160), (waves * 5 - 0.25).clamp() * path * 0.9)
    return screen(water, (255, 206, 170), (near * -30).exp() * 0.4)


def _bank(bank: Callable[[float], float], trees: Sequence[tuple[int, int]], down: VipsImage) -> VipsImage:
    """Coverage of the ground in both lower corners, and of the conifers on it."""
    ground = row(_HIGH - bank(x) for x in range(_WIDE)) - profile(_WIDE, 91) * 16
    cover = inside(down - rows(ground, down))
    for number, (x, height) in enumerate(trees):
        tree = _conifer(height, number)
        foot = _HIGH - round(bank(x)) + 24
        cover = cover + tree.embed(x - tree.width // 2, foot - height, _WIDE, _HIGH)
    return cover.clamp()


def _conifer(height: int, seed: int) -> VipsImage:
    """Coverage of one tree: tiers of branches, wider towards the ground, ragged at their ends."""
    width = round(height * 0.42)
    across, _ = grid(width, height)
    tiers = 9 + seed % 4
    grown = [y / height for y in range(height)]
    half = row(at**0.85 * width / 2 * (0.4 + 0.6 * (at * tiers % 1) ** 1.3) for at in grown)
    half = columns(half, width)
    ragged = noise(width, height, 14, 3, seed) * (half * 40 / width)
    return inside(half - (across - width / 2).abs() + ragged)
