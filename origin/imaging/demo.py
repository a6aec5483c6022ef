"""Five pictures drawn from nothing, so that a new server has something to show.

Everything is arithmetic on whole pictures: noise and distances are drawn as floats, mixed as 0 to 255 sRGB,
and made 8 bit at the end, with a little grain that keeps long gradients from banding. Every seed is fixed:
the same libvips and fonts draw the same pixels each time.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from origin.errors import Internal

VipsImage = Any
"""A ``pyvips.Image``: the library has no types. It is imported where it draws: the examples do without."""

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""
Grid = tuple[VipsImage, VipsImage]
"""The x and the y of every pixel."""
Stops = Sequence[tuple[float, Colour]]
"""A gradient: rising places, and the colour at each."""


@dataclass(frozen=True)
class Demo:
    """A picture on disk, and the id under which the examples ask for it."""

    id: str
    path: Path
    title: str


_POSTER_PATH: Final = "/c_fill,w_400,h_400,g_auto/poster"

EXAMPLES: Final[tuple[tuple[str, str], ...]] = (
    ("Any width, the height follows", "/w_600/landscape"),
    ("A square around what catches the eye", "/c_fill,w_300,h_300,g_auto/landscape"),
    ("A round one, transparent outside", "/c_fill,w_200,h_200,rad_max/aurora.png"),
    (
        "Black and white, with a watermark",
        "/w_600/e_grayscale,e_contrast:20/l_logo,w_120,o_70,g_south_east,x_20,y_20/landscape.webp",
    ),
    ("A line of text", "/w_600/l_text:DejaVu%20Sans_40_bold:Hello,co_white,g_south,y_30/landscape"),
    ("What the poster says of itself", _POSTER_PATH),
    ("A poster on a mat, turned a little", "/w_300/pad_24,b_white/a_4,b_rgb:20242e,pad_20/poster.png"),
    ("Every frame of an animation", "/w_240/orbit"),
    ("The best format and quality for who asks", "/w_900,f_auto,q_auto/aurora"),
)
"""A title, and a path that shows it: together a first walk through the URL language."""


def draw(folder: Path) -> list[Demo]:
    """Draw the pictures into ``folder`` (made if need be), as ``<id>.<extension>``.

    Raises Internal when this libvips cannot draw or write one, and OSError when the folder cannot be used.
    """
    import pyvips

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for file, title, paint, options in _PICTURES:
        path = folder / file
        try:
            data = paint().write_to_buffer(path.suffix, **options)
        except pyvips.Error as error:
            raise Internal(f"The demo picture {path.stem!r} could not be drawn") from error
        path.write_bytes(data)
        drawn.append(Demo(path.stem, path, title))
    return drawn


# Landscape --------------------------------------------------------------------------------------------

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


def _landscape() -> VipsImage:
    sky = _sky().copy_memory()
    _, down = _grid(_WIDE, _HIGH)
    middle = (0, _SUMMIT, _WIDE, _SHORE - _SUMMIT)
    land, ground = sky.crop(*middle), down.crop(*middle)
    for ridge in _RIDGES:
        land = _mountains(land, ridge, ground)
    view = sky.insert(_far_shore(land, ground), 0, _SUMMIT).copy_memory()
    scene = view.join(_lake(view), "vertical")
    for colour, bank, trees in _BANKS:
        scene = _mix(scene, colour, _bank(bank, trees, down))
    return _finish(scene)


def _sky() -> VipsImage:
    # All but the stars and the sun's edge is soft: half the size is enough for it.
    width, height = _WIDE // 2, _SHORE // 2
    across, down = (place * 2 for place in _grid(width, height))
    x, y = across - _SUN[0], down - _SUN[1]
    # Noise stretched sideways: long thin clouds, lit from below.
    clouds = _noise(width // 3, height, 96, 6, 9).resize(3, vscale=1, kernel="linear")
    clouds = (clouds * 2.6 + 0.12).clamp() * (((down - 430) / 230) ** 2 * -1).exp()
    sky = _mix(_gradient(_SKY, width, height, 2), _gradient(_CLOUDS, width, height, 2), clouds * 0.8)
    sky = _screen(sky, (255, 130, 90), (_length(x, y * 1.7) / -330).exp() * 0.7)
    sky = _screen(sky, (255, 220, 160), (_length(x, y) / -100).exp() * 0.8)
    sky = sky.resize(2, kernel="linear")
    stars = _stars(_WIDE, _SUMMIT, 5, 3.2) * _columns(_row(1 - y / _SUMMIT for y in range(_SUMMIT)), _WIDE)
    sky = sky + stars.embed(0, 0, _WIDE, _SHORE)
    across, down = _grid(180, 180)
    sun = _inside(82 - _length(across - 90, down - 90))
    left, top = _SUN[0] - 90, _SUN[1] - 90
    return sky.insert(_mix(sky.crop(left, top, 180, 180), (255, 246, 220), sun), left, top)


def _mountains(land: VipsImage, ridge: _Ridge, down: VipsImage) -> VipsImage:
    crest = _profile(_WIDE, ridge.seed) * ridge.relief + ridge.height
    columns, _ = _grid(_WIDE, 1)
    for centre, half, height in ridge.peaks:
        # Cones with a hint of a round top: straight flanks, as rock has.
        slope = ((((columns - centre) / half) ** 2 + 0.02) ** 0.5 * -1 + 1.14).clamp(min=0, max=2)
        crest = crest + slope * height
    depth = (down - _rows(crest * -1 + _SHORE, down)).copy_memory()
    # Gullies run down the flanks; what faces the sun is lit.
    folds = _noise(_WIDE + 8, down.height * 2 // 3 + 5, 190, 7, ridge.seed + 1).abs()
    folds = folds.resize(1, vscale=1.5, kernel="linear").copy_memory()
    here, towards = folds.crop(0, 0, _WIDE, down.height), folds.crop(8, 5, _WIDE, down.height)
    lit = ((here - towards) * 4.4 + 0.3).clamp()
    mist = _row(max(y - 720, 0) ** 1.6 / 400**1.6 * ridge.mist for y in range(_SUMMIT, _SHORE))
    dark, bright = (_columns(_mix(colour, _MIST, mist), _WIDE) for colour in (ridge.colour, ridge.light))
    stone = _mix(dark, bright, lit * (depth / -300).exp())
    return _mix(land, stone, _inside(depth))


def _far_shore(land: VipsImage, down: VipsImage) -> VipsImage:
    """A strip of forest along the water."""
    chance = random.Random(7)  # noqa: S311 - the same forest each time
    tops = [0.0] * _WIDE
    for foot in range(0, _WIDE, 5):
        height = chance.uniform(10, 34) * (1 + 0.5 * math.sin(foot / 170))
        for x in range(max(foot - 14, 0), min(foot + 15, _WIDE)):
            tops[x] = max(tops[x], height - abs(x - foot) * 2.6)
    ground = _profile(_WIDE, 77) * 30 + 18
    forest = _inside(down - _rows((ground + _row(tops)) * -1 + _SHORE, down))
    haze = _gradient(((1050 - _SUMMIT, (42, 34, 82)), (_SHORE - _SUMMIT, (116, 66, 104))), _WIDE, down.height)
    return _mix(land, haze, forest)


def _lake(land: VipsImage) -> VipsImage:
    """The land upside down, seen through waves that grow towards the viewer."""
    across, down = _grid(_WIDE, _HIGH - _SHORE)
    near = (down / down.height).copy_memory()
    away = near * 480 + 14
    tile = 1024  # the noise repeats after that
    waves = _noise(tile, tile, 64, 5, 3).copy_memory()
    place = ((across - _SUN[0]) / away * 110 + tile / 2).bandjoin(away.log() * 1500) % tile
    waves = waves.mapim(place, extend="copy").copy_memory()
    seen = (across + waves * near * 50).bandjoin(near * -760 + _SHORE - 1 + waves * near**0.7 * 130)
    water = land.mapim(seen, extend="copy") * (near * [-0.14, -0.37, -0.38] + [0.95, 0.88, 0.92])
    path = (((across - _SUN[0]) / (near * 150 + 60)) ** 2 * -1).exp()
    water = _screen(water, (255, 214, 160), (waves * 5 - 0.25).clamp() * path * 0.9)
    return _screen(water, (255, 206, 170), (near * -30).exp() * 0.4)


def _bank(bank: Callable[[float], float], trees: Sequence[tuple[int, int]], down: VipsImage) -> VipsImage:
    """Coverage of the ground in both lower corners, and of the conifers on it."""
    ground = _row(_HIGH - bank(x) for x in range(_WIDE)) - _profile(_WIDE, 91) * 16
    cover = _inside(down - _rows(ground, down))
    for number, (x, height) in enumerate(trees):
        tree = _conifer(height, number)
        foot = _HIGH - round(bank(x)) + 24
        cover = cover + tree.embed(x - tree.width // 2, foot - height, _WIDE, _HIGH)
    return cover.clamp()


def _conifer(height: int, seed: int) -> VipsImage:
    """Coverage of one tree: tiers of branches, wider towards the ground, ragged at their ends."""
    width = round(height * 0.42)
    across, _ = _grid(width, height)
    tiers = 9 + seed % 4
    grown = [y / height for y in range(height)]
    half = _row(at**0.85 * width / 2 * (0.4 + 0.6 * (at * tiers % 1) ** 1.3) for at in grown)
    half = _columns(half, width)
    ragged = _noise(width, height, 14, 3, seed) * (half * 40 / width)
    return _inside(half - (across - width / 2).abs() + ragged)


# Aurora -----------------------------------------------------------------------------------------------

_SILK: Final[Stops] = (
    (0, (14, 12, 58)),
    (0.16, (36, 52, 190)),
    (0.34, (116, 52, 236)),
    (0.52, (232, 62, 172)),
    (0.68, (255, 104, 96)),
    (0.84, (255, 178, 92)),
    (1, (255, 240, 196)),
)


def _aurora() -> VipsImage:
    """One gradient, folded like cloth: noise moves the places where its colours are looked up."""
    width, height, margin = 800, 500, 200
    across, down = _grid(width, height)
    drift = _noise(width, height, 420, 1, 4).bandjoin(_noise(width, height, 380, 1, 8)) * 320
    wide = _noise(width + 2 * margin, height + 2 * margin, 440, 1, 21).copy_memory()
    cloth = wide.mapim(across.bandjoin(down) + drift + margin).copy_memory()
    flow = (across / width * 0.42 + down / height * 0.5 + cloth * 0.9 + 0.05).copy_memory()
    silk = _look_up(_SILK, flow)
    glow = _length(across - 700, down * 1.2 - 60)
    silk = _screen(silk, (40, 210, 255), ((glow / 260) ** 2 * -1).exp() * 0.75)
    # Sines count in degrees here. A fold is a soft light beside a soft shadow, and fades along its way.
    folds = (flow * 2600 + cloth * 900).sin() * (cloth * 500 + across * 0.5 + 40).sin().abs()
    silk = silk * ((folds * -1).clamp() * [-0.08, -0.24, -0.12] + 1)
    silk = _screen(silk, (255, 210, 235), folds.clamp() ** 1.5 * 0.2)
    return _finish(silk.resize(2, kernel="cubic"))


# Poster -----------------------------------------------------------------------------------------------

_PAPER, _INK, _RED = (247, 239, 222), (24, 28, 60), (236, 74, 56)
_GOLD, _TEAL, _PINK = (255, 190, 60), (22, 122, 130), (246, 158, 150)
_CELLS: Final = (
    ((80, 80, 620, 820), (_RED, _GOLD, _INK, _TEAL)),
    ((720, 80, 400, 400), (_TEAL, _PAPER, _GOLD, _INK)),
    ((720, 500, 190, 400), (_GOLD, _RED, _TEAL, _INK)),
    ((930, 500, 190, 190), (_INK, _PINK, _RED, _GOLD)),
    ((930, 710, 190, 190), (_PINK, _PAPER, _RED, _INK)),
)
"""Left, top, width and height of a view, and its colours: sky, sun, far hill, near hill."""


def _poster() -> VipsImage:
    """One view in five shapes, and two lines of text, each as wide as the page allows."""
    poster = _plain(_PAPER, 1200, 1600)
    for (left, top, width, height), colours in _CELLS:
        poster = poster.insert(_view(width, height, *colours), left, top)
    for text, colour, left, top, width, height in (
        ("One picture.", _INK, 80, 960, 1040, 210),
        ("Every size.", _RED, 80, 1190, 1040, 250),
        (_POSTER_PATH, _INK, 80, 1486, 640, 34),
    ):
        poster = _mix(poster, colour, _lettering(text, width, height).embed(left, top, 1200, 1600))
    poster = poster.insert(_plain(_INK, 360, 8), 760, 1497)
    return _eight_bit(poster)


def _view(width: int, height: int, sky: Colour, sun: Colour, far: Colour, near: Colour) -> VipsImage:
    """Sun and two hills, composed for whatever room there is."""
    across, down = _grid(width, height)
    radius = min(width, height) * 0.25
    distance = _length(across - width * 0.6, down - height * 0.4)
    view = _mix(_plain(sky, width, height), sun, _inside(radius - distance))
    for colour, level, swell, phase in ((far, 0.62, 0.1, 0.6), (near, 0.8, 0.08, 3.4)):
        top = _row((level + swell * math.sin(x / width * 4.4 + phase)) * height for x in range(width))
        view = _mix(view, colour, _inside(down - _rows(top, down)))
    return view


def _lettering(text: str, width: int, height: int) -> VipsImage:
    """Coverage of a line of text, as large as fits: whatever font there is, its size is measured."""
    import pyvips

    line = pyvips.Image.text(text, font="DejaVu Sans Bold 150", dpi=72)
    scale = min(width / line.width, height / line.height)
    return (line.cast("float") / 255).resize(scale).clamp()


# Logo -------------------------------------------------------------------------------------------------

_BLADES: Final = (
    (255, 94, 98), (255, 150, 80), (255, 205, 86), (64, 200, 150), (58, 140, 240), (150, 92, 232),
)  # fmt: skip


def _logo() -> VipsImage:
    """An iris of six blades on white, around a hole, on nothing."""
    side, hole, rim, gap = 800, 118, 348, 9
    across, down = _grid(side, side)
    x, y = across - (side - 1) / 2, down - (side - 1) / 2
    edges = [
        (x * math.cos(turn) + y * math.sin(turn) - hole).copy_memory()
        for turn in (math.tau * number / 6 + 0.3 for number in range(6))
    ]
    radius = _length(x, y).copy_memory()
    logo = _plain((255, 255, 255), side, side)
    for number, colour in enumerate(_BLADES):
        # Beyond its own edge of the hexagon, and not yet beyond the next one's.
        blade = (edges[number] - gap).minpair(edges[(number + 1) % 6] * -1 - gap).minpair(radius * -1 + rim)
        shade = edges[number] / rim * 0.5 + 0.82
        logo = _mix(logo, (shade * list(colour)).clamp(min=0, max=255), _inside(blade))
    outside = functools.reduce(lambda one, other: one.maxpair(other), edges)
    cover = _inside((outside + gap).minpair(radius * -1 + rim + 2 * gap)) * 255
    return _eight_bit(logo.bandjoin(cover))


# Orbit ------------------------------------------------------------------------------------------------

_STAGE_WIDE, _STAGE_HIGH, _FRAMES, _DELAY = 480, 360, 24, 80
_TILT, _LEAN = 0.4, math.radians(-13)
_STAR, _STEPS = 34, 1440


@dataclass(frozen=True)
class _Orbit:
    """``count`` equal planets on one ellipse. In one loop each takes the place of the next."""

    reach: float
    count: int
    size: float
    colour: Colour


_ORBITS: Final = (
    _Orbit(82, 1, 8, (110, 220, 255)),
    _Orbit(138, 2, 11, (255, 112, 134)),
    _Orbit(198, 3, 7.5, (190, 150, 255)),
)


def _orbit() -> VipsImage:
    import pyvips

    across, down = _grid(_STAGE_WIDE, _STAGE_HIGH)
    x, y = across - _STAGE_WIDE / 2, down - _STAGE_HIGH / 2
    distance = _length(x, y).copy_memory()
    space = _space(distance)
    star = _mix((255, 150, 60), (255, 246, 214), (1.1 - _length(x + 8, y + 10) / 46).clamp())
    disc = _inside(_STAR - distance).copy_memory()
    along = x * math.cos(_LEAN) + y * math.sin(_LEAN)
    aside = (y * math.cos(_LEAN) - x * math.sin(_LEAN)) / _TILT
    in_front = ((aside > 0) / 255).copy_memory()
    polar = along.bandjoin(aside).polar().copy_memory()
    lines = [(((polar[0] - orbit.reach) / 2) ** 2 * -1).exp().copy_memory() for orbit in _ORBITS]
    step = (polar[1] * (_STEPS / 360)).cast("ushort").copy_memory()
    centre = (_STAGE_WIDE // 2 - 40, _STAGE_HIGH // 2 - 40, 80, 80)
    star, tile = star.crop(*centre), _grid(64, 64)
    frames = []
    for moment in (number / _FRAMES for number in range(_FRAMES)):
        trails = [
            _times(orbit.colour, line * step.maplut(_trail(orbit, moment)))
            for orbit, line in zip(_ORBITS, lines, strict=True)
        ]
        light = pyvips.Image.sum(trails).copy_memory()
        frame = space + light
        before = star + (light * in_front).crop(*centre)
        middle = _mix(frame.crop(*centre), before, disc.crop(*centre))
        frame = frame.insert(middle, *centre[:2]).copy_memory()
        for orbit, angle in _nearest_last(moment):
            frame = _planet(frame, orbit, angle, disc, tile)
        frames.append(_eight_bit(frame).copy_memory())
    reel = pyvips.Image.arrayjoin(frames, across=1).copy()
    reel.set_type(pyvips.GValue.gint_type, "page-height", _STAGE_HIGH)
    reel.set_type(pyvips.GValue.array_int_type, "delay", [_DELAY] * _FRAMES)
    reel.set_type(pyvips.GValue.gint_type, "loop", 0)
    return reel


def _space(distance: VipsImage) -> VipsImage:
    """The night around a star."""
    night = _gradient(((0, (12, 12, 40)), (_STAGE_HIGH, (48, 20, 70))), _STAGE_WIDE, _STAGE_HIGH)
    night = night + _stars(_STAGE_WIDE, _STAGE_HIGH, 2, 2.9) * 0.8
    night = _screen(night, (255, 110, 80), (distance / -80).exp() * 0.7)
    return _screen(night, (255, 210, 130), (distance / -24).exp()).copy_memory()


def _trail(orbit: _Orbit, moment: float) -> VipsImage:
    """How brightly the ellipse glows at each angle, as a table: most just behind a planet."""
    behind = ((moment - at * orbit.count / _STEPS) % 1 for at in range(_STEPS))
    return _row(0.1 + 0.85 * math.exp(-3.5 * share) for share in behind)


def _nearest_last(moment: float) -> list[tuple[_Orbit, float]]:
    """Every planet and its angle at a share of the loop, in the order to draw them."""
    planets = [
        (orbit, math.tau * (number + moment) / orbit.count)
        for orbit in _ORBITS
        for number in range(orbit.count)
    ]
    return sorted(planets, key=lambda planet: planet[0].reach * math.sin(planet[1]))


def _planet(frame: VipsImage, orbit: _Orbit, angle: float, disc: VipsImage, tile: Grid) -> VipsImage:
    """The frame with a planet on it, behind ``disc`` where it is on the far side."""
    along, aside = orbit.reach * math.cos(angle), orbit.reach * math.sin(angle) * _TILT
    x = along * math.cos(_LEAN) - aside * math.sin(_LEAN)
    y = along * math.sin(_LEAN) + aside * math.cos(_LEAN)
    size = orbit.size * (1 + 0.2 * math.sin(angle))
    across, down = tile
    left = round(x + (_STAGE_WIDE - across.width) / 2)
    top = round(y + (_STAGE_HIGH - across.height) / 2)
    # From the planet's centre, which need not be that of a pixel.
    across, down = across + (left - _STAGE_WIDE / 2 - x), down + (top - _STAGE_HIGH / 2 - y)
    distance = _length(across, down)
    cover = _inside(size - distance)
    if math.sin(angle) < 0:
        cover = cover * (disc.crop(left, top, distance.width, distance.height) * -1 + 1)
    towards_star = (across * -x + down * -y) / (math.hypot(x, y) * size)
    lit = (towards_star * 0.6 + 0.62).clamp(min=0.12, max=1.15)
    glow = _times(orbit.colour, (distance / -7).exp() * 0.3)
    place = frame.crop(left, top, distance.width, distance.height) + glow
    return frame.insert(_mix(place, _times(orbit.colour, lit), cover), left, top)


# Drawing ----------------------------------------------------------------------------------------------


def _grid(width: int, height: int) -> Grid:
    """Every pixel's own x, and its y."""
    import pyvips

    places = pyvips.Image.xyz(width, height).cast("float")
    return places[0].copy_memory(), places[1].copy_memory()


def _row(values: Iterable[float]) -> VipsImage:
    """A picture of one row."""
    import pyvips

    # Not new_from_memory: ``copy_memory`` forgets that such a picture borrows its pixels from Python.
    return pyvips.Image.new_from_array([list(values)]).cast("float").copy_memory()


def _rows(row: VipsImage, like: VipsImage) -> VipsImage:
    """The row on every row of a picture as high as another."""
    return row.replicate(1, like.height)


def _columns(row: VipsImage, width: int) -> VipsImage:
    """The row, from top to bottom, in every column."""
    return row.rot90().replicate(width, 1)


def _noise(width: int, height: int, cell: int, octaves: int, seed: int) -> VipsImage:
    """Fractal noise around 0, mostly within ±0.5: each octave half as wide and half as strong."""
    import pyvips

    layers = [
        pyvips.Image.perlin(width, height, cell_size=max(cell >> octave, 2), seed=seed + octave) * 0.5**octave
        for octave in range(octaves)
    ]
    return pyvips.Image.sum(layers)


def _profile(width: int, seed: int) -> VipsImage:
    """One row of ridged noise, 0 to about 1 with sharp tops: a skyline."""
    cell, strength, total = 420, 1.0, _row([0.0] * width)
    while cell > 3:
        line = _noise(width, cell, cell, 1, seed + cell).crop(0, cell // 2, width, 1)
        total = total + (line.abs() * -2 + 0.5) * strength
        cell, strength = cell // 2, strength * 0.5
    return total


def _grain(width: int, height: int, seed: int) -> VipsImage:
    import pyvips

    return pyvips.Image.gaussnoise(width, height, mean=0, sigma=1, seed=seed)


def _stars(width: int, height: int, seed: int, rarity: float) -> VipsImage:
    """Light to add where noise is stronger than ``rarity`` times its usual strength."""
    return ((_grain(width, height, seed) - rarity).clamp() * 1500).gaussblur(0.8).clamp(max=255)


def _gradient(stops: Stops, width: int, height: int, step: int = 1) -> VipsImage:
    """Colours from top to bottom, ``step`` places of the gradient in each row."""
    bands = [_row(_between(stops, y * step, band) for y in range(height)) for band in range(3)]
    return _columns(bands[0].bandjoin(bands[1:]), width)


def _between(stops: Stops, place: float, band: int) -> float:
    for (start, one), (end, other) in itertools.pairwise(stops):
        if place <= end:
            share = min(max((place - start) / (end - start), 0.0), 1.0)
            return one[band] + (other[band] - one[band]) * share
    return float(stops[-1][1][band])


def _look_up(stops: Stops, place: VipsImage) -> VipsImage:
    """The gradient's colour for every pixel of ``place``, from 0 to 1."""
    steps = 4096
    table = _gradient([(at * steps, colour) for at, colour in stops], 1, steps)
    return (place * steps).clamp(min=0, max=steps - 1).cast("ushort").maplut(table)


def _plain(colour: Colour, width: int, height: int) -> VipsImage:
    import pyvips

    return (pyvips.Image.black(width, height) + list(colour)).cast("float")


def _length(x: VipsImage, y: VipsImage) -> VipsImage:
    return (x * x + y * y) ** 0.5


def _inside(distance: VipsImage) -> VipsImage:
    """Coverage by a shape: ``distance`` is how many pixels a pixel lies within its edge."""
    return (distance + 0.5).clamp()


def _mix(below: VipsImage | Colour, above: VipsImage | Colour, share: VipsImage) -> VipsImage:
    """``above`` over ``below``; ``share`` of it is 0 to 1."""
    share = share.copy_memory()  # libvips would work out twice what is read twice
    return _times(below, share * -1 + 1) + _times(above, share)


def _screen(below: VipsImage, light: Colour, strength: VipsImage) -> VipsImage:
    """Light added so that nothing burns out."""
    added = _times(light, strength / 255).copy_memory()
    return below * (added * -1 + 1) + added * 255


def _times(colour: VipsImage | Colour, share: VipsImage) -> VipsImage:
    return share * list(colour) if isinstance(colour, tuple) else colour * share


def _finish(picture: VipsImage) -> VipsImage:
    """8-bit sRGB, with the grain that hides the steps of gradients."""
    side = 256
    grain = _grain(side, side, 1).copy_memory() * 0.8
    grain = grain.replicate(-(-picture.width // side), -(-picture.height // side))
    grain = grain.crop(0, 0, picture.width, picture.height)
    return _eight_bit(picture + grain)


def _eight_bit(picture: VipsImage) -> VipsImage:
    """A cast takes what lies below 0 or above 255 as the one or the other."""
    return picture.rint().cast("uchar").copy(interpretation="srgb")


_JPEG: Final[dict[str, Any]] = {"Q": 90, "profile": "srgb", "optimize_coding": True}
_PICTURES: Final[tuple[tuple[str, str, Callable[[], VipsImage], dict[str, Any]], ...]] = (
    ("landscape.jpg", "Dusk over the lake", _landscape, _JPEG),
    ("aurora.jpg", "Silk", _aurora, _JPEG),
    ("poster.png", "One picture, every size", _poster, {}),
    ("logo.png", "Iris", _logo, {}),
    ("orbit.webp", "Six planets and a star", _orbit, {"Q": 85, "effort": 3}),
)
