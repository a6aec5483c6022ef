"""From a file to bytes: formats in and out, orientation, colour, animation, quality, metadata."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import numpy as np
import pytest
import pyvips

from origin.errors import CeilingUnreachable
from origin.imaging import exif
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import (
    NORTH_EAST,
    NORTH_WEST,
    SOUTH_EAST,
    SOUTH_WEST,
    Colour,
    animated,
    assert_close_colour,
    card,
    cmyk,
    decode,
    difference,
    format_of,
    frame_colour,
    frames_of,
    grayscale,
    header,
    noise,
    oriented,
    pixel,
    plain,
    png16,
    progressive,
    size_of,
    transparent,
)

CORNERS = {(3, 3): NORTH_WEST, (-4, 3): NORTH_EAST, (3, -4): SOUTH_WEST, (-4, -4): SOUTH_EAST}


def shows_card(data: bytes, tolerance: int = 12) -> None:
    for (x, y), colour in CORNERS.items():
        assert_close_colour(pixel(data, x, y)[:3], colour, tolerance)


# Formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".avif", ".tif"])
@pytest.mark.parametrize("output", ["jpg", "png", "webp", "gif", "avif", "tiff"])
def test_every_format_to_every_format(suffix: str, output: str) -> None:
    rendered = render(f"/w_60,f_{output}", card(suffix=suffix))
    assert format_of(rendered.body) == output
    assert rendered.media_type == f"image/{rendered.format}"
    assert (rendered.width, rendered.height) == size_of(rendered.body) == (60, 40)
    shows_card(rendered.body, 25)


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        (".jpg", "jpg"),
        (".png", "png"),
        (".webp", "webp"),
        (".gif", "gif"),
        (".avif", "avif"),
        (".tif", "tiff"),
    ],
)
def test_without_f_the_source_format_stays(suffix: str, expected: str) -> None:
    assert format_of(render("/w_60", card(suffix=suffix)).body) == expected


@pytest.mark.parametrize("width", [7, 15, 29, 31, 60, 61, 100, 119])
@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_sizes_are_exact_whatever_the_decoder_shrinks(width: int, suffix: str) -> None:
    for url in (f"/w_{width}", f"/c_fill,w_{width},h_{width}", f"/c_scale,w_{width},h_13"):
        rendered = render(f"{url},f_png", card(480, 320, suffix))
        assert size_of(rendered.body) == (rendered.width, rendered.height)
        assert rendered.width == width


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
@pytest.mark.parametrize("url", ["/w_60", "/c_fill,w_40,h_40,g_east", "/c_crop,w_480,h_320,x_240/w_60"])
def test_shrinking_in_the_decoder_cannot_be_seen(url: str, suffix: str) -> None:
    """Against the same steps on a picture that was decoded in full."""
    source = card(960, 640, suffix)
    whole = bytes(pyvips.Image.new_from_buffer(source, "").write_to_buffer(".png"))
    assert difference(png(url, source), png(url, whole)).mean < 1.5


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif", ".avif", ".tif"])
def test_alpha_survives_where_the_format_has_it(suffix: str) -> None:
    found = decode(png("/w_60", transparent(suffix=suffix)))
    assert found[20, 50, 3] == 0
    assert found[20, 5, 3] == 255


@pytest.mark.parametrize("output", ["png", "webp", "gif", "avif", "tiff"])
def test_alpha_is_written_where_the_format_has_it(output: str) -> None:
    assert pixel(render(f"/w_60,f_{output}", transparent()).body, 50, 20)[3] == 0


def test_alpha_is_laid_on_white_where_the_format_has_none() -> None:
    assert_close_colour(pixel(render("/w_60,f_jpg", transparent()).body, 50, 20), (255, 255, 255), 3)


def test_invisible_colour_does_not_bleed_when_resizing() -> None:
    edge = decode(png("/w_40", transparent()))[5, 18:22]
    for red, green, _, alpha in edge.astype(int):
        assert alpha == 0 or red > green, "the green behind alpha 0 shows"


def test_opaque_pixels_stay_exact_when_resizing_with_alpha() -> None:
    source = bytes(
        pyvips.Image.new_from_buffer(plain(64, 64, (255, 254, 1)), "").bandjoin(255).pngsave_buffer()
    )
    assert pixel(png("/w_20", source), 10, 10) == (255, 254, 1, 255)


# Orientation and colour -------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "url",
    [
        "",
        "/w_60",
        "/c_fill,w_40,h_40",
        "/c_crop,w_30,h_20/w_15",
        "/r_90,w_40",
        "/flip_h",
        "/c_fill,w_30,h_30,g_auto",
        "/c_crop,w_90,h_90,g_entropy/w_30",
    ],
)
def test_all_orientations_come_out_alike(orientation: int, url: str) -> None:
    upright = png(url, oriented(1, 240, 160))
    turned = png(url, oriented(orientation, 240, 160))
    assert difference(upright, turned).mean < 1.5
    if not url or "w_60" in url:
        shows_card(turned)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_orientation_counts_in_every_format_that_has_it(suffix: str) -> None:
    shows_card(png("/w_60", oriented(6, 240, 160, suffix)))


def test_ignoring_orientation() -> None:
    assert size_of(png("/r_ignore", oriented(6))) == (80, 120)


@pytest.mark.parametrize("output", ["jpg", "png", "webp", "avif", "tiff"])
@pytest.mark.parametrize("meta", ["", ",meta_all", ",meta_copyright"])
def test_results_carry_no_orientation_of_their_own(output: str, meta: str) -> None:
    image = header(render(f"/w_60,f_{output}{meta}", oriented(6, 240, 160)).body)
    assert (image.width, image.height) == (60, 40)
    assert not image.get_typeof("orientation") or image.get("orientation") == 1


@pytest.mark.parametrize("source", [cmyk, png16, progressive], ids=["cmyk", "16 bit", "progressive"])
@pytest.mark.parametrize("output", ["jpg", "png", "webp", "avif"])
def test_other_ways_to_store_colour_look_the_same(source: Callable[[], bytes], output: str) -> None:
    data = render(f"/w_60,f_{output},q_95" if output != "png" else "/w_60,f_png", source()).body
    assert header(data).bands == 3
    assert header(data).format == "uchar"
    for x, y in CORNERS:
        assert_close_colour(pixel(data, x, y), pixel(source(), x, y), 16)


@pytest.mark.parametrize("output", ["jpg", "png", "webp", "avif", "gif", "tiff"])
def test_grey_stays_grey(output: str) -> None:
    data = render(f"/w_60,f_{output}", grayscale()).body
    found = decode(data).astype(int)[:, :, :3]
    assert np.ptp(found, axis=2).max() <= 2


def test_a_profile_is_obeyed_and_left_out() -> None:
    wide = pyvips.Image.new_from_buffer(plain(40, 40, (0, 255, 0)), "").icc_transform(
        "p3", input_profile="srgb"
    )
    assert wide.getpoint(5, 5) != [0, 255, 0]
    source = bytes(wide.write_to_buffer(".png", profile="p3"))
    data = png("/w_20", source)
    assert_close_colour(pixel(data, 5, 5), (0, 255, 0), 3)
    assert not header(data).get_typeof("icc-profile-data")


def test_a_profile_that_does_not_fit_is_ignored() -> None:
    source = bytes(pyvips.Image.new_from_buffer(card(), "").write_to_buffer(".jpg", Q=95, profile="cmyk"))
    shows_card(png("/w_60", source))


def test_16_bit_with_alpha() -> None:
    image = pyvips.Image.new_from_buffer(transparent(), "").cast("ushort").linear(257, 0).cast("ushort")
    source = bytes(image.copy(interpretation="rgb16").write_to_buffer(".png", bitdepth=16))
    for url in ("", "/w_60"):
        data = png(url, source)
        assert_close_colour(pixel(data, 2, 2), (*NORTH_WEST, 255), 2)
        assert pixel(data, -3, 2)[3] == 0


# Animation and pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("output", ["gif", "webp"])
def test_animations_keep_frames_delays_and_loop(suffix: str, output: str) -> None:
    rendered = render(f"/w_20,f_{output}", animated(5, suffix=suffix, delay=70, loop=3))
    image = pyvips.Image.new_from_buffer(rendered.body, "n=-1")
    assert rendered.frames == frames_of(rendered.body) == 5
    assert size_of(rendered.body) == (20, 15)
    assert image.get("delay") == [70] * 5
    assert image.get("loop") == 3
    for page in range(5):
        assert_close_colour(pixel(rendered.body, 10, 7, page)[:3], frame_colour(page), 16)


@pytest.mark.parametrize("output", ["jpg", "png", "avif", "tiff"])
def test_stills_show_the_first_frame(output: str) -> None:
    rendered = render(f"/f_{output}", animated(3))
    assert rendered.frames == 1
    assert_close_colour(pixel(rendered.body, 9, 9)[:3], frame_colour(0), 10)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_pg_picks_a_frame(number: int, suffix: str) -> None:
    rendered = render(f"/pg_{number},f_png", animated(3, suffix=suffix))
    assert pixel(rendered.body, 9, 9)[:3] == frame_colour(number - 1)


def test_pg_picks_a_page_of_a_tiff() -> None:
    pages = [pyvips.Image.new_from_buffer(plain(30, 20, frame_colour(page)), "") for page in range(3)]
    source = bytes(pyvips.Image.arrayjoin(pages, across=1).tiffsave_buffer(page_height=20))
    assert pixel(render("/pg_3,f_png", source).body, 5, 5) == frame_colour(2)
    assert frames_of(render("/f_tiff", source).body) == 1


def test_animated_layers_show_their_first_frame() -> None:
    rendered = render("/l_logo,g_north_west,f_png", card(), layers={"logo": animated(3)})
    assert pixel(rendered.body, 3, 3) == frame_colour(0)


def test_a_layer_lies_on_every_frame() -> None:
    data = render("/l_logo,w_10,g_north_west,f_webp,q_lossless", animated(3), layers={"logo": card()}).body
    for page in range(3):
        assert_close_colour(pixel(data, 1, 1, page)[:3], NORTH_WEST, 6)
        assert pixel(data, 30, 20, page)[:3] == frame_colour(page)


# Quality ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["jpg", "webp", "avif"])
def test_quality_orders_bytes_and_closeness(output: str) -> None:
    source = png("/e_blur:0.7", noise(160, 120))
    rungs = [render(f"/f_{output},q_{level}", source).body for level in ("15", "50", "85")]
    sizes = [len(body) for body in rungs]
    errors = [difference(body, source).mean for body in rungs]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("output", ["jpg", "webp", "avif"])
def test_grades_order_bytes(output: str) -> None:
    source = png("/e_blur:0.7", noise(160, 120))
    sizes = [
        len(render(f"/f_{output},q_{grade}", source).body)
        for grade in ("auto:low", "auto:eco", "auto", "auto:best")
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize("output", ["webp", "avif"])
def test_lossless_loses_nothing(output: str) -> None:
    source = noise(64, 48, ".png")
    assert difference(render(f"/f_{output},q_lossless", source).body, source).max <= (
        2 if output == "avif" else 0
    )


@pytest.mark.parametrize(("chroma", "expected"), [("420", "4:2:0"), ("444", "4:4:4")])
def test_chroma_subsampling_is_as_asked(chroma: str, expected: str) -> None:
    image = header(render(f"/f_jpg,q_80:{chroma}", card()).body)
    assert image.get("jpeg-chroma-subsample") == expected


@pytest.mark.parametrize("output", ["jpg", "webp", "avif"])
@pytest.mark.parametrize("most", [3000, 6000, 12000])
def test_mb_keeps_below_its_ceiling_and_near_it(output: str, most: int) -> None:
    source = png("/e_blur:0.7", noise(240, 180))
    free = len(render(f"/f_{output},q_95", source).body)
    body = render(f"/f_{output},q_95,mb_{most}", source).body
    assert len(body) <= most
    assert format_of(body) == output
    if free > most:
        assert len(body) > most * 0.6, "quality was lowered further than needed"


def test_mb_changes_nothing_that_fits() -> None:
    assert render("/f_jpg,q_80,mb_900000", card()).body == render("/f_jpg,q_80", card()).body


@pytest.mark.parametrize("url", ["/f_jpg,mb_100", "/f_png,mb_1000", "/f_webp,mb_150"])
def test_mb_that_cannot_be_met_is_refused_with_what_could(url: str) -> None:
    with pytest.raises(CeilingUnreachable) as caught:
        render(url, noise(240, 180))
    assert int(caught.value.members["bytes"]) > 150


# Metadata ---------------------------------------------------------------------------------------------


def photographed() -> bytes:
    """A JPEG with a name, a place, a comment, XMP and IPTC."""
    image = pyvips.Image.new_from_buffer(card(suffix=".jpg"), "").copy()
    for name, value in {
        "ifd0-Artist": "Ada",
        "ifd0-Copyright": "Ada 2026",
        "ifd0-Model": "SECRETCAM",
    }.items():
        image.set_type(pyvips.GValue.gstr_type, f"exif-{name}", value)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSAreaInformation", "SECRETPLACE")
    image.set_type(
        pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRETXMP</x:xmpmeta>"
    )
    image.set_type(pyvips.GValue.blob_type, "iptc-data", b"Photoshop 3.0\0SECRETIPTC")
    return bytes(image.jpegsave_buffer(Q=95, subsample_mode="off"))


SECRETS = (b"SECRETCAM", b"SECRETPLACE", b"SECRETXMP", b"SECRETIPTC")


@pytest.mark.parametrize("output", ["jpg", "png", "webp", "avif", "tiff"])
@pytest.mark.parametrize("meta", ["", ",meta_copyright"])
@pytest.mark.parametrize("chain", ["/w_60", "/e_sharpen"])
def test_metadata_is_left_out(output: str, meta: str, chain: str) -> None:
    source = photographed()
    assert SECRETS[0] in source
    assert SECRETS[2] in source
    body = render(f"{chain},f_{output}{meta}", source).body
    assert not [secret for secret in SECRETS if secret in body]
    assert (b"Ada 2026" in body) == (bool(meta) and output != "tiff")


def test_all_metadata_is_kept_when_asked() -> None:
    body = render("/w_60,f_jpg,meta_all", photographed()).body
    assert SECRETS[0] in body
    assert SECRETS[2] in body


def test_exif_written_by_hand_is_read_back() -> None:
    tags: dict[int, int | bytes] = {exif.ORIENTATION: 6, exif.ARTIST: b"Ada Lovelace", exif.COPYRIGHT: b"x"}
    assert exif.read(b"Exif\0\0" + exif.build(tags)) == tags


@pytest.mark.parametrize(
    "blob", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 20]
)
def test_broken_exif_says_nothing(blob: bytes) -> None:
    assert exif.read(blob) == {}


# Descriptions -----------------------------------------------------------------------------------------


def test_json_describes_source_and_result() -> None:
    rendered = render("/c_crop,w_60,h_40/w_30,f_json", oriented(6))
    assert rendered.media_type == "application/json"
    facts = json.loads(rendered.body)
    assert facts["result"] == {"width": 30, "height": 20, "format": "jpeg"}
    assert (facts["width"], facts["height"], facts["orientation"]) == (120, 80, 6)
    assert facts["format"] == "jpeg"
    assert facts["bytes"] == len(oriented(6))
    assert facts["has_alpha"] is False
    assert len(base64.b64decode(facts["thumbhash"])) > 10
    assert_close_colour(_rgb(facts["dominant_color"]), NORTH_WEST, 12)


def test_palette_holds_the_colours_that_are_there() -> None:
    palette = [_rgb(text) for text in json.loads(render("/f_json", card()).body)["palette"]]
    assert len(palette) == 5
    for colour in CORNERS.values():
        assert min(max(abs(a - b) for a, b in zip(colour, found, strict=True)) for found in palette) < 40


@pytest.mark.parametrize(("source", "expected"), [(transparent(), True), (card(), False)])
def test_alpha_is_told_by_the_pixels(source: bytes, expected: bool) -> None:
    assert json.loads(render("/f_json", source).body)["has_alpha"] is expected


def test_datauri_is_the_picture() -> None:
    rendered = render("/w_30,f_datauri", card())
    start, data = rendered.body.split(b",")
    assert start == b"data:image/png;base64"
    assert base64.b64decode(data) == render("/w_30", card()).body


def _rgb(text: str) -> Colour:
    return tuple(bytes.fromhex(text.removeprefix("#")))
