"""Tone and colour, in the order in which they act."""

from __future__ import annotations

from dataclasses import dataclass

from urlspec.declare import Argument, arg
from urlspec.values import (
    Integer,
    Number,
)


@dataclass(frozen=True, slots=True)
class Brightness(Argument):
    """Brighter or darker; 0 changes nothing."""

    key, word, example, group, method = (
        "e",
        "brightness",
        "e_brightness:20",
        "Colour and detail",
        "brightness",
    )
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Contrast(Argument):
    """More or less contrast around middle grey; 0 changes nothing."""

    key, word, example, group, method = "e", "contrast", "e_contrast:30", "Colour and detail", "contrast"
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Gamma(Argument):
    """Exponent of the tone curve: above 1 lightens the middle tones; 1 changes nothing."""

    key, word, example, group, method = "e", "gamma", "e_gamma:1.5", "Colour and detail", "gamma"
    exponent: float = arg(Number(0.1, 10), "exponent")

    def settled(self) -> Argument | None:
        return None if self.exponent == 1 else self


@dataclass(frozen=True, slots=True)
class Saturation(Argument):
    """More or less colour; -100 is grey, 0 changes nothing."""

    key, word, example, group, method = (
        "e",
        "saturation",
        "e_saturation:40",
        "Colour and detail",
        "saturation",
    )
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Hue(Argument):
    """Turn every hue around the colour wheel; 0 changes nothing."""

    key, word, example, group, method = "e", "hue", "e_hue:120", "Colour and detail", "hue"
    degrees: int = arg(Integer(-360, 360), "degrees")

    def settled(self) -> Argument | None:
        return Hue(self.degrees % 360) if self.degrees % 360 else None


@dataclass(frozen=True, slots=True)
class Grayscale(Argument):
    """Take all colour away."""

    key, word, example, group, method = "e", "grayscale", "e_grayscale", "Colour and detail", "grayscale"


@dataclass(frozen=True, slots=True)
class Sepia(Argument):
    """Brown tones of an old print; 0 changes nothing."""

    key, word, example, group, method = "e", "sepia", "e_sepia", "Colour and detail", "sepia"
    amount: int = arg(Integer(0, 100), "percent", default=80)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Negate(Argument):
    """Every colour becomes its complement."""

    key, word, example, group, method = "e", "negate", "e_negate", "Colour and detail", "negate"
