"""``g_face`` and ``g_faces``: found, framed, kept, missed, and without the extra."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from origin.errors import FacesUnavailable
from origin.imaging.cropping import Scene, cropping
from origin.imaging.geometry import Box, Size, Smart
from origin.imaging.model import Header, Limits
from origin.imaging.plan import plan
from tests.origin.imaging.rendering import png, render
from tests.support.pictures import card, decode, difference, size_of
from tests.support.portraits import portrait
from urlspec.parse import parse
from urlspec.sources import AssetRef, SourceRef

RIGHT, LEFT = (420, 260, 140), (60, 80, 100)
"""Heads in a picture of 640x480; the first is the larger."""

pytest.importorskip("cv2", reason="needs image-origin[faces]")


def faces_in(data: bytes) -> tuple[Box, ...]:
    from origin.imaging.faces import found

    return found(decode(data)[:, :, 0].copy())


@pytest.mark.parametrize(
    "heads", [(), (RIGHT,), (LEFT, RIGHT), ((20, 20, 60), (300, 200, 200), LEFT)], ids=len
)
def test_faces_are_found_largest_first(heads: Sequence[tuple[int, int, int]]) -> None:
    boxes = faces_in(portrait(*heads))
    assert len(boxes) == len(heads)
    assert [box.width for box in boxes] == sorted((box.width for box in boxes), reverse=True)
    for box, (left, top, side) in zip(boxes, sorted(heads, key=lambda head: -head[2]), strict=True):
        assert abs(box.left + box.width / 2 - (left + side / 2)) < side / 8
        assert abs(box.top + box.height / 2 - (top + side / 2)) < side / 8
        assert 0.6 * side < box.width < side
    assert faces_in(portrait(*heads)) == boxes, "the same pixels, the same faces"


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("url", "heads", "seen"),
    [
        ("c_thumb,w_120,h_120", (RIGHT,), 1),
        ("c_thumb,w_120,h_60", (RIGHT,), 1),
        ("c_thumb,w_120", (RIGHT,), 1),
        ("c_thumb,w_120,h_120,z_0.5", (RIGHT,), 1),
        ("c_auto,w_90,h_120", (RIGHT,), 1),
        ("c_crop,w_220,h_220", (RIGHT,), 1),
        ("c_fill,w_160,h_480", (RIGHT,), 1),
        ("c_fill_pad,w_200,h_480", (RIGHT,), 1),
        ("c_auto_pad,w_300,h_100", (RIGHT,), 1),
        ("c_thumb,w_300,h_200", (LEFT, RIGHT), 2),
        ("c_thumb,w_200,h_200", (LEFT, RIGHT), 2),
        ("c_auto_pad,w_200,h_400", (LEFT, RIGHT), 2),
        ("c_fill_pad,w_200,h_400", (LEFT, RIGHT), 2),
    ],
)
def test_what_is_shown_holds_the_faces(
    url: str, heads: Sequence[tuple[int, int, int]], seen: int, orientation: int
) -> None:
    gravity = "g_faces" if seen > 1 else "g_face"
    rendered = render(f"/{url},{gravity},f_png", portrait(*heads, orientation=orientation))
    assert rendered.warnings == ()
    width, height = rendered.width, rendered.height
    scale = 640 / max(width, height)
    assert len(faces_in(png(f"/c_scale,w_{scale:.4f}", rendered.body))) == seen


def test_one_face_and_all_faces_differ() -> None:
    data = portrait(LEFT, RIGHT)
    one, all_ = png("/c_crop,w_200,h_200,g_face", data), png("/c_crop,w_200,h_200,g_faces", data)
    assert len(faces_in(one)) == 1
    assert difference(one, all_).mean > 1
    assert difference(one, png("/c_crop,w_200,h_200,x_390,y_236", data)).mean < 6, "the larger one"


def test_thumbs_show_the_face_as_large_as_they_say() -> None:
    data = portrait(RIGHT, width=960, height=720)
    for zoom, share in ((1, 0.5), (1.5, 0.75), (0.5, 0.25)):
        (box,) = faces_in(png(f"/c_thumb,g_face,w_400,h_400,z_{zoom}", data))
        assert box.width / 400 == pytest.approx(share, rel=0.15)


def test_auto_never_enlarges_a_small_face() -> None:
    (box,) = faces_in(png("/c_auto,g_face,w_400,h_400", portrait(LEFT)))
    (own,) = faces_in(portrait(LEFT))
    assert box.width == pytest.approx(own.width, rel=0.1)


@pytest.mark.parametrize("url", ["c_fill,w_60,h_90", "c_thumb,w_60,h_90,z_2", "c_crop,w_60,h_60"])
def test_without_a_face_attention_decides_and_says_so(url: str) -> None:
    rendered = render(f"/{url},g_face,f_png", card())
    assert difference(rendered.body, png(f"/{url},g_auto", card())).max == 0
    assert [warning for warning in rendered.warnings if "no face" in warning]


def test_animations_are_cut_where_the_first_frame_has_its_face() -> None:
    import pyvips

    strips = [pyvips.Image.new_from_buffer(portrait(place, width=320, height=240), "") for place in
              ((180, 100, 100), (10, 10, 100))]  # fmt: skip
    image = pyvips.Image.arrayjoin(strips, across=1).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", 240)
    body = render("/c_crop,w_150,h_150,g_face,f_webp,q_lossless", image.webpsave_buffer(lossless=True)).body
    assert size_of(body) == (150, 150)
    assert decode(body)[:, :, 0].std() > 5 * decode(body, 1)[:, :, 0].std(), (
        "the second frame's face lies elsewhere"
    )


BOXES = (Box(400, 250, 100, 100), Box(50, 60, 80, 80))


@pytest.mark.parametrize(
    ("url", "faces", "region"),
    [
        ("c_thumb,w_100,h_100,g_face", None, Smart(Size(480, 480), "face", least=1 / 6)),
        ("c_thumb,w_100,h_100,g_face", BOXES, Box(350, 200, 200, 200)),
        ("c_thumb,w_200,h_100,g_face", BOXES, Box(240, 200, 400, 200)),
        ("c_thumb,w_100,h_100,g_face,z_2", BOXES, Box(400, 250, 100, 100)),
        ("c_thumb,w_100,h_100,g_face,z_0.1", BOXES, Box(160, 0, 480, 480)),
        ("c_thumb,w_100,h_100,g_faces", BOXES, Box(35, 0, 480, 480)),
        ("c_thumb,w_100,h_100,g_face", (Box(0, 0, 60, 60),), Box(0, 0, 120, 120)),
        ("c_auto,w_300,h_300,g_face", BOXES, Box(300, 150, 300, 300)),
        ("c_auto_pad,w_300,h_300,g_face", BOXES, Box(300, 150, 300, 300)),
        ("c_crop,w_50,h_50,g_face", BOXES, Box(425, 275, 50, 50)),
        ("c_crop,w_50,h_50,g_face", (), Smart(Size(50, 50), "attention")),
    ],
)
def test_regions(url: str, faces: tuple[Box, ...] | None, region: Box | Smart) -> None:
    (component,) = parse(f"/{url}/cat").components
    done, _ = cropping(component, Scene(Size(640, 480), Size(640, 480), faces=faces))
    assert done.region == region


@pytest.mark.parametrize(
    ("url", "resize", "cut", "frame"),
    [
        ("c_fill_pad,w_120,h_480,g_face", (180, 135), Box(60, 0, 120, 135), Box(0, 173, 120, 135)),
        ("c_fill_pad,w_120,h_480,g_faces", (171, 128), Box(13, 0, 120, 128), Box(0, 176, 120, 128)),
        ("c_auto_pad,w_120,h_480,g_faces", (171, 128), Box(13, 0, 120, 128), Box(0, 176, 120, 128)),
    ],
)
def test_padding_saves_faces(url: str, resize: tuple[int, int], cut: Box, frame: Box) -> None:
    (component,) = parse(f"/{url}/cat").components
    done, size = cropping(component, Scene(Size(640, 480), Size(640, 480), faces=BOXES))
    assert (done.resize, done.cut, done.frame, size) == (resize, cut, frame, (120, 480))


@pytest.mark.parametrize(
    ("url", "shrink"),
    [
        ("c_fill,w_100,h_100,g_face", 6000 / 640),  # at least what is searched, whatever is wanted
        ("c_fill,w_1500,h_1000,g_face", 2),
        ("c_thumb,w_100,h_100,g_face", 4000 / 6 / 200),
        ("c_thumb,w_600,h_600,g_face", 1),
    ],
)
def test_decoding_small_leaves_enough_to_find_faces(url: str, shrink: float) -> None:
    made = plan(parse(f"/{url}/cat"), {AssetRef("cat"): Header("jpeg", 6000, 4000)}, Limits())
    assert made.load.shrink == pytest.approx(shrink)
    assert made.exact


@pytest.mark.parametrize("url", ["c_fill,w_20,h_20,g_face", "l_logo,w_20/c_thumb,w_9,g_faces/fl_layer_apply"])
def test_without_the_extra_the_answer_names_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    headers: dict[SourceRef, Header] = {AssetRef(name): Header("png", 120, 80) for name in ("cat", "logo")}
    with pytest.raises(FacesUnavailable, match=r"image-origin\[faces\]") as caught:
        plan(parse(f"/{url}/cat"), headers, Limits())
    assert caught.value.status == 400
    assert plan(parse("/c_fill,w_20,h_20,g_auto/cat"), headers, Limits()).exact


@pytest.mark.parametrize(
    ("name", "centre"),
    [
        ("photos/bar-portrait-chalkboard-24mp.jpg", (0.505, 0.31)),
        ("formats/png/astronaut-face.png", (0.44, 0.225)),
        ("orientation/other-formats/face-orientation-6.jpg", (0.38, 0.31)),
    ],
)
def test_faces_of_real_pictures(corpus: Path, name: str, centre: tuple[float, float]) -> None:
    """The thumb is what a crop around the known face is."""
    source = corpus / name
    x, y = centre
    thumb = png("/c_thumb,g_face,w_64,h_64", source)
    by_hand = min(
        difference(thumb, png(f"/c_thumb,w_64,h_64,z_{zoom},g_fp:{x}:{y}", source)).mean
        for zoom in (2, 2.4, 2.67, 3, 3.3)
    )
    assert by_hand < 20
