"""Entity tags of results (RFC 9110, section 8.8.3): the key, and after ``-`` the body's hash."""

from __future__ import annotations

import hashlib

from origin.ports import Result


def matching_etag(header: str, key: str) -> str | None:
    """The tag of ``If-None-Match`` that names this key (RFC 9110, section 13.1.2), or None.

    Only the part before ``-`` counts: it says what the picture is made from; the rest is the body's hash.
    """
    for tag in header[:4_096].split(","):
        text = tag.strip()
        if text.removeprefix("W/").startswith(f'"{key}-') and text.endswith('"'):
            return text
    return None


def entity_tag(key: str, result: Result) -> str:
    """Weak for a draft: a better version may take its place."""
    return f'{"W/" * result.draft}"{key}-{body_tag(result.body)}"'


def body_tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:8]
