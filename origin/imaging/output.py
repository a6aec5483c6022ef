"""How a result is written: format, quality, what else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging.geometry import Size
from origin.imaging.model import FORMATS, Accept, Header, Limits
from origin.imaging.shape import largest
from urlspec import outputs as o
from urlspec.kinds import QualityValue
from urlspec.request import Output as Wanted

_MOST_SIDE: Final = {"webp": 16_383, "jpeg": 65_500, "gif": 65_535, "avif": 16_384}
"""What the format itself can hold."""

_ATTEMPTS: Final = 7
"""Encodes that ``mb_`` may take."""


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    """The picture's format: one of ``model.FORMATS``."""
    describes: str = ""
    """``json thumbhash blurhash datauri``: said of the picture instead of sending it."""
    negotiated: bool = False
    quality: QualityValue | None = None
    max_bytes: int | None = None
    metadata: str = "none"

    @property
    def attempts(self) -> int:
        return _ATTEMPTS if self.max_bytes else 1


def choose(
    wanted: Wanted, header: Header, size: Size, *, alpha: bool, animated: bool, accept: Accept, limits: Limits
) -> Output:
    """The output of a picture of ``size``. Raises ResultTooLarge where the format cannot hold it."""
    format_ = wanted.get(o.Format)
    asked = format_.name if format_ else ""
    describes = asked if asked in o.DESCRIPTIONS else ""
    if asked == "auto":
        name = _negotiated(size, alpha, animated, accept, limits)
    elif asked and not describes:
        name = "jpeg" if asked == "jpg" else asked
    else:
        name = header.format if header.format in FORMATS else ("png" if alpha else "jpeg")
    if not describes:
        _fits(name, size, limits)
    quality, most, metadata = wanted.get(o.Quality), wanted.get(o.MaxBytes), wanted.get(o.Metadata)
    return Output(
        name,
        describes,
        asked == "auto",
        quality.value if quality else None,
        most.bytes if most else None,
        metadata.keep if metadata else "none",
    )


def _negotiated(size: Size, alpha: bool, animated: bool, accept: Accept, limits: Limits) -> str:
    if accept == "avif" and not animated and _holds("avif", size, limits):
        return "avif"
    if accept in {"avif", "webp"} and _holds("webp", size, limits):
        return "webp"
    if animated:
        return "gif"
    return "png" if alpha else "jpeg"


def _holds(name: str, size: Size, limits: Limits) -> bool:
    return largest(size, *_most(name, limits)) == size


def _most(name: str, limits: Limits) -> tuple[int, int]:
    pixels = limits.max_avif_pixels if name == "avif" else limits.max_result_pixels
    return min(_MOST_SIDE.get(name, limits.max_result_side), limits.max_result_side), pixels


def _fits(name: str, size: Size, limits: Limits) -> None:
    if _holds(name, size, limits):
        return
    side, pixels = _most(name, limits)
    most = largest(size, side, pixels)
    raise ResultTooLarge(
        f"The {name.upper()} would be {size}; the largest of this shape that is made is {most}.",
        width=most.width,
        height=most.height,
    )
