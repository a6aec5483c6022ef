"""Worker processes, each with a socket over which the event loop hands it one job at a time.

No thread stands between a job and its worker, and only the worker that is meant wakes up. Who is late is
killed, who has died is replaced, and who has done many jobs is relieved once the replacement is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from origin.imaging.wire import Inbox, packed

_log = logging.getLogger(__name__)

_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]);"
    " from origin.imaging.worker import serve; serve(int(sys.argv[1]))"
)
"""What a worker runs; it finds modules where the server found them."""
_STARTING: Final = 60.0
"""Seconds within which a worker is ready."""
_PAUSES: Final = (0.1, 0.5, 2.0, 5.0)
"""Seconds between attempts to start a worker, the last one again and again."""
_TRIES: Final = 3
"""Workers that a job is given to, when those before had ended without having read it."""
_HANGING_UP: Final = 1.0
"""Seconds within which the line of a worker that has ended is closed from there."""


class LateError(Exception):
    """The job was not done in time; its worker was killed."""


class LostError(Exception):
    """The worker ended amid the job, or before it had begun."""

    def __init__(self, code: int, *, begun: bool = True) -> None:
        super().__init__(f"the worker ended with {code}")
        self.code = code
        """Its exit code; negative for the signal that ended it."""
        self.begun = begun
        """It had read what it was to do."""


class _StartError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """What a worker shall do. Functions are named, not sent."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    cpu_seconds: int
    """After which the kernel ends the worker, should nobody else do so."""


class _Worker(asyncio.BufferedProtocol):
    """One process, from the server's side."""

    def __init__(self) -> None:
        self.jobs = 0
        self.retiring = False
        self.process: asyncio.subprocess.Process | None = None
        self.ended = asyncio.Event()
        self.spent = asyncio.Event()
        """It has ended, or has done so many jobs that it shall."""
        self._killed = False
        self._read_all = True
        self._cut = asyncio.Event()
        self._inbox = Inbox()
        self._answer: asyncio.Future[Any] | None = None
        self._line: asyncio.Transport | None = None
        self._end: asyncio.Task[None] | None = None

    async def start(self, hello: Any) -> Any:
        """What the worker says once it is ready. Raises _StartError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                self.process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", _BOOT, str(theirs.fileno()), json.dumps(sys.path)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            except OSError as error:
                ours.close()
                raise _StartError(str(error)) from error
            except asyncio.CancelledError:
                ours.close()
                raise
        loop = asyncio.get_running_loop()
        self._end = asyncio.create_task(self._await_end(self.process))
        self._line, _ = await loop.create_unix_connection(lambda: self, sock=ours)
        try:
            return await self.ask(hello, _STARTING)
        except (LateError, LostError) as error:
            raise _StartError(str(error)) from error

    async def ask(self, message: Any, seconds: float) -> Any:
        """The worker's answer. Raises LateError and LostError, and what pickling raises."""
        data = packed(message)
        if not self.usable:
            raise LostError(self.code, begun=False)
        assert self._line is not None
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        late = loop.call_later(seconds, self._late)
        self._line.write(data)
        try:
            return await self._answer
        finally:
            late.cancel()
            self._answer = None

    @property
    def usable(self) -> bool:
        alive = not self._killed and not self.ended.is_set()
        return alive and self._line is not None and not self._line.is_closing()

    @property
    def code(self) -> int:
        return self.process.returncode or 0 if self.process is not None else 0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    def kill(self) -> None:
        self._killed = True
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    def retire(self) -> None:
        """A worker whose line is closed goes by itself."""
        if self._line is not None:
            self._line.close()

    async def gone(self) -> None:
        """Until the process is no more."""
        if self._end is not None:
            await self._end

    # The line ----------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - messages know their size
        return self._inbox.space()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            if not self._inbox.filled(nbytes):
                return
        except ValueError as error:
            self.kill()
            self._resolve(error=error)
            return
        try:
            answer = self._inbox.take()
        except Exception as error:  # an answer that cannot be read says nothing about the next one
            self._resolve(error=error)
        else:
            self._resolve(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        # A socket that is closed with something unread in it resets the other end (unix(7)): the job that was
        # sent, if any, was not begun.
        self._read_all = not isinstance(exc, ConnectionResetError | BrokenPipeError)
        self._cut.set()

    def _late(self) -> None:
        self.kill()
        self._resolve(error=LateError())

    async def _await_end(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.ended.set()
        self.spent.set()
        if self._line is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANGING_UP):
                    await self._cut.wait()
            self._line.close()
        self._resolve(error=LostError(code, begun=self._read_all))

    def _resolve(self, answer: Any = None, error: Exception | None = None) -> None:
        if self._answer is None or self._answer.done():
            return
        if error is None:
            self._answer.set_result(answer)
        else:
            self._answer.set_exception(error)


class Crew:
    """``size`` workers, each begun with ``hello`` and relieved after ``jobs`` jobs.

    ``lost`` is told of a worker that ended without a job.
    """

    def __init__(self, size: int, hello: Any, *, jobs: int, lost: Callable[[], None]) -> None:
        self._size = size
        self._hello = hello
        self._jobs = jobs
        self._lost = lost
        self._all: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._arrival = asyncio.Event()
        self._places: list[asyncio.Task[None]] = []
        self._watches: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> list[Any]:
        """What the workers say once all are ready. Raises RuntimeError when one does not start."""
        loop = asyncio.get_running_loop()
        firsts: list[asyncio.Future[Any]] = [loop.create_future() for _ in range(self._size)]
        self._places = [asyncio.create_task(self._man(first)) for first in firsts]
        try:
            return await asyncio.gather(*firsts)
        except _StartError as error:
            await self.close()
            raise RuntimeError(f"a render worker does not start: {error}") from error

    async def close(self) -> None:
        """Kill all workers; jobs under way end with LostError."""
        self._closing = True
        for place in self._places:
            place.cancel()
        await asyncio.gather(*self._places, return_exceptions=True)
        leaving = list(self._all)
        self._idle.clear()
        for worker in leaving:
            worker.kill()
        await asyncio.gather(*(worker.gone() for worker in leaving))

    async def run(self, call: Call, seconds: float) -> Any:
        """Wait for a worker and have it do the call.

        Raises LateError, LostError, what pickling raises, and what the function raised.
        """
        answer, error, where = await self._answered(call, seconds)
        if error is None:
            return answer
        if where:
            error.add_note(where)
        raise error

    async def _answered(self, call: Call, seconds: float) -> Any:
        tries = 0
        while True:
            worker = await self._next()
            try:
                return await worker.ask(call, seconds)
            except LostError as lost:
                tries += 1
                if lost.begun or self._closing or tries == _TRIES:
                    raise
                self._missed(worker)
            finally:
                self._free(worker)

    async def _next(self) -> _Worker:
        while True:
            # The one that was busy last: its caches are warm, and the others' memory can be given back.
            while self._idle:
                if (worker := self._idle.pop()).usable:
                    return worker
                self._missed(worker)
            self._arrival.clear()
            await self._arrival.wait()

    def _missed(self, worker: _Worker) -> None:
        self._lost()
        _log.warning("render worker %d ended while it was idle", worker.pid)

    def _free(self, worker: _Worker) -> None:
        worker.jobs += 1
        if not worker.usable:
            return
        if worker.retiring:
            worker.retire()
            return
        if worker.jobs >= self._jobs:
            worker.spent.set()  # it goes on until the next one is there
        self._idle.append(worker)
        self._arrival.set()

    # Places -------------------------------------------------------------------------------------------

    async def _man(self, first: asyncio.Future[Any]) -> None:
        """Keep one place taken for ever. ``first`` is told how its first worker started."""
        before: _Worker | None = None
        while True:
            worker = await self._begun(first)
            if before is not None:
                self._relieve(before)
            self._idle.append(worker)
            self._arrival.set()
            await worker.spent.wait()
            before = None if worker.ended.is_set() else worker

    async def _begun(self, first: asyncio.Future[Any]) -> _Worker:
        attempt = 0
        while True:
            worker = _Worker()
            self._all.add(worker)
            try:
                said = await worker.start(self._hello)
            except _StartError as error:
                worker.kill()
                await worker.gone()
                self._all.discard(worker)
                if not first.done():
                    first.set_exception(error)
                # It may have been killed from outside. A server that gets no workers makes no pictures.
                level = logging.ERROR if attempt >= len(_PAUSES) else logging.WARNING
                _log.log(level, "a render worker does not start: %s", error)
                await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
                attempt += 1
                continue
            watch = asyncio.create_task(self._watch(worker))
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)
            if not first.done():
                first.set_result(said)
            return worker

    def _relieve(self, worker: _Worker) -> None:
        worker.retiring = True
        if worker in self._idle:
            self._idle.remove(worker)
            worker.retire()

    async def _watch(self, worker: _Worker) -> None:
        await worker.gone()
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
            self._missed(worker)
