"""The list of all arguments, in the order in which they act and are written."""

from __future__ import annotations

from typing import Final

from urlspec import arguments as a
from urlspec import outputs as o
from urlspec.declare import Argument

PIPELINE: Final[tuple[type[Argument], ...]] = (
    a.Preset,
    a.Layer,
    a.Underlay,
    a.TextColour,
    a.LayerApply,
    a.Rotate,
    a.Flip,
    a.Trim,
    a.Crop,
    a.Width,
    a.Height,
    a.AspectRatio,
    a.Gravity,
    a.X,
    a.Y,
    a.Zoom,
    a.Dpr,
    a.Angle,
    a.Brightness,
    a.Contrast,
    a.Gamma,
    a.Saturation,
    a.Hue,
    a.Grayscale,
    a.Sepia,
    a.Negate,
    a.Blur,
    a.Sharpen,
    a.Pixelate,
    a.CornerRadius,
    a.Padding,
    a.Border,
    a.Background,
    a.Opacity,
    a.Blend,
    a.Tiled,
    o.Page,
    o.Format,
    o.Quality,
    o.MaxBytes,
    o.Metadata,
    o.Fallback,
    o.Download,
    o.Version,
    o.Raw,
)

ORDER: Final[dict[type[Argument], int]] = {kind: place for place, kind in enumerate(PIPELINE)}

SINGLE: Final[dict[str, type[Argument]]] = {
    kind.key: kind for kind in PIPELINE if not (kind.word or kind.words)
}
"""Declarations that have their key for themselves."""

BY_KEY: Final[dict[str, tuple[type[Argument], ...]]] = {
    kind.key: tuple(other for other in PIPELINE if other.key == kind.key) for kind in PIPELINE
}

BY_WORD: Final[dict[str, type[Argument]]] = {
    f"{kind.key}_{word}": kind for kind in PIPELINE for word in (kind.words or (kind.word,)) if word
}
"""Declarations whose key has many words, by ``key_word``."""


PLACEMENT: Final[frozenset[type[Argument]]] = frozenset({a.Gravity, a.X, a.Y, a.Opacity, a.Tiled, a.Blend})
"""What places a layer rather than shaping it."""


def place(argument: Argument) -> int:
    """Where an argument stands in the canonical text of its component."""
    return ORDER[type(argument)]
