"""From the raw bytes of a path to a Request. Anything else is refused with an answer that teaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from urlspec.characters import PATH_LIMIT, check_path, decode
from urlspec.declare import Argument, expectation, usage
from urlspec.errors import SHOWN, UrlError, nearest
from urlspec.judge import Draft, Placed, judge
from urlspec.outputs import EXTENSIONS, Format
from urlspec.pipeline import BY_KEY, BY_WORD, PIPELINE
from urlspec.request import Request
from urlspec.sources import AssetRef, SourceRef, read_id, read_key
from urlspec.values import BadValue

if TYPE_CHECKING:
    from urlspec.presets import Presets

DIALECTS: Final = {
    "width": "w_", "height": "h_", "size": "w_ and h_", "resize": "c_ with w_ and h_",
    "rs": "c_ with w_ and h_", "s": "w_ and h_", "quality": "q_", "format": "f_", "fm": "f_",
    "ext": "f_", "crop": "c_", "fit": "c_", "gravity": "g_", "focus": "g_", "rotate": "r_",
    "rot": "r_", "ro": "r_", "or": "r_", "radius": "rad_", "blur": "e_blur:", "bl": "e_blur:",
    "sharpen": "e_sharpen:", "sh": "e_sharpen:", "sharp": "e_sharpen:", "grayscale": "e_grayscale",
    "greyscale": "e_grayscale", "sepia": "e_sepia", "negate": "e_negate", "invert": "e_negate",
    "brightness": "e_brightness:", "contrast": "e_contrast:", "hue": "e_hue:",
    "saturation": "e_saturation:", "trim": "e_trim", "pixelate": "e_pixelate:", "background": "b_",
    "bg": "b_", "border": "bo_", "padding": "pad_", "opacity": "o_", "watermark": "l_",
    "overlay": "l_", "wm": "l_", "text": "l_text:", "preset": "t_", "pr": "t_", "page": "pg_",
    "download": "dl_", "attachment": "dl_", "version": "v_", "flop": "flip_h", "mirror": "flip_h",
    "strip": "meta_none", "expires": "the signature",
}  # fmt: skip
"""What other dialects call our arguments."""


def parse(raw: bytes | str, presets: Presets | None = None, *, limit: int = PATH_LIMIT) -> Request:
    """Read a delivery path without its signature.

    With ``presets`` every ``t_`` is replaced by its components (an unknown one is refused); without, it
    stays as it is. Raises UrlError, and nothing else, for any bytes.
    """
    path = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    check_path(path, limit)
    source, extension, chain = _split(path)
    drafts = [
        read_component(segment, position, number) for number, (segment, position) in enumerate(chain, 1)
    ]
    if extension is not None:
        drafts.append(Draft(len(drafts) + 1, [extension]))
    if presets is not None:
        drafts = presets.expand(drafts)
    return judge(drafts, source)


Segment = tuple[bytes, int]
"""Raw bytes, and their position in the path."""


def _segments(path: bytes) -> Iterator[Segment]:
    position = 1
    for segment in path[1:].split(b"/"):
        yield segment, position
        position += len(segment) + 1


def _split(path: bytes) -> tuple[SourceRef, Placed | None, list[Segment]]:
    """The source, what its extension says, and the segments before it."""
    segments = list(_segments(path))
    for index, (segment, position) in enumerate(segments):
        if segment.startswith(b"@"):
            return _named(segments[index:], position), None, segments[:index]
    *chain, (last, position) = segments
    source, extension = _asset(last, position, len(chain) + 1)
    return source, extension, chain


def _named(segments: Sequence[Segment], position: int) -> SourceRef:
    try:
        decoded = [decode(segment) for segment, _ in segments]
        return read_key(decoded[0][1:], decoded[1:])
    except BadValue as error:
        raise UrlError(
            "key_invalid",
            f"The source cannot be read: {error.hint}.",
            position=position,
            argument=decoded[0],
            expected="@<name>/<key>",
        ) from error


def _asset(segment: bytes, position: int, number: int) -> tuple[AssetRef, Placed | None]:
    text = decode(segment)
    if "_" in text or "," in text:
        raise UrlError(
            "source_missing",
            "The last segment is a component, not a picture's id: no id holds _ or a comma.",
            component=number,
            argument=text,
            position=position,
            expected="/<chain>/<id>",
        )
    name, dot, extension = text.rpartition(".")
    try:
        source = read_id(name if dot else text)
    except BadValue as error:
        reserved = error.hint == "reserved"
        raise UrlError(
            "id_reserved" if reserved else "id_invalid",
            "That id is kept for the server's own pages." if reserved else f"Not an id: {error.hint}.",
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
    written = f".{extension}"
    return source, Placed(Format(EXTENSIONS[extension]), written, position + len(name), number)


def read_component(segment: bytes, position: int, number: int) -> Draft:
    """The arguments of one segment, as given. Raises UrlError."""
    placed = []
    for piece in segment.split(b","):
        placed.append(_argument(piece, position, number))
        position += len(piece) + 1
    return Draft(number, placed)


def _argument(piece: bytes, position: int, number: int) -> Placed:
    text = piece.decode("ascii")
    key, underscore, value = piece.partition(b"_")
    kind = _kind(text, key.decode("ascii"), bool(underscore), value, position, number)
    parts = [decode(part) for part in value.split(b":")]
    if kind.word:
        parts = parts[1:]
    try:
        argument = kind.read(parts)
    except BadValue as error:
        hint = error.hint or kind.hint
        raise UrlError(
            "value_invalid",
            f"{usage(kind)} expects {expectation(kind)}." + (f" Note: {hint}." if hint else ""),
            component=number,
            argument=text,
            position=position,
            expected=expectation(kind),
        ) from error
    return Placed(argument, text, position, number)


def _kind(text: str, key: str, has_value: bool, value: bytes, position: int, number: int) -> type[Argument]:
    """The declaration that a piece of text names, or a refusal that says what was probably meant."""
    kinds = BY_KEY.get(key, ()) if has_value else ()
    if kinds and not (kinds[0].word or kinds[0].words):
        return kinds[0]
    word = value.split(b":")[0].decode("ascii")
    if kinds and f"{key}_{word}" in BY_WORD:
        return BY_WORD[f"{key}_{word}"]
    known = (
        [name for name in BY_WORD if name.startswith(f"{key}_")] if kinds else [f"{name}_" for name in BY_KEY]
    )
    raise UrlError(
        "argument_unknown",
        _unknown(text, key, word, bool(kinds)),
        component=number,
        argument=text,
        position=position,
        expected="one of " + " ".join(known),
        nearest=_nearest(text, key, word, known, bool(kinds)),
    )


def _unknown(text: str, key: str, word: str, worded: bool) -> str:
    shown = text[:SHOWN]
    if not text:
        return "There is nothing between two separators; a component is arguments joined by single commas."
    if worded and key == "fl" and "." in word:
        return f"{shown!r} joins flags with a dot; write each flag as an argument of its own: fl_a,fl_b."
    if not worded and (meant := DIALECTS.get(key) or DIALECTS.get(text)):
        return f"There is no argument {shown!r}; here it is written {meant}."
    return f"There is no argument {shown!r}."


def _nearest(text: str, key: str, word: str, known: Sequence[str], worded: bool) -> str | None:
    if worded:
        return nearest(f"{key}_{word}", known)
    if meant := DIALECTS.get(key) or DIALECTS.get(text):
        return meant
    if f"e_{text}" in BY_WORD:
        return f"e_{text}"
    methods = {kind.method: f"{kind.key}_{kind.word}" for kind in PIPELINE}
    found = nearest(key, methods)
    return methods[found] if found else nearest(f"{key}_", known)
