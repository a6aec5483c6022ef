"""What a render will need, estimated from the plan: bytes of memory and seconds of one core.

The figures were measured on one core of a 2.5 GHz server with libvips 8.18, rounded up. They need not be
right, only in order: what is refused by them could not have met its deadline or its memory limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from origin.errors import ImageTooComplex, TooExpensive
from origin.imaging.geometry import Size
from origin.imaging.model import Header, Limits
from origin.imaging.output import Output
from urlspec import arguments as a
from urlspec.declare import Argument

GENEROUS: Final = 3.0
"""A render is refused only when its estimate exceeds the deadline this many times."""

_BASE_BYTES: Final = 30_000_000

_DECODE_SECONDS: Final = {
    "jpeg": 0.007, "png": 0.012, "webp": 0.014, "gif": 0.012, "avif": 0.035, "tiff": 0.014, "svg": 0.05,
    "heic": 0.03, "jxl": 0.06, "pdf": 0.05, "bmp": 0.01, "ico": 0.05,
}  # fmt: skip
"""Per megapixel of the source."""

_ENCODE_SECONDS: Final = {
    "jpeg": 0.02, "png": 0.1, "webp": 0.07, "webp lossless": 0.45, "gif": 0.36, "avif": 0.17, "tiff": 0.09,
}  # fmt: skip
"""Per megapixel of the result."""

_ENCODE_BYTES: Final = {
    "jpeg": 4, "png": 4, "webp": 10, "webp lossless": 25, "gif": 13, "avif": 30, "tiff": 6,
}  # fmt: skip
"""Per pixel of the result."""


_BYTES_OF_A_BYTE: Final = 64
"""Memory that a byte of a file may need: 8 pixels of 8 bytes, as in a progressive JPEG without detail."""


_HEAVY: Final[Mapping[type[Argument], int]] = {
    a.Denoise: 10, a.Hue: 6, a.Colorblind: 3, a.ColorblindAssist: 3, a.Unsharp: 3, a.Vignette: 3,
    a.GradientOverlay: 3, a.Fade: 2, a.Sharpen: 3, a.Enhance: 2,
}  # fmt: skip
"""Effects that take several times as long as a plain one."""


@dataclass(frozen=True, slots=True)
class Cost:
    memory: int = 0
    """Bytes."""
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.memory + other.memory, self.seconds + other.seconds)


def decoding(header: Header, frames: int, shrink: float, *, kept: bool) -> Cost:
    """Decoding ``frames`` frames, ``shrink`` times smaller; ``kept`` when the pixels are held in memory."""
    pixels = header.width * header.height
    if header.vector:
        pixels = int(pixels / shrink**2)  # what is drawn
        shrink = 1
    megapixels = pixels * frames / 1e6
    seconds = _DECODE_SECONDS.get(header.format, 0.05) * megapixels
    if _passes(header):
        seconds *= max(2.5, header.scans / 4)
    if header.bits > 8:
        seconds *= 2
    raster = pixels * frames * header.bands * (1 if header.bits <= 8 else header.bits // 8)
    held = int(raster / shrink**2) if kept else 0
    return Cost(int(pixels * _decoder_bytes(header)) + held, seconds)


def _decoder_bytes(header: Header) -> float:
    """Bytes per pixel that the decoder itself holds."""
    deep = header.bits > 8
    match header.format:
        case "jpeg":
            return 8.0 if _passes(header) else 0.1
        case "png":
            return (16.0 if deep else 8.0) if header.interlaced else 0.5
        case "avif":
            return 25.0 if deep else 15.0
        case "webp" | "gif" | "heic" | "bmp" | "ico" | "svg" | "pdf":
            return 8.0
        case "jxl":
            return 24.0
    return 4.0


def _passes(header: Header) -> bool:
    """It comes in several passes over the whole picture, which is held meanwhile."""
    return header.interlaced or header.scans > 1


def check_decoding(header: Header, limits: Limits) -> None:
    """Whether the picture can be decoded in full. Raises ImageTooComplex: the picture alone is at fault."""
    needed = decoding(header, header.frames if header.animated else 1, 1, kept=False)
    if header.vector:  # drawn as small as is wanted
        return
    try:
        check(needed, limits)
    except TooExpensive as error:
        raise ImageTooComplex(
            f"Decoding the picture would take about {needed.seconds:.0f} s; at most "
            f"{limits.render_seconds:g} s are given.",
            seconds=round(needed.seconds),
        ) from error


def raster(size: Size, operations: int) -> Cost:
    """A picture held in memory, twice for a moment, and worked on ``operations`` times."""
    return Cost(size.pixels * 8, 0.04 * size.pixels / 1e6 * (1 + operations))


def encoding(output: Output, size: Size, frames: int) -> Cost:
    """An animation is written frame by frame; what is written so far stays."""
    lossless = output.quality is not None and output.quality.level == "lossless"
    name = f"{output.name} lossless" if lossless else output.name
    seconds = _ENCODE_SECONDS.get(name, 0.17) * size.pixels * frames / 1e6
    held = 4 * size.pixels * frames if output.looks else 0
    return Cost(held + (_ENCODE_BYTES.get(name, 30) + frames - 1) * size.pixels, seconds * output.attempts)


def operations(effects: Sequence[Argument]) -> int:
    """How many plain operations the effects are worth."""
    return sum(_HEAVY.get(type(effect), 1) for effect in effects)


def memory_of(cost: Cost) -> int:
    """Bytes, with what every render takes."""
    return cost.memory + _BASE_BYTES


def guessed(size: int, limits: Limits) -> int:
    """Bytes of memory for a file of ``size`` bytes of which nothing else is known."""
    return min(limits.max_render_memory, _BASE_BYTES + _BYTES_OF_A_BYTE * size)


def check(cost: Cost, limits: Limits) -> None:
    """Raises ImageTooComplex when memory would not do, TooExpensive when time would not."""
    memory = memory_of(cost)
    if memory > limits.max_render_memory:
        raise ImageTooComplex(
            f"Rendering the picture would take about {memory >> 20} MiB; "
            f"at most {limits.max_render_memory >> 20} MiB are given to one.",
            memory=memory,
        )
    if cost.seconds > GENEROUS * limits.render_seconds:
        raise TooExpensive(
            f"Rendering would take about {cost.seconds:.0f} s; at most {limits.render_seconds:g} s "
            "are given. A smaller size, fewer frames or another format would do.",
            seconds=round(cost.seconds),
        )
