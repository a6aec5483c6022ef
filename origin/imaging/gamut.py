"""Colours that a URL names, in the numbers of Display P3."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, cast

from urlspec.request import Component
from urlspec.values import Colour

_TO_P3: Final = (
    (0.8224621, 0.1775380, 0.0),
    (0.0331941, 0.9668058, 0.0),
    (0.0170827, 0.0723974, 0.9105199),
)
"""Linear sRGB to linear Display P3; both have the white of D65 (CSS Color 4, section 18)."""


def in_p3(part: Component) -> Component:
    """The component with every colour in it as the same colour in P3; both have sRGB's tone curve."""
    return cast("Component", _in_p3(part))


def _in_p3(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(_in_p3(one) for one in value)
    if isinstance(value, Colour):
        linear = [_linear(band / 255) for band in (value.red, value.green, value.blue)]
        mixed = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in _TO_P3)
        red, green, blue = (round(255 * _curved(band)) for band in mixed)
        return dataclasses.replace(value, red=red, green=green, blue=blue)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    found: dict[str, Any] = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    changed = {name: new for name, one in found.items() if (new := _in_p3(one)) != one}
    return dataclasses.replace(value, **changed) if changed else value


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _curved(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)
