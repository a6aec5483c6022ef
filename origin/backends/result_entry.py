"""A result as bytes that describe themselves: the same form in a file and in Redis."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from origin.ports import Result

MAGIC = b"origin-result/1\n"
"""Names the version of the form: whatever begins with something else is a miss."""


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    length: int
    sha256: str
    media_type: str
    headers: tuple[tuple[str, str], ...]
    draft: bool
    created: int
    assets: tuple[str, ...]


def encode(key: str, result: Result, assets: Sequence[str]) -> bytes:
    """Magic line, a JSON line, the body."""
    header = {
        "key": key,
        "length": len(result.body),
        "sha256": hashlib.sha256(result.body).hexdigest(),
        "media_type": result.media_type,
        "headers": result.headers,
        "draft": result.draft,
        "created": result.created,
        "assets": tuple(assets),
    }
    return b"".join((MAGIC, json.dumps(header).encode(), b"\n", result.body))


def decode(data: bytes, key: str) -> tuple[Result, tuple[str, ...]] | None:
    """The result of ``key`` and its assets; None for anything that is damaged, cut, foreign or older."""
    if not data.startswith(MAGIC):
        return None
    end = data.find(b"\n", len(MAGIC))
    body = data[end + 1 :]
    try:
        header = _Header.model_validate_json(data[len(MAGIC) : end])
    except ValidationError:
        return None
    whole = header.key == key and header.length == len(body)
    if not whole or hashlib.sha256(body).hexdigest() != header.sha256:
        return None
    result = Result(body, header.media_type, header.headers, header.draft, header.created)
    return result, header.assets


@dataclass(slots=True)
class Complaint:
    """Logs a failure that recurs with every request at most once in ten seconds."""

    log: logging.Logger
    text: str
    last: float = -1e9

    def __call__(self, error: BaseException) -> None:
        if time.monotonic() - self.last >= 10:
            self.last = time.monotonic()
            self.log.warning("%s: %s", self.text, error, exc_info=error)
