"""Other image servers, installed beside the project when a benchmark asks for them, and how to ask each for
a picture. What cannot be had on this machine is left out, and said so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from benchmarks.support import cpu_of

HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "image-origin-bench"
QUALITY = {"jpg": 80, "webp": 79}
"""What every contender is asked for."""

Address = Callable[[int, str, str], str]
"""``(width, format, file name)`` to a URL's path."""


@dataclass(frozen=True)
class Attached:
    """A server that somebody else started: on this machine, since its CPU is to be counted."""

    port: int
    pid: int
    files: int
    """The port at which it finds the photographs while it is measured."""


@dataclass(frozen=True)
class Contender:
    name: str
    version: str
    setting: str
    """What is not the default."""
    command: Callable[[Path, int], list[str]]
    """``(folder of photographs, port)`` to what is started; what it needs lies beside the folder."""
    address: Address
    formats: frozenset[str] = frozenset({"jpg", "webp"})
    environ: Callable[[Path, int], Mapping[str, str]] = lambda folder, port: {}  # noqa: ARG005
    defaults: Address | None = None
    """The same with the server's own quality; None where it has to be told one."""
    attached: Attached | None = None
    """Where it runs already, when it is not started here."""


@dataclass(frozen=True)
class Running:
    contender: Contender
    pid: int
    port: int

    def cpu(self) -> float:
        """CPU-seconds of the whole process tree."""
        return cpu_of(self.pid)

    def get(self, width: int, format_: str, name: str, *, defaults: bool = False) -> bytes:
        """A picture, of the quality that all are asked for or the server's own. RuntimeError for none."""
        address = self.contender.defaults if defaults else self.contender.address
        if address is None:
            raise RuntimeError(f"{self.contender.name} has no quality of its own")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            path = address(width, format_, name)
            connection.request("GET", path, headers={"Accept": "image/webp,*/*"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.contender.name} answered {answer.status} for {path}: {body[:200]!r}")
        return body


@contextmanager
def running(contender: Contender, folder: Path) -> Iterator[Running]:
    """Started with ``folder`` as its photographs, and stopped at the end."""
    if contender.attached is not None:
        with _files(folder, contender.attached.files):
            yield Running(contender, contender.attached.pid, contender.attached.port)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        contender.command(folder, port),
        env={**os.environ, "MALLOC_ARENA_MAX": "2", **contender.environ(folder, port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port, contender.name)
        yield Running(contender, process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _files(folder: Path, port: int) -> Iterator[None]:
    """The folder over HTTP, for servers that do not share our file system."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _wait(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{name} did not start")


# Who there is ------------------------------------------------------------------------------------------


def peers() -> Iterator[tuple[str, Contender | None]]:
    """Each peer by name; None for one that cannot be had here."""
    makers: dict[str, Callable[[], Contender]] = {
        "ipx": _ipx, "thumbor": _thumbor, "nginx image_filter": _nginx, "imgproxy": _imgproxy,
        "imagor": _imagor,
    }  # fmt: skip
    for name, make in makers.items():
        try:
            yield name, make()
        except (OSError, subprocess.CalledProcessError, LookupError) as error:
            print(f"# {name} is left out: {error}", file=sys.stderr)
            yield name, None


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=600)
    return (done.stdout or done.stderr).strip()


_IPX = """
import { createServer } from 'node:http'
import { createIPX, createIPXNodeServer, ipxFSStorage } from 'ipx'
import { createRequire } from 'node:module'
const sharp = createRequire(import.meta.resolve('ipx'))('sharp')
sharp.cache(false)
if (process.argv[2] === 'versions') { console.log(sharp.versions.sharp, sharp.versions.vips); process.exit() }
const ipx = createIPX({ storage: ipxFSStorage({ dir: process.argv[2] }) })
createServer(createIPXNodeServer(ipx)).listen(Number(process.argv[3]), '127.0.0.1')
"""


def _ipx() -> Contender:
    home = HOME / "ipx-sharp-0.35.5"
    if not (home / "node_modules" / "ipx").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        # ipx brings a sharp of its own, which is older than the one that everybody else gets.
        package = {
            "private": True,
            "type": "module",
            "dependencies": {"ipx": "3.1.1", "sharp": "0.35.5"},
            "overrides": {"sharp": "$sharp"},
        }
        (home / "package.json").write_text(json.dumps(package))
        _run("npm", "install", "--no-audit", "--no-fund", folder=home)
    script = home / "server.mjs"
    script.write_text(_IPX)
    sharp, vips = _run("node", str(script), "versions").split()
    return Contender(
        "ipx",
        f"3.1.1, sharp {sharp}, libvips {vips}",
        "sharp.cache(false), 2 threads",
        lambda folder, port: ["node", str(script), str(folder), str(port)],
        lambda width, format_, name: (
            f"/w_{width},f_{'jpeg' if format_ == 'jpg' else format_},q_{QUALITY[format_]}/{name}"
        ),
        environ=lambda folder, port: {"UV_THREADPOOL_SIZE": "2"},  # noqa: ARG005
        defaults=lambda width, format_, name: (
            f"/w_{width},f_{'jpeg' if format_ == 'jpg' else format_}/{name}"
        ),
    )


def _thumbor() -> Contender:
    home = HOME / "thumbor"
    program = home / "bin" / "thumbor"
    if not program.exists():
        _run(sys.executable, "-m", "venv", str(home))
        _run(str(home / "bin" / "pip"), "install", "--quiet", "thumbor==7.8.0")

    def command(folder: Path, port: int) -> list[str]:
        settings = folder.with_name(f"thumbor-{port}.conf")
        settings.write_text(
            "LOADER = 'thumbor.loaders.file_loader'\n"
            f"FILE_LOADER_ROOT_PATH = {str(folder)!r}\n"
            "STORAGE = 'thumbor.storages.no_storage'\n"
            "ENGINE_THREADPOOL_SIZE = 2\n"
            "AUTO_WEBP = False\n"
        )
        return [str(program), "-c", str(settings), "-i", "127.0.0.1", "-p", str(port), "-l", "error"]

    def address(width: int, format_: str, name: str) -> str:
        kind = "jpeg" if format_ == "jpg" else format_
        return f"/unsafe/{width}x0/filters:format({kind}):quality({QUALITY[format_]})/{name}"

    def plain(width: int, format_: str, name: str) -> str:
        return f"/unsafe/{width}x0/filters:format({'jpeg' if format_ == 'jpg' else format_})/{name}"

    pillow = _run(str(home / "bin" / "python"), "-c", "import PIL; print(PIL.__version__)")
    version, setting = f"7.8.0, Pillow {pillow}", "no storage, 2 engine threads"
    return Contender("thumbor", version, setting, command, address, defaults=plain)


def _nginx() -> Contender:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    version = _run(program, "-v").rpartition("/")[2]
    module = HOME / "nginx" / "usr/lib/nginx/modules/ngx_http_image_filter_module.so"
    if not module.exists():
        module.parent.mkdir(parents=True, exist_ok=True)
        home = HOME / "nginx"
        _run("apt-get", "download", "libnginx-mod-http-image-filter", folder=home)
        _run("dpkg-deb", "-x", str(next(home.glob("*.deb"))), str(home))

    def command(folder: Path, port: int) -> list[str]:
        home = folder.with_name(f"nginx-{port}")
        home.mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (home / "nginx.conf").write_text(
            f"load_module {module};\n{user}\nworker_processes 2; daemon off; pid {home}/pid;\n"
            "error_log stderr error;\nevents {}\nhttp { access_log off;\n"
            f"server {{ listen 127.0.0.1:{port};\n"
            "location ~ ^/(?<width>[0-9]+)/(?<name>.*)$ {\n"
            f"alias {folder}/$name; image_filter resize $width -; image_filter_jpeg_quality 80;\n"
            "image_filter_buffer 64M; } } }\n"
        )
        return [program, "-c", str(home / "nginx.conf"), "-p", str(home)]

    return Contender(
        "nginx image_filter", version, "2 workers, libgd", command,
        lambda width, format_, name: f"/{width}/{name}",  # noqa: ARG005 - it keeps the format
        formats=frozenset({"jpg"}),
    )  # fmt: skip


def _imgproxy() -> Contender:
    attached, program = _given("IMGPROXY")
    source = "local:///" if attached is None else f"http://127.0.0.1:{attached.files}/"
    return Contender(
        "imgproxy",
        _run(program, "version") if program else "of the URL given",
        "2 workers" if program else "as it was started, fetches by HTTP",
        lambda folder, port: [program],  # noqa: ARG005 - it is told by its environment
        lambda width, format_, name: (
            f"/unsafe/rs:fit:{width}:0/q:{QUALITY[format_]}/plain/{source}{name}@{format_}"
        ),
        environ=lambda folder, port: {
            "IMGPROXY_BIND": f"127.0.0.1:{port}",
            "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(folder),
            "IMGPROXY_WORKERS": "2",
            "IMGPROXY_LOG_LEVEL": "error",
            "IMGPROXY_MAX_SRC_RESOLUTION": "100",
        },
        defaults=lambda width, format_, name: f"/unsafe/rs:fit:{width}:0/plain/{source}{name}@{format_}",
        attached=attached,
    )


def _imagor() -> Contender:
    attached, program = _given("IMAGOR")
    source = "" if attached is None else f"http://127.0.0.1:{attached.files}/"
    return Contender(
        "imagor",
        _run(program, "-version") if program else "of the URL given",
        "2 renders side by side" if program else "as it was started, fetches by HTTP",
        lambda folder, port: [
            program, "-imagor-unsafe", "-port", str(port), "-file-loader-base-dir", str(folder),
            "-imagor-process-concurrency", "2",
        ],
        lambda width, format_, name: (
            f"/unsafe/fit-in/{width}x0/filters:format({'jpeg' if format_ == 'jpg' else format_})"
            f":quality({QUALITY[format_]})/{source}{name}"
        ),
        defaults=lambda width, format_, name: (
            f"/unsafe/fit-in/{width}x0/filters:format({'jpeg' if format_ == 'jpg' else format_})"
            f"/{source}{name}"
        ),
        attached=attached,
    )  # fmt: skip


def _given(name: str) -> tuple[Attached | None, str]:
    """A running server that the environment names (``IMGPROXY=http://127.0.0.1:8080 IMGPROXY_PID=123``), else
    a program: named (``IMGPROXY=/path``), or on the PATH. LookupError for neither."""
    found = os.environ.get(name) or shutil.which(name.lower())
    if not found:
        raise LookupError(f"no program; set {name} to its path or URL")
    if not found.startswith("http://"):
        return None, found
    pid = os.environ.get(f"{name}_PID", "")
    if not (pid.isdecimal() and Path(f"/proc/{pid}").exists()):
        raise LookupError(f"set {name}_PID to the process at {found}, whose CPU is to be counted")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Attached(urlsplit(found).port or 80, int(pid), probe.getsockname()[1]), ""
