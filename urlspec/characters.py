"""The raw path: which bytes may stand in it, and what its segments decode to (RFC 3986, section 3.3)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

from urlspec.errors import UrlError

PATH_LIMIT: Final = 1_024
"""Bytes of a path, signature included, unless a server raises it."""

_SEGMENT = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*")
_ESCAPE = re.compile(rb"%(?:[0-9A-F]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LINE_FEED_TEXT = re.compile(rb"(?:^|,)[lu]_text:")


def check_path(raw: bytes, limit: int = PATH_LIMIT) -> None:
    """Refuse a raw path that no accepted URL can have. Raises UrlError with the byte position."""
    if len(raw) > limit:
        raise UrlError(
            "path_too_long",
            f"The path has {len(raw)} bytes; at most {limit} are accepted. Name long chains as presets.",
            expected=f"at most {limit} bytes",
        )
    if b"?" in raw:
        raise UrlError(
            "query_not_allowed",
            "A picture's URL has no query string; every option stands in the path.",
            position=raw.index(b"?"),
            expected="a path such as /w_300,f_webp/<id>",
        )
    if not raw.startswith(b"/"):
        raise UrlError("path_invalid", "A path starts with a slash.", position=0, expected="/")
    position = 1
    for segment in raw[1:].split(b"/"):
        _check_segment(segment, position)
        position += len(segment) + 1


def _check_segment(segment: bytes, position: int) -> None:
    if segment in {b"", b".", b".."}:
        what = "An empty segment" if not segment else "A dot segment"
        if segment == b"" and position == 1:
            raise UrlError(
                "source_missing", "The URL names no picture.", position=1, expected="/<chain>/<id>"
            )
        raise UrlError(
            "path_invalid",
            f"{what} has no place in a picture's URL.",
            position=position,
            expected="segments that are neither empty nor . nor ..",
        )
    match = _SEGMENT.match(segment)
    end = match.end() if match else 0
    if end < len(segment):
        raise UrlError(
            "path_invalid",
            "This byte may not stand here as it is. Percent-encode what is not A-Z a-z 0-9 - . _ ~ with "
            "upper-case hex.",
            position=position + end,
            argument=segment[end:].decode("ascii", "backslashreplace"),
            expected="RFC 3986 path characters, or %XX with upper-case hex",
        )
    for escape in _ESCAPE.finditer(segment):
        _check_escape(segment, escape, position)
    try:
        unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UrlError(
            "path_invalid",
            "The escapes of this segment do not decode to UTF-8.",
            position=position,
            expected="UTF-8",
        ) from error


def _check_escape(segment: bytes, escape: re.Match[bytes], position: int) -> None:
    byte = int(escape[0][1:], 16)
    where = position + escape.start()
    if byte in _UNRESERVED:
        raise UrlError(
            "path_invalid",
            f"{escape[0].decode()} is an escape of {chr(byte)!r}, which must stand as itself.",
            position=where,
            argument=escape[0].decode(),
            expected=chr(byte),
        )
    allowed = byte == 0x0A and _LINE_FEED_TEXT.search(segment[: escape.start()])
    if (byte < 0x20 or byte == 0x7F) and not allowed:
        raise UrlError(
            "path_invalid",
            "Control characters may not stand in a URL, except %0A in the text of a text layer.",
            position=where,
            argument=escape[0].decode(),
            expected="no control character",
        )


def decode(part: bytes) -> str:
    """The text of a checked part. C1 controls and the like are left to the codec that reads it."""
    return unquote_to_bytes(part).decode("utf-8")


def has_controls(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)
