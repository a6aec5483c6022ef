"""Opening files: what they are, whether they are within the limits, and their pixels, as small as will do."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import pyvips

from origin.errors import ImageCorrupt, ImageTooComplex, ImageTooLarge, TooManyFrames
from origin.imaging import cost, gif, inputs, lengths
from origin.imaging.colour import ICC, VipsImage
from origin.imaging.geometry import UPRIGHT
from origin.imaging.model import Header, Limits, Opening
from origin.imaging.plan import Load
from origin.imaging.progressive import MARKER, SHRINK, shortened
from origin.imaging.sniff import HEAD, accept_kind, accepted

_LOADERS: Final = {
    "jpeg": pyvips.Image.jpegload,
    "png": pyvips.Image.pngload,
    "webp": pyvips.Image.webpload,
    "gif": pyvips.Image.gifload,
    "avif": pyvips.Image.heifload,
    "tiff": pyvips.Image.tiffload,
}

_DRAWN: Final = 1_000
"""Pixels along the longer side at which a drawing is drawn to see whether it can be."""

_SCANNED: Final = 20
"""How often as many pixels as are accepted may be gone over, one scan after the other. Encoders use about ten
scans; a hundred over the largest picture take ten seconds."""
_MOST_PAGES: Final = 1_000
"""Of a TIFF: libtiff's time grows with their square."""

_PAGED: Final = frozenset({"webp", "gif", "avif", "tiff"})
_BITS: Final = {"ushort": 16, "short": 16, "uint": 32, "int": 32, "float": 32, "complex": 64, "double": 64}


def probe(path: str, limits: Limits, opening: Opening = Opening()) -> Header:  # noqa: B008 - frozen
    """The header of a file, judged by the limits before a pixel is read.

    Raises UnsupportedMedia, ImageCorrupt, ImageTooLarge, TooManyFrames, ImageTooComplex, PageMissing.
    """
    with Path(path).open("rb") as file:
        head = file.read(HEAD)
        size = file.seek(0, 2)
    kind = accepted(head, limits.accept)
    if inputs.reads(kind):
        return judged(inputs.header(kind, path, opening), limits)
    _check_count(kind, path, limits)
    page = {"page": opening.page} if opening.page and kind == "tiff" else {}
    image = _open(kind, path, **page)
    if kind == "avif" and _field(image, "heif-compression", "av1") != "av1":
        return judged(inputs.header(accept_kind("heic", limits.accept), path, opening), limits)
    interlaced = bool(_field(image, "interlaced", 0)) and kind in {"jpeg", "png"}
    header = judged(_header(kind, image, interlaced, size), limits)
    if kind == "gif" and not gif.is_whole(Path(path).read_bytes()):
        raise ImageCorrupt
    if kind == "png" and not lengths.png_is_whole(path):
        raise ImageCorrupt
    if kind == "jpeg" and (interlaced or _field(image, "jpeg-multiscan", 0)):
        header = _with_scans(header, path, limits)
    return header


def load(how: Load, path: str) -> list[VipsImage]:
    """The frames of a file, each as stored (not yet turned, not yet sRGB). Raises ImageCorrupt.

    A still is sequential: it may be read once, from top to bottom.
    """
    kind = how.header.format
    if inputs.reads(kind):
        return [inputs.pixels(path, how)]
    options: dict[str, Any] = {}
    if kind == "jpeg":
        options["shrink"] = how.decoded
        if how.header.interlaced and how.decoded == SHRINK:
            short = shortened(Path(path).read_bytes())
            if short is not None:
                return [pyvips.Image.jpegload_buffer(short, access="sequential", fail_on="error", **options)]
    elif kind == "webp" and how.decoded > 1:
        options["scale"] = 1 / how.decoded
    if kind in _PAGED and kind != "avif":
        options |= {"page": how.page, "n": how.frames}
    image = _open(kind, path, **options)
    if how.frames == 1:
        return [image]
    height = image.get("page-height")
    image = image.copy_memory()
    return [image.crop(0, top, image.width, height) for top in range(0, image.height, height)]


def whole(path: str, limits: Limits) -> Header:
    """Decode every pixel of every frame, at the strictest that good files pass. Raises like :func:`probe`."""
    header = probe(path, limits)
    cost.check_decoding(header, limits)
    if inputs.reads(header.format):
        # A drawing has as many pixels as are asked for; it is whole when it can be drawn.
        shrink = max(1.0, max(header.width, header.height) / _DRAWN) if header.vector else 1.0
        inputs.pixels(path, Load(header, UPRIGHT, shrink=shrink))
        return header
    options: dict[str, Any] = {"n": -1} if header.animated else {}
    try:
        _open(header.format, path, **options).avg()
    except pyvips.Error as error:
        raise ImageCorrupt from error
    return header


def _open(kind: str, path: str, **options: Any) -> VipsImage:
    try:
        image = _LOADERS[kind](path, access="sequential", fail_on="error", **options)
        if kind == "avif" and (primary := _field(image, "heif-primary", 0)):
            image = _LOADERS[kind](path, access="sequential", fail_on="error", page=primary, **options)
    except pyvips.Error as error:
        raise ImageCorrupt from error
    return image


def _header(kind: str, image: VipsImage, interlaced: bool, size: int) -> Header:
    orientation = _field(image, "orientation", 1)
    orientation = orientation if orientation in range(1, 9) else 1
    width, height = (image.height, image.width) if orientation >= 5 else (image.width, image.height)
    frames = 1 if kind == "avif" else _field(image, "n-pages", 1)
    animated = frames > 1 and kind in {"gif", "webp"}
    return Header(
        kind,
        width,
        height,
        orientation,
        frames,
        tuple(_field(image, "delay", ())) if animated else (),
        _field(image, "loop", 0) if animated else 0,
        image.hasalpha(),
        image.bands,
        _field(image, "bits-per-sample", 8) if kind == "avif" else _BITS.get(image.format, 8),
        image.interpretation,
        bool(image.get_typeof(ICC)),
        interlaced,
        1,
        size,
    )


def judged(header: Header, limits: Limits) -> Header:
    """The header, if the picture is within the limits. Raises ImageTooLarge, TooManyFrames."""
    width, height = header.width, header.height
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"The picture is {width}x{height}; accepted are {limits.max_side} a side "
            f"and {limits.max_pixels} pixels.",
            width=width,
            height=height,
        )
    if header.animated and header.frames > limits.max_frames:
        raise TooManyFrames(
            f"The animation has {header.frames} frames; at most {limits.max_frames} are accepted.",
            frames=header.frames,
        )
    if header.animated and header.frames * width * height > limits.max_pixels:
        raise TooManyFrames(
            f"The animation has {header.frames} frames of {width}x{height}; "
            f"at most {limits.max_pixels} pixels in all are accepted.",
            frames=header.frames,
        )
    return header


def _check_count(kind: str, path: str, limits: Limits) -> None:
    """Before a decoder looks for all frames or pages that there are, with time and memory for each."""
    most, frames = limits.max_frames, 0
    if kind == "gif":
        frames = lengths.gif_frames(Path(path).read_bytes(), most)
    elif kind == "webp":
        frames = lengths.webp_frames(path, most)
    if frames > most:
        raise TooManyFrames(f"The animation has more than {most} frames.")
    if kind == "tiff" and lengths.tiff_pages(path, _MOST_PAGES) > _MOST_PAGES:
        raise TooManyFrames(f"The file has more than {_MOST_PAGES} pages.")


def _with_scans(header: Header, path: str, limits: Limits) -> Header:
    scans = count_scans(Path(path).read_bytes(), limits.max_scans)
    if scans > limits.max_scans:
        raise ImageTooComplex(f"The JPEG is coded in more than {limits.max_scans} scans.", scans=scans)
    if scans * header.width * header.height > _SCANNED * limits.max_pixels:
        raise ImageTooComplex(
            f"The JPEG is coded in {scans} scans, too many for {header.width}x{header.height} pixels.",
            scans=scans,
        )
    return dataclasses.replace(header, scans=scans)


def count_scans(data: bytes, most: int) -> int:
    """How many scans the picture in a JPEG file has; counting stops above ``most``."""
    at, scans = 2, 0
    while scans <= most and (found := MARKER.search(data, at)):
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            break
        length = int.from_bytes(data[at : at + 2], "big")
        scans += marker == 0xDA
        at += max(length, 2)
    return scans


def _field(image: VipsImage, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default
