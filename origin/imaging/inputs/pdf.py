"""PDF by PDFium: one page, drawn at the size that is wanted, on white. No script of it runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pypdfium2

from origin.errors import PageMissing
from origin.imaging.colour import VipsImage
from origin.imaging.inputs.raster import in_memory
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

DENSITY: Final = 150
"""Dots an inch unless ``dn_`` says otherwise."""
_POINTS: Final = 72 * (1 + 1e-9)
"""An inch. PDFium rounds sides up; 240 points at 150 dots are 500, although the quotient is a hair more."""


def header(path: str, opening: Opening) -> Header:
    document = pypdfium2.PdfDocument(path)
    try:
        pages = len(document)
        if opening.page >= pages > 0:
            raise PageMissing(
                f"pg_{opening.page + 1}: the document has {pages} page{'s' if pages > 1 else ''}.",
                pages=pages,
            )
        size = document.get_page_size(opening.page)
    finally:
        document.close()
    scale = (opening.density or DENSITY) / _POINTS
    width, height = (max(1, math.ceil(side * scale)) for side in size)
    return Header("pdf", width, height, frames=pages, bytes=Path(path).stat().st_size)


def pixels(path: str, how: Load) -> VipsImage:
    document = pypdfium2.PdfDocument(path)
    try:
        page = document[how.page]
        scale = (how.density or DENSITY) / _POINTS / how.decoded
        bitmap = page.render(scale=scale, prefer_bgrx=True, rev_byteorder=True)
        data, size, stride = bytes(bitmap.buffer), (bitmap.width, bitmap.height), bitmap.stride
        bitmap.close()
        page.close()
    finally:
        document.close()
    image = in_memory(data, stride // 4, size[1], 4)
    return image.crop(0, 0, *size).extract_band(0, n=3).copy_memory()
