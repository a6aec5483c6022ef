"""A server that is killed in the middle of uploads: nothing acknowledged is lost, no row lacks its file.

``benchmarks/kill_uploads.py`` does the same at more moments.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from origin.app import build
from origin.service.sweep import Swept
from origin.settings import load_settings
from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import OriginServer
from tests.support.people import SECRET, Browser, Person, issue

MOMENTS = (0.03, 0.09, 0.16, 0.27, 0.4)
"""Seconds after the first acknowledgement."""

CLIENTS = 4


@dataclass
class Notes:
    """What clients know."""

    sent: Iterator[int] = field(default_factory=itertools.count)
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    first: threading.Event = field(default_factory=threading.Event)


def keep_uploading(person: Person, notes: Notes) -> None:
    """Until the server is gone."""
    while True:
        data = pictures.noise(200, 150, seed=next(notes.sent))
        try:
            answer = person.upload(data)
        except httpx.TransportError:
            return
        assert answer.status == 201, answer.body
        notes.acknowledged[answer.json["id"]] = data
        notes.first.set()


def kill_amid_uploads(server: OriginServer, notes: Notes, moment: float) -> None:
    browser = Browser(server)
    notes.first.clear()
    with ThreadPoolExecutor(CLIENTS) as pool:
        person = Person(browser, "me", issue("me"))
        clients = [pool.submit(keep_uploading, person, notes) for _ in range(CLIENTS)]
        assert notes.first.wait(10)
        time.sleep(moment)
        server.kill()
        for client in clients:
            client.result()
    browser.close()


def listed(person: Person) -> list[str]:
    ids: list[str] = []
    cursor = ""
    while True:
        page = person.get(f"/images?limit=100{cursor}").json
        ids += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return ids
        cursor = f"&cursor={page['next']}"


def check(server: OriginServer, notes: Notes) -> int:
    """The number of assets, each with its file."""
    browser = Browser(server)
    person = Person(browser, "me", issue("me"))
    ids = listed(person)
    assert notes.acknowledged.keys() <= set(ids)
    for id in ids:
        raw = person.get(f"/raw_1/{id}")
        assert raw.status == 200
        assert raw.body == notes.acknowledged.get(id, raw.body)
    browser.close()
    return len(ids)


def stored(server: OriginServer) -> list[Path]:
    return [path for path in (server.data / "originals").rglob("*") if path.is_file()]


async def swept(server: OriginServer) -> Swept:
    settings = load_settings(dict(server.environment or {}))
    async with build(settings).stored() as origin:
        return await origin.sweeper.sweep(datetime.now(UTC) + timedelta(hours=2))


@pytest.fixture
def server(origin_factory: OriginFactory) -> OriginServer:
    server = origin_factory(JWT_SECRET=SECRET, ORIGIN_RATE_UPLOAD="off", ORIGIN_RATE_API="off")
    server.stop()
    return server


def test_killed_amid_uploads(server: OriginServer) -> None:
    notes = Notes()
    for moment in MOMENTS:
        server.start()
        kill_amid_uploads(server, notes, moment)
    # What the kills left half done. An hour later nobody can be at it any more.
    for path in server.data.rglob("*"):
        if path.is_file() and path.parent.name == ".tmp":
            os.utime(path, (0, 0))
    server.start()
    assets = check(server, notes)
    assert list((server.data / "uploads").rglob("upload-*")) == []
    asyncio.run(swept(server))
    assert len([path for path in stored(server) if path.parent.name != ".tmp"]) == assets
    assert check(server, notes) == assets
