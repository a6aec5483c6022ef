"""Laying one picture on another."""

from __future__ import annotations

import pyvips

from origin.imaging.blends import composed
from origin.imaging.colour import VipsImage, to_colour, with_alpha
from origin.imaging.edges import faded
from origin.imaging.geometry import Size
from origin.imaging.placing import CUTTING, Placement


def laid(below: VipsImage, layer: VipsImage, place: Placement, *, under: bool) -> VipsImage:
    """``layer`` on (or under) ``below``, clipped to it; the result has alpha only where ``below`` has."""
    size = Size(below.width, below.height)
    layer = with_alpha(to_colour(layer))
    if place.opacity < 100:
        layer = faded(layer, place.opacity)
    over = _spread(layer, place, size)
    base = to_colour(below)
    lower, upper = (over, with_alpha(base)) if under else (base, over)
    mixed = composed(lower, upper, place.mode)
    return mixed if place.mode in CUTTING else _as_before(mixed, base)


def _spread(layer: VipsImage, place: Placement, size: Size) -> VipsImage:
    """The layer on a transparent canvas of the picture's size."""
    if place.tiled:
        layer = layer.embed(0, 0, layer.width + place.left, layer.height + place.top)  # black is transparent
        across, down = -(-size.width // layer.width), -(-size.height // layer.height)
        return layer.replicate(across, down).crop(0, 0, *size)
    left, top = max(place.left, 0), max(place.top, 0)
    right = min(place.left + layer.width, size.width)
    bottom = min(place.top + layer.height, size.height)
    if right <= left or bottom <= top:
        empty = pyvips.Image.black(*size, bands=4)
        return empty.copy(interpretation="srgb")
    seen = layer.crop(left - place.left, top - place.top, right - left, bottom - top)
    return seen.embed(left, top, *size, extend="background", background=[0, 0, 0, 0])


def _as_before(mixed: VipsImage, base: VipsImage) -> VipsImage:
    """An opaque picture stays without an alpha band."""
    return mixed if base.hasalpha() else mixed.extract_band(0, n=3)
