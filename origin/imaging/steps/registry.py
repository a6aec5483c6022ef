"""Where every step is found by its declaration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from origin.imaging.colour import VipsImage
from urlspec.declare import Argument

A = TypeVar("A", bound=Argument)
Paint = Callable[[VipsImage], VipsImage]
"""What is done to one frame."""
Step = Callable[[Sequence[VipsImage], Any], Paint]
"""From all frames and the argument to what is done to each: what is measured is the same for all."""

STEPS: Final[dict[type[Argument], Step]] = {}


def step(
    kind: type[A],
) -> Callable[[Callable[[VipsImage, A], VipsImage]], Callable[[VipsImage, A], VipsImage]]:
    """Register the function that does to one frame what the declaration ``kind`` says."""

    def register(function: Callable[[VipsImage, A], VipsImage]) -> Callable[[VipsImage, A], VipsImage]:
        STEPS[kind] = lambda frames, op: lambda image: function(image, op)  # noqa: ARG005
        return function

    return register


def measured(
    kind: type[A],
) -> Callable[[Callable[[Sequence[VipsImage], A], Paint]], Callable[[Sequence[VipsImage], A], Paint]]:
    """Register the function that looks at all frames first, so that an animation does not flicker."""

    def register(function: Callable[[Sequence[VipsImage], A], Paint]) -> Any:
        STEPS[kind] = function
        return function

    return register
