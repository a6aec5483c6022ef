"""Text layers: the font, its size and style, and the text."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from urlspec.values import CONTROLS, BadValue, Number, number_text, read_integer

WEIGHTS: Final = (
    "thin", "extralight", "light", "normal", "medium", "semibold", "bold", "extrabold", "black",
)  # fmt: skip
ALIGNS: Final = ("left", "center", "right", "justify")
DECORATIONS: Final = ("underline", "strikethrough")
ALIASES: Final[Mapping[str, str]] = {
    "book": "normal", "demibold": "semibold", "ultrabold": "extrabold", "heavy": "black",
    "start": "left", "end": "right",
}  # fmt: skip
"""Other words for the same, read and not written."""
LETTER_SPACING: Final = Number(-100, 1_000, "pixels")
LINE_SPACING: Final = Number(0, 1_000, "pixels")


@dataclass(frozen=True, slots=True)
class TextRef:
    """A text layer; the text is text, never markup. Lengths are in pixels, and ``dpr_`` multiplies them.

    ``size`` is the em. ``letter_spacing`` is added after every letter, ``line_spacing`` between lines.
    ``stroke`` draws the outline that the layer's ``bo_`` describes. ``shrink`` makes the size as small as
    the box of ``w_`` and ``h_`` needs. Where a script is read from the right, ``left`` and ``right`` change
    sides: they are where a line begins and where it ends.
    """

    family: str
    size: int
    text: str
    weight: str = "normal"
    italic: bool = False
    decoration: tuple[str, ...] = ()
    align: str = "left"
    stroke: bool = False
    letter_spacing: float = 0.0
    line_spacing: float = 0.0
    shrink: bool = False

    def parts(self) -> list[str]:
        return ["text", "_".join([self.family, str(self.size), *self._styles()]), self.text]

    def _styles(self) -> Iterator[str]:
        if self.weight != "normal":
            yield self.weight
        if self.italic:
            yield "italic"
        yield from self.decoration
        if self.align != "left":
            yield self.align
        if self.stroke:
            yield "stroke"
        if self.letter_spacing:
            yield f"letter_spacing_{number_text(self.letter_spacing)}"
        if self.line_spacing:
            yield f"line_spacing_{number_text(self.line_spacing)}"
        if self.shrink:
            yield "shrink"


LONGEST_TEXT = 500
LARGEST_TEXT = 2_000
_FONT = re.compile(r"([A-Za-z0-9 -]{1,64})_([0-9]{1,6})((?:_[a-z]+|_-?[0-9.]+)*)", re.ASCII)
_STYLE = re.compile(r"_((?:letter|line)_spacing)_([^_]+)|_([^_]+)")
_TEXT = re.compile(f"(?:[^{CONTROLS}]|\n)+")
_SEEN: Final = frozenset("LNPSM")
"""Kinds of characters that leave ink, by the first letter of their category; private use may, too."""
_OTHERS: Final = "italic underline strikethrough stroke letter_spacing_<px> line_spacing_<px> shrink"


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
    if not visible(parts[2]):
        raise BadValue("the text has nothing that could be seen")
    return dataclasses.replace(TextRef(match[1], size, parts[2]), **_styled(match[3]))


def _styled(text: str) -> dict[str, Any]:
    """What the style words say, by the name of the field. Raises BadValue."""
    found: dict[str, Any] = {}
    for match in _STYLE.finditer(text):
        spacing, length, word = match.groups()
        name, value = _spacing(spacing, length) if spacing else _style(ALIASES.get(word, word))
        if name == "decoration":
            if value in found.get(name, ()):
                raise BadValue(f"{value} is said twice")
            both = {value, *found.get(name, ())}
            value = tuple(one for one in DECORATIONS if one in both)
        elif name in found:
            raise BadValue(f"the {name.replace('_', ' ')} is said twice")
        found[name] = value
    return found


def _style(word: str) -> tuple[str, Any]:
    if word in WEIGHTS:
        return "weight", word
    if word in ALIGNS:
        return "align", word
    if word in DECORATIONS:
        return "decoration", word
    if word in {"italic", "stroke", "shrink"}:
        return word, True
    raise BadValue(
        f"styles are one weight ({' '.join(WEIGHTS)}), one alignment ({' '.join(ALIGNS)}), and {_OTHERS}"
    )


def _spacing(name: str, text: str) -> tuple[str, float]:
    codec = LETTER_SPACING if name == "letter_spacing" else LINE_SPACING
    try:
        return name, codec.read([text])
    except BadValue as error:
        raise BadValue(f"{name}_ takes {codec.expected}") from error


def visible(text: str) -> bool:
    """Whether anything of a text could leave ink."""
    kinds = {unicodedata.category(character) for character in text}
    return "Co" in kinds or any(kind[0] in _SEEN for kind in kinds)
