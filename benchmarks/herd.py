"""What does a herd cost: many clients who want the same new picture at the same moment?

Raw asyncio clients, each on a connection of its own, that are all connected before the first asks. One render
that takes a second or more, and gives a small answer, is asked for by one client, then (of another copy) by
all of them. The slowest hundredth may take at most 1.3 times as long as one alone, and waiting costs CPU only
to accept and to answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.support import Report, Server, arguments, copies, median, photos, publish, serving

CHAIN = "e_denoise:60/w_400,f_webp"
MOST = 1.3


async def asked(server: Server, target: str, clients: int) -> tuple[list[float], Counter[str], set[int]]:
    """Seconds of every client; what ``X-Cache`` said; the lengths of the answers."""
    connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(clients)]
    said: Counter[str] = Counter()
    lengths: set[int] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        started = time.perf_counter()
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        seconds = time.perf_counter() - started
        writer.close()
        assert head.startswith(b"HTTP/1.1 200"), head
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        said[headers["x-cache"]] += 1
        lengths.add(len(body))
        return seconds

    times = await asyncio.gather(*(one(*connection) for connection in connections))
    return sorted(times), said, lengths


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--clients", type=int, default=200)
    options = parser.parse_args()
    rows: list[list[str]] = []
    ratios: list[float] = []
    photo = next(path for path in photos(progressive=False) if "9mp" in path.name)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        files = copies(photo, folder, 2 * options.rounds + 1)
        with serving(Path(temporary) / "data", ORIGIN_SOURCES=f"photos=file://{folder}") as server:
            server.get(f"/w_100/@photos/{files[-1].name}")  # warm
            for number in range(options.rounds):
                before = server.cpu()
                alone, _, _ = asyncio.run(asked(server, f"/{CHAIN}/@photos/{files[2 * number].name}", 1))
                between = server.cpu()
                target = f"/{CHAIN}/@photos/{files[2 * number + 1].name}"
                times, said, lengths = asyncio.run(asked(server, target, options.clients))
                after = server.cpu()
                assert said["render"] == 1, said
                assert len(lengths) == 1
                slow = times[int(len(times) * 0.99) - 1]
                ratios.append(slow / alone[0])
                extra = ((after - between) - (between - before)) * 1000 / options.clients
                row = [f"{alone[0]:.2f}", f"{median(times):.2f}", f"{slow:.2f}", f"{slow / alone[0]:.2f}"]
                rows.append([*row, str(said["render"]), f"{extra:.2f}", f"{lengths.pop() / 1e6:.1f}"])
    head = ["alone s", "p50 s", "p99 s", "p99:alone", "renders", "CPU ms a waiter", "MB"]
    title = f"{options.clients} clients at once want one new picture: {CHAIN}"
    figures = {"p99 to one alone": median(ratios)}
    bars = {"p99 to one alone": {f"round {number + 1}": ratio for number, ratio in enumerate(ratios)}}
    publish(Report("herd", title, head, rows, "times", bars, figures), options)
    print(f"\np99 : one alone {median(ratios):.2f} (at most {MOST})")


if __name__ == "__main__":
    main()
