"""Arguments on their way from text to a request, with the place where they stood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from urlspec.declare import Argument
from urlspec.errors import SHOWN, UrlError
from urlspec.request import Dropped


class Placed(NamedTuple):
    """An argument with the place where it stood."""

    argument: Argument
    text: str
    position: int
    component: int
    """Counted from 1."""
    extension: bool = False
    """Whether it was said by the extension of the id."""

    @property
    def shown(self) -> str:
        return repr(self.text[:SHOWN])

    def error(
        self, code: str, detail: str, expected: str | None = None, nearest: str | None = None
    ) -> UrlError:
        return UrlError(
            code,
            detail,
            component=self.component,
            argument=self.text,
            position=self.position,
            expected=expected,
            nearest=nearest,
        )


@dataclass(slots=True)
class Draft:
    """A component being judged."""

    number: int
    placed: list[Placed]

    def get(self, *kinds: type[Argument]) -> Placed | None:
        for one in self.placed:
            if type(one.argument) in kinds:
                return one
        return None

    def has(self, *kinds: type[Argument]) -> bool:
        return self.get(*kinds) is not None

    def drop(self, one: Placed, reason: str) -> Dropped:
        self.placed.remove(one)
        return Dropped(one.text, one.component, reason)
