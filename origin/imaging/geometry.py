"""Sizes and places in whole pixels, as the URL language defines them. Pure arithmetic.

Every function is asked twice: by the plan, with sizes from headers, and by the renderer, with the sizes it
really has; so a plan and its picture cannot disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from origin.errors import RegionOutside
from urlspec.kinds import COMPASS, FocalPoint
from urlspec.values import Fraction, Ratio


class Size(NamedTuple):
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def turned(self) -> Size:
        return Size(self.height, self.width)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Box(NamedTuple):
    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Smart:
    """A box of this size whose place only the pixels tell."""

    size: Size
    by: str
    """``attention`` or ``entropy``, libvips' words; ``face`` or ``faces``."""
    least: float = 1.0
    """How small the box may turn out to be, as a fraction of ``size``."""


def half_up(value: float) -> int:
    """Rounded half up, at least 1; what is a rounding error below a half counts as a half."""
    return max(1, math.floor(value + 0.5 + 1e-9))


def signed_half_up(value: float) -> int:
    return math.floor(value + 0.5 + 1e-9)


def length(value: int | Fraction, side: int, dpr: float) -> int:
    """Pixels of a length that must not vanish: ``dpr`` multiplies pixels, never fractions."""
    return half_up(value.value * side if isinstance(value, Fraction) else value * dpr)


def offset(value: int | Fraction, side: int, dpr: float) -> int:
    """Pixels of a length that may be 0 or negative."""
    return signed_half_up(value.value * side if isinstance(value, Fraction) else value * dpr)


# Orientation ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """How a stored picture is shown: mirrored left to right or not, then turned clockwise."""

    mirrored: bool = False
    quarters: int = 0
    """Quarter turns clockwise, 0 to 3."""

    def turn(self, degrees: int) -> View:
        return View(self.mirrored, (self.quarters + degrees // 90) % 4)

    def flip(self, axes: str) -> View:
        view = self
        if "h" in axes:
            # Mirroring after a turn is mirroring before the opposite turn.
            view = View(not view.mirrored, -view.quarters % 4)
        if "v" in axes:
            view = View(not view.mirrored, (2 - view.quarters) % 4)
        return view

    @property
    def swaps(self) -> bool:
        return self.quarters % 2 == 1

    def shown(self, size: Size) -> Size:
        """The size as shown of a picture stored in ``size``; the way back is the same."""
        return size.turned if self.swaps else size

    def stored(self, box: Box, shown: Size) -> Box:
        """Where a box of the picture as shown lies in the stored one."""
        left, top, width, height = box
        full = shown
        for _ in range(self.quarters):
            # Undo one clockwise quarter: what is shown at the right was stored at the top.
            left, top, width, height = top, full.width - left - width, height, width
            full = full.turned
        if self.mirrored:
            left = full.width - left - width
        return Box(left, top, width, height)


UPRIGHT: Final = View()

EXIF_VIEWS: Final = {
    1: View(), 2: View(True, 0), 3: View(False, 2), 4: View(True, 2),
    5: View(True, 3), 6: View(False, 1), 7: View(True, 1), 8: View(False, 3),
}  # fmt: skip


# Size -------------------------------------------------------------------------------------------------


def scaled(size: Size, factor: float) -> Size:
    return Size(half_up(size.width * factor), half_up(size.height * factor))


def inside(size: Size, box: Size) -> Size:
    """The largest size of the same ratio that fits into ``box``; the side that decides is exact."""
    if box.width * size.height <= box.height * size.width:
        return Size(box.width, half_up(size.height * box.width / size.width))
    return Size(half_up(size.width * box.height / size.height), box.height)


def around(size: Size, box: Size) -> Size:
    """The smallest size of the same ratio that covers ``box``; the side that decides is exact."""
    if box.width * size.height >= box.height * size.width:
        covering = Size(box.width, half_up(size.height * box.width / size.width))
    else:
        covering = Size(half_up(size.width * box.height / size.height), box.height)
    return Size(max(covering.width, box.width), max(covering.height, box.height))


def ratio_box(size: Size, ratio: Ratio, *, outside: bool) -> Size:
    """The largest box of ``ratio`` inside ``size``, or the smallest around it."""
    wider = ratio.value * size.height >= size.width
    if wider != outside:
        return Size(size.width, half_up(size.width / ratio.value))
    return Size(half_up(size.height * ratio.value), size.height)


def bounding(size: Size, degrees: float) -> Size:
    """The canvas that holds ``size`` turned by any angle."""
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    return Size(
        half_up(size.width * cosine + size.height * sine), half_up(size.width * sine + size.height * cosine)
    )


# Place ------------------------------------------------------------------------------------------------

_ALONG: Final = {
    name: (0.0 if "west" in name else 1.0 if "east" in name else 0.5,
           0.0 if "north" in name else 1.0 if "south" in name else 0.5)
    for name in COMPASS
}  # fmt: skip


def _inwards(along: float, room: int, shift: int) -> int:
    """Where something begins that has ``room`` to move: offsets count from the edge that gravity names."""
    return room - shift if along == 1.0 else signed_half_up(room * along) + shift


def put(inner: Size, outer: Size, gravity: str | FocalPoint, x: float, y: float) -> tuple[int, int]:
    """Left and top of ``inner`` in ``outer``; it may stick out.

    For a point (``fp``, ``xy_center``) the middle of ``inner`` lies on it.
    """
    if gravity == "xy_center":
        return signed_half_up(x - inner.width / 2), signed_half_up(y - inner.height / 2)
    if isinstance(gravity, FocalPoint):
        return (
            signed_half_up(outer.width * gravity.x - inner.width / 2),
            signed_half_up(outer.height * gravity.y - inner.height / 2),
        )
    across, down = _ALONG.get(gravity, (0.5, 0.5))
    return (
        _inwards(across, outer.width - inner.width, signed_half_up(x)),
        _inwards(down, outer.height - inner.height, signed_half_up(y)),
    )


def held(start: int, inner: int, outer: int) -> int:
    """``start`` moved so that ``inner`` lies within ``outer``."""
    return min(max(start, 0), max(outer - inner, 0))


def window(wanted: Size, picture: Size, gravity: str | FocalPoint, x: float, y: float) -> Box:
    """A box of ``wanted``, cut to the picture's size where it is larger, moved to lie inside."""
    size = Size(min(wanted.width, picture.width), min(wanted.height, picture.height))
    left, top = put(size, picture, gravity, x, y)
    return Box(
        held(left, size.width, picture.width), held(top, size.height, picture.height), size.width, size.height
    )


def clipped(box: Box, picture: Size) -> Box:
    """The part of ``box`` that lies in the picture. Raises RegionOutside when none does."""
    left, top = max(box.left, 0), max(box.top, 0)
    right, bottom = min(box.left + box.width, picture.width), min(box.top + box.height, picture.height)
    if right <= left or bottom <= top:
        raise RegionOutside(
            f"The region {box.width}x{box.height} at {box.left},{box.top} lies wholly outside the picture, "
            f"which is {picture} there.",
            width=picture.width,
            height=picture.height,
        )
    return Box(left, top, right - left, bottom - top)
