"""Whatever stands in a URL: it is refused as a URL, or it is read, planned and stays what it is."""

# ruff: noqa: PT017 - a refusal is an outcome here, and is looked at

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import parse_qsl

from hypothesis import strategies as st

from origin.errors import OriginError
from origin.imaging import Header, Limits, plan
from origin.service.queryform import path_of
from tests.support.urls import CHAINS, OUTPUTS, PATHS, SOURCES, several, spellings
from urlspec import Keyring, Presets, Request, SignatureError, UrlError, parse
from urlspec.sign import EXAMPLE_SECRET
from urlspec.texts import TextRef

LIMIT: Final = 8_192
"""Bytes of a path."""
CPU_SECONDS: Final = 1.0
"""What no path of this length may take: a hundred times what the slowest takes."""

PRESETS: Final = Presets.from_toml("""
[presets]
card = "c_fill,w_400,h_300,f_auto"
open = "l_text:Sans_20:$1"
wide = {chain = "w_$1", args = [["3", "4"]]}
""")
KEYS: Final = Keyring.read(f"web:{EXAMPLE_SECRET}")

HEADERS: Final = (
    Header("jpeg", 6_000, 4_000, bytes=3_000_000),
    Header("jpeg", 4_000, 6_000, 6, interlaced=True, scans=10),
    Header("png", 1, 16_384, has_alpha=True, bands=4),
    Header("png", 1, 1, bands=1, colour="b-w"),
    Header("gif", 400, 300, frames=60, delays=(100,) * 60, has_alpha=True, bands=4),
    Header("svg", 24, 24, has_alpha=True, bands=4),
    Header("tiff", 3_000, 2_000, frames=9, bits=16, colour="rgb16"),
)


@st.composite
def _built(draw: st.DrawFn) -> bytes:
    """A path made of the declarations themselves."""
    chain, outputs = draw(CHAINS), draw(several(OUTPUTS, 4))
    return draw(spellings(chain, outputs, draw(SOURCES))).encode("utf-8", "surrogatepass")


@st.composite
def _damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A path with pieces lost, doubled, changed or put in."""
    path = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(path)))
        to = draw(st.integers(at, min(len(path), at + 12)))
        piece = draw(
            st.binary(max_size=6) | st.sampled_from([bytes(path[at:to]) * 2, b"", b"%00", b"9" * 40])
        )
        path[at:to] = piece
    return bytes(path)


_PIECES: Final = PATHS.map(lambda path: path.encode("utf-8", "surrogatepass"))
_WHOLE: Final = _built() | _PIECES
INPUTS: Final = st.tuples(
    _WHOLE | _damaged(_WHOLE) | st.binary(max_size=200),
    st.sampled_from(HEADERS),
    st.sampled_from(["avif", "webp", "jpeg"]),
)


def check(drawn: tuple[bytes, Header, Any]) -> str:
    """What became of a path: ``refused``, ``read`` or ``planned``. AssertionError: a fault was found."""
    path, header, accept = drawn
    begun = time.process_time()
    _verified(path)
    _old_form(path)
    read = _read(path)
    result = "refused" if read is None else _planned(read, header, accept)
    assert time.process_time() - begun < CPU_SECONDS, "too much work"
    return result


def _verified(path: bytes) -> None:
    for spelt in (path, b"/s1." + path):
        try:
            assert KEYS.verify(spelt, 0.0) is None, "a signature out of nothing"
        except SignatureError as error:
            assert error.code in {"signature_invalid", "signature_expired"}


def _old_form(path: bytes) -> None:
    query = parse_qsl(path.decode("latin-1"), keep_blank_values=True, max_num_fields=500)
    try:
        made = path_of("cat", query)
    except OriginError as error:
        assert error.status == 400
        return
    _read(made)


def _read(path: bytes) -> Request | None:
    kept = None
    for presets in (None, PRESETS):
        try:
            request = parse(path, presets, limit=LIMIT)
        except UrlError as error:
            assert error.status == 400
            assert error.code
            assert len(error.detail) < 2_000
            continue
        canonical = request.canonical()
        assert canonical.isascii()
        again = parse(canonical, presets, limit=1 << 20)
        assert again == request, "the canonical text says something else"
        assert again.canonical() == canonical
        kept = request
    return kept


def _planned(request: Request, header: Header, accept: Any) -> str:
    """No request for any picture is the server's fault."""
    headers = {request.source: header}
    headers |= {ref: Header("png", 64, 64) for ref in request.layers() if not isinstance(ref, TextRef)}
    try:
        if request.presets or request.wants_width_hint or request.wants_dpr_hint:
            return "read"
        made = plan(request, headers, Limits(), accept)
    except OriginError as error:
        assert error.status in {400, 422}, f"{type(error).__name__}: {error.detail}"
        return "read"
    assert 1 <= made.size.width <= Limits().max_result_side
    assert 1 <= made.size.height <= Limits().max_result_side
    return "planned"


__all__ = ["INPUTS", "check"]
