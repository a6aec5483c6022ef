"""Is this profile sRGB? Then the costly colour conversion can be left out.

The name of a profile proves nothing, so its primaries and its curve are compared.
"""

from __future__ import annotations

import functools
import struct
from typing import Final

_PRIMARIES: Final = {
    b"rXYZ": (0.4360, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""Of sRGB, adapted to D50 as profiles store them."""
_NEAR: Final = 0.003
_CURVE_NEAR: Final = 0.004
_PROBES: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)


@functools.lru_cache(maxsize=64)
def is_srgb(profile: bytes) -> bool:
    """True when converting from ``profile`` to sRGB would change nothing one could see."""
    try:
        return _is_srgb(profile)
    except (struct.error, IndexError, ValueError, OverflowError, ZeroDivisionError):
        return False  # a broken profile is libvips' business


def _is_srgb(profile: bytes) -> bool:
    if profile[16:20] != b"RGB " or profile[36:40] != b"acsp":
        return False
    tags = _tags(profile)
    if b"A2B0" in tags:
        return False
    for name, expected in _PRIMARIES.items():
        tag = tags.get(name, b"")
        found = [value / 65536 for value in struct.unpack(">3i", tag[8:20])]
        if max(abs(one - other) for one, other in zip(found, expected, strict=True)) > _NEAR:
            return False
    return all(_srgb_curve(tags.get(name, b"")) for name in (b"rTRC", b"gTRC", b"bTRC"))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", profile[128:132])
    tags = {}
    for index in range(min(count, 100)):
        name, offset, size = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        tags[name] = profile[offset : offset + size]
    return tags


def _srgb_curve(tag: bytes) -> bool:
    return all(abs(_curve(tag, x) - _srgb_to_linear(x)) <= _CURVE_NEAR for x in _PROBES)


def _srgb_to_linear(x: float) -> float:
    return float(x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)


def _curve(tag: bytes, x: float) -> float:
    if tag[:4] == b"para":
        (kind,) = struct.unpack(">H", tag[8:10])
        if kind != 3:
            raise ValueError(kind)
        gamma, a, b, c, d = (value / 65536 for value in struct.unpack(">5i", tag[12:32]))
        return float((a * x + b) ** gamma if x >= d else c * x)
    if tag[:4] != b"curv":
        raise ValueError(tag[:4])
    (count,) = struct.unpack(">I", tag[8:12])
    if count < 2:
        raise ValueError(count)
    place = x * (count - 1)
    lower = int(place)
    low, high = struct.unpack(">2H", tag[12 + 2 * lower : 16 + 2 * lower])
    return float((low + (high - low) * (place - lower)) / 65535)
