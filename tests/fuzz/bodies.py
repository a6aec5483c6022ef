"""Whatever comes as a multipart body: a file and its fields, or a refusal; nothing is left behind."""

# ruff: noqa: PT017 - a refusal is an outcome here, and is looked at

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import strategies as st
from starlette.requests import Request

from origin.errors import OriginError
from origin.http.receive import FIELDS, received

MOST: Final = 4_096
"""Bytes of a file that are accepted here."""

_SPACES: Final = st.sampled_from(["", " ", "\t", "\r", "\n", "\r\n", "\0"])
_NAMES: Final = st.sampled_from(["file", *FIELDS, "FILE", "", 'fi"le', "ü", "x" * 300]) | st.text(max_size=8)
_DISPOSITIONS: Final = st.sampled_from(["form-data", "Form-Data", "attachment", "", "form-data; form-data"])
_CONTENT: Final = st.binary(max_size=300) | st.sampled_from(
    [b"x" * MOST, b"x" * (MOST + 1), b"\r\n--x", b"--"]
)
_BOUNDARIES: Final = st.sampled_from(["x", "a-b", "-", "x" * 70, "x" * 71, "", "x y", "=", "ü"])


@dataclass(frozen=True)
class Body:
    """A request as it comes over the wire."""

    type: str
    length: str | None
    chunks: tuple[bytes, ...]
    whole: bool
    """It is what it says: one file, known fields, each once."""
    file: bytes = b""


@st.composite
def _part(draw: st.DrawFn) -> bytes:
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(["Content-Disposition", "content-type", "X", "", "Content-Disposition"]))
        value = (
            f"{draw(_DISPOSITIONS)};{draw(_SPACES)}name={draw(st.sampled_from(['', chr(34)]))}{draw(_NAMES)}"
        )
        value += draw(st.sampled_from(["", '"', '"; filename="a.jpg"', "; filename*=UTF-8''%ff", ";" * 200]))
        lines.append(f"{name}{draw(st.sampled_from([':', ': ', '', '::']))}{value}")
    head = draw(st.sampled_from(["\r\n", "\n"])).join(lines)
    return head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + draw(_CONTENT)


def _cut(body: bytes, places: Sequence[int]) -> tuple[bytes, ...]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return tuple(body[start:end] for start, end in itertools.pairwise(edges))


@st.composite
def _wild(draw: st.DrawFn) -> Body:
    boundary = draw(_BOUNDARIES)
    edge = b"--" + boundary.encode()
    parts = draw(st.lists(_part() | _CONTENT, max_size=5))
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts)
    body += draw(st.sampled_from([edge + b"--\r\n", edge + b"--", edge, b"", edge + b"--\r\nmore"]))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=4)) + body[draw(st.integers(at, len(body))) :]
    length = draw(st.sampled_from([str(len(body)), "0", "-1", "", "9" * 30, "1e3", "²"]) | st.none())
    kind = draw(st.sampled_from(["multipart/form-data", "multipart/mixed", "text/plain", ""]))
    header = f"{kind};{draw(_SPACES)}boundary={boundary}"
    return Body(header, length, _cut(body, draw(st.lists(st.integers(0, 10_000), max_size=6))), whole=False)


@st.composite
def _sound(draw: st.DrawFn) -> Body:
    """A body as a browser sends it, in pieces that end anywhere."""
    file = draw(st.binary(max_size=MOST) | st.sampled_from([b"\r\n--edg", b"--edge-\r\n", b"\r" * 99]))
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), st.text("abc, \n-ü", max_size=20)))
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    own = b'Content-Disposition: form-data; name="file"; filename="p"\r\nContent-Type: x/y\r\n\r\n' + file
    parts.insert(draw(st.integers(0, len(parts))), own)
    edge = "edge" + draw(st.text("0123456789", min_size=8, max_size=20))
    body = b"".join(b"--" + edge.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    body += b"--" + edge.encode() + b"--\r\n"
    places = draw(st.lists(st.integers(0, 100_000), max_size=12))
    kind = f"multipart/form-data; boundary={edge}"
    return Body(kind, str(len(body)), _cut(body, places), whole=True, file=file)


INPUTS: Final = _wild() | _sound()


@functools.cache
def _folder() -> TemporaryDirectory[str]:
    """Gone with the process."""
    return TemporaryDirectory(prefix="fuzz-bodies-")


def check(body: Body) -> str:
    """What became of a body: ``taken`` or ``refused``. AssertionError: a fault was found."""
    result = asyncio.run(_sent(body))
    assert list(Path(_folder().name).iterdir()) == [], "a file was left behind"
    assert result == "taken" or not body.whole, "a sound body was refused"
    return result


async def _sent(body: Body) -> str:
    chunks = list(body.chunks)

    async def receive() -> dict[str, Any]:
        piece = chunks.pop(0) if chunks else b""
        return {"type": "http.request", "body": piece, "more_body": bool(chunks)}

    headers = [(b"content-type", body.type.encode("utf-8", "replace"))]
    if body.length is not None:
        headers.append((b"content-length", body.length.encode()))
    scope = {"type": "http", "method": "POST", "path": "/images", "headers": headers}
    try:
        async with received(Request(scope, receive), Path(_folder().name), MOST) as got:
            data = got.path.read_bytes()
            assert len(data) <= MOST, "more than is accepted"
            assert got.sha256 == hashlib.sha256(data).hexdigest()
            assert set(got.fields) <= set(FIELDS)
            assert not body.whole or data == body.file, "other bytes than were sent"
    except OriginError as error:
        assert error.status in {400, 411, 413}, error
        return "refused"
    return "taken"


__all__ = ["INPUTS", "Body", "check"]
