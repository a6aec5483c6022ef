"""What runs inside a render worker: a process that may crash or hang, and then costs one picture.

Importing this module does nothing; libvips is loaded when a worker starts.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from origin.errors import ImageCorrupt, ImageUnprocessable, OriginError, UnsupportedMedia
from origin.imaging import wire
from origin.imaging.model import Header, Inspection, Job, Limits, Opening, Rendered, media_type

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_FILES: Final = 256
_BEHIND_SERVER: Final = 2
"""How much nicer than the server a worker is (setpriority(2)). The server has little to do, but with every
core at a render it would wait for one each time, and a refusal would take 5 ms instead of 1."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a worker is kept from."""

    network: str
    """``namespace`` (none at all), ``user-namespace`` (the same, without privileges) or ``shared``."""
    memory: int
    """Bytes of address space."""


_confinement = Confinement("shared", 0)


def start(memory: int, accept: frozenset[str], fonts: str) -> None:
    """Prepare this process: limits first, then libvips. ``fonts`` is the path of a fontconfig file."""
    global _confinement  # noqa: PLW0603 - one process, one confinement
    network = _leave_network()
    _purge_in_background()
    _bind_to_server()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_NOFILE, _FILES)
    # The hard limit leaves room for the second look that finds out whose fault a failure was.
    resource.setrlimit(resource.RLIMIT_AS, (memory, 2 * memory))
    _confinement = Confinement(network, memory)
    os.environ["FONTCONFIG_FILE"] = fonts
    _start_libvips(accept)


def _leave_network() -> str:
    """A decoder has nothing to say to anybody. Refused where user namespaces are, and then reported so."""
    if not sys.platform.startswith("linux"):
        return "shared"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return "namespace"
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return "user-namespace"
    return "shared"


def _bind_to_server() -> None:
    """No worker outlives a server that was killed, and none gains rights by a program that it starts."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _purge_in_background() -> None:
    """Have jemalloc, where it is preloaded, give memory back while a worker waits as well.

    Not by MALLOC_CONF: only a process with one thread can leave the network without privileges.
    """
    try:
        mallctl = ctypes.CDLL(None).mallctl
    except AttributeError:
        return  # another allocator
    on = ctypes.c_bool(True)
    failed = mallctl(b"background_thread", None, None, ctypes.byref(on), ctypes.c_size_t(1))
    if failed:
        raise OSError(failed, "jemalloc did not start its thread")


def _start_libvips(accept: frozenset[str]) -> None:
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    _log_warnings_only(pyvips)
    pyvips.block_untrusted_set(True)
    if "svg" in accept:
        pyvips.operation_block_set("VipsForeignLoadSvg", False)


def _log_warnings_only(pyvips: Any) -> None:
    """libvips remarks on every step of a pipeline, and pyvips would call Python for each remark, to find that
    nobody listens: 0.1 to 0.2 ms a picture."""
    levels = pyvips.GLogLevelFlags
    kept = levels.LEVEL_WARNING | levels.LEVEL_CRITICAL | levels.LEVEL_ERROR
    kept |= levels.FLAG_FATAL | levels.FLAG_RECURSION
    pyvips._remove_log_handler()
    pyvips._log_handler_id = pyvips.glib_lib.g_log_set_handler(
        b"VIPS", kept, pyvips._log_handler_cb, pyvips.ffi.NULL
    )


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, hard))


# Jobs --------------------------------------------------------------------------------------------------


def probe(path: str, limits: Limits, opening: Opening) -> Header:
    """The header of a file, judged by the limits; no pixel is read."""
    from origin.imaging import decode

    return decode.probe(path, limits, opening)


def inspect(path: str, limits: Limits) -> Inspection:
    """Decode every pixel of an upload, and say what it is."""
    import pyvips

    from origin.imaging import describe

    try:
        return describe.inspect(path, limits)
    except pyvips.Error as error:
        raise ImageUnprocessable from error


def render(job: Job) -> Rendered:
    from origin.imaging.render import render

    return render(job)


def render_kept(job: Job) -> Rendered | None:
    """Render from what was kept of the source; None when that does not suffice."""
    from origin.imaging.render import render_kept

    return render_kept(job)


def original(path: str, keep: str, limits: Limits) -> Rendered:
    """The file's own coded pixels; ``keep`` is ``none``, ``copyright`` or ``all``, as ``meta_`` has it."""
    from origin.imaging import clean, decode

    header = decode.probe(path, limits)
    if header.vector:
        raise UnsupportedMedia("The file is not a raster picture, so it is not shown as it is.")
    data = Path(path).read_bytes()
    if keep != "all":
        data = clean.cleaned(header.format, data, credit=keep == "copyright")
    return Rendered(
        data, media_type(header.format), header.format, header.width, header.height, header.frames
    )


def notice(status: int, title: str, detail: str, code: str) -> bytes:
    """A refusal as a PNG."""
    from origin.imaging import notice

    return notice.notice(status, title, detail, code)


# The line ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The server's first words."""

    memory: int
    """Bytes of address space that the worker may have."""
    accept: frozenset[str]
    fonts: str
    """Path of a fontconfig file."""


def serve(number: int) -> None:
    """Do what is asked for over the socket with this number, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Service managers ask a whole group to end; the server does, once what is under way is finished.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=number) as line:
        try:
            hello: Hello = wire.receive(line)
            start(hello.memory, hello.accept, hello.fonts)
            _warm()
            line.sendall(wire.packed((_confinement, None, "")))
            while True:
                call = wire.receive(line)
                line.sendall(_answer(call.function, call.arguments, call.cpu_seconds))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the server has gone, or needs this worker no more


def _warm() -> None:
    """Load everything a render needs."""
    from origin.imaging import clean, describe, fonts, render  # noqa: F401

    fonts.installed()
    # Ready as soon as anybody; from then on the server goes first. Threads have the priority of who starts
    # them, and libvips starts its own with the first picture.
    os.nice(_BEHIND_SERVER)
    gc.collect()
    gc.freeze()  # modules live as long as the worker: the collector need not walk them again and again


def _answer(function: Any, arguments: tuple[Any, ...], cpu_seconds: int) -> bytes:
    """One job: what the function returns, what it raised, and where."""
    # RLIMIT_CPU counts the process's whole life, so its soft limit is moved before each.
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_seconds, hard))
    try:
        return wire.packed((function(*arguments), None, ""))
    except (OriginError, MemoryError) as error:
        return wire.packed((None, error, ""))
    except UnicodeDecodeError:
        # pyvips reads as text what libvips repeats of a file: in its complaints, in what a picture says.
        return wire.packed((None, ImageCorrupt("The file holds words that are no text."), ""))
    except Exception as error:
        said = error if type(error).__module__ == "builtins" else RuntimeError(repr(error))
        return wire.packed((None, said, traceback.format_exc()))
