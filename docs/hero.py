"""Makes docs/hero.webp: six pictures as a running server answers six URLs, with the URLs beneath them.

    make run &
    .venv/bin/python docs/hero.py [http://127.0.0.1:8000]

The server does the pictures; this only sets them on a page and letters it (DejaVu Sans Mono).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import httpx
import pyvips

Image = Any
"""A ``pyvips.Image``: the library has no types."""

TILES: Final = (
    "/w_456/landscape",
    "/c_fill,w_304,h_304,g_auto/landscape",
    "/c_fill,w_304,h_304,g_auto\n/rad_max/landscape.png",
    "/w_456/e_grayscale,e_contrast:20\n/l_logo,w_96,g_south_east,x_14,y_14\n/landscape.webp",
    "/w_456/l_text:DejaVu%20Sans_44_bold:Hello\n,co_white,g_south,y_26/landscape.webp",
    "/w_350/pad_14:14:44,b_white/a_-5\n/landscape.png",
)
"""Paths, broken into the lines that they are shown in."""

COLUMNS: Final = 3
CELL: Final = (456, 304)
"""Width and height of the room for a picture, in pixels."""
MARGIN: Final = 36
CAPTION: Final = 118
"""Height of the room for the text below a picture."""
PAPER: Final = (33, 35, 62)
INK: Final = (216, 220, 240)
FONT: Final = "DejaVu Sans Mono 18"
LARGEST: Final = 200_000
"""Bytes; it is the first thing that a reader of the project loads."""


def main(base: str) -> None:
    """Ask, compose and write. Raises httpx.HTTPError when the server does not answer each URL with 200."""
    rows = -(-len(TILES) // COLUMNS)
    width = MARGIN + COLUMNS * (CELL[0] + MARGIN)
    height = MARGIN + rows * (CELL[1] + CAPTION)
    page = (pyvips.Image.black(width, height) + list(PAPER)).cast("uchar").copy(interpretation="srgb")
    for number, tile in enumerate(TILES):
        left = MARGIN + number % COLUMNS * (CELL[0] + MARGIN)
        top = MARGIN + number // COLUMNS * (CELL[1] + CAPTION)
        page = lay(page, fetched(base + tile.replace("\n", "")), left, top, CELL[1])
        text = lettering(tile)
        page = lay(page, text, left, top + CELL[1] + 14, text.height)
    target = Path(__file__).with_name("hero.webp")
    target.write_bytes(page.webpsave_buffer(Q=82, effort=6, smart_subsample=True))
    size = target.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{target} has {size} bytes; at most {LARGEST} are wanted")


def fetched(url: str) -> Image:
    answer = httpx.get(url).raise_for_status()
    return pyvips.Image.new_from_buffer(answer.content, "").icc_transform("srgb")


def lettering(text: str) -> Image:
    """Text in INK on nothing, centred line by line."""
    cover = pyvips.Image.text(text, font=FONT, dpi=72, align="centre", spacing=4)
    ink = (pyvips.Image.black(cover.width, cover.height) + list(INK)).cast("uchar")
    return ink.copy(interpretation="srgb").bandjoin(cover)


def lay(page: Image, picture: Image, left: int, top: int, height: int) -> Image:
    """The picture in the middle of a cell of the page."""
    x = left + (CELL[0] - picture.width) // 2
    y = top + (height - picture.height) // 2
    return page.composite2(picture, "over", x=x, y=y).flatten()


if __name__ == "__main__":
    main((sys.argv[1:] or ["http://127.0.0.1:8000"])[0].rstrip("/"))
