"""How a result is written: format, quality, what else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging.efforts import Diligence
from origin.imaging.geometry import Size
from origin.imaging.model import FORMATS, Accept, Header, Limits
from origin.imaging.shape import largest
from urlspec import outputs as o
from urlspec.qualities import QualityValue
from urlspec.request import Output as Wanted

LOSSLESS: Final = frozenset({"png", "webp", "avif", "gif", "tiff"})
"""Formats that can be written without loss (GIF as far as its colours go)."""
_LOSSY: Final = ("avif", "webp", "jpeg")
"""Best first."""

_MOST_SIDE: Final = {"webp": 16_383, "jpeg": 65_500, "gif": 65_535, "avif": 16_384}
"""What the format itself can hold."""

_ATTEMPTS: Final = 7
"""Encodes that ``mb_`` may take."""


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    """The picture's format: one of ``model.FORMATS``. With ``choices``, what a photograph would get."""
    describes: str = ""
    """``json thumbhash blurhash datauri``: said of the picture instead of sending it."""
    choices: tuple[str, ...] = ()
    """``f_auto`` of a still: what the client shows and the size allows, among which the pixels decide."""
    quality: QualityValue | None = None
    max_bytes: int | None = None
    metadata: str = "none"
    palette: bool = False
    """``f_png8``."""
    progressive: bool = False
    space: str = "srgb"
    """``srgb`` or ``p3``."""
    hdr: bool = True
    """A gain map may go along."""
    passing: bool = False
    """The source itself may be sent where it has the same format and is smaller: the URL forces neither
    format nor quality."""
    diligence: Diligence = "usual"

    @property
    def searches(self) -> bool:
        """Whether ``q_auto`` looks for the level."""
        return self.quality is not None and self.quality.level == "auto" and self.name in _LOSSY

    @property
    def looks(self) -> bool:
        """Whether the finished pixels are read more than once."""
        return bool(self.choices or self.searches or self.max_bytes or self.palette)

    @property
    def attempts(self) -> int:
        """Encodes at most; those that only flat graphics take are cheap and not counted."""
        return (_ATTEMPTS if self.max_bytes else 1) + self.searches + self.palette


def choose(
    wanted: Wanted, header: Header, size: Size, *, alpha: bool, animated: bool, accept: Accept, limits: Limits
) -> Output:
    """The output of a picture of ``size``. Raises ResultTooLarge where the format cannot hold it."""
    format_, quality, most = wanted.get(o.Format), wanted.get(o.Quality), wanted.get(o.MaxBytes)
    metadata, space, hdr = wanted.get(o.Metadata), wanted.get(o.ColourSpace), wanted.get(o.Hdr)
    asked = format_.name if format_ else ""
    describes = asked if asked in o.DESCRIPTIONS else ""
    lossless = quality is not None and quality.value.level == "lossless"
    choices: tuple[str, ...] = ()
    if asked == "auto":
        shown = _shown(accept, animated=animated)
        choices = tuple(name for name in shown if _holds(name, size, limits))
        name = _negotiated(choices or shown[-1:], alpha=alpha, lossless=lossless, animated=animated)
    elif asked and not describes:
        name = {"jpg": "jpeg", "png8": "png"}.get(asked, asked)
    elif header.format in FORMATS and not (lossless and header.format not in LOSSLESS):
        name = header.format
    else:
        name = "png" if alpha or lossless else "jpeg"
    if not describes:
        _fits(name, size, limits)
    forced = (asked not in {"", "auto"}) or (quality is not None and quality.value.level != "auto")
    return Output(
        name,
        describes,
        () if animated or lossless else choices,
        quality.value if quality else None,
        most.bytes if most else None,
        metadata.keep if metadata else "none",
        asked == "png8",
        wanted.has(o.Progressive),
        "p3" if space and name != "gif" and not describes else "srgb",
        hdr is None,
        not (forced or wanted.has(o.Progressive) or space),
    )


def _shown(accept: Accept, *, animated: bool) -> tuple[str, ...]:
    """What a client of this class shows, best first; the last holds everything."""
    if animated:
        return ("gif",) if accept == "jpeg" else ("webp", "gif")
    lossy = _LOSSY[_LOSSY.index(accept) :]
    return (*lossy, "png")


def _negotiated(choices: tuple[str, ...], *, alpha: bool, lossless: bool, animated: bool) -> str:
    if animated:
        return choices[0]
    if lossless:
        return "webp" if "webp" in choices else "png"
    return photograph(choices, alpha=alpha)


def photograph(choices: tuple[str, ...], *, alpha: bool) -> str:
    """The format of a photograph among ``choices``; JPEG has no alpha."""
    return next((name for name in choices if name in _LOSSY and not (alpha and name == "jpeg")), "png")


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
