"""A plan in words and numbers, for ``explain``."""

from __future__ import annotations

from typing import Any

from origin.imaging.geometry import UPRIGHT, Box, Size
from origin.imaging.plan import Plan, PlannedLayer
from origin.imaging.shape import Shape
from origin.imaging.trace import foreseen
from urlspec import arguments as a


def described(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-able values, for ``explain``."""
    part = foreseen(plan.load.size, plan.steps, plan.size)
    return {
        "decode": {
            "format": plan.load.header.format,
            "width": plan.load.size.width,
            "height": plan.load.size.height,
            "frames": plan.load.frames,
            "page": plan.load.page + 1,
            "shrink": round(plan.load.decoded, 3),
        },
        "steps": [_step(step) for step in plan.steps],
        "result": {
            "width": plan.size.width,
            "height": plan.size.height,
            "exact": plan.exact,
            "format": plan.output.name,
            "choices": list(plan.output.choices),
            "frames": plan.frames,
            "alpha": plan.alpha,
            "crop": dict(part._asdict()) if part else None,
        },
        "cost": {
            "memory_bytes": plan.cost.memory,
            "seconds": round(plan.cost.seconds, 3),
        },
        "warnings": list(plan.warnings),
    }


def _step(step: Shape | PlannedLayer) -> dict[str, Any]:
    if isinstance(step, PlannedLayer):
        return {
            "layer": step.what,
            "under": step.under,
            "width": step.size.width,
            "height": step.size.height,
            "left": step.place.left,
            "top": step.place.top,
            "mode": step.place.mode,
            "tiled": step.place.tiled,
            "steps": [_step(inner) for inner in step.steps],
        }
    shown: dict[str, Any] = {"width": step.leaving.width, "height": step.leaving.height}
    if step.turn != UPRIGHT:
        shown["turn"] = {"mirrored": step.turn.mirrored, "degrees": step.turn.quarters * 90}
    for name in ("region", "resize", "cut", "canvas", "frame"):
        value = getattr(step, name)
        if value is not None:
            shown[name] = _numbers(value)
    if step.trim:
        shown["trim"] = str(step.trim)
    if step.angle:
        shown["angle"] = step.angle
    if step.effects:
        shown["effects"] = [str(effect) for effect in step.effects]
    for name in ("corners", "padding"):
        value = getattr(step, name)
        if value is not None:
            shown[name] = list(value) if isinstance(value, tuple) else value
    if step.mask:
        shown["mask"] = step.mask
    if step.shadow:
        shown["shadow"] = str(step.shadow)
    if step.border:
        shown["border"] = {"width": step.border[0], "colour": str(step.border[1])}
    if step.background:
        shown["background"] = str(a.Background(step.background)).removeprefix("b_")
    if step.opacity < 100:
        shown["opacity"] = step.opacity
    return shown


def _numbers(value: Any) -> dict[str, Any]:
    if isinstance(value, (Size, Box)):
        return dict(value._asdict())
    return {"width": value.size.width, "height": value.size.height, "by": value.by}
