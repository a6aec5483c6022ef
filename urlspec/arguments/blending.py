"""How a layer mixes with the picture below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.declare import Argument, arg
from urlspec.values import (
    Word,
)

BLENDS: Final = (
    "multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn", "hard_light",
    "soft_light", "difference", "exclusion", "add", "linear_burn", "subtract", "color", "luminosity", "mask",
    "cut", "atop", "xor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blend(Argument):
    """How a layer mixes with the picture. `color` takes the layer's colour, `luminosity` its lightness;
    `mask` keeps only what the layer covers, `cut` what it does not, `xor` what one of both covers, and `atop`
    lays the layer only where the picture is."""

    key, example, group, method = "e", "l_logo,w_0.5,e_multiply", "Layers", "blend"
    words = BLENDS
    mode: str = arg(Word(BLENDS), "mode")


@dataclass(frozen=True, slots=True)
class Tiled(Argument):
    """Repeat the layer over the whole picture; `x_` and `y_` are the space between."""

    key, word, example, group, method = "fl", "tiled", "l_logo,w_60,o_30,fl_tiled", "Layers", "tiled"
