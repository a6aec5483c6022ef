"""Cloudinary's documented examples give the same sizes and the same parts of the picture.

From its transformation reference; the letters are translated where ours differ (``c_crop`` begins at the top
left here). ``camera-640`` is 640x427, ``camera-100`` 100x67, ``camera`` 1280x853.
"""

from __future__ import annotations

import pytest

from origin.imaging.geometry import Box, Size, Smart
from origin.imaging.model import Header, Limits
from origin.imaging.plan import plan
from origin.imaging.shape import Shape
from urlspec.parse import parse
from urlspec.sources import AssetRef, SourceRef

SMALL, MEDIUM, LARGE = (100, 67), (640, 427), (1280, 853)


def shape(url: str, picture: tuple[int, int]) -> Shape:
    made = plan(parse(f"/{url}/cat"), {AssetRef("cat"): Header("jpeg", *picture)}, Limits())
    (step,) = made.steps
    assert isinstance(step, Shape)
    return step


@pytest.mark.parametrize(
    ("url", "picture", "size"),
    [
        ("c_scale,w_150", MEDIUM, (150, 100)),
        ("c_scale,h_150,w_150", MEDIUM, (150, 150)),
        ("c_scale,w_0.5", MEDIUM, (320, 214)),
        ("c_fit,h_150,w_150", MEDIUM, (150, 100)),
        ("c_fit,h_900,w_900", MEDIUM, (900, 600)),
        ("c_limit,h_150,w_150", MEDIUM, (150, 100)),
        ("c_limit,h_900,w_900", MEDIUM, (640, 427)),
        ("c_mfit,h_20,w_20", MEDIUM, (640, 427)),
        ("c_mfit,h_150,w_150", SMALL, (150, 101)),
        ("c_fill,h_150,w_150", MEDIUM, (150, 150)),
        ("c_fill,ar_16:9,w_320", MEDIUM, (320, 180)),
        ("c_lfill,h_150,w_150", MEDIUM, (150, 150)),
        ("c_lfill,h_900,w_900", MEDIUM, (640, 427)),
        ("c_fill_pad,g_auto,h_150,w_25", MEDIUM, (25, 150)),
        ("c_fill_pad,g_auto,h_400,w_80", LARGE, (80, 400)),
        ("c_auto,g_auto,ar_16:9,h_150", MEDIUM, (267, 150)),
        ("c_auto_pad,g_auto,h_160,w_300", MEDIUM, (300, 160)),
        ("c_crop,g_south,h_150,w_200", MEDIUM, (200, 150)),
        ("c_crop,x_0.25,y_0.25,w_0.5,h_0.5", LARGE, (640, 427)),
        ("c_thumb,g_face,h_150,w_150", MEDIUM, (150, 150)),
        ("c_thumb,g_face,h_150,w_150,z_0.75", MEDIUM, (150, 150)),
        ("c_pad,h_150,w_150,b_black", MEDIUM, (150, 150)),
        ("c_lpad,h_150,w_400,b_green", MEDIUM, (400, 150)),
        ("c_lpad,ar_1.0,w_1.1,b_green", MEDIUM, (704, 704)),
        ("c_mpad,h_20,w_20", MEDIUM, (640, 427)),
        ("c_mpad,h_150,w_150,b_green", SMALL, (150, 150)),
        ("w_120,h_80,c_fill,dpr_2.0", LARGE, (240, 160)),
        ("bo_60px_solid_rgb:00390b60", MEDIUM, (760, 547)),
    ],
)
def test_sizes(url: str, picture: tuple[int, int], size: tuple[int, int]) -> None:
    assert shape(url, picture).leaving == size


@pytest.mark.parametrize(
    ("url", "picture", "resize", "cut", "frame"),
    [
        ("c_fill,h_150,w_150", MEDIUM, (225, 150), Box(38, 0, 150, 150), None),
        ("c_fill,g_east,h_150,w_150", MEDIUM, (225, 150), Box(75, 0, 150, 150), None),
        ("c_lfill,h_150,w_900", MEDIUM, None, Box(0, 139, 640, 150), None),
        ("c_fill_pad,h_150,w_25", MEDIUM, (38, 25), Smart(Size(25, 25), "attention"), Box(0, 63, 25, 25)),
        ("c_fill_pad,h_150,w_200", MEDIUM, (225, 150), Smart(Size(200, 150), "attention"), None),
        ("c_auto,ar_16:9,h_150", MEDIUM, (267, 178), Smart(Size(267, 150), "attention"), None),
        ("c_pad,h_150,w_150", MEDIUM, (150, 100), None, Box(0, 25, 150, 100)),
        ("c_pad,h_150,w_150,g_south", MEDIUM, (150, 100), None, Box(0, 50, 150, 100)),
        ("c_lpad,h_150,w_400", MEDIUM, (225, 150), None, Box(88, 0, 225, 150)),
        ("c_lpad,ar_1.0,w_1.1", MEDIUM, None, None, Box(32, 139, 640, 427)),
        ("c_mpad,h_150,w_150", SMALL, None, None, Box(25, 42, 100, 67)),
        ("c_mpad,h_150,w_150,g_north_west", SMALL, None, None, Box(0, 0, 100, 67)),
        ("c_mpad,h_150,w_50", SMALL, None, None, Box(0, 42, 100, 67)),
    ],
)
def test_parts(
    url: str,
    picture: tuple[int, int],
    resize: tuple[int, int] | None,
    cut: Box | Smart | None,
    frame: Box | None,
) -> None:
    found = shape(url, picture)
    assert (found.resize, found.cut, found.frame) == (resize, cut, frame)
    assert found.region is None


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("c_crop,g_center,h_150,w_200", Box(220, 139, 200, 150)),  # its default
        ("c_crop,g_south,h_150,w_200", Box(220, 277, 200, 150)),
        ("c_crop,x_355,y_410,h_17,w_300", Box(355, 410, 285, 17)),
        ("c_crop,g_north_east,x_10,y_20,h_100,w_100", Box(530, 20, 100, 100)),
        ("c_crop,g_xy_center,x_320,y_200,h_100,w_100", Box(270, 150, 100, 100)),
        ("c_crop,g_auto,h_150,w_200", Smart(Size(200, 150), "attention")),
        ("c_thumb,g_center,h_150,w_150", Box(107, 0, 427, 427)),
        ("c_thumb,g_north_east,h_150,w_150,z_2", Box(426, 0, 214, 214)),
        ("c_auto,g_center,h_150,w_150,z_2", Box(213, 107, 214, 214)),
        ("c_auto,g_center,h_150,w_150,z_9", Box(245, 139, 150, 150)),
        ("c_auto,g_center,h_500,w_500,z_9", Box(107, 0, 427, 427)),
    ],
)
def test_regions(url: str, region: Box | Smart) -> None:
    assert shape(url, MEDIUM).region == region


@pytest.mark.parametrize(
    ("url", "size"),
    [
        # Turning and cutting; its a_ holds our r_ and flip_.
        ("a_90", (427, 640)),
        ("a_-90", (427, 640)),
        ("a_hflip", MEDIUM),
        ("w_300,h_200,c_fill,a_20", (350, 291)),
        ("rad_max,ar_1:1,c_fill,w_200", (200, 200)),  # its r_max
        ("c_fill,w_200,h_200,rad_20:0:40:40", (200, 200)),
        # Colour and detail change no size, and neither do layers, which are clipped.
        *(
            (f"w_300,e_{effect}", (300, 200))
            for effect in (
                "blur:10", "blur_region:20:20:90:60", "sharpen:1", "unsharp", "pixelate:8",
                "pixelate_region:20:20:90:60:6", "brightness:-30", "contrast:50", "saturation:-70", "hue:40",
                "gamma:1.5", "auto_brightness", "auto_color", "auto_contrast", "sepia:50", "grayscale",
                "negate", "blackwhite:40", "tint:60:navy", "vignette:30", "fade:30", "colorblind:protanopia",
                "colorblind_assist", "trim:10",
            )
        ),
        ("c_scale,w_500/l_logo,w_0.3,g_south_east,x_10,y_10", (500, 334)),
        ("c_scale,w_500/l_logo/c_fill,w_100,h_100,rad_max/fl_layer_apply,g_north", (500, 334)),
        ("c_scale,w_500/l_logo,fl_tiled,o_50", (500, 334)),
        ("c_scale,w_500/u_logo,w_1.0", (500, 334)),
        ("c_scale,w_500/l_logo,e_multiply", (500, 334)),
        ("c_scale,w_500/l_text:Arial_80_bold:Flowers,co_rgb:ffff00", (500, 334)),
        # What lies outside adds to the size.
        ("w_300,bo_4px_solid_black", (308, 208)),
        ("c_pad,w_300,h_300,b_blurred", (300, 300)),
        ("c_pad,w_300,h_300,b_auto:predominant", (300, 300)),
    ],
)  # fmt: skip
def test_sizes_of_effects_and_layers(url: str, size: tuple[int, int]) -> None:
    logo = Header("png", 200, 100, has_alpha=True, bands=4)
    headers: dict[SourceRef, Header] = {AssetRef("cat"): Header("jpeg", *MEDIUM), AssetRef("logo"): logo}
    assert plan(parse(f"/{url}/cat"), headers, Limits()).size == size
