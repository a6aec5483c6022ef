"""Detail: what mixes neighbouring pixels, in the order in which it acts."""

from __future__ import annotations

from dataclasses import dataclass

from urlspec.declare import Argument, arg
from urlspec.values import (
    Integer,
    Number,
)


@dataclass(frozen=True, slots=True)
class Blur(Argument):
    """Gaussian blur; 0 changes nothing."""

    key, word, example, group, method = "e", "blur", "e_blur:3", "Colour and detail", "blur"
    sigma: float = arg(Number(0, 200, "pixels"), "standard deviation")

    def settled(self) -> Argument | None:
        return self if self.sigma else None


@dataclass(frozen=True, slots=True)
class Sharpen(Argument):
    """Unsharp mask on lightness; strength 0 changes nothing."""

    key, word, example, group, method = "e", "sharpen", "e_sharpen", "Colour and detail", "sharpen"
    sigma: float = arg(Number(0.1, 10, "pixels"), "standard deviation", default=0.8)
    strength: float = arg(Number(0, 10), "strength", default=1.0)

    def settled(self) -> Argument | None:
        return self if self.strength else None


@dataclass(frozen=True, slots=True)
class Pixelate(Argument):
    """Blocks of one colour; 0 and 1 change nothing."""

    key, word, example, group, method = "e", "pixelate", "e_pixelate:8", "Colour and detail", "pixelate"
    block: int = arg(Integer(0, 1_000, "pixels"), "side of a block", default=5)

    def settled(self) -> Argument | None:
        return self if self.block > 1 else None
