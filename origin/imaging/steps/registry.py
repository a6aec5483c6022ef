"""Where every step is found by its declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from origin.imaging.colour import VipsImage
from urlspec.declare import Argument

A = TypeVar("A", bound=Argument)
Step = Callable[[VipsImage, Any], VipsImage]

STEPS: Final[dict[type[Argument], Step]] = {}


def step(kind: type[A]) -> Callable[[Callable[[VipsImage, A], VipsImage]], Step]:
    """Register the function that does what the declaration ``kind`` says."""

    def register(function: Callable[[VipsImage, A], VipsImage]) -> Step:
        STEPS[kind] = function
        return function

    return register
