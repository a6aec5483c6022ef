"""``w_auto`` and ``dpr_auto``: what the client's hints make of them."""

from __future__ import annotations

from dataclasses import replace

from urlspec.arguments import Crop, Dpr, Width
from urlspec.declare import Argument
from urlspec.request import Component, Request

WIDTH_STEP = 50
"""Hinted widths are rounded up to this many pixels, so that one picture has few variants."""
WIDEST = 8_192
DPR_STEPS = (1.0, 1.5, 2.0, 3.0)


def width_from(hint: str | None) -> int | None:
    """A usable width from ``Sec-CH-Width`` or ``Width``, rounded up; None when there is none."""
    if hint is None or not (hint.isascii() and hint.isdigit()) or not 1 <= int(hint[:6]) <= WIDEST:
        return None
    return min(-(-int(hint[:6]) // WIDTH_STEP) * WIDTH_STEP, WIDEST)


def dpr_from(hint: str | None) -> float | None:
    """A usable pixel ratio from ``Sec-CH-DPR`` or ``DPR``, rounded up to a step; None when there is none."""
    if hint is None or not hint.isascii() or len(hint) > 8:
        return None
    try:
        value = float(hint)
    except ValueError:
        return None
    if not 0 < value < 100:
        return None
    return next((step for step in DPR_STEPS if value <= step), DPR_STEPS[-1])


def resolve_hints(request: Request, width: int | None = None, dpr: float | None = None) -> Request:
    """The request with every ``auto`` replaced. Without a hint ``w_auto`` means nothing, ``dpr_auto`` 1."""
    if not (request.wants_width_hint or request.wants_dpr_hint):
        return request
    parts = (_resolved(part, width, dpr) for part in request.components)
    return replace(request, components=tuple(part for part in parts if part.arguments))


def _resolved(part: Component, width: int | None, dpr: float | None) -> Component:
    kept: list[Argument] = []
    for argument in part.arguments:
        if argument == Width("auto"):
            kept += [] if width is None else [Width(width)]
        elif argument == Dpr("auto"):
            kept += [] if dpr is None or dpr == 1 else [Dpr(dpr)]
        else:
            kept.append(argument)
    found = Component(tuple(kept))
    if found.has(Crop) and not _sized(found):
        found = found.without(Crop)
    return found


def _sized(part: Component) -> bool:
    return any(argument.key in {"w", "h", "ar"} for argument in part.arguments)
