"""Keeps secrets out of what is written down: logs, traces, error reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "***"
SHORTEST: Final = 6
"""Characters: a shorter secret would blacken half of every text."""
LONGEST_PATH: Final = 1_024

_SIGNATURE: Final = re.compile(r"((?:/|%2F)s1\.(?:[a-z0-9]{1,8}\.[0-9]{1,10}\.)?)[^/\s\"']*", re.IGNORECASE)
_CREDENTIALS: Final = re.compile(
    r"""
    (?P<signature>(?:/|%2F)s1\.(?:[a-z0-9]{1,8}\.[0-9]{1,10}\.)?)[^/\s"']*
    |(?P<bearer>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+
    |(?P<token>\beyJ)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}
    |(?P<cookie>\borigin_session=)[^;\s"']+
    |(?P<query>\b(?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|access_key|api_key
        |password|secret|token)=)[^&\s"']+
    |(?P<userinfo>://[^/\s:@"']{0,64}:)[^@/\s"']+(?=@)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def shown_path(path: bytes) -> str:
    """A request's path as ASCII, at most LONGEST_PATH characters, without the secret part of a signature."""
    text = path.decode("ascii", "backslashreplace")
    if "s1." in text:
        text = _SIGNATURE.sub(rf"\1{HIDDEN}", text)
    return text if len(text) <= LONGEST_PATH else f"{text[:LONGEST_PATH]}…"


class Scrubber:
    """Hides everything that looks like a credential, and ``secrets`` wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _CREDENTIALS.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{HIDDEN}"
