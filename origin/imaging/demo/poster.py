"""One view in five shapes, and two lines of text."""

from __future__ import annotations

import math
from typing import Final

from origin.imaging.demo.drawing import (
    Colour,
    VipsImage,
    eight_bit,
    grid,
    inside,
    length,
    mix,
    plain,
    row,
    rows,
)

POSTER_PATH: Final = "/c_fill,w_400,h_400,g_auto/poster"
"""Printed on it; one of the examples."""

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


def poster() -> VipsImage:
    """One view in five shapes, and two lines of text, each as wide as the page allows."""
    poster = plain(_PAPER, 1200, 1600)
    for (left, top, width, height), colours in _CELLS:
        poster = poster.insert(_view(width, height, *colours), left, top)
    for text, colour, left, top, width, height in (
        ("One picture.", _INK, 80, 960, 1040, 210),
        ("Every size.", _RED, 80, 1190, 1040, 250),
        (POSTER_PATH, _INK, 80, 1486, 640, 34),
    ):
        poster = mix(poster, colour, _lettering(text, width, height).embed(left, top, 1200, 1600))
    poster = poster.insert(plain(_INK, 360, 8), 760, 1497)
    return eight_bit(poster)


def _view(width: int, height: int, sky: Colour, sun: Colour, far: Colour, near: Colour) -> VipsImage:
    """Sun and two hills, composed for whatever room there is."""
    across, down = grid(width, height)
    radius = min(width, height) * 0.25
    distance = length(across - width * 0.6, down - height * 0.4)
    view = mix(plain(sky, width, height), sun, inside(radius - distance))
    for colour, level, swell, phase in ((far, 0.62, 0.1, 0.6), (near, 0.8, 0.08, 3.4)):
        top = row((level + swell * math.sin(x / width * 4.4 + phase)) * height for x in range(width))
        view = mix(view, colour, inside(down - rows(top, down)))
    return view


def _lettering(text: str, width: int, height: int) -> VipsImage:
    """Coverage of a line of text, as large as fits: whatever font there is, its size is measured."""
    import pyvips

    line = pyvips.Image.text(text, font="DejaVu Sans Bold 150", dpi=72)
    scale = min(width / line.width, height / line.height)
    return (line.cast("float") / 255).resize(scale).clamp()
