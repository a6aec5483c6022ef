"""Colour, light and detail: one small function per effect, from pixels to pixels.

Every step takes a picture in memory, 8-bit sRGB or grey with or without alpha, and its argument with all
lengths in pixels of that picture. Alpha is left as it is, unless the step moves pixels.
"""

from origin.imaging.steps import automatic, colour, detail, light, regions, tone
from origin.imaging.steps.registry import STEPS, Paint, Step, measured, step

__all__ = [
    "STEPS",
    "Paint",
    "Step",
    "automatic",
    "colour",
    "detail",
    "light",
    "measured",
    "regions",
    "step",
    "tone",
]
