"""Text layers: the font, its size and style, and the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from urlspec.values import CONTROLS, BadValue, read_integer

WEIGHTS = ("thin", "light", "normal", "medium", "semibold", "bold", "extrabold", "black")
ALIGNS = ("left", "center", "right")
DECORATIONS = ("underline", "strikethrough")


@dataclass(frozen=True, slots=True)
class TextRef:
    """A text layer. ``size`` is in pixels (the em); the text is text, never markup."""

    family: str
    size: int
    text: str
    weight: str = "normal"
    italic: bool = False
    decoration: tuple[str, ...] = ()
    align: str = "left"

    def parts(self) -> list[str]:
        styles = [] if self.weight == "normal" else [self.weight]
        styles += ["italic"] if self.italic else []
        styles += self.decoration
        styles += [] if self.align == "left" else [self.align]
        return ["text", "_".join([self.family, str(self.size), *styles]), self.text]


LONGEST_TEXT = 500
LARGEST_TEXT = 2_000
_FONT = re.compile(r"([A-Za-z0-9 -]{1,64})_([0-9]{1,6})((?:_[a-z]+)*)", re.ASCII)
_TEXT = re.compile(f"(?:[^{CONTROLS}]|\n)+")


def read_text_layer(parts: Sequence[str]) -> TextRef:
    """``text:<family>_<size>[_<style>…]:<text>``. Raises BadValue."""
    if len(parts) != 3:
        raise BadValue(
            "a text layer has exactly two raw colons: l_text:<family>_<size>:<text>; write %3A in the text"
        )
    match = _FONT.fullmatch(parts[1])
    size = read_integer(match[2]) if match else None
    if match is None or size is None or not 1 <= size <= LARGEST_TEXT:
        raise BadValue(
            f"the font is <family>_<size 1 to {LARGEST_TEXT}>[_<style>…], for example Noto%20Sans_40_bold"
        )
    if not 0 < len(parts[2]) <= LONGEST_TEXT or not _TEXT.fullmatch(parts[2]):
        raise BadValue(f"the text has 1 to {LONGEST_TEXT} characters, line feed the only control character")
    return _styled(TextRef(match[1], size, parts[2]), match[3].split("_")[1:])


def _styled(layer: TextRef, styles: Sequence[str]) -> TextRef:
    weights = [style for style in styles if style in WEIGHTS]
    aligns = [style for style in styles if style in ALIGNS]
    unknown = set(styles).difference(WEIGHTS, ALIGNS, DECORATIONS, {"italic"})
    if unknown or len(weights) > 1 or len(aligns) > 1 or len(set(styles)) != len(styles):
        known = " ".join((*WEIGHTS, "italic", *DECORATIONS, *ALIGNS))
        raise BadValue(f"styles are one weight, italic, decorations and one alignment out of: {known}")
    return TextRef(
        layer.family,
        layer.size,
        layer.text,
        weight=weights[0] if weights else "normal",
        italic="italic" in styles,
        decoration=tuple(style for style in DECORATIONS if style in styles),
        align=aligns[0] if aligns else "left",
    )
