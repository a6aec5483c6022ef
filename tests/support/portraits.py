"""Drawn faces that a face detector takes for faces."""

from __future__ import annotations

import functools

import numpy as np
import pyvips
from numpy.typing import NDArray

Place = tuple[int, int, int]
"""Left, top and side of a head's box, in pixels. The face itself is the lower middle of it."""

_OVALS = [
    # across, down, half width, half height, grey, sharpness; the head reaches from -1 to 1
    (0, -0.1, 0.78, 0.95, 40, 8),
    (0, 0.08, 0.62, 0.82, 205, 8),
    *[
        oval
        for side in (-0.27, 0.27)
        for oval in (
            (side, -0.08, 0.2, 0.12, 120, 4),
            (side, -0.2, 0.2, 0.045, 70, 4),
            (side, -0.06, 0.14, 0.06, 60, 4),
        )
    ],
    (0, 0.1, 0.08, 0.22, 225, 3),
    (0, 0.3, 0.13, 0.05, 150, 3),
    (0, 0.5, 0.26, 0.07, 110, 4),
]
"""Hair, skin, hollows of the eyes, brows, eyes, nose, its shadow, mouth."""


def head(side: int) -> NDArray[np.float64]:
    y, x = np.mgrid[0:side, 0:side] / side * 2 - 1
    pixels = np.full((side, side), 90.0)
    for across, down, width, height, grey, sharp in _OVALS:
        reach = np.sqrt(((x - across) / width) ** 2 + ((y - down) / height) ** 2)
        inside = np.clip((1 - reach) * sharp + 0.5, 0, 1)
        pixels = pixels * (1 - inside) + grey * inside
    return pixels


@functools.cache
def portrait(
    *places: Place, width: int = 640, height: int = 480, orientation: int = 1, suffix: str = ".png"
) -> bytes:
    """Heads on a plain wall. ``width`` and ``height`` are as shown; see ``pictures.oriented``."""
    pixels = np.full((height, width), 90.0)
    for left, top, side in places:
        pixels[top : top + side, left : left + side] = head(side)
    image = pyvips.Image.new_from_array(pixels.astype(np.uint8), interpretation="b-w").colourspace("srgb")
    if orientation == 6:
        image = image.rot270().copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return bytes(image.write_to_buffer(suffix))
