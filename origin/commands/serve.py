"""``origin serve``: one server process and its render workers."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from origin.app import Origin, Upload, build
from origin.application import Example, application
from origin.commands.demo import draw_demo
from origin.errors import OriginError
from origin.floors import outdated, packages
from origin.observe.logs import configure
from origin.observe.scrub import Scrubber
from origin.settings import Settings

DRAIN_SECONDS = 18
"""For requests that are under way; with what has to be closed then it is over within 20 s."""


def run(settings: Settings, *, demo: bool) -> int:
    """Serve until told to stop; the exit code."""
    configure(Scrubber(settings.secrets()))
    if old := outdated(packages()):
        _say("This server is not started with libraries that are too old.\n  " + "\n  ".join(old))
        return 1
    listener = _listen(settings.host, settings.port, "ORIGIN_PORT")
    if listener is None:
        return 1
    listeners = [listener]
    if settings.metrics_port is not None:
        monitor = _listen(settings.host, settings.metrics_port, "ORIGIN_METRICS_PORT")
        if monitor is None:
            listener.close()
            return 1
        listeners.append(monitor)
    origin = build(settings)
    base = _base(settings, listener)
    if demo:
        asyncio.run(fill_with_demo(build(settings)))
    announce(settings, base, demo=demo)
    server = uvicorn.Server(
        uvicorn.Config(
            application(origin, lambda: examples(origin)),
            loop="uvloop",
            http="origin.http.protocol:Protocol",
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            backlog=2_048,
        )
    )
    for asked in (signal.SIGTERM, signal.SIGINT):
        # Having stopped, uvicorn sends itself the signal once more, to die of it. Who was asked to stop and
        # has stopped did what was wanted: the exit code is 0.
        signal.signal(asked, lambda *_: None)
    try:
        server.run(sockets=listeners)
    except SystemExit:  # how uvicorn ends when the start failed, with a code of its own; the log says why
        return 1
    return 0 if server.started else 1


def _listen(host: str, port: int, variable: str) -> socket.socket | None:
    """A socket of our own, so that a port in use is one clear line and not a trace."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is in use by another program" if taken else f"cannot be listened on ({error.strerror})"
        advice = f"Stop that program or set {variable}." if taken else f"Set ORIGIN_HOST and {variable}."
        _say(f"{host}:{port} {why}. {advice}")
        listener.close()
        return None
    listener.set_inheritable(True)
    return listener


def _base(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host  # noqa: S104
    return (settings.public_url or f"http://{shown}:{port}").rstrip("/")


def announce(settings: Settings, base: str, *, demo: bool) -> None:
    """What a person wants to know at start: where it is, and what to click."""
    _say(f"Serving pictures at {base}/")
    if settings.unsigned_mode == "any":
        _say(
            "Unsigned URLs are allowed"
            + (
                "."
                if settings.signing_keys
                else ", because there are no signing keys; `origin keys new` makes one."
            )
        )
    if demo and settings.unsigned_mode == "any":
        from origin.imaging.demo import EXAMPLES

        for title, path in EXAMPLES:
            _say(f"  {base}{path}  {title}")
        _say(f'In a page: <img src="{base}{EXAMPLES[0][1]}" alt="{EXAMPLES[0][0]}">')
    _say("How a URL is read: put /explain in front of its path. Stop with Ctrl-C.")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal


async def fill_with_demo(origin: Origin) -> None:
    """Draw the demo pictures and take them in, if nothing was ever put here."""
    async with origin.stored():
        _, known = await origin.database.changed_since(0)
        if known:
            return
    _say("Drawing some pictures to begin with…")
    async with build(origin.settings).running(watch=False) as started:
        with TemporaryDirectory() as folder:
            for drawn in await asyncio.to_thread(draw_demo, Path(folder)):
                await started.ingest.ingest(Upload(drawn[1], id=drawn[0]))


async def examples(origin: Origin) -> list[Example]:
    """The demo pictures that are really here, for the front page."""
    from origin.imaging.demo import EXAMPLES

    if origin.settings.unsigned_mode != "any":
        return []
    try:
        present = [
            Example(title, path)
            for title, path in EXAMPLES
            if await origin.database.find(path.rsplit("/", 1)[1].split(".")[0]) is not None
        ]
    except OriginError:
        return []
    return present
