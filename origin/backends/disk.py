"""What every folder of this server has in common: whole files or none, and a budget of bytes."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from origin.backends.tally import Tally
from origin.errors import OriginError, StorageFull, StorageUnavailable

log = logging.getLogger(__name__)

TEMPORARY = ".tmp"
"""Folder for unfinished files below each root; hidden names never belong to the content."""

ABANDONED = 3600
"""Seconds after which an unfinished file has no writer any more."""


def storage_error(error: OSError) -> OriginError:
    """Our error for what the file system said."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull()
    return StorageUnavailable()


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turns OSError into ours. Only for blocking code: asyncio's TimeoutError is an OSError too."""
    try:
        yield
    except OSError as error:
        raise storage_error(error) from error


_FAR = re.compile("nfs|cifs|smb|fuse|9p|virtiofs|vboxsf|autofs|ceph|gluster|lustre|beegfs|afs|gpfs|ocfs|gfs")
"""Kinds of file systems behind a network or a program: a look into one may take seconds."""


def is_near(folder: Path) -> bool:
    """Whether ``folder`` lies on a disk of this machine, as far as the system tells.

    There a look at a name takes microseconds, and asking a thread for it ten times as long.
    """
    try:
        return _kind(folder.resolve(), Path("/proc/self/mounts").read_text()) is not None
    except (OSError, RuntimeError):
        return False


def _kind(target: Path, listed: str) -> str | None:
    """The kind of a near file system in which ``target`` lies, by the kernel's list of mounts (proc(5))."""
    mounts = [line.split() for line in listed.splitlines()]
    points = [(Path(_unescaped(mount[1])), mount[2]) for mount in mounts]
    below = [
        (len(point.parts), at, kind)
        for at, (point, kind) in enumerate(points)
        if target.is_relative_to(point)
    ]
    return max(below)[2] if below and not _FAR.search(max(below)[2]) else None


def _unescaped(text: str) -> str:
    """A path as the kernel lists it: blanks and backslashes are octal there (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


@contextmanager
def temporary(root: Path) -> Iterator[Path]:
    """A name for a file to be written below ``root``; gone afterwards unless it was published."""
    folder = root / TEMPORARY
    if not folder.is_dir():
        with storage_errors():
            folder.mkdir(parents=True, exist_ok=True)
    path = folder / token_hex(12)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def publish(temp: Path, final: Path, *, durable: bool) -> None:
    """Give the finished file ``temp`` its name, in one step.

    ``durable``: the bytes and the name have reached the disk on return. Without it a loss of power may
    leave a file of the right name and the wrong bytes, so readers must be able to tell.
    """
    if durable:
        with temp.open("rb") as file:
            os.fsync(file.fileno())
    try:
        temp.replace(final)
    except FileNotFoundError:  # the first in its folder; to ask each time would take as long as the rest
        final.parent.mkdir(parents=True, exist_ok=True)
        temp.replace(final)
    if durable:
        folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sweep(root: Path) -> None:
    """Remove what writers that died left behind."""
    with suppress(FileNotFoundError):
        for path in (root / TEMPORARY).iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()


def touch(file: int, status: os.stat_result) -> None:
    """Note a use, in the access time: the modification time tells whether the bytes are the same.

    At most once a minute per file, because a write per read would cost more than the order is worth.
    """
    now = time.time_ns()
    if now - status.st_atime_ns > 60_000_000_000:
        os.utime(file, ns=(now, status.st_mtime_ns))


def remove_unused(path: Path) -> bool:
    """Remove the file unless somebody, in whatever process, holds it with a shared lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def files_below(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Access time in ns, size and path of every visible file; those that vanish meanwhile are left out."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path))
            continue
        with suppress(FileNotFoundError):
            status = entry.stat(follow_symlinks=False)
            yield status.st_atime_ns, status.st_size, Path(entry.path)


class ByteBudget:
    """Keeps the files below ``root / content`` within ``max_bytes``, the least recently used leave first.

    The folder may be shared by several processes. Each knows the total of its last look and what it wrote
    since; it looks again when the budget seems spent, and after every 32nd of the budget it wrote, because
    of what the others wrote. Looking and removing happen in a thread, away from requests.
    """

    def __init__(
        self,
        root: Path,
        max_bytes: int,
        *,
        content: str = "",
        afterwards: Callable[[], None] = lambda: None,
        tally: Tally | None = None,
    ) -> None:
        """``afterwards`` is called, in the thread, each time after a look; ``tally`` counts who left."""
        self.max_bytes = max_bytes
        self._root = root
        self._content = root / content
        self._afterwards = afterwards
        self._tally = tally or Tally()
        self._total: int | None = None
        self._written = 0
        self._task: asyncio.Task[None] | None = None

    def wrote(self, size: int) -> None:
        """Count a new file; begins to make room when it is time."""
        self._written += size
        if self._task is None and (self._spent() or self._written > self.max_bytes // 32):
            self._task = asyncio.create_task(self._in_background())

    @property
    def used(self) -> int | None:
        """Bytes at the last look and what this process wrote since; None before the first look."""
        return None if self._total is None else self._total + self._written

    def _spent(self) -> bool:
        return self._total is None or self._total + self._written > self.max_bytes

    async def make_room(self, size: int) -> None:
        """Give up at least ``size`` bytes of old files now, whatever the budget says: the disk is full."""
        try:
            await asyncio.to_thread(self._evict, size)
        except OSError:
            log.exception("could not make room in %s", self._root)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    async def _in_background(self) -> None:
        try:
            await asyncio.to_thread(self._evict, 0)
            while self._written and self._total is not None and self._spent():  # written meanwhile
                await asyncio.to_thread(self._evict, 0)
        except OSError:
            log.exception("could not make room in %s", self._root)
        finally:
            self._task = None

    def _evict(self, room: int) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # another process is at it
            self._written = 0
            sweep(self._root)
            files = sorted(files_below(self._content))
            total = sum(size for _, size, _ in files)
            goal = total - room
            if goal > self.max_bytes:
                goal = self.max_bytes * 9 // 10
            for _, size, path in files:
                if total <= goal:
                    break
                if remove_unused(path):
                    total -= size
                    self._tally.evictions += 1
            self._total = total
            self._afterwards()
