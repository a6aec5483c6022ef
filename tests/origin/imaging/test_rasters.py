"""Kept pictures: what is made from them is what the original gives, and a damaged one is never shown."""

from __future__ import annotations

import functools
import itertools
import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from origin.errors import OriginError
from origin.imaging import rasterfile, worker
from origin.imaging.model import NEVER, Job, Keep, Limits, Rendered, Source
from tests.support import pictures
from urlspec.errors import UrlError
from urlspec.parse import parse

LIKE = 0.985
"""Similarity that counts as the same look."""


def job(url: str, path: Path | str = "", keep: Keep | None = None, kept: tuple[str, ...] = ()) -> Job:
    request = parse(f"{url}/cat")
    return Job(request, {request.source: Source(str(path), None, kept, keep)}, limits=Limits())


def keep(url: str, path: Path, into: Path, *, wide: bool) -> Rendered:
    """Render ``url`` from the original, and keep what falls out in the file ``into``."""
    into.touch()
    return worker.render(job(url, path, Keep(str(into), wide)))


def again(url: str, *kept: Path) -> Rendered | None:
    return worker.render_kept(job(url, kept=tuple(map(str, kept))))


def grey() -> bytes:
    return bytes(pictures.scene_image().colourspace("b-w").jpegsave_buffer(Q=90))


def cut_out() -> bytes:
    image = pictures.scene_image()
    mask = pyvips.Image.black(image.width, image.height).draw_circle(255, 800, 500, 480, fill=True)
    return bytes(image.bandjoin(mask).pngsave_buffer(compression=1))


def profiled() -> bytes:
    image = pictures.scene_image().icc_transform("p3", input_profile="srgb")
    return bytes(image.jpegsave_buffer(Q=90, keep="icc"))


def cmyk() -> bytes:
    image = pictures.scene_image().icc_transform("cmyk", input_profile="srgb")
    return bytes(image.jpegsave_buffer(Q=90, keep="icc"))


def deep() -> bytes:
    image = (pictures.scene_image().cast("ushort") * 257).copy(interpretation="rgb16")
    return bytes(image.pngsave_buffer(compression=1))


def turned() -> bytes:
    image = pictures.scene_image().copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return bytes(image.jpegsave_buffer(Q=90))


SOURCES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: pictures.scene(".jpg", Q=90),
    "odd": lambda: pictures.scene(".jpg", 1501, 997, Q=90),
    "turned": turned,
    "progressive": lambda: pictures.scene(".jpg", Q=90, interlace=True),
    "grey": grey,
    "profile": profiled,
    "cmyk": cmyk,
    "png": lambda: pictures.scene(".png", compression=1),
    "transparent": cut_out,
    "16 bit": lambda: bytes(
        (pictures.scene_image().cast("ushort") * 257)
        .copy(interpretation="rgb16")
        .pngsave_buffer(compression=1)
    ),
    "webp": lambda: pictures.scene(".webp", Q=80, effort=1),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("originals")

    @functools.cache
    def original(name: str) -> Path:
        path = folder / name.replace(" ", "-")
        path.write_bytes(SOURCES[name]())
        return path

    return original


# The same picture ---------------------------------------------------------------------------------------

SIDES = st.sampled_from([64, 111, 160, 250, 320, 375, 500, 640, 900])
MODES = st.sampled_from(["fill", "fit", "limit", "pad", "lfill", "scale", "crop", "thumb"])
GRAVITIES = st.sampled_from(["north", "south_east", "center", "west", "auto", "0.2:0.7"])
PARTS = st.one_of(
    st.builds("w_{}".format, SIDES),
    st.builds("c_{},w_{},h_{}".format, MODES, SIDES, SIDES),
    st.builds("c_fill,w_{},h_{},g_{}".format, SIDES, SIDES, GRAVITIES),
    st.builds("c_crop,w_{},h_{},x_{},y_{}".format, st.just("0.5"), st.just("0.6"), SIDES, SIDES),
    st.builds("c_crop,w_{},h_{},g_{}".format, st.just("0.7"), st.just("0.4"), GRAVITIES),
    st.builds("r_{},w_{}".format, st.sampled_from([90, 180, 270]), SIDES),
    st.builds("flip_{}".format, st.sampled_from(["h", "v"])),
    st.builds("w_{},a_20".format, SIDES),
    st.builds("w_{},rad_30".format, SIDES),
    st.builds("w_{},e_trim".format, SIDES),
    st.just("r_ignore"),
)
EFFECTS = st.sampled_from(
    ["", "e_grayscale", "e_sepia", "e_blur:4", "e_sharpen", "e_negate", "e_contrast:30", "e_pixelate:9"]
)


def made(url: str, original: Path) -> Rendered | None:
    """From the original; None when it is refused."""
    try:
        return worker.render(job(url, original))
    except (OriginError, UrlError):
        return None


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(sorted(SOURCES)),
    first=st.sampled_from(["/w_200", "/c_fill,w_200,h_300,g_auto", "/w_500"]),
    wide=st.booleans(),
    parts=st.lists(PARTS, min_size=1, max_size=2),
    effect=EFFECTS,
)
def test_a_kept_picture_changes_neither_size_nor_place_nor_look(
    originals: Any, tmp_path: Path, name: str, first: str, wide: bool, parts: list[str], effect: str
) -> None:
    url = "/" + "/".join([*parts, *([effect] if effect else [])]) + ",f_png"
    original = originals(name)
    direct = made(url, original)
    if direct is None:
        return
    kept = tmp_path / f"{name}-{first.count(',')}-{first[-3:]}-{wide}".replace(" ", "-")
    if not kept.exists():
        assert keep(first, original, kept, wide=wide).kept or (name == "webp" and "auto" in first)
    found = again(url, kept)
    if found is None:
        return
    assert (found.width, found.height, found.format) == (direct.width, direct.height, direct.format)
    assert pictures.similarity(found.body, direct.body) >= (LIKE if not effect else 0.97), url


SMALL = ("/w_160", "/w_320,h_200,c_fill", "/w_640", "/r_90,w_300", "/c_crop,w_0.5,h_0.5,g_south_east/w_240")


def test_a_kept_picture_serves_real_photographs(
    corpus: Path, corpus_files: list[dict[str, Any]], tmp_path: Path
) -> None:
    photos = [corpus / entry["path"] for entry in corpus_files if entry["path"].startswith("photos/")]
    for path, url in zip(photos, itertools.cycle(SMALL)):
        kept = tmp_path / path.name
        keep("/w_320", path, kept, wide=True)
        found, direct = again(f"{url},f_png", kept), worker.render(job(f"{url},f_png", path))
        assert found is not None, (path.name, url)
        assert (found.width, found.height) == (direct.width, direct.height)
        assert pictures.similarity(found.body, direct.body) >= LIKE, (path.name, url)


@pytest.mark.parametrize(
    ("first", "wide", "then", "serves"),
    [
        ("/w_200", False, "/w_260", True),  # 1/4 was decoded for 200: 400 pixels across
        ("/w_200", False, "/w_100", True),
        ("/w_200", False, "/w_300", False),
        ("/w_200", False, "/c_crop,w_200,h_200", False),
        ("/w_200", True, "/w_600", True),
        ("/w_200", True, "/w_1500", True),
        ("/w_200", True, "/w_1600", False),  # the source itself may be the smaller file
        ("/w_200", True, "/e_blur:4/w_200", True),
        ("/w_200", True, "/w_200,f_json", False),
        ("/w_200,h_200,c_fill,g_auto", True, "/w_190,h_190,c_fill,g_auto", True),
        ("/w_200", True, "/w_190,h_190,c_fill,g_auto", False),  # pixels decide: none but the same will do
    ],
)
def test_which_kept_picture_serves(
    originals: Any, tmp_path: Path, first: str, wide: bool, then: str, serves: bool
) -> None:
    kept = tmp_path / "kept"
    keep(first, originals("jpeg"), kept, wide=wide)
    assert (again(then, kept) is not None) == serves


def test_what_was_told_of_the_original_stays(originals: Any, tmp_path: Path) -> None:
    """Metadata, profile and colours beyond sRGB come out as from the original."""
    image = pyvips.Image.new_from_buffer(SOURCES["profile"](), "").copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Copyright", "Somebody")
    path, kept = tmp_path / "credited.jpg", tmp_path / "kept"
    path.write_bytes(image.jpegsave_buffer(Q=90))
    keep("/w_200", path, kept, wide=True)
    for url in ("/w_300,meta_copyright", "/w_300,cs_p3", "/w_300,meta_all", "/w_300,f_tiff"):
        found, direct = again(url, kept), worker.render(job(url, path))
        assert found is not None
        ours, theirs = (pictures.header(one.body) for one in (found, direct))
        assert set(ours.get_fields()) == set(theirs.get_fields()), url
        for name in ours.get_fields():
            if not name.startswith(("jpeg-", "vips-")):
                assert ours.get(name) == theirs.get(name), (url, name)
        assert pictures.similarity(found.body, direct.body) >= LIKE


# Nothing broken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [pictures.card(300, 200), pictures.animated(width=600, height=600)],
    ids=["small", "animated"],
)
def test_of_some_nothing_is_kept(tmp_path: Path, source: bytes) -> None:
    path, kept = tmp_path / "source", tmp_path / "kept"
    path.write_bytes(source)
    assert keep("/w_200", path, kept, wide=True).kept == NEVER
    assert kept.stat().st_size == 0


def damaged(whole: bytes) -> dict[str, bytes]:
    middle = len(whole) // 2
    flipped = bytearray(whole)
    flipped[middle] ^= 1
    size, length, _ = struct.unpack("<QII", whole[-16:])
    text = whole[-16 - length : -16].replace(b"1600", b"1700")
    lied = whole[: -16 - length] + text + struct.pack("<QII", size, len(text), zlib.crc32(text))
    return {
        "empty": b"",
        "cut": whole[:middle],
        "one bit": bytes(flipped),
        "zeros": bytes(len(whole)),
        "zeros at the end": whole[:middle] + bytes(len(whole) - middle),
        "longer": whole + b"more",
        "something else": pictures.card(),
        "hole in the pixels": whole[:200] + bytes(middle) + whole[200 + middle :],
        "another's description": lied,
    }


def test_a_damaged_file_is_dropped(originals: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    keep("/w_200", originals("jpeg"), kept, wide=False)
    whole = kept.read_bytes()
    for what, content in damaged(whole).items():
        kept.write_bytes(content)
        rasterfile.forget_checks()
        found = again("/w_200,f_png", kept)
        if what == "another's description":
            # Its sum is right, so it was written so: it may only not be taken for pixels it has not.
            assert found is None or found.width == 200
            continue
        assert found is None, what
        assert not kept.exists(), what
    assert again("/w_200", tmp_path / "gone") is None
    kept.write_bytes(whole)
    assert again("/w_200", kept) is not None


def test_no_room_costs_the_kept_picture_only(originals: Any, tmp_path: Path) -> None:
    """The file was removed meanwhile, or the disk is full: the answer is the same."""
    for path in (tmp_path / "gone", Path("/dev/full")):
        done = worker.render(job("/w_200,f_png", originals("jpeg"), Keep(str(path), wide=True)))
        assert (done.width, done.kept) == (200, "")


def test_a_disk_that_fills_up_amid_the_writing_costs_the_kept_picture_only(
    originals: Any, tmp_path: Path
) -> None:
    """The decoder's stream is spent by then: the picture is decoded again."""
    kept = tmp_path / "kept"
    kept.touch()
    pixels = 400 * 266 * 3
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (pixels + 4096, before[1]))  # and hardly more
    try:
        done = worker.render(job("/w_200,f_png", originals("jpeg"), Keep(str(kept))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert kept.stat().st_size > pixels
    assert done.kept == ""
    assert done.body == worker.render(job("/w_200,f_png", originals("jpeg"))).body


def test_who_waits_is_served_from_as_few_pixels_as_will_do(originals: Any, tmp_path: Path) -> None:
    for shared, widths in ((False, [1600]), (True, [1600, 800, 400])):
        kept = tmp_path / str(shared)
        kept.touch()
        assert worker.render(job("/w_500", originals("jpeg"), Keep(str(kept), shared=shared))).kept == "1"
        raster = rasterfile.read(str(kept))
        assert raster is not None
        with raster:
            assert [level.width for level in raster.levels] == widths


def test_pixels_are_mapped_and_not_copied(originals: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    keep("/w_200", originals("png"), kept, wide=True)
    raster = rasterfile.read(str(kept))
    assert raster is not None
    with raster:
        [large] = [level for level in raster.levels if level.factor == 1]
        image = raster.image(large)
    pixels = image.numpy()
    assert np.array_equal(pixels, pyvips.Image.pngload_buffer(SOURCES["png"]()).numpy())
    assert [level.width for level in raster.levels] == [1600, 800, 400]
