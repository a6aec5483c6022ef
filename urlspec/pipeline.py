"""The list of all arguments, in the order in which they act and are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import ModuleType
from typing import Final

from urlspec import arguments as a
from urlspec import composing, outputs
from urlspec.arguments import blending, colour, detail, edges, geometry
from urlspec.declare import Argument


def _declared(module: ModuleType) -> Iterator[type[Argument]]:
    """The declarations of a module, in the order in which they stand there."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Argument)
            and value.__module__ == module.__name__
            and is_dataclass(value)
        ):
            yield value


PIPELINE: Final[tuple[type[Argument], ...]] = tuple(
    kind
    for module in (composing, geometry, colour, detail, edges, blending, outputs)
    for kind in _declared(module)
)
"""Where a declaration stands in its module is where it acts: a new one needs no other line here."""

ORDER: Final[dict[type[Argument], int]] = {kind: place for place, kind in enumerate(PIPELINE)}

SINGLE: Final[dict[str, type[Argument]]] = {
    kind.key: kind for kind in PIPELINE if not (kind.word or kind.words)
}
"""Declarations that have their key for themselves."""

BY_KEY: Final[dict[str, tuple[type[Argument], ...]]] = {
    kind.key: tuple(other for other in PIPELINE if other.key == kind.key) for kind in PIPELINE
}

BY_WORD: Final[dict[str, type[Argument]]] = {
    f"{kind.key}_{word}": kind for kind in PIPELINE for word in (kind.words or (kind.word,)) if word
}
"""Declarations whose key has many words, by ``key_word``."""


EFFECTS: Final[tuple[type[Argument], ...]] = (*_declared(colour), *_declared(detail))
"""Arguments that change pixels one component at a time, in the order in which they act."""

PLACEMENT: Final[frozenset[type[Argument]]] = frozenset({a.Gravity, a.X, a.Y, a.Opacity, a.Tiled, a.Blend})
"""What places a layer rather than shaping it."""


def place(argument: Argument) -> int:
    """Where an argument stands in the canonical text of its component."""
    return ORDER[type(argument)]
