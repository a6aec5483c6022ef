"""People who use the API of a running server, over HTTP as any client does."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx
import jwt

from tests.support.origin import OriginServer

SECRET = "j" * 40
"""``JWT_SECRET`` of the servers under test."""

PASSWORD = "correct horse battery staple"


def issue(subject: str, *, secret: str = SECRET, kind: str = "access", **claims: Any) -> str:
    """A token as the server itself would give it, with ``claims`` changed or, for None, left out."""
    now = int(time.time())
    payload = {
        "iss": "image-origin",
        "aud": "image-origin",
        "sub": subject,
        "iat": now,
        "exp": now + 900,
        "jti": token_hex(8),
        "fam": token_hex(8),
    } | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, secret, algorithm="HS256", headers={"typ": f"{kind}+jwt"})


@dataclass(frozen=True)
class Answer:
    """A response, with what these tests ask of it."""

    raw: httpx.Response

    @property
    def status(self) -> int:
        return self.raw.status_code

    @property
    def headers(self) -> httpx.Headers:
        return self.raw.headers

    @property
    def body(self) -> bytes:
        return self.raw.content

    @property
    def json(self) -> Any:
        return self.raw.json()

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of a problem document (RFC 9457), whose headers are as for every error."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        document = self.json
        assert {"type", "title", "status", "code", "detail", "request_id"} <= set(document)
        assert document["status"] == self.status
        if self.headers.get("x-edge") != "HIT":  # else it names the request that was answered first
            assert document["request_id"] == self.headers["x-request-id"]
        assert self.headers["x-content-type-options"] == "nosniff"
        if self.status in {404, 410}:
            assert self.headers["vary"].startswith("Authorization, Cookie")
        else:
            assert self.headers["cache-control"] == "no-store"
        return self.status, document["code"]

    @property
    def without_id(self) -> tuple[int, dict[str, str], str]:
        """All of an answer but what is new each time."""
        headers = {
            name: value
            for name, value in self.headers.items()
            if name not in {"date", "x-request-id"} and not name.startswith("ratelimit-")
        }
        return self.status, headers, re.sub('"request_id": ?"[A-Za-z0-9-]+"', "", self.raw.text)


class Browser:
    """Sends requests to a server, or to the edge before it. Keeps no cookies: tests say what they send."""

    def __init__(self, server: OriginServer, edge: str = "") -> None:
        self.server = server
        self.url = edge or server.url
        self.through_edge = bool(edge)
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, **options: Any) -> Answer:
        self._client.cookies.clear()
        return Answer(self._client.request(method, path, **options))


@dataclass(frozen=True)
class Person:
    """Somebody, signed in or (without a token) not."""

    browser: Browser
    id: str = ""
    token: str = ""

    def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.browser.send(method, path, headers=own | dict(headers or {}), **options)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def known(self, id: str) -> Answer:
        """What the server says about an asset."""
        return self.get(f"/images/{id}", Accept="application/json")

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, named, **({} if body is None else {"json": body}))

    def patch(self, path: str, body: Any) -> Answer:
        return self.send("PATCH", path, json=body)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def upload(
        self,
        data: bytes,
        name: str = "picture.jpg",
        *,
        path: str = "/images",
        method: str = "POST",
        key: str | None = None,
        **fields: str,
    ) -> Answer:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.send(method, path, headers, files={"file": (name, data)}, data=fields)

    def uploaded(self, data: bytes, **fields: str) -> Any:
        """The body of a new asset."""
        answer = self.upload(data, **fields)
        assert answer.status == 201, answer.body
        return answer.json

    def replaced(self, id: str, data: bytes) -> Answer:
        return self.upload(data, path=f"/images/{id}/file", method="PUT")


def somebody(browser: Browser) -> Person:
    """A user nobody has met, with a token but without an account: hashing a password takes its time."""
    id = f"user{token_hex(8)}"
    return Person(browser, id, issue(id))
