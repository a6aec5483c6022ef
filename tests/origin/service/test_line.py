from __future__ import annotations

from contextlib import suppress

from origin.service.line import Line


def test_counts_renders_but_not_those_whose_content_is_being_fetched() -> None:
    line = Line()
    with line.joined("cat"), line.joined("dog"):
        with line.joined("cat"):
            assert len(line) == 3
            with line.fetching("cat"), line.fetching("cat"):
                assert len(line) == 1
            assert len(line) == 3
        assert len(line) == 2
    assert len(line) == 0


def test_who_fails_leaves_the_line() -> None:
    line = Line()
    with suppress(ZeroDivisionError), line.joined("cat"), line.fetching("cat"):
        _ = 1 / 0
    assert len(line) == 0
    with line.joined("cat"):
        assert len(line) == 1
