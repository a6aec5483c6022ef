"""How results are written: the format that suits the pixels, the level that a grade promises, a ceiling."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from origin.errors import CeilingUnreachable, OriginError
from origin.imaging import decode, grades
from origin.imaging.closeness import Original
from origin.imaging.grades import TARGETS
from origin.imaging.model import FORMATS, Limits
from origin.imaging.savers import Saving, save
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import (
    animated,
    card,
    cmyk,
    difference,
    format_of,
    frames_of,
    grayscale,
    header,
    noise,
    plain,
    png16,
    transparent,
)
from tests.support.pictures import (
    decode as pixels,
)
from urlspec.qualities import QualityValue


@functools.cache
def drawing() -> bytes:
    """A flat graphic with a text."""
    text = pyvips.Image.text("Flat colours\nand letters", font="Sans 24", dpi=96)
    canvas = text.embed(20, 20, 320, 200).ifthenelse([20, 40, 160], [240, 240, 230], blend=True)
    return bytes(canvas.copy(interpretation="srgb").write_to_buffer(".png"))


@functools.cache
def photograph(width: int = 320, height: int = 200) -> bytes:
    """Like one to a codec: soft shapes, and noise in all of it."""
    soft = pyvips.Image.new_from_buffer(noise(width, height, ".png"), "").gaussblur(6)
    grain = pyvips.Image.new_from_buffer(noise(width, height, ".png", 8), "").gaussblur(0.8)
    mixed = (soft - 128) * 5 + 128 + (grain - 128) * 0.4
    return bytes(mixed.cast("uchar").copy(interpretation="srgb").write_to_buffer(".png"))


@functools.cache
def covered() -> bytes:
    """A photograph with an alpha channel through which nothing shows."""
    return bytes(pyvips.Image.new_from_buffer(photograph(), "").bandjoin(255).write_to_buffer(".png"))


SOURCES = {
    "photograph": photograph,
    "covered": covered,
    "drawing": drawing,
    "cut out": transparent,
    "animation": animated,
}


@pytest.mark.parametrize(
    ("source", "accept", "expected"),
    [
        ("photograph", "avif", "avif"),
        ("photograph", "webp", "webp"),
        ("photograph", "jpeg", "jpg"),
        ("covered", "avif", "avif"),
        ("covered", "jpeg", "jpg"),
        ("drawing", "webp", "webp"),
        ("drawing", "jpeg", "png"),
        ("cut out", "webp", "webp"),
        ("cut out", "jpeg", "png"),
        ("animation", "avif", "webp"),
        ("animation", "jpeg", "gif"),
    ],
)
def test_the_pixels_choose_the_format(source: str, accept: Any, expected: str) -> None:
    rendered = render("/r_180,f_auto", SOURCES[source](), accept=accept)
    assert format_of(rendered.body) == expected
    assert rendered.format == {"jpg": "jpeg"}.get(expected, expected)


def test_flat_graphics_lose_nothing_where_that_is_smaller() -> None:
    for accept in ("webp", "jpeg"):
        body = render("/f_auto,r_180", drawing(), accept=accept).body
        assert difference(body, png("/r_180", drawing())).max == 0
        lossy = "webp" if accept == "webp" else "jpg"
        assert len(body) < len(render(f"/f_{lossy},r_180", drawing()).body)


def test_auto_never_writes_alpha_that_does_nothing() -> None:
    assert header(render("/f_auto,w_200", covered(), accept="webp").body).bands == 3
    assert header(render("/f_auto,w_60", transparent(), accept="webp").body).bands == 4


# Lossless ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "chain", "accept", "expected"),
    [
        (".jpg", "/w_60,q_lossless", "jpeg", "png"),
        (".png", "/w_60,q_lossless", "jpeg", "png"),
        (".webp", "/w_60,q_lossless", "jpeg", "webp"),
        (".jpg", "/w_60,q_lossless,f_auto", "avif", "webp"),
        (".jpg", "/w_60,q_lossless,f_auto", "jpeg", "png"),
    ],
)
def test_lossless_takes_a_format_that_can(source: str, chain: str, accept: Any, expected: str) -> None:
    data = card(suffix=source)
    rendered = render(chain, data, accept=accept)
    assert rendered.format == expected
    assert difference(rendered.body, png("/w_60", data)).max == 0


def test_nearly_lossless_is_smaller_and_nearly_so() -> None:
    exact, near, far = (
        render(f"/f_webp,{quality}", photograph()).body
        for quality in ("q_lossless", "q_lossless:60", "q_lossless:20")
    )
    assert len(far) < len(near) < len(exact)
    assert 0 < difference(near, exact).max <= difference(far, exact).max <= 32


def test_palettes() -> None:
    for source in (photograph(), drawing(), transparent(), card()):
        few, all_ = render("/f_png8", source).body, render("/f_png", source).body
        assert format_of(few) == "png"
        assert len(few) <= len(all_)
        found = pixels(few)
        assert len(np.unique(found.reshape(-1, found.shape[2]), axis=0)) <= 256
    dithered = pixels(render("/f_png8", photograph()).body)[:, :, :3].astype(float)
    assert abs(dithered - pixels(photograph())).mean() < 8


# Progressive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["jpg", "png", "png8"])
def test_progressive(output: str) -> None:
    plain, progressive = (
        header(render(f"/w_100,f_{output}{more}", photograph()).body) for more in ("", ",fl_progressive")
    )
    assert not plain.get_typeof("interlaced")
    assert progressive.get("interlaced") == 1


# Grades --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["jpg", "webp", "avif"])
@pytest.mark.parametrize("grade", ["best", "eco"])
def test_a_grade_is_met(output: str, grade: str, corpus: Path) -> None:
    found = []
    for name in ("saw-workbench-6mp.jpg", "road-sign-9mp.jpg"):
        path = corpus / "photos" / name
        before = pyvips.Image.new_from_buffer(render("/w_400,f_png", path).body, "")
        body = render(f"/w_400,f_{output},q_auto:{grade}", path).body
        found.append(Original(before).closeness(pyvips.Image.new_from_buffer(body, "")))
    assert found == pytest.approx([TARGETS[grade]] * 2, abs=6)


def test_equal_pixels_get_equal_bytes() -> None:
    assert render("/f_webp,q_auto", photograph()).body == render("/f_webp,q_auto", photograph()).body


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(plain(1, 1, (1, 2, 3)), id="one pixel"),
        pytest.param(plain(3, 500, (9, 9, 9)), id="a strip"),
        pytest.param(animated(3), id="an animation"),
        pytest.param(transparent(), id="alpha"),
        pytest.param(grayscale(suffix=".png"), id="grey"),
        pytest.param(png16(), id="16 bit"),
        pytest.param(cmyk(), id="CMYK"),
    ],
)
def test_every_kind_of_picture_has_a_level(source: bytes) -> None:
    for chain in ("f_auto,q_auto", "f_webp,q_auto:low,r_180", "f_jpg,q_auto:best", "f_avif,q_auto"):
        rendered = render(f"/{chain}", source, accept="avif")
        assert frames_of(rendered.body) == (frames_of(source) if rendered.format in {"webp", "gif"} else 1)


def test_closeness() -> None:
    source = pyvips.Image.new_from_buffer(photograph(), "")
    original = Original(source)
    assert original.closeness(source) == pytest.approx(100, abs=0.1)
    falling = [
        original.closeness(pyvips.Image.new_from_buffer(source.jpegsave_buffer(Q=level), ""))
        for level in (95, 80, 50, 20)
    ]
    assert falling == sorted(falling, reverse=True)
    assert Original(source.crop(0, 0, 3, 3)).closeness(source.crop(0, 0, 3, 3)) == 100


# Ceiling -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chain", ["f_jpg", "f_jpg,q_auto", "f_webp", "f_avif", "f_png", "f_png8", "f_gif", "f_auto"]
)
def test_the_ceiling_holds(chain: str) -> None:
    whole = len(render(f"/{chain}", photograph()).body)
    most = whole * 2 // 3
    rendered = render(f"/{chain},mb_{most}", photograph())
    assert most / 8 < len(rendered.body) <= most


@pytest.mark.parametrize("output", ["gif", "webp"])
def test_the_ceiling_holds_for_animations(output: str) -> None:
    frames = pyvips.Image.new_from_buffer(photograph(120, 240), "").copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 80)
    moving = bytes(frames.write_to_buffer(".gif"))
    whole = len(render(f"/f_{output},r_180", moving).body)
    rendered = render(f"/f_{output},r_180,mb_{whole * 2 // 3}", moving)
    assert len(rendered.body) <= whole * 2 // 3
    assert frames_of(rendered.body) == 3


def test_a_ceiling_out_of_reach_is_said_with_the_least() -> None:
    for output in ("jpg", "tiff", "png"):
        with pytest.raises(CeilingUnreachable) as raised:
            render(f"/f_{output},mb_100", photograph())
        assert int(raised.value.members["bytes"]) > 100


@pytest.mark.parametrize("side", [64, 400, 700, 1_400])
def test_a_grade_costs_at_most_one_further_encode(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in pixels that the search writes."""
    written: list[int] = []

    def counted(name: str, image: Any, saving: Saving) -> bytes:
        written.append(image.width * image.height)
        return save(name, image, saving)

    monkeypatch.setattr(grades, "save", counted)
    picture = pyvips.Image.new_from_buffer(noise(side, side), "").copy_memory()
    grades.level(picture, "webp", Saving(QualityValue("auto")))
    assert 0 < sum(written) <= side * side


# Never larger --------------------------------------------------------------------------------------------


@functools.cache
def small_jpeg() -> bytes:
    image = pyvips.Image.new_from_buffer(photograph(), "").copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Somebody (Somebody, ASCII, 9 components)")
    return bytes(image.jpegsave_buffer(Q=30))


@pytest.mark.parametrize(
    ("chain", "passes"),
    [
        ("w_5000", True),
        ("f_auto", True),
        ("q_auto:best", True),
        ("f_auto,q_auto:best", True),
        ("c_limit,w_5000,h_5000/w_1.0", True),
        ("b_red,w_5000", True),
        ("f_jpg", False),
        ("q_80", False),
        ("w_5000,fl_progressive", False),
        ("cs_p3", False),
        ("w_319", False),
        ("r_180", False),
        ("pad_1", False),
        ("e_grayscale", False),
        ("l_text:Sans_20:a", False),
    ],
)
def test_what_is_not_changed_is_never_larger(chain: str, passes: bool) -> None:
    rendered = render(f"/{chain}", small_jpeg())
    assert (("X-Passthrough", "smaller") in rendered.headers) == passes
    if passes:
        assert len(rendered.body) <= len(small_jpeg())
        assert b"Somebody" not in rendered.body
        assert difference(rendered.body, small_jpeg()).max == 0


def test_a_client_gets_no_source_that_it_does_not_show() -> None:
    webp = bytes(pyvips.Image.new_from_buffer(photograph(), "").webpsave_buffer(Q=20))
    assert render("/f_auto", webp, accept="jpeg").format == "jpeg"
    assert render("/f_auto", webp, accept="webp").headers


def test_never_larger_over_the_corpus(corpus: Path, corpus_files: list[dict[str, Any]]) -> None:
    seen = 0
    for entry in corpus_files:
        path = corpus / entry["path"]
        if entry["path"].startswith("malformed/") or entry["expected"] != "decode-ok":
            continue
        try:
            found = decode.probe(str(path), Limits())
        except OriginError:
            continue
        if found.format not in FORMATS or found.width * found.height * found.frames > 200_000:
            continue
        for chain in ("w_16000", "f_auto"):
            rendered = render(f"/{chain}", path)
            if rendered.format == found.format:
                assert len(rendered.body) <= path.stat().st_size, (chain, entry["path"])
                seen += 1
    assert seen > 60


# Colour --------------------------------------------------------------------------------------------------


def engine(path: Path) -> NDArray[np.int16]:
    """What Little CMS makes of a file with its own profile, by Pillow."""
    image_cms = pytest.importorskip("PIL.ImageCms")
    image = pytest.importorskip("PIL.Image").open(path)
    profile = image_cms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    done = image_cms.profileToProfile(
        image, profile, image_cms.createProfile("sRGB"), renderingIntent=1, outputMode="RGB"
    )
    return np.asarray(done).astype(np.int16)


@pytest.mark.parametrize(
    "name",
    ["cmyk-with-profile.jpg", "cmyk-fogra-red.tif", "linear-rec2020.png", "prophoto-flat.png"],
)
def test_colours_are_those_of_the_profile(name: str, corpus: Path) -> None:
    path = corpus / "colour" / name
    found = pixels(render("/f_png", path).body)[:, :, :3].astype(np.int16)
    assert np.abs(found - engine(path)).max() <= 2


@pytest.mark.parametrize("output", ["png", "webp", "avif", "jpg", "tiff"])
def test_p3_is_kept_and_named(output: str, corpus: Path) -> None:
    path = corpus / "colour" / "p3-red-hidden-logo.png"
    kept, lost = (header(render(f"/w_200,f_{output}{space}", path).body) for space in (",cs_p3", ""))
    assert kept.get_typeof("icc-profile-data")
    assert not lost.get_typeof("icc-profile-data") or output == "jpg"
    plain = header(render(f"/w_200,f_{output},cs_p3", photograph()).body)
    assert not plain.get_typeof("icc-profile-data"), "an sRGB picture has nothing to keep"


@pytest.mark.parametrize(
    ("chain", "place"),
    [
        ("pad_9,b_red", (2, 20)),
        ("c_pad,w_90,h_90,b_red", (45, 2)),
        ("bo_9px_solid_rgb:ff0000", (2, 20)),
        ("e_tint:100:red", (30, 20)),
        ("e_shadow:20:0:0:red:100", (-2, 20)),
        ("e_gradient:red:100", (30, -1)),
        ("a_45,b_red", (1, 1)),
        ("pad_9,b_gradient:red:red", (2, 20)),
        ("l_text:DejaVu%20Sans_60:%E2%96%88,co_red", (30, 20)),
    ],
)
def test_a_named_colour_is_the_same_beside_p3(chain: str, place: tuple[int, int]) -> None:
    wide = pyvips.Image.new_from_buffer(plain(60, 40, (20, 230, 20)), "").pngsave_buffer(profile="p3")
    made = header(render(f"/{chain}/f_png,cs_p3", bytes(wide)).body)
    assert made.get_typeof("icc-profile-data")
    x, y = place[0] % made.width, place[1] % made.height
    assert made(x, y)[:3] == pytest.approx([234, 51, 35], abs=2), "not sRGB's red in the numbers of P3"


def test_p3_pixels_stay_what_they_are(corpus: Path) -> None:
    path = corpus / "formats" / "jpeg" / "display-p3-icc.jpg"
    stored = pyvips.Image.jpegload(str(path)).numpy().astype(int)
    assert np.abs(pixels(render("/f_png,cs_p3", path).body).astype(int) - stored).max() <= 3
    assert np.abs(pixels(render("/f_png", path).body).astype(int) - stored).max() > 20
