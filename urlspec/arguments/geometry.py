"""Orientation, region and size, in the order in which they act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.declare import Argument, arg
from urlspec.kinds import (
    AngleCodec,
    FocalPoint,
    GravityCodec,
)
from urlspec.values import (
    AutoLength,
    AutoNumber,
    Colour,
    ColourCodec,
    Fraction,
    Integer,
    LengthCodec,
    Number,
    Ratio,
    RatioCodec,
    Word,
)

# Orientation --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rotate(Argument):
    """Right-angle turn, clockwise; `ignore` leaves the EXIF orientation unapplied (first component only)."""

    key, example, group, method = "r", "r_90", "Orientation", "rotate"
    hint = "corner radius is rad_20, free angle is a_20"
    turn: str = arg(
        Word(("90", "180", "270", "auto", "ignore"), aliases={"-90": "270", "-180": "180", "-270": "90"}),
        "degrees clockwise",
    )

    def settled(self) -> Argument | None:
        return None if self.turn == "auto" else self


@dataclass(frozen=True, slots=True)
class Flip(Argument):
    """Mirror: `h` left to right, `v` top to bottom, `hv` both."""

    key, example, group, method = "flip", "flip_h", "Orientation", "flip"
    axes: str = arg(Word(("h", "v", "hv"), aliases={"vh": "hv"}), "axes")


# Region and size ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trim(Argument):
    """Cut away a border of one colour (the top left pixel's, unless given), or transparent edges."""

    key, word, example, group, method = "e", "trim", "e_trim:10", "Region and size", "trim"
    tolerance: int = arg(Integer(0, 100), "how different a border pixel may be", default=10)
    colour: Colour | None = arg(ColourCodec(), "border colour", default=None)


CROPS: Final = (
    "limit", "fit", "mfit", "scale", "fill", "lfill", "fill_pad", "pad", "lpad", "mpad", "crop", "thumb",
    "auto", "auto_pad",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Crop(Argument):
    """How the picture gets its size: `limit` fits inside and never enlarges, `fit` fits inside, `mfit` the
    same and never shrinks, `scale` stretches, `fill` covers and cuts, `lfill` the same without enlarging,
    `fill_pad` cuts at most a third of a side (and no face that `g_` names) and fills up the rest, `pad` fits
    and fills up, `lpad` the same without enlarging, `mpad` fills up without resizing, `crop` cuts a region,
    `thumb` fills after zooming by `z_`, `auto` the same but never closer than the picture's own pixels,
    `auto_pad` the same but pads as `fill_pad` does. The last two and `fill_pad` look for the place
    themselves (`g_auto`)."""

    key, example, group, method = "c", "c_fill,w_400,h_300", "Region and size", "crop"
    mode: str = arg(Word(CROPS), "mode")


@dataclass(frozen=True, slots=True)
class Width(Argument):
    """Width of the result: whole pixels, a fraction of the picture, or `auto` (client hint)."""

    key, example, group, method = "w", "w_300", "Region and size", "width"
    value: AutoLength = arg(LengthCodec(low=1, auto=True), "pixels or fraction")


@dataclass(frozen=True, slots=True)
class Height(Argument):
    """Height of the result: whole pixels, or a fraction of the picture."""

    key, example, group, method = "h", "h_200", "Region and size", "height"
    value: AutoLength = arg(LengthCodec(low=1, auto=True), "pixels or fraction")


@dataclass(frozen=True, slots=True)
class AspectRatio(Argument):
    """Ratio of width to height; with one side it gives the other."""

    key, example, group, method = "ar", "c_fill,ar_16:9,w_640", "Region and size", "aspect_ratio"
    value: Ratio = arg(RatioCodec(), "width to height")


@dataclass(frozen=True, slots=True)
class MinWidth(Argument):
    """Least width: where the result would be narrower it is enlarged, and what then lies outside `w_ h_` is
    cut."""

    key, example, group, method = "mw", "w_200,h_60,mw_200", "Region and size", "min_width"
    value: int | Fraction = arg(LengthCodec(low=1), "pixels or fraction")


@dataclass(frozen=True, slots=True)
class MinHeight(Argument):
    """Least height: where the result would be lower it is enlarged, and what then lies outside `w_ h_` is
    cut."""

    key, example, group, method = "mh", "w_100,h_200,mh_200", "Region and size", "min_height"
    value: int | Fraction = arg(LengthCodec(low=1), "pixels or fraction")


@dataclass(frozen=True, slots=True)
class Gravity(Argument):
    """What a crop keeps, where padding or a layer goes: compass words, `auto` (attention), `entropy`, `face`
    (the largest) or `faces` (all; `g_auto` where there are none), `focus` (stored with the asset),
    `fp:<x>:<y>`, or `xy_center` (the point `x_ y_`)."""

    key, example, group, method = "g", "c_fill,w_300,h_300,g_auto", "Region and size", "gravity"
    value: str | FocalPoint = arg(GravityCodec(), "where")


@dataclass(frozen=True, slots=True)
class X(Argument):
    """Horizontal offset, in pixels or as a fraction; inwards from the edge that gravity names."""

    key, example, group, method = "x", "c_crop,w_200,h_200,x_50,y_20", "Region and size", "x"
    value: int | Fraction = arg(LengthCodec(low=-65_535), "offset")

    def settled(self) -> Argument | None:
        return None if self.value in {0, Fraction(0)} else self


@dataclass(frozen=True, slots=True)
class Y(Argument):
    """Vertical offset, in pixels or as a fraction; inwards from the edge that gravity names."""

    key, example, group, method = "y", "c_crop,w_200,h_200,g_south,y_10", "Region and size", "y"
    value: int | Fraction = arg(LengthCodec(low=-65_535), "offset")

    def settled(self) -> Argument | None:
        return None if self.value in {0, Fraction(0)} else self


@dataclass(frozen=True, slots=True)
class Zoom(Argument):
    """Zoom of `c_thumb` and `c_auto`: 2 shows half as much of the picture. With `g_face` the face takes up
    half of the side at 1."""

    key, example, group, method = "z", "c_thumb,w_200,h_200,z_1.5", "Region and size", "zoom"
    factor: float = arg(Number(0.1, 10), "factor")

    def settled(self) -> Argument | None:
        return None if self.factor == 1 else self


@dataclass(frozen=True, slots=True)
class Dpr(Argument):
    """Device pixel ratio: multiplies every length given in pixels; `auto` reads the client hint."""

    key, example, group, method = "dpr", "w_200,dpr_2", "Region and size", "dpr"
    factor: float | str = arg(AutoNumber(0.1, 10), "factor")

    def settled(self) -> Argument | None:
        return None if self.factor == 1 else self


@dataclass(frozen=True, slots=True)
class Angle(Argument):
    """Turn by any angle, clockwise; the corners become transparent. `hflip` and `vflip` mirror."""

    key, example, group, method = "a", "w_300,a_20", "Orientation", "angle"
    hint = "right angles are r_90, mirroring is flip_h, and there is one a_ in a component"
    degrees: float | str = arg(AngleCodec(), "degrees")

    def settled(self) -> Argument | None:
        if isinstance(self.degrees, str):
            return Flip(self.degrees[0])
        degrees = round(self.degrees % 360, 4)  # as many decimals as the text has
        if degrees == 0:
            return None
        return Rotate(f"{degrees:.0f}") if degrees % 90 == 0 else Angle(degrees)
