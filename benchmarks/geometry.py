"""What does our way of cutting, resizing and padding cost beside the same libvips operations written by hand?

Every row is one URL, rendered in this process from a camera's JPEG to the bytes of a JPEG, against a function
that says the same in plain pyvips, ``thumbnail`` and its small decoding included. CPU time, interleaved,
medians; at most 1.5 is promised.
"""

from __future__ import annotations

import os
from typing import Any, Final

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.support import arguments, corpus, publish
from benchmarks.support.handwork import Hand, compared

VipsImage = Any
PHOTO: Final = "photos/red-panda-10mp.jpg"


def thumbnail(width: int, height: int, **options: Any) -> Hand:
    return lambda path: pyvips.Image.thumbnail(path, width, height=height, **options)


def opened(path: str) -> VipsImage:
    return pyvips.Image.new_from_file(path, access="sequential", fail_on="error")


def zoomed(path: str) -> VipsImage:
    image = opened(path)
    side = min(image.width, image.height) // 2
    part = image.crop((image.width - side) // 2, (image.height - side) // 2, side, side)
    return part.thumbnail_image(400)


def padded(width: int, height: int) -> Hand:
    def done(path: str) -> VipsImage:
        small = pyvips.Image.thumbnail(path, width, height=height)
        return small.gravity("centre", width, height, extend="background", background=[255])

    return done


def cut_and_padded(path: str) -> VipsImage:
    small = pyvips.Image.thumbnail(path, 300, height=1200).copy_memory().smartcrop(200, 200)
    return small.gravity("centre", 200, 800, extend="background", background=[255])


def trimmed(path: str) -> VipsImage:
    image = opened(path).copy_memory()
    box = image.find_trim(threshold=25.5, background=image.getpoint(0, 0), line_art=True)
    return image.crop(*box).thumbnail_image(400, height=10_000)


ROWS: Final[dict[str, Hand]] = {
    "w_400": thumbnail(400, 10_000),
    "w_400,h_400,mh_300": thumbnail(400, 300, crop="centre"),
    "c_fill,w_400,h_400": thumbnail(400, 400, crop="centre"),
    "c_fill,w_400,h_400,g_auto": thumbnail(400, 400, crop="attention"),
    "c_fill,w_400,h_400,g_entropy": thumbnail(400, 400, crop="entropy"),
    "c_auto,w_400,h_400": thumbnail(400, 400, crop="attention"),
    "c_scale,w_400,h_400": thumbnail(400, 400, size="force"),
    "c_pad,w_400,h_400": padded(400, 400),
    "c_fill_pad,w_200,h_800": cut_and_padded,
    "c_thumb,w_400,h_400,z_2": zoomed,
    "c_crop,w_1000,h_1000,x_500,y_500": lambda path: opened(path).crop(500, 500, 1000, 1000),
    "c_fill,w_400,h_400,r_90": lambda path: (
        pyvips.Image.thumbnail(path, 400, crop="centre").copy_memory().rot90()
    ),
    "e_trim,w_400": trimmed,
}


def main() -> None:
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--only", default="", help="rows whose URL holds this")
    options = parser.parse_args()
    publish(compared("geometry", corpus() / PHOTO, ROWS, "sizes and crops", options), options)


if __name__ == "__main__":
    main()
