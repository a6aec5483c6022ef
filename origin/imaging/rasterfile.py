"""The files in which decoded pictures are kept: raw pixels, and all that their original said of itself.

One file holds one picture at one size or several: magic, parts (profile, metadata, the pixels of every level)
and a description at the end, whose length and sum stand in the last bytes. It is written strip by strip as a
decoder gives it, and read through a memory map, also by its writer: pages of the file cost a third of what
fresh memory costs, and many readers share them; small levels are copied. What is damaged counts as not there.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyvips

from origin.imaging.colour import ICC, VipsImage
from origin.imaging.fields import field_names
from origin.imaging.metadata import METADATA
from origin.imaging.model import Header

_log = logging.getLogger(__name__)

BYTES: Final = {"uchar": 1, "ushort": 2}
"""Of one number, by libvips' name: what can be kept."""

_MAGIC: Final = b"origin raster 1\n"
_END: Final = struct.Struct("<QII")
"""Bytes of the whole file; bytes and CRC-32 of the description."""
_ALIGNED: Final = 64
_REMEMBERED: Final = 1_000
_REMEMBERED_BYTES: Final = 8 << 20
"""Of profiles and metadata: a picture may bring megabytes of them, and workers have little memory."""
_STRIP: Final = 128 * 1024
"""Bytes that are asked of a decoder at a time: few enough for the processor's cache, with what they need."""
_BATCH: Final = 1 << 20
"""Bytes that are written at a time: the system then keeps them in large pages, for half the time."""
_COPIED: Final = 1_000_000
"""Bytes of a level up to which it is copied: that takes less than to have it mapped, and unmapped again."""
_PAGE: Final = 4096

_BLOBS: Final = (ICC, *METADATA)
_PROPERTIES: Final = ("interpretation", "xres", "yres")
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


class NotWrittenError(Exception):
    """There is no room for the file, or nobody wants it any more."""


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

    def image(self, pixels: Any, width: int, height: int, *, metadata: bool) -> VipsImage:
        """A picture over ``pixels``, which are not copied, not by ``copy_memory`` either: hold it as long as
        anything that is made from it.

        ``metadata``: with its EXIF, XMP, IPTC and orientation. libvips takes EXIF apart as soon as it is told
        of it, which takes a millisecond where a camera wrote much.
        """
        image = pyvips.Image.new_from_memory(pixels, width, height, self.bands, self.format)
        for name in _PROPERTIES:  # copy() with them would take five times as long
            value = self.interpretation if name == "interpretation" else self.fields[name]
            pyvips.VipsObject.set(image, name, value)
        for name, value in self.fields.items():
            if name not in _PROPERTIES and (metadata or name != "orientation"):
                image.set_type(_SCALARS[type(value)], name, value)
        for name, blob in self.blobs.items():
            if metadata or name == ICC:
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


class _Description:
    """What a file says of itself, taken apart once for all its readers in this process."""

    def __init__(self, data: memoryview, said: Mapping[str, Any]) -> None:
        self.header = Header(**(said["header"] | {"delays": tuple(said["header"]["delays"])}))
        self.hdr: bool = said["hdr"]
        places: list[_Place] = said["places"]
        self.levels = dict(zip((Level(*level) for level in said["levels"]), places, strict=True))
        pixel = said["bands"] * BYTES[said["format"]]
        if any(place[1] != level.width * level.height * pixel for level, place in self.levels.items()):
            raise DamagedError
        blobs: dict[str, bytes] = {}
        for name, place in said["blobs"].items():
            blobs[name] = bytes(data[place[0] : place[0] + place[1]])
            _check(blobs[name], place)
        self.look = Look(said["bands"], said["format"], said["interpretation"], said["fields"], blobs)
        self.bytes = sum(map(len, blobs.values()))
        self.right: set[Level] = set()
        """Levels whose sum was found right."""


_known: dict[tuple[str, _Fingerprint], _Description] = {}
"""The files that this process has read; not their pixels."""


def forget_checks() -> None:
    """Check every part anew when it is used next."""
    _known.clear()


class Raster:
    """A kept picture, open for reading: a context. What it gave stays when it is closed."""

    def __init__(self, path: str, file: int, said: _Description) -> None:
        self.header = said.header
        """Of the original."""
        self.hdr = said.hdr
        """The original has a gain map."""
        self.levels = tuple(said.levels)
        self._path = path
        self._file = file
        self._said = said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def image(self, level: Level, *, metadata: bool = False) -> VipsImage:
        """The pixels of a level, as stored; ``metadata`` as in ``Look.image``. Raises DamagedError."""
        said = self._said
        place = said.levels[level]
        try:
            pixels = self._pixels(place, seen=level in said.right)
        except OSError as error:
            _log.warning("%s cannot be read", self._path, exc_info=True)
            raise DamagedError from error
        if level not in said.right:
            try:
                _check(pixels, place)
            except DamagedError:
                _drop(self._path)
                raise
            said.right.add(level)
        return said.look.image(pixels, level.width, level.height, metadata=metadata)

    def _pixels(self, place: _Place, *, seen: bool) -> Any:
        offset, length, _ = place
        if seen and length <= _COPIED:
            return os.pread(self._file, length, offset)
        return memoryview(mmap.mmap(self._file, 0, prot=mmap.PROT_READ))[offset : offset + length]


def read(path: str) -> Raster | None:
    """None when the file is gone or damaged."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError:
        _log.warning("%s cannot be read", path, exc_info=True)
        return None
    try:
        return Raster(path, file, _described(path, file))
    except (OSError, DamagedError) as error:
        os.close(file)
        if isinstance(error, DamagedError):
            _drop(path)
        else:
            _log.warning("%s cannot be read", path, exc_info=True)
        return None


def _drop(path: str) -> None:
    _log.warning("%s is damaged, and removed", path)
    Path(path).unlink(missing_ok=True)


def _described(path: str, file: int) -> _Description:
    """Raises DamagedError."""
    status = os.fstat(file)
    # A file gets its name when it is whole, and is not written again.
    key = (path, (status.st_ino, status.st_size, status.st_mtime_ns))
    if (known := _known.get(key)) is not None:
        return known
    if status.st_size < len(_MAGIC) + _END.size:
        raise DamagedError
    data = memoryview(mmap.mmap(file, 0, prot=mmap.PROT_READ))
    size, length, crc = _END.unpack(data[-_END.size :])
    text = bytes(data[-_END.size - length : -_END.size])
    if bytes(data[: len(_MAGIC)]) != _MAGIC or size != len(data) or zlib.crc32(text) != crc:
        raise DamagedError
    said = _Description(data, json.loads(text))
    held = said.bytes + sum(one.bytes for one in _known.values())
    if len(_known) >= _REMEMBERED or held > _REMEMBERED_BYTES:
        _known.clear()
    _known[key] = said
    return said


def _check(part: Any, place: _Place) -> None:
    """After a loss of power a file may have its name and not its bytes; disks forget, too."""
    _, length, crc = place
    if len(part) != length or zlib.crc32(part) != crc:
        raise DamagedError


class Writer:
    """Fills the file ``path``, which is there: a context; what was written counts only after :meth:`finish`.

    All methods raise NotWrittenError.
    """

    def __init__(self, path: str, look: Look, pixels: int) -> None:
        """``pixels``: bytes to be reserved for all levels together."""
        self._look = look
        self._levels: list[tuple[Level, _Place]] = []
        self._at = 0
        self._pending: list[Any] = []
        self._held = 0
        """Bytes of the pending."""
        try:
            # Whoever wants it made the file; where it is gone again, the original was replaced meanwhile.
            self._file = os.open(path, os.O_RDWR)
        except OSError as error:
            raise _not_written(error) from error
        try:
            # A disk that is full is better known before a decoder has given its only stream of pixels.
            os.posix_fallocate(self._file, 0, pixels)
        except OSError as error:
            os.close(self._file)
            raise _not_written(error) from error
        self._put(_MAGIC)
        self._blobs = {name: self._part(blob) for name, blob in look.blobs.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def add(self, image: VipsImage, level: Level, *, metadata: bool) -> VipsImage:
        """Write the pixels of a level, reading ``image`` once from top to bottom, and give them back."""
        row = image.width * image.bands * BYTES[image.format]
        strip = max(1, _STRIP // row)
        region, crc = pyvips.Region.new(image), 0
        self._align(_PAGE)
        start = self._at
        try:
            for top in range(0, image.height, strip):
                part = region.fetch(0, top, image.width, min(strip, image.height - top))
                crc = zlib.crc32(part, crc)
                self._put(part)
                if self._held >= _BATCH:
                    self._flush()
            self._flush()
            data = memoryview(mmap.mmap(self._file, self._at, prot=mmap.PROT_READ))
        except OSError as error:
            raise _not_written(error) from error
        self._levels.append((level, (start, self._at - start, crc)))
        return self._look.image(data[start:], level.width, level.height, metadata=metadata)

    def finish(self, header: Header, *, hdr: bool) -> None:
        """Say what it is, at the end."""
        look = self._look
        said = {
            "header": {field.name: getattr(header, field.name) for field in dataclasses.fields(header)},
            "hdr": hdr,
            "bands": look.bands,
            "format": look.format,
            "interpretation": look.interpretation,
            "fields": look.fields,
            "blobs": self._blobs,
            "levels": [dataclasses.astuple(level) for level, _ in self._levels],
            "places": [place for _, place in self._levels],
        }
        text = json.dumps(said).encode()
        size = self._at + len(text) + _END.size
        self._put(text + _END.pack(size, len(text), zlib.crc32(text)))
        try:
            self._flush()
            os.ftruncate(self._file, size)
        except OSError as error:
            raise _not_written(error) from error

    def _part(self, part: bytes) -> _Place:
        self._align(_ALIGNED)
        place = (self._at, len(part), zlib.crc32(part))
        self._put(part)
        return place

    def _align(self, to: int) -> None:
        self._put(bytes(-self._at % to))

    def _put(self, part: Any) -> None:
        self._pending.append(part)
        self._held += len(part)
        self._at += len(part)

    def _flush(self) -> None:
        """Raises OSError."""
        written = os.writev(self._file, self._pending)
        if written < self._held:
            rest = memoryview(b"".join(self._pending))
            while written < len(rest):
                written += os.write(self._file, rest[written:])
        self._pending, self._held = [], 0


def _not_written(error: OSError) -> NotWrittenError:
    if not isinstance(error, FileNotFoundError):
        _log.warning("no picture is kept: %s", error)
    return NotWrittenError()
