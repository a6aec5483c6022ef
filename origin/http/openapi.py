"""What the OpenAPI document says beyond the declarations of the routes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI

from origin.http import models as m
from origin.http.auth import COOKIE
from urlspec.outputs import PICTURE_FORMATS

Responses = dict[int | str, dict[str, Any]]


_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}


def _problems(texts: dict[int, str]) -> Responses:
    return {status: {"description": text, "content": _PROBLEM} for status, text in texts.items()}


PROBLEMS: Responses = _problems(
    {
        400: "The URL or the body is wrong",
        401: "Sign in first",
        403: "You may not do that",
        404: "Not there, or not yours",
        413: "The body is too large",
        429: "Too many requests",
        503: "A dependency is away",
    }
)
UPLOAD_PROBLEMS: Responses = PROBLEMS | _problems(
    {
        409: "The id is taken, or the Idempotency-Key was used for something else",
        411: "Content-Length is missing",
        413: "Too large, or beyond the quota",
        415: "Not a picture of an accepted type",
        422: "The picture is damaged or beyond the limits",
        504: "Took too long",
        507: "No space left",
    }
)
UPLOADED: Responses = {200: {"model": m.AssetBody, "description": "These bytes were here already"}}

UPLOAD_FIELDS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": m.SLUG},
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "tags": {"type": "string", "description": "joined by commas", "maxLength": 2_000},
    "eager": {"type": "string", "description": "chains to render at once, joined by spaces"},
}
_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same upload gives the same answer again, for a day",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}


def multipart(fields: dict[str, dict[str, Any]], *, idempotent: bool = False) -> dict[str, Any]:
    """The OpenAPI description of a multipart body, which is read as a stream and not by the framework."""
    file = {"type": "string", "format": "binary", "description": "the picture"}
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **fields},
        "additionalProperties": False,
    }
    content = {"multipart/form-data": {"schema": schema}}
    body = {"requestBody": {"required": True, "content": content}}
    return body | ({"parameters": [_IDEMPOTENCY_KEY]} if idempotent else {})


def _parameter(name: str, text: str, pattern: str = "", **schema: Any) -> dict[str, Any]:
    shape = schema or {"type": "string", "pattern": f"^({pattern})$"}
    return {"name": name, "in": "query", "required": False, "description": text, "schema": shape}


_LENGTH = r"[1-9][0-9]{0,3}|0\.[0-9]{0,3}[1-9]"
_DECIMALS = r"(\.[0-9]{1,4})?"
_DEGREES = r"([1-9][0-9]?|[12][0-9][0-9]|3[0-5][0-9])"
_TEXT = r"[^\u0000-\u001f\u007f-\u009f]{0,50}"
QUERY_FORM: dict[str, Any] = {
    "parameters": [
        _parameter("width", "pixels, or a fraction of the picture: w_", _LENGTH),
        _parameter("height", "pixels, or a fraction of the picture: h_", _LENGTH),
        _parameter("rotate", "degrees clockwise: a_", rf"0{_DECIMALS}|-?{_DEGREES}{_DECIMALS}"),
        _parameter("format", "f_", type="string", enum=["auto", "jpeg", *PICTURE_FORMATS]),
        _parameter("compress", "quality: q_", type="integer", minimum=1, maximum=100),
        _parameter("grayscale", "e_grayscale", type="boolean"),
        _parameter("flip", "upside down: flip_v", type="boolean"),
        _parameter("mirror", "left and right: flip_h", type="boolean"),
        _parameter("blur", "sigma in pixels: e_blur", rf"([1-9]?[0-9]|1[0-9][0-9]){_DECIMALS}|200"),
        _parameter("watermarkText", "a text layer at the bottom right", _TEXT),
    ]
}
"""What the picture of ``GET /images/<id>`` can be asked to be; with any of these it is the picture."""
PICTURE: Responses = {
    200: {"model": m.AssetBody, "content": {"image/*": {}}, "description": "What is known, or the picture"},
    **_problems(
        {
            410: "It was here and has been removed",
            415: "Not a picture that can be shown",
            422: "The picture is damaged or beyond the limits",
            502: "Storage gave something broken",
            504: "Took too long",
        }
    ),
}

_SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
_OPEN = frozenset(
    {
        ("/auth/register", "post"),
        ("/auth/login", "post"),
        ("/auth/refresh", "post"),
        ("/auth/session", "post"),
    }
)


def openapi(app: FastAPI, accepted: Iterable[str]) -> bytes:
    """The OpenAPI document, with what the framework cannot know; ``accepted`` are media types of uploads.

    Bodies that do not fit are 400 here, not its 422; and credentials are read before its dependencies.
    """
    files = {"file": {"contentType": ", ".join(sorted(accepted))}}
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            if form := operation.get("requestBody", {}).get("content", {}).get("multipart/form-data"):
                form["encoding"] = files
            if "HTTPValidationError" in json.dumps(answers.get("422", {})):
                del answers["422"]
            if (path, method) == ("/images/{id}", "get"):
                operation["security"] = [{}, *_SIGNED_IN]  # a public picture is for everybody
            elif (path, method) not in _OPEN:
                operation["security"] = _SIGNED_IN
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"]["ProblemBody"] = m.ProblemBody.model_json_schema()
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    return json.dumps(document).encode()
