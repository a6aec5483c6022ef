"""Saying what a picture is instead of sending it: ``f_json thumbhash blurhash datauri``, and uploads."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from origin.imaging import decode, hashes
from origin.imaging.canvas import Canvas
from origin.imaging.colour import VipsImage, to_colour, with_alpha
from origin.imaging.geometry import EXIF_VIEWS, Size, inside
from origin.imaging.model import MEDIA_TYPES, Header, Inspection, Limits
from origin.imaging.plan import Load

MEDIA: Final = {
    "json": "application/json",
    "thumbhash": "text/plain; charset=utf-8",
    "blurhash": "text/plain; charset=utf-8",
    "datauri": "text/plain; charset=utf-8",
}

_THUMB: Final = Size(100, 100)
"""ThumbHash is defined for at most this."""
_COLOURS: Final = Size(32, 32)


class Look:
    """A finished picture made small enough to describe."""

    def __init__(self, image: VipsImage) -> None:
        self._image = with_alpha(to_colour(image)).copy_memory()
        self.has_alpha = self._image.extract_band(3).min() < 255

    def thumbhash(self) -> str:
        size, pixels = self._pixels(_THUMB)
        return hashes.thumbhash_text(*size, pixels)

    def blurhash(self) -> str:
        size, pixels = self._pixels(_COLOURS)
        return hashes.blurhash(*size, pixels)

    def palette(self) -> list[str]:
        return hashes.palette(self._pixels(_COLOURS)[1])

    def _pixels(self, box: Size) -> tuple[Size, hashes.Pixels]:
        canvas = Canvas.of(self._image)
        if canvas.size.width > box.width or canvas.size.height > box.height:
            canvas.resize(inside(canvas.size, box))
        canvas.settle()
        data: bytes = canvas.frames[0].write_to_memory()
        return canvas.size, [[value / 255 for value in data[at : at + 4]] for at in range(0, len(data), 4)]


def describe(kind: str, image: VipsImage, header: Header, result: str) -> bytes:
    """``json thumbhash blurhash`` of ``image``, the first frame of the result, in memory."""
    match kind:
        case "thumbhash":
            return Look(image).thumbhash().encode()
        case "blurhash":
            return Look(image).blurhash().encode()
    return json.dumps(_facts(image, header, result), separators=(",", ":")).encode()


def data_uri(result: str, body: bytes) -> bytes:
    return f"data:{MEDIA_TYPES[result]};base64,{base64.b64encode(body).decode()}".encode()


def _facts(image: VipsImage, header: Header, result: str) -> dict[str, Any]:
    look = Look(image)
    colours = look.palette()
    return {
        "width": header.width,
        "height": header.height,
        "format": header.format,
        "bytes": header.bytes,
        "frames": header.frames,
        "has_alpha": look.has_alpha,
        "orientation": header.orientation,
        "thumbhash": look.thumbhash(),
        "blurhash": look.blurhash(),
        "dominant_color": colours[0],
        "palette": colours,
        "result": {"width": image.width, "height": image.height, "format": result},
    }


def inspect(path: str, limits: Limits) -> Inspection:
    """What an upload is. Every pixel of every frame is decoded. Raises what :func:`decode.probe` raises."""
    header = decode.whole(path, limits)
    how = Load(
        header,
        EXIF_VIEWS[header.orientation],
        shrink=max(1.0, min(header.width, header.height) / (2 * _THUMB.width)),
    )
    canvas = Canvas(decode.load(how, path), how.view, how.size)
    if max(canvas.size) > _THUMB.width:
        canvas.resize(inside(canvas.size, _THUMB))
    canvas.settle()
    look = Look(canvas.frames[0])
    return Inspection(header, look.thumbhash(), look.palette()[0])
