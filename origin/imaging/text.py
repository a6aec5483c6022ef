"""Text layers, drawn by Pango. The text is text: what reaches Pango is escaped, the font is of our making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import pyvips

from origin.errors import ResultTooLarge
from origin.imaging.colour import VipsImage
from origin.imaging.fonts import FALLBACK, font_files, installed
from origin.imaging.geometry import Size
from origin.imaging.model import Limits
from origin.imaging.shape import largest
from origin.imaging.textbox import text_pixels, wrap_width
from urlspec import arguments as a
from urlspec.kinds import TextRef
from urlspec.request import Component
from urlspec.values import BLACK

_WEIGHTS: Final = {
    "thin": "Thin", "light": "Light", "normal": "Regular", "medium": "Medium", "semibold": "Semi-Bold",
    "bold": "Bold", "extrabold": "Ultra-Bold", "black": "Heavy",
}  # fmt: skip
"""Our words to Pango's."""

_ALIGN: Final = {"left": "low", "center": "centre", "right": "high"}


@dataclass(frozen=True, slots=True)
class Drawn:
    image: VipsImage
    """sRGB with alpha, in memory."""
    warnings: tuple[str, ...] = ()


def draw(text: TextRef, opening: Component, below: Size, limits: Limits, fonts: str | None) -> Drawn:
    """The text in its colour on nothing, cut to its ink. Raises ResultTooLarge."""
    warnings: tuple[str, ...] = ()
    known = installed(fonts)
    if text.family.casefold() not in known:
        family = FALLBACK
        warnings = (f"the font {text.family!r} is not installed here; {FALLBACK} is used",)
    else:
        family = known[text.family.casefold()]
    style = _WEIGHTS[text.weight] + (" Italic" if text.italic else "")
    options = {
        # The comma ends the family, so no word of it is read as a style or a size.
        "font": f"{family}, {style} {text_pixels(text, opening)}",
        "dpi": 72,
        "rgba": True,
        "align": _ALIGN[text.align],
        "width": wrap_width(opening, below, limits),
        "wrap": "word-char",
    }
    for file in font_files(family, fonts):
        # Each call adds one file to the process's fonts; the last one draws with all of them.
        options["fontfile"] = file
        pyvips.Image.text("x", fontfile=file)
    image = pyvips.Image.text(markup(text, opening), **options)
    if max(image.width, image.height) > limits.max_result_side:
        most = largest(Size(image.width, image.height), limits.max_result_side, limits.max_result_pixels)
        raise ResultTooLarge(
            f"The text would be {image.width}x{image.height} pixels.", width=most.width, height=most.height
        )
    colour = opening.get(a.TextColour)
    alpha = colour.colour.alpha if colour else 255
    if alpha < 255:
        image = (image * [1, 1, 1, alpha / 255]).rint().cast("uchar")
    return Drawn(image.copy(interpretation="srgb").copy_memory(), warnings)


def markup(text: TextRef, opening: Component) -> str:
    """Pango markup that shows ``text`` as it stands."""
    colour = opening.get(a.TextColour)
    ink = colour.colour if colour else BLACK
    attributes = f'foreground="#{ink.red:02x}{ink.green:02x}{ink.blue:02x}"'
    if "underline" in text.decoration:
        attributes += ' underline="single"'
    if "strikethrough" in text.decoration:
        attributes += ' strikethrough="true"'
    escaped = escape(text.text, {'"': "&quot;", "'": "&#39;"})
    return f"<span {attributes}>{escaped}</span>"
