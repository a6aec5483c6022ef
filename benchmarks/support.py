"""What the benchmarks share: a running server, its CPU time, photographs, tables."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


def corpus() -> Path:
    """The folder of test pictures: ``ORIGIN_CORPUS``, else where it lies beside the project."""
    folder = Path(os.environ.get("ORIGIN_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        sys.exit("set ORIGIN_CORPUS to a folder with photos/ in it")
    return folder


def photos(*, progressive: bool) -> list[Path]:
    """The corpus photographs that are JPEG, baseline or progressive."""
    files = json.loads((corpus() / "MANIFEST.json").read_text())["files"]
    return [
        corpus() / entry["path"]
        for entry in files
        if entry["path"].startswith("photos/")
        and entry["format"] == "JPEG"
        and entry["detail"].startswith("progressive") == progressive
    ]


@dataclass
class Server:
    """A running ``origin serve``."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def processes(self) -> list[int]:
        """The server and all its workers."""
        return processes_of(self.process.pid)

    def cpu(self) -> float:
        """CPU-seconds that the server and all its workers have used."""
        return seconds_of(self.processes())


def processes_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes_of(int(child))
    return found


def seconds_of(processes: Iterable[int]) -> float:
    """CPU-seconds that the processes, and their children that have ended, have used."""
    return sum(_cpu(pid) for pid in processes)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # utime and stime, and those of children that have ended (proc(5), fields 14 to 17).
    return sum(int(value) for value in fields[11:15]) / TICKS


@contextmanager
def serving(folder: Path, **environ: str) -> Iterator[Server]:
    """A server with its data in ``folder``, stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "ORIGIN_DATA_DIR": str(folder),
        "ORIGIN_PORT": str(port),
        "ORIGIN_RATE_RENDER": "off",
        **environ,
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ORIGIN_", "AWS_"))}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("origin")), "serve"],
        env=clean | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(process, port)
    try:
        for _ in range(200):
            try:
                if server.get("/healthz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError("the server did not start")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def copies(photo: Path, folder: Path, rounds: int) -> list[Path]:
    """The same photograph under other names, so that nothing kept of one serves another."""
    made = []
    for number in range(rounds):
        target = folder / f"{photo.stem}-{number}{photo.suffix}"
        shutil.copyfile(photo, target)
        made.append(target)
    return made


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def machine() -> str:
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


__all__ = [
    "Server",
    "copies",
    "corpus",
    "machine",
    "median",
    "photos",
    "processes_of",
    "seconds_of",
    "serving",
    "table",
]
