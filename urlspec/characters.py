"""The raw path: which bytes may stand in it, and what its segments decode to (RFC 3986, section 3.3)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from urlspec.errors import UrlError

PATH_LIMIT: Final = 1_024
"""Bytes of a path, signature included, unless a server raises it."""

_PLAIN = re.compile(rb"(?:/(?!\.)[A-Za-z0-9\-._~!$&'()*+,;=:@]++)++")
"""A path without escapes in which no segment can be a dot segment: most paths, and nothing to decode."""
_SEGMENT = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*+")
_ESCAPED_UNRESERVED = re.compile(rb"%(?:2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)")
_CONTROL = re.compile(rb"%(?:[01][0-9A-F]|7F|C2%[89][0-9A-F])")
"""C0, DEL and, in UTF-8, C1."""
_TEXT_LAYER = re.compile(rb"[lu]_text:[^:]*:")


def check_path(raw: bytes, limit: int = PATH_LIMIT) -> None:
    """Refuse a raw path that no accepted URL can have. Raises UrlError with the byte position."""
    if len(raw) > limit:
        raise UrlError(
            "path_too_long",
            f"The path has {len(raw)} bytes; at most {limit} are accepted. Name long chains as presets.",
            position=limit,
            expected=f"at most {limit} bytes",
        )
    if _PLAIN.fullmatch(raw):
        return
    if b"?" in raw:
        raise UrlError(
            "query_not_allowed",
            "A picture's URL has no query string; every option stands in the path.",
            position=raw.index(b"?"),
            expected="a path such as /w_300,f_webp/<id>",
        )
    if not raw.startswith(b"/"):
        raise UrlError("path_invalid", "A path starts with a slash.", position=0, expected="/")
    if raw == b"/":
        raise UrlError("source_missing", "The URL names no picture.", position=1, expected="/<chain>/<id>")
    position = 1
    for segment in raw[1:].split(b"/"):
        _check_segment(segment, position)
        position += len(segment) + 1


def _check_segment(segment: bytes, position: int) -> None:
    if segment in {b"", b".", b".."}:
        raise UrlError(
            "path_invalid",
            f"{'A dot' if segment else 'An empty'} segment has no place in a picture's URL: "
            "no doubled or trailing slash, no . and no ..",
            argument=segment.decode(),
            position=position,
            expected="segments that are neither empty nor . nor ..",
        )
    match = _SEGMENT.match(segment)
    end = match.end() if match else 0
    if end < len(segment):
        raise _not_a_character(segment, end, position)
    if b"%" not in segment:
        return
    if (escape := _ESCAPED_UNRESERVED.search(segment)) is not None:
        plain = unquote_to_bytes(escape[0]).decode()
        raise UrlError(
            "path_invalid",
            f"{escape[0].decode()} is an escape of {plain!r}, which must stand as itself.",
            position=position + escape.start(),
            argument=escape[0].decode(),
            expected=plain,
            nearest=plain,
        )
    try:
        unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UrlError(
            "path_invalid",
            "The escapes of this segment do not decode to UTF-8.",
            position=position,
            argument=segment.decode(),
            expected="UTF-8",
        ) from error
    _check_controls(segment, position)


def _not_a_character(segment: bytes, at: int, position: int) -> UrlError:
    rest = segment[at:].decode("ascii", "backslashreplace")
    detail = "This byte may not stand here as it is. Percent-encode what is not A-Z a-z 0-9 - . _ ~."
    meant = None
    if rest.startswith("%"):
        detail = "A % begins an escape: two hex digits, upper-case. A % that is meant as text is %25."
        if re.match(r"%[0-9A-Fa-f]{2}", rest):
            meant = rest[:3].upper()
    return UrlError(
        "path_invalid",
        detail,
        position=position + at,
        argument=rest,
        expected="RFC 3986 path characters, or %XX with upper-case hex",
        nearest=meant,
    )


def _check_controls(segment: bytes, position: int) -> None:
    if _CONTROL.search(segment) is None:
        return
    for piece in segment.split(b","):
        text = _TEXT_LAYER.match(piece)
        for control in _CONTROL.finditer(piece):
            if control[0] == b"%0A" and text is not None and control.start() >= text.end():
                continue
            raise UrlError(
                "path_invalid",
                "Control characters may not stand in a URL, except %0A in the text of a text layer.",
                position=position + control.start(),
                argument=control[0].decode(),
                expected="no control character",
            )
        position += len(piece) + 1


def decode(part: bytes) -> str:
    """The text of a part that has been checked."""
    return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8")
