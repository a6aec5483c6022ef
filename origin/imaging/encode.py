"""From finished pixels to the bytes of a format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Protocol

import pyvips

from origin.errors import CeilingUnreachable
from origin.imaging import content
from origin.imaging.colour import VipsImage, to_colour, with_alpha
from origin.imaging.efforts import Diligence, effort
from origin.imaging.grades import level
from origin.imaging.metadata import Kept
from origin.imaging.output import Output, photograph
from origin.imaging.savers import DEPTHS, GAIN_MAP, Saving, save
from urlspec.qualities import QualityValue

DEFAULT_QUALITY: Final[Mapping[str, int]] = {"jpeg": 80, "webp": 79, "avif": 60}
"""Without ``q_``. JPEG stays below 90, where 4:4:4 begins and bytes jump."""


_SHARP: Final = "webp lossless"


@dataclasses.dataclass(frozen=True, slots=True)
class Animation:
    """Milliseconds of every frame, and how often they play."""

    delays: tuple[int, ...]
    loop: int


@dataclasses.dataclass(frozen=True, slots=True)
class Encoded:
    body: bytes
    name: str
    """Of the format: one of ``model.FORMATS``."""


_LEAST_SAVING: Final = 1_024


class Gains(Protocol):
    """A gain map that goes with the picture into a JPEG."""

    def attached(self, image: VipsImage) -> VipsImage: ...


def encode(
    frames: list[VipsImage],
    output: Output,
    kept: Kept,
    animation: Animation | None,
    gains: Gains | None = None,
) -> Encoded:
    """The picture in the output's format, metadata as kept. Raises CeilingUnreachable (``mb_``)."""
    image = kept.on(_joined(frames, animation))
    if output.looks:
        image = image.copy_memory()
    names: tuple[str, ...] = (output.name,)
    if output.choices:
        image, names = _by_content(image, output)
        if gains is not None:
            names = (output.name,)
    best: Encoded | None = None
    refused: CeilingUnreachable | None = None
    for name in names:
        try:
            made = Encoded(_written(name, image, output, kept, gains), name.partition(" ")[0])
        except CeilingUnreachable as error:
            refused = error
            continue
        if best is None or len(made.body) + _worth(made, best) < len(best.body):
            best = made
    if best is None:
        assert refused is not None
        raise refused
    return best


def _worth(made: Encoded, best: Encoded) -> int:
    """Bytes that it has to save to leave the client's first format; JPEG is left for being blurred, too."""
    return 0 if best.name in {made.name, "jpeg"} else _LEAST_SAVING


def flattened(image: VipsImage) -> VipsImage:
    """On white, for formats without alpha."""
    if not image.hasalpha():
        return image
    flat = image.flatten(background=[255] * (image.bands - 1))
    return flat if flat.format == "uchar" else flat.rint().cast("uchar")


def _joined(frames: list[VipsImage], animation: Animation | None) -> VipsImage:
    if len(frames) == 1:
        return frames[0]
    image = pyvips.Image.arrayjoin(frames, across=1).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    if animation is not None:
        image.set_type(pyvips.GValue.array_int_type, "delay", list(animation.delays))
        image.set_type(pyvips.GValue.gint_type, "loop", animation.loop)
    return image


def _by_content(image: VipsImage, output: Output) -> tuple[VipsImage, tuple[str, ...]]:
    """``f_auto``: the picture without alpha that nothing shows through, and the formats worth trying."""
    if content.opaque(image):
        image = content.without_alpha(image)
    lossy = photograph(output.choices, alpha=image.hasalpha())
    if not content.flat(image):
        return image, (lossy,)
    sharp = _SHARP if "webp" in output.choices else "png"
    return image, tuple(dict.fromkeys((lossy, sharp)))


def _written(name: str, image: VipsImage, output: Output, kept: Kept, gains: Gains | None) -> bytes:
    """The picture in one format. Raises CeilingUnreachable."""
    if name == _SHARP:  # better than whatever quality was asked for
        name, output = "webp", dataclasses.replace(output, quality=QualityValue("lossless"))
    if name == "jpeg":
        image = flattened(image)
    saving = _decided(name, image, output, kept)
    if name == "jpeg" and gains is not None:
        image, saving = gains.attached(image), dataclasses.replace(saving, keep=saving.keep | GAIN_MAP)
    body = save(name, image, saving)
    if name == "png" and (output.palette or output.choices):
        body = _indexed(body, image, saving, exact=not output.palette)
    if output.max_bytes is None or len(body) <= output.max_bytes:
        return body
    return _under(output.max_bytes, name, image, saving, body, output.attempts)


def _decided(name: str, image: VipsImage, output: Output, kept: Kept) -> Saving:
    """How to write; ``auto`` becomes a number."""
    quality = output.quality or QualityValue(DEFAULT_QUALITY.get(name, 80))
    profile = "p3" if output.space == "p3" else None
    effort = None if output.diligence == "usual" else _effort(name, image, quality, output.diligence)
    saving = Saving(quality, 0, output.progressive, kept.flags, profile, effort)
    if quality.level != "auto":
        return saving
    number = level(image, name, saving) if name in DEFAULT_QUALITY else 80
    return dataclasses.replace(saving, quality=QualityValue(number))


def _effort(name: str, image: VipsImage, quality: QualityValue, diligence: Diligence) -> int:
    pixels = image.width * image.get_page_height()
    return effort(name, pixels, diligence, lossless=quality.level == "lossless")


def _indexed(body: bytes, image: VipsImage, saving: Saving, *, exact: bool) -> bytes:
    """The PNG with a palette, where that is smaller; ``exact``: and where it shows the same."""
    indexed = save("png", image, dataclasses.replace(saving, depth=8))
    if len(indexed) >= len(body):
        return body
    return body if exact and not _same(image, pyvips.Image.new_from_buffer(indexed, "")) else indexed


def _same(image: VipsImage, other: VipsImage) -> bool:
    """Whether two pictures show the same. An invisible pixel's colour is not shown."""
    one, other = (with_alpha(to_colour(each)) for each in (image, other))
    clear = one.extract_band(3) == 0
    return bool(((one != other).bandor() & ~(clear & (other.extract_band(3) == 0))).max() == 0)


# Ceiling -----------------------------------------------------------------------------------------------


def _under(most: int, name: str, image: VipsImage, saving: Saving, body: bytes, attempts: int) -> bytes:
    """What fits under ``mb_``: the best quality by halving, or the most colours; pixels are made once."""
    tries = [body]

    def fits(quality: QualityValue, depth: int = 0) -> bool:
        tries.append(save(name, image, dataclasses.replace(saving, quality=quality, depth=depth)))
        return len(tries[-1]) <= most

    if name in DEFAULT_QUALITY:
        start = saving.quality
        low, high, best = 1, start.level - 1 if isinstance(start.level, int) else 100, b""
        for _ in range(attempts - 1):
            if low > high:
                break
            # The first guess is low: what does not fit at once is often far too large.
            number = (low + high) // 2
            if fits(QualityValue(number, chroma=start.chroma)):
                best, low = tries[-1], number + 1
            else:
                high = number - 1
        if best:
            return best
        if fits(QualityValue(1, chroma=start.chroma)):
            return tries[-1]
    elif name in {"png", "gif"}:
        for depth in DEPTHS:
            if fits(saving.quality, depth):
                return tries[-1]
    least = len(min(tries, key=len))
    raise CeilingUnreachable(
        f"The {name.upper()} has at least {least} bytes at this size; mb_{most} cannot be met.", bytes=least
    )
