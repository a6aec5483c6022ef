"""A TCP proxy that breaks connections the way networks and servers do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from threading import Thread
from urllib.parse import urlsplit


class Fault(Enum):
    PASS = auto()
    """Nothing is wrong."""
    CUT = auto()
    """The answer ends after ``after`` bytes, politely (FIN)."""
    RESET_BODY = auto()
    """The answer ends after ``after`` bytes with a reset (RST)."""
    DRIP = auto()
    """The answer comes at ``rate`` bytes a second, after the first ``after`` bytes."""
    BLACK_HOLE = auto()
    """Everything is taken, nothing comes back."""
    RESET = auto()
    """Connections are reset as soon as they send something."""
    REFUSE = auto()
    """Nobody listens."""
    LATE = auto()
    """Every piece of an answer comes ``after`` milliseconds late."""
    GARBAGE = auto()
    """Answers have their lengths, and nothing of their contents."""
    ANSWER = auto()
    """``words`` are the answer to whatever is sent, and then the connection ends."""


@dataclass
class FaultyProxy:
    """Listens on ``port`` of loopback for a server on ``target_port``.

    A fault set with :meth:`set` strikes connections that are open already, too.
    """

    target_port: int
    port: int = 0
    fault: Fault = Fault.PASS
    after: int = 0
    rate: int = 0
    words: bytes = b""
    requests: int = 0
    """How often a client sent something."""
    _server: asyncio.Server | None = None
    _left: int | None = None

    def __post_init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def set(
        self,
        fault: Fault,
        *,
        after: int = 0,
        rate: int = 10_000,
        words: bytes = b"",
        times: int | None = None,
    ) -> None:
        """From now on ``fault``; CUT, RESET_BODY and ANSWER only for the next ``times`` answers, if given."""
        self.fault, self.after, self.rate, self.words, self._left = fault, after, rate, words, times
        if fault is Fault.REFUSE:
            await self.stop()
        elif self._server is None:
            await self.start()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(client_out)
        server_out = None
        halves: list[asyncio.Task[None]] = []
        try:
            server_in, server_out = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._open.add(server_out)
            halves = [
                asyncio.create_task(self._upstream(client_in, client_out, server_out)),
                asyncio.create_task(self._downstream(server_in, client_out)),
            ]
            await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)
            for writer in (client_out, server_out):
                if writer is not None:
                    self._open.discard(writer)
                    writer.close()
            self._tasks.discard(task)

    async def _upstream(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(1 << 16):
            self.requests += 1
            if self.fault is Fault.RESET:
                return _reset(client)
            if self.fault is Fault.ANSWER and self._left != 0:
                if self._left is not None:
                    self._left -= 1
                client.write(self.words)
                await client.drain()
                return None
            if self.fault is not Fault.BLACK_HOLE:
                writer.write(data)
                await writer.drain()
        return None

    async def _downstream(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        fault, sent = self.fault, 0
        while data := await reader.read(1 << 14):
            if fault is not self.fault:
                fault, sent = self.fault, 0
            if fault is Fault.BLACK_HOLE:
                continue
            breaks = fault in {Fault.CUT, Fault.RESET_BODY} and self._left != 0
            if breaks and sent + len(data) > self.after:
                client.write(data[: self.after - sent])
                await client.drain()
                if self._left is not None:
                    self._left -= 1
                return _reset(client) if fault is Fault.RESET_BODY else None
            if fault is Fault.LATE:
                await asyncio.sleep(self.after / 1000)
            if fault is Fault.GARBAGE:
                data = b"\xde\xad" * (len(data) // 2)
            if fault is Fault.DRIP and sent >= self.after:
                await self._drip(data, client)
                continue
            client.write(data)
            await client.drain()
            sent += len(data)
        return None

    async def _drip(self, data: bytes, client: asyncio.StreamWriter) -> None:
        """Ten pieces a second, so nobody who waits for the next one waits long; the rest when it ends."""
        size = max(1, self.rate // 10)
        while data:
            await asyncio.sleep(0.1)
            if self.fault is not Fault.DRIP:
                size = len(data)
            client.write(data[:size])
            await client.drain()
            data = data[size:]


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def faulty(url: str) -> AsyncIterator[tuple[FaultyProxy, str]]:
    """A proxy before the server at ``url``, and the URL that leads through it."""
    parts = urlsplit(url)
    assert parts.port is not None
    proxy = FaultyProxy(parts.port)
    await proxy.start()
    try:
        yield proxy, url.replace(f":{parts.port}", f":{proxy.port}")
    finally:
        await proxy.stop()


@dataclass(frozen=True)
class Troubled:
    """A :class:`FaultyProxy` in a thread of its own, for tests that do not run in an event loop."""

    url: str
    _proxy: FaultyProxy
    _loop: asyncio.AbstractEventLoop

    def set(
        self,
        fault: Fault,
        *,
        after: int = 0,
        rate: int = 10_000,
        words: bytes = b"",
        times: int | None = None,
    ) -> None:
        """See :meth:`FaultyProxy.set`."""
        work = self._proxy.set(fault, after=after, rate=rate, words=words, times=times)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @property
    def requests(self) -> int:
        return self._proxy.requests


@contextmanager
def troubled(*urls: str) -> Iterator[list[Troubled]]:
    """A proxy before each server, all in one thread."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin(url: str) -> Troubled:
        parts = urlsplit(url)
        assert parts.port is not None
        proxy = FaultyProxy(parts.port)
        await proxy.start()
        return Troubled(url.replace(f":{parts.port}", f":{proxy.port}"), proxy, loop)

    made = [asyncio.run_coroutine_threadsafe(begin(url), loop).result(30) for url in urls]
    try:
        yield made
    finally:
        for one in made:
            asyncio.run_coroutine_threadsafe(one._proxy.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
