"""What does an answer cost that was made before?

CPU per request of the whole server (its process tree), each on a connection of its own, by where the result
is found: in memory, in Redis, in the folder, or in nginx, which does not ask the server at all (the server's
log says so). What lies in Redis and in the folder is asked for once, after a restart that empties the memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.support import (
    Promise,
    Report,
    Server,
    arguments,
    cpu_of,
    median,
    photos,
    publish,
    serving,
)
from tests.support.servers import nginx_server, redis_server

WARM = 20
"""Requests before anything is counted."""

MOST = {"memory": 1.0, "Redis": None, "folder": None, "nginx": 0.01}
"""Milliseconds that are promised; nginx does not ask the server at all."""


def ask(server: Server, paths: list[str], cache: str) -> float:
    """CPU milliseconds of one of these requests, each of which has to come from ``cache``."""
    before = server.cpu()
    for path in paths:
        status, headers, _ = server.get(path)
        assert (status, headers["x-cache"]) == (200, cache), (path, status, headers)
    return (server.cpu() - before) * 1000 / len(paths)


def asked(log: Path) -> int:
    """Pictures that the server was asked for."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return sum("/w_" in line.get("path", "") for line in lines)


@contextmanager
def restarted(folder: Path, paths: list[str], cache: str, **settings: str) -> Iterator[Server]:
    """A server whose memory is empty, and whose results lie in ``cache``."""
    with serving(folder, **settings) as server:
        ask(server, paths, "render")
    with serving(folder, **settings) as server:
        ask(server, paths[:WARM], cache)
        yield server


def memory(folder: Path, paths: list[str], settings: dict[str, str]) -> float:
    with serving(folder, **settings) as server:
        ask(server, paths[:1], "render")
        ask(server, paths[:1] * WARM, "memory")
        return ask(server, paths[:1] * len(paths), "memory")


def files(folder: Path, paths: list[str], settings: dict[str, str]) -> float:
    with restarted(folder, paths, "files", **settings) as server:
        return ask(server, paths[WARM:], "files")


def redis(folder: Path, paths: list[str], settings: dict[str, str]) -> float:
    folder.mkdir()
    shared = redis_server(folder)
    try:
        with restarted(folder, paths, "redis", **settings, REDIS_URL=shared.url) as server:
            return ask(server, paths[WARM:], "redis")
    finally:
        shared.stop()


def nginx(folder: Path, paths: list[str], settings: dict[str, str]) -> tuple[float, float, int]:
    """Milliseconds of the server and of nginx for one hit, and the hits of which the server knows."""
    folder.mkdir()
    log = folder / "origin.log"
    with serving(folder / "data", log, **settings) as server:
        edge = nginx_server(folder, f"127.0.0.1:{server.port}")
        try:
            front = Server(server.process, urlsplit(edge.url).port or 0)
            for path in paths[:1] * WARM:
                front.get(path)
            known, before, own = asked(log), server.cpu(), cpu_of(edge.pid)
            for path in paths[:1] * len(paths):
                status, headers, _ = front.get(path)
                assert (status, headers["x-edge"]) == (200, "HIT"), headers
            spent, theirs = server.cpu() - before, cpu_of(edge.pid) - own
            return spent * 1000 / len(paths), theirs * 1000 / len(paths), asked(log) - known
        finally:
            edge.stop()


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--repeat", type=int, default=200, help="requests of each kind in a round")
    options = parser.parse_args()
    found: dict[str, list[float]] = {"memory": [], "Redis": [], "folder": [], "nginx": []}
    edge: list[float] = []
    known = 0
    with TemporaryDirectory() as temporary:
        pictures = Path(temporary) / "pictures"
        pictures.mkdir()
        shutil.copyfile(photos(progressive=False)[-1], pictures / "photo.jpg")
        settings = {"ORIGIN_SOURCES": f"photos=file://{pictures};public", "ORIGIN_WORKERS": "1"}
        paths = [f"/w_{width},f_webp/@photos/photo.jpg" for width in range(40, 40 + WARM + options.repeat)]
        for number in range(options.rounds):
            home = Path(temporary) / str(number)
            home.mkdir()
            found["memory"].append(memory(home / "memory", paths, settings))
            found["Redis"].append(redis(home / "redis", paths, settings))
            found["folder"].append(files(home / "folder", paths, settings))
            spent, theirs, reached = nginx(home / "nginx", paths, settings)
            found["nginx"].append(spent)
            edge.append(theirs)
            known += reached
    figures = {name: median(values) for name, values in found.items()}
    rows = [[name, f"{value:.2f}", ""] for name, value in figures.items()]
    rows[-1] = [
        "nginx",
        f"{figures['nginx']:.2f}",
        f"{median(edge):.2f} ms in nginx; {known} reached the server",
    ]
    title = f"CPU of the server for a hit, new connections, {options.rounds} rounds of {options.repeat}"
    bars = {"server": figures}
    promises = [
        Promise(f"CPU of the server for a hit in {name}", value, most=MOST[name], unit="ms")
        for name, value in figures.items()
    ]
    head = ["result in", "CPU, ms", ""]
    publish(Report("hits", title, head, rows, "ms", bars, figures, promises=promises), options)
    if known:
        raise SystemExit(f"{known} hits of nginx were asked of the server")


if __name__ == "__main__":
    main()
