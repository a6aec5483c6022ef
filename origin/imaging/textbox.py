"""How large a text can become, before Pango has laid it out."""

from __future__ import annotations

import math
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging import geometry as g
from origin.imaging.geometry import Size
from origin.imaging.model import Limits
from urlspec import arguments as a
from urlspec.kinds import TextRef
from urlspec.request import Component

_WIDE: Final = 1.2
"""Width of a wide glyph in em; few are wider."""
_LINE: Final = 1.7
"""Height of a line in em, for the tallest scripts."""


def text_pixels(text: TextRef, opening: Component) -> int:
    """Size of the font in pixels of the result: the em, multiplied by ``dpr_``."""
    return g.length(text.size, 0, _dpr(opening))


def wrap_width(opening: Component, below: Size, limits: Limits) -> int:
    """Where lines break, in pixels: at ``w_``, and never beyond the largest side."""
    width = opening.get(a.Width)
    if width is None or width.value == "auto":
        return limits.max_result_side
    return min(g.length(width.value, below.width, _dpr(opening)), limits.max_result_side)


def text_bound(text: TextRef, opening: Component, below: Size, limits: Limits) -> Size:
    """A box that a text of common glyphs does not exceed. Raises ResultTooLarge."""
    size, most = text_pixels(text, opening), wrap_width(opening, below, limits)
    lines, widest = 0, 1
    for line in text.text.split("\n"):
        wanted = max(1, math.ceil(len(line) * size * _WIDE))
        # A glyph that is wider than the box stands on a line of its own.
        room = max(most, math.ceil(size * _WIDE))
        lines += math.ceil(wanted / max(room - size, 1)) if wanted > room else 1
        widest = max(widest, min(wanted, room))
    bound = Size(widest, math.ceil(lines * size * _LINE))
    if bound.height > limits.max_result_side or bound.pixels > limits.max_result_pixels:
        raise ResultTooLarge(
            f"The text could become {bound}; at most {limits.max_result_side} a side and "
            f"{limits.max_result_pixels} pixels are made. A smaller font or a shorter text would do.",
            width=limits.max_result_side,
            height=limits.max_result_side,
        )
    return bound


def _dpr(opening: Component) -> float:
    dpr = opening.get(a.Dpr)
    return float(dpr.factor) if dpr is not None and not isinstance(dpr.factor, str) else 1.0
