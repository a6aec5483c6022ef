"""What a picture is read from: an uploaded asset by id, or an object of a named source by key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from urlspec.values import CONTROLS, BadValue, Codec

ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_CONTROLS = re.compile(f"[{CONTROLS}]")
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)

RESERVED: Final = frozenset({
    "auth", "images", "upload", "presign", "explain", "healthz", "readyz", "metrics", "docs", "openapi",
    "favicon", "robots", "iiif", "api", "console", "static", "s1", "p1",
})  # fmt: skip
"""First path segments that the server needs for itself, so no asset may be called so."""


@dataclass(frozen=True, slots=True)
class AssetRef:
    """An uploaded asset."""

    id: str

    def path(self) -> str:
        """As the end of a URL."""
        return self.id

    def parts(self) -> list[str]:
        """As the value of an argument (``l_``, ``d_``)."""
        return [self.id]


@dataclass(frozen=True, slots=True)
class NamedRef:
    """An object of a source named in the server's settings; ``key`` is decoded, ``/`` between segments."""

    name: str
    key: str

    def path(self) -> str:
        return f"@{self.name}/" + "/".join(quote(segment, safe="") for segment in self.key.split("/"))

    def parts(self) -> list[str]:
        return [f"@{self.name}", *self.key.split("/")]


SourceRef = AssetRef | NamedRef


def read_id(text: str) -> AssetRef:
    """Raises BadValue, with a hint that says what is wrong."""
    if not ID.fullmatch(text):
        raise BadValue("an id is 1 to 64 of A-Z a-z 0-9 and -")
    if text in RESERVED:
        raise BadValue("that id is kept for the server's own pages", code="id_reserved")
    return AssetRef(text)


def read_key(name: str, segments: Sequence[str]) -> NamedRef:
    """A key from decoded segments. Raises BadValue, with a hint that says what is wrong."""
    if not SOURCE_NAME.fullmatch(name):
        raise BadValue("a source's name is 1 to 32 of a-z 0-9 and -")
    if not segments:
        raise BadValue("the key is missing: @name/key")
    for segment in segments:
        check_key_segment(segment)
    return NamedRef(name, "/".join(segments))


def check_key_segment(text: str) -> None:
    """Refuse what no decoded segment of a key may be. Raises BadValue."""
    if not text:
        raise BadValue("a key has no empty segment")
    if text.startswith("."):
        raise BadValue("no segment of a key begins with a dot")
    if "/" in text or "\\" in text:
        raise BadValue("a key has no escaped / and no backslash")
    if _CONTROLS.search(text):
        raise BadValue("a key has no control characters")


class SourceCodec(Codec[SourceRef]):
    """A source as an argument's value: ``logo``, ``@brand:logos:dark.png`` (``/`` is written ``:``)."""

    type_name = "SourceRef | str"

    expected = "an id, or @name:key with the key's / written as :"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> SourceRef:
        if parts[0].startswith("@"):
            return read_key(parts[0][1:], parts[1:])
        if len(parts) != 1:
            raise BadValue("an id holds no :")
        return read_id(parts[0])

    def write(self, value: SourceRef) -> list[str]:
        return value.parts()

    def coerce(self, value: Any) -> SourceRef:
        """Programmers write a key as it is: ``@brand/logos/dark.png``."""
        return self.read(value.split("/") if isinstance(value, str) else value.parts())
