"""For every declaration of the URL language, a small picture of what it does: where it lies, in which colour.

The card is 120 x 80: quarters red, green, blue and yellow, and a white block of 30 x 20 in the middle. A row
says what a chain makes of it; most are asked of an animation too, whose every frame has to look as it does
alone. A declaration without a row, or without a word why it has none, fails a test by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from origin.imaging.model import Rendered
from tests.support.pictures import BLUE, GREEN, RED, WHITE, YELLOW, Colour, header
from urlspec import arguments as a
from urlspec import outputs as o
from urlspec.declare import Argument

DOT: Final = (200, 0, 200)
"""The layer of these examples: 20 x 10 pixels of one colour."""
BLACK, LIME, NAVY, BRIGHT = (0, 0, 0), (0, 255, 0), (0, 0, 128), (255, 255, 255)
MIXED: Final = (155, 131, 89)
"""Of the tile 40 x 40 from 40, 0: red and green beside it, and a part of the white block."""
FULL: Final = (120, 80)


@dataclass(frozen=True)
class Row:
    """A chain, the size that comes out, and colours at places (negative ones: from the right, the bottom)."""

    chain: str
    size: tuple[int, int]
    places: dict[tuple[int, int], Colour] = field(default_factory=dict)
    holds: Callable[[Rendered], bool] = lambda made: True
    """What besides must be true of the answer."""
    source: str = "card"
    tolerance: int = 3


def gray(level: int) -> Colour:
    return (level, level, level)


def has(name: str) -> Callable[[Rendered], bool]:
    """Whether the file carries a field of libvips' naming."""
    return lambda made: bool(header(made.body).get_typeof(name))


def lacks(name: str) -> Callable[[Rendered], bool]:
    return lambda made: not has(name)(made)


STILL: Final[dict[type[Argument], tuple[Row, ...]]] = {
    # What is composed
    a.Preset: (Row("t_half:lime", (80, 60), {(0, 0): LIME, (12, 12): RED}),),
    a.Layer: (
        Row("l_dot,g_north_west,x_5,y_5", FULL, {(4, 5): RED, (5, 5): DOT, (24, 14): DOT, (25, 14): RED}),
        Row("l_dot,g_south_east,x_0.5", FULL, {(59, -1): DOT, (60, -1): YELLOW, (39, -1): BLUE}),
    ),
    a.Underlay: (Row("u_dot,c_scale,w_1.0,h_1.0", FULL, {(5, 5): RED, (100, 40): DOT}, source="glass"),),
    a.TextColour: (Row("l_text:DejaVu%20Sans_60:%E2%96%88,co_lime", FULL, {(60, 40): LIME, (2, 2): RED}),),
    a.LayerApply: (
        Row("l_dot/r_90/fl_layer_apply,g_north_west", FULL, {(9, 19): DOT, (10, 5): RED, (5, 20): RED}),
    ),
    a.Blend: (
        Row("l_dot,e_difference,g_north_west", FULL, {(5, 5): (20, 40, 160), (25, 5): RED}),
        Row("l_dot,e_multiply,g_south_west", FULL, {(5, -5): (31, 0, 165), (5, 60): BLUE}),
    ),
    a.Tiled: (
        Row("l_dot,fl_tiled", FULL, dict.fromkeys([(0, 0), (-1, 0), (0, -1), (-1, -1)], DOT)),
        Row("l_dot,fl_tiled,x_20,y_10", FULL, {(0, 0): DOT, (20, 0): RED, (0, 10): RED, (40, 20): DOT}),
    ),
    # Turn, size and place
    a.Rotate: (
        Row("r_90", (80, 120), {(3, 3): BLUE, (-4, 3): RED}),
        Row("r_90,w_40", (40, 60), {(3, 3): BLUE, (-4, -4): GREEN}),
    ),
    a.Flip: (Row("flip_h", FULL, {(3, 3): GREEN}), Row("flip_v", FULL, {(3, 3): BLUE})),
    a.Angle: (Row("a_45", (141, 141), {(0, 0): (*BLACK, 0), (70, 20): (*RED, 255), (20, 70): (*BLUE, 255)}),),
    a.Trim: (Row("pad_10,b_black/e_trim:10", FULL, {(0, 0): RED, (-1, -1): YELLOW}),),
    a.Crop: (
        Row("c_scale,w_40,h_80", (40, 80), {(0, 0): RED, (-1, -1): YELLOW, (20, 40): WHITE}),
        Row("c_pad,w_60,h_60,b_lime", (60, 60), {(0, 9): LIME, (2, 12): RED}),
    ),
    a.Width: (Row("w_60", (60, 40), {(1, 1): RED, (-2, -2): YELLOW}),),
    a.Height: (Row("h_20", (30, 20), {(1, 1): RED, (-2, -2): YELLOW}),),
    a.AspectRatio: (Row("c_fill,ar_1:1", (80, 80), {(2, 2): RED, (-3, 2): GREEN}),),
    a.MinWidth: (Row("w_30,h_10,mw_30", (30, 10), {(1, 1): RED, (-2, -2): YELLOW}),),
    a.MinHeight: (Row("w_30,h_30,mh_30", (30, 30), {(1, 1): RED, (1, -2): BLUE}),),
    a.Gravity: (
        Row("c_crop,w_10,h_10,g_south_east", (10, 10), {(0, 0): YELLOW, (9, 9): YELLOW}),
        Row("c_fill,w_20,h_80,g_east", (20, 80), {(0, 0): GREEN, (0, 79): YELLOW}),
    ),
    a.X: (Row("c_crop,w_10,h_10,x_60", (10, 10), {(0, 0): GREEN}),),
    a.Y: (Row("c_crop,w_10,h_10,y_0.5", (10, 10), {(0, 0): BLUE}),),
    a.Zoom: (Row("c_thumb,w_10,h_10,z_10", (10, 10), {(1, 1): WHITE, (-2, -2): WHITE}),),
    a.Dpr: (Row("w_30,pad_5,b_lime,dpr_2", (80, 60), {(9, 9): LIME, (12, 12): RED}),),
    # What is found in the picture
    a.AutoBrightness: (Row("e_auto_brightness", FULL, {(5, 5): gray(114)}, source="dark"),),
    a.AutoColour: (Row("e_auto_color", FULL, {(5, 5): gray(27), (-5, 5): gray(225)}, source="cast"),),
    a.AutoContrast: (Row("e_auto_contrast", FULL, {(5, 5): BLACK, (-5, 5): BRIGHT}, source="dull"),),
    a.Enhance: (Row("e_enhance", FULL, {(5, 5): gray(10), (-5, 5): gray(242)}, source="dull"),),
    # Tone and colour
    a.Brightness: (Row("e_brightness:20", FULL, {(5, 5): (255, 91, 91)}),),
    a.Contrast: (Row("e_contrast:-100", FULL, {(5, 5): gray(128)}),),
    a.Gamma: (Row("e_gamma:2", FULL, {(5, 5): (237, 101, 101)}),),
    a.Saturation: (Row("e_saturation:-100", FULL, {(5, 5): gray(78)}),),
    a.Hue: (Row("e_hue:120", FULL, {(5, 5): (0, 139, 51), (60, 40): WHITE}),),
    a.Tint: (Row("e_tint:40:navy", FULL, {(5, 5): (132, 24, 75), (60, 40): (150, 150, 201)}),),
    a.Grayscale: (Row("e_grayscale", FULL, {(5, 5): (114,), (60, 40): (250,)}),),
    a.Sepia: (Row("e_sepia:100", FULL, {(5, 5): (125, 111, 87)}),),
    a.Monochrome: (Row("e_monochrome:red", FULL, {(0, 0): (255, 76, 76), (60, 40): (255, 246, 246)}),),
    a.Duotone: (Row("e_duotone:navy:lime", FULL, {(5, 5): (0, 114, 71), (60, 40): (0, 250, 3)}),),
    a.BlackWhite: (Row("e_blackwhite", FULL, {(60, 40): (255,), (5, 5): (0,)}),),
    a.Negate: (Row("e_negate", FULL, {(5, 5): (35, 215, 215), (60, 40): gray(5)}),),
    a.ColorblindAssist: (Row("e_colorblind_assist", FULL, {(5, 5): (255, 40, 0), (60, 40): WHITE}),),
    a.Colorblind: (
        Row("e_colorblind:achromatopsia", FULL, {(5, 5): gray(114), (60, 40): WHITE}),
        Row("e_colorblind", FULL, {(60, 40): WHITE}),
    ),
    # Detail
    a.Denoise: (Row("e_denoise:60", FULL, {(20, 20): gray(100), (80, 20): gray(200)}, source="speck"),),
    a.Blur: (
        Row("e_blur:5", FULL, {(59, 5): (135, 98, 49), (60, 5): (121, 108, 50), (20, 5): RED}, tolerance=5),
    ),
    a.Sharpen: (
        Row("e_sharpen:1:3", FULL, {(59, 5): gray(54), (60, 5): gray(177), (5, 5): gray(100)}, source="edge"),
    ),
    a.Unsharp: (
        Row(
            "e_unsharp:2:100", FULL, {(59, 5): gray(79), (60, 5): gray(169), (5, 5): gray(100)}, source="edge"
        ),
    ),
    a.Pixelate: (
        Row("e_pixelate:50", FULL, {(51, 1): (76, 138, 55), (99, 49): (76, 138, 55)}, tolerance=60),
    ),
    a.BlurRegion: (
        Row(
            "e_blur_region:50:0:20:20:20", FULL, {(60, 10): (138, 118, 68), (59, 70): BLUE, (60, 70): YELLOW}
        ),
    ),
    a.PixelateRegion: (
        Row(
            "e_pixelate_region:50:0:20:20:20",
            FULL,
            {(50, 0): (130, 105, 50), (69, 19): (130, 105, 50), (49, 0): RED},
        ),
    ),
    a.Vignette: (Row("e_vignette:100", FULL, {(0, 0): BLACK, (60, 40): WHITE}),),
    a.GradientOverlay: (Row("e_gradient:black:100:down:0", FULL, {(0, 0): RED, (0, -1): BLACK}),),
    a.Fade: (Row("e_fade:50", FULL, {(0, 0): (*RED, 255), (0, 59): (*BLUE, 132), (0, -1): (*BLUE, 0)}),),
    # Shape and edge
    a.CornerRadius: (Row("rad_20", FULL, {(0, 0): (*RED, 0), (20, 1): (*RED, 255)}),),
    a.Mask: (
        Row("mask_circle", FULL, {(15, 40): (*BLUE, 0), (60, 1): (*GREEN, 255), (60, 40): (*WHITE, 255)}),
    ),
    a.Shadow: (Row("e_shadow:10:0:0:navy:100", (130, 80), {(-1, 5): (*NAVY, 255), (-11, 5): (*GREEN, 255)}),),
    a.Padding: (
        Row("pad_1:2:3:4,b_lime", (126, 84), {(0, 0): LIME, (3, 1): LIME, (4, 1): RED, (-3, -4): YELLOW}),
    ),
    a.Border: (Row("bo_5px_solid_navy", (130, 90), {(4, 4): NAVY, (5, 5): RED, (-5, -5): NAVY}),),
    a.Background: (Row("b_lime", FULL, {(5, 5): RED, (100, 40): LIME}, source="glass"),),
    a.Opacity: (Row("o_50", FULL, {(5, 5): (*RED, 128)}),),
    # How it is written
    o.Page: (
        Row("pg_1,f_png", FULL, {(3, 3): RED}, source="film"),
        Row("pg_2,f_png", FULL, {(3, 3): GREEN}, source="film"),
    ),
    o.Density: (
        Row("dn_72,f_png", FULL, {(5, 5): RED}, source="drawing"),
        Row("dn_144,f_png", (240, 160), {(5, 5): RED}, source="drawing"),
    ),
    o.Format: (
        Row("f_webp,q_lossless", FULL, {(3, 3): RED}, lambda made: made.format == "webp"),
        Row("f_jpg", FULL, {(3, 3): RED}, lambda made: made.format == "jpeg", tolerance=6),
    ),
    o.Quality: (
        Row("f_jpg,q_100:444", FULL, {(3, 3): RED}, lambda made: len(made.body) > 1_500, tolerance=1),
        Row("f_jpg,q_5", FULL, {}, lambda made: len(made.body) < 1_500),
    ),
    o.MaxBytes: (Row("f_jpg,q_100,mb_1500", FULL, {}, lambda made: len(made.body) <= 1_500),),
    o.Progressive: (Row("f_jpg,fl_progressive", FULL, {(3, 3): RED}, has("interlaced"), tolerance=6),),
    o.ColourSpace: (
        Row("cs_p3,f_png", FULL, {(5, 5): (230, 20, 20)}, has("icc-profile-data"), source="wide"),
        Row("f_png", FULL, {(5, 5): (255, 0, 0)}, lacks("icc-profile-data"), source="wide", tolerance=25),
    ),
    o.Hdr: (
        Row("f_jpg", FULL, {}, has("gainmap-data"), source="shining"),
        Row("f_jpg,hdr_off", FULL, {}, lacks("gainmap-data"), source="shining"),
    ),
    o.Metadata: (
        Row("meta_all,w_60", (60, 40), {(1, 1): RED}, has("exif-ifd0-Artist"), source="signed"),
        Row("w_60", (60, 40), {(1, 1): RED}, lacks("exif-ifd0-Artist"), source="signed"),
    ),
}

SERVED: Final[dict[type[Argument], tuple[str, tuple[str, str]]]] = {
    o.Fallback: ("/w_16,d_{logo}/none", ("X-Fallback", "not_found")),
    o.Download: (
        "/dl_a.jpg,w_16/{card}",
        ("Content-Disposition", "attachment; filename=\"a.jpg\"; filename*=UTF-8''a.jpg"),
    ),
    o.Version: ("/v_1,w_16/{card}", ("Cache-Control", "public, max-age=31536000, immutable")),
    o.Raw: ("/raw_1/{card}", ("Content-Type", "image/jpeg")),
}
"""Those that are about the answer and not about pixels: a path, and a header that has to be said."""

TOGETHER: Final[dict[type[Argument], Colour]] = {
    a.Trim: gray(120),
    a.AutoBrightness: gray(154),
    a.AutoColour: (104, 125, 134),
    a.AutoContrast: gray(128),
    a.Enhance: gray(125),
}
"""What is looked for in all frames together, so that an animation does not flicker: what becomes of a frame
that is grey 120 all over and would be something else alone."""

STILL_ONLY: Final[dict[type[Argument], str]] = {
    o.Page: "it makes a still of an animation",
    o.Density: "no drawing and no document is an animation",
    o.MaxBytes: "its row is a JPEG; animations under a ceiling are in test_formats",
    o.Progressive: "JPEG and PNG hold one picture",
    o.ColourSpace: "its rows are PNG",
    o.Hdr: "only a JPEG has a gain map",
}
"""Declarations whose rows say nothing of animations, and why."""
