"""``f_auto``: which class of client this is, by its ``Accept`` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

AcceptClass = Literal["avif", "webp", "jpeg"]

_QVALUE = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_LONGEST = 4_096


@lru_cache(maxsize=1_024)
def accept_class(accept: str | None) -> AcceptClass:
    """``avif`` or ``webp`` when the client names them with q above 0, else ``jpeg``.

    Wildcards do not count: a client that only says ``*/*`` may be one that cannot show them.
    """
    named = set(_ranges((accept or "")[:_LONGEST]))
    if "image/avif" in named:
        return "avif"
    return "webp" if "image/webp" in named else "jpeg"


def wants_picture(accept: str | None) -> bool:
    """Whether an ``img`` asks: pictures are named, pages are not, as one who opens the address would."""
    named = _ranges((accept or "")[:_LONGEST])
    return any(name.startswith("image/") for name in named) and "text/html" not in named


def _ranges(accept: str) -> list[str]:
    """The media ranges with q above 0, lower case."""
    wanted = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:].strip() for piece in parameters if piece.startswith("q=")), "1")
        if _QVALUE.fullmatch(quality) and float(quality) > 0:
            wanted.append(name)
    return wanted
