"""What libvips' wheel does not read: phones' photographs, JPEG XL, documents, drawings, bitmaps, icons."""

from __future__ import annotations

import base64
import dataclasses
import resource
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from origin.errors import REGISTRY, ImageCorrupt, ImageTooLarge, PageMissing, UnsupportedMedia
from origin.imaging import decode, worker
from origin.imaging.inputs import EXTRAS
from origin.imaging.model import Header, Limits, Opening, Rendered
from tests.origin.imaging import rendering
from tests.support.foreign import RED, exif, heic, pdf, quarters, saved, svg

EVERY = Limits(
    accept=frozenset(
        {"jpeg", "png", "webp", "gif", "avif", "tiff", "svg", "heic", "jxl", "pdf", "bmp", "ico"}
    )
)


def _deep(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)


def render(url: str, source: bytes | Path, limits: Limits = EVERY) -> Rendered:
    return rendering.render(url, source, limits=limits)


def pixels(url: str, source: bytes | Path) -> NDArray[np.int16]:
    image = pyvips.Image.new_from_buffer(render(f"{url},f_png" if url else "/f_png", source).body, "")
    return np.asarray(image.numpy()).astype(np.int16)


def probe(data: bytes, folder: Path, opening: Opening = Opening()) -> Header:  # noqa: B008
    file = folder / "file"
    file.write_bytes(data)
    return decode.probe(str(file), EVERY, opening)


def upright(mode: str) -> NDArray[np.int16]:
    return np.asarray(quarters(mode)).astype(np.int16)


# Pixels --------------------------------------------------------------------------------------------------

SAME: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "heic": (lambda: heic(quarters()), "RGB", 12),
    "heic with alpha": (lambda: heic(quarters("RGBA")), "RGBA", 12),
    "heic in grey": (lambda: heic(quarters("L")), "L", 12),
    "heic in ten bits of grey": (lambda: heic(_deep(quarters("L"))), "L", 14),
    "jxl": (lambda: saved(quarters(), "JXL", lossless=True), "RGB", 0),
    "jxl with alpha": (lambda: saved(quarters("RGBA"), "JXL", lossless=True), "RGBA", 0),
    "jxl in grey": (lambda: saved(quarters("L"), "JXL", lossless=True), "L", 1),
    "jxl in a container": (lambda: saved(quarters(), "JXL", lossless=True, use_container=True), "RGB", 0),
    "bmp": (lambda: saved(quarters(), "BMP"), "RGB", 0),
    "bmp with a palette": (lambda: saved(quarters().quantize(8), "BMP"), "RGB", 0),
    "bmp in grey": (lambda: saved(quarters("L"), "BMP"), "L", 0),
    "ico": (lambda: saved(quarters("RGBA"), "ICO", sizes=[(64, 32)]), "RGBA", 0),
    "ico of bitmaps": (
        lambda: saved(quarters("RGBA"), "ICO", sizes=[(64, 32)], bitmap_format="bmp"),
        "RGBA",
        0,
    ),
}


@pytest.mark.parametrize(("made", "mode", "near"), SAME.values(), ids=SAME.keys())
def test_what_was_saved_is_seen(made: Callable[[], bytes], mode: str, near: int, tmp_path: Path) -> None:
    data, expected = made(), upright(mode)
    found = pixels("", data).squeeze()
    if mode == "L" and found.ndim == 3:  # a profile of grey was obeyed
        found = found[..., 1]
    assert found.shape == expected.shape
    away = np.abs(found - expected)
    if mode == "RGBA":
        away[expected[..., 3] < 40] = 0  # what cannot be seen may be anything
    assert np.quantile(away, 0.97) <= near
    header = probe(data, tmp_path)
    assert (header.width, header.height, header.has_alpha) == (64, 32, mode == "RGBA")
    assert header.bands == (expected.shape[2] if expected.ndim == 3 else 1)
    assert header.bytes == len(data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_turned_once(orientation: int) -> None:
    """By the file's own boxes; the EXIF tag beside them says the same once more."""
    stored = quarters()
    jpeg = saved(stored, "JPEG", quality=95, subsampling=0, exif=exif(orientation))
    found = pixels("/w_32,h_32,c_scale", heic(stored, exif=exif(orientation)))
    expected = pixels("/w_32,h_32,c_scale", jpeg)
    assert np.abs(found - expected).mean() < 6


def test_wide_colours_are_brought_into_srgb() -> None:
    """One file says Display P3 by numbers, one by a profile; a third, without either, is sRGB."""
    image = Image.new("RGB", (32, 32), (200, 120, 60))
    p3 = pyvips.Operation.call("profile_load", "p3")
    by_numbers = pixels("", heic(image, save_nclx_profile=True, color_primaries=12))[16, 16]
    by_profile = pixels("", heic(image, icc_profile=bytes(p3)))[16, 16]
    plain = pixels("", heic(image))[16, 16]
    assert np.abs(plain - (200, 120, 60)).max() <= 4
    assert np.abs(by_numbers - by_profile).max() <= 4
    wanted = pyvips.Image.new_from_array(np.full((1, 1, 3), (200, 120, 60), np.uint8))
    wanted = wanted.copy(interpretation="srgb")
    wanted = wanted.icc_transform("srgb", input_profile="p3", intent="relative")(0, 0)
    assert np.abs(by_profile - wanted).max() <= 4
    assert by_profile[0] > plain[0] + 5


def test_a_bitmap_s_own_profile_is_obeyed_and_a_linked_one_is_not() -> None:
    profile = pyvips.Operation.call("profile_load", "p3")
    row = bytes((60, 120, 200)) * 4  # blue first
    start = 14 + 124 + len(row) * 4

    def bitmap(kind: bytes, extra: bytes) -> bytes:
        header = struct.pack("<IiiHHIIiiII", 124, 4, 4, 1, 24, 0, len(row) * 4, 0, 0, 0, 0)
        header += bytes(16) + kind + bytes(48) + struct.pack("<IIII", 4, start - 14, len(extra), 0)
        return b"BM" + struct.pack("<IHHI", start + len(extra), 0, 0, 138) + header + row * 4 + extra

    linked = bitmap(b"KNIL", b"C:\\Users\\somebody\\a.icc\0")
    assert pixels("", linked)[0, 0].tolist() == [200, 120, 60]
    assert pixels("", bitmap(b"DEBM", bytes(profile)))[0, 0][0] > 205
    assert b"somebody" not in _original(linked)


def _original(data: bytes) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return worker.original(file.name, "none", EVERY).body


ORIGINALS: dict[str, Callable[[], bytes]] = {
    "heic": lambda: heic(quarters(), exif=_secret(), xmp=b"<x>somebody</x>"),
    "jxl": lambda: saved(quarters(), "JXL", exif=_secret(), use_container=True),
    "ico": lambda: _icon_with_text(),
}


def _secret() -> bytes:
    made = Image.Exif()
    made[0x010E] = "somebody"
    return made.tobytes()


def _icon_with_text() -> bytes:
    told = PngInfo()
    told.add_text("Author", "somebody")
    png = saved(quarters("RGBA"), "PNG", pnginfo=told)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 64, 32, 0, 0, 1, 32, len(png), 22) + png


@pytest.mark.parametrize("made", ORIGINALS.values(), ids=ORIGINALS.keys())
def test_originals_tell_nothing_of_people(made: Callable[[], bytes]) -> None:
    data = made()
    assert b"somebody" in data
    cleaned = _original(data)
    assert b"somebody" not in cleaned
    assert np.array_equal(pixels("", cleaned), pixels("", data))


# Documents and drawings ----------------------------------------------------------------------------------

SIZES = {
    "a drawing at its own size": ("", svg(head='width="40" height="20"'), (40, 20)),
    "enlarged": ("/w_200", svg(), (200, 200)),
    "fitted into a box": ("/w_200,h_100", svg(), (100, 100)),
    "filled": ("/c_lfill,w_200,h_100", svg(), (200, 100)),
    "padded": ("/c_lpad,w_200,h_100", svg(), (200, 100)),
    "by density": ("/dn_144", svg(head='width="40" height="20"'), (80, 40)),
    "a part, enlarged": ("/c_crop,w_4,h_8/c_scale,h_400", svg(), (200, 400)),
    "turned": ("/r_90,w_50", svg(head='viewBox="0 0 8 16"'), (50, 25)),
    "a page at 150 dots an inch": ("", pdf((72, 144)), (150, 300)),
    "by another density": ("/dn_72", pdf((72, 144)), (72, 144)),
    "the second page": ("/pg_2,dn_72", pdf((72, 144), (30, 20)), (30, 20)),
    "a page enlarged": ("/w_600", pdf((72, 144)), (600, 1200)),
}


@pytest.mark.parametrize(("url", "source", "size"), SIZES.values(), ids=SIZES.keys())
def test_drawings_have_the_size_that_is_asked_for_and_are_sharp(
    url: str, source: bytes, size: tuple[int, int]
) -> None:
    found = pixels(url, source)
    assert (found.shape[1], found.shape[0]) == size
    row = found[found.shape[0] // 3 if url != "/r_90,w_50" else 0]
    # Red on the left, something else on the right: enlarged pixels would run into each other.
    changing = row[:, 1 if found.shape[2] == 3 else 3]
    assert ((changing > 40) & (changing < 215)).sum() <= 2


def test_a_page_that_is_not_there() -> None:
    with pytest.raises(PageMissing, match="2 pages"):
        render("/pg_3", pdf((10, 10), (10, 10)))


REFUSED = {
    "script": svg("<script>1</script>"),
    "handler": svg('<rect onclick="x()"/>'),
    "picture from elsewhere": svg('<image href="http://127.0.0.1:9/x.png"/>'),
    "file": svg('<image xlink:href="file:///etc/passwd"/>', 'xmlns:xlink="http://www.w3.org/1999/xlink"'),
    "relative": svg('<image href="cat.png"/>'),
    "style": svg("<style>@import 'x.css';</style>"),
    "style by address": svg("<style>rect{fill:url( 'http://127.0.0.1:9/a#b')}</style>"),
    "style with escapes": svg("<style>@\\69mport 'x.css';</style>"),
    "attribute": svg('<rect style="fill:url(//127.0.0.1:9/x)"/>'),
    "entity": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>' + svg(),
    "stylesheet": b'<?xml version="1.0"?><?xml-stylesheet href="x.css"?>' + svg(),
    "HTML": svg("<foreignObject><p/></foreignObject>"),
    "depth": svg("<g>" * 300 + "</g>" * 300),
    "elements": svg("<g/>" * 100_001),
}


@pytest.mark.parametrize("drawing", REFUSED.values(), ids=REFUSED.keys())
def test_drawings_that_want_more_than_to_be_seen_are_refused(drawing: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="The SVG"):
        render("/w_10", drawing)


def test_drawings_may_use_what_they_hold() -> None:
    png = saved(Image.new("RGB", (2, 2), RED), "PNG")
    inside = f'<image width="8" height="8" href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
    gradient = '<linearGradient id="a"/><rect fill="url(#a)"/><use href="#b"/><a href="https://example.com"/>'
    assert pixels("/w_8", svg(gradient + inside))[4, 4].tolist() == [*RED, 255]


# Limits and faults ---------------------------------------------------------------------------------------

HUGE: dict[str, bytes] = {
    "svg": svg(head='width="20000" height="10"'),
    "pdf": pdf((20_000, 100)),
    "bmp": b"BM"
    + struct.pack("<IHHI", 0, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, *[0] * 6),
    "ico": struct.pack("<HHHBBBBHHII", 0, 1, 1, 8, 8, 0, 0, 1, 32, 40, 22)
    + struct.pack("<IiiHHIIiiII", 40, 30_000, 60_000, 1, 32, *[0] * 6),
    "jxl": b"\xff\x0a" + (0b11 << 1 | (1 << 30) - 1 << 3 | 1 << 33).to_bytes(32, "little"),
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE.keys())
def test_limits_judge_the_header(data: bytes) -> None:
    with pytest.raises(ImageTooLarge):
        render("/w_10", data)


def test_pictures_and_drawings_are_refused_by_pixels_too() -> None:
    small = dataclasses.replace(EVERY, max_pixels=1_000)
    for data in (heic(quarters()), saved(quarters(), "JXL"), saved(quarters(), "BMP")):
        with pytest.raises(ImageTooLarge):
            render("/w_10", data, small)


WHOLE: dict[str, Callable[[], bytes]] = {
    "heic": lambda: heic(_noise()),
    "jxl": lambda: saved(_noise(), "JXL"),
    "bmp": lambda: saved(_noise(), "BMP"),
    "ico": lambda: saved(_noise(), "ICO", sizes=[(64, 64)]),
    "pdf": lambda: pdf((10, 10)),
    "svg": svg,
}


def _noise() -> Image.Image:
    values = np.random.default_rng(4).integers(0, 255, (64, 64, 3), np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("kind", WHOLE)
def test_half_a_file_is_no_picture(kind: str, tmp_path: Path) -> None:
    data = WHOLE[kind]()
    file = tmp_path / "whole"
    file.write_bytes(data)
    assert worker.inspect(str(file), EVERY).header.format == kind
    for part in (len(data) // 2, len(data) * 9 // 10, 30):
        file.write_bytes(data[:part])
        with pytest.raises((ImageCorrupt, UnsupportedMedia)):
            worker.inspect(str(file), EVERY)
        with pytest.raises((ImageCorrupt, UnsupportedMedia)):
            render("/w_10,f_png", file)


@pytest.mark.parametrize("kind", WHOLE)
def test_flipped_bytes_are_never_our_fault(kind: str) -> None:
    data = WHOLE[kind]()
    chance = np.random.default_rng(7)
    telling = tuple(error for error in REGISTRY.values() if error.status in {400, 415, 422})
    for _ in range(25):
        broken = bytearray(data)
        for place in chance.integers(4, len(data), 4):
            broken[place] = int(chance.integers(0, 256))
        with suppress(*telling):
            render("/w_10,f_png", bytes(broken))


# Extras --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXTRAS)
def test_a_missing_extra_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, kind, dataclasses.replace(EXTRAS[kind], module="not_installed_here"))
    with pytest.raises(UnsupportedMedia) as caught:
        render("/w_10", WHOLE[kind]())
    assert f'pip install "image-origin[{EXTRAS[kind].name}]"' in caught.value.detail
    assert caught.value.members == {"found": kind}


@pytest.mark.parametrize("kind", [*EXTRAS, "svg"])
def test_nothing_more_than_the_usual_is_accepted_unless_named(kind: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        render("/w_10", WHOLE[kind](), Limits())
    assert ("ORIGIN_ACCEPT" in caught.value.detail) == (kind in EXTRAS)


def test_decoders_are_loaded_when_they_are_needed() -> None:
    code = (
        "import sys, origin.imaging.render, origin.imaging.describe, origin.imaging.capabilities;"
        "print([name for name in ('PIL', 'pillow_heif', 'pillow_jxl', 'pypdfium2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_file_of_the_corpus_is_as_large_as_its_header_says(
    corpus: Path, corpus_files: list[dict[str, object]]
) -> None:
    seen = 0
    for entry in corpus_files:
        path = corpus / str(entry["path"])
        if entry["expected"] != "decode-ok" or path.suffix[1:] not in {*EXTRAS, "svg"}:
            continue
        header = decode.probe(str(path), EVERY)
        size = sorted((header.width, header.height))
        told = sorted((int(str(entry["width"])), int(str(entry["height"]))))
        scale = 150 / 72 if header.format == "pdf" else 1
        assert all(abs(one - other * scale) < scale + 1 for one, other in zip(size, told, strict=True)), path
        image = pyvips.Image.new_from_buffer(render("/f_png", path).body, "")
        assert (image.width, image.height) == (header.width, header.height), path
        seen += 1
    assert seen > 30


def codestream(*fields: tuple[int, int]) -> bytes:
    """Values and their bits, the lowest first, as a JPEG XL codestream begins."""
    made, at = 0, 0
    for value, bits in fields:
        made |= value << at
        at += bits
    return b"\xff\x0a" + made.to_bytes(32, "little")


SMALL = ((1, 1), (1, 5), (0, 3), (3, 5))
"""16 high, 32 wide."""
PLAIN = ((0, 1), (0, 2), (1, 1))
"""Eight bits, which sixteen-bit buffers hold."""


@pytest.mark.parametrize(
    ("fields", "size", "alpha", "bands"),
    [
        pytest.param((*SMALL, (1, 1)), (32, 16), False, 3, id="nothing but a size"),
        pytest.param(((1, 1), (4, 5), (5, 3), (1, 1)), (71, 40), False, 3, id="a ratio"),
        pytest.param(
            ((0, 1), (1, 2), (999, 13), (0, 3), (0, 2), (59, 9), (1, 1)), (60, 1000), False, 3, id="long"
        ),
        pytest.param(
            (*SMALL, (0, 1), (1, 1), (5, 3), (0, 3), *PLAIN, (0, 2), (1, 1), (1, 1)),
            (16, 32),
            False,
            3,
            id="turned",
        ),
        pytest.param(
            (*SMALL, (0, 1), (0, 1), *PLAIN, (1, 2), (1, 1), (1, 1), (1, 1)), (32, 16), True, 4, id="alpha"
        ),
        pytest.param(
            (*SMALL, (0, 1), (0, 1), *PLAIN, (0, 2), (0, 1), (0, 1), (0, 1), (1, 2)),
            (32, 16),
            False,
            1,
            id="grey",
        ),
    ],
)
def test_the_header_of_a_jpeg_xl(
    fields: tuple[tuple[int, int], ...], size: tuple[int, int], alpha: bool, bands: int, tmp_path: Path
) -> None:
    header = probe(codestream(*fields), tmp_path)
    assert (header.width, header.height) == size
    assert (header.has_alpha, header.bands) == (alpha, bands)


def test_a_drawing_s_limits_end_with_it() -> None:
    before = [resource.getrlimit(what) for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
    render("/w_10", svg())
    with pytest.raises(UnsupportedMedia):
        render("/w_10", svg("<script/>"))
    assert [resource.getrlimit(what) for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU)] == before
