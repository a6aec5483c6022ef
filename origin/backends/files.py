"""Objects in folders: uploaded originals of one machine, and folders that others fill."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from origin.backends.disk import (
    files_below,
    is_near,
    publish,
    storage_error,
    storage_errors,
    sweep,
    temporary,
)
from origin.errors import BadRequest, NotFound, StorageTruncated, StorageUnavailable
from origin.ports import ObjectInfo, ObjectStream

CHUNK = 1 << 20
"""Bytes per read: a hop to a thread costs about as much as reading 100 kB."""

ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO}
"""What the file system says of names that lead to no file."""


def resolve_key(root: Path, key: str) -> Path:
    """The file that ``key`` names below ``root``: the only way from a key to a path.

    Symbolic links are followed as long as they end inside ``root``. Hidden names, empty and relative
    segments and absolute keys name nothing. Raises NotFound, and StorageUnavailable when ``root`` itself is
    not there (a folder that is not mounted is not a folder without pictures).
    """
    parts = key.split("/")
    if "\0" in key or any(not part or part.startswith(".") for part in parts):
        raise NotFound
    try:
        home = _resolved(root, root.stat())
    except (OSError, RuntimeError) as error:
        raise StorageUnavailable from error
    if _is_plain(home, parts):
        return home.joinpath(*parts)
    try:
        path = (home / key).resolve(strict=True)
    except (OSError, RuntimeError, UnicodeEncodeError) as error:
        raise _read_error(error) from error
    if not path.is_relative_to(home):
        raise NotFound
    return path


_homes: dict[Path, tuple[tuple[int, int], Path]] = {}
"""Where folders lie, as long as it is the same folder that is found there: to resolve takes a look at every
part of a path."""


def _resolved(root: Path, status: os.stat_result) -> Path:
    which = status.st_dev, status.st_ino
    known = _homes.get(root)
    if known is None or known[0] != which or not known[1].exists():
        known = _homes[root] = which, root.resolve(strict=True)
    return known[1]


def _is_plain(home: Path, parts: Sequence[str]) -> bool:
    """Whether every part is there and none is a symbolic link, so that the way is as short as it reads."""
    path = str(home)
    try:
        for part in parts:
            path = f"{path}/{part}"
            if stat.S_ISLNK(os.lstat(path).st_mode):
                return False
    except (OSError, UnicodeEncodeError):
        return False
    return True


def _read_error(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno not in ABSENT:
        return storage_error(error)
    return NotFound()


def _info(status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(
        size=status.st_size,
        validator=f"{status.st_mtime_ns}-{status.st_size}",
        modified=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _open(path: Path) -> tuple[BinaryIO, ObjectInfo]:
    try:
        # Without O_NONBLOCK a named pipe would keep the thread until somebody writes into it.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, UnicodeEncodeError) as error:
        raise _read_error(error) from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise NotFound
    return os.fdopen(handle, "rb"), _info(status)


class _FileStream:
    def __init__(self, file: BinaryIO, info: ObjectInfo) -> None:
        self.info = info
        self._file = file

    async def chunks(self) -> AsyncIterator[bytes]:
        left = self.info.size
        while left:
            data = await asyncio.to_thread(self._read, min(left, CHUNK))
            left -= len(data)
            yield data

    def _read(self, size: int) -> bytes:
        with storage_errors():
            data = self._file.read(size)
        if not data:
            raise StorageTruncated
        return data


class _Folder:
    """Reading, the same for both kinds of folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.near = is_near(root)

    def local_path(self, key: str) -> Path:
        raise NotImplementedError

    async def stat(self, key: str) -> ObjectInfo:
        return self._look(key) if self.near else await asyncio.to_thread(self._look, key)

    def _look(self, key: str) -> ObjectInfo:
        file, info = _open(self.local_path(key))
        file.close()
        return info

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[ObjectStream]:
        file, info = await asyncio.to_thread(lambda: _open(self.local_path(key)))
        try:
            yield _FileStream(file, info)
        finally:
            file.close()


class FolderSource(_Folder):
    """A folder of pictures that somebody else fills, read by relative path. Regular files only."""

    def local_path(self, key: str) -> Path:
        return resolve_key(self._root, key)


class FileStore(_Folder):
    """Uploaded originals, one file per key, in two levels of 256 folders.

    A key that is a SHA-256 in hex lies at ``ab/cd/abcd…``; any other is spread by its own hash and
    percent-encoded, so it can never lead elsewhere. An object appears whole and on the disk, or not at all.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._swept = False

    def local_path(self, key: str) -> Path:
        """Where ``key`` lies or would lie. Raises NotFound for what cannot be the name of a file."""
        try:
            digest = key if re.fullmatch("[0-9a-f]{64}", key) else hashlib.sha256(key.encode()).hexdigest()
            name = quote(key, safe="")
        except UnicodeEncodeError as error:
            raise NotFound from error
        if name.startswith("."):
            name = "%2E" + name[1:]
        if not name or len(name) > 255:
            raise NotFound
        return self._root / digest[:2] / digest[2:4] / name

    async def put(self, key: str, path: Path, *, media_type: str) -> None:  # noqa: ARG002
        """Store a copy of the file. ``media_type`` is not kept: a file has none. Raises StorageFull."""
        try:
            final = self.local_path(key)
        except NotFound as error:
            raise BadRequest("This name is too long for a stored file") from error
        await asyncio.to_thread(self._put, path, final)

    def _put(self, path: Path, final: Path) -> None:
        with storage_errors():
            if not self._swept:
                sweep(self._root)
                self._swept = True
            with temporary(self._root) as temp:
                shutil.copyfile(path, temp)
                publish(temp, final, durable=True)

    async def delete(self, key: str) -> None:
        def remove() -> None:
            with suppress(NotFound), storage_errors():
                self.local_path(key).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with ``prefix``, in order of their hashes."""
        async for key, _ in self._listed(prefix):
            yield key

    async def older_than(self, prefix: str, before: datetime) -> AsyncIterator[str]:
        async for key, path in self._listed(prefix):
            if await asyncio.to_thread(_modified_before, path, before):
                yield key

    async def _listed(self, prefix: str) -> AsyncIterator[tuple[str, Path]]:
        for shard in await asyncio.to_thread(self._shards):
            for path in await asyncio.to_thread(self._files, shard):
                key = unquote(path.name)
                if key.startswith(prefix):
                    yield key, path

    def _shards(self) -> list[Path]:
        with storage_errors():
            if not self._root.is_dir():
                return []
            return sorted(path for path in self._root.iterdir() if not path.name.startswith("."))

    def _files(self, shard: Path) -> list[Path]:
        with storage_errors():
            return sorted(path for _, _, path in files_below(shard))


def _modified_before(path: Path, moment: datetime) -> bool:
    with storage_errors():
        try:
            return path.stat().st_mtime < moment.timestamp()
        except FileNotFoundError:
            return False
