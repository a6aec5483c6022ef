"""Saying what a picture is instead of sending it: ``f_json thumbhash blurhash datauri``, and uploads."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from origin.imaging import decode, hashes
from origin.imaging.canvas import Canvas, Paint
from origin.imaging.colour import VipsImage, to_colour, with_alpha
from origin.imaging.geometry import EXIF_VIEWS, Box, Size, View, inside
from origin.imaging.model import MEDIA_TYPES, Header, Inspection, Limits
from origin.imaging.plan import Load
from origin.imaging.shot import shot
from origin.imaging.trace import Trace

MEDIA: Final = {
    "json": "application/json",
    "thumbhash": "text/plain; charset=utf-8",
    "blurhash": "text/plain; charset=utf-8",
    "datauri": "text/plain; charset=utf-8",
}

_THUMB: Final = Size(100, 100)
"""ThumbHash is defined for at most this."""
_COLOURS: Final = Size(32, 32)
_LOOKED_AT: Final = Size(400, 400)
_LIGHT: Final = 0.5
"""Lightness from which on a picture is called light: black words are read better on it than white ones."""


class TracedCanvas(Canvas):
    """A picture that knows which part of itself is left."""

    def __init__(self, frames: list[VipsImage], view: View, size: Size, *, vector: bool = False) -> None:
        super().__init__(frames, view, size, vector=vector)
        self.trace = Trace(size)

    def turn(self, turn: View) -> None:
        super().turn(turn)
        self.trace.turned(turn, self.size)

    def crop(self, box: Box) -> None:
        super().crop(box)
        self.trace.cut(box)

    def resize(self, size: Size) -> None:
        before = self.size
        super().resize(size)
        self.trace.resized(before, size)

    def paint(self, work: Paint, place: tuple[int, int] = (0, 0)) -> None:
        before = self.size
        super().paint(work, place)
        self.trace.painted(before, self.size, place)


@dataclass(frozen=True, slots=True)
class Subject:
    """A finished picture that is to be described, and what it was made from."""

    canvas: Canvas
    """Settled; its first frame is looked at."""
    header: Header
    focus: tuple[float, float] | None = None
    exif: bytes = b""
    result: str = ""
    """The format that it would have."""


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
        return list(self.shares())

    def shares(self) -> dict[str, float]:
        """Colours by the part of the picture that they stand for, the largest first."""
        return hashes.shares(self._pixels(_COLOURS)[1])

    def lightness(self) -> float:
        return hashes.lightness(self._pixels(_COLOURS)[1])

    def attention(self) -> tuple[float, float]:
        """What draws the eye, as fractions from the left and the top: where ``g_auto`` looks."""
        canvas = Canvas.of(self._image)
        if canvas.size.width > _LOOKED_AT.width or canvas.size.height > _LOOKED_AT.height:
            canvas.resize(inside(canvas.size, _LOOKED_AT))
        canvas.settle()
        image = canvas.frames[0]
        _, found = image.smartcrop(
            max(1, image.width // 2),
            max(1, image.height // 2),
            interesting="attention",
            attention_x=True,
            attention_y=True,
        )
        return found["attention_x"] / image.width, found["attention_y"] / image.height

    def _pixels(self, box: Size) -> tuple[Size, hashes.Pixels]:
        canvas = Canvas.of(self._image)
        if canvas.size.width > box.width or canvas.size.height > box.height:
            canvas.resize(inside(canvas.size, box))
        canvas.settle()
        data: bytes = canvas.frames[0].write_to_memory()
        return canvas.size, [[value / 255 for value in data[at : at + 4]] for at in range(0, len(data), 4)]


def describe(kind: str, subject: Subject) -> bytes:
    """``json thumbhash blurhash``."""
    image = subject.canvas.frames[0]
    match kind:
        case "thumbhash":
            return Look(image).thumbhash().encode()
        case "blurhash":
            return Look(image).blurhash().encode()
    return json.dumps(_facts(subject), separators=(",", ":")).encode()


def data_uri(result: str, body: bytes) -> bytes:
    return f"data:{MEDIA_TYPES[result]};base64,{base64.b64encode(body).decode()}".encode()


def _facts(subject: Subject) -> dict[str, Any]:
    canvas, header = subject.canvas, subject.header
    look = Look(canvas.frames[0])
    shares = look.shares()
    lightness = look.lightness()
    part = canvas.trace.seen(canvas.size) if isinstance(canvas, TracedCanvas) else None
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
        "dominant_color": next(iter(shares)),
        "palette": list(shares),
        "colors": [{"color": colour, "share": round(share, 3)} for colour, share in shares.items()],
        "lightness": round(lightness, 3),
        "tone": "light" if lightness >= _LIGHT else "dark",
        "attention": _point(look.attention()),
        "focus": _point(subject.focus) if subject.focus else None,
        "exif": shot(subject.exif),
        "crop": dict(part._asdict()) if part else None,
        "result": {"width": canvas.size.width, "height": canvas.size.height, "format": subject.result},
    }


def _point(point: tuple[float, float]) -> dict[str, float]:
    return {"x": round(point[0], 4), "y": round(point[1], 4)}


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
