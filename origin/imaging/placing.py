"""Where and how a layer is laid on the picture below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.imaging import geometry as g
from origin.imaging.geometry import Size
from urlspec import arguments as a
from urlspec.request import LayerStep

MODES: Final = {
    "multiply": "multiply", "screen": "screen", "overlay": "overlay", "darken": "darken",
    "lighten": "lighten", "color_dodge": "colour-dodge", "color_burn": "colour-burn",
    "hard_light": "hard-light", "soft_light": "soft-light", "difference": "difference",
    "exclusion": "exclusion", "add": "add", "mask": "dest-in", "cut": "dest-out",
}  # fmt: skip
"""Our words to libvips'."""


@dataclass(frozen=True, slots=True)
class Placement:
    left: int
    top: int
    mode: str = "over"
    opacity: int = 100
    tiled: bool = False


def placement(step: LayerStep, below: Size, layer: Size) -> Placement:
    """``x_ y_`` count inwards from the edge that gravity names; fractions are of the picture below.

    The ``dpr_`` of the component that opens a layer counts for its place too: none can stand where it closes.
    """
    part = step.placement
    dpr = step.opening.get(a.Dpr)
    factor = float(dpr.factor) if dpr is not None and not isinstance(dpr.factor, str) else 1.0
    gravity = part.get(a.Gravity)
    x, y = part.get(a.X), part.get(a.Y)
    left, top = g.put(
        layer,
        below,
        gravity.value if gravity else "center",
        g.offset(x.value, below.width, factor) if x else 0,
        g.offset(y.value, below.height, factor) if y else 0,
    )
    blend, opacity = part.get(a.Blend), part.get(a.Opacity)
    return Placement(
        left,
        top,
        MODES[blend.mode] if blend else "over",
        opacity.percent if opacity else 100,
        part.has(a.Tiled),
    )
