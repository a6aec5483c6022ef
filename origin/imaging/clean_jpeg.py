"""JPEG without metadata; an Ultra HDR gain map is part of the picture, so it stays and is described anew.

Layout of an Ultra HDR file: the picture; behind its end a second, small JPEG with the gains. The picture's
head says where that lies, twice: in an MPF segment (CIPA DC-007) and in an XMP packet with a container
directory. The gains' own parameters stand in the second JPEG, as ISO 21496-1 or as XMP of the ``hdrgm``
namespace. XMP may hold anything, so packets are not copied: what is needed of them is written anew.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from origin.imaging import exif

Tags = Mapping[int, int | bytes]
Segment = tuple[int, bytes]
"""A marker's second byte, and what follows its length."""

_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_ISO: Final = b"urn:iso:std:iso:ts:21496:-1\0"
_MPF: Final = b"MPF\0"
_HDRGM: Final = "http://ns.adobe.com/hdr-gain-map/1.0/"
_PARAMETERS: Final = (
    "Version", "BaseRenditionIsHDR", "GainMapMin", "GainMapMax", "Gamma", "OffsetSDR", "OffsetHDR",
    "HDRCapacityMin", "HDRCapacityMax",
)  # fmt: skip
_NUMBER: Final = r"\s*(-?[0-9.]{1,20}|True|False)\s*"


def jpeg(data: bytes, *, credit: bool) -> bytes:
    """Raises ValueError, LookupError or struct.error where the structure cannot be followed."""
    picture, end = _read(data, 0)
    gains = _gains(data, end) if _tells_of_gains(picture.segments) else None
    tags = remaining(picture.exif, credit)
    if gains is None:
        return picture.written(tags)
    second = gains.written({}, [*gains.kept(_ISO), *_parameters(gains)])
    iso = picture.kept(_ISO)
    # The two descriptions tell where the second JPEG lies, so the first is measured before it is known.
    length = len(picture.written(tags, [*iso, _directory(len(second)), _format(0, 0, 0)]))
    at = picture.before(tags, [*iso, _directory(len(second))]) + 4 + len(_MPF)
    first = picture.written(tags, [*iso, _directory(len(second)), _format(length, len(second), length - at)])
    return first + second


def remaining(block: bytes, credit: bool) -> Tags:
    """What stays of an EXIF block."""
    tags = exif.read(block)
    if tags.get(exif.ORIENTATION) not in range(2, 9):
        tags.pop(exif.ORIENTATION, None)
    return tags if credit else {tag: value for tag, value in tags.items() if tag == exif.ORIENTATION}


@dataclass(frozen=True)
class _Jpeg:
    """One picture taken apart."""

    segments: tuple[Segment, ...]
    """Application segments and comments, which may go."""
    parts: tuple[bytes, ...]
    """All that stays, in order: ``\\xff\\xd8``, kept segments, tables, coded pixels, ``\\xff\\xd9``."""

    @property
    def exif(self) -> bytes:
        return next(
            (body for marker, body in self.segments if marker == 0xE1 and body.startswith(_EXIF)), b""
        )

    def kept(self, start: bytes) -> list[bytes]:
        """Whole segments that begin so."""
        return [_segment(marker, body) for marker, body in self.segments if body.startswith(start)]

    def written(self, tags: Tags, more: Iterable[bytes] = ()) -> bytes:
        return b"".join(self._with(tags, more))

    def before(self, tags: Tags, more: Iterable[bytes]) -> int:
        """Bytes up to the end of what is added."""
        added = self._added(tags, more)
        return sum(map(len, self.parts[: self._place()])) + sum(map(len, added))

    def _with(self, tags: Tags, more: Iterable[bytes]) -> list[bytes]:
        place = self._place()
        return [*self.parts[:place], *self._added(tags, more), *self.parts[place:]]

    def _place(self) -> int:
        """After JFIF's header, which some readers want to find first."""
        return 2 if self.parts[1][:2] == b"\xff\xe0" else 1

    @staticmethod
    def _added(tags: Tags, more: Iterable[bytes]) -> list[bytes]:
        return [*([_segment(0xE1, _EXIF + exif.build(tags))] if tags else []), *more]


def _read(data: bytes, start: int) -> tuple[_Jpeg, int]:
    """The JPEG at ``start``, and where it ends."""
    if data[start : start + 2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    segments: list[Segment] = []
    parts = [b"\xff\xd8"]
    at = start + 2
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise ValueError("no end")
        if found.start() > at:
            parts.append(data[at : found.start()])
        marker = data[found.end() - 1]
        if marker == 0xD9:
            parts.append(b"\xff\xd9")
            return _Jpeg(tuple(segments), tuple(parts)), found.end()
        (length,) = struct.unpack_from(">H", data, found.end())
        at = found.end() + length
        body = data[found.end() + 2 : at]
        if _stays(marker, body):
            parts.append(data[found.start() : at])
        else:
            segments.append((marker, body))


def _stays(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return body.startswith(b"JFIF\0")
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return body.startswith(b"Adobe")
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


# The gain map ------------------------------------------------------------------------------------------


def _tells_of_gains(segments: Iterable[Segment]) -> bool:
    return any(body.startswith(_ISO) or _speaks(body) for _, body in segments)


def _speaks(body: bytes) -> bool:
    return body.startswith(_XMP) and _HDRGM.encode() in body


def _gains(data: bytes, end: int) -> _Jpeg | None:
    """The first picture behind the picture that is a gain map; phones put other things there as well."""
    while (start := data.find(b"\xff\xd8\xff", end)) >= 0:
        try:
            found, end = _read(data, start)
        except (ValueError, LookupError, struct.error):
            end = start + 2
            continue
        if found.kept(_ISO) or _parameters(found):
            return found
    return None


def _parameters(gains: _Jpeg) -> list[bytes]:
    """The XMP segment with the map's parameters and nothing else; empty where there is none."""
    for _, body in gains.segments:
        if _speaks(body):
            text = body[len(_XMP) :].decode("utf-8", "replace")
            said = "".join(_parameter(text, name) for name in _PARAMETERS)
            return [_packet(f'xmlns:hdrgm="{_HDRGM}"', said)] if said else []
    return []


def _parameter(text: str, name: str) -> str:
    """One parameter as an element: a number, or one for each colour. It may have been an attribute."""
    plain = re.search(rf'hdrgm:{name}="{_NUMBER}"|<hdrgm:{name}>{_NUMBER}</', text)
    if plain:
        return f"<hdrgm:{name}>{plain[1] or plain[2]}</hdrgm:{name}>"
    listed = re.search(rf"<hdrgm:{name}>\s*<rdf:Seq>((?:\s*<rdf:li>{_NUMBER}</rdf:li>)+)\s*</rdf:Seq>", text)
    if listed is None:
        return ""
    items = "".join(f"<rdf:li>{one}</rdf:li>" for one in re.findall(f"<rdf:li>{_NUMBER}</rdf:li>", listed[1]))
    return f"<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>"


def _directory(length: int) -> bytes:
    """The XMP segment that says that a gain map of ``length`` bytes follows."""
    spaces = (
        'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
        f'xmlns:hdrgm="{_HDRGM}" hdrgm:Version="1.0"'
    )
    items = (
        'Item:Semantic="Primary" Item:Mime="image/jpeg"',
        f'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{length}"',
    )
    listed = "".join(f'<rdf:li rdf:parseType="Resource"><Container:Item {item}/></rdf:li>' for item in items)
    return _packet(spaces, f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>")


def _packet(spaces: str, inside: str) -> bytes:
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    return _segment(0xE1, _XMP + text.encode())


def _format(first: int, second: int, offset: int) -> bytes:
    """The MPF segment: pictures of ``first`` and ``second`` bytes; offsets count from behind ``MPF``."""
    head = struct.pack(">2sHI", b"MM", 42, 8)
    entries_at = len(head) + 2 + 3 * 12 + 4
    directory = (
        struct.pack(">H", 3)
        + struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
        + struct.pack(">HHII", 0xB001, 4, 1, 2)
        + struct.pack(">HHII", 0xB002, 7, 32, entries_at)
        + struct.pack(">I", 0)
    )
    entries = struct.pack(">IIIHH", 0x030000, first, 0, 0, 0) + struct.pack(">IIIHH", 0, second, offset, 0, 0)
    return _segment(0xE2, _MPF + head + directory + entries)
