"""Arguments that bring something in from elsewhere: presets, layers, underlays, texts."""

from __future__ import annotations

from dataclasses import dataclass

from urlspec.declare import Argument, arg
from urlspec.kinds import LayerCodec, LayerRef, PresetCall, PresetCodec
from urlspec.values import BLACK, Colour, ColourCodec


@dataclass(frozen=True, slots=True)
class Preset(Argument):
    """Named chain of the server's preset file, with its arguments."""

    key, example, group, method = "t", "t_card", "Presets", "preset"
    call: PresetCall = arg(PresetCodec(), "name and arguments")


@dataclass(frozen=True, slots=True)
class Layer(Argument):
    """Lay a picture or a text over the picture; of an animation its first frame. A text breaks its lines at
    `w_`, ends in `…` where `h_` ends, and `shrink` makes it as small as that box needs (with `w_` alone, no
    line breaks); `stroke` draws its outline, whose width and colour `bo_` says; spacing is in pixels."""

    key, example, group, method = (
        "l",
        "l_text:DejaVu%20Sans_32_bold:Hello,co_white,g_south,y_10",
        "Layers",
        "layer",
    )
    source: LayerRef = arg(LayerCodec(), "what to lay")


@dataclass(frozen=True, slots=True)
class Underlay(Argument):
    """Lay a picture under the picture, where it shows through."""

    key, example, group, method = "u", "w_300,rad_60/u_placeholder,c_fill,w_1.0,h_1.0", "Layers", "underlay"
    source: LayerRef = arg(LayerCodec(), "what to lay")


@dataclass(frozen=True, slots=True)
class TextColour(Argument):
    """Colour of a text layer; black where nothing is said."""

    key, example, group, method = "co", "l_text:DejaVu%20Sans_32:Hello,co_red", "Layers", "text_colour"
    colour: Colour = arg(ColourCodec(), "colour")

    def settled(self) -> Argument | None:
        return None if self.colour == BLACK else self


@dataclass(frozen=True, slots=True)
class LayerApply(Argument):
    """Close the nearest open layer: the components between shaped it, this one places it."""

    key, word, example, group, method = (
        "fl", "layer_apply", "l_logo/w_80,r_90/fl_layer_apply,g_north_west", "Layers", "layer_apply",
    )  # fmt: skip
