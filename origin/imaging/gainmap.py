"""Ultra HDR: the gain map of a JPEG follows its picture through everything that moves pixels.

A gain map is a small second picture that says how much brighter each place is on a screen that can show it.
It is turned, cut, resized and padded in step; space that is added shines no brighter. Effects on tones leave
it as it is. What changes where things are, or lays something over them, would make it lie, and a grey picture
cannot carry one: then the result is an ordinary JPEG.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyvips

from origin.imaging.canvas import Canvas, Paint
from origin.imaging.colour import VipsImage
from origin.imaging.geometry import Box, Size, View
from origin.imaging.model import Header
from origin.imaging.plan import Plan
from origin.imaging.shape import Shape
from urlspec import arguments as a
from urlspec.declare import Argument

_MARKS: Final = (b"urn:iso:std:iso:ts:21496:-1", b"http://ns.adobe.com/hdr-gain-map/1.0/")
_HEAD: Final = 256 * 1024
"""Bytes in which the segments that tell of a gain map stand."""

_TONES: Final[frozenset[type[Argument]]] = frozenset(
    {a.Brightness, a.Contrast, a.Gamma, a.Saturation, a.Hue, a.Tint, a.Sepia, a.Sharpen}
)
"""Effects that leave the map true: what was bright stays the place that is bright."""

_QUALITY: Final = 85
_MAP: Final = "gainmap-data"
_TYPES: Final[Mapping[str, Any]] = {
    "gainmap-max-content-boost": pyvips.GValue.array_double_type,
    "gainmap-min-content-boost": pyvips.GValue.array_double_type,
    "gainmap-gamma": pyvips.GValue.array_double_type,
    "gainmap-offset-sdr": pyvips.GValue.array_double_type,
    "gainmap-offset-hdr": pyvips.GValue.array_double_type,
    "gainmap-hdr-capacity-min": pyvips.GValue.gdouble_type,
    "gainmap-hdr-capacity-max": pyvips.GValue.gdouble_type,
    "gainmap-use-base-cg": pyvips.GValue.gint_type,
}
"""What libvips says of a map, and as what."""


def carries(header: Header, path: str) -> bool:
    """Whether a file is an Ultra HDR JPEG."""
    if header.format != "jpeg":
        return False
    with Path(path).open("rb", buffering=0) as file:
        head = file.read(_HEAD // 8)
        if (end := _picture(head)) is None:
            head += file.read(_HEAD - len(head))
            end = _picture(head)
    return any(head.find(mark, 0, end) >= 0 for mark in _MARKS)


def _picture(head: bytes) -> int | None:
    """Where a JPEG's first scan begins; None where that is not found."""
    at = 2
    while head[at : at + 1] == b"\xff" and head[at + 1 : at + 2] != b"\xff":
        if head[at + 1 : at + 2] == b"\xda":
            return at
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def carrier(header: Header, path: str) -> VipsImage | None:
    """An Ultra HDR file with what is said of its map; None where there is none that can be read."""
    if not carries(header, path):
        return None
    try:
        found = pyvips.Image.uhdrload(path)
        if found.get_typeof(_MAP):
            pyvips.Image.new_from_buffer(found.get(_MAP), "", fail_on="error").avg()
            return found
    except pyvips.Error:
        pass  # the picture itself may be whole, and is shown without
    return None


def survives(planned: Plan) -> bool:
    """Whether a map would still be true of the result."""
    return planned.output.hdr and planned.output.name == "jpeg" and all(map(_true_after, planned.steps))


def _true_after(step: object) -> bool:
    if not isinstance(step, Shape):
        return False  # a layer
    moved = step.angle or step.corners or step.shadow or step.opacity < 100
    return not moved and all(type(effect) in _TONES for effect in step.effects)


class HdrCanvas(Canvas):
    """A picture with its gain map."""

    def __init__(self, frames: list[VipsImage], view: View, size: Size, carrier: VipsImage) -> None:
        """``carrier``: the file as ``uhdrload`` opens it."""
        super().__init__(frames, view, size)
        gains = pyvips.Image.new_from_buffer(carrier.get(_MAP), "").copy_memory()
        self._map = Canvas([gains], view, size, settled=True)
        self._said = {name: carrier.get(name) for name in _TYPES if carrier.get_typeof(name)}
        self._times = max(
            1.0,
            view.shown(Size(carrier.width, carrier.height)).width
            / max(1, view.shown(Size(gains.width, gains.height)).width),
        )

    def turn(self, turn: View) -> None:
        super().turn(turn)
        self._map.turn(turn)

    def crop(self, box: Box) -> None:
        super().crop(box)
        self._map.crop(box)

    def resize(self, size: Size) -> None:
        super().resize(size)
        self._map.resize(size)

    def paint(self, work: Paint, place: tuple[int, int] = (0, 0)) -> None:
        before = self.size
        super().paint(work, place)
        if self.size != before:
            self._map.paint(lambda gains: self._extended(gains, place))

    def _extended(self, gains: VipsImage, place: tuple[int, int]) -> VipsImage:
        return gains.embed(*place, *self.size, extend="background", background=self._neutral(gains.bands))

    def _neutral(self, bands: int) -> list[float]:
        """The values of a map that say "no brighter"."""
        most = self._said.get("gainmap-max-content-boost", [1.0])
        least = self._said.get("gainmap-min-content-boost", [1.0])
        gamma = self._said.get("gainmap-gamma", [1.0])
        values = []
        for band in range(bands):
            high, low = (math.log2(max(boost[band % len(boost)], 1e-6)) for boost in (most, least))
            share = min(max(-low / (high - low), 0.0), 1.0) if high > low else 0.0
            values.append(255 * share ** gamma[band % len(gamma)])
        return values

    def attached(self, image: VipsImage) -> VipsImage:
        """``image``, the finished picture, with the map as it has become."""
        width, height = (max(1, math.ceil(side / self._times)) for side in self.size)
        self._map.resize(Size(width, height))
        self._map.settle()
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, _MAP, self._map.frames[0].jpegsave_buffer(Q=_QUALITY, keep=0))
        for name, value in self._said.items():
            image.set_type(_TYPES[name], name, value)
        image.set_type(pyvips.GValue.gint_type, "gainmap-scale-factor", max(1, round(self._times)))
        return image
