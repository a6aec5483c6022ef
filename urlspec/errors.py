"""What can be wrong with a URL, and how it is said.

Every refusal carries a stable ``code``, the place, what stood there, what was expected and, where one is
near, the name that was probably meant. The text teaches: whoever reads it should not need the manual.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

SHOWN = 40
"""Characters of the offending argument that are repeated in an answer."""


@dataclass(frozen=True, slots=True)
class UrlCode:
    """A stable error code of the URL language: its HTTP status and a one-line title."""

    code: str
    status: int
    title: str


CODES: dict[str, UrlCode] = {
    entry.code: entry
    for entry in (
        UrlCode("path_invalid", 400, "The path holds something that no URL of ours may hold"),
        UrlCode("path_too_long", 400, "The path is too long"),
        UrlCode("query_not_allowed", 400, "A picture's URL has no query string"),
        UrlCode("source_missing", 400, "The URL does not end in a picture's id"),
        UrlCode("id_invalid", 400, "That is not a picture's id"),
        UrlCode("id_reserved", 400, "That id is reserved"),
        UrlCode("key_invalid", 400, "That is not a key of a source"),
        UrlCode("extension_unknown", 400, "The extension names no output format"),
        UrlCode("argument_unknown", 400, "There is no such argument"),
        UrlCode("argument_repeated", 400, "The argument stands twice"),
        UrlCode("argument_conflict", 400, "Two arguments contradict each other"),
        UrlCode("argument_misplaced", 400, "The argument may not stand here"),
        UrlCode("value_invalid", 400, "The argument's value is not possible"),
        UrlCode("size_missing", 400, "A crop mode needs a size"),
        UrlCode("too_many_components", 400, "The URL has too many components"),
        UrlCode("too_many_arguments", 400, "The URL has too many arguments"),
        UrlCode("too_many_layers", 400, "The URL has too many layers"),
        UrlCode("layer_unopened", 400, "fl_layer_apply closes no layer"),
        UrlCode("layer_too_deep", 400, "A layer may hold at most one more layer"),
        UrlCode("preset_unknown", 400, "There is no such preset"),
        UrlCode("preset_arguments", 400, "The preset does not take these arguments"),
        UrlCode("signature_invalid", 403, "The signature is not valid"),
        UrlCode("signature_expired", 403, "The signature has expired"),
        UrlCode("signature_required", 403, "This URL must be signed"),
    )
}


class UrlSpecError(ValueError):
    """Root of everything that ``urlspec`` raises on purpose."""


class UrlError(UrlSpecError):
    """A URL that cannot be accepted.

    ``position`` counts bytes of the raw path from 0; ``component`` counts from 1; both are None where
    they have no meaning. ``argument`` is cut to 40 characters.
    """

    status: ClassVar[int] = 400

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        component: int | None = None,
        argument: str | None = None,
        position: int | None = None,
        expected: str | None = None,
        nearest: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = CODES[code].code
        self.title = CODES[code].title
        self.detail = detail
        self.component = component
        self.argument = None if argument is None else argument[:SHOWN]
        self.position = position
        self.expected = expected
        self.nearest = nearest

    def shifted(self, count: int) -> UrlError:
        """The same refusal for a path in which ``count`` more bytes stand before: its signature."""
        return UrlError(
            self.code,
            self.detail,
            component=self.component,
            argument=self.argument,
            position=None if self.position is None else self.position + count,
            expected=self.expected,
            nearest=self.nearest,
        )

    def members(self) -> dict[str, object]:
        """The extension members of the problem document (RFC 9457, section 3.2), without empty ones."""
        named = {
            "component": self.component,
            "argument": self.argument,
            "position": self.position,
            "expected": self.expected,
            "nearest": self.nearest,
        }
        return {name: value for name, value in named.items() if value is not None}


class SignatureError(UrlSpecError):
    """A signature that is absent, wrong or expired. One wording per code, whatever the cause."""

    status: ClassVar[int] = 403

    def __init__(self, code: str) -> None:
        self.code = CODES[code].code
        self.title = CODES[code].title
        self.detail = _SIGNATURE_DETAIL[code]
        super().__init__(self.detail)


_SIGNATURE_DETAIL = {
    "signature_invalid": "The signature does not belong to this URL. Sign the exact bytes that follow the "
    "signature segment, with a key and audience that the server knows.",
    "signature_expired": "The signature was right, but its time is over. Ask the backend for a new URL.",
    "signature_required": "This server delivers signed URLs only: /s1.<kid>.<exp>.<mac>/<chain>/<id>.",
}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or None when nothing is near."""
    found = difflib.get_close_matches(name[:SHOWN], list(known), n=1, cutoff=0.6)
    return found[0] if found else None
