"""What is remembered of one chain is what reading it anew would say, whatever picture it is for."""

from __future__ import annotations

import pytest

from urlspec import UrlError, parse

URLS = {
    "/w_20/cat": "/w_20/cat",
    "/w_20/@shop/cat": "/w_20/@shop/cat",
    "/w_20/cat.webp": "/w_20,f_webp/cat",
    "/w_20/@shop/a/b.webp": "/w_20/@shop/a/b.webp",
    "/w_20/dog": "/w_20/dog",
    "/q_9,f_png/dog": "/f_png/dog",
}


def test_one_source_says_nothing_about_another() -> None:
    for _ in range(2):
        assert {url: parse(url).canonical() for url in URLS} == URLS


def test_warnings_come_each_time() -> None:
    first, again = parse("/q_9,f_png/cat"), parse("/q_9,f_png/dog")
    assert first.warnings
    assert first.warnings == again.warnings


def test_each_kind_of_source_is_judged_by_itself() -> None:
    for _ in range(2):
        assert parse("/w_20,v_1/cat").source != parse("/w_20,v_1/dog").source
        refusals = []
        for url in ("/w_20,v_1/@shop/cat.jpg", "/w_20,v_1/@shop/other/dog.jpg"):
            with pytest.raises(UrlError, match="no versions") as caught:
                parse(url)
            refusals.append(caught.value)
        assert refusals[0] is not refusals[1], "an error carries a trace"
        assert refusals[0].members() == refusals[1].members()
