"""Render workers: processes with a deadline that really kills, behind a short bounded queue.

The server process never imports libvips; it hands a worker a job that names files, and gets bytes back.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, Protocol, TypeVar

from origin.errors import ImageUnprocessable, Internal, OriginError, Overloaded, RenderTimeout
from origin.imaging import worker
from origin.imaging.cost import guessed
from origin.imaging.crew import Call, Crew, LateError, LostError
from origin.imaging.fonts import configuration
from origin.imaging.model import Header, Inspection, Job, Limits, Lost, Opening, Rendered
from origin.imaging.room import Room
from origin.imaging.worker import Confinement, Hello

T = TypeVar("T")

_JOBS_PER_WORKER: Final = 1_000
"""After which a worker is replaced, so that what it may have leaked is gone."""
_CPU_GRACE: Final = 2
"""Seconds of CPU beyond the wall deadline, for the case that the deadline's own keeper is starved."""


class Watcher(Protocol):
    """Who measures how the workers fare."""

    def waited(self, seconds: float) -> None:
        """A job has got its worker."""

    def refused(self, why: str) -> None:
        """A job was sent away: ``full`` (the queue) or ``impatient`` (it waited too long)."""

    def rendered(self, done: Rendered) -> None: ...

    def lost(self, why: str) -> None:
        """A worker ended amid a job: ``deadline``, ``cpu``, ``killed`` (from outside) or ``crash``."""


class _Nobody:
    def waited(self, seconds: float) -> None:
        pass

    def refused(self, why: str) -> None:
        pass

    def rendered(self, done: Rendered) -> None:
        pass

    def lost(self, why: str) -> None:
        pass


class RenderPool:
    """``workers`` processes; more than ``queue`` waiting jobs are refused.

    ``timeout`` is the wall deadline of one job, ``patience`` how long a job may wait for a worker, both in
    seconds; ``memory`` is each worker's address space in bytes, ``budget`` what all jobs at work may take
    together, as estimated; ``fonts`` a folder of further fonts.
    """

    def __init__(
        self,
        workers: int,
        queue: int,
        timeout: float,
        memory: int = 2 << 30,
        *,
        patience: float | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        watcher: Watcher = _Nobody(),  # noqa: B008 - has no state
        fonts: str | None = None,
        budget: int | None = None,
    ) -> None:
        self._watcher = watcher
        self._fonts = fonts
        self._fontconfig: IO[str] | None = None
        self._workers = workers
        self._queue = queue
        self._timeout = timeout
        self._patience = timeout if patience is None else patience
        self._memory = memory
        self._limits = limits
        self._room = Room(workers, budget)
        self._waiting = 0
        self._running: set[asyncio.Task[Any]] = set()
        self._crew: Crew | None = None
        self.confinement = Confinement("unknown", memory)
        """How the workers turned out to be confined; known after :meth:`start`."""

    async def start(self) -> None:
        """Start and warm all workers, so that the first requests are as fast as the others."""
        tame_allocator()
        self._fontconfig = NamedTemporaryFile("w", prefix="origin-fonts-", suffix=".conf")  # noqa: SIM115
        self._fontconfig.write(configuration(self._fonts))
        self._fontconfig.flush()
        hello = Hello(self._memory, self._limits.accept, self._fontconfig.name)
        self._crew = Crew(
            self._workers, hello, jobs=_JOBS_PER_WORKER, lost=lambda: self._watcher.lost("killed")
        )
        self.confinement, _, _ = (await self._crew.start())[-1]

    async def close(self) -> None:
        """Stop the workers; jobs under way end without a result."""
        crew, self._crew = self._crew, None
        if crew is not None:
            await crew.close()
        for task in self._running:
            task.cancel()  # who still waits for a worker
        if self._running:
            await asyncio.wait(self._running)
        if self._fontconfig is not None:
            self._fontconfig.close()  # which removes it

    @property
    def waiting(self) -> int:
        """Jobs that wait for a worker."""
        return self._waiting

    @property
    def busy(self) -> int:
        return len(self._running)

    @property
    def size(self) -> int:
        return self._workers

    @property
    def room(self) -> int:
        """How many jobs may wait."""
        return self._queue

    @property
    def memory(self) -> int:
        """Bytes that the jobs at work are estimated to take."""
        return self._room.taken

    @property
    def budget(self) -> int | None:
        """Bytes that they may take."""
        return self._room.budget

    # Jobs ---------------------------------------------------------------------------------------------

    async def render(self, job: Job, lost: Lost | None = None) -> Rendered:
        """Raises what the job deserves, Overloaded, RenderTimeout or ImageUnprocessable."""
        done = await self.run(worker.render, job, lost=lost, memory=job.memory)
        self._watcher.rendered(done)
        return done

    async def render_kept(self, job: Job) -> Rendered | None:
        """From what was kept of the source; None when that does not suffice. Raises like :meth:`render`."""
        done = await self.run(worker.render_kept, job, memory=job.memory)
        if done is not None:
            self._watcher.rendered(done)
        return done

    async def probe(
        self,
        path: str,
        opening: Opening = Opening(),  # noqa: B008 - frozen
        lost: Lost | None = None,
    ) -> Header:
        """The header of a file. Raises UnsupportedMedia and the 422 errors."""
        return await self.run(worker.probe, path, self._limits, opening, lost=lost)

    async def inspect(self, path: str, lost: Lost | None = None) -> Inspection:
        """Decode an upload in full. Raises like :meth:`probe`."""
        return await self.run(worker.inspect, path, self._limits, lost=lost, memory=self._guessed(path))

    async def original(self, path: str, keep: str = "none", lost: Lost | None = None) -> Rendered:
        """The file without metadata (``none``), with its credits (``copyright``), or as it is (``all``).

        Raises like :meth:`probe`.
        """
        return await self.run(
            worker.original, path, keep, self._limits, lost=lost, memory=self._guessed(path)
        )

    def _guessed(self, path: str) -> int:
        if self._room.budget is None:
            return 0
        try:
            return guessed(Path(path).stat().st_size, self._limits)
        except OSError:
            return 0  # the worker will say what is wrong with it

    async def notice(self, status: int, title: str, detail: str, code: str) -> bytes:
        """A refusal as a PNG, for developers."""
        return await self.run(worker.notice, status, title, detail, code)

    async def run(
        self, function: Callable[..., T], *arguments: Any, lost: Lost | None = None, memory: int = 0
    ) -> T:
        """Wait for a worker and for ``memory``, within bounds, and call ``function`` there.

        It is named, not sent.

        Who gives up while waiting takes the job along. Raises Overloaded and RenderTimeout,
        ImageUnprocessable when the worker dies or runs out of memory, and the function's OriginErrors.
        """
        self.check(memory)
        await self._turn(memory)
        task = asyncio.create_task(self._held(function, arguments, lost, memory))
        self._running.add(task)
        task.add_done_callback(self._ended)
        # A job that has begun goes on to its end: stopping it would cost a whole new worker.
        return await asyncio.shield(task)

    def check(self, memory: int = 0) -> None:
        """Raises Overloaded where a job could not even wait: who has to fetch a picture first need not."""
        if self._waiting >= self._queue and not self._room.fits(memory):
            self._watcher.refused("full")
            raise Overloaded

    async def _turn(self, memory: int) -> None:
        """Take a worker and the memory, waiting for them as long as patience lasts. Raises Overloaded."""
        if self._room.fits(memory):
            await self._room.take(memory)  # at once
            self._watcher.waited(0.0)
            return
        self._waiting += 1
        asked = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                await self._room.take(memory)
        except TimeoutError:
            self._watcher.refused("impatient")
            raise Overloaded from None
        finally:
            self._waiting -= 1
        self._watcher.waited(time.perf_counter() - asked)

    async def _held(
        self, function: Callable[..., T], arguments: tuple[Any, ...], lost: Lost | None, memory: int
    ) -> T:
        try:
            return await self._call(function, arguments)
        except OriginError as error:
            if error.worker_lost and lost is not None:
                await lost()
            raise
        finally:
            self._room.give(memory)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # asked for, so that an error nobody waits for is no complaint at exit

    async def _call(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        if self._crew is None:
            raise Internal("The renderer is not running.")
        call = Call(function, arguments, math.ceil(self._timeout) + _CPU_GRACE)
        try:
            result: T = await self._crew.run(call, self._timeout)
        except LateError as error:
            self._watcher.lost("deadline")
            raise _with_worker(RenderTimeout()) from error
        except LostError as error:
            raise self._ended_by(error) from error
        except MemoryError as error:
            raise ImageUnprocessable from error
        except asyncio.CancelledError as error:
            if self._crew is None:  # cancelled by close()
                raise Internal("The renderer was stopped.") from error
            raise
        except OriginError:
            raise
        except Exception as error:
            raise Internal from error
        return result

    def _ended_by(self, lost: LostError) -> OriginError:
        """What the end of a worker means for the picture it was at."""
        if self._crew is None:
            return Internal("The renderer was stopped.")
        timed_out = lost.code == -signal.SIGXCPU
        by_hand = lost.code == -signal.SIGKILL  # the kernel, out of memory, or a person
        self._watcher.lost("cpu" if timed_out else "killed" if by_hand else "crash")
        return _with_worker(RenderTimeout() if timed_out else ImageUnprocessable())


def _with_worker(error: OriginError) -> OriginError:
    error.worker_lost = True
    return error


_ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "2",
    # Fixed, because glibc raises the first with every large block that is freed, up to 32 MiB, and pictures
    # then lie in a heap that hardly ever shrinks: 50 to 70 MB more in each worker after 500 mixed pictures.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 20),
    # Large pages, where the kernel has them for who asks: a progressive original of 24 megapixels is decoded
    # from its short form in half the time, which was the kernel's for 40,000 small ones.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""What keeps glibc's malloc small in the workers without a cost that can be measured."""

_JEMALLOC: Final = "dirty_decay_ms:1000,muzzy_decay_ms:0"
"""Memory goes back a second after its last use; by a thread that workers start, see there. Without large
pages: with ``thp:always`` each worker held 30 to 50 MB more after 500 mixed pictures."""


def tame_allocator() -> None:
    """Workers read their environment when they start. What is set already is the operator's."""
    if "jemalloc" in os.environ.get("LD_PRELOAD", ""):
        os.environ.setdefault("MALLOC_CONF", _JEMALLOC)
    else:
        for name, value in _ALLOCATOR.items():
            os.environ.setdefault(name, value)
