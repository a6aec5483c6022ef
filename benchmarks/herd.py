"""What does a herd cost: many clients who want the same new picture at the same moment?

Clients on connections of their own, that are all connected before the first asks. One render that takes a
second or more is asked for by one client, then (of another copy) by all of them: once with a small answer,
once with one of two megabytes. The slowest hundredth may take at most 1.3 times as long as one alone. Waiting
costs CPU only to accept and to answer; for comparison, how long a server that does nothing but send as many
bytes takes with the same clients.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import uvloop

from benchmarks.support import Promise, Report, Server, arguments, copies, median, photos, publish, serving

CHAINS = {"small": "e_denoise:60/w_400,f_webp", "large": "e_denoise:60/c_scale,w_1400,f_png"}
MOST = 1.3
BUFFER = bytearray(1 << 18)
"""What clients read into: nobody looks at the bytes."""


class _Taker(asyncio.BufferedProtocol):
    """Asks once and reads to the end, at as little cost as may be."""

    def __init__(self) -> None:
        self.head = b""
        self.got = 0
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, target: str) -> None:
        assert self._transport
        self._transport.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - as large as it is
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if not self.got:
            self.head = bytes(BUFFER[:4_096]).partition(b"\r\n\r\n")[0]
        self.got += nbytes

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.done.set_exception(exc)
        else:
            self.done.set_result(time.perf_counter())


async def asked(port: int, target: str, clients: int) -> tuple[list[float], Counter[str], set[int]]:
    """Seconds of every client; what ``X-Cache`` said; the lengths of the answers' bodies."""
    loop = asyncio.get_running_loop()
    takers = [(await loop.create_connection(_Taker, "127.0.0.1", port))[1] for _ in range(clients)]
    started = time.perf_counter()
    for taker in takers:
        taker.ask(target)
    times = [await taker.done - started for taker in takers]
    said: Counter[str] = Counter()
    for taker in takers:
        assert taker.head.startswith(b"HTTP/1.1 200"), taker.head
        lines = taker.head.decode().lower().split("\r\n")[1:]
        said[dict(line.split(": ", 1) for line in lines).get("x-cache", "")] += 1
    return sorted(times), said, {taker.got - len(taker.head) - 4 for taker in takers}


def run(port: int, target: str, clients: int) -> tuple[list[float], Counter[str], set[int]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asked(port, target, clients))


class _Plain(asyncio.Protocol):
    """Sends the same answer to whatever it is asked."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - one question, in one piece
        self._transport.write(_Plain.answer)
        self._transport.close()


def send_only(length: int, told: Connection) -> None:
    """A server of ``length`` bytes; says its port."""
    _Plain.answer = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(length)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Plain, "127.0.0.1", 0, backlog=1_024)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


def sending_alone(length: int, clients: int) -> float:
    """Seconds until the slowest hundredth has ``length`` bytes of a server that has them ready."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=send_only, args=(length, theirs), daemon=True)
    process.start()
    try:
        times, _, lengths = run(ours.recv(), "/", clients)
    finally:
        process.kill()
        process.join()
    assert lengths == {length}
    return slowest(times)


def slowest(times: list[float]) -> float:
    return times[int(len(times) * 0.99) - 1]


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--answers", nargs="+", choices=list(CHAINS), default=list(CHAINS))
    options = parser.parse_args()
    rows: list[list[str]] = []
    ratios: dict[str, list[float]] = {name: [] for name in options.answers}
    photo = next(path for path in photos(progressive=False) if "9mp" in path.name)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        files = iter(copies(photo, folder, 2 * options.rounds * len(options.answers) + 1))
        with serving(Path(temporary) / "data", ORIGIN_SOURCES=f"photos=file://{folder}") as server:
            server.get(f"/w_100/@photos/{next(files).name}")  # warm
            for _ in range(options.rounds):
                for name in options.answers:
                    alone = f"/{CHAINS[name]}/@photos/{next(files).name}"
                    together = f"/{CHAINS[name]}/@photos/{next(files).name}"
                    ratio, row = one_round(server, alone, together, options.clients)
                    ratios[name].append(ratio)
                    rows.append([name, *row])
    head = (
        "answer",
        "MB",
        "alone s",
        "p50 s",
        "p99 s",
        "p99:alone",
        "renders",
        "CPU ms a waiter",
        "sending s",
    )
    title = f"{options.clients} clients at once want one new picture that takes a second or more"
    figures = {f"p99 to one alone, {name} answer": median(found) for name, found in ratios.items()}
    bars = {name: {f"round {n + 1}": one for n, one in enumerate(found)} for name, found in ratios.items()}
    promises = [
        Promise(f"p99 of {options.clients} clients to one alone, {name} answer", median(found), most=MOST)
        for name, found in ratios.items()
    ]
    publish(Report("herd", title, head, rows, "times", bars, figures, promises=promises), options)


def one_round(server: Server, alone: str, together: str, clients: int) -> tuple[float, list[str]]:
    before = server.cpu()
    [single], _, _ = run(server.port, alone, 1)
    between = server.cpu()
    times, said, lengths = run(server.port, together, clients)
    after = server.cpu()
    assert said["render"] == 1, said
    [length] = lengths
    sending = sending_alone(length, clients) if length > 1e6 else 0.0
    ratio = slowest(times) / single
    extra = ((after - between) - (between - before)) * 1000 / clients
    return ratio, [
        f"{length / 1e6:.2f}",
        f"{single:.2f}",
        f"{median(times):.2f}",
        f"{slowest(times):.2f}",
        f"{ratio:.2f}",
        str(said["render"]),
        f"{extra:.2f}",
        f"{sending:.2f}",
    ]


if __name__ == "__main__":
    main()
