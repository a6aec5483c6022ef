"""Colour and detail: one small function per effect, from pixels to pixels.

Every step takes a picture in memory, 8-bit sRGB or grey with or without alpha, and its argument with all
lengths in pixels of that picture. Alpha is left as it is, unless the step moves pixels.
"""

from origin.imaging.steps import colour, detail, tone
from origin.imaging.steps.registry import STEPS, Step, step

__all__ = ["STEPS", "Step", "colour", "detail", "step", "tone"]
