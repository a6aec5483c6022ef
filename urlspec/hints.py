"""``w_auto`` and ``dpr_auto``: what the client's hints make of them, and of ``q_auto`` beside them."""

from __future__ import annotations

import re
from dataclasses import replace

from urlspec.arguments import AspectRatio, Crop, Dpr, Gravity, Width, X, Y, Zoom
from urlspec.declare import Argument
from urlspec.outputs import Quality
from urlspec.qualities import GRADES
from urlspec.request import Component, Output, Request

WIDTH_STEP = 50
"""Hinted widths are rounded up to this many pixels, so that one picture has few variants."""
WIDEST = 8_192
DPR_STEPS = (1.0, 1.5, 2.0, 3.0)

_WIDTH = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_DPR = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,20})?", re.ASCII)


def width_from(hint: str | None) -> int | None:
    """A usable width from ``Sec-CH-Width`` or ``Width``, rounded up; None when there is none."""
    if hint is None or not _WIDTH.fullmatch(hint):
        return None
    return min(-(-int(hint) // WIDTH_STEP) * WIDTH_STEP, WIDEST)


def dpr_from(hint: str | None) -> float | None:
    """A usable pixel ratio from ``Sec-CH-DPR`` or ``DPR``, rounded up to a step; None when there is none."""
    if hint is None or not _DPR.fullmatch(hint) or not float(hint):
        return None
    return next((step for step in DPR_STEPS if float(hint) <= step), DPR_STEPS[-1])


def saving_from(hint: str | None) -> bool:
    """Whether ``Save-Data`` asks for less."""
    return hint is not None and hint.strip().lower() == "on"


def resolve_hints(
    request: Request, width: int | None = None, dpr: float | None = None, *, saving: bool = False
) -> Request:
    """The request with every ``auto`` replaced. Without a hint ``w_auto`` means nothing, ``dpr_auto`` 1.

    Who saves data gets the pixels of a plain screen, and ``q_auto`` a grade lower.
    """
    if not (request.wants_width_hint or request.wants_dpr_hint):
        return request
    if saving:
        if width is not None and dpr is not None:
            width = max(1, round(width / dpr))
        dpr = None
        request = replace(request, output=_cheaper(request.output))
    parts = (_resolved(part, width, dpr) for part in request.components)
    return replace(request, components=tuple(part for part in parts if part.arguments))


def _cheaper(output: Output) -> Output:
    """``q_auto`` a grade lower; a quality that the URL fixes stays."""
    quality = output.get(Quality)
    if quality is None or quality.value.level != "auto":
        return output
    grade = GRADES[min(GRADES.index(quality.value.grade) + 1, len(GRADES) - 1)]
    lower = Quality(replace(quality.value, grade=grade))
    return Output(tuple(lower if one is quality else one for one in output.arguments))


def _resolved(part: Component, width: int | None, dpr: float | None) -> Component:
    if width is not None and dpr is not None and part.get(Dpr) == Dpr("auto"):
        # The hint counts pixels of the device (HTML, "Width"), which dpr_auto is about to multiply.
        width = max(1, round(width / dpr))
    kept: list[Argument] = []
    for argument in part.arguments:
        if argument == Width("auto"):
            kept += [] if width is None else [Width(width)]
        elif argument == Dpr("auto"):
            kept += [] if dpr is None or dpr == 1 else [Dpr(dpr)]
        else:
            kept.append(argument)
    found = Component(tuple(kept))
    if part.get(Width) == Width("auto") and not found.has(Width):
        return _unsized(found)
    return found


def _unsized(part: Component) -> Component:
    """Without what needed the width that no hint told."""
    keys = {argument.key for argument in part.arguments}
    if "h" in keys or {"c", "ar"} <= keys:
        return part
    part = part.without(Crop, AspectRatio, Zoom)
    return part if part.layer else part.without(Gravity, X, Y)
