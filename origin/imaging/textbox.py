"""The box of a text: its lengths in pixels, and how large it can become before Pango has laid it out."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging import geometry as g
from origin.imaging.geometry import Size
from origin.imaging.model import Limits
from urlspec import arguments as a
from urlspec.kinds import TextRef
from urlspec.request import Component
from urlspec.values import Colour

_WIDE: Final = 1.2
"""Width of a wide glyph in em; few are wider."""
_LINE: Final = 1.7
"""Height of a line in em, for the tallest scripts."""
_TRIES: Final = 10
"""How often a text is drawn at most to find out what fits."""
_OUTLINE: Final = 12
"""What an outline costs, in simple operations."""


@dataclass(frozen=True, slots=True)
class TextBox:
    """A text's lengths in pixels of the result: ``dpr_`` is in them."""

    size: int
    """The em."""
    width: int
    """Where lines break."""
    height: int | None
    """What the lines must fit into; None where nothing was said."""
    letter_spacing: float
    line_spacing: int
    stroke: tuple[int, Colour] | None
    """Width outside of the letters, and colour."""

    def of_size(self, size: int) -> TextBox:
        return dataclasses.replace(self, size=size)


def text_box(text: TextRef, opening: Component, below: Size, limits: Limits) -> TextBox:
    """``w_`` and ``h_`` are the box; lines never become longer than the largest side."""
    dpr = opening.get(a.Dpr)
    factor = float(dpr.factor) if dpr is not None and not isinstance(dpr.factor, str) else 1.0
    width, height, border = opening.get(a.Width), opening.get(a.Height), opening.get(a.Border)
    wrap, most = limits.max_result_side, None
    if width is not None and width.value != "auto":
        wrap = min(g.length(width.value, below.width, factor), wrap)
    if height is not None and height.value != "auto":
        most = g.length(height.value, below.height, factor)
    size = g.length(text.size, 0, factor)
    stroke = None
    if text.stroke and border is not None:
        stroke = g.length(border.value.width, size, factor), border.value.colour  # a fraction is of the em
    return TextBox(
        size, wrap, most, text.letter_spacing * factor, g.signed_half_up(text.line_spacing * factor), stroke
    )


def text_bound(text: TextRef, box: TextBox, limits: Limits) -> Size:
    """A size that a text of common glyphs does not exceed. Raises ResultTooLarge."""
    if text.shrink and box.height is None:
        bound = estimate(text.text, dataclasses.replace(box, width=limits.max_result_side))
        bound = Size(min(bound.width, box.width), bound.height)
    else:
        bound = estimate(text.text, box)
    if box.height is not None:
        bound = Size(bound.width, min(bound.height, box.height))
    if box.stroke is not None:
        bound = Size(bound.width + 2 * box.stroke[0], bound.height + 2 * box.stroke[0])
    if not within(bound, limits):
        raise ResultTooLarge(
            f"The text could become {bound}; at most {limits.max_result_side} a side and "
            f"{limits.max_result_pixels} pixels are made. A smaller font or a shorter text would do.",
            width=limits.max_result_side,
            height=limits.max_result_side,
        )
    return bound


def text_work(text: TextRef, box: TextBox) -> int:
    """What drawing a text costs, in simple operations on its pixels."""
    tries = _TRIES if text.shrink or box.height is not None else 1
    return tries + (_OUTLINE if box.stroke else 0)


def within(size: Size, limits: Limits) -> bool:
    """Whether so much may be drawn; a line may stick out of the box by one letter."""
    return size.height <= limits.max_result_side and size.pixels <= limits.max_result_pixels


def estimate(text: str, box: TextBox) -> Size:
    """An upper bound of ``text`` in ``box``, whatever height that allows."""
    letter = box.size * _WIDE + max(box.letter_spacing, 0)
    # A glyph that is wider than the box stands on a line of its own.
    room = max(box.width, math.ceil(letter))
    lines, widest = 0, 1
    for line in text.split("\n"):
        wanted = max(1, math.ceil(len(line) * letter))
        lines += math.ceil(wanted / max(room - math.ceil(letter), 1)) if wanted > room else 1
        widest = max(widest, min(wanted, room))
    return Size(widest, math.ceil(lines * (box.size * _LINE + box.line_spacing)))
