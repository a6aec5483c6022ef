"""Shape and edge: what changes a picture's outline, or what shows through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.backgrounds import BackgroundCodec, BackgroundValue, Blurred
from urlspec.declare import Argument, arg
from urlspec.kinds import (
    BorderCodec,
    BorderValue,
    Corners,
    CornersCodec,
    PaddingCodec,
)
from urlspec.values import (
    BLACK,
    Colour,
    ColourCodec,
    Fraction,
    Integer,
    Word,
)


@dataclass(frozen=True, slots=True)
class CornerRadius(Argument):
    """Rounded, transparent corners; `max` makes an ellipse."""

    key, example, group, method = "rad", "c_fill,w_200,h_200,rad_20", "Shape and edge", "corner_radius"
    radii: Corners = arg(CornersCodec(), "radii")

    def settled(self) -> Argument | None:
        return None if self.radii == (0, 0, 0, 0) else self


SHAPES: Final = ("circle", "triangle", "diamond", "pentagon", "hexagon", "octagon", "star", "heart")


@dataclass(frozen=True, slots=True)
class Mask(Argument):
    """Cut the picture to a shape, the largest that fits in its middle; the rest becomes transparent."""

    key, example, group, method = "mask", "c_fill,w_200,h_200,mask_hexagon", "Shape and edge", "mask"
    shape: str = arg(Word(SHAPES), "shape")


@dataclass(frozen=True, slots=True)
class Shadow(Argument):
    """Shadow of the picture's outline, for which room is made; what is added outside comes after it."""

    key, word, example, group, method = "e", "shadow", "w_200,rad_20,e_shadow", "Shape and edge", "shadow"
    x: int = arg(Integer(-1_000, 1_000, "pixels"), "to the right", default=0)
    y: int = arg(Integer(-1_000, 1_000, "pixels"), "down", default=8)
    blur: int = arg(Integer(0, 400, "pixels"), "softness: two standard deviations, as in CSS", default=24)
    colour: Colour = arg(ColourCodec(), "colour", default=BLACK)
    opacity: int = arg(Integer(0, 100), "percent", default=40)

    def settled(self) -> Argument | None:
        return self if self.opacity and self.colour.alpha else None


@dataclass(frozen=True, slots=True)
class Padding(Argument):
    """Space added outside the picture, filled with `b_`: top, right, bottom, left."""

    key, example, group, method = "pad", "w_200,pad_20:10", "Shape and edge", "padding"
    sides: tuple[int | Fraction, ...] = arg(PaddingCodec(), "lengths")

    def settled(self) -> Argument | None:
        return self if any(side not in {0, Fraction(0)} for side in self.sides) else None


@dataclass(frozen=True, slots=True)
class Border(Argument):
    """A border added outside the picture and its padding; it follows `rad_` where no padding lies between."""

    key, example, group, method = "bo", "w_200,bo_10px_solid_red", "Shape and edge", "border"
    value: BorderValue = arg(BorderCodec(), "width, style and colour")

    def settled(self) -> Argument | None:
        return None if self.value.width in {0, Fraction(0)} else self


@dataclass(frozen=True, slots=True)
class Background(Argument):
    """What shows through: in padding, behind alpha, beside a turned picture. White where nothing is said."""

    key, example, group, method = "b", "c_pad,w_300,h_300,b_rgb:336699", "Shape and edge", "background"
    fill: BackgroundValue = arg(BackgroundCodec(), "what")

    def multiplied(self, dpr: float) -> Background:
        if isinstance(self.fill, Blurred) and self.fill.sigma is not None:
            return Background(Blurred(self.fill.sigma * dpr, self.fill.brightness))
        return self


@dataclass(frozen=True, slots=True)
class Opacity(Argument):
    """How opaque the picture or the layer is; 100 changes nothing."""

    key, example, group, method = "o", "l_logo,w_80,g_south_east,x_10,y_10,o_60", "Shape and edge", "opacity"
    percent: int = arg(Integer(0, 100), "percent")

    def settled(self) -> Argument | None:
        return None if self.percent == 100 else self
