"""Every argument of the URL language, each declared once, in pipeline order.

Inside a component the order of this module is the order in which things happen; between components the
URL decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.composing import Layer as Layer
from urlspec.composing import LayerApply as LayerApply
from urlspec.composing import Preset as Preset
from urlspec.composing import TextColour as TextColour
from urlspec.composing import Underlay as Underlay
from urlspec.declare import Argument, arg
from urlspec.kinds import (
    AngleCodec,
    BorderCodec,
    BorderValue,
    Corners,
    CornersCodec,
    FocalPoint,
    GravityCodec,
    PaddingCodec,
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


CROPS: Final = ("limit", "fit", "mfit", "scale", "fill", "lfill", "pad", "lpad", "crop", "thumb")


@dataclass(frozen=True, slots=True)
class Crop(Argument):
    """How the picture gets its size: `limit` fits inside and never enlarges, `fit` fits inside, `mfit` fits
    around, `scale` stretches, `fill` covers and cuts, `lfill` the same without enlarging, `pad` fits and
    fills up, `lpad` the same without enlarging, `crop` cuts a region, `thumb` fills after zooming by `z_`."""

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
class Gravity(Argument):
    """What a crop keeps, where padding or a layer goes: compass words, `auto` (attention), `entropy`, `focus`
    (stored with the asset), `fp:<x>:<y>`, or `xy_center` (the point `x_ y_`)."""

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
    """Zoom of `c_thumb`: 2 shows half as much of the picture."""

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


# Colour and detail --------------------------------------------------------------------------------------


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


# Shape and edge -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CornerRadius(Argument):
    """Rounded, transparent corners; `max` makes an ellipse."""

    key, example, group, method = "rad", "c_fill,w_200,h_200,rad_20", "Shape and edge", "corner_radius"
    radii: Corners = arg(CornersCodec(), "radii")

    def settled(self) -> Argument | None:
        return None if self.radii == (0, 0, 0, 0) else self


@dataclass(frozen=True, slots=True)
class Padding(Argument):
    """Space added outside the picture, filled with `b_`: top, right, bottom, left."""

    key, example, group, method = "pad", "w_200,pad_20:10", "Shape and edge", "padding"
    sides: tuple[int | Fraction, ...] = arg(PaddingCodec(), "lengths")

    def settled(self) -> Argument | None:
        return self if any(side not in {0, Fraction(0)} for side in self.sides) else None


@dataclass(frozen=True, slots=True)
class Border(Argument):
    """A border added outside the picture and its padding."""

    key, example, group, method = "bo", "w_200,bo_10px_solid_red", "Shape and edge", "border"
    value: BorderValue = arg(BorderCodec(), "width, style and colour")

    def settled(self) -> Argument | None:
        return self if self.value.width else None


@dataclass(frozen=True, slots=True)
class Background(Argument):
    """What shows through: in padding, behind alpha, beside a turned picture. White where nothing is said."""

    key, example, group, method = "b", "c_pad,w_300,h_300,b_rgb:336699", "Shape and edge", "background"
    colour: Colour = arg(ColourCodec(), "colour")


@dataclass(frozen=True, slots=True)
class Opacity(Argument):
    """How opaque the picture or the layer is; 100 changes nothing."""

    key, example, group, method = "o", "l_logo,w_80,g_south_east,x_10,y_10,o_60", "Shape and edge", "opacity"
    percent: int = arg(Integer(0, 100), "percent")

    def settled(self) -> Argument | None:
        return None if self.percent == 100 else self


# Layers -------------------------------------------------------------------------------------------------


BLENDS: Final = (
    "multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn", "hard_light",
    "soft_light", "difference", "exclusion", "add", "mask", "cut",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blend(Argument):
    """How a layer mixes with the picture; `mask` keeps only what the layer covers, `cut` what it does not."""

    key, example, group, method = "e", "l_logo,w_0.5,e_multiply", "Layers", "blend"
    words = BLENDS
    mode: str = arg(Word(BLENDS), "mode")


@dataclass(frozen=True, slots=True)
class Tiled(Argument):
    """Repeat the layer over the whole picture."""

    key, word, example, group, method = "fl", "tiled", "l_logo,w_60,o_30,fl_tiled", "Layers", "tiled"
