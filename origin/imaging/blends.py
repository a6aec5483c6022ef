"""How the colours of a layer and of the picture below it mix: libvips' modes, and those that it lacks.

``linear_burn``, ``subtract``, ``color`` and ``luminosity`` follow W3C's Compositing and Blending Level 1 and
the programs that it follows; colours are 0 to 1 there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from origin.imaging.colour import VipsImage

_LIBVIPS: Final[Mapping[str, str]] = {
    "mask": "dest-in", "cut": "dest-out", "color_dodge": "colour-dodge", "color_burn": "colour-burn",
    "hard_light": "hard-light", "soft_light": "soft-light",
}  # fmt: skip
"""Our words to libvips', where they differ."""

_WEIGHTS: Final = (0.3, 0.59, 0.11)


def composed(below: VipsImage, above: VipsImage, mode: str) -> VipsImage:
    """``above`` on ``below``, sRGB of one size, both with or without alpha; the result has alpha."""
    mix = _MIXED.get(mode)
    if mix is not None:
        above, mode = _mixed(below, above, mix), "over"
    return below.composite2(above, _LIBVIPS.get(mode, mode))


def _mixed(below: VipsImage, above: VipsImage, mix: Callable[[VipsImage, VipsImage], VipsImage]) -> VipsImage:
    """The layer in its mixed colours, which is then simply laid over: as far as there is something below."""
    base, layer = (image.extract_band(0, n=3) / 255 for image in (below, above))
    mixed = mix(base, layer)
    if below.hasalpha():
        there = below.extract_band(3) / 255
        mixed = layer * (there * -1 + 1) + mixed * there
    colour = (mixed * 255).rint().cast("uchar")  # casting clips
    if above.hasalpha():
        colour = colour.bandjoin(above.extract_band(3))
    return colour.copy(interpretation="srgb").copy_memory()


def _luminosity(colour: VipsImage) -> VipsImage:
    return colour.recomb([list(_WEIGHTS)])


def _with_luminosity(colour: VipsImage, wanted: VipsImage) -> VipsImage:
    """The colour as light as wanted; where that leaves the range, it is drawn towards grey (ClipColor)."""
    moved = (colour + (wanted - _luminosity(colour))).copy_memory()
    first, *others = moved.bandsplit()
    least, most = (first.bandrank(others, index=index) for index in (0, 2))
    raised = (least < 0).ifthenelse(wanted + (moved - wanted) * (wanted / (wanted - least)), moved)
    lowered = wanted + (moved - wanted) * ((wanted * -1 + 1) / (most - wanted))
    return (most > 1).ifthenelse(lowered, raised)


_MIXED: Final[Mapping[str, Callable[[VipsImage, VipsImage], VipsImage]]] = {
    "linear_burn": lambda base, layer: base + layer - 1,
    "subtract": lambda base, layer: base - layer,
    "color": lambda base, layer: _with_luminosity(layer, _luminosity(base)),
    "luminosity": lambda base, layer: _with_luminosity(base, _luminosity(layer)),
}
