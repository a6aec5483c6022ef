"""Small files that ask for a lot: generated, so that none of them needs to be kept."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support import pictures

TOO_LARGE = (422, "image_too_large")
TOO_MANY = (422, "too_many_frames")
TOO_COMPLEX = (422, "image_too_complex")
CORRUPT = (422, "image_corrupt")
FINE = (201, "")


@dataclass(frozen=True)
class Bomb:
    """A file, and what a server may say to it."""

    row: str
    """Of the threats: ``T30`` sides, ``T31`` frames, ``T33`` scans, ``T34`` ancillary data."""
    make: Callable[[], bytes]
    answers: tuple[tuple[int, str], ...]

    @property
    def refused(self) -> bool:
        return FINE not in self.answers


# PNG ---------------------------------------------------------------------------------------------------


@functools.cache
def zeros(count: int) -> bytes:
    """``count`` zero bytes as a zlib stream, made without compressing them all."""
    step = 1 << 20
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(step)) + deflate.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = last.compress(bytes(count % step)) + last.flush()
    adler = (count % 65_521) << 16 | 1
    return b"\x78\xda" + block * (count // step) + end + struct.pack(">I", adler)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int, height: int, bits: int = 8, colour: int = 2, interlaced: int = 0, *, rows: int | None = None
) -> bytes:
    """A black PNG of these sides with the pixels of ``rows`` rows (all, when not said)."""
    bands = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    count = (1 + (width * bits * bands + 7) // 8) * (height if rows is None else rows)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return _png(png_chunk(b"IHDR", head), png_chunk(b"IDAT", zeros(count)))


def _png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def _around(*chunks: bytes) -> bytes:
    """A small picture with ``chunks`` between its header and its pixels."""
    small = pictures.card()
    return small[:33] + b"".join(chunks) + small[33:]


def many_texts(count: int) -> bytes:
    return _around(*(png_chunk(b"tEXt", b"key%d\0" % number + b"x" * 10) for number in range(count)))


# GIF ---------------------------------------------------------------------------------------------------

_GIF_PIXEL = b"\x02\x02\x44\x01\x00"
"""One pixel, LZW-coded."""


def gif(width: int, height: int, frames: int, *, full: bool = False) -> bytes:
    """Frames of one pixel each on a large canvas, or (``full``) as large as it, with one pixel of data."""
    side = (width, height) if full else (1, 1)
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x21\xf9\x04\x00\x0a\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, *side, 0) + _GIF_PIXEL
    return head + frame * frames + b";"


# WebP --------------------------------------------------------------------------------------------------


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def webp(width: int, height: int, frames: int) -> bytes:
    """Frames of 8 x 8 on a large canvas."""
    plain = pictures.plain(8, 8, (1, 2, 3), ".webp")
    start = plain.index(b"VP8L")
    pixels = plain[start : start + 8 + struct.unpack_from("<I", plain, start + 4)[0]]
    three = [struct.pack("<I", value)[:3] for value in (width - 1, height - 1, 0, 7, 100)]
    head = _riff(b"VP8X", b"\x02\0\0\0" + three[0] + three[1])
    head += _riff(b"ANIM", bytes(6))
    frame = _riff(b"ANMF", three[2] * 2 + three[3] * 2 + three[4] + b"\x02" + pixels)
    body = b"WEBP" + head + frame * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


# JPEG --------------------------------------------------------------------------------------------------


def jpeg_sized(width: int, height: int, small: bytes | None = None) -> bytes:
    """A small JPEG that says it is large."""
    data = bytearray(small or pictures.card(suffix=".jpg"))
    at = data.index(b"\xff\xc2" if small else b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def scans(count: int) -> bytes:
    """A progressive JPEG whose first scan comes ``count`` times more."""
    data = pictures.progressive(640, 480)
    start = data.index(b"\xff\xda")
    # The next marker: tables or a scan.
    end = next(at for at in range(start + 2, len(data)) if data[at] == 0xFF and data[at + 1] in {0xC4, 0xDA})
    return data[:start] + data[start:end] * count + data[start:]


# TIFF, AVIF --------------------------------------------------------------------------------------------


def tiff(width: int, height: int, pages: int = 1, *, loop: bool = False) -> bytes:
    """Directories without pixels; with ``loop`` the last one is followed by the first."""
    tags = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, 9),
    ]
    size = 2 + 12 * len(tags) + 4
    parts = [b"II*\0" + struct.pack("<I", 8)]
    for page in range(pages):
        follows = 8 + size * (page + 1) if page + 1 < pages else 8 if loop else 0
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        parts.append(struct.pack("<H", len(tags)) + entries + struct.pack("<I", follows))
    return b"".join(parts)


def avif_sized(width: int, height: int) -> bytes:
    """A small AVIF that says it is large."""
    data = bytearray(pictures.card(suffix=".avif"))
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(data)


# All of them -------------------------------------------------------------------------------------------

BOMBS = {
    "PNG 50,000 x 50,000, 1 bit": Bomb("T30", lambda: png(50_000, 50_000, 1, 0), (TOO_LARGE,)),
    "PNG 20,000 x 20,000, RGB": Bomb("T30", lambda: png(20_000, 20_000), (TOO_LARGE,)),
    "PNG 100,000 x 100,000, one row": Bomb("T30", lambda: png(100_000, 100_000, 1, 0, rows=1), (TOO_LARGE,)),
    "PNG 786,464 x 32, no pixels": Bomb("T30", lambda: png(786_464, 32, rows=0), (TOO_LARGE,)),
    "PNG 1 x 1,057,024": Bomb("T30", lambda: png(1, 1_057_024, 1, 0, rows=9), (TOO_LARGE,)),
    "PNG 16,384 x 16,384": Bomb("T30", lambda: png(16_384, 16_384, 1, 0), (TOO_LARGE,)),
    "PNG of 2^31 a side": Bomb("T30", lambda: png(2**31 - 1, 2**31 - 1, rows=0), (TOO_LARGE, CORRUPT)),
    "JPEG 49,157 x 27,397": Bomb("T30", lambda: jpeg_sized(49_157, 27_397), (TOO_LARGE,)),
    "GIF 65,535 x 65,535": Bomb("T30", lambda: gif(65_535, 65_535, 1, full=True), (TOO_LARGE,)),
    "WebP 16,000 x 16,000": Bomb("T30", lambda: webp(16_000, 16_000, 1), (TOO_LARGE,)),
    "TIFF 2,000,000 x 2": Bomb("T30", lambda: tiff(2_000_000, 2), (TOO_LARGE,)),
    "AVIF 60,000 x 60,000": Bomb("T30", lambda: avif_sized(60_000, 60_000), (TOO_LARGE, CORRUPT)),
    "GIF of 5,000 frames": Bomb("T31", lambda: gif(64, 64, 5_000), (TOO_MANY,)),
    "GIF of 101 frames": Bomb("T31", lambda: pictures.animated(101), (TOO_MANY,)),
    "GIF of 100 frames": Bomb("T31", lambda: pictures.animated(100), (FINE,)),
    "GIF of 100 frames, 100.1 MP": Bomb("T31", lambda: gif(1_001, 1_000, 100), (TOO_MANY,)),
    "GIF of 1,000,000 frames": Bomb("T31", lambda: gif(16, 16, 1_000_000), (TOO_MANY,)),
    "WebP of 101 frames": Bomb("T31", lambda: webp(64, 64, 101), (TOO_MANY,)),
    "WebP of 200,000 frames": Bomb("T31", lambda: webp(64, 64, 200_000), (TOO_MANY,)),
    "JPEG of 500 more scans": Bomb("T33", lambda: scans(500), (TOO_COMPLEX,)),
    "JPEG of 5,000 more scans": Bomb("T33", lambda: scans(5_000), (TOO_COMPLEX,)),
    "JPEG of 50 more scans": Bomb("T33", lambda: scans(50), (FINE, CORRUPT)),
    "JPEG of 95 scans, 67 MP": Bomb("T33", lambda: jpeg_sized(8_192, 8_192, scans(85)), (TOO_COMPLEX,)),
    "PNG, 60 MiB of text": Bomb(
        "T34", lambda: _around(png_chunk(b"zTXt", b"Comment\0\0" + zeros(60 << 20))), (FINE, CORRUPT)
    ),
    "PNG, 60 MiB of profile": Bomb(
        "T34", lambda: _around(png_chunk(b"iCCP", b"icc\0\0" + zeros(60 << 20))), (FINE, CORRUPT)
    ),
    "PNG, 5,000 texts": Bomb("T34", lambda: many_texts(5_000), (FINE, CORRUPT)),
    "PNG, 200,000 texts": Bomb("T34", lambda: many_texts(200_000), (FINE, CORRUPT)),
    "TIFF of 50,000 directories": Bomb("T31", lambda: tiff(2, 2, 50_000), (TOO_MANY,)),
    "TIFF of directories in a ring": Bomb("T34", lambda: tiff(2, 2, 50, loop=True), (CORRUPT, FINE)),
}  # fmt: skip


def names(rows: Iterable[str]) -> list[str]:
    wanted = set(rows)
    return [name for name, bomb in BOMBS.items() if bomb.row in wanted]
