"""JPEG XL by libjxl, which turns the picture as its codestream says. Of an animation the first frame.

libjxl's Python wrapper decodes all there is when it opens a file, so the header is read here, by the letter
of ISO/IEC 18181-1, sections "Image header" and "Image metadata", and 18181-2 for the container.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pillow_jxl
import pyvips

from origin.errors import ImageCorrupt
from origin.imaging.colour import VipsImage
from origin.imaging.inputs.boxes import boxes
from origin.imaging.inputs.raster import in_memory
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

_CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_CODESTREAM: Final = b"\xff\x0a"
_BANDS: Final = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ENOUGH: Final = 4_096
"""Bytes of the codestream that hold its headers, unless channels have very long names."""

_ALPHA, _SPOT, _CFA = 0, 2, 5
"""Kinds of extra channels."""


def header(path: str, opening: Opening) -> Header:  # noqa: ARG001 - it has no pages
    data = Path(path).read_bytes()
    return _Reader(_codestream(data)[:_ENOUGH]).header(len(data))


def pixels(path: str, how: Load) -> VipsImage:
    data = Path(path).read_bytes()
    # No threads: there is one worker for every core.
    rebuilt, info, body, icc, extras = pillow_jxl.Decoder(num_threads=0)(data)
    if rebuilt:  # a JPEG that was packed without loss comes out as that JPEG
        image = pyvips.Image.jpegload_buffer(body, fail_on="error").autorot().copy_memory()
    else:
        exif = next((bytes(box.data)[4:] for box in extras if box.box_type == b"Exif"), None)
        image = in_memory(bytes(body), info.width, info.height, _BANDS[info.mode], icc=icc, exif=exif)
        reader = _Reader(_codestream(data)[:_ENOUGH])
        reader.header(len(data))
        if reader.premultiplied:
            image = image.unpremultiply().rint().cast("uchar")
    if (image.width, image.height) != (how.header.width, how.header.height):
        raise ImageCorrupt
    return image


# Container -----------------------------------------------------------------------------------------------


def _codestream(data: bytes) -> bytes:
    if not data.startswith(_CONTAINER):
        return data
    parts = b""
    for name, _, body, end in boxes(data):
        if name == b"jxlc":
            return data[body:end]
        if name == b"jxlp":
            parts += data[body + 4 : end]
            if len(parts) >= _ENOUGH:
                break
    return parts


# Codestream ----------------------------------------------------------------------------------------------

_Choice = tuple[int, int]
"""A base, and how many bits are added to it."""


class _Reader:
    """Bits from the lowest of each byte on."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")
        self._left = len(data) * 8
        self.premultiplied = False
        """Known when the header has been read."""
        if self._take(16) != int.from_bytes(_CODESTREAM, "little"):
            raise ValueError("no codestream")

    def _take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("the header ends early")
        value = self._bits & (1 << count) - 1
        self._bits >>= count
        return value

    def _flag(self) -> bool:
        return bool(self._take(1))

    def _one_of(self, *choices: _Choice) -> int:
        """``U32``: two bits choose."""
        base, bits = choices[self._take(2)]
        return base + self._take(bits)

    def _enum(self) -> int:
        return self._one_of((0, 0), (1, 0), (2, 4), (18, 6))

    def header(self, size: int) -> Header:
        width, height = self._size()
        orientation, alpha, grey = 1, False, False
        if not self._flag():
            if self._flag():
                orientation = self._take(3) + 1
                self._beside()
            self._depth()  # whatever it is, the decoder gives eight bits
            self._flag()  # modular_16bit_buffers
            for _ in range(self._one_of((0, 0), (1, 0), (2, 4), (1, 12))):
                alpha = self._extra_channel() or alpha
            self._flag()  # xyb_encoded
            grey = not self._flag() and not self._flag() and self._enum() == 1
        if orientation >= 5:
            width, height = height, width
        colour = "b-w" if grey else "srgb"
        bands = (1 if grey else 3) + alpha
        return Header("jxl", width, height, has_alpha=alpha, bands=bands, colour=colour, icc=True, bytes=size)

    def _size(self) -> tuple[int, int]:
        small = self._flag()
        height = self._side(small)
        ratio = self._take(3)
        if ratio == 0:
            return self._side(small), height
        across, down = _RATIOS[ratio - 1]
        return height * across // down, height

    def _side(self, small: bool) -> int:
        if small:
            return (self._take(5) + 1) * 8
        return self._one_of((1, 9), (1, 13), (1, 18), (1, 30))

    def _beside(self) -> None:
        """Intrinsic size, preview, animation: read over."""
        if self._flag():
            self._size()
        if self._flag():
            choices: tuple[_Choice, ...] = ((1, 6), (65, 8), (321, 10), (1345, 12))
            if self._flag():
                choices = ((16, 0), (32, 0), (1, 5), (33, 9))
            self._one_of(*choices)
            if self._take(3) == 0:
                self._one_of(*choices)
        if self._flag():
            self._one_of((100, 0), (1000, 0), (1, 10), (1, 30))
            self._one_of((1, 0), (1001, 0), (1, 8), (1, 10))
            self._one_of((0, 0), (0, 3), (0, 16), (0, 32))
            self._flag()

    def _depth(self) -> None:
        """Bits of a sample, read over."""
        if self._flag():
            self._one_of((32, 0), (16, 0), (24, 0), (1, 6))
            self._take(4)
        else:
            self._one_of((8, 0), (10, 0), (12, 0), (1, 6))

    def _extra_channel(self) -> bool:
        """Whether it is alpha."""
        if self._flag():
            return True
        kind = self._enum()
        self._depth()
        self._one_of((0, 0), (3, 0), (4, 0), (1, 3))
        for _ in range(self._one_of((0, 0), (0, 4), (16, 5), (48, 10))):
            self._take(8)
        if kind == _ALPHA:
            self.premultiplied = self._flag() or self.premultiplied
        elif kind == _SPOT:
            self._take(64)
        elif kind == _CFA:
            self._one_of((1, 0), (0, 2), (3, 4), (19, 8))
        return kind == _ALPHA
