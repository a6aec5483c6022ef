"""What holds for every URL, drawn from the declarations; and for every input whatever."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.support.urls import (
    BY_CODEC,
    CHAINS,
    OUTPUTS,
    PATHS,
    SOURCES,
    Chain,
    arguments,
    drafts,
    several,
    spellings,
)
from urlspec import Keyring, Presets, Request, SignatureError, UrlError, parse
from urlspec.declare import Argument
from urlspec.judge import judge
from urlspec.pipeline import PIPELINE
from urlspec.presets import only_presets
from urlspec.sign import EXAMPLE_SECRET
from urlspec.sources import AssetRef, NamedRef

LIMIT = 1 << 20
PRESETS = Presets.from_toml("""
[presets]
card = "c_fill,w_400,h_300,f_auto"
open = "l_text:Sans_20:$1"
wide = {chain = "w_$1", args = [["3", "4"]]}
""")
KEYS = Keyring.read(f"web:{EXAMPLE_SECRET}")

built = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
thrown = settings(max_examples=500, deadline=None)


def agreed(chain: Chain, outputs: list[Argument], source: AssetRef | NamedRef) -> Request:
    """The request that the arguments make, where they agree with each other."""
    try:
        return judge(drafts(chain, outputs), source)
    except UrlError:
        assume(False)
        raise


@pytest.mark.parametrize("kind", PIPELINE, ids=lambda kind: kind.__name__)
def test_every_argument_is_read_as_it_is_written(kind: type[Argument]) -> None:
    @settings(max_examples=30, deadline=None)
    @given(arguments(kind))
    def check(argument: Argument) -> None:
        parts = argument.parts()
        assert kind.read(parts[1:] if kind.word else parts) == argument
        settled = argument.settled()
        assert settled is None or settled.settled() == settled

    check()


def test_every_codec_has_a_strategy() -> None:
    assert {type(field.codec) for kind in PIPELINE for field in kind.fields()} == set(BY_CODEC)


@built
@given(CHAINS, several(OUTPUTS, 4), SOURCES)
def test_the_canonical_text_is_read_as_the_request(chain: Any, outputs: Any, source: Any) -> None:
    request = agreed(chain, outputs, source)
    again = parse(request.canonical(), limit=LIMIT)
    assert again == request
    assert again.canonical() == request.canonical()
    assert again.warnings == ()
    assert parse(request.canonical(), PRESETS, limit=LIMIT) == request
    assert not only_presets(request, PRESETS)


@built
@given(CHAINS, several(OUTPUTS, 4), SOURCES, st.data())
def test_every_spelling_has_one_canonical_text(chain: Any, outputs: Any, source: Any, data: Any) -> None:
    request = agreed(chain, outputs, source)
    spelling: str = data.draw(spellings(chain, outputs, source))
    assert parse(spelling, limit=LIMIT) == request
    assert parse(spelling, limit=LIMIT).canonical() == request.canonical()


def check(path: bytes | str) -> None:
    """Either refused as a URL is refused, or read into something that stays what it is."""
    for presets in (None, PRESETS):
        read = outcome(path, presets)
        if isinstance(read, UrlError):
            assert read.status == 400
            assert len(read.argument or "") <= 40
            assert read.position is None or 0 <= read.position <= 4 * len(path)
            continue
        canonical = read.canonical()
        assert canonical.isascii()
        assert parse(canonical, presets, limit=LIMIT) == read
        assert parse(canonical, presets, limit=LIMIT).canonical() == canonical
        assert isinstance(only_presets(read, PRESETS), bool)
        assert len(read.steps()) <= len(read.components)


def outcome(path: bytes | str, presets: Presets | None) -> Request | UrlError:
    try:
        return parse(path, presets, limit=LIMIT)
    except UrlError as error:
        return error


@thrown
@given(st.binary(max_size=60), st.sampled_from([b"", b"/", b"/l_text:Sans_20:", b"/@p/", b"/w_3/"]))
def test_no_bytes_break_the_parser(path: bytes, head: bytes) -> None:
    check(head + path)


@thrown
@given(PATHS)
@example("/t_card,t_open:x/cat")
@example("/r_90,a_90,e_blur:0/cat")
@example("/c_limit,ar_16:9/cat")
def test_no_pieces_break_the_parser(path: str) -> None:
    check(path)


SIGNATURE_PIECES = [b"/", b"s1.", b"web", b".", b"0", b"1893456000", b"A" * 43, b"/cat", b"\xff", b"\n"]


@thrown
@given(st.lists(st.sampled_from(SIGNATURE_PIECES) | st.binary(max_size=9), max_size=8), st.floats())
def test_no_bytes_break_the_check_of_signatures(pieces: list[bytes], now: float) -> None:
    path = b"/s1." + b"".join(pieces)
    if b"/" in path[1:]:
        with pytest.raises(SignatureError) as caught:
            KEYS.verify(path, now)
        assert caught.value.code == "signature_invalid"
    else:
        assert KEYS.verify(path, now) is None


SIZE = 64 * 1_024
NASTY = {
    "one argument many times": b"w_1,",
    "many components": b"w_1/",
    "many layers": b"l_a/",
    "unclosed layers and closers": b"l_a/fl_layer_apply/",
    "commas": b",",
    "colons": b"g_auto:",
    "a long id": b"a",
    "a long number": b"9",
    "escapes": b"%E2%82%AC",
    "line feeds in a text": b"%0A",
    "forbidden escapes": b"%2f",
    "dots": b".",
    "at signs": b"@/",
    "underscores": b"_",
    "minus signs": b"-",
    "presets": b"t_card/",
    "preset arguments": b"t_open:a:",
    "text layers": b"l_text:Sans_20:%0A,",
    "styles": b"_bold",
    "effects": b"e_x",
    "flags": b"fl_a.b.",
    "slashes": b"/",
}
HEADS = [b"/", b"/l_text:Sans_20:", b"/l_text:", b"/@p/", b"/w_", b"/t_open:", b"/bo_", b"/e_", b"/fl_"]
MOST_CALLS = 20 * SIZE
"""Many times what is needed, and a small part of what quadratic work over 64 KiB takes."""


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY.keys())
def test_reading_takes_work_in_proportion_to_length(piece: bytes) -> None:
    for head in HEADS:
        path = (head + piece * (SIZE // len(piece)))[:SIZE] + b"/cat"
        assert calls(path) < MOST_CALLS, head


def calls(path: bytes) -> int:
    """Calls of functions while ``path`` is read and checked: a measure that no other program disturbs."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        outcome(path, PRESETS)
        with suppress(SignatureError):
            KEYS.verify(b"/s1." + path, 0)
    finally:
        sys.setprofile(None)
    return counted
