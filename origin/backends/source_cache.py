"""Originals as files of this host: fetched once, checked, shared by all processes, kept within a budget."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from origin.backends.disk import ByteBudget, publish, storage_errors, temporary, touch
from origin.backends.tally import Tally
from origin.errors import (
    NotFound,
    SourceTooLarge,
    StorageBroken,
    StorageFull,
    StorageTimeout,
    StorageTruncated,
    Unavailable,
)
from origin.ports import LocalFiles, ObjectReader, ObjectStream

REMEMBERED = 10_000
"""Files of which this process knows that their hash is right."""

_Fingerprint = tuple[str, int, int, int]
"""SHA-256, inode, size, modification time."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """An original that stays where it is for as long as it is held."""

    path: Path
    size: int
    """Bytes."""
    fetched: bool
    """The bytes came from storage for this caller, alone or together with others who asked meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fetched, and what is known about it."""

    reader: ObjectReader
    key: str
    max_bytes: int
    sha256: str | None
    size: int | None

    def check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise SourceTooLarge(max_bytes=self.max_bytes)
        if self.size is not None and size != self.size:
            raise StorageTruncated if size < self.size else StorageBroken


class SourceCache:
    """Originals below ``root``, at most ``max_bytes`` of them, least recently used leave first.

    ``deadline``: seconds for one fetch, with its second attempt. Files are named by a hash of their identity,
    so the identity must change with the bytes. A holder has a shared lock on the file, which keeps every
    process of the host from removing it and ends by itself when the holder dies.
    """

    def __init__(self, root: Path, max_bytes: int, *, deadline: float = 8.0) -> None:
        self._root = root
        self._deadline = deadline
        self.tally = Tally()
        self.fetched_bytes = 0
        """From storage, what was refused afterwards included."""
        self._budget = ByteBudget(root, max_bytes, tally=self.tally)
        self._flights: dict[str, _Flight] = {}
        self._known_good: set[_Fingerprint] = set()

    async def close(self) -> None:
        """End fetches nobody will wait for any more, and finish making room."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._budget.close()

    @asynccontextmanager
    async def hold(
        self,
        identity: str,
        reader: ObjectReader,
        key: str,
        *,
        max_bytes: int,
        sha256: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[HeldFile]:
        """The object ``key`` of ``reader`` as a file.

        ``identity`` names the bytes (for example the hash of the content, or source, key and validator);
        ``sha256`` (hex) and ``size`` (bytes) are checked when known. Raises NotFound, SourceTooLarge,
        StorageTruncated, StorageBroken, StorageTimeout and StorageUnavailable.
        """
        wanted = Wanted(reader, key, max_bytes, sha256, size)
        if isinstance(reader, LocalFiles):
            (path, file), fetched = await self._opened(reader, wanted), False
        else:
            path = self._path(identity)
            file, fetched = await self._open_or_fetch(path, wanted)
        try:
            yield HeldFile(path, os.fstat(file).st_size, fetched)
        finally:
            os.close(file)

    def _path(self, identity: str) -> Path:
        name = hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
        return self._root / name[:2] / name

    async def _open_or_fetch(self, path: Path, wanted: Wanted) -> tuple[int, bool]:
        try:
            file = await asyncio.to_thread(self._open_cached, path, wanted)
        except StorageBroken:
            await asyncio.to_thread(path.unlink, missing_ok=True)  # it was right once: the disk lost it
            file = None
        if file is not None:
            self.tally.hits += 1
            return file, False
        self.tally.misses += 1
        return await self._join_fetch(path, wanted), True

    @property
    def used(self) -> int | None:
        """Bytes, as far as this process knows."""
        return self._budget.used

    @property
    def limit(self) -> int:
        return self._budget.max_bytes

    async def _opened(self, reader: LocalFiles, wanted: Wanted) -> tuple[Path, int]:
        if not reader.near:
            return await asyncio.to_thread(self._open_local, reader, wanted)
        path, file = self._open_near(reader, wanted)
        with _closed_on_error(file):
            if not self._is_known(os.fstat(file), wanted):
                await asyncio.to_thread(self._check, file, wanted)
        return path, file

    def _open_local(self, reader: LocalFiles, wanted: Wanted) -> tuple[Path, int]:
        path, file = self._open_near(reader, wanted)
        with _closed_on_error(file):
            self._check(file, wanted)
        return path, file

    def _open_near(self, reader: LocalFiles, wanted: Wanted) -> tuple[Path, int]:
        path = reader.local_path(wanted.key)
        file = _open(path)
        if file is None:
            raise NotFound
        with _closed_on_error(file):
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise NotFound
        return path, file

    def _open_cached(self, path: Path, wanted: Wanted) -> int | None:
        """A descriptor with a shared lock on the checked file, None when there is none."""
        file = _open(path)
        if file is None:
            return None
        with _closed_on_error(file):
            if _lock(file, path):
                self._check(file, wanted)
                with storage_errors():
                    touch(file, os.fstat(file))
                return file
        os.close(file)
        return None

    def _check(self, file: int, wanted: Wanted) -> None:
        status = os.fstat(file)
        if self._is_known(status, wanted):
            return
        assert wanted.sha256 is not None
        with storage_errors(), os.fdopen(os.dup(file), "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != wanted.sha256:
            raise StorageBroken
        self._remember(_fingerprint(wanted.sha256, status))

    def _is_known(self, status: os.stat_result, wanted: Wanted) -> bool:
        """Whether nothing is left to be compared."""
        wanted.check_size(status.st_size)
        return wanted.sha256 is None or _fingerprint(wanted.sha256, status) in self._known_good

    def _remember(self, fingerprint: _Fingerprint) -> None:
        if len(self._known_good) >= REMEMBERED:
            self._known_good.clear()
        self._known_good.add(fingerprint)

    async def _join_fetch(self, path: Path, wanted: Wanted) -> int:
        """Fetch, or wait for the fetch that is under way; a descriptor that shares the fetch's lock.

        Ends the fetch when nobody waits any more.
        """
        flight = self._flights.get(path.name)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fetch(path, wanted)))
            self._flights[path.name] = flight
            flight.task.add_done_callback(lambda _: self._landed(path.name, flight))
        flight.waiting += 1
        try:
            file = os.dup(await asyncio.shield(flight.task))
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._landed(path.name, flight)
                flight.end()
        with _closed_on_error(file):
            self._check(file, wanted)  # whoever began the fetch may have allowed more bytes
        return file

    def _landed(self, name: str, flight: _Flight) -> None:
        if self._flights.get(name) is flight:
            del self._flights[name]

    async def _fetch(self, path: Path, wanted: Wanted) -> int:
        try:
            async with asyncio.timeout(self._deadline):
                try:
                    return await self._download(path, wanted)
                except StorageTruncated:
                    return await self._download(path, wanted)
                except StorageFull:
                    await self._budget.make_room(2 * (wanted.size or wanted.max_bytes))
                    return await self._download(path, wanted)
        except TimeoutError as error:
            raise StorageTimeout from error
        except StorageFull as error:
            raise Unavailable("There is no room to work on this picture just now") from error

    async def _download(self, path: Path, wanted: Wanted) -> int:
        """A descriptor of the new file. It was locked before it had its name: nobody can remove it first."""
        async with wanted.reader.open(wanted.key) as stream:
            wanted.check_size(stream.info.size)
            with temporary(self._root) as temp:
                await self._write(temp, stream, wanted)
                with storage_errors():
                    file = os.open(temp, os.O_RDONLY | os.O_CLOEXEC)
                with _closed_on_error(file):
                    fcntl.flock(file, fcntl.LOCK_SH)
                    await asyncio.to_thread(self._publish, temp, path, wanted)
                    self._budget.wrote(stream.info.size)
        return file

    async def _write(self, temp: Path, stream: ObjectStream, wanted: Wanted) -> None:
        # 5 % of a cold thumbnail, so only where there is something to compare with.
        digest = None if wanted.sha256 is None else hashlib.sha256()
        written = 0
        with storage_errors():
            file = temp.open("wb")

        def write(chunk: bytes) -> None:
            if digest is not None:
                digest.update(chunk)
            with storage_errors():
                file.write(chunk)

        try:
            async for chunk in stream.chunks():
                written += len(chunk)
                if written > stream.info.size:
                    raise StorageBroken
                self.fetched_bytes += len(chunk)
                await asyncio.to_thread(write, chunk)
        finally:
            with storage_errors():
                file.close()
        if written != stream.info.size:
            raise StorageTruncated
        if digest is not None and digest.hexdigest() != wanted.sha256:
            raise StorageBroken

    def _publish(self, temp: Path, path: Path, wanted: Wanted) -> None:
        with storage_errors():
            if wanted.sha256 is not None:
                self._remember(_fingerprint(wanted.sha256, temp.stat()))
            publish(temp, path, durable=True)


@dataclass(slots=True)
class _Flight:
    """A fetch and how many wait for it. Its result is a descriptor, closed when they all have their own."""

    task: asyncio.Task[int]
    waiting: int = 0

    def end(self) -> None:
        self.task.cancel()  # does nothing when it is done
        self.task.add_done_callback(_close_result)


def _close_result(task: asyncio.Task[int]) -> None:
    if not task.cancelled() and task.exception() is None:
        os.close(task.result())


def _fingerprint(sha256: str, status: os.stat_result) -> _Fingerprint:
    return sha256, status.st_ino, status.st_size, status.st_mtime_ns


def _open(path: Path) -> int | None:
    with storage_errors(), suppress(FileNotFoundError, NotADirectoryError):
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


def _lock(file: int, path: Path) -> bool:
    """Whether the file is ours to hold: False when it is just being removed."""
    with storage_errors():
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return path.stat().st_ino == os.fstat(file).st_ino
        except (BlockingIOError, FileNotFoundError):
            return False


@contextmanager
def _closed_on_error(file: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(file)
        raise
