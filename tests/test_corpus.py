"""Real and hostile files through a running server, served from a folder without an upload."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import pictures
from tests.support.origin import OriginServer, Response, ask, origin_server

Entry = dict[str, Any]

READ = {"JPEG", "JPEG (MPO)", "PNG", "WebP", "GIF", "AVIF", "TIFF"}
"""Formats, as the manifest names them, that this build reads unless a file says otherwise."""
EXTRA = {
    "HEIC": "pillow", "JPEG XL": "pillow", "BMP": "pillow", "ICO": "pillow",
    "PDF": "pdfium", "SVG": "libvips",
}  # fmt: skip
"""Formats that it reads when they are named, and whose word in the manifest counts for them."""
EVERY = "jpeg,png,webp,gif,avif,tiff,heic,jxl,pdf,bmp,ico,svg"
TELLING = {400, 413, 415, 422}
PATIENCE = 30.0


@pytest.fixture(scope="module")
def server(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OriginServer]:
    """Its limits are the usual ones; two workers, because the files are many."""
    server = origin_server(
        tmp_path_factory.mktemp("corpus"),
        ORIGIN_SOURCES=f"corpus=file://{corpus};public",
        ORIGIN_WORKERS=str(min(2, os.cpu_count() or 1)),
        ORIGIN_QUEUE="100",
        ORIGIN_ACCEPT=EVERY,
    )
    try:
        yield server
    finally:
        server.stop()
    assert server.unexpected() == []


def fetch(server: OriginServer, chain: str, path: str) -> Response:
    return ask(server.url, f"/{chain}/@corpus/{quote(path)}", seconds=PATIENCE)


def fetch_all(server: OriginServer, chain: str, entries: list[Entry]) -> list[tuple[str, Response]]:
    """Four at a time; what came back, with the path of each."""
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda entry: fetch(server, chain, entry["path"]), entries)
        return [(entry["path"], answer) for entry, answer in zip(entries, answers, strict=True)]


def readable(entry: Entry) -> bool:
    if entry["format"] in READ:
        return bool(entry["checked"]["libvips"].startswith("ok"))
    return bool(entry["checked"].get(EXTRA.get(entry["format"], ""), "").startswith("ok"))


def fitted(entry: Entry, side: int, answer: Response) -> bool:
    """Whether the result is the picture within ``side``, up to a pixel, either way up."""
    width, height = pictures.size_of(answer.body)
    ratio = entry["width"] / entry["height"]
    drawn = entry["format"] in {"SVG", "PDF"}  # as large as it is asked for
    longest = side if drawn else min(side, max(entry["width"], entry["height"]))
    if max(width, height) != longest:
        return False
    return any(abs(width - height * one) <= max(1.0, one) for one in (ratio, 1 / ratio))


@pytest.mark.parametrize("format", ["webp", "jpg", "avif"])
def test_every_photo_in_every_format(server: OriginServer, corpus_files: list[Entry], format: str) -> None:
    photos = [entry for entry in corpus_files if entry["path"].startswith("photos/")]
    assert len(photos) >= 11
    for entry, (path, answer) in zip(
        photos, fetch_all(server, f"w_160,h_160,f_{format}", photos), strict=True
    ):
        assert answer.status == 200, (path, answer.body)
        assert pictures.format_of(answer.body) == format, path
        assert fitted(entry, 160, answer), (path, pictures.size_of(answer.body))


def test_every_file_that_must_work_works(server: OriginServer, corpus_files: list[Entry]) -> None:
    good = [
        entry
        for entry in corpus_files
        if entry["expected"] == "decode-ok" and readable(entry) and not entry["path"].startswith("photos/")
    ]
    assert len(good) > 100
    wrong = {}
    for entry, (path, answer) in zip(good, fetch_all(server, "w_64,h_64,f_webp", good), strict=True):
        if answer.status != 200:
            wrong[path] = f"{answer.summary}"
        elif not fitted(entry, 64, answer):
            wrong[path] = f"{entry['width']}x{entry['height']} became {pictures.size_of(answer.body)}"
    assert wrong == {}


def test_what_this_build_does_not_read_is_told_so(server: OriginServer, corpus_files: list[Entry]) -> None:
    others = [
        entry
        for entry in corpus_files
        if not entry["path"].startswith("malformed/") and entry["format"] not in {*READ, *EXTRA}
    ]
    assert len(others) > 10
    answers = fetch_all(server, "w_64", others)
    assert {path: answer.summary for path, answer in answers if answer.status != 415} == {}


def test_what_may_be_refused_is_refused_in_words(server: OriginServer, corpus_files: list[Entry]) -> None:
    doubtful = [
        entry
        for entry in corpus_files
        if not entry["path"].startswith("malformed/") and entry["format"] in READ and not readable(entry)
    ]
    answers = fetch_all(server, "w_64,f_webp", doubtful)
    assert {path: answer.summary for path, answer in answers if answer.status not in {200, *TELLING}} == {}


def test_no_hostile_file_does_harm(server: OriginServer, corpus_files: list[Entry]) -> None:
    hostile = [entry for entry in corpus_files if entry["path"].startswith("malformed/")]
    assert len(hostile) > 100
    wrong = {}
    for entry, (path, answer) in zip(hostile, fetch_all(server, "w_64,f_webp", hostile), strict=True):
        allowed = {200, *TELLING}
        if entry["format"] == "SVG":
            allowed = {*allowed, 504}  # one that takes its time is given less of it
        if entry["expected"] == "reject":
            allowed = allowed - {200}
        elif entry["expected"] == "decode-ok" and readable(entry):
            allowed = {200}
        if answer.status not in allowed:
            wrong[path] = f"{answer.summary} {entry['expected']}"
        assert b"root:" not in answer.body
    assert wrong == {}
    assert server.healthy()
    assert server.get("/readyz").json["status"] == "ready"


def test_no_hostile_original_is_handed_out(server: OriginServer, corpus_files: list[Entry]) -> None:
    """Without a chain nothing is decoded, so this is the way a page or a script would take."""
    hostile = [entry for entry in corpus_files if entry["path"].startswith("malformed/")]
    for path, answer in fetch_all(server, "meta_copyright", hostile):
        assert answer.status in {200, *TELLING}, (path, answer.summary)
        if answer.status == 200:
            kind = answer.headers.get_content_type().removeprefix("image/")
            assert {"jpeg": "jpg", "vnd.microsoft.icon": "ico"}.get(kind, kind) == pictures.format_of(
                answer.body
            ), path
            assert answer["X-Content-Type-Options"] == "nosniff"
