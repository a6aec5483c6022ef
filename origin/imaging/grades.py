"""``q_auto``: the level of a codec at which this very picture looks as its grade promises.

A sample of the finished picture is written once at a first guess, compared with what went in, and the guess
is moved along the codec's usual curve by what it was off; for a picture at least three samples large the
same is done once more. So a picture costs at most one further encode, remembers nothing, and equal pixels
always get equal bytes.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.savers import Saving, save
from urlspec.qualities import QualityValue

Curve = tuple[tuple[int, float], ...]

TARGETS: Final[Mapping[str, float]] = {"best": 80.0, "good": 70.0, "eco": 60.0, "low": 50.0}
"""Closeness of each grade, in points of SSIMULACRA2."""

_CURVES: Final[Mapping[str, Curve]] = {
    "jpeg": ((10, 15.0), (35, 52.4), (50, 62.5), (65, 69.2), (76, 75.9), (84, 80.7), (91, 88.3), (100, 95.0)),
    "webp": ((5, 15.0), (25, 45.3), (45, 58.8), (62, 65.4), (75, 70.0), (84, 77.4), (92, 84.0), (100, 90.0)),
    "avif": ((15, 5.0), (35, 42.5), (45, 58.1), (53, 66.2), (60, 73.9), (67, 78.6), (76, 82.9), (95, 92.0)),
}
"""Level and closeness, on average over the test photographs, with the settings of ``savers``."""

_FURTHEST: Final = 20.0
"""Points beyond which a picture is so unlike photographs that a codec's usual curve says nothing of it."""


def level(image: VipsImage, name: str, saving: Saving) -> int:
    """The level for a picture in memory. The grade is that of ``saving``."""
    # Only who needs it pays for numpy; its threads would cost a worker address space and gain nothing.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from origin.imaging.closeness import SAMPLE_PIXELS, Original, sample

    target = TARGETS[saving.quality.grade]
    small = sample(image).copy()
    if small.get_typeof("page-height"):
        small.remove("page-height")  # the frames of an animation, seen as one tall picture
    original = Original(small)
    curve = _CURVES[name]
    # All grades begin at the same level, so that a better one never gets a lower number.
    found = _level(curve, TARGETS["good"])
    for _ in range(2 if image.width * image.height >= 3 * SAMPLE_PIXELS else 1):
        body = save(name, small, dataclasses.replace(saving, quality=QualityValue(found), keep=0))
        got = original.closeness(pyvips.Image.new_from_buffer(body, "").copy_memory())
        off = min(max(got - _closeness(curve, found), -_FURTHEST), _FURTHEST)
        found = _level(curve, target - off)
    return found


def _level(curve: Curve, closeness: float) -> int:
    """The lowest level that usually reaches ``closeness``."""
    for (low, below), (high, above) in pairwise(curve):
        if closeness <= above:
            return max(curve[0][0], round(low + (high - low) * (closeness - below) / (above - below)))
    return curve[-1][0]


def _closeness(curve: Curve, level: int) -> float:
    for (low, below), (high, above) in pairwise(curve):
        if level <= high:
            return below + (above - below) * (level - low) / (high - low)
    return curve[-1][1]
