"""Uploads as they arrive: a multipart body, bounded before it is read, as a file on disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from origin.errors import BadRequest, LengthRequired, SourceTooLarge, StorageFull

WRAPPING = 64 << 10
"""Bytes that a multipart body may have beside its file."""
MOST_FIELDS = 16
LONGEST_FIELD = 8 << 10


@dataclass(frozen=True, slots=True)
class Received:
    """A file that arrived, with the fields beside it."""

    path: Path
    sha256: str
    fields: dict[str, str]

    def fingerprint(self, target: str) -> str:
        """Names this upload: the same target, fields and bytes give the same."""
        parts = [target, self.sha256, *(f"{name}={value}" for name, value in sorted(self.fields.items()))]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def check_length(request: Request, max_bytes: int) -> None:
    """Refuse by the announced length, before a byte of the body is read."""
    announced = request.headers.get("content-length")
    if announced is None:
        raise LengthRequired("An upload says its Content-Length.")
    if not (announced.isascii() and announced.isdigit()):
        raise BadRequest("Content-Length is not a number.")
    if len(announced) > 15 or int(announced) > max_bytes + WRAPPING:
        raise SourceTooLarge(f"At most {max_bytes} bytes are accepted.", max_bytes=max_bytes)


@asynccontextmanager
async def received(request: Request, folder: Path, max_bytes: int) -> AsyncIterator[Received]:
    """The one ``file`` of a multipart body and its other fields; the file is gone afterwards."""
    check_length(request, max_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise BadRequest("Send multipart/form-data with the picture in the field file.")
    try:
        async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD) as form:
            upload, fields = _parts(form)
            with NamedTemporaryFile(dir=folder, prefix="upload-") as file:
                sha256 = await asyncio.to_thread(_copy, upload, file.name)
                yield Received(Path(file.name), sha256, fields)
    except HTTPException as error:
        raise BadRequest("The multipart body cannot be read: one file, few and short fields.") from error
    except ClientDisconnect as error:
        raise BadRequest("The body ended early.") from error


def _parts(form: FormData) -> tuple[UploadFile, dict[str, str]]:
    upload: UploadFile | None = None
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name != "file":
                raise BadRequest("The picture stands in the field file.")
            upload = value
        elif name in fields:
            raise BadRequest(f"The field {name[:40]!r} stands twice.")
        else:
            fields[name] = value
    if upload is None:
        raise BadRequest("The field file is missing.")
    if unknown := sorted(set(fields) - {"id", "visibility", "tags", "eager"}):
        raise BadRequest(f"There is no field {unknown[0][:40]!r}: file, id, visibility, tags, eager.")
    return upload, fields


def _copy(upload: UploadFile, target: str) -> str:
    """Write the part to its own file; the hash of what was written. The client's file name is never used."""
    digest = hashlib.sha256()
    try:
        with Path(target).open("wb") as file:
            upload.file.seek(0)
            while chunk := upload.file.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFull from error
    return digest.hexdigest()
