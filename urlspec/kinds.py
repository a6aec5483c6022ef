"""Values with a grammar of their own: gravity, quality, corners, padding, borders, text layers, presets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from urlspec.qualities import QualityCodec as QualityCodec
from urlspec.qualities import QualityValue as QualityValue
from urlspec.sources import SourceCodec, SourceRef
from urlspec.texts import TextRef as TextRef
from urlspec.texts import read_text_layer
from urlspec.values import (
    CONTROLS,
    BadValue,
    Codec,
    Colour,
    ColourCodec,
    Fraction,
    LengthCodec,
    Number,
    number_text,
    read_integer,
    read_number,
)

COMPASS = (
    "north_west", "north", "north_east", "west", "center", "east", "south_west", "south", "south_east",
)  # fmt: skip
GRAVITY_WORDS = (*COMPASS, "auto", "entropy", "xy_center", "focus", "face", "faces")
_GRAVITY_HINTS = {
    "custom": "the point stored with the asset is g_focus",
    "sm": "g_auto keeps what draws the eye",
    "smart": "g_auto keeps what draws the eye",
    "adv_face": "g_face and g_faces find faces",
    "adv_faces": "g_face and g_faces find faces",
    "body": "g_face and g_faces find faces",
}
"""What other dialects say."""


@dataclass(frozen=True, slots=True)
class FocalPoint:
    """A point as fractions from the left and the top, 0 to 1."""

    x: float
    y: float


class GravityCodec(Codec[str | FocalPoint]):
    type_name = "FocalPoint | str"
    known = GRAVITY_WORDS
    expected = "one of " + " ".join(GRAVITY_WORDS) + ", or fp:<x>:<y> with fractions from 0 to 1"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> str | FocalPoint:
        if parts[0] == "fp" and len(parts) == 3:
            x, y = read_number(parts[1]), read_number(parts[2])
            if x is None or y is None or x > 1 or y > 1:
                raise BadValue
            return FocalPoint(x, y)
        if parts[0] in {"auto", "face", "faces"} and len(parts) > 1:
            raise BadValue(f"g_{parts[0]} stands alone; g_face falls back to g_auto by itself")
        if len(parts) != 1 or parts[0] not in GRAVITY_WORDS:
            raise BadValue(_GRAVITY_HINTS.get(parts[0], ""))
        return parts[0]

    def write(self, value: str | FocalPoint) -> list[str]:
        if isinstance(value, FocalPoint):
            return ["fp", number_text(value.x), number_text(value.y)]
        return [value]


class AngleCodec(Codec[float | str]):
    expected = "degrees clockwise from -360 to 360, or hflip or vflip"
    type_name = "float | str"
    _degrees = Number(-360, 360)

    def read(self, parts: Sequence[str]) -> float | str:
        return parts[0] if parts[0] in {"hflip", "vflip"} else self._degrees.read(parts)

    def write(self, value: float | str) -> list[str]:
        return [value] if isinstance(value, str) else [number_text(value)]


Corners = tuple[int, int, int, int] | Literal["max"]


class CornersCodec(Codec[Corners]):
    """Radii clockwise from the top left, shortened as in CSS."""

    expected = "pixels (1 value for all corners, or 2 to 4 as in CSS: tl:tr:br:bl), or max"
    type_name = "int | str | tuple[int, ...]"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> Corners:
        if list(parts) == ["max"]:
            return "max"
        if not 1 <= len(parts) <= 4:
            raise BadValue
        radii = [read_integer(part) for part in parts]
        if any(radius is None or radius > 65_535 for radius in radii):
            raise BadValue
        first, second, third, fourth = spread([radius or 0 for radius in radii])
        return first, second, third, fourth

    def write(self, value: Corners) -> list[str]:
        return ["max"] if value == "max" else [str(radius) for radius in shorten(list(value))]

    def coerce(self, value: Any) -> Corners:
        return self.read(_several(value))


def _several(value: Any) -> list[str]:
    """The parts of one value or of several, as a programmer gives them."""
    return [str(one) for one in value] if isinstance(value, tuple) else str(value).split(":")


def spread(values: list[Any]) -> list[Any]:
    """One to four values to four, as CSS does for margins."""
    first = values[0]
    second = values[1] if len(values) > 1 else first
    third = values[2] if len(values) > 2 else first
    fourth = values[3] if len(values) > 3 else second
    return [first, second, third, fourth]


def shorten(values: list[Any]) -> list[Any]:
    """The shortest list that ``spread`` makes into ``values``."""
    return next(values[:count] for count in range(1, 5) if spread(values[:count]) == values)


class PaddingCodec(Codec[tuple[Any, ...]]):
    expected = "1 to 4 lengths, top:right:bottom:left as in CSS, each in pixels or a fraction such as 0.1"
    type_name = "int | str | tuple[int | Fraction, ...]"
    _side = LengthCodec(low=0, top=4)

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> tuple[Any, ...]:
        if not 1 <= len(parts) <= 4:
            raise BadValue
        return tuple(spread([self._side.read([part]) for part in parts]))

    def write(self, value: tuple[Any, ...]) -> list[str]:
        return [str(side) for side in shorten(list(value))]

    def coerce(self, value: Any) -> tuple[Any, ...]:
        return self.read(_several(value))


@dataclass(frozen=True, slots=True)
class BorderValue:
    width: int | Fraction
    """Pixels, or a fraction of the picture's shorter side."""
    colour: Colour


_BORDER = re.compile(r"([0-9.]{1,8})(px)?_solid_(.+)", re.ASCII)


class BorderCodec(Codec[BorderValue]):
    expected = (
        "<width>px_solid_<colour>, for example 4px_solid_red or 4px_solid_rgb:ff0000; or the width as a "
        "fraction of the shorter side, for example 0.02_solid_red"
    )
    _width = LengthCodec(low=0, top=4)
    _colour = ColourCodec()

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> BorderValue:
        match = _BORDER.fullmatch(parts[0])
        if match is None:
            raise BadValue
        width = self._width.read([match[1]])
        if not isinstance(width, int if match[2] else Fraction):
            raise BadValue
        return BorderValue(width, self._colour.read([match[3], *parts[1:]]))

    def write(self, value: BorderValue) -> list[str]:
        colour = self._colour.write(value.colour)
        unit = "px" if isinstance(value.width, int) else ""
        return [f"{value.width}{unit}_solid_{colour[0]}", *colour[1:]]


LayerRef = SourceRef | TextRef


class LayerCodec(Codec[LayerRef]):
    """What a layer shows: an asset, an object of a source, or a text."""

    expected = "an id, @name:key, or text:<family>_<size>[_<style>…]:<text>"
    type_name = "SourceRef | TextRef | str"
    _source = SourceCodec()

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> LayerRef:
        return read_text_layer(parts) if parts[0] == "text" and len(parts) > 1 else self._source.read(parts)

    def write(self, value: LayerRef) -> list[str]:
        return value.parts()

    def coerce(self, value: Any) -> LayerRef:
        """Programmers write a key and a text as they are: ``@brand/logo.png``, ``text:Sans_20:10:30``."""
        if isinstance(value, TextRef):
            return self.read(value.parts())
        if isinstance(value, str) and value.startswith("text:"):
            return self.read(value.split(":", 2))
        return self._source.coerce(value)


@dataclass(frozen=True, slots=True)
class PresetCall:
    name: str
    arguments: tuple[str, ...] = ()


PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_PRESET_ARGUMENT = re.compile(f"[^{CONTROLS}]+")


class PresetCodec(Codec[PresetCall]):
    expected = "<name>[:<argument>…] of a preset of this server, at most 9 arguments"
    type_name = "PresetCall | str"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> PresetCall:
        if not PRESET_NAME.fullmatch(parts[0]) or len(parts) > 10:
            raise BadValue
        if not all(_PRESET_ARGUMENT.fullmatch(part) for part in parts[1:]):
            raise BadValue("an argument is neither empty nor holds control characters")
        return PresetCall(parts[0], tuple(parts[1:]))

    def write(self, value: PresetCall) -> list[str]:
        return [value.name, *value.arguments]
