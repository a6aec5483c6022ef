"""What the OpenAPI document says beyond the declarations of the routes."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI

from origin.http import models as m
from origin.http.auth import COOKIE

Responses = dict[int | str, dict[str, Any]]


def _problems(texts: dict[int, str]) -> Responses:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": text, "content": content} for status, text in texts.items()}


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
    "id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "tags": {"type": "string", "description": "joined by commas"},
    "eager": {"type": "string", "description": "chains to render at once, joined by spaces"},
}


def multipart(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI description of a multipart body, which is read as a stream and not by the framework."""
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same upload gives the same answer again, for a day",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
_SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
_OPEN = frozenset({"/auth/register", "/auth/login", "/auth/refresh"})


def openapi(app: FastAPI) -> bytes:
    """The OpenAPI document, with what the framework cannot know.

    Bodies that do not fit are 400 here, not its 422; and credentials are read before its dependencies.
    """
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            if "HTTPValidationError" in json.dumps(answers.get("422", {})):
                del answers["422"]
            if not (path in _OPEN or (path, method) == ("/auth/session", "post")):
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
