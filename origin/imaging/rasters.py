"""Decoded pictures that are kept: raw pixels in a local file, from which later variants are made.

Most of a thumbnail's cost is decoding its original, so what a decoder gave is written down once, with all
that the original said of itself; who has such a file needs neither the original nor its decoder. The pixels
are as stored: not turned, not converted, with their profile.

Why raw pixels, for a photograph of 24 MP (32 ms to decode at 1/8, 38 ms at 1/4), CPU to write / to read and
resize to 320 px / bytes, at 750 x 500 and at 1500 x 1000:

    raw, mapped          0.8 / 1.9 ms / 1.1 MB       2.1 /   4.0 ms / 4.5 MB
    (in memory)                1.9 ms                        3.3 ms
    JPEG 92, 4:2:0       2.7 / 4.9 ms / 0.15 MB      6.5 /  10.8 ms / 0.60 MB
    JPEG 92, 4:4:4       3.0 / 6.0 ms / 0.17 MB      8.3 /  12.5 ms / 0.66 MB
    PNG, level 1         9.3 / 7.1 ms / 0.86 MB       34 /  17.2 ms / 3.5 MB
    WebP, near lossless   48 /  15 ms / 0.44 MB      367 /  38.0 ms / 1.6 MB

Raw pixels also lose nothing: what is made from them is what would have been made from the original.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from origin.imaging import decode, gainmap, rasterfile
from origin.imaging.colour import VipsImage, premultiplied
from origin.imaging.geometry import Smart
from origin.imaging.model import WIDE, Header, Keep
from origin.imaging.plan import Load, Plan
from origin.imaging.rasterfile import Level, Look, NotWrittenError, Raster, Writer
from origin.imaging.shape import Shape

MOST: Final = 6_300_000
"""Pixels of the largest level: half the width of 24 MP, from which nearly every size on a page is made."""
MOST_HELD: Final = 26_000_000
"""Pixels that are held in memory so that something smaller can be kept of them."""
LEAST: Final = 300_000
"""Pixels of the smallest original of which anything is kept: others are decoded as fast as looked up."""
LEAST_SIDE: Final = 400
"""Pixels along the longer side of the smallest level; smaller ones would save nothing."""
MARGIN: Final = 1.5
"""A level serves where it has this many times the pixels across that are needed. A fresh decode has at least
2, but it can choose among four scales only."""

_SCALES: Final = (8, 4, 2, 1)


class NeedsOriginalError(Exception):
    """What is kept does not suffice."""


# Which level serves -----------------------------------------------------------------------------------


def best(rasters: Sequence[Raster], planned: Plan) -> VipsImage:
    """The smallest kept pixels from which this picture looks as from its original.

    Raises NeedsOriginalError, and DamagedError.
    """
    if not _keepable(planned.load) or (rasters[0].hdr and gainmap.survives(planned)):
        raise NeedsOriginalError
    picky = decisive(planned)
    served = [(level, raster) for raster in rasters if (level := serving(raster.levels, planned.load, picky))]
    if not served:
        raise NeedsOriginalError
    level, raster = max(served, key=lambda one: one[0].factor)
    return raster.image(level, metadata=_metadata(planned))


def serving(levels: Sequence[Level], how: Load, picky: bool) -> Level | None:
    if picky:
        return next((level for level in levels if level.exact and level.factor == how.decoded), None)
    most = _coarsest(how)
    return max((level for level in levels if level.factor <= most), key=lambda one: one.factor, default=None)


def _coarsest(how: Load) -> float:
    return max(1.0, how.shrink * 2 / MARGIN) if how.shrink > 1 else 1.0


def _keepable(how: Load) -> bool:
    """Whether there is one picture, and one only, that could be kept."""
    return how.frames == how.header.frames == 1 and how.page == 0 and not how.header.vector


def barren(header: Header) -> bool:
    """Whether nothing can be kept of a picture, or nothing would be gained."""
    return header.frames > 1 or header.vector or header.width * header.height < LEAST


def decisive(planned: Plan) -> bool:
    """Whether single pixels decide what is shown, or are what is told: then none but the same will do."""
    return bool(planned.output.describes) or any(
        step.trim or step.look or isinstance(step.region, Smart) or isinstance(step.cut, Smart)
        for step in planned.steps
        if isinstance(step, Shape)
    )


def _metadata(planned: Plan) -> bool:
    """Whether a variant says anything of what its original carries besides pixels."""
    return bool(planned.output.describes) or planned.output.metadata != "none"


# Making -----------------------------------------------------------------------------------------------


def made(planned: Plan, path: str, keep: Keep) -> tuple[VipsImage, str] | None:
    """Decode an original so that what is kept falls out, and write that into ``keep.path``.

    The picture to go on with, and what was kept: ``wide``, or the one level's factor; empty when it could not
    be written. None when nothing is kept and nothing is decoded. Raises ImageCorrupt.
    """
    how, picky = planned.load, decisive(planned)
    wide = keep.wide and not picky
    factor = _scale(how, picky, wide)
    if factor is None and not picky and (keep.wide or keep.shared):
        return _made_apart(planned, path, keep)
    if factor is None:
        return None
    how_kept = dataclasses.replace(how, shrink=float(factor))
    [image] = decode.load(how_kept, path)
    if image.format not in rasterfile.BYTES:
        return None
    look = Look.of(image)
    exact = how_kept.decoded == factor
    image = image if exact else _smaller(image, factor)
    smaller = wide or keep.shared  # who waits for it is served from as few pixels as will do
    try:
        images = _written(image, look, factor, planned, path, keep, exact=exact, smaller=smaller)
    except NotWrittenError:
        return None
    served = serving(list(images), how, picky)
    assert served is not None  # the scale was chosen so
    return images[served], WIDE if wide else str(factor)


def _made_apart(planned: Plan, path: str, keep: Keep) -> tuple[VipsImage, str] | None:
    """This plan needs more pixels than may be kept: decode once, and keep something smaller made from it."""
    how, header = planned.load, planned.load.header
    pixels = header.width * header.height / how.decoded**2
    if not _keepable(how) or barren(header) or pixels > MOST_HELD:
        return None
    own = how.decoded
    factor = next((scale for scale in reversed(_SCALES) if _fits(header, scale)), None)
    if factor is None or factor <= own or own not in _SCALES:
        return None
    [image] = decode.load(how, path)
    if image.format not in rasterfile.BYTES:
        return None
    look = Look.of(image)
    image = image.copy_memory()
    largest = _smaller(image, factor // int(own))
    try:
        _written(largest, look, factor, planned, path, keep, exact=False, smaller=True)
    except NotWrittenError:
        return image, ""
    return image, WIDE


def _written(
    image: VipsImage,
    look: Look,
    factor: int,
    planned: Plan,
    path: str,
    keep: Keep,
    *,
    exact: bool,
    smaller: bool,
) -> dict[Level, VipsImage]:
    """Write the picture, and ``smaller`` ones of it. Raises NotWrittenError."""
    header, metadata = planned.load.header, _metadata(planned)
    pixels = image.width * image.height * image.bands * rasterfile.BYTES[image.format]
    with Writer(keep.path, look, pixels * 4 // 3 if smaller else pixels) as file:
        level = Level(factor, exact, image.width, image.height)
        images = {level: file.add(image, level, metadata=metadata)}
        while smaller and max(level.width, level.height) >= 2 * LEAST_SIDE:
            half = _smaller(images[level], 2)
            level = Level(level.factor * 2, False, half.width, half.height)
            images[level] = file.add(half, level, metadata=metadata)
        file.finish(header, hdr=gainmap.carries(header, path))
    return images


def _scale(how: Load, picky: bool, wide: bool) -> int | None:
    """At which scale to decode so that the result can be kept, and serves this plan too."""
    if not _keepable(how) or barren(how.header):
        return None
    fits = [scale for scale in _SCALES if _fits(how.header, scale)]
    if not fits:
        return None
    finest = fits[-1]
    if picky:
        return next((scale for scale in fits if scale == how.decoded), None)
    if wide:
        return finest if finest <= _coarsest(how) else None
    if how.header.format in {"jpeg", "webp"}:  # a decoder that shrinks by itself
        return next((scale for scale in fits if scale <= how.shrink), None)
    return finest if finest <= max(1.0, how.shrink) else None


def _fits(header: Header, scale: int) -> bool:
    return -(-header.width // scale) * -(-header.height // scale) <= MOST


def _smaller(image: VipsImage, factor: int) -> VipsImage:
    # Averaging squares would take half the time, but blurs fine print: similarity 0.960 instead of 0.987.
    across, down = -(-image.width // factor) / image.width, -(-image.height // factor) / image.height
    return premultiplied(image, lambda pixels: pixels.resize(across, vscale=down), quick=True)
