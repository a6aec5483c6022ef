"""Small pictures the tests make, and ways to look at what became of them.

The card is the one to start with: four quarters and a centre of different colours, so that a crop, a turn or
a flip shows in which colour lies where. Every function is deterministic and cached; the bytes are the same
in one run, not between versions of libvips.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import pyvips
from numpy.typing import NDArray

VipsImage = Any
"""A ``pyvips.Image``: the library has no types."""

Colour = tuple[int, ...]

RED: Colour = (220, 40, 40)
GREEN: Colour = (40, 170, 60)
BLUE: Colour = (40, 70, 210)
YELLOW: Colour = (235, 205, 40)
WHITE: Colour = (250, 250, 250)

NORTH_WEST, NORTH_EAST, SOUTH_WEST, SOUTH_EAST, CENTRE = RED, GREEN, BLUE, YELLOW, WHITE
"""The card's colours by place: the quarters, and a block of a quarter of the side in the middle."""


class Difference(NamedTuple):
    """Absolute difference of two pictures over all pixels and bands, in steps of 0 to 255."""

    max: int
    mean: float


# Making -----------------------------------------------------------------------------------------------


def card_image(width: int = 120, height: int = 80) -> VipsImage:
    """The card as a libvips picture: sRGB, 8 bit, 3 bands."""
    pixels = np.empty((height, width, 3), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    pixels[:middle_y, :middle_x] = NORTH_WEST
    pixels[:middle_y, middle_x:] = NORTH_EAST
    pixels[middle_y:, :middle_x] = SOUTH_WEST
    pixels[middle_y:, middle_x:] = SOUTH_EAST
    around_x, around_y = width // 8, height // 8
    pixels[middle_y - around_y : middle_y + around_y, middle_x - around_x : middle_x + around_x] = CENTRE
    return _image(pixels)


@functools.cache
def card(width: int = 120, height: int = 80, suffix: str = ".png", **save: Any) -> bytes:
    """The card in the format of ``suffix``; ``save`` are the saver's options (``Q=90, lossless=True``)."""
    return _save(card_image(width, height), suffix, **_sharp(suffix, save))


@functools.cache
def oriented(orientation: int, width: int = 120, height: int = 80, suffix: str = ".jpg") -> bytes:
    """A file that *shows* the upright card of ``width`` x ``height`` to whom honours its EXIF orientation.

    The stored pixels are turned or mirrored the other way: for 5 to 8 they are ``height`` x ``width``.
    """
    undo = {
        1: lambda image: image,
        2: lambda image: image.fliphor(),
        3: lambda image: image.rot180(),
        4: lambda image: image.flipver(),
        5: lambda image: image.rot90().fliphor(),
        6: lambda image: image.rot270(),
        7: lambda image: image.rot270().fliphor(),
        8: lambda image: image.rot90(),
    }
    image = undo[orientation](card_image(width, height)).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return _save(image, suffix, **_sharp(suffix, {}))


@functools.cache
def transparent(width: int = 120, height: int = 80, suffix: str = ".png") -> bytes:
    """The card with its right half gone (alpha 0), and a column of alpha 128 in front of that half."""
    alpha = np.full((height, width, 1), 255, np.uint8)
    alpha[:, width // 2 :] = 0
    alpha[:, width // 2 - 1] = 128
    return _save(card_image(width, height).bandjoin(_image(alpha)), suffix, **_sharp(suffix, {}))


@functools.cache
def animated(
    frames: int = 3, width: int = 40, height: int = 30, suffix: str = ".gif", delay: int = 100, loop: int = 0
) -> bytes:
    """``frames`` plain frames, each of its own colour (:func:`frame_colour`), ``delay`` milliseconds each."""
    strips = [_plain(width, height, frame_colour(index)) for index in range(frames)]
    image = pyvips.Image.arrayjoin(strips, across=1).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", height)
    image.set_type(pyvips.GValue.array_int_type, "delay", [delay] * frames)
    image.set_type(pyvips.GValue.gint_type, "loop", loop)
    return _save(image, suffix, **({"lossless": True} if suffix == ".webp" else {}))


def frame_colour(index: int) -> Colour:
    """The colour of frame ``index`` of :func:`animated`, different for the first 60."""
    return (20 + index * 67 % 220, 20 + index * 131 % 220, 20 + index * 29 % 220)


@functools.cache
def png16(width: int = 120, height: int = 80) -> bytes:
    """The card as a PNG of 16 bits a band."""
    image = (card_image(width, height).cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    return _save(image, ".png", bitdepth=16)


@functools.cache
def cmyk(width: int = 120, height: int = 80) -> bytes:
    """The card as a CMYK JPEG with libvips' own CMYK profile."""
    profiled = card_image(width, height).icc_transform("cmyk", input_profile="srgb")
    return _save(profiled, ".jpg", Q=95, profile="cmyk")


@functools.cache
def grayscale(width: int = 120, height: int = 80, suffix: str = ".jpg") -> bytes:
    """The card in one band."""
    return _save(card_image(width, height).colourspace("b-w"), suffix, **_sharp(suffix, {}))


@functools.cache
def progressive(width: int = 120, height: int = 80) -> bytes:
    """The card as a progressive JPEG."""
    return card(width, height, ".jpg", interlace=True)


@functools.cache
def noise(width: int = 120, height: int = 80, suffix: str = ".jpg", seed: int = 7) -> bytes:
    """A picture that does not compress, for tests that need bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return _save(_image(pixels), suffix)


@functools.cache
def plain(width: int, height: int, colour: Colour, suffix: str = ".png") -> bytes:
    """One colour all over."""
    return _save(_plain(width, height, colour), suffix, **_sharp(suffix, {}))


def _plain(width: int, height: int, colour: Colour) -> VipsImage:
    return _image(np.full((height, width, len(colour)), colour, np.uint8))


def _image(pixels: NDArray[np.uint8]) -> VipsImage:
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, bands, "uchar")
    return image.copy(interpretation="b-w" if bands < 3 else "srgb")


def _save(image: VipsImage, suffix: str, **options: Any) -> bytes:
    encoded: bytes = image.write_to_buffer(suffix, **options)
    return encoded


def _sharp(suffix: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options that keep the colours of the card and its edges, under those the caller gives."""
    keep: dict[str, dict[str, Any]] = {
        ".jpg": {"Q": 95, "subsample_mode": "off"},
        ".webp": {"lossless": True},
        ".avif": {"Q": 90, "subsample_mode": "off", "effort": 0},
    }
    return keep.get(suffix, {}) | options


# Looking ----------------------------------------------------------------------------------------------


def decode(data: bytes, page: int = 0, orient: bool = True) -> NDArray[np.uint8]:
    """Pixels as ``[y, x, band]``: sRGB or grey, 8 bit, alpha as the last band if there is one; upright."""
    image = pyvips.Image.new_from_buffer(data, f"[page={page}]" if page else "", fail_on="error")
    if orient:
        image = image.autorot()
    if image.interpretation in ("cmyk", "rgb16", "grey16", "lab"):
        image = image.icc_transform("srgb") if image.interpretation == "cmyk" else image.colourspace("srgb")
    pixels: NDArray[np.uint8] = image.cast("uchar").numpy()
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]


def pixel(data: bytes, x: int, y: int, page: int = 0) -> Colour:
    """The colour at ``x``, ``y``; negative numbers count from the right and the bottom."""
    return tuple(int(value) for value in decode(data, page)[y, x])


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height as shown (EXIF orientation honoured), of one frame."""
    image = header(data)
    turned = image.get("orientation") >= 5 if image.get_typeof("orientation") else False
    return (image.height, image.width) if turned else (image.width, image.height)


def header(data: bytes) -> VipsImage:
    """The opened file, no pixels read: ``.get("n-pages")``, ``.get_fields()`` and so on."""
    return pyvips.Image.new_from_buffer(data, "")


def format_of(data: bytes) -> str:
    """``jpg png webp avif gif tiff jxl bmp ico heic``, from the bytes' own beginning."""
    if data[4:12] == b"ftypavif":
        return "avif"
    if data[4:8] == b"ftyp":
        return "heic"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    signatures = {
        b"\xff\xd8\xff": "jpg",
        b"\x89PNG": "png",
        b"GIF8": "gif",
        b"II*\0": "tiff",
        b"MM\0*": "tiff",
        b"\xff\x0a": "jxl",
        b"\0\0\0\x0cJXL ": "jxl",
        b"BM": "bmp",
        b"\0\0\1\0": "ico",
    }
    for signature, name in signatures.items():
        if data.startswith(signature):
            return name
    raise ValueError(f"no known picture begins with {data[:12]!r}")


def frames_of(data: bytes) -> int:
    """The number of frames or pages."""
    image = header(data)
    return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1


def assert_close_colour(got: Colour, expected: Colour, tolerance: int = 12) -> None:
    """Every band within ``tolerance`` steps of 255."""
    assert len(got) == len(expected), f"{got} has other bands than {expected}"
    worst = max(abs(one - other) for one, other in zip(got, expected, strict=True))
    assert worst <= tolerance, f"{got} is not {expected}: off by {worst}, allowed {tolerance}"


def difference(one: bytes, other: bytes) -> Difference:
    """How far two pictures of the same size and bands are apart."""
    left, right = decode(one).astype(np.int16), decode(other).astype(np.int16)
    assert left.shape == right.shape, f"{left.shape} against {right.shape}"
    gap = np.abs(left - right)
    return Difference(int(gap.max()), float(gap.mean()))


@functools.cache
def scene_image(width: int = 1600, height: int = 1066) -> VipsImage:
    """What compresses and shrinks like a photograph: soft and fine structure, edges, no two places alike."""
    bands = []
    for seed in range(3):
        soft = pyvips.Image.perlin(width, height, cell_size=256, seed=seed) * 50
        fine = pyvips.Image.perlin(width, height, cell_size=24, seed=seed + 7) * 40
        bands.append(soft + fine + 120)
    image = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").copy_memory()
    image = image.draw_circle([230, 60, 40], width // 4, height // 3, height // 6, fill=True)
    image = image.draw_rect([20, 30, 90], width // 2, height // 2, width // 3, height // 4, fill=True)
    for number in range(12):  # like lines of print
        image = image.draw_line([250] * 3, width // 2, height // 2 + 9 * number, width * 3 // 4, height // 2)
    return image


@functools.cache
def scene(suffix: str = ".jpg", width: int = 1600, height: int = 1066, **save: Any) -> bytes:
    """The scene in a format; ``save`` are the saver's options."""
    return _save(scene_image(width, height), suffix, **save)


def similarity(one: bytes, other: bytes) -> float:
    """Mean SSIM (Wang 2004, a Gaussian window of 1.5 pixels) of two pictures of one size: luma, on grey."""
    left, right = (_luma(data) for data in (one, other))
    assert (left.width, left.height) == (right.width, right.height)

    def mean(image: VipsImage) -> VipsImage:
        return image.gaussblur(1.5, precision="float")

    here, there = mean(left), mean(right)
    spread = mean(left * left) - here * here + mean(right * right) - there * there
    shared = mean(left * right) - here * there
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (here * there * 2 + first) * (shared * 2 + second)
    return float((alike / ((here * here + there * there + first) * (spread + second))).avg())


def _luma(data: bytes) -> VipsImage:
    image = pyvips.Image.new_from_buffer(data, "").colourspace("srgb")
    image = image.flatten(background=128) if image.hasalpha() else image
    return image.colourspace("b-w")[0].cast("float").copy_memory()
