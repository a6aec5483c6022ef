"""Pixels of a Python decoder as a picture of libvips."""

from __future__ import annotations

import pyvips

from origin.errors import ImageCorrupt
from origin.imaging.colour import ICC, VipsImage

_NAMES = {(8, False): "b-w", (8, True): "srgb", (16, False): "grey16", (16, True): "rgb16"}


def in_memory(
    data: bytes,
    width: int,
    height: int,
    bands: int,
    *,
    bits: int = 8,
    icc: bytes | None = None,
    exif: bytes | None = None,
) -> VipsImage:
    """8 or 16 bits a band, rows without padding. Raises ImageCorrupt when there are more or fewer bytes."""
    if len(data) != width * height * bands * bits // 8:
        raise ImageCorrupt
    image = pyvips.Image.new_from_memory(data, width, height, bands, "uchar" if bits == 8 else "ushort")
    image = image.copy(interpretation=_NAMES[bits, bands >= 3])
    for name, blob in ((ICC, icc), ("exif-data", exif)):
        if blob:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    return image
