"""Errors of the framework and of ours, as problem documents, for the applications that use a framework."""

from __future__ import annotations

from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from origin.errors import OriginError
from origin.http.problems import Problem, encode, problem_of, status_problem
from urlspec.errors import UrlSpecError

PHRASES = {
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "That method does not work here."),
}


def handle_errors(app: Starlette) -> None:
    """Answer every error of ``app`` as a problem document."""
    for kind in (OriginError, UrlSpecError, Exception):
        app.add_exception_handler(kind, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _ours(request: Request, error: Exception) -> Response:
    request.scope["state"]["error"] = error
    problem = problem_of(error)
    extra = {"www-authenticate": _challenge(request)} if problem.status == 401 else {}
    return answer(request, problem, extra)


def _challenge(request: Request) -> str:
    """RFC 6750, section 3: the error is named only where a token was sent."""
    return 'Bearer error="invalid_token"' if "authorization" in request.headers else "Bearer"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = PHRASES.get(error.status_code, ("bad_request", "The request is not understood."))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(sorted(_methods(request)))
    return answer(request, status_problem(error.status_code, code, detail), headers)


def _methods(request: Request) -> set[str]:
    """What works at this address: a path's methods may be routes of their own, each knowing its own only."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return found


async def _invalid(request: Request, error: Exception) -> Response:
    """A body or a query that does not fit: where, and what was expected; never what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [_sentence(entry) for entry in error.errors()[:5]]
    return answer(request, status_problem(400, "body_invalid", " ".join(found)), {})


def _sentence(entry: Any) -> str:
    place = ".".join(str(part) for part in entry["loc"] if part not in {"body", "query"})[:80]
    return f"{place or 'body'}: {entry['msg']}."


def answer(request: Request, problem: Problem, extra: dict[str, str]) -> Response:
    headers, body = encode(problem, request.scope["state"]["request_id"])
    response = Response(body, problem.status)
    response.raw_headers = [
        *headers,
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in extra.items()),
    ]
    return response
