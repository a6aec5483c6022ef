"""Client hints: few variants, and never twice the pixels."""

from __future__ import annotations

import pytest

from urlspec import parse
from urlspec.hints import dpr_from, resolve_hints, saving_from, width_from


@pytest.mark.parametrize(
    ("hint", "width"),
    [
        ("320", 350),
        ("350", 350),
        ("1", 50),
        ("8192", 8_192),
        ("999999", 8_192),
        (None, None),
        ("", None),
        ("0", None),
        ("-5", None),
        ("3.5", None),
        ("abc", None),
        ("٣٢٠", None),
        ("0320", None),
        (" 320", None),
        ("9" * 5_000, None),
    ],
)
def test_widths_are_rounded_up(hint: str | None, width: int | None) -> None:
    assert width_from(hint) == width


@pytest.mark.parametrize(
    ("hint", "ratio"),
    [
        ("1", 1.0),
        ("1.25", 1.5),
        ("1.3333333730697632", 1.5),
        ("2", 2.0),
        ("2.625", 3.0),
        ("4", 3.0),
        ("0.5", 1.0),
        (None, None),
        ("", None),
        ("0", None),
        ("0.0", None),
        ("nan", None),
        ("inf", None),
        ("1e1", None),
        ("-1", None),
        ("1_0", None),
        ("2.", None),
        ("100", None),
        ("2" * 5_000, None),
    ],
)
def test_ratios_are_rounded_up_to_a_step(hint: str | None, ratio: float | None) -> None:
    assert dpr_from(hint) == ratio


@pytest.mark.parametrize(
    ("path", "width", "dpr", "resolved"),
    [
        ("/w_300/cat", 400, 2.0, "/w_300/cat"),
        ("/w_auto/cat", 400, None, "/w_400/cat"),
        ("/w_auto/cat", 400, 2.0, "/w_400/cat"),
        ("/w_auto/cat", None, None, "/cat"),
        ("/w_auto,f_auto/cat", None, None, "/f_auto/cat"),
        ("/w_300,dpr_auto/cat", None, 2.0, "/w_300,dpr_2/cat"),
        ("/w_300,dpr_auto/cat", None, 1.0, "/w_300/cat"),
        ("/w_300,dpr_auto/cat", 400, None, "/w_300/cat"),
        # The hinted width counts device pixels already
        ("/w_auto,dpr_auto/cat", 400, 2.0, "/w_200,dpr_2/cat"),
        ("/w_auto,dpr_auto/cat", 400, None, "/w_400/cat"),
        ("/w_auto,dpr_2/cat", 400, 2.0, "/w_400,dpr_2/cat"),
        # What needed the width goes with it
        ("/c_fill,w_auto,g_auto/cat", None, None, "/cat"),
        ("/c_fill,w_auto,ar_16:9,g_auto/cat", None, None, "/c_fill,ar_16:9,g_auto/cat"),
        ("/w_auto,ar_16:9/cat", None, None, "/cat"),
        ("/c_fill,w_auto,h_300/cat", None, None, "/c_fill,h_300/cat"),
        ("/c_thumb,w_auto,z_2,g_auto,e_blur:2/cat", None, None, "/e_blur:2/cat"),
        ("/l_logo,w_auto,g_south/cat", None, None, "/l_logo,g_south/cat"),
        ("/w_auto/e_blur:2/w_auto/cat", 400, None, "/w_400/e_blur:2/w_400/cat"),
    ],
)
def test_what_auto_becomes(path: str, width: int | None, dpr: float | None, resolved: str) -> None:
    request = resolve_hints(parse(path), width, dpr)
    assert request.canonical() == resolved
    assert not request.wants_width_hint
    assert not request.wants_dpr_hint


@pytest.mark.parametrize(
    ("path", "width", "dpr", "resolved"),
    [
        ("/w_300,dpr_auto/cat", None, 2.0, "/w_300/cat"),
        ("/w_auto/cat", 400, 2.0, "/w_200/cat"),
        ("/w_auto/cat", 400, None, "/w_400/cat"),
        ("/w_auto,dpr_auto/cat", 400, 2.0, "/w_200/cat"),
        ("/w_auto,dpr_2/cat", 400, 2.0, "/w_200,dpr_2/cat"),
        ("/w_auto,q_auto:best/cat", None, None, "/q_auto/cat"),
        ("/w_auto,q_auto/cat", 400, 1.0, "/w_400,q_auto:eco/cat"),
        ("/w_auto,q_auto:low/cat", 400, None, "/w_400,q_auto:low/cat"),
        ("/w_auto,q_80/cat", 400, None, "/w_400,q_80/cat"),
        # Nothing of the client's counts where nothing is left to it
        ("/w_300,q_auto/cat", 400, 2.0, "/w_300,q_auto/cat"),
        ("/w_300,dpr_2/cat", 400, 2.0, "/w_300,dpr_2/cat"),
    ],
)
def test_who_saves_data_gets_less(path: str, width: int | None, dpr: float | None, resolved: str) -> None:
    assert resolve_hints(parse(path), width, dpr, saving=True).canonical() == resolved


@pytest.mark.parametrize(
    ("hint", "saving"),
    [("on", True), ("On", True), (" on ", True), ("off", False), ("", False), ("1", False), (None, False)],
)
def test_saving_data_is_said_in_one_word(hint: str | None, saving: bool) -> None:
    assert saving_from(hint) is saving


@pytest.mark.parametrize(
    ("path", "wants"),
    [
        ("/w_300/cat", (False, False)),
        ("/w_auto/cat", (True, False)),
        ("/e_blur:2/w_3,dpr_auto/cat", (False, True)),
    ],
)
def test_only_auto_wants_hints(path: str, wants: tuple[bool, bool]) -> None:
    request = parse(path)
    assert (request.wants_width_hint, request.wants_dpr_hint) == wants
