"""The files in which decoded pictures are kept: raw pixels, and all that their original said of itself.

One file holds one picture at one size or several: magic, parts (profile, metadata, the pixels of every level)
and a description at the end, whose length and sum stand in the last bytes. It is read through a memory map,
so many readers share the same memory. What is damaged counts as not there.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import mmap
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyvips

from origin.imaging.colour import VipsImage
from origin.imaging.fields import field_names
from origin.imaging.model import Header

_log = logging.getLogger(__name__)

BYTES: Final = {"uchar": 1, "ushort": 2}
"""Of one number, by libvips' name: what can be kept."""

_MAGIC: Final = b"origin raster 1\n"
_END: Final = struct.Struct("<QII")
"""Bytes of the whole file; bytes and CRC-32 of the description."""
_ALIGNED: Final = 64
_REMEMBERED: Final = 10_000

_BLOBS: Final = ("icc-profile-data", "exif-data", "xmp-data", "iptc-data")
_UNNAMED: Final = ("exif-", "jpeg-thumbnail", "vips-")
_GIVEN: Final = frozenset(
    {"width", "height", "bands", "format", "coding", "interpretation", "xoffset", "yoffset", "filename"}
)
_SCALARS: Final = {
    int: pyvips.GValue.gint_type,
    float: pyvips.GValue.gdouble_type,
    str: pyvips.GValue.gstr_type,
}

_Place = tuple[int, int, int]
"""Offset, bytes and CRC-32 of a part."""
_Fingerprint = tuple[int, int, int]
"""Inode, bytes, modification time."""


class DamagedError(Exception):
    """The file is gone, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Look:
    """What all levels of a picture have in common: how to read the numbers, and what came with them."""

    bands: int
    format: str
    interpretation: str
    fields: Mapping[str, int | float | str]
    """What else libvips says of the original."""
    blobs: Mapping[str, bytes]
    """Profile and metadata."""

    @classmethod
    def of(cls, image: VipsImage) -> Look:
        """A freshly opened picture's."""
        blobs = {name: bytes(image.get(name)) for name in _BLOBS if image.get_typeof(name)}
        fields: dict[str, int | float | str] = {}
        for name in field_names(image):
            if name not in _GIVEN and name not in blobs and not name.startswith(_UNNAMED):
                value = image.get(name)
                if type(value) in _SCALARS:
                    fields[name] = value
        return cls(image.bands, image.format, image.interpretation, fields, blobs)

    def image(self, pixels: Any, width: int, height: int) -> VipsImage:
        """A picture over ``pixels``, which are not copied."""
        image = pyvips.Image.new_from_memory(pixels, width, height, self.bands, self.format)
        image = image.copy(
            interpretation=self.interpretation, xres=self.fields["xres"], yres=self.fields["yres"]
        )
        for name, value in self.fields.items():
            if name not in {"xres", "yres"}:
                image.set_type(_SCALARS[type(value)], name, value)
        for name, blob in self.blobs.items():
            image.set_type(pyvips.GValue.blob_type, name, blob)
        return image


@dataclass(frozen=True, slots=True)
class Level:
    """One size of a kept picture."""

    factor: int
    """So many times smaller than the picture as stored."""
    exact: bool
    """As the decoder itself gives it at this scale."""
    width: int
    height: int


class Raster:
    """A kept picture, open for reading."""

    def __init__(
        self, path: str, fingerprint: _Fingerprint, data: memoryview, said: Mapping[str, Any]
    ) -> None:
        self.header = Header(**(said["header"] | {"delays": tuple(said["header"]["delays"])}))
        """Of the original."""
        self.hdr: bool = said["hdr"]
        """The original has a gain map."""
        self.levels = tuple(Level(*level) for level in said["levels"])
        self._places: list[_Place] = said["places"]
        self._said = said
        self._path = path
        self._fingerprint = fingerprint
        self._data = data

    def image(self, level: Level) -> VipsImage:
        """The pixels of a level, as stored. Raises DamagedError."""
        said = self._said
        pixels = self._part(self._places[self.levels.index(level)])
        places: dict[str, _Place] = said["blobs"]
        blobs = {name: bytes(self._part(place)) for name, place in places.items()}
        look = Look(said["bands"], said["format"], said["interpretation"], said["fields"], blobs)
        if len(pixels) != level.width * level.height * look.bands * BYTES[look.format]:
            raise DamagedError
        return look.image(pixels, level.width, level.height)

    def _part(self, place: _Place) -> memoryview:
        offset, length, crc = place
        part = self._data[offset : offset + length]
        seen = (self._fingerprint, offset)
        if seen not in _right:
            # After a loss of power a file may have its name and not its bytes; disks forget, too.
            if len(part) != length or zlib.crc32(part) != crc:
                _drop(self._path)
                raise DamagedError
            if len(_right) >= _REMEMBERED:
                _right.clear()
            _right.add(seen)
        return part


_right: set[tuple[_Fingerprint, int]] = set()
"""Parts whose sum this process has found right."""


def forget_checks() -> None:
    """Check every part anew when it is used next."""
    _right.clear()


def read(path: str) -> Raster | None:
    """None when the file is gone or damaged."""
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            data = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    except FileNotFoundError:
        return None
    except ValueError:  # an empty file cannot be mapped
        _drop(path)
        return None
    except OSError:
        _log.warning("%s cannot be read", path, exc_info=True)
        return None
    said = _description(data)
    if said is None:
        _drop(path)
        return None
    return Raster(path, (status.st_ino, status.st_size, status.st_mtime_ns), data, said)


def _drop(path: str) -> None:
    _log.warning("%s is damaged, and removed", path)
    Path(path).unlink(missing_ok=True)


def _description(data: memoryview) -> dict[str, Any] | None:
    if len(data) < len(_MAGIC) + _END.size or bytes(data[: len(_MAGIC)]) != _MAGIC:
        return None
    size, length, crc = _END.unpack(data[-_END.size :])
    text = bytes(data[-_END.size - length : -_END.size])
    if size != len(data) or zlib.crc32(text) != crc:
        return None
    said: dict[str, Any] = json.loads(text)
    return said


def write(path: str, header: Header, look: Look, levels: Sequence[tuple[Level, Any]], *, hdr: bool) -> bool:
    """Fill the file ``path``, which is there. False when there is no room, or nobody wants it any more."""
    try:
        # Whoever wants it made the file; where it is gone again, the original was replaced meanwhile.
        with Path(path).open("r+b") as file:
            file.write(_MAGIC)
            at = len(_MAGIC)

            def put(part: Any) -> _Place:
                nonlocal at
                file.write(bytes(-at % _ALIGNED))
                place = (at + -at % _ALIGNED, len(part), zlib.crc32(part))
                file.write(part)
                at = place[0] + place[1]
                return place

            said = {
                "header": dataclasses.asdict(header),
                "hdr": hdr,
                "bands": look.bands,
                "format": look.format,
                "interpretation": look.interpretation,
                "fields": look.fields,
                "blobs": {name: put(blob) for name, blob in look.blobs.items()},
                "levels": [dataclasses.astuple(level) for level, _ in levels],
                "places": [put(pixels) for _, pixels in levels],
            }
            text = json.dumps(said).encode()
            file.write(text + _END.pack(at + len(text) + _END.size, len(text), zlib.crc32(text)))
    except FileNotFoundError:
        return False
    except OSError as error:
        _log.warning("no picture is kept: %s", error)
        return False
    return True
