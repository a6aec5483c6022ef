"""What goes into a render and what comes out of it: plain, frozen, picklable values.

Nothing here knows libvips, so the server process, which never imports it, can use all of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from origin.imaging.efforts import Diligence as Diligence
from urlspec.request import Request
from urlspec.sources import SourceRef

RENDERER_VERSION: Final = "2"
"""Part of every result's key: raise it whenever the same request gives other pixels or bytes."""

RENDERER_DATE: Final = date(2026, 11, 22)
"""When RENDERER_VERSION was last raised: results are not older than this."""

Lost = Callable[[], Awaitable[None]]
"""Called when a worker was lost to a job: it ended by itself, was killed, or took too long. Also when nobody
waits for the job any more, so that nobody hides what they do by leaving early."""

Accept = Literal["avif", "webp", "jpeg"]
"""What the client shows, by class: each class also shows those after it."""

FORMATS: Final = ("jpeg", "png", "webp", "gif", "avif", "tiff")
"""Formats that are read and written."""

MEDIA_TYPES: Final[Mapping[str, str]] = {name: f"image/{name}" for name in FORMATS}

_INPUT_TYPES: Final[Mapping[str, str]] = {
    "ico": "image/vnd.microsoft.icon",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
}

VECTOR: Final = frozenset({"svg", "pdf"})
"""Formats without pixels of their own: they are drawn at the size that is wanted, and enlarging costs no
sharpness, so ``limit`` and its relatives do not hold them to their nominal size."""


def media_type(format_: str) -> str:
    """Of a file of any format that is read."""
    return _INPUT_TYPES.get(format_, f"image/{format_}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may ask for. Sides and pixels of a source count the whole picture as stored."""

    max_pixels: int = 100_000_000
    """Of the source; of an animation, all frames together."""
    max_side: int = 16_384
    max_frames: int = 100
    max_scans: int = 100
    """Passes of a progressive JPEG."""
    max_render_memory: int = 1 << 30
    """Bytes, estimated."""
    max_result_side: int = 8_192
    max_result_pixels: int = 40_000_000
    max_avif_pixels: int = 16_000_000
    render_seconds: float = 10.0
    accept: frozenset[str] = frozenset(FORMATS)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a URL asks for a file to be opened."""

    page: int = 0
    """Of a document, counted from 0."""
    density: int | None = None
    """Dots an inch at which a drawing or a document is measured; None: its format's own."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says about itself before its pixels are read."""

    format: str
    """``jpeg png webp gif avif tiff svg heic jxl pdf bmp ico``."""
    width: int
    """Pixels of one frame as shown: after the EXIF orientation."""
    height: int
    orientation: int = 1
    """EXIF, 1 to 8."""
    frames: int = 1
    """Frames of an animation, pages of a document."""
    delays: tuple[int, ...] = ()
    """Milliseconds of every frame."""
    loop: int = 0
    """How often an animation plays; 0 is for ever."""
    has_alpha: bool = False
    """There is an alpha channel; whether anything in it is transparent is not known."""
    bands: int = 3
    """As stored, with alpha."""
    bits: int = 8
    """Of one band."""
    colour: str = "srgb"
    """How libvips reads the stored bands: ``srgb b-w cmyk rgb16 grey16 lab …``."""
    icc: bool = False
    interlaced: bool = False
    """A progressive JPEG or an interlaced PNG: decoding holds the whole picture."""
    scans: int = 1
    bytes: int = 0

    @property
    def animated(self) -> bool:
        return self.frames > 1 and self.format in {"gif", "webp"}

    @property
    def vector(self) -> bool:
        return self.format in VECTOR

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height before the EXIF orientation."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


WIDE: Final = "wide"
NEVER: Final = "never"


@dataclass(frozen=True, slots=True)
class Keep:
    """An empty file that may be filled with the decoded picture, for later variants."""

    path: str
    wide: bool = False
    """Decode it as large as nearly every variant needs it, though this one needs less."""
    shared: bool = False
    """Others wait for it: keep something, in several sizes, also where this variant needs more than could be
    kept."""


@dataclass(frozen=True, slots=True)
class Source:
    """The local file of a picture. Workers open only such files of our own naming."""

    path: str
    """Empty when ``kept`` has to do."""
    focus: tuple[float, float] | None = None
    """The point stored with the asset, as fractions from the left and the top."""
    kept: tuple[str, ...] = ()
    """Files with the decoded picture."""
    keep: Keep | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One render: the request with presets expanded and hints resolved, and the files it names."""

    request: Request
    sources: Mapping[SourceRef, Source]
    accept: Accept = "jpeg"
    """Class of the client; it matters to ``f_auto`` only."""
    limits: Limits = Limits()
    fonts: str | None = None
    """A folder of further fonts."""
    memory: int = 0
    """Bytes that it is estimated to take; 0 when nobody counts."""
    diligence: Diligence = "usual"
    """How much work the encoder may take over it."""
    goal: Diligence = "usual"
    """How much it is worth; what was made with less is a draft."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished picture, or a description of one."""

    body: bytes
    media_type: str
    format: str
    """``jpeg png webp gif avif tiff``, or ``json thumbhash blurhash datauri``."""
    width: int
    height: int
    frames: int = 1
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each stage took: ``probe``, ``render`` (decode and everything to the last pixel), ``encode``.
    A still that streams from the decoder into the encoder counts under ``encode``."""
    warnings: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """What the answer says of these bytes besides."""
    kept: str = ""
    """What was written into the ``Keep`` of the source: ``WIDE``, or one level by its factor, or nothing.
    ``NEVER`` where nothing can be kept of this picture, whatever is made of it."""
    draft: bool = False
    """More work would have made it smaller."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an upload turned out to be, after a full decode."""

    header: Header
    thumbhash: str
    """Base64."""
    dominant_color: str
    """``#rrggbb``."""
