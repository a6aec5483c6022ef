"""Arguments that count for the whole URL: where the picture comes from in time, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.declare import Argument, arg
from urlspec.kinds import QualityCodec, QualityValue
from urlspec.sources import SourceCodec, SourceRef
from urlspec.values import CONTROLS, Integer, Text, Word

PICTURE_FORMATS: Final = ("jpg", "png", "webp", "avif", "gif", "tiff")
DESCRIPTIONS: Final = ("json", "thumbhash", "blurhash", "datauri")
FORMATS: Final = ("auto", *PICTURE_FORMATS, "png8", *DESCRIPTIONS)
EXTENSIONS: Final = {**{name: name for name in (*PICTURE_FORMATS, *DESCRIPTIONS)}, "jpeg": "jpg"}
"""What may follow an id: ``<id>.<ext>`` is ``f_<ext>``. ``auto`` names no format, so it is none of them."""


_NOT_BUILT: Final = {
    "jxl": "this build writes no JPEG XL; f_auto takes the best that it can write",
    "heic": "this build writes no HEIC; f_avif is the nearest that it can write",
}

_OTHER_SPACES: Final = {
    "tinysrgb": "the profile of an sRGB picture is left out anyway; write cs_srgb or nothing",
    "cmyk": "pictures for screens are made; a CMYK source becomes sRGB",
    "no_cmyk": "a CMYK source becomes sRGB anyway; write nothing",
    "copy": "cs_p3 keeps wide-gamut colours",
}


class OutputArgument(Argument):
    """Base of the arguments that may stand once in a URL, wherever they stand."""

    __slots__ = ()
    scope, group = "output", "Output"


@dataclass(frozen=True, slots=True)
class Page(OutputArgument):
    """Page of a document or frame of an animation, counted from 1."""

    key, example, method = "pg", "pg_2", "page"
    number: int = arg(Integer(1, 9_999), "number")


@dataclass(frozen=True, slots=True)
class Density(OutputArgument):
    """Dots an inch at which a PDF (150 unless said) or an SVG (72) is measured and drawn; a picture that has
    pixels keeps them."""

    key, example, method = "dn", "pg_2,dn_300", "density"
    dpi: int = arg(Integer(1, 1_200, "dpi"), "density")


@dataclass(frozen=True, slots=True)
class Format(OutputArgument):
    """Output format. `auto` takes the best that the client names in `Accept` and that suits the picture;
    `png8` is a PNG of at most 256 colours; `json thumbhash blurhash datauri` describe the picture that the
    chain gives."""

    key, example, method = "f", "f_webp", "format"
    name: str = arg(Word(FORMATS, aliases={"jpeg": "jpg"}, hints=_NOT_BUILT), "format")


@dataclass(frozen=True, slots=True)
class Quality(OutputArgument):
    """Quality of lossy formats, with chroma subsampling. `auto` finds the number that makes every picture
    look alike, by grade. `lossless` writes WebP, AVIF or PNG without loss; `lossless:60` a WebP that is
    nearly so: the smaller the number, the smaller the file."""

    key, example, method = "q", "q_80", "quality"
    value: QualityValue = arg(QualityCodec(), "quality")


@dataclass(frozen=True, slots=True)
class MaxBytes(OutputArgument):
    """The most bytes that the result may have; quality or the number of colours is lowered until it fits."""

    key, example, method = "mb", "f_jpg,mb_20000", "max_bytes"
    bytes: int = arg(Integer(100, 999_999, "bytes"), "ceiling")


@dataclass(frozen=True, slots=True)
class Progressive(OutputArgument):
    """A JPEG or PNG that appears at once and sharpens while it loads."""

    key, word, example, method = "fl", "progressive", "f_jpg,fl_progressive", "progressive"


@dataclass(frozen=True, slots=True)
class ColourSpace(OutputArgument):
    """Colours of the result: `srgb`, or `p3`, which keeps what a wide-gamut picture has beyond sRGB and says
    so in an ICC profile; pictures without such colours stay sRGB."""

    key, example, method = "cs", "cs_p3", "colour_space"
    name: str = arg(Word(("srgb", "p3"), hints=_OTHER_SPACES), "colour space")

    def settled(self) -> Argument | None:
        return None if self.name == "srgb" else self


@dataclass(frozen=True, slots=True)
class Hdr(OutputArgument):
    """Whether a JPEG made of an Ultra HDR photograph has its gain map: `keep` (default), or `off`."""

    key, example, method = "hdr", "hdr_off", "hdr"
    gain_map: str = arg(Word(("keep", "off")), "gain map")

    def settled(self) -> Argument | None:
        return None if self.gain_map == "keep" else self


@dataclass(frozen=True, slots=True)
class Metadata(OutputArgument):
    """What of EXIF, XMP and IPTC is kept. ICC profile and gain map are not metadata."""

    key, example, method = "meta", "meta_copyright", "metadata"
    keep: str = arg(Word(("none", "copyright", "all")), "what to keep")

    def settled(self) -> Argument | None:
        return None if self.keep == "none" else self


@dataclass(frozen=True, slots=True)
class Fallback(OutputArgument):
    """Picture to show when the source is missing or broken."""

    key, example, method = "d", "d_placeholder", "fallback"
    source: SourceRef = arg(SourceCodec(), "id or @name:key")


@dataclass(frozen=True, slots=True)
class Download(OutputArgument):
    """Download under this file name instead of showing."""

    key, example, method = "dl", "dl_holiday.jpg", "download"
    name: str = arg(Text(100, rf"[^{CONTROLS}/\\]+", "a file name"), "file name")


@dataclass(frozen=True, slots=True)
class Version(OutputArgument):
    """Version of the asset; with it the answer never changes."""

    key, example, method = "v", "v_2", "version"
    number: int = arg(Integer(1, 999_999), "number")


@dataclass(frozen=True, slots=True)
class Raw(OutputArgument):
    """The untouched uploaded file; needs a signature or the owner's token."""

    key, example, method = "raw", "raw_1", "raw"
    value: str = arg(Word(("1",)), "1")
