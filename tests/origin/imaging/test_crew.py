"""Workers and the line to each: what may be said over it, and who stands in for whom."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from origin.errors import ImageCorrupt, ResultTooLarge
from origin.imaging import wire, worker
from origin.imaging.capabilities import Format
from origin.imaging.crew import Call, Crew
from origin.imaging.model import FORMATS, Header, Limits, Rendered
from origin.imaging.worker import Hello

HEADER = Header("jpeg", 30, 20, delays=(1, 2))
RENDERED = Rendered(b"x" * 300_000, "image/webp", "webp", 3, 2, seconds={"probe": 0.5}, warnings=("so",))


class Function:
    """Calls a function of ours in whoever reads it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return worker.original, ("/etc/passwd", "all", Limits())


class Surprise:
    """What a worker that has been taken over would send: to be read it has to be run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/taken-over",)


def read(data: bytes, step: int) -> object:
    inbox, at = wire.Inbox(), 0
    while True:
        space = inbox.space()
        part = data[at : at + min(step, len(space))]
        space[: len(part)] = part
        at += len(part)
        if inbox.filled(len(part)):
            assert at == len(data)
            return inbox.take()


@pytest.mark.parametrize("step", [1, 7, 8, 9, 4_096, 1 << 20])
@pytest.mark.parametrize(
    "message", [None, b"", [1.5, "é"], b"y" * 70_000], ids=["none", "empty", "list", "long"]
)
def test_a_message_arrives_whole_however_it_is_cut(message: object, step: int) -> None:
    assert read(wire.packed(message), step) == message


@pytest.mark.parametrize(
    "message",
    [HEADER, RENDERED, dataclasses.replace(RENDERED, body=b""), Format("gif", True, False, "libgif")],
    ids=["header", "large", "small", "format"],
)
def test_what_the_renderer_returns_is_read(message: object) -> None:
    assert read(wire.packed((message, None, "")), 50_000) == (message, None, "")


@pytest.mark.parametrize(
    "error",
    [
        ImageCorrupt(),
        ResultTooLarge("so", width=3),
        MemoryError(),
        LookupError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_are_read(error: Exception) -> None:
    found = read(wire.packed(error), 4_096)
    assert type(found) is type(error)
    assert str(found) == str(error)


@pytest.mark.parametrize(
    "said",
    [Surprise(), Function(), Path, print, eval, asyncio.Event, pickle.Unpickler],
    ids=["shell", "function", "path", "print", "eval", "event", "pickle"],
)
def test_whatever_else_a_worker_names_is_not_read(said: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="no business"):
        read(wire.packed((said, None, "")), 4_096)


def test_one_unreadable_message_does_not_spoil_the_next() -> None:
    inbox = wire.Inbox()
    for message, readable in ((Surprise(), False), (HEADER, True)):
        data = wire.packed(message)
        inbox.space()[: len(data)] = data
        assert inbox.filled(len(data))
        if readable:
            assert inbox.take() == message
        else:
            with pytest.raises(pickle.UnpicklingError):
                inbox.take()


def test_nobody_makes_room_for_whatever_a_worker_announces() -> None:
    inbox = wire.Inbox()
    head = wire.HEAD.pack(wire.LARGEST + 1)
    inbox.space()[: len(head)] = head
    with pytest.raises(ValueError, match="announces"):
        inbox.filled(len(head))


# Workers ----------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def crew() -> AsyncIterator[Crew]:
    lost: list[None] = []
    made = Crew(1, Hello(2 << 30, frozenset(FORMATS), ""), jobs=3, lost=lambda: lost.append(None))
    await made.start()
    yield made
    await made.close()
    assert not lost, "a worker that is relieved or stopped is not lost"


async def test_a_worker_is_relieved_and_nobody_waits_for_it(crew: Crew) -> None:
    call = Call(os.getpid, (), 60)
    pids: list[int] = []
    async with asyncio.timeout(60):
        while len(set(pids)) < 3:
            pids.append(await crew.run(call, 30.0))
            await asyncio.sleep(0.02)
    changes = [at for at in range(1, len(pids)) if pids[at] != pids[at - 1]]
    assert changes[0] > 3, "the first goes on until the second is ready"
    assert len(set(pids)) == len(changes) + 1, "and never comes back"
