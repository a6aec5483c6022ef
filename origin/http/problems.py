"""Errors as answers: RFC 9457 documents with a stable ``code``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from origin.errors import Internal, OriginError, TooManyRequests
from urlspec.errors import SignatureError, UrlError

Headers = list[tuple[bytes, bytes]]

SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way to the client."""

    status: int
    code: str
    title: str
    detail: str
    members: dict[str, object]
    retry_after: int | None = None
    limit: int | None = None
    """The rate limit that was reached."""


def problem_of(error: Exception) -> Problem:
    """The public side of an error. What is not ours is an internal error without a word of its text."""
    if isinstance(error, UrlError):
        return Problem(error.status, error.code, error.title, error.detail, error.members())
    if isinstance(error, SignatureError):
        return Problem(error.status, error.code, error.title, error.detail, {})
    if isinstance(error, OriginError) and error.code:
        wait = getattr(error, "wait", None) or error.retry_after
        limit = error.limit if isinstance(error, TooManyRequests) else None
        return Problem(error.status, error.code, error.title, error.detail, dict(error.members), wait, limit)
    return problem_of(Internal())


def status_problem(status: int, code: str, detail: str) -> Problem:
    return Problem(status, code, HTTPStatus(status).phrase, detail, {})


def encode(problem: Problem, request_id: str) -> tuple[Headers, bytes]:
    """The headers and the body of a problem document."""
    document = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id,
        **problem.members,
    }
    # ASCII only: whatever the client sent comes back as JSON escapes.
    body = json.dumps(document).encode("ascii")
    headers: Headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *SAFE,
        (b"x-request-id", request_id.encode()),
    ]
    if problem.status in {404, 410}:
        # Cacheable for a moment: a cache that may serve stale answers must be able to replace the old
        # picture, and what is missing for one visitor may be there for its owner.
        headers += [(b"cache-control", b"public, max-age=10"), (b"vary", b"Authorization, Cookie")]
    else:
        headers.append((b"cache-control", b"no-store"))
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.limit is not None:
        headers += [
            (b"ratelimit-limit", str(problem.limit).encode()),
            (b"ratelimit-remaining", b"0"),
            (b"ratelimit-reset", str(problem.retry_after).encode()),
        ]
    return headers, body
