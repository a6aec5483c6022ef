"""What does our way of doing an operation cost beside the same libvips operations written by hand?

Every row is one URL, rendered in this process from the file to the bytes of a JPEG, against a function that
says the same in plain pyvips: load, operate, save. CPU time, interleaved, medians; at most 1.5 is promised.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.support import arguments, corpus, publish
from benchmarks.support.handwork import Hand, compared

VipsImage = Any
Work = Callable[[VipsImage], VipsImage]
PHOTO: Final = "photos/red-panda-10mp.jpg"
WIDTH: Final = 1600


def lightness(image: VipsImage) -> VipsImage:
    return image.colourspace("b-w")


def lookup(curve: Callable[[VipsImage], VipsImage]) -> Work:
    """A curve over 0 to 255 as a table."""
    return lambda image: image.maplut(curve(pyvips.Image.identity()).cast("uchar"))


def scale(dark: tuple[int, ...], light: tuple[int, ...]) -> Work:
    def graded(image: VipsImage) -> VipsImage:
        grey = pyvips.Image.identity() / 255
        bands = [grey * (high - low) + low for low, high in zip(dark, light, strict=True)]
        ramp = bands[0].bandjoin(bands[1:]).cast("uchar")
        return lightness(image).maplut(ramp).copy(interpretation="srgb")

    return graded


def matrix(rows: list[list[float]]) -> Work:
    return lambda image: image.recomb(rows).rint().cast("uchar").copy(interpretation="srgb")


def hue(image: VipsImage) -> VipsImage:
    lch = image.colourspace("lch")
    turned = lch[0].bandjoin([lch[1], (lch[2] + 120) % 360])
    return turned.copy(interpretation="lch").colourspace("srgb")


def stretch(image: VipsImage) -> VipsImage:
    grey = lightness(image)
    low, high = grey.percent(0.5), grey.percent(99.5)
    return lookup(lambda grey: (grey - low) * (255 / (high - low)))(image)


def each_stretched(image: VipsImage) -> VipsImage:
    bands = []
    for band in image.bandsplit():
        low, high = band.percent(0.5), band.percent(99.5)
        table = (pyvips.Image.identity() - low) * (255 / (high - low))
        bands.append(band.maplut(table.cast("uchar")))
    return bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")


def enhanced(image: VipsImage) -> VipsImage:
    return matrix([[1.12, -0.10, -0.02], [-0.03, 1.05, -0.02], [-0.03, -0.10, 1.13]])(
        each_stretched(stretch(image))
    )


def exposed(image: VipsImage) -> VipsImage:
    mean = lightness(image).avg()
    return lookup(lambda grey: ((grey / 255) ** (128 / mean)) * 255)(image)


def colourblind(image: VipsImage) -> VipsImage:
    rows = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    return image.colourspace("scrgb").recomb(rows).copy(interpretation="scrgb").colourspace("srgb")


def denoised(image: VipsImage) -> VipsImage:
    values = image.cast("float")
    mean = values.gaussblur(2, min_ampl=0.1)
    spread = (values * values).gaussblur(2, min_ampl=0.1) - mean * mean
    kept = spread / (spread + 144)
    calm = kept.gaussblur(2, min_ampl=0.1) * values + (mean - kept * mean).gaussblur(2, min_ampl=0.1)
    return calm.rint().cast("uchar").copy(interpretation="srgb")


def unsharp(image: VipsImage) -> VipsImage:
    return (image + (image - image.gaussblur(2, min_ampl=0.02)) * 1.2).cast("uchar")


def pixelated(image: VipsImage, block: int = 8) -> VipsImage:
    small = image.shrink(block, block, ceil=True)
    return small.zoom(block, block).crop(0, 0, image.width, image.height)


def in_region(work: Work) -> Work:
    def done(image: VipsImage) -> VipsImage:
        left, top = image.width // 4, image.height // 4
        part = image.crop(left, top, image.width // 2, image.height // 2)
        return image.insert(work(part), left, top)

    return done


def vignette(image: VipsImage) -> VipsImage:
    place = pyvips.Image.xyz(image.width, image.height)
    way = (place - [image.width / 2, image.height / 2]) / [image.width, image.height]
    reach = (way * way).bandmean() * 2
    return (image * (1 - reach * 0.6)).cast("uchar")


def overlay(image: VipsImage) -> VipsImage:
    place = pyvips.Image.xyz(image.width, image.height)
    alpha = (place[1] * (204 / image.height)).cast("uchar")
    ink = pyvips.Image.black(image.width, image.height, bands=3).bandjoin(alpha)
    return image.composite2(ink.copy(interpretation="srgb"), "over").flatten()


def faded(image: VipsImage) -> VipsImage:
    place = pyvips.Image.xyz(image.width, image.height)
    return image.bandjoin((place[1] * (255 / image.height)).cast("uchar")).flatten(background=255)


def turned(image: VipsImage) -> VipsImage:
    bicubic = pyvips.Interpolate.new("bicubic")
    return image.bandjoin(255).rotate(20, interpolate=bicubic, background=[0] * 4).flatten(background=255)


def cornered(image: VipsImage) -> VipsImage:
    box = pyvips.Image.sdf(
        image.width, image.height, "rounded-box", a=[0, 0], b=[image.width, image.height], corners=[40] * 4
    )
    return image.bandjoin((box * -255).cast("uchar")).flatten(background=255)


def hexagonal(image: VipsImage) -> VipsImage:
    points = " ".join(
        f"{image.width / 2 + image.height / 2 * x:.2f},{image.height / 2 * (1 + y):.2f}"
        for x, y in ((0, -1), (0.866, -0.5), (0.866, 0.5), (0, 1), (-0.866, 0.5), (-0.866, -0.5))
    )
    svg = f'<svg width="{image.width}" height="{image.height}"><polygon points="{points}"/></svg>'
    drawn = pyvips.Image.svgload_buffer(svg.encode())
    return image.bandjoin(drawn[3]).flatten(background=255)


def shadowed(image: VipsImage) -> VipsImage:
    width, height = image.width + 72, image.height + 72
    mask = (pyvips.Image.black(image.width, image.height) + 102).cast("uchar")
    mask = mask.embed(36, 44, width, height).gaussblur(12, min_ampl=0.02)
    cast = pyvips.Image.black(width, height, bands=3).bandjoin(mask).copy(interpretation="srgb")
    return cast.composite2(image.bandjoin(255), "over", x=36, y=36).flatten(background=255)


def framed(image: VipsImage) -> VipsImage:
    return image.embed(
        20, 20, image.width + 40, image.height + 40, extend="background", background=[0, 0, 128]
    )


def padded_with(behind: Callable[[VipsImage, int, int], VipsImage]) -> Work:
    def done(image: VipsImage) -> VipsImage:
        width, height = 2000, 1100
        small = image.thumbnail_image(width, height=height)
        plane = behind(small, width, height)
        return plane.insert(small, (width - small.width) // 2, (height - small.height) // 2)

    return done


def blurred_behind(image: VipsImage, width: int, height: int) -> VipsImage:
    cover = image.thumbnail_image(width // 20, height=height // 20, crop="centre").gaussblur(4, min_ampl=0.02)
    return cover.resize(width / cover.width, vscale=height / cover.height).crop(0, 0, width, height)


def gradient_behind(image: VipsImage, width: int, height: int) -> VipsImage:  # noqa: ARG001
    way = pyvips.Image.xyz(width, height)[1] / height
    return ((1 - way) * 255).bandjoin([way * 0, way * 255]).cast("uchar").copy(interpretation="srgb")


def colour_behind(image: VipsImage, width: int, height: int) -> VipsImage:
    colour = image.crop(0, 0, image.width, 20).thumbnail_image(1, height=1, size="force").getpoint(0, 0)
    return (pyvips.Image.black(width, height) + colour).cast("uchar").copy(interpretation="srgb")


def lettered(image: VipsImage) -> VipsImage:
    """A caption in the middle of the lower edge."""
    text = pyvips.Image.text(
        '<span foreground="#ffffff">A quiet evening by the lake</span>',
        font="DejaVu Sans, Bold 64",
        dpi=72,
        rgba=True,
    ).copy_memory()
    x, y = (image.width - text.width) // 2, image.height - text.height - 40
    under = image.crop(x, y, text.width, text.height)
    mixed = under.composite2(text.copy(interpretation="srgb"), "over").flatten().cast("uchar")
    return image.insert(mixed, x, y)


ROWS: Final[dict[str, Work]] = {
    "w_800": lambda image: image.resize(800 / image.width),
    "r_90": lambda image: image.rot90(),
    "flip_h": lambda image: image.fliphor(),
    "a_20,b_white": turned,
    "e_auto_brightness": exposed,
    "e_auto_color": each_stretched,
    "e_auto_contrast": stretch,
    "e_enhance": enhanced,
    "e_brightness:20": lambda image: image.linear(1, 51, uchar=True),
    "e_contrast:30": lambda image: image.linear(1.6, -76, uchar=True),
    "e_gamma:1.5": lambda image: image.gamma(exponent=1.5).cast("uchar"),
    "e_saturation:40": matrix([[1.3, -0.28, -0.03], [-0.08, 1.11, -0.03], [-0.08, -0.28, 1.37]]),
    "e_hue:120": hue,
    "e_tint:40:navy": lambda image: image.linear([0.6] * 3, [0, 0, 51], uchar=True),
    "e_grayscale": lightness,
    "e_sepia": matrix([[0.51, 0.61, 0.15], [0.28, 0.75, 0.13], [0.22, 0.43, 0.30]]),
    "e_monochrome:teal": scale((0, 0, 0), (0, 128, 128)),
    "e_duotone:midnightblue:gold": scale((25, 25, 112), (255, 215, 0)),
    "e_blackwhite": lambda image: lightness(image) > 127,
    "e_negate": lambda image: image.invert(),
    "e_colorblind": colourblind,
    "e_colorblind_assist": colourblind,
    "e_denoise": denoised,
    "e_blur:3": lambda image: image.gaussblur(3, min_ampl=0.02),
    "e_blur:30": lambda image: image.gaussblur(30, min_ampl=0.02),
    "e_sharpen": lambda image: image.sharpen(sigma=0.8, x1=1, m1=0, m2=3),
    "e_unsharp:2:120": unsharp,
    "e_pixelate:8": pixelated,
    "e_blur_region:0.25:0.25:0.5:0.5:3": in_region(lambda image: image.gaussblur(3, min_ampl=0.02)),
    "e_pixelate_region:0.25:0.25:0.5:0.5:8": in_region(pixelated),
    "e_vignette": vignette,
    "e_gradient:black": overlay,
    "e_fade": faded,
    "rad_40": cornered,
    "mask_hexagon": hexagonal,
    "e_shadow": shadowed,
    "pad_20,b_navy": framed,
    "bo_20px_solid_navy": framed,
    "l_text:DejaVu%20Sans_64_bold:A%20quiet%20evening%20by%20the%20lake,co_white,g_south,y_40": lettered,
    "c_pad,w_2000,h_1100,b_auto": padded_with(colour_behind),
    "c_pad,w_2000,h_1100,b_blurred": padded_with(blurred_behind),
    "c_pad,w_2000,h_1100,b_gradient:red:blue": padded_with(gradient_behind),
}


def from_file(work: Work) -> Hand:
    return lambda path: work(pyvips.Image.new_from_file(path, fail_on="error").copy_memory())


def main() -> None:
    parser = arguments(__doc__, rounds=9)
    parser.add_argument("--only", default="", help="rows whose URL holds this")
    options = parser.parse_args()
    rows = {url: from_file(work) for url, work in ROWS.items()}
    with TemporaryDirectory() as folder:
        photo = Path(folder, f"{WIDTH} px.jpg")
        pyvips.Image.thumbnail(str(corpus() / PHOTO), WIDTH).jpegsave(str(photo), Q=90, keep="none")
        report = compared("effects", photo, rows, "effects, edges and layers", options)
    publish(report, options)


if __name__ == "__main__":
    main()
