"""Other image servers, installed beside the project when a benchmark asks for them, and how to ask each for
a picture. What cannot be had on this machine is left out, and said so."""

from __future__ import annotations

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
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.support import processes_of, seconds_of

HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "image-origin-bench"
QUALITY = {"jpg": 80, "webp": 79}
"""What every contender is asked for."""

Address = Callable[[int, str, str], str]
"""``(width, format, file name)`` to a URL's path."""


@dataclass(frozen=True)
class Contender:
    name: str
    version: str
    setting: str
    """What is not the default."""
    command: Callable[[Path, int], list[str]]
    """``(folder of photographs, port)`` to what is started."""
    address: Address
    formats: frozenset[str] = frozenset({"jpg", "webp"})
    environ: Callable[[Path, int], Mapping[str, str]] = lambda folder, port: {}  # noqa: ARG005


@dataclass(frozen=True)
class Running:
    contender: Contender
    process: subprocess.Popen[bytes]
    port: int

    def cpu(self) -> float:
        """CPU-seconds of the whole process tree."""
        return seconds_of(processes_of(self.process.pid))

    def get(self, width: int, format_: str, name: str) -> bytes:
        """A picture. RuntimeError where the answer is none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            path = self.contender.address(width, format_, name)
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
        yield Running(contender, process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
    home = HOME / "ipx"
    if not (home / "node_modules" / "ipx").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true, "type": "module"}')
        _run("npm", "install", "--no-audit", "--no-fund", "ipx@3.1.1", "sharp@0.35.5", folder=home)
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
    )


def _thumbor() -> Contender:
    home = HOME / "thumbor"
    program = home / "bin" / "thumbor"
    if not program.exists():
        _run(sys.executable, "-m", "venv", str(home))
        _run(str(home / "bin" / "pip"), "install", "--quiet", "thumbor==7.8.0")

    def command(folder: Path, port: int) -> list[str]:
        settings = home / f"thumbor-{port}.conf"
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

    pillow = _run(str(home / "bin" / "python"), "-c", "import PIL; print(PIL.__version__)")
    return Contender("thumbor", f"7.8.0, Pillow {pillow}", "no storage, 2 engine threads", command, address)


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
        home = HOME / "nginx" / str(port)
        home.mkdir(parents=True, exist_ok=True)
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
    program = _binary("IMGPROXY")
    return Contender(
        "imgproxy",
        _run(program, "version"),
        "2 workers",
        lambda folder, port: [program],  # noqa: ARG005 - it is told by its environment
        lambda width, format_, name: (
            f"/unsafe/rs:fit:{width}:0/q:{QUALITY[format_]}/plain/local:///{name}@{format_}"
        ),
        environ=lambda folder, port: {
            "IMGPROXY_BIND": f"127.0.0.1:{port}",
            "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(folder),
            "IMGPROXY_WORKERS": "2",
            "IMGPROXY_LOG_LEVEL": "error",
            "IMGPROXY_MAX_SRC_RESOLUTION": "100",
        },
    )


def _imagor() -> Contender:
    program = _binary("IMAGOR")
    return Contender(
        "imagor",
        _run(program, "-version"),
        "2 renders side by side",
        lambda folder, port: [
            program, "-imagor-unsafe", "-port", str(port), "-file-loader-base-dir", str(folder),
            "-imagor-process-concurrency", "2",
        ],
        lambda width, format_, name: (
            f"/unsafe/fit-in/{width}x0/filters:format({'jpeg' if format_ == 'jpg' else format_})"
            f":quality({QUALITY[format_]})/{name}"
        ),
    )  # fmt: skip


def _binary(name: str) -> str:
    """A program that the environment names (``IMGPROXY=/path``), or that is on the PATH."""
    found = os.environ.get(name) or shutil.which(name.lower())
    if not found:
        raise LookupError(f"no program; set {name} to its path")
    return found
