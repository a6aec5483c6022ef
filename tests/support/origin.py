"""A real ``origin serve`` for the tests, and requests to it that nothing normalises on the way."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers import Process, free_port

ORIGIN = (sys.executable, "-m", "origin")
ROOT = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 60.0
"""When a test that waits for an answer is called hung."""

KEY = "k" * 40
OLD_KEY = "o" * 40


@dataclass(frozen=True)
class Response:
    """What came back, as it came."""

    status: int
    headers: Message
    body: bytes
    seconds: float = 0.0

    def __getitem__(self, name: str) -> str:
        """The one value of a header; a header that is missing or stands twice is a failure."""
        values = self.headers.get_all(name) or []
        assert len(values) == 1, f"{name}: {values} in a {self.status}"
        return str(values[0])

    def __contains__(self, name: str) -> bool:
        return name in self.headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document, or nothing."""
        problem = self.headers.get_content_type() == "application/problem+json"
        return str(self.json["code"]) if problem and self.body else ""

    @property
    def cache(self) -> str:
        return self["X-Cache"]

    @property
    def summary(self) -> tuple[int, str]:
        return self.status, self.code

    @property
    def max_age(self) -> int:
        parts = dict(part.strip().partition("=")[::2] for part in self["Cache-Control"].split(","))
        return int(parts["max-age"])


def ask(
    url: str,
    target: str | bytes,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    seconds: float = ANSWER_SECONDS,
    body: bytes = b"",
) -> Response:
    """One request on a connection of its own; ``target`` goes out byte for byte."""
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    raw = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = {"Host": place.netloc, "Connection": "close"} | dict(headers or {})
    if method not in {"GET", "HEAD", "OPTIONS", "TRACE"}:
        lines.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")
    started = time.perf_counter()
    with socket.create_connection((place.hostname, place.port), timeout=seconds) as connection:
        connection.sendall(method.encode() + b" " + raw + b" HTTP/1.1\r\n" + head + b"\r\n" + body)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        received = answer.read()
        return Response(answer.status, answer.headers, received, time.perf_counter() - started)


@dataclass
class OriginServer(Process):
    """``url`` and the data folder stay the same over ``stop()`` and ``start()``."""

    url: str = ""
    data: Path = Path()
    ids: dict[str, str] = field(default_factory=dict)
    """File name: id, of what was there when it started."""

    def get(self, target: str | bytes, /, method: str = "GET", **headers: str) -> Response:
        """One request; ``_`` in a header's name stands for ``-``."""
        return ask(
            self.url, target, method, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def many(self, targets: Sequence[str], **headers: str) -> list[Response]:
        """All at once, each on a connection of its own."""
        with ThreadPoolExecutor(len(targets)) as pool:
            return list(pool.map(lambda target: self.get(target, **headers), targets))

    def cli(self, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same data folder and settings."""
        return run_cli(*words, environment=dict(self.environment or {}) | environ)

    def put(self, picture: bytes | Path, name: str = "picture", *options: str) -> str:
        """Take a picture in as another process, and its id."""
        path = picture if isinstance(picture, Path) else self.log.parent / name
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        done = self.cli("put", "--json", *options, path)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(json.loads(done.stdout)["id"])

    def original(self, sha256: str) -> Path:
        """Where an original's bytes lie, free to be damaged."""
        return self.data / "originals" / sha256[:2] / sha256[2:4] / sha256

    def lines(self) -> list[dict[str, Any]]:
        """The log's entries."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def unexpected(self) -> list[str]:
        """What no request may ever cause: errors without a name, and traces."""
        text = self.log.read_text(errors="replace").splitlines()
        return [line for line in text if '"level": "error"' in line or line.startswith("Traceback")]

    def workers(self) -> list[int]:
        """Process ids of the render workers."""
        return [pid for pid in _children(self.pid) if "imaging.worker import serve" in _command(pid)]

    def healthy(self) -> bool:
        return self.get("/healthz").status == 200


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def base_environment(folder: Path, **settings: str) -> dict[str, str]:
    """Settings for one machine, and nothing of the caller's own."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return environment | {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "ORIGIN_DATA_DIR": str(folder / "data"),
        "ORIGIN_WORKERS": "1",
        "ORIGIN_RATE_RENDER": "off",
        **settings,
    }


def run_cli(*words: str | Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ORIGIN, *map(str, words)],
        capture_output=True,
        text=True,
        env=dict(environment),
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
        cwd=environment["HOME"],
    )


@dataclass(frozen=True)
class Library:
    """A data folder with pictures in it, to start servers from."""

    data: Path
    ids: dict[str, str]

    def copy(self, to: Path) -> None:
        shutil.copytree(self.data, to, dirs_exist_ok=True)


def make_library(folder: Path, public: Mapping[str, bytes], private: Mapping[str, bytes]) -> Library:
    """Pictures by file name, taken in by the command line."""
    environment = base_environment(folder)
    ids: dict[str, str] = {}
    for options, pictures in (((), public), (("--private",), private)):
        drop = folder / ("private" if options else "public")
        drop.mkdir()
        for name, data in pictures.items():
            (drop / name).write_bytes(data)
        done = run_cli("put", "--json", *options, drop, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            ids[Path(entry["file"]).name] = entry["id"]
    return Library(folder / "data", ids)


def origin_server(
    folder: Path, library: Library | None = None, *, words: Sequence[str] = (), **settings: str
) -> OriginServer:
    """A running server on a free port, with a data folder below ``folder``."""
    port = int(settings.pop("ORIGIN_PORT", 0)) or free_port()
    url = f"http://127.0.0.1:{port}"
    environment = base_environment(folder, ORIGIN_PORT=str(port), **settings)
    data = Path(environment["ORIGIN_DATA_DIR"])
    if library is not None and not data.exists():
        library.copy(data)
    server = OriginServer(
        command=[*ORIGIN, "serve", *words],
        log=folder / "origin.log",
        ready=lambda: answers(url, "/healthz"),
        environment=environment,
        url=url,
        data=data,
        ids=dict(library.ids) if library else {},
    )
    server.start()
    return server


def answers(url: str, target: str) -> bool:
    try:
        return ask(url, target, seconds=2).status == 200
    except (OSError, http.client.HTTPException):
        return False


def until(done: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait for something to come true; how long it took, to be told and never to be judged."""
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < seconds, "it never came true"
        time.sleep(0.05)
    return time.monotonic() - started
