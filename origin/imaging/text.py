"""Text layers, drawn by Pango. The text is text: what reaches Pango is escaped, the font is of our making."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

import pyvips

from origin.errors import ResultTooLarge
from origin.imaging.colour import VipsImage
from origin.imaging.fonts import family_for
from origin.imaging.geometry import Size
from origin.imaging.model import Limits
from origin.imaging.outline import outlined
from origin.imaging.shape import largest
from origin.imaging.textbox import TextBox, estimate, text_box, within
from urlspec import arguments as a
from urlspec.kinds import TextRef
from urlspec.request import Component
from urlspec.values import BLACK

_WEIGHTS: Final = {
    "thin": "Thin", "extralight": "Ultra-Light", "light": "Light", "normal": "Regular", "medium": "Medium",
    "semibold": "Semi-Bold", "bold": "Bold", "extrabold": "Ultra-Bold", "black": "Heavy",
}  # fmt: skip
"""Our words to Pango's."""

_ALIGN: Final = {"left": "low", "center": "centre", "right": "high", "justify": "low"}

_SMALLEST: Final = 6
"""Pixels of the em below which nothing can be read, so nothing is shrunk further."""
_ELLIPSIS: Final = "…"
_JOINS: Final = frozenset("\u200d\ufe0e\ufe0f")
"""Joiner and variation selectors: what stands at them is one sign."""
_SKIN: Final = range(0x1F3FB, 0x1F400)
"""Emoji's skin tones change the sign before them."""


def draw(text: TextRef, opening: Component, below: Size, limits: Limits, fonts: str | None) -> VipsImage:
    """The text in its colour on nothing, cut to its ink; sRGB with alpha, in memory.

    Raises ResultTooLarge.
    """
    box = text_box(text, opening, below, limits)
    image = _Writer(text, opening, limits, fonts).written(box)
    if box.height is not None and image.height > box.height:
        image = image.crop(0, 0, image.width, box.height)  # not even one line fits
    if max(image.width, image.height) > limits.max_result_side:
        most = largest(Size(image.width, image.height), limits.max_result_side, limits.max_result_pixels)
        raise ResultTooLarge(
            f"The text would be {image.width}x{image.height} pixels.", width=most.width, height=most.height
        )
    letters = image
    colour = opening.get(a.TextColour)
    if colour is not None and colour.colour.alpha < 255:
        image = (image * [1, 1, 1, colour.colour.alpha / 255]).rint().cast("uchar")
    if box.stroke is not None:
        image = outlined(image, letters.extract_band(3), *box.stroke)
    return image.copy(interpretation="srgb").copy_memory()


class _Writer:
    """Tries how a text fits; every try is drawn, since only Pango knows its size."""

    def __init__(self, text: TextRef, opening: Component, limits: Limits, fonts: str | None) -> None:
        self.text = text
        self.opening = opening
        self.limits = limits
        self.family = family_for(text.family, fonts)

    def written(self, box: TextBox) -> VipsImage:
        if self.text.shrink and (found := self._shrunk(box)) is not None:
            return found
        if self.text.shrink:
            box = box.of_size(min(box.size, _SMALLEST))
        whole = self._fitting(self.text.text, box)
        return self._shortened(box) if whole is None else whole

    def _shrunk(self, box: TextBox) -> VipsImage | None:
        """The largest size, up to the one asked for, at which all words stay whole and fit."""
        free = box if box.height is not None else dataclasses.replace(box, width=self.limits.max_result_side)
        if (whole := self._fitting(self.text.text, free, box.width)) is not None:
            return whole
        best, low, high = None, min(box.size, _SMALLEST), box.size - 1
        while low <= high:
            size = (low + high) // 2
            found = self._fitting(self.text.text, self._scaled(free, size), box.width)
            if found is not None:
                best, low = found, size + 1
            else:
                high = size - 1
        return best

    @staticmethod
    def _scaled(box: TextBox, size: int) -> TextBox:
        """Smaller letters stand closer."""
        factor = size / box.size
        return dataclasses.replace(
            box,
            size=size,
            letter_spacing=box.letter_spacing * factor,
            line_spacing=round(box.line_spacing * factor),
        )

    def _shortened(self, box: TextBox) -> VipsImage:
        """As much of the beginning as fits, and an ellipsis."""
        cuts = list(_cuts(self.text.text))
        best, low, high = None, 0, len(cuts) - 1
        while low <= high:
            middle = (low + high) // 2
            found = self._fitting(self.text.text[: cuts[middle]].rstrip() + _ELLIPSIS, box)
            if found is not None:
                best, low = found, middle + 1
            else:
                high = middle - 1
        return self._drawn(_ELLIPSIS, box) if best is None else best

    def _fitting(self, text: str, box: TextBox, width: int | None = None) -> VipsImage | None:
        """The drawn text, or None where it is higher than the box, or wider than ``width``."""
        if box.height is None and width is None:
            return self._drawn(text, box)
        # What might be a hundred times too large is not drawn to find that out.
        if not within(estimate(text, box), self.limits):
            return None
        image = self._drawn(text, box, whole_words=width is not None)
        high = box.height is not None and image.height > box.height
        return None if high or (width is not None and image.width > width) else image

    def _drawn(self, text: str, box: TextBox, *, whole_words: bool = False) -> VipsImage:
        style = _WEIGHTS[self.text.weight] + (" Italic" if self.text.italic else "")
        options: dict[str, Any] = {
            # The comma ends the family, so no word of it is read as a style or a size.
            "font": f"{self.family}, {style} {box.size}",
            "dpi": 72,
            "rgba": True,
            "align": _ALIGN[self.text.align],
            "justify": self.text.align == "justify",
            "spacing": box.line_spacing,
            "wrap": "word" if whole_words else "word-char",
        }
        if box.width < self.limits.max_result_side or estimate(text, box).width >= box.width:
            # Left out where no line needs it: lines read from the right would begin at its far end.
            options["width"] = box.width
        return pyvips.Image.text(self._markup(text, box), **options)

    def _markup(self, text: str, box: TextBox) -> str:
        """Pango markup that shows ``text`` as it stands."""
        colour = self.opening.get(a.TextColour)
        ink = colour.colour if colour else BLACK
        attributes = f'foreground="#{ink.red:02x}{ink.green:02x}{ink.blue:02x}"'
        if "underline" in self.text.decoration:
            attributes += ' underline="single"'
        if "strikethrough" in self.text.decoration:
            attributes += ' strikethrough="true"'
        if box.letter_spacing:
            attributes += f' letter_spacing="{round(box.letter_spacing * 1024)}"'
        escaped = escape(text, {'"': "&quot;", "'": "&#39;"})
        return f"<span {attributes}>{escaped}</span>"


def _cuts(text: str) -> Iterator[int]:
    """Where a text may be cut, from the shortest: never inside a sign that several characters make."""
    for at in range(1, len(text)):
        before, after = text[at - 1], text[at]
        if before in _JOINS or after in _JOINS or ord(after) in _SKIN:
            continue
        if unicodedata.category(after)[0] != "M":
            yield at
