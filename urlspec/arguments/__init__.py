"""Every argument of the URL language that shapes a component, each declared once.

Inside a component things happen in the order of the modules and of the declarations in them (see
``urlspec.pipeline``); between components the URL decides.
"""

from urlspec.arguments.blending import (
    BLENDS,
    Blend,
    Tiled,
)
from urlspec.arguments.colour import (
    Brightness,
    Contrast,
    Gamma,
    Grayscale,
    Hue,
    Negate,
    Saturation,
    Sepia,
)
from urlspec.arguments.detail import (
    Blur,
    Pixelate,
    Sharpen,
)
from urlspec.arguments.edges import (
    Background,
    Border,
    CornerRadius,
    Opacity,
    Padding,
)
from urlspec.arguments.geometry import (
    CROPS,
    Angle,
    AspectRatio,
    Crop,
    Dpr,
    Flip,
    Gravity,
    Height,
    MinHeight,
    MinWidth,
    Rotate,
    Trim,
    Width,
    X,
    Y,
    Zoom,
)
from urlspec.composing import Layer, LayerApply, Preset, TextColour, Underlay

__all__ = [
    "BLENDS",
    "CROPS",
    "Angle",
    "AspectRatio",
    "Background",
    "Blend",
    "Blur",
    "Border",
    "Brightness",
    "Contrast",
    "CornerRadius",
    "Crop",
    "Dpr",
    "Flip",
    "Gamma",
    "Gravity",
    "Grayscale",
    "Height",
    "Hue",
    "Layer",
    "LayerApply",
    "MinHeight",
    "MinWidth",
    "Negate",
    "Opacity",
    "Padding",
    "Pixelate",
    "Preset",
    "Rotate",
    "Saturation",
    "Sepia",
    "Sharpen",
    "TextColour",
    "Tiled",
    "Trim",
    "Underlay",
    "Width",
    "X",
    "Y",
    "Zoom",
]
