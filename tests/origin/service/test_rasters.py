"""Who decodes: of those who ask at the same time who needs most; the others use what is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from origin.backends.rasters import RasterFolder
from origin.imaging.model import NEVER
from origin.service.catalog import Found
from origin.service.rasters import ROUNDS, Decodes, needed
from urlspec.parse import parse
from urlspec.sources import NamedRef


def found(key: str = "cat.jpg") -> Found:
    reader = cast(Any, None)  # nothing is read
    return Found(NamedRef("p", key), f"@p/{key}:1", datetime.now(UTC), reader, key, size=3_000_000)


class Asked:
    """Notes who decoded, and how."""

    def __init__(self, decodes: Decodes) -> None:
        self.decodes = decodes
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.decoded: list[tuple[str, bool, bool]] = []

    async def ask(self, chain: str, keeps: str = "wide") -> None:
        async with self.decodes.turn(found(), parse(f"/{chain}/cat")) as turn:
            if turn.late and self.decodes.kept(found()):
                return
            keep = turn.keep()
            self.decoded.append((chain, bool(keep and keep.wide), bool(keep and keep.shared)))
            await self.go_on.wait()
            if keep:
                Path(keep.path).write_bytes(b"pixels")
            await turn.kept(keeps)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(Decodes(RasterFolder(tmp_path, 1 << 20)))


async def test_who_needs_most_decodes_for_all(asked: Asked) -> None:
    await asyncio.gather(*(asked.ask(f"w_{width}") for width in (160, 640, 320)))
    assert asked.decoded == [("w_640", False, True)]


@pytest.mark.parametrize(
    ("late", "pauses"), [((), 1), (("w_320",), 2), (("w_320", "w_640"), 3), (("w_320", "w_640", "w_900"), 4)]
)
async def test_who_comes_while_others_still_come_is_waited_for(
    tmp_path: Path, late: tuple[str, ...], pauses: int
) -> None:
    waiting = list(late)
    tasks: list[asyncio.Task[None]] = []

    async def pause(_: float) -> None:
        paused.append(1)
        if waiting:
            tasks.append(asyncio.create_task(crowd.ask(waiting.pop(0))))
            await asyncio.sleep(0)

    paused: list[int] = []
    crowd = Asked(Decodes(RasterFolder(tmp_path, 1 << 20), pause=pause))
    await crowd.ask("w_160")
    await asyncio.gather(*tasks)
    assert len(paused) == pauses
    assert crowd.decoded == [(("w_160", *late)[-1], False, bool(late))]


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def pause(_: float) -> None:
        tasks.append(asyncio.create_task(crowd.ask("w_100")))
        await asyncio.sleep(0)

    crowd = Asked(Decodes(RasterFolder(tmp_path, 1 << 20), pause=pause))
    await crowd.ask("w_160")
    assert len(tasks) == ROUNDS
    await asyncio.gather(*tasks)
    assert len(crowd.decoded) == 1


async def test_the_second_decode_is_large(asked: Asked) -> None:
    await asked.ask("w_160", keeps="8")
    await asked.ask("w_640")
    assert asked.decoded == [("w_160", False, False), ("w_640", True, False)]


async def test_who_needs_more_does_not_wait_for_less(asked: Asked) -> None:
    asked.go_on.clear()
    tasks = []
    for chain, decoding in (("w_160", 1), ("w_640", 2)):
        tasks.append(asyncio.create_task(asked.ask(chain, keeps="8" if chain == "w_160" else "wide")))
        while len(asked.decoded) < decoding:
            await asyncio.sleep(0)
    tasks.append(asyncio.create_task(asked.ask("w_900")))  # what is decoded now is large enough for it
    await asyncio.sleep(0)
    asked.go_on.set()
    await asyncio.gather(*tasks)
    assert asked.decoded == [("w_160", False, False), ("w_640", True, False)]


async def test_who_leaves_hands_on_the_turn(asked: Asked) -> None:
    first = asyncio.create_task(asked.ask("w_900"))
    second = asyncio.create_task(asked.ask("w_160"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert [chain for chain, *_ in asked.decoded] == ["w_160"]


async def test_of_what_keeps_nothing_everybody_decodes_at_once(asked: Asked) -> None:
    await asked.ask("w_160", keeps=NEVER)
    await asyncio.gather(*(asked.ask(f"w_{width}", keeps=NEVER) for width in (160, 320)))
    assert len(asked.decoded) == 3


async def test_what_is_made_while_it_is_forgotten_is_not_kept(tmp_path: Path) -> None:
    folder = RasterFolder(tmp_path, 1 << 20)
    for besides, kept in (((), 0), (("content",), 1)):
        with folder.begin() as path:
            Path(path).write_bytes(b"pixels")
            await folder.forget("owner", besides)
            await folder.publish(path, "owner", "content", "8", begun=0.0)
        assert len(folder.find("owner", "content")) == kept
    await folder.forget("another")
    assert folder.find("owner", "content")
    await folder.forget("owner")
    assert folder.find("owner", "content") == ()
    assert list((tmp_path / ".tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("chain", "need"),
    [
        ("w_300", 300),
        ("w_300,h_500", 500),
        ("w_300,dpr_2.0", 600),
        ("e_sepia/w_300", 300),
        ("c_crop,w_300,h_300", float("inf")),
        ("e_sepia", float("inf")),
        ("w_0.5", float("inf")),
    ],
)
def test_need(chain: str, need: float) -> None:
    assert needed(parse(f"/{chain}/cat")) == need
