"""Laying one picture on another."""

from __future__ import annotations

import pyvips

from origin.imaging.blends import composed
from origin.imaging.colour import VipsImage, to_colour, with_alpha
from origin.imaging.edges import faded
from origin.imaging.geometry import Box, Size
from origin.imaging.placing import CUTTING, Placement


def laid(below: VipsImage, layer: VipsImage, place: Placement, *, under: bool) -> VipsImage:
    """``layer`` on (or under) ``below``, clipped to it; the result has alpha only where ``below`` has."""
    layer = with_alpha(to_colour(layer))
    if place.opacity < 100:
        layer = faded(layer, place.opacity)
    base = to_colour(below)
    size = Size(base.width, base.height)
    if place.tiled:
        return _mixed(base, _tiled(layer, place, size), place, under=under)
    box = _seen(layer, place, size)
    if under or place.mode in CUTTING:
        return _mixed(base, _spread(layer, place, box, size), place, under=under)
    if box is None:
        return base
    # Beside the layer nothing changes, and a small one costs little on a large picture.
    seen = layer.crop(box.left - place.left, box.top - place.top, box.width, box.height)
    part = base.crop(box.left, box.top, box.width, box.height)
    return base.insert(_mixed(part, seen, place, under=False), box.left, box.top)


def _mixed(base: VipsImage, layer: VipsImage, place: Placement, *, under: bool) -> VipsImage:
    """Two pictures of one size."""
    lower, upper = (layer, with_alpha(base)) if under else (base, layer)
    mixed = composed(lower, upper, place.mode)
    return mixed if place.mode in CUTTING else _as_before(mixed, base)


def _tiled(layer: VipsImage, place: Placement, size: Size) -> VipsImage:
    layer = layer.embed(0, 0, layer.width + place.left, layer.height + place.top)  # black is transparent
    across, down = -(-size.width // layer.width), -(-size.height // layer.height)
    return layer.replicate(across, down).crop(0, 0, *size)


def _seen(layer: VipsImage, place: Placement, size: Size) -> Box | None:
    """The part of the picture that the layer covers; None where it lies wholly outside."""
    left, top = max(place.left, 0), max(place.top, 0)
    right = min(place.left + layer.width, size.width)
    bottom = min(place.top + layer.height, size.height)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _spread(layer: VipsImage, place: Placement, box: Box | None, size: Size) -> VipsImage:
    """The layer on a transparent canvas of the picture's size."""
    if box is None:
        return pyvips.Image.black(*size, bands=4).copy(interpretation="srgb")
    seen = layer.crop(box.left - place.left, box.top - place.top, box.width, box.height)
    return seen.embed(box.left, box.top, *size, extend="background", background=[0, 0, 0, 0])


def _as_before(mixed: VipsImage, base: VipsImage) -> VipsImage:
    """An opaque picture stays without an alpha band."""
    return mixed if base.hasalpha() else mixed.extract_band(0, n=3)
