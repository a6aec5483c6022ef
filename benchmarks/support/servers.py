"""A running server, and the CPU time of processes."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

Get = Callable[[str], tuple[int, dict[str, str], bytes]]
"""Status, headers by their names in small letters, and body, for a path."""


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

    @contextmanager
    def connected(self) -> Iterator[Get]:
        """The same over one connection that stays, as nginx keeps those to its upstream."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:

            def get(path: str) -> tuple[int, dict[str, str], bytes]:
                try:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                except (http.client.RemoteDisconnected, ConnectionError):  # it was idle for too long
                    connection.close()
                    connection.request("GET", path)
                    answer = connection.getresponse()
                return (
                    answer.status,
                    {name.lower(): value for name, value in answer.getheaders()},
                    answer.read(),
                )

            yield get

    def processes(self) -> list[int]:
        """The server and all its workers."""
        return processes_of(self.process.pid)

    def cpu(self) -> float:
        """CPU-seconds that the server and all its workers have used."""
        return cpu_of(self.process.pid)


TRIES = 5
"""Of a look at processes that come and go."""


def cpu_of(pid: int) -> float:
    """CPU-seconds that a process, all that descend from it, and those of them that have ended have used."""
    for _ in range(TRIES):
        try:
            return sum(_cpu(one) for one in processes_of(pid))
        except OSError:  # one ended between two looks, and counts for its parent from now on
            continue
    raise ProcessLookupError(f"the processes of {pid} never kept still")


def processes_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                found += processes_of(int(child))
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # Children that have ended (proc(5), fields 16 and 17) are known in ticks of 10 ms; the process itself is
    # asked by its CPU clock (clock_getcpuclockid(3)), which counts nanoseconds.
    ended = sum(int(value) for value in fields[13:15]) / TICKS
    return ended + time.clock_gettime((~pid << 3) | 2)


@contextmanager
def serving(folder: Path, log: Path | None = None, /, **environ: str) -> Iterator[Server]:
    """A server with its data in ``folder``, stopped at the end; its log goes to ``log`` or nowhere."""
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
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("origin")), "serve"],
            env=clean | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, port)
    try:
        for _ in range(800):
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
