"""What a file is, by its first bytes. Names, extensions and declared types are never asked."""

from __future__ import annotations

import re
import struct
from typing import Final

from origin.errors import UnsupportedMedia
from origin.imaging.inputs import EXTRAS

HEAD: Final = 512
"""How many bytes decide."""

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"%PDF-", "pdf"),
    (b"8BPS", "psd"),
    (b"BM", "bmp"),
    (b"\0\0\1\0", "ico"),
    (b"\0\0\2\0", "cur"),
    (b"%!PS", "postscript"),
    (b"PK\3\4", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"#?RADIANCE", "hdr"),
    (b"v/1\1", "exr"),
    (b"qoif", "qoi"),
)

_HEIC_BRANDS: Final = frozenset(
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"]
)

NAMES: Final = {
    "jpeg": "a JPEG", "png": "a PNG", "webp": "a WebP", "gif": "a GIF", "avif": "an AVIF", "tiff": "a TIFF",
    "svg": "an SVG", "heic": "a HEIC", "jxl": "a JPEG XL", "jp2": "a JPEG 2000", "pdf": "a PDF",
    "psd": "a Photoshop file", "bmp": "a BMP", "ico": "a Windows icon", "cur": "a Windows cursor",
    "avis": "an AVIF sequence", "postscript": "a PostScript file", "zip": "a ZIP archive",
    "gzip": "a gzip archive", "hdr": "a Radiance HDR", "exr": "an OpenEXR", "qoi": "a QOI",
    "video": "a video", "html": "an HTML page", "text": "text",
}  # fmt: skip


def sniff(head: bytes) -> str:
    """The kind of a file from its first bytes; ``unknown`` when nothing fits."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    return _markup(head)


def accepted(head: bytes, accept: frozenset[str]) -> str:
    """The kind of a file that is accepted. Raises UnsupportedMedia, which says what the file is."""
    return accept_kind(sniff(head), accept)


def accept_kind(kind: str, accept: frozenset[str]) -> str:
    """``kind`` where it is accepted and can be read. Raises UnsupportedMedia, which says what to do."""
    extra = EXTRAS.get(kind)
    missing = extra is not None and not extra.installed
    if kind in accept and not missing:
        return kind
    known = NAMES.get(kind)
    what = f"The file is {known}" if known else "The file's first bytes are those of no picture"
    why = f"accepted are {' '.join(sorted(accept))}"
    if extra is not None:
        steps = [extra.command] if missing else []
        steps += [f"{kind} among ORIGIN_ACCEPT"] if kind not in accept else []
        why = f"this server reads it with {' and '.join(steps)}"
    raise UnsupportedMedia(f"{what}; {why}.", found=kind)


def _iso_media(head: bytes) -> str:
    """HEIF and its relatives are told apart by brand."""
    (size,) = struct.unpack(">I", head[:4])
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)) - 3, 4))]
    if brands[0] == b"avis":
        return "avis"
    if b"avif" in brands or (b"avio" in brands and brands[0] not in _HEIC_BRANDS):
        return "avif"
    return "heic" if _HEIC_BRANDS.intersection(brands) else "video"


def _markup(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lowered = text.lower()
    if re.match(rb"<!doctype html|<html|<head|<body|<script", lowered):
        return "html"
    if lowered.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")):
        return "svg" if b"<svg" in lowered or lowered.startswith(b"<?xml") else "text"
    if text and all(byte in b"\t\r\n\x1b" or byte >= 32 for byte in text) and not re.search(rb"\xff", text):
        return "text"
    return "unknown"
