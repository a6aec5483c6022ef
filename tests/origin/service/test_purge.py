"""What caches in front are told when a picture changes, seen by something that stands in an edge's place."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from origin.backends.database import Database
from origin.backends.results import MemoryResults
from origin.errors import Unavailable
from origin.service.catalog import CachedAssets
from origin.service.purge import Purge, spelled
from tests.conftest import OriginFactory
from tests.support.origin import Library, OriginServer, until
from tests.support.upstream import Reply, Upstream, upstream

SECRET = "a-secret-of-the-edges-0123456789-ABC"
EDGE = {"X-Cache-Variant": "webp|320||2.0||on"}


@pytest.fixture
def edge() -> Iterator[Upstream]:
    with upstream(lambda _: Reply(200, b"", {"X-Edge": "MARKED"})) as server:
        yield server


@pytest.fixture
def cdn() -> Iterator[Upstream]:
    with upstream(lambda _: Reply(202)) as server:
        yield server


@pytest.fixture
def server(origin_factory: OriginFactory, library: Library, edge: Upstream, cdn: Upstream) -> OriginServer:
    return origin_factory(
        library=library,
        ORIGIN_EDGES=f"http://{edge.address}",
        ORIGIN_EDGE_SECRET=SECRET,
        ORIGIN_CDN_PURGE_URL=f"http://{cdn.address}/purge",
        ORIGIN_DEADLINE="6",
        ORIGIN_RENDER_TIMEOUT="5",
    )


def told(edge: Upstream) -> set[tuple[str, str]]:
    """Target and variant of every mark."""
    return {(one.target, str(one.headers["X-Cache-Variant"])) for one in edge.seen}


@pytest.mark.parametrize("command", ["purge", "rm"])
def test_a_change_is_told_for_every_copy_that_was_sent(
    server: OriginServer, edge: Upstream, cdn: Upstream, command: str
) -> None:
    id, other = server.ids["card.png"], server.ids["card.jpg"]
    layered = f"/l_{id},w_10/{other}"
    assert server.get(f"/w_20/{id}", **EDGE).status == 200
    assert server.get(f"/w_20/{id}", X_Cache_Variant="any|||||").status == 200
    assert server.get(f"/w_20/{id}").status == 200
    assert server.get(f"/l_text:Sans_9:a%2Cb!/{id}", X_Cache_Variant="avif|||||").status == 200
    assert server.get(layered, **EDGE).status == 200
    assert server.get(f"/w_20/{other}", **EDGE).status == 200
    done = server.cli(command, id)
    assert done.returncode == 0, done.stderr
    assert told(edge) == {
        (f"/w_20/{id}", EDGE["X-Cache-Variant"]),
        (f"/w_20/{id}", "any|||||"),
        (f"/l_text:Sans_9:a%2Cb!/{id}", "avif|||||"),
        (layered, EDGE["X-Cache-Variant"]),
    }
    assert {one.headers["X-Cache-Refresh"] for one in edge.seen} == {SECRET}
    first = json.loads(cdn.seen[0].body)
    assert first["surrogate_key"] == id
    assert set(first["paths"]) == {f"/w_20/{id}", f"/l_text:Sans_9:a%2Cb!/{id}", layered}


def test_edges_are_told_again_of_what_was_sent_meanwhile(server: OriginServer, edge: Upstream) -> None:
    """A request that began before the change may be put on record after the first round."""
    id = server.ids["card.png"]
    late = (f"/w_31/{id}", "any|||||")
    raced = False

    def answer(_: object) -> Reply:
        nonlocal raced
        if not raced:
            raced = True
            server.get(late[0], X_Cache_Variant=late[1])
        return Reply(200, b"", {"X-Edge": "MARKED"})

    server.get(f"/w_30/{id}", X_Cache_Variant="any|||||")
    edge.answer = answer
    assert server.cli("purge", id).returncode == 0
    until(lambda: late in told(edge))
    assert [one.target for one in edge.seen].count(f"/w_30/{id}") >= 2


def test_a_command_ends_when_the_first_repetitions_have(server: OriginServer, edge: Upstream) -> None:
    """Its process tells the edges, which a server may have filled again before it heard of the change."""
    id = server.ids["card.png"]
    server.get(f"/w_20/{id}", **EDGE)

    def slow(_: object) -> Reply:
        time.sleep(0.3)
        return Reply(200, b"", {"X-Edge": "MARKED"})

    edge.answer = slow
    assert server.cli("purge", id).returncode == 0
    assert len(edge.arrived(f"/w_20/{id}")) == 3


def test_an_edge_that_is_away_does_not_stop_a_purge(
    server: OriginServer, edge: Upstream, cdn: Upstream
) -> None:
    id = server.ids["card.png"]
    server.get(f"/w_20/{id}", **EDGE)
    edge.stop()
    assert server.cli("purge", id).returncode == 0
    assert json.loads(cdn.seen[0].body)["surrogate_key"] == id


def test_a_server_tells_the_edges_once_more_when_the_deadline_has_passed(
    server: OriginServer, edge: Upstream
) -> None:
    """Also of a change that a command made, and after it was stopped before the deadline."""
    id = server.ids["card.png"]
    server.get(f"/w_20/{id}", **EDGE)
    assert server.cli("purge", id).returncode == 0
    server.stop()
    before = len(edge.arrived(f"/w_20/{id}"))
    server.start()
    until(lambda: len(edge.arrived(f"/w_20/{id}")) == before + 1)


class Away:
    """An edge that takes a purge only sometimes."""

    def __init__(self) -> None:
        self.answers = True
        self.told: list[str] = []

    async def purge(self, asset: str, paths: Sequence[str]) -> None:
        if not self.answers:
            raise Unavailable
        self.told.append(asset)


async def test_an_edge_that_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    database, edge = Database(f"sqlite:///{tmp_path / 'db'}"), Away()
    await database.migrate()
    results = MemoryResults(0)
    purge = Purge(CachedAssets(database), results, [edge], database, database, deadline=5)
    edge.answers = False
    await purge.changed("id")
    await purge.close()
    now = datetime.now(UTC)
    for wait in (0, 60):
        await purge.follow_up(now + timedelta(seconds=wait))
    edge.answers = True
    await purge.follow_up(now + timedelta(seconds=60))
    assert edge.told == []
    for _ in range(2):
        await purge.follow_up(now + timedelta(seconds=120))
        assert edge.told == ["id"]
    await database.close()


SPELLED = {
    "plain": ("any|||||", "any|||||"),
    "all hints": ("avif|99999|1|9.9999|0.5|on", "avif|99999|1|9.9999|0.5|on"),
    "past every edge": ("", ""),
    "another class": ("jpeg|||||", ""),
    "too few": ("any||||", ""),
    "too many": ("any||||||", ""),
    "too long": ("any|1234567||||", ""),
    "not a number": ("any|x||||", ""),
    "a line feed": ("any|||||\n", ""),
    "in the middle": ("any|1\n||||", ""),
}


@pytest.mark.parametrize(("variant", "kept"), SPELLED.values(), ids=SPELLED.keys())
def test_only_what_an_edge_could_say_is_put_on_record(variant: str, kept: str) -> None:
    assert spelled(b"/w_1/abc", variant) == f"/w_1/abc\n{kept}"
