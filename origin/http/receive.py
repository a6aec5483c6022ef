"""Uploads as they arrive: a multipart body, bounded before it is read and streamed to one file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from origin.errors import BadRequest, LengthRequired, SourceTooLarge, StorageFull

FIELDS: Final = ("id", "visibility", "tags", "eager")
"""What may stand beside the file."""
WRAPPING: Final = 64 << 10
"""Bytes that a multipart body may have beside its file."""
LONGEST_FIELD: Final = 8 << 10
"""Bytes."""
BATCH: Final = 1 << 20
"""Bytes that are written at once: a hop to a thread costs about as much as writing 100 kB."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that arrived, with the fields beside it."""

    path: Path
    sha256: str
    fields: dict[str, str]

    def fingerprint(self, target: str) -> str:
        """Names this upload: the same target, fields and bytes give the same."""
        parts = [target, self.sha256, *(f"{name}={value}" for name, value in sorted(self.fields.items()))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check_length(request: Request, max_bytes: int) -> None:
    """Refuse by the announced length, before a byte of the body is read."""
    announced = request.headers.get("content-length")
    if announced is None:
        raise LengthRequired("An upload says its Content-Length.")
    if not (announced.isascii() and announced.isdigit()):
        raise BadRequest("Content-Length is not a number.")
    if len(announced) > 15 or int(announced) > max_bytes + WRAPPING:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> SourceTooLarge:
    return SourceTooLarge(f"At most {max_bytes} bytes are accepted.", max_bytes=max_bytes)


@asynccontextmanager
async def received(
    request: Request, folder: Path, max_bytes: int, fields: tuple[str, ...] = FIELDS
) -> AsyncIterator[Received]:
    """The one ``file`` of a multipart body and the ``fields`` beside it; the file is gone afterwards.

    Raises LengthRequired, SourceTooLarge, BadRequest, StorageFull.
    """
    check_length(request, max_bytes)
    with _temporary(folder) as file:
        form = _Form(_boundary(request), max_bytes, fields)
        await _read(request, form, file)
        yield Received(Path(file.name), form.digest.hexdigest(), form.values)


def _temporary(folder: Path) -> Any:
    try:
        return NamedTemporaryFile(dir=folder, prefix="upload-", buffering=0)
    except OSError as error:
        raise StorageFull from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise BadRequest("Send multipart/form-data with the picture in the field file.")
    boundary = options.get(b"boundary", b"")
    # RFC 2046, section 5.1.1.
    if not 1 <= len(boundary) <= 70:
        raise BadRequest("The boundary of a multipart body has 1 to 70 characters.")
    return boundary


async def _read(request: Request, form: _Form, file: IO[bytes]) -> None:
    """Parse the body piece by piece; what belongs to the file goes to the disk in batches."""
    try:
        async for chunk in request.stream():
            form.feed(chunk)
            if form.waiting >= BATCH:
                await asyncio.to_thread(_write, form.taken(), form, file)
        form.end()
        await asyncio.to_thread(_write, form.taken(), form, file)
    except MultipartParseError as error:
        raise BadRequest("The multipart body cannot be read.") from error
    except ClientDisconnect as error:
        raise BadRequest("The body ended early.") from error


def _write(pieces: list[bytes], form: _Form, file: IO[bytes]) -> None:
    try:
        for piece in pieces:
            form.digest.update(piece)
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
    except OSError as error:
        raise StorageFull from error


@dataclass(slots=True)
class _Part:
    name: str
    is_file: bool
    value: bytearray = field(default_factory=bytearray)


class _Form:
    """The parts of a body as the parser meets them, judged at once: a wrong one ends the reading.

    The client's file name and type are read over: nothing here depends on them.
    """

    def __init__(self, boundary: bytes, max_bytes: int, fields: tuple[str, ...]) -> None:
        self._max_bytes = max_bytes
        self._fields = fields
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
            max_header_count=8,
            max_header_size=LONGEST_FIELD,
        )
        self._name, self._text, self._disposition = bytearray(), bytearray(), b""
        self._part: _Part | None = None
        self._size: int | None = None
        self._pieces: list[bytes] = []
        self._ended = False
        self.waiting = 0
        """Bytes of the file that are to be written."""
        self.values: dict[str, str] = {}
        self.digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> None:
        if chunk:
            self._parser.write(chunk)

    def taken(self) -> list[bytes]:
        pieces, self._pieces, self.waiting = self._pieces, [], 0
        return pieces

    def end(self) -> None:
        """Raises BadRequest for a body without its end, or without a file."""
        if not self._ended:
            raise BadRequest("The multipart body ends before its last boundary.")
        if self._size is None:
            raise BadRequest("The field file is missing.")

    def _part_begins(self) -> None:
        self._name, self._text, self._disposition = bytearray(), bytearray(), b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._text += data[start:end]

    def _header_ends(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._text)
        self._name, self._text = bytearray(), bytearray()

    def _headers_end(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise BadRequest("Each part says Content-Disposition: form-data with a name.")
        name = options[b"name"].decode("utf-8", "replace")
        if name == "file":
            self._file_begins()
        elif name not in self._fields:
            known = ", ".join(("file", *self._fields))
            raise BadRequest(f"There is no field {name[:40]!r} here; known are {known}.")
        elif name in self.values:
            raise BadRequest(f"The field {name} stands twice.")
        self._part = _Part(name, name == "file")

    def _file_begins(self) -> None:
        if self._size is not None:
            raise BadRequest("One file at a time: the field file stands twice.")
        self._size = 0

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        assert part is not None
        if not part.is_file:
            if len(part.value) + end - start > LONGEST_FIELD:
                raise BadRequest(f"The field {part.name} has more than {LONGEST_FIELD} bytes.")
            part.value += data[start:end]
            return
        assert self._size is not None
        self._size += end - start
        if self._size > self._max_bytes:
            raise _too_large(self._max_bytes)
        self._pieces.append(data[start:end])
        self.waiting += end - start

    def _part_ends(self) -> None:
        part = self._part
        assert part is not None
        if not part.is_file:
            try:
                self.values[part.name] = part.value.decode()
            except UnicodeDecodeError as error:
                raise BadRequest(f"The field {part.name} is not UTF-8.") from error
        self._part = None

    def _ends(self) -> None:
        self._ended = True
