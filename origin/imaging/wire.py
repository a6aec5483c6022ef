"""How the server and a worker talk: pickles over a socket of their own, each after its length.

A worker is where a stranger's bytes are decoded, so what it says is read with care: an answer is made of
plain values, of what the renderer is known to return, and of errors; what names anything else is not read.
"""

from __future__ import annotations

import builtins
import io
import pickle
import socket
import struct
from typing import Any, Final

HEAD: Final = struct.Struct("!Q")
"""Bytes of the pickle that follows."""
USUAL: Final = 1 << 16
"""Bytes that nearly every message has room in."""
LARGEST: Final = 1 << 30
"""Bytes of an answer: more than any picture has that a URL may ask for."""

_TRUSTED: Final = frozenset(
    {"origin.errors", "origin.imaging.capabilities", "origin.imaging.model", "origin.imaging.worker"}
)

_REBUILT: Final = ("origin.errors", "_rebuild")
"""How errors that carry members are made anew."""


class _Answer(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _TRUSTED:
            # Classes, and only those of the module: what it imports or does is not for workers to call.
            found = super().find_class(module, name)
            own = isinstance(found, type) and found.__module__ == module
            if own or (module, name) == _REBUILT:
                return found
        known = getattr(builtins, name, None) if module == "builtins" else None
        if isinstance(known, type) and issubclass(known, Exception):
            return known
        raise pickle.UnpicklingError(f"a worker has no business with {module}.{name}")


def packed(message: Any) -> bytes:
    """Raises what pickling raises."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(body)) + body


def receive(line: socket.socket) -> Any:
    """The next message; blocks. Raises EOFError when the other side has closed the line."""
    data = bytearray(line.recv(USUAL))
    while len(data) < HEAD.size or len(data) < HEAD.size + HEAD.unpack_from(data)[0]:
        more = line.recv(1 << 20)
        if not more:
            raise EOFError
        data += more
    return pickle.loads(memoryview(data)[HEAD.size :])  # noqa: S301 - from our own server


class Inbox:
    """The same for an event loop: a buffer to be filled, and the message that it then holds."""

    def __init__(self) -> None:
        self._usual = bytearray(USUAL)
        self._view = memoryview(self._usual)
        self._buffer = self._usual
        self._got = 0

    def space(self) -> memoryview:
        """Where the next bytes belong."""
        if not self._got:
            return self._view
        return memoryview(self._buffer)[self._got :]

    def filled(self, count: int) -> bool:
        """So many bytes have come. Whether the message is whole: then :meth:`take` it.

        Raises ValueError for one that says it is larger than ``LARGEST``.
        """
        self._got += count
        if self._got < HEAD.size:
            return False
        whole: int = HEAD.size + HEAD.unpack_from(self._buffer)[0]
        if whole > LARGEST:
            raise ValueError(f"a worker announces {whole} bytes")
        if whole > len(self._buffer):
            self._buffer = bytearray(whole)
            self._buffer[: self._got] = self._usual[: self._got]
        return self._got >= whole

    def take(self) -> Any:
        """The message. Raises what unpickling raises."""
        try:
            return _Answer(io.BytesIO(memoryview(self._buffer)[HEAD.size : self._got])).load()
        finally:
            self._buffer, self._got = self._usual, 0
