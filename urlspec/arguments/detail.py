"""Detail: what mixes neighbouring pixels, in the order in which it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.backgrounds import DirectionCodec
from urlspec.declare import Argument, arg
from urlspec.values import (
    Colour,
    ColourCodec,
    Fraction,
    Integer,
    LengthCodec,
    Number,
)

GROUP: Final = "Colour and detail"


@dataclass(frozen=True, slots=True)
class Denoise(Argument):
    """Smooth noise away and keep edges; 0 changes nothing."""

    key, word, example, group, method = "e", "denoise", "e_denoise:30", GROUP, "denoise"
    strength: int = arg(Integer(0, 100), "percent", default=30)

    def settled(self) -> Argument | None:
        return self if self.strength else None


@dataclass(frozen=True, slots=True)
class Blur(Argument):
    """Gaussian blur; 0 changes nothing."""

    key, word, example, group, method = "e", "blur", "e_blur:3", GROUP, "blur"
    sigma: float = arg(Number(0, 200, "pixels"), "standard deviation")

    def settled(self) -> Argument | None:
        return self if self.sigma else None


@dataclass(frozen=True, slots=True)
class Sharpen(Argument):
    """Unsharp mask on lightness; strength 0 changes nothing."""

    key, word, example, group, method = "e", "sharpen", "e_sharpen", GROUP, "sharpen"
    sigma: float = arg(Number(0.1, 10, "pixels"), "standard deviation", default=0.8)
    strength: float = arg(Number(0, 10), "strength", default=1.0)

    def settled(self) -> Argument | None:
        return self if self.strength else None


@dataclass(frozen=True, slots=True)
class Unsharp(Argument):
    """Unsharp mask on every colour: adds what a blur takes away, where it is at least the threshold;
    amount 0 changes nothing."""

    key, word, example, group, method = "e", "unsharp", "e_unsharp:2:120:3", GROUP, "unsharp"
    sigma: float = arg(Number(0.1, 100, "pixels"), "standard deviation", default=1.0)
    amount: int = arg(Integer(0, 500), "percent", default=100)
    threshold: int = arg(Integer(0, 255), "difference in steps of 255", default=0)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Pixelate(Argument):
    """Blocks of one colour; 0 and 1 change nothing."""

    key, word, example, group, method = "e", "pixelate", "e_pixelate:8", GROUP, "pixelate"
    block: int = arg(Integer(0, 1_000, "pixels"), "side of a block", default=5)

    def settled(self) -> Argument | None:
        return self if self.block > 1 else None


Length = int | Fraction


@dataclass(frozen=True, slots=True)
class BlurRegion(Argument):
    """Blur a rectangle of the picture; it is cut to the picture, and may not lie wholly outside."""

    key, word, example, group, method = (
        "e",
        "blur_region",
        "e_blur_region:0.25:0.25:0.5:0.5",
        GROUP,
        "blur_region",
    )
    left: Length = arg(LengthCodec(unit="pixels"), "from the left")
    top: Length = arg(LengthCodec(unit="pixels"), "from the top")
    width: Length = arg(LengthCodec(low=1, unit="pixels"), "width")
    height: Length = arg(LengthCodec(low=1, unit="pixels"), "height")
    sigma: float = arg(Number(0, 200, "pixels"), "standard deviation", default=20.0)

    def settled(self) -> Argument | None:
        return self if self.sigma else None


@dataclass(frozen=True, slots=True)
class PixelateRegion(Argument):
    """Blocks of one colour in a rectangle; it is cut to the picture, and may not lie wholly outside."""

    key, word, example, group, method = (
        "e",
        "pixelate_region",
        "e_pixelate_region:0.25:0.25:0.5:0.5:12",
        GROUP,
        "pixelate_region",
    )
    left: Length = arg(LengthCodec(unit="pixels"), "from the left")
    top: Length = arg(LengthCodec(unit="pixels"), "from the top")
    width: Length = arg(LengthCodec(low=1, unit="pixels"), "width")
    height: Length = arg(LengthCodec(low=1, unit="pixels"), "height")
    block: int = arg(Integer(0, 1_000, "pixels"), "side of a block", default=16)

    def settled(self) -> Argument | None:
        return self if self.block > 1 else None


@dataclass(frozen=True, slots=True)
class Vignette(Argument):
    """Darken towards the corners; 0 changes nothing."""

    key, word, example, group, method = "e", "vignette", "e_vignette:60", GROUP, "vignette"
    amount: int = arg(Integer(0, 100), "percent", default=40)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class GradientOverlay(Argument):
    """A colour that sets in on the way and grows to the far edge, as behind a caption; amount 0 changes
    nothing."""

    key, word, example, group, method = "e", "gradient", "e_gradient:black:80", GROUP, "gradient"
    colour: Colour = arg(ColourCodec(), "colour")
    amount: int = arg(Integer(0, 100), "percent at the end", default=80)
    direction: float = arg(DirectionCodec(), "where it grows to", default=180.0)
    start: int = arg(Integer(0, 99), "where it sets in, percent of the way", default=40)

    def settled(self) -> Argument | None:
        return self if self.amount and self.colour.alpha else None


@dataclass(frozen=True, slots=True)
class Fade(Argument):
    """The picture becomes transparent over the last part of the way to one edge; 0 changes nothing."""

    key, word, example, group, method = "e", "fade", "e_fade:50", GROUP, "fade"
    part: int = arg(Integer(0, 100), "percent of the way", default=30)
    direction: float = arg(DirectionCodec(), "where it fades to", default=180.0)

    def settled(self) -> Argument | None:
        return self if self.part else None
