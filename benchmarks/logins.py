"""Do a thousand people who sign in at once slow the pictures?

Asks a real server for pictures that it has (warm) and for ones that it must make (cold), one after another on
kept connections: first alone, then while ``--people`` clients sign in at the same time, each again as soon as
it is answered, or when an answer told it to come back. Limits are off: every sign-in asks for a hash.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from benchmarks.support import Promise, Report, Server, arguments, photos, publish, serving

OFF = {f"ORIGIN_RATE_{kind}": "off" for kind in ("RENDER", "UPLOAD", "LOGIN", "REGISTER", "API")}
ACCOUNT = json.dumps({"email": "many@example.org", "password": "correct horse battery"}).encode()
MOST = 1.2
"""Times the slowest hundredth of the pictures while nobody signs in."""
Reading = dict[str, list[float]]
"""Kind of picture: seconds of each answer."""


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.wait = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Status and body; ``wait`` is what Retry-After said, in seconds."""
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        assert self._reader is not None
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        named = dict(line.split(": ", 1) for line in head[1:] if line)
        answer = await self._reader.readexactly(int(named.get("content-length", "0")))
        self.wait = int(named.get("retry-after", "0"))
        if named.get("connection") == "close":
            self._writer.close()
        return int(head[0].split()[1]), answer


def people(
    port: int, many: int, running: Synchronized[int], outcomes: multiprocessing.Queue[Counter[int]]
) -> None:
    """Sign in, ``many`` at once, until ``running`` is 0."""
    os.nice(19)  # people have machines of their own: theirs is not the CPU that pictures wait for
    counted: Counter[int] = Counter()

    async def person() -> None:
        client = Client(port)
        while running.value:
            status, _ = await client.ask("POST", "/auth/login", ACCOUNT, Content_Type="application/json")
            counted[status] += 1
            await asyncio.sleep(client.wait * random.uniform(1, 2))

    async def everybody() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(many):
                group.create_task(person())

    asyncio.run(everybody())
    outcomes.put(counted)


async def set_up(port: int, picture: Path) -> str:
    """Register, upload, and the id of the picture."""
    client = Client(port)
    status, body = await client.ask("POST", "/auth/register", ACCOUNT, Content_Type="application/json")
    assert status == 201, body
    _, body = await client.ask("POST", "/auth/login", ACCOUNT, Content_Type="application/json")
    token = json.loads(body)["access_token"]
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="p"\r\n\r\n'
    whole = part + picture.read_bytes() + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    status, body = await client.ask(
        "POST", "/images", whole, Content_Type=kind, Authorization=f"Bearer {token}"
    )
    assert status == 201, body
    return str(json.loads(body)["id"])


async def pictures(port: int, id: str, widths: Iterator[int], seconds: float) -> Reading:
    """How long answers take: one client asks for a warm picture all the time, another for cold ones."""
    reading: Reading = {"warm": [], "cold": []}
    end = time.perf_counter() + seconds

    async def one(kind: str, pause: float) -> None:
        client = Client(port)
        while (started := time.perf_counter()) < end:
            width = 640 if kind == "warm" else next(widths)
            status, body = await client.ask("GET", f"/w_{width},f_jpg/{id}")
            assert status == 200, body
            reading[kind].append(time.perf_counter() - started)
            await asyncio.sleep(pause)

    await Client(port).ask("GET", f"/w_640,f_jpg/{id}")
    await asyncio.gather(one("warm", 0.005), one("cold", 0.02))
    return reading


def measure(
    server: Server, id: str, many: int, widths: Iterator[int], seconds: float
) -> tuple[Reading, Counter[int]]:
    """One reading while ``many`` people sign in; and with what their sign-ins were answered."""
    if not many:
        return asyncio.run(pictures(server.port, id, widths, seconds)), Counter()
    context = multiprocessing.get_context("spawn")
    running: Synchronized[int] = context.Value("i", 1)
    outcomes: multiprocessing.Queue[Counter[int]] = context.Queue()
    process = context.Process(target=people, args=(server.port, many, running, outcomes))
    process.start()
    try:
        time.sleep(3)  # until all of them are there
        reading = asyncio.run(pictures(server.port, id, widths, seconds))
    finally:
        running.value = 0
        counted = outcomes.get(timeout=60)
        process.join(60)
    return reading, counted


def hundredths(found: Sequence[float]) -> tuple[float, float]:
    """Milliseconds: median and slowest hundredth."""
    cuts = quantiles(found, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000


def row(name: str, kind: str, found: Sequence[float]) -> list[str]:
    half, slowest = hundredths(found)
    return [name, kind, str(len(found)), f"{half:.1f}", f"{slowest:.1f}"]


def main() -> None:
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    widths = count(200)
    alone: Reading = {"warm": [], "cold": []}
    crowded: Reading = {"warm": [], "cold": []}
    outcomes: Counter[int] = Counter()
    with TemporaryDirectory() as folder, serving(Path(folder) / "data", **OFF) as server:
        id = asyncio.run(set_up(server.port, photos(progressive=False)[0]))
        for _ in range(options.rounds):
            for many, found in ((0, alone), (options.people, crowded)):
                reading, counted = measure(server, id, many, widths, options.seconds)
                outcomes += counted
                for kind, times in reading.items():
                    found[kind] += times
    rows = [
        row(name, kind, found[kind])
        for kind in ("warm", "cold")
        for name, found in (("nobody", alone), (f"{options.people} at once", crowded))
    ]
    answered = ", ".join(f"{outcomes[status]} were answered {status}" for status in sorted(outcomes))
    title = f"Pictures while {options.people} people sign in; of these sign-ins {answered}"
    promises = [
        Promise(
            f"p99 of {kind} pictures amid sign-ins to that without",
            hundredths(crowded[kind])[1] / hundredths(alone[kind])[1],
            most=MOST,
        )
        for kind in ("warm", "cold")
    ]
    publish(
        Report(
            "logins",
            title,
            ("signing in", "pictures", "answers", "p50 ms", "p99 ms"),
            rows,
            promises=promises,
        ),
        options,
    )


if __name__ == "__main__":
    main()
