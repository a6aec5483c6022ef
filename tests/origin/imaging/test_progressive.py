"""Progressive originals, of which a thumbnail reads a part: the same picture, or the whole file is read."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from origin.errors import ImageCorrupt
from origin.imaging.progressive import shortened
from tests.origin.imaging.rendering import render
from tests.support.pictures import card, noise, progressive

PHOTOS = (
    "bar-portrait-chalkboard-24mp",
    "handwritten-notes-17mp",
    "shop-front-night-12mp",
    "abstract-render-progressive-33mp",
)


def by_vips(width: int, height: int, colour: str = "srgb", **options: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        image = pyvips.Image.new_from_buffer(noise(width, height, ".png"), "").gaussblur(2)
        options.setdefault("subsample_mode", "off")
        options.setdefault("Q", 88)
        return bytes(image.colourspace(colour).jpegsave_buffer(interlace=True, **options))

    return made


def by_pillow(width: int, height: int, mode: str = "RGB", **options: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        image = Image.open(io.BytesIO(noise(width, height, ".png"))).convert(mode).filter(GaussianBlur(2))
        target = io.BytesIO()
        image.save(target, "JPEG", progressive=True, quality=88, **options)
        return target.getvalue()

    return made


def eighth(data: bytes) -> pyvips.Image:
    # The strictest there is: not a warning of the decoder.
    return pyvips.Image.jpegload_buffer(data, shrink=8, fail_on="warning").copy_memory()


def distance(one: pyvips.Image, other: pyvips.Image) -> tuple[float, float]:
    """Largest, and root of the mean of the squares."""
    apart = (one.cast("float") - other.cast("float")).abs()
    return apart.max(), (apart * apart).avg() ** 0.5


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(by_vips(640, 480), id="4:4:4"),
        pytest.param(by_vips(333, 479), id="odd sides"),
        pytest.param(by_vips(9, 641), id="a strip"),
        pytest.param(by_vips(8, 8), id="one block"),
        pytest.param(by_vips(2_560, 1_280, Q=30), id="more blocks than one run holds"),
        pytest.param(by_vips(640, 480, "b-w"), id="grey"),
        pytest.param(by_vips(640, 481, optimize_scans=True, trellis_quant=True), id="mozjpeg"),
        pytest.param(by_pillow(639, 480, subsampling="4:2:2"), id="4:2:2"),
        pytest.param(by_pillow(640, 480, subsampling="4:4:4", restart_marker_blocks=7), id="restarts"),
        pytest.param(by_pillow(640, 480, subsampling="4:4:4", exif=b"Exif\0\0MM\0*\0\0\0\10\0\0"), id="exif"),
        pytest.param(lambda: progressive(320, 240) + b"what follows the picture", id="something behind"),
    ],
)
def test_the_pixels_are_those_of_the_whole_file(source: Callable[[], bytes]) -> None:
    data = source()
    short = shortened(data)
    assert short is not None
    whole, seen = eighth(data), eighth(short)
    assert (seen.width, seen.height, seen.bands) == (whole.width, whole.height, whole.bands)
    assert distance(whole, seen)[0] == 0
    assert seen.get_fields() == whole.get_fields()


@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_look_as_from_the_whole_file(name: str, corpus: Path) -> None:
    data = (corpus / f"photos/{name}.jpg").read_bytes()
    short = shortened(data)
    assert short is not None
    assert len(short) < 0.4 * len(data)
    # A picture that is decoded at an eighth is shown at half of that at most.
    whole, seen = (eighth(each).resize(0.5) for each in (data, short))
    largest, usual = distance(whole, seen)
    assert usual <= 1.6
    assert largest <= 40
    brightness = [image.colourspace("b-w") for image in (whole, seen)]
    assert distance(*brightness)[1] <= 0.7


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: card(320, 240, ".jpg"), id="baseline"),
        pytest.param(lambda: card(320, 240, ".png"), id="no JPEG"),
        pytest.param(lambda: b"", id="nothing"),
        pytest.param(lambda: progressive()[:-2], id="no end"),
        pytest.param(lambda: progressive()[:200], id="tables only"),
        pytest.param(lambda: progressive().replace(b"\xff\xc2", b"\xff\xca", 1), id="arithmetic coding"),
        pytest.param(by_pillow(320, 240, "CMYK"), id="four colours"),
        pytest.param(lambda: with_scan_twice(progressive()), id="a scan told twice"),
        pytest.param(lambda: without_scan(progressive(), 0), id="no DC"),
    ],
)
def test_in_doubt_the_decoder_judges(source: Callable[[], bytes]) -> None:
    assert shortened(source()) is None


def scans(data: bytes) -> list[int]:
    return [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"] + [len(data) - 2]


def with_scan_twice(data: bytes) -> bytes:
    first, second = scans(data)[:2]
    return data[:second] + data[first:second] + data[second:]


def without_scan(data: bytes, number: int) -> bytes:
    places = scans(data)
    return data[: places[number]] + data[places[number + 1] :]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.999])
def test_a_file_cut_short_is_refused_at_every_size(part: float) -> None:
    data = by_vips(640, 480)()
    for width in (20, 300):
        with pytest.raises(ImageCorrupt):
            render(f"/w_{width}", data[: int(part * len(data))])


def test_a_thumbnail_is_rendered_from_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_vips(640, 480)()
    part = render("/w_40,f_png", data)
    monkeypatch.setattr("origin.imaging.decode.shortened", lambda _: None)
    assert part.body == render("/w_40,f_png", data).body


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_no_error_here(data: st.DataObject) -> None:
    """Whatever the bytes are, the answer is a file or None, and a file has all that the decoder needs."""
    body = bytearray(by_vips(64, 48)())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    short = shortened(bytes(body[: data.draw(st.integers(0, len(body)))]))
    assert short is None or (short[:2] == b"\xff\xd8" and short[-2:] == b"\xff\xd9")
