"""An animation of planets around a star."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from origin.imaging.demo.drawing import (
    Colour,
    Grid,
    VipsImage,
    eight_bit,
    gradient,
    grid,
    inside,
    length,
    mix,
    row,
    screen,
    starlight,
    times,
)

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


def orbit() -> VipsImage:
    import pyvips

    across, down = grid(_STAGE_WIDE, _STAGE_HIGH)
    x, y = across - _STAGE_WIDE / 2, down - _STAGE_HIGH / 2
    distance = length(x, y).copy_memory()
    space = _space(distance)
    star = mix((255, 150, 60), (255, 246, 214), (1.1 - length(x + 8, y + 10) / 46).clamp())
    disc = inside(_STAR - distance).copy_memory()
    along = x * math.cos(_LEAN) + y * math.sin(_LEAN)
    aside = (y * math.cos(_LEAN) - x * math.sin(_LEAN)) / _TILT
    in_front = ((aside > 0) / 255).copy_memory()
    polar = along.bandjoin(aside).polar().copy_memory()
    lines = [(((polar[0] - orbit.reach) / 2) ** 2 * -1).exp().copy_memory() for orbit in _ORBITS]
    step = (polar[1] * (_STEPS / 360)).cast("ushort").copy_memory()
    centre = (_STAGE_WIDE // 2 - 40, _STAGE_HIGH // 2 - 40, 80, 80)
    star, tile = star.crop(*centre), grid(64, 64)
    frames = []
    for moment in (number / _FRAMES for number in range(_FRAMES)):
        trails = [
            times(orbit.colour, line * step.maplut(_trail(orbit, moment)))
            for orbit, line in zip(_ORBITS, lines, strict=True)
        ]
        light = pyvips.Image.sum(trails).copy_memory()
        frame = space + light
        before = star + (light * in_front).crop(*centre)
        middle = mix(frame.crop(*centre), before, disc.crop(*centre))
        frame = frame.insert(middle, *centre[:2]).copy_memory()
        for orbit, angle in _nearest_last(moment):
            frame = _planet(frame, orbit, angle, disc, tile)
        frames.append(eight_bit(frame).copy_memory())
    reel = pyvips.Image.arrayjoin(frames, across=1).copy()
    reel.set_type(pyvips.GValue.gint_type, "page-height", _STAGE_HIGH)
    reel.set_type(pyvips.GValue.array_int_type, "delay", [_DELAY] * _FRAMES)
    reel.set_type(pyvips.GValue.gint_type, "loop", 0)
    return reel


def _space(distance: VipsImage) -> VipsImage:
    """The night around a star."""
    night = gradient(((0, (12, 12, 40)), (_STAGE_HIGH, (48, 20, 70))), _STAGE_WIDE, _STAGE_HIGH)
    night = night + starlight(_STAGE_WIDE, _STAGE_HIGH, 2, 2.9) * 0.8
    night = screen(night, (255, 110, 80), (distance / -80).exp() * 0.7)
    return screen(night, (255, 210, 130), (distance / -24).exp()).copy_memory()


def _trail(orbit: _Orbit, moment: float) -> VipsImage:
    """How brightly the ellipse glows at each angle, as a table: most just behind a planet."""
    behind = ((moment - at * orbit.count / _STEPS) % 1 for at in range(_STEPS))
    return row(0.1 + 0.85 * math.exp(-3.5 * share) for share in behind)


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
    distance = length(across, down)
    cover = inside(size - distance)
    if math.sin(angle) < 0:
        cover = cover * (disc.crop(left, top, distance.width, distance.height) * -1 + 1)
    towards_star = (across * -x + down * -y) / (math.hypot(x, y) * size)
    lit = (towards_star * 0.6 + 0.62).clamp(min=0.12, max=1.15)
    glow = times(orbit.colour, (distance / -7).exp() * 0.3)
    place = frame.crop(left, top, distance.width, distance.height) + glow
    return frame.insert(mix(place, times(orbit.colour, lit), cover), left, top)
