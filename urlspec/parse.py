"""From the raw bytes of a path to a Request. Anything else is refused with an answer that teaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from urlspec.characters import PATH_LIMIT, check_path, decode
from urlspec.errors import SHOWN, UrlError, nearest
from urlspec.judge import Draft, Placed, judge
from urlspec.outputs import EXTENSIONS, Format
from urlspec.pipeline import BY_WORD, SINGLE
from urlspec.request import Request
from urlspec.sources import AssetRef, NamedRef, SourceRef, check_key_segment, read_id, read_key
from urlspec.teach import refused_value, unknown_argument
from urlspec.values import BadValue

if TYPE_CHECKING:
    from urlspec.presets import Presets

Segment = tuple[bytes, int]
"""Raw bytes, and their position in the path."""


def parse(raw: bytes | str, presets: Presets | None = None, *, limit: int = PATH_LIMIT) -> Request:
    """Read a delivery path without its signature.

    With ``presets`` every ``t_`` is replaced by its components (an unknown one is refused). Without, the
    request is as given: a ``t_`` stays, and what depends on its components is not judged.
    Raises UrlError, and nothing else, for any bytes.
    """
    path = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    check_path(path, limit)
    source, extension, chain = _split(path)
    if extension is None and presets is None:
        known = _judged(tuple(chain), isinstance(source, NamedRef))
        return replace(known, source=source)
    drafts = read_chain(chain)
    if extension is not None:
        drafts.append(Draft(len(drafts) + 1, [extension]))
    if presets is not None:
        drafts = presets.expand(drafts)
    return judge(drafts, source)


_KNOWN: Final = 512
"""Chains that are remembered: a site has a few, and many pictures for each."""


@lru_cache(maxsize=_KNOWN)
def _judged(chain: tuple[Segment, ...], named: bool) -> Request:
    """What a chain means, of whatever source of its kind. Raises UrlError, each time anew."""
    return judge(read_chain(chain), NamedRef("any", "any") if named else AssetRef("any"))


def segments_of(path: bytes) -> Iterator[Segment]:
    """The segments of a path that starts with ``/``."""
    position = 1
    for segment in path[1:].split(b"/"):
        yield segment, position
        position += len(segment) + 1


def read_chain(segments: Iterable[Segment]) -> list[Draft]:
    """The components of checked segments, as given. Raises UrlError."""
    return [_component(segment, position, number) for number, (segment, position) in enumerate(segments, 1)]


def _split(path: bytes) -> tuple[SourceRef, Placed | None, list[Segment]]:
    """The source, what its extension says, and the segments before it."""
    segments = list(segments_of(path))
    for index, (segment, _) in enumerate(segments):
        if segment.startswith(b"@"):
            return _named(segments[index:]), None, segments[:index]
    *chain, (last, position) = segments
    source, extension = _asset(last, position, len(chain) + 1)
    return source, extension, chain


def _named(segments: Sequence[Segment]) -> NamedRef:
    where = segments[0]
    try:
        for where in segments[1:]:
            check_key_segment(decode(where[0]))
        where = segments[0]
        name, *key = [decode(segment) for segment, _ in segments]
        return read_key(name[1:], key)
    except BadValue as error:
        raise UrlError(
            "key_invalid",
            f"The source cannot be read: {error.hint}.",
            argument=where[0].decode("ascii"),
            position=where[1],
            expected="@<name>/<key>",
        ) from error


def _asset(segment: bytes, position: int, number: int) -> tuple[AssetRef, Placed | None]:
    text = segment.decode("ascii")
    if "_" in text or "," in text:
        raise UrlError(
            "source_missing",
            "The last segment is a component, not a picture's id: no id holds _ or a comma.",
            component=number,
            argument=text,
            position=position,
            expected="/<chain>/<id>",
        )
    name, dot, extension = text.partition(".")
    try:
        source = read_id(name)
    except BadValue as error:
        raise UrlError(
            error.code if error.code != "value_invalid" else "id_invalid",
            f"{text[:SHOWN]!r} names no picture: {error.hint}.",
            argument=text,
            position=position,
            expected="an id of 1 to 64 of A-Z a-z 0-9 and -, with an optional extension",
        ) from error
    if not dot:
        return source, None
    if extension not in EXTENSIONS:
        raise UrlError(
            "extension_unknown",
            "The extension of an id names the output format.",
            argument=text,
            position=position + len(name) + 1,
            expected="one of " + " ".join(EXTENSIONS),
            nearest=nearest(extension, EXTENSIONS),
        )
    argument = Format(EXTENSIONS[extension])
    return source, Placed(argument, f".{extension}", position + len(name), number, extension=True)


def _component(segment: bytes, position: int, number: int) -> Draft:
    placed = []
    for piece in segment.split(b","):
        placed.append(_argument(piece, position, number))
        position += len(piece) + 1
    return Draft(number, placed)


def _argument(piece: bytes, position: int, number: int) -> Placed:
    text = piece.decode("ascii")
    key, underscore, value = text.partition("_")
    kind = (SINGLE.get(key) or BY_WORD.get(text.partition(":")[0])) if underscore else None
    if kind is None:
        raise unknown_argument(text, position, number)
    parts = value.split(":")
    if "%" in value:
        parts = [unquote(part, errors="strict") for part in parts]
    if kind.word:
        del parts[0]
    try:
        argument = kind.read(parts)
    except BadValue as error:
        raise refused_value(kind, error, parts, text, position, number) from error
    return Placed(argument, text, position, number)
