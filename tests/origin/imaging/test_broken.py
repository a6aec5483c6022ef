"""Files that are cut short, damaged, hostile or something else: a clear refusal, never a picture."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips

from origin.errors import (
    ImageCorrupt,
    ImageError,
    ImageTooComplex,
    ImageTooLarge,
    TooManyFrames,
    UnsupportedMedia,
)
from origin.imaging import worker
from origin.imaging.decode import count_scans
from origin.imaging.model import Limits, Opening
from origin.imaging.sniff import sniff
from tests.origin.imaging.rendering import render
from tests.support import bombs
from tests.support.pictures import animated, card, noise, pixel, progressive, transparent

# Cut short --------------------------------------------------------------------------------------------


def saved(suffix: str, **options: Any) -> Callable[[], bytes]:
    return lambda: bytes(pyvips.Image.new_from_buffer(noise(320, 240), "").write_to_buffer(suffix, **options))


SOURCES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: noise(320, 240),
    "progressive": saved(".jpg", interlace=True),
    "png": lambda: noise(320, 240, ".png"),
    "interlaced png": saved(".png", interlace=True),
    "webp": lambda: noise(320, 240, ".webp"),
    "lossless webp": saved(".webp", lossless=True, effort=0),
    "gif": lambda: noise(320, 240, ".gif"),
    "avif": lambda: noise(320, 240, ".avif"),
    "tiff": saved(".tif", compression="lzw"),
    "animated gif": lambda: animated(8, 200, 150),
    "animated webp": lambda: animated(8, 200, 150, ".webp"),
}
CHAINS = (
    "/w_40",
    "/f_webp",
    "/f_avif",
    "/c_crop,w_50,h_50,g_south_east",
    "/c_fill,w_40,h_40,g_auto",
    "/r_90,w_40",
    "/e_trim,w_40",
    "/e_blur:2,f_png",
    "/w_40,f_json",
    "/f_jpg,mb_90000",
)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_no_part_of_a_file_is_ever_a_picture(name: str, part: float) -> None:
    data = SOURCES[name]()
    cut = data[: int(len(data) * part)]
    for url in CHAINS:
        with pytest.raises(ImageCorrupt):
            render(url, cut)


@pytest.mark.parametrize("name", SOURCES)
def test_the_whole_file_is(name: str) -> None:
    for url in CHAINS:
        render(url, SOURCES[name]())


@pytest.mark.parametrize("name", SOURCES)
def test_a_layer_cut_short_is_no_picture_either(name: str) -> None:
    data = SOURCES[name]()
    with pytest.raises(ImageCorrupt):
        render("/l_logo,w_40", card(), layers={"logo": data[: len(data) // 2]})


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.97])
def test_an_upload_cut_short_is_refused(name: str, part: float, tmp_path: Path) -> None:
    data = SOURCES[name]()
    file = tmp_path / "upload"
    file.write_bytes(data[: int(len(data) * part)])
    with pytest.raises((ImageCorrupt, UnsupportedMedia)):
        worker.inspect(str(file), Limits())


@pytest.mark.parametrize("name", SOURCES)
def test_damage_in_the_middle_never_crashes(name: str) -> None:
    data = bytearray(SOURCES[name]())
    for at in range(40, len(data), max(1, len(data) // 12)):
        broken = bytes(data[:at]) + bytes([data[at] ^ 0x55]) * 20 + bytes(data[at + 20 :])
        with contextlib.suppress(ImageError, UnsupportedMedia):
            render("/w_40,f_png", broken)


# Something else ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "unknown"),
        (b"II*\0", "tiff"),
        (b"MM\0+", "tiff"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "avif"),
        (b"\0\0\0\x1cftypavis\0\0\0\0avismsf1avif", "avis"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"\xff\x0a\x00", "jxl"),
        (b"%PDF-1.7", "pdf"),
        (b"8BPS\0\1", "psd"),
        (b"BM\x36\0", "bmp"),
        (b"\0\0\1\0\1\0", "ico"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg>", "svg"),
        (b"  <svg xmlns='x'>", "svg"),
        (b"<!DOCTYPE html><svg>", "html"),
        (b"<script>", "html"),
        (b"hello", "text"),
        (b"", "unknown"),
        (b"\x00\x01\x02", "unknown"),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "an SVG"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC"),
        (b"GIF87", "those of no picture"),
        (b"", "those of no picture"),
        (b"push graphic-context", "text"),
    ],
)
def test_other_files_are_named(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        render("/w_9", data)
    assert words in caught.value.detail or "text" in caught.value.detail


def test_what_is_not_accepted_here_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        render("/w_9", card(suffix=".gif"), limits=Limits(accept=frozenset({"jpeg"})))


def test_svg_is_drawn_where_it_is_accepted() -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'>"
    half = svg + b"<rect width='10' height='10'/></svg>"
    limits = Limits(accept=frozenset({"svg"}))
    rendered = render("/c_fit,w_200", half, limits=limits)
    assert (rendered.format, rendered.width, rendered.height) == ("png", 200, 100)
    assert pixel(rendered.body, 20, 50) == (0, 0, 0, 255)
    assert pixel(rendered.body, 180, 50)[3] == 0


@pytest.mark.parametrize("wrapped", [b"GIF89a" + b"/*" * 40, b"\xff\xd8\xff" + b"<script>" * 9])
def test_a_polyglot_is_judged_as_what_it_begins_with(wrapped: bytes) -> None:
    with pytest.raises(ImageCorrupt):
        render("/w_9", wrapped)


# Beyond the limits ------------------------------------------------------------------------------------


def png_header(width: int, height: int, bits: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    """A PNG with a truthful-looking header and hardly any pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1_057_024), (786_464, 32), (50_000, 50_000), (16_385, 1), (10_001, 10_000)]
)
def test_sides_and_pixels_are_judged_by_the_header(width: int, height: int, tmp_path: Path) -> None:
    file = tmp_path / "bomb"
    file.write_bytes(png_header(width, height, bits=16, colour=6, interlaced=1))
    with pytest.raises(ImageTooLarge) as caught:
        worker.probe(str(file), Limits(), Opening())
    assert (caught.value.members["width"], caught.value.members["height"]) == (width, height)


def test_memory_is_judged_by_the_header() -> None:
    with pytest.raises(ImageTooComplex):
        render("/w_9", png_header(10_000, 9_000, bits=16, colour=6, interlaced=1))


def test_frames_are_counted_before_they_are_decoded() -> None:
    with pytest.raises(TooManyFrames):
        render("/w_9", animated(12), limits=Limits(max_frames=11))
    with pytest.raises(TooManyFrames):
        render("/w_9", animated(12), limits=Limits(max_pixels=12 * 40 * 30 - 1))
    assert render("/w_9", animated(12), limits=Limits(max_frames=12, max_pixels=12 * 40 * 30)).frames == 12


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = progressive()
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + b"\xff\xd9"


def test_scans_are_counted() -> None:
    plain = count_scans(progressive(), 100)
    assert 5 <= plain <= 12
    assert count_scans(with_scans(20), 100) == plain + 19
    assert count_scans(card(suffix=".jpg"), 100) == 1
    assert count_scans(with_scans(5000), 100) == 101


def test_a_thumbnail_in_the_metadata_is_no_scan() -> None:
    data = progressive()
    thumb = b"\xff\xe1" + struct.pack(">H", 402) + b"\xff\xda" * 200
    assert count_scans(data[:2] + thumb + data[2:], 100) == count_scans(data, 100)


def test_too_many_scans_are_refused() -> None:
    with pytest.raises(ImageTooComplex) as caught:
        render("/w_9", with_scans(200))
    assert "100 scans" in caught.value.detail


def test_an_upload_is_described(tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(transparent())
    found = worker.inspect(str(file), Limits())
    assert (found.header.width, found.header.height, found.header.format) == (120, 80, "png")
    assert found.header.has_alpha
    assert found.header.bytes == len(transparent())
    assert found.dominant_color.startswith("#")
    assert len(found.thumbhash) >= 20


# Counted before a decoder counts ---------------------------------------------------------------------


@pytest.mark.parametrize("name", bombs.names(["T30", "T31"]))
def test_what_a_header_tells_needs_no_decoder(name: str, tmp_path: Path) -> None:
    bomb = bombs.BOMBS[name]
    file = tmp_path / "bomb"
    file.write_bytes(bomb.make())
    if not bomb.refused:
        worker.inspect(str(file), Limits())
        return
    with pytest.raises(ImageError) as caught:
        worker.probe(str(file), Limits(), Opening())
    assert (422, caught.value.code) in bomb.answers


@pytest.mark.parametrize(
    "limits", [Limits(max_render_memory=31_000_000), Limits(render_seconds=0.000_1)], ids=["memory", "time"]
)
def test_what_no_render_could_decode_is_refused_at_upload(limits: Limits, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(progressive(640, 480))
    with pytest.raises(ImageTooComplex):
        worker.inspect(str(file), limits)


def test_a_png_without_its_end_is_refused() -> None:
    data = card()
    for lost in (1, 4, 12):
        with pytest.raises(ImageCorrupt):
            render("/w_9", data[:-lost])
    render("/w_9", data + b"whatever follows")


def test_a_tiff_of_many_pages_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pages"
    file.write_bytes(bombs.tiff(2, 2, 1_000))
    assert worker.probe(str(file), Limits(), Opening()).frames == 1_000
