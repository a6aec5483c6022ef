"""Where and how a layer is laid on the picture below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.imaging import geometry as g
from origin.imaging.geometry import Size
from urlspec import arguments as a
from urlspec.request import LayerStep

CUTTING: Final = frozenset({"mask", "cut", "xor"})
"""Blend modes that make holes into an opaque picture."""


@dataclass(frozen=True, slots=True)
class Placement:
    left: int
    """Of a tiled layer the space between two tiles; ``top`` the same."""
    top: int
    mode: str = "over"
    """``over`` or a blend mode, in our words."""
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
    across = g.offset(x.value, below.width, factor) if x else 0
    down = g.offset(y.value, below.height, factor) if y else 0
    if part.has(a.Tiled):
        left, top = max(across, 0), max(down, 0)
    else:
        left, top = g.put(layer, below, gravity.value if gravity else "center", across, down)
    blend, opacity = part.get(a.Blend), part.get(a.Opacity)
    return Placement(
        left,
        top,
        blend.mode if blend else "over",
        opacity.percent if opacity else 100,
        part.has(a.Tiled),
    )
