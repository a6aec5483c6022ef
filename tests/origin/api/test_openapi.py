"""The OpenAPI document, and a tool that asks the API for all that it allows, and for what it does not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.people import Browser, Person, somebody

OPERATIONS = {
    *("POST /auth/register", "POST /auth/login", "POST /auth/session", "DELETE /auth/session"),
    *("POST /auth/refresh", "POST /auth/logout", "POST /images", "POST /images/upload", "GET /images"),
    *("POST /images/presign", "GET /images/{id}", "PATCH /images/{id}", "DELETE /images/{id}"),
    *("PUT /images/{id}/file", "POST /images/{id}/restore", "POST /images/{id}/purge"),
    *("POST /images/{id}/url", "POST /images/{id}/complete"),
}


@pytest.fixture(scope="module")
def alone(browse: Callable[..., Browser]) -> Browser:
    """A server that nobody else uses: this asks for a great deal."""
    return browse()


@pytest.fixture(scope="module")
def document(alone: Browser) -> Any:
    answer = Person(alone).get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json


def test_every_route_is_described(document: Any) -> None:
    found = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert found == OPERATIONS
    assert "422" not in document["paths"]["/auth/login"]["post"]["responses"]
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["description"] or operation["summary"]


def test_uploads_are_of_the_accepted_types(document: Any) -> None:
    for path, method in (("/images", "post"), ("/images/{id}/file", "put")):
        form = document["paths"][path][method]["requestBody"]["content"]["multipart/form-data"]
        named = form["encoding"]["file"]["contentType"].split(", ")
        assert named == sorted(f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "avif", "tiff"))


def test_the_page_needs_nothing_from_elsewhere(alone: Browser, document: Any) -> None:
    answer = Person(alone).get("/docs")
    text = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in text
    assert not re.search("(?:src|href)=.?https?:", text)
    for path in document["paths"]:
        assert path in text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


OTHER_METHODS = [
    ("PUT", "/images"),
    ("DELETE", "/images"),
    ("PATCH", "/images/upload"),
    ("DELETE", "/images/presign"),
    ("GET", "/images/presign"),
    ("PUT", "/images/x"),
    ("GET", "/auth/login"),
    ("TRACE", "/images/x"),
    ("PROPFIND", "/auth/session"),
]


@pytest.mark.parametrize(("method", "path"), OTHER_METHODS, ids=" ".join)
def test_other_methods(alone: Browser, document: Any, method: str, path: str) -> None:
    described = document["paths"].get(path) or document["paths"]["/images/{id}"]
    answer = somebody(alone).send(method, path)
    assert answer.problem == (405, "method_not_allowed")
    allowed = set(answer.headers["allow"].split(", "))
    assert {name.upper() for name in described} == allowed - {"HEAD"}


SIGNED_IN = ("--exclude-path-regex", "logout|session")
"""Signing out would end the run."""
RUNS: dict[str, tuple[bool, tuple[str, ...]]] = {
    # No schema can say which bytes are a picture, which texts are a chain, or that a cursor was given out.
    "signed in": (True, ("--exclude-checks", "positive_data_acceptance", *SIGNED_IN)),
    "a stranger": (
        False,
        ("--exclude-checks", "positive_data_acceptance", "--include-path-regex", "^/auth/|^/images/{id}$"),
    ),
    "what is described in full": (
        False,
        ("--phases", "fuzzing", "--include-path-regex", "^/auth/(register|login|refresh)$|/(purge|restore)$"),
    ),
}


@pytest.mark.parametrize(("signed_in", "options"), RUNS.values(), ids=RUNS.keys())
def test_nothing_is_found(alone: Browser, tmp_path: Path, signed_in: bool, options: tuple[str, ...]) -> None:
    tool = Path(sys.executable).with_name("schemathesis")
    token = ("-H", f"Authorization: Bearer {somebody(alone).token}") if signed_in else ()
    done = subprocess.run(
        [
            *(str(tool), "run", f"{alone.server.url}/openapi.json", "--no-color"),
            *("--max-examples", "5", "--generation-deterministic"),
            *options,
            *token,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-8_000:]
    assert int(re.findall("([0-9]+) generated", done.stdout)[0]) > 20
