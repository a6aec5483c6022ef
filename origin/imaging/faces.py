"""Where faces are: OpenCV's Haar cascades, frontal and profile, on a small grey picture.

Part of the optional extra ``faces``; nothing of it is imported before a URL asks for faces. The same pixels
always give the same boxes.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Final

from origin.errors import FacesUnavailable
from origin.imaging.cropping import SMALLEST_FACE
from origin.imaging.geometry import Box

LOOKED_AT: Final = 640
"""Longer side, in pixels, of the picture that is searched."""
SECONDS: Final = 0.4
"""What a search costs, for the plan."""

_FRONTAL: Final = "haarcascade_frontalface_alt2.xml"
_PROFILE: Final = "haarcascade_profileface.xml"
_SURE: Final = 1.0
"""Profiles below this confidence are more often folds and shadows than faces."""
_STEP: Final = 1.1
_NEIGHBOURS: Final = 4


def available() -> bool:
    """Whether the extra is installed; the library itself is not loaded."""
    return find_spec("cv2") is not None


def check_available() -> None:
    """Raises FacesUnavailable."""
    if not available():
        raise FacesUnavailable


def found(grey: Any) -> tuple[Box, ...]:
    """The faces in an upright picture of one band (``numpy.uint8``, ``[y, x]``), largest first."""
    cv2 = _library()
    frontal, profile = _cascade(_FRONTAL), _cascade(_PROFILE)
    even = cv2.equalizeHist(grey)
    least = max(round(min(grey.shape) * SMALLEST_FACE), 20)
    seen = [*_detected(frontal, even, least)]
    seen += [box for box in _detected(profile, even, least, _SURE) if _elsewhere(box, seen)]
    width = grey.shape[1]
    for left, top, side, height in _detected(profile, cv2.flip(even, 1), least, _SURE):
        box = Box(width - left - side, top, side, height)  # the cascade knows faces that look one way
        if _elsewhere(box, seen):
            seen.append(box)
    return tuple(sorted(seen, key=lambda box: (-box.width * box.height, box.left, box.top)))


def _detected(cascade: Any, picture: Any, least: int, sure: float = 0.0) -> Iterator[Box]:
    boxes, _, weights = cascade.detectMultiScale3(
        picture,
        scaleFactor=_STEP,
        minNeighbors=_NEIGHBOURS,
        minSize=(least, least),
        outputRejectLevels=True,
    )
    for box, weight in zip(boxes, weights, strict=True):
        if weight >= sure:
            yield Box(*(int(number) for number in box))


def _elsewhere(box: Box, others: Iterable[Box]) -> bool:
    """Whether the middle of ``box`` lies in none of the others."""
    x, y = box.left + box.width / 2, box.top + box.height / 2
    return not any(
        other.left <= x <= other.left + other.width and other.top <= y <= other.top + other.height
        for other in others
    )


@functools.cache
def _library() -> Any:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts a pool of threads otherwise
    try:
        import cv2
    except ImportError as error:
        raise FacesUnavailable from error
    cv2.setNumThreads(1)
    return cv2


@functools.cache
def _cascade(name: str) -> Any:
    cv2 = _library()
    return cv2.CascadeClassifier(cv2.data.haarcascades + name)
