"""An iris of six blades, on nothing."""

from __future__ import annotations

import functools
import math
from typing import Final

from origin.imaging.demo.drawing import VipsImage, eight_bit, grid, inside, length, mix, plain

_BLADES: Final = (
    (255, 94, 98), (255, 150, 80), (255, 205, 86), (64, 200, 150), (58, 140, 240), (150, 92, 232),
)  # fmt: skip


def logo() -> VipsImage:
    """An iris of six blades on white, around a hole, on nothing."""
    side, hole, rim, gap = 800, 118, 348, 9
    across, down = grid(side, side)
    x, y = across - (side - 1) / 2, down - (side - 1) / 2
    edges = [
        (x * math.cos(turn) + y * math.sin(turn) - hole).copy_memory()
        for turn in (math.tau * number / 6 + 0.3 for number in range(6))
    ]
    radius = length(x, y).copy_memory()
    logo = plain((255, 255, 255), side, side)
    for number, colour in enumerate(_BLADES):
        # Beyond its own edge of the hexagon, and not yet beyond the next one's.
        blade = (edges[number] - gap).minpair(edges[(number + 1) % 6] * -1 - gap).minpair(radius * -1 + rim)
        shade = edges[number] / rim * 0.5 + 0.82
        logo = mix(logo, (shade * list(colour)).clamp(min=0, max=255), inside(blade))
    outside = functools.reduce(lambda one, other: one.maxpair(other), edges)
    cover = inside((outside + gap).minpair(radius * -1 + rim + 2 * gap)) * 255
    return eight_bit(logo.bandjoin(cover))
