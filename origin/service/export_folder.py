"""The folder that a store is exported into: files of lines, originals by their content, and a manifest.

    manifest.json             format, counts, and size and SHA-256 of each file of lines; written last
    assets.jsonl users.jsonl revocations.jsonl
    originals/ab/abcd…        each named by its SHA-256

Everything here blocks on the file system. What it says of files raises BadRequest in words for an operator.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final, TypeVar

from pydantic import ValidationError

from origin.errors import BadRequest, Conflict, StorageFull
from origin.service.ingest import fingerprint
from origin.service.portable import FORMAT, LINES, Counts, FileRecord, Manifest, Record

R = TypeVar("R", bound=Record)

ORIGINALS: Final = "originals"
UNFINISHED: Final = ".unfinished"
OURS: Final = {Manifest.FILE, *(kind.FILE for kind in LINES), ORIGINALS, UNFINISHED}


@contextmanager
def file_errors() -> Iterator[None]:
    """Turns OSError into words. Not around anything that waits for a network."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull from error
        raise BadRequest(f"{error.filename or 'A file'}: {error.strerror or error}") from error


class ExportFolder:
    """``path`` as an export, to be read or to be written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def original(self, sha256: str) -> Path:
        """Where the original with this content lies or would lie."""
        return self.path / ORIGINALS / sha256[:2] / sha256

    def holds(self, sha256: str, size: int) -> bool:
        """Whether the original is here, with that size and, read to its end, that content."""
        path = self.original(sha256)
        with file_errors():
            try:
                return path.stat().st_size == size and fingerprint(path) == (size, sha256)
            except FileNotFoundError:
                return False

    # Reading

    def manifest(self) -> Manifest:
        """The manifest of a finished export. Raises BadRequest for anything else."""
        path = self.path / Manifest.FILE
        try:
            with file_errors():
                text = path.read_bytes()
        except BadRequest as error:
            if not path.exists():
                unfinished = any((self.path / name).exists() for name in (ORIGINALS, UNFINISHED))
                why = "the export was not finished: run it again" if unfinished else "this is no export"
                raise BadRequest(f"{path} is not there; {why}.") from error
            raise
        try:
            found = json.loads(text)
            if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] != FORMAT:
                raise BadRequest(
                    f"{path} has format {found['format']}; this version of origin reads format {FORMAT}."
                )
            manifest = Manifest.model_validate_json(text)
        except (ValueError, RecursionError) as error:  # json's and pydantic's are ValueErrors
            raise BadRequest(f"{path} is no manifest of an export.") from error
        if set(manifest.files) != {kind.FILE for kind in LINES}:
            raise BadRequest(f"{path} does not name the files of an export.")
        return manifest

    def check_lines(self, manifest: Manifest) -> None:
        """Raises BadRequest unless each file of lines is the one that the manifest means."""
        for name, expected in manifest.files.items():
            path = self.path / name
            with file_errors():
                size, sha256 = fingerprint(path)
            if (size, sha256) != (expected.bytes, expected.sha256):
                raise BadRequest(
                    f"{path} is not what the manifest says: it is damaged, or an export was interrupted."
                )

    def read(self, kind: type[R]) -> Iterator[R]:
        """The records of one kind. Raises BadRequest for a line that is none."""
        path = self.path / kind.FILE
        with file_errors(), path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = kind.model_validate_json(line)
                except ValidationError as error:
                    first = error.errors(include_url=False)[0]
                    where = ".".join(str(part) for part in first["loc"])
                    raise BadRequest(f"{path}, line {number}: {where or 'it'}: {first['msg']}.") from error
                yield record

    # Writing

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        """A new export here, which counts once it is finished; originals of an earlier one stay.

        Raises BadRequest for a folder with other things in it, and Conflict while somebody else writes.
        """
        unfinished = self.path / UNFINISHED
        with ExitStack() as stack:
            with file_errors():
                self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
                strange = sorted({path.name for path in self.path.iterdir()} - OURS)
                if strange:
                    raise BadRequest(
                        f"{self.path} holds something else ({', '.join(strange[:3])}): "
                        "name an empty folder, or one with an earlier export."
                    )
                self._lock(stack)
                stack.callback(shutil.rmtree, unfinished, ignore_errors=True)
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(mode=0o700)
                draft = Draft(self, stack)
            yield draft

    def _lock(self, stack: ExitStack) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another export writes into {self.path}.") from error


class Draft:
    """An export that is being written. Its files have other names until they are whole."""

    def __init__(self, folder: ExportFolder, stack: ExitStack) -> None:
        self._folder = folder
        self._unfinished = folder.path / UNFINISHED
        self._lines: dict[type[Record], BinaryIO] = {
            kind: stack.enter_context(_private(self._unfinished / kind.FILE)) for kind in LINES
        }

    def add(self, records: Iterable[Record]) -> None:
        """Append each record to the file of its kind."""
        with file_errors():
            for record in records:
                self._lines[type(record)].write(record.model_dump_json().encode() + b"\n")

    @contextmanager
    def original(self, sha256: str) -> Iterator[BinaryIO]:
        """A file to be written ``to_disk``, which becomes the original unless an exception comes out."""
        temporary = self._unfinished / token_hex(12)
        try:
            with _private(temporary) as file:
                yield file
            final = self._folder.original(sha256)
            with file_errors():
                final.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)

    def finish(self, counts: Counts) -> None:
        """Give the files their names, the manifest last."""
        path = self._folder.path
        with file_errors():
            for folder in (path / ORIGINALS).glob("??"):
                _folder_to_disk(folder)
            files: dict[str, FileRecord] = {}
            for kind, file in self._lines.items():
                to_disk(file)
                size, sha256 = fingerprint(self._unfinished / kind.FILE)
                files[kind.FILE] = FileRecord(bytes=size, sha256=sha256)
            manifest = Manifest(format=FORMAT, created=datetime.now(UTC), counts=counts, files=files)
            with _private(self._unfinished / Manifest.FILE) as file:
                file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
                to_disk(file)
            # From here until the end there is none, so that lines and manifest are always of one export.
            (path / Manifest.FILE).unlink(missing_ok=True)
            for name in (*files, Manifest.FILE):
                (self._unfinished / name).replace(path / name)
            _folder_to_disk(path)


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read: there are password hashes and private pictures."""
    with file_errors():
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        yield file
    finally:
        # After ``to_disk`` there is nothing left to fail; without it an error is on its way already, and
        # writing the rest, which closing tries on a full disk, would only hide it.
        with suppress(OSError):
            file.close()


def to_disk(file: BinaryIO) -> None:
    """Returns when what was written has reached the disk."""
    with file_errors():
        file.flush()
        os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
