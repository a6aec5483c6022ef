"""Which part of a picture is left to be seen: turns, cuts and sizes followed back from the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from origin.imaging.geometry import Box, Size, Smart, View

if TYPE_CHECKING:
    from origin.imaging.plan import PlannedLayer
    from origin.imaging.shape import Shape

_Part = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Trace:
    """Told of every step in order; knows where in the picture, as shown, the result comes from."""

    def __init__(self, size: Size) -> None:
        self._whole = size
        self._back: list[Callable[[_Part], _Part]] = []

    def turned(self, turn: View, size: Size) -> None:
        """``size`` is that after the turn."""

        def back(part: _Part) -> _Part:
            left, top, right, bottom = part
            # Corners are turned as boxes without extent: these keep their fractions.
            one = turn.stored(Box(left, top, right - left, bottom - top), size)  # type: ignore[arg-type]
            return one.left, one.top, one.left + one.width, one.top + one.height

        self._back.append(back)

    def cut(self, box: Box) -> None:
        self._back.append(
            lambda part: (
                part[0] + box.left, part[1] + box.top, part[2] + box.left, part[3] + box.top,
            )
        )  # fmt: skip

    def resized(self, before: Size, after: Size) -> None:
        across, down = before.width / after.width, before.height / after.height
        self._back.append(lambda part: (part[0] * across, part[1] * down, part[2] * across, part[3] * down))

    def painted(self, before: Size, after: Size, place: tuple[int, int]) -> None:
        """Space was added round the picture, which lies at ``place`` in it, or it was turned freely."""
        if before == after:
            return
        left, top = place

        def back(part: _Part) -> _Part:
            if place == (0, 0):
                return 0, 0, before.width, before.height
            found = (
                max(part[0] - left, 0), max(part[1] - top, 0),
                min(part[2] - left, before.width), min(part[3] - top, before.height),
            )  # fmt: skip
            return found if found[0] < found[2] and found[1] < found[3] else (0, 0, *before)

        self._back.append(back)

    def seen(self, size: Size) -> Box:
        """The part that a result of ``size`` shows, in whole pixels that hold all of it."""
        part: _Part = (0, 0, size.width, size.height)
        for back in reversed(self._back):
            part = back(part)
        left, top = max(math.floor(part[0] + 1e-6), 0), max(math.floor(part[1] + 1e-6), 0)
        right = min(math.ceil(part[2] - 1e-6), self._whole.width)
        bottom = min(math.ceil(part[3] - 1e-6), self._whole.height)
        return Box(left, top, max(right - left, 1), max(bottom - top, 1))


def foreseen(size: Size, steps: tuple[Shape | PlannedLayer, ...], result: Size) -> Box | None:
    """The same from a plan; None where the pixels have a say."""
    from origin.imaging.shape import Shape

    trace = Trace(size)
    for step in steps:
        if not isinstance(step, Shape):
            continue
        if step.trim or step.look or isinstance(step.region, Smart) or isinstance(step.cut, Smart):
            return None
        now = step.turn.shown(step.entering)
        trace.turned(step.turn, now)
        if step.region is not None:
            trace.cut(step.region)
            now = step.region.size
        if step.resize is not None:
            trace.resized(now, step.resize)
            now = step.resize
        if step.cut is not None:
            trace.cut(step.cut)
            now = step.cut.size
        if step.canvas is not None and step.frame is not None:
            trace.painted(now, step.canvas, (step.frame.left, step.frame.top))
            now = step.canvas
        edge = step.padding or (0, 0, 0, 0)
        border = step.border[0] if step.border else 0
        free = bool(step.angle or step.shadow)
        trace.painted(now, step.leaving, (0, 0) if free else (edge[3] + border, edge[0] + border))
    return trace.seen(result)
