"""Never larger than the source: where a result shows the same, the smaller of the two files is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from origin.errors import ImageCorrupt
from origin.imaging.clean import cleaned
from origin.imaging.encode import Encoded
from origin.imaging.gainmap import carries
from origin.imaging.geometry import EXIF_VIEWS
from origin.imaging.plan import Plan
from origin.imaging.shape import Shape

HEADER: Final = ("X-Passthrough", "smaller")
"""Said of an answer that is the source's own coded pixels, without its metadata."""

_SCREEN: Final = frozenset({"srgb", "b-w", "rgb16", "grey16", "rgb"})
"""Colours that every viewer shows; CMYK is not among them."""


def source_instead(planned: Plan, path: str, encoded: Encoded) -> Encoded | None:
    """The source without metadata, where that is smaller and shows the same; else None."""
    output, header = planned.output, planned.load.header
    if not passes(planned) or header.format != encoded.name:
        return None
    if carries(header, path) and not output.hdr:
        return None
    data = Path(path).read_bytes()
    if output.metadata != "all":
        try:
            data = cleaned(header.format, data, credit=output.metadata == "copyright")
        except ImageCorrupt:  # decoders forgive what cannot be taken apart safely
            return None
    return Encoded(data, header.format) if len(data) < len(encoded.body) else None


def passes(planned: Plan) -> bool:
    """Whether the source would do, if it is the smaller file of the same format."""
    return planned.output.passing and untouched(planned)


def untouched(planned: Plan) -> bool:
    """Whether the result shows the whole source, pixel by pixel."""
    load, header = planned.load, planned.load.header
    return (
        planned.size == load.size
        and load.view == EXIF_VIEWS[header.orientation]
        and load.page == 0
        and planned.frames == header.frames
        and header.colour in _SCREEN
        and all(isinstance(step, Shape) and _idle(step, alpha=header.has_alpha) for step in planned.steps)
    )


def _idle(step: Shape, *, alpha: bool) -> bool:
    """Whether a component changes nothing: all is as declared, and no background shows."""
    for field in dataclasses.fields(step):
        if field.default is dataclasses.MISSING:
            continue
        value = getattr(step, field.name)
        if value != field.default and not (field.name == "background" and not alpha):
            return False
    return step.entering == step.leaving
