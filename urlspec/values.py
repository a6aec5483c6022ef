"""Kinds of values: how each is read, how it is written canonically, and what to expect in words.

A *part* is the text between two raw ``:`` of a value, percent-decoded. A codec reads a run of parts
into one Python value and writes the value back into parts; ``write(read(parts))`` is the canonical
spelling.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from urlspec.colours import CSS_COLOURS

T = TypeVar("T")
Parts = Sequence[str]

_INTEGER = re.compile(r"(?:0|[1-9][0-9]{0,5})", re.ASCII)
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,5})\.[0-9]{1,4}", re.ASCII)
CONTROLS = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
"""What no text may hold, as a regular expression's class: C0, DEL, C1, and surrogates (no UTF-8 has them)."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})", re.ASCII)


class BadValue(Exception):
    """A value that a codec refuses; ``hint`` teaches when the codec knows what was meant."""

    def __init__(self, hint: str = "", *, code: str = "value_invalid") -> None:
        super().__init__(hint)
        self.hint = hint
        self.code = code


def number_text(value: float) -> str:
    """``value`` with at most four decimals and no needless zero, point or minus (``2.50`` -> ``2.5``)."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def read_integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def read_number(text: str) -> float | None:
    """An unsigned integer or decimal of the URL language, or None. ASCII digits only."""
    return float(text) if _INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) else None


class Codec(Generic[T]):
    """Reads and writes one field of an argument."""

    expected: str = ""
    type_name: str = "str"
    """The Python type in generated SDK signatures."""
    unit: str = ""
    """``pixels`` where the value is a length that ``dpr_`` multiplies."""
    known: Collection[str] = ()
    """The words that may stand here, for naming the nearest one."""

    def span(self, parts: Parts) -> int:
        """How many of ``parts`` (never empty) belong to this field."""
        return min(1, len(parts))

    def read(self, parts: Parts) -> T:
        """The value that ``parts`` spell. Raises BadValue."""
        raise NotImplementedError

    def write(self, value: T) -> list[str]:
        """The canonical parts of ``value``."""
        raise NotImplementedError

    def coerce(self, value: Any) -> T:
        """A value given by a programmer (SDK): either already right, or its URL spelling."""
        return self.read(value.split(":") if isinstance(value, str) else self.write(value))


@dataclass(frozen=True)
class Integer(Codec[int]):
    low: int
    high: int
    unit: str = ""
    type_name = "int"

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"an integer from {self.low} to {self.high}{' ' + self.unit if self.unit else ''}"

    def read(self, parts: Parts) -> int:
        (text,) = parts
        minus = text.startswith("-") and self.low < 0
        value = read_integer(text[1:] if minus else text)
        if value is None or (minus and value == 0):
            raise BadValue
        value = -value if minus else value
        if not self.low <= value <= self.high:
            raise BadValue
        return value

    def write(self, value: int) -> list[str]:
        return [str(int(value))]


@dataclass(frozen=True)
class Number(Codec[float]):
    low: float
    high: float
    unit: str = ""
    type_name = "float"

    @property
    def expected(self) -> str:  # type: ignore[override]
        unit = f" {self.unit}" if self.unit else ""
        return f"a number from {number_text(self.low)} to {number_text(self.high)}{unit}"

    def read(self, parts: Parts) -> float:
        (text,) = parts
        minus = text.startswith("-") and self.low < 0
        value = read_number(text[1:] if minus else text)
        if value is None or (minus and value == 0):
            raise BadValue
        value = -value if minus else value
        if not self.low <= value <= self.high:
            raise BadValue
        return value

    def write(self, value: float) -> list[str]:
        return [number_text(value)]


@dataclass(frozen=True)
class AutoNumber(Codec[float | str]):
    """A number, or ``auto``: what the client's hint says."""

    low: float
    high: float
    type_name = "float | str"

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{Number(self.low, self.high).expected}, or auto"

    def read(self, parts: Parts) -> float | str:
        return "auto" if list(parts) == ["auto"] else Number(self.low, self.high).read(parts)

    def write(self, value: float | str) -> list[str]:
        return ["auto"] if isinstance(value, str) else [number_text(value)]


@dataclass(frozen=True, slots=True, order=True)
class Fraction:
    """A length as a fraction of the picture that enters the component; 1.0 is the whole side."""

    value: float

    def __str__(self) -> str:
        text = number_text(self.value)
        return text if "." in text else text + ".0"


Length = int | Fraction
"""Pixels, or a fraction of the side."""
AutoLength = int | Fraction | Literal["auto"]


@dataclass(frozen=True)
class LengthCodec(Codec[AutoLength]):
    """``300`` is pixels, ``0.5`` a fraction of the side; ``auto`` (a client hint) only where allowed."""

    low: int = 0
    high: int = 65_535
    top: float = 10.0
    auto: bool = False
    unit: str = ""
    type_name = "int | float | Fraction | str"

    @property
    def expected(self) -> str:  # type: ignore[override]
        low = "above 0" if self.low > 0 else f"from {-self.top if self.low < 0 else 0:g}"
        words = f"pixels ({self.low} to {self.high}) or a fraction such as 0.5 ({low}, at most {self.top:g})"
        return words + (", or auto" if self.auto else "")

    def read(self, parts: Parts) -> AutoLength:
        (text,) = parts
        if self.auto and text == "auto":
            return "auto"
        minus = text.startswith("-") and self.low < 0
        digits = text[1:] if minus else text
        sign = -1 if minus else 1
        if _INTEGER.fullmatch(digits):
            pixels = sign * int(digits)
            if (minus and pixels == 0) or not self.low <= pixels <= self.high:
                raise BadValue
            return pixels
        if _DECIMAL.fullmatch(digits):
            fraction = sign * float(digits)
            if (minus and fraction == 0) or abs(fraction) > self.top or (self.low > 0 and fraction == 0):
                raise BadValue
            return Fraction(fraction)
        raise BadValue

    def write(self, value: AutoLength) -> list[str]:
        return [str(value)]

    def coerce(self, value: Any) -> AutoLength:
        return super().coerce(Fraction(value) if isinstance(value, float) else value)


@dataclass(frozen=True)
class Word(Codec[str]):
    """One of a closed set of words; ``aliases`` are accepted and written as what they stand for."""

    words: tuple[str, ...]
    aliases: Mapping[str, str] | None = None
    hints: Mapping[str, str] | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "one of " + " ".join(self.words)

    def read(self, parts: Parts) -> str:
        (text,) = parts
        text = (self.aliases or {}).get(text, text)
        if text not in self.words:
            raise BadValue((self.hints or {}).get(text, ""))
        return text

    def write(self, value: str) -> list[str]:
        return [str(value)]

    @property
    def known(self) -> Collection[str]:  # type: ignore[override]
        return (*self.words, *(self.aliases or ()))

    @property
    def type_name(self) -> str:  # type: ignore[override]
        numbers = " | int" if any(word.lstrip("-").isdigit() for word in self.words) else ""
        words = ", ".join(f'"{word}"' for word in (*self.words, *(self.aliases or ())))
        return f"Literal[{words}]{numbers}"


@dataclass(frozen=True, slots=True)
class Colour:
    """sRGB with alpha, each 0 to 255."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    def __str__(self) -> str:
        alpha = "" if self.alpha == 255 else f"{self.alpha:02x}"
        return f"rgb:{self.red:02x}{self.green:02x}{self.blue:02x}{alpha}"


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)


class ColourCodec(Codec[Colour]):
    expected = "a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA"
    type_name = "Colour | str"
    known = (*CSS_COLOURS, "transparent")

    def span(self, parts: Parts) -> int:
        return 2 if parts[0] == "rgb" and len(parts) > 1 else 1

    def read(self, parts: Parts) -> Colour:
        if len(parts) == 2 and parts[0] == "rgb" and _HEX.fullmatch(parts[1]):
            return Colour(*bytes.fromhex(parts[1]))
        if len(parts) != 1:
            raise BadValue
        name = parts[0]
        if name == "transparent":
            return Colour(0, 0, 0, 0)
        if name not in CSS_COLOURS:
            raise BadValue("write hex colours as rgb:RRGGBB" if name.startswith(("#", "rgb")) else "")
        return Colour(*bytes.fromhex(CSS_COLOURS[name]))

    def write(self, value: Colour) -> list[str]:
        return str(value).split(":")


@dataclass(frozen=True, slots=True)
class Ratio:
    """Width to height, as written: ``16:9`` or ``1.5`` (then ``height`` is 1)."""

    width: float
    height: float

    @property
    def value(self) -> float:
        return self.width / self.height


class RatioCodec(Codec[Ratio]):
    expected = "a ratio of width to height such as 16:9 or 1.5, from 0.01 to 100"
    type_name = "Ratio | float | str"

    def span(self, parts: Parts) -> int:
        return len(parts)

    def read(self, parts: Parts) -> Ratio:
        numbers = [read_number(part) for part in parts]
        if len(numbers) == 1:
            numbers.append(1.0)
        if len(numbers) != 2:
            raise BadValue
        width, height = numbers
        if not width or not height or not 0.01 <= width / height <= 100:
            raise BadValue
        return Ratio(width, height)

    def write(self, value: Ratio) -> list[str]:
        parts = [number_text(value.width), number_text(value.height)]
        return parts[:1] if value.height == 1 else parts

    def coerce(self, value: Any) -> Ratio:
        return super().coerce(Ratio(value, 1) if isinstance(value, int | float) else value)


@dataclass(frozen=True)
class Text(Codec[str]):
    """Free text; what is allowed in it is said by ``pattern`` over the decoded characters."""

    longest: int
    pattern: str = f"[^{CONTROLS}]+"
    words: str = "text"

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.words} of 1 to {self.longest} characters"

    def read(self, parts: Parts) -> str:
        (text,) = parts
        if not 0 < len(text) <= self.longest or not re.fullmatch(self.pattern, text):
            raise BadValue
        return text

    def write(self, value: str) -> list[str]:
        return [value]

    def coerce(self, value: Any) -> str:
        return self.read([value])
