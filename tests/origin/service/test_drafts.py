"""Quick answers that are replaced by better ones: who sees what, and for how long."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pyvips

from origin.errors import Unavailable
from origin.service.admission import Admitted
from origin.service.drafts import MOST, Drafts, Upgrade
from tests.conftest import OriginFactory
from tests.support.origin import OriginServer, Response, until
from urlspec.parse import parse

AVIF = "image/avif,image/webp"

# Through a server ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(
    origin_factory: OriginFactory, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> OriginServer:
    photo = tmp_path_factory.mktemp("photo") / "photo.jpg"
    pyvips.Image.thumbnail(str(corpus / "photos/saw-workbench-6mp.jpg"), 640).jpegsave(str(photo), Q=95)
    server = origin_factory(ORIGIN_WORKERS="1")
    server.ids["photo"] = server.put(photo)
    return server


def settled(server: OriginServer, path: str, **headers: str) -> Response:
    """The answer when it is a draft no more."""
    last: list[Response] = []

    def done() -> bool:
        last.append(server.get(path, **headers))
        return not last[-1]["ETag"].startswith("W/")

    until(done)
    return last[-1]


def test_avif_that_was_chosen_for_a_client_begins_as_a_draft(server: OriginServer) -> None:
    path = f"/w_600,f_auto,v_1/{server.ids['photo']}"
    draft = server.get(path, Accept=AVIF)
    assert draft["Content-Type"] == "image/avif"
    assert draft["ETag"].startswith('W/"')
    assert draft["Cache-Control"] == "public, max-age=60"
    assert server.get(path, "HEAD", Accept=AVIF)["Content-Length"]

    better = settled(server, path, Accept=AVIF)
    assert better["Content-Type"] == "image/avif"
    assert better["Cache-Control"] == "public, max-age=31536000, immutable"
    assert better["Content-Length"] == str(len(better.body))
    assert len(better.body) < 0.97 * len(draft.body)
    one, other = (pyvips.Image.new_from_buffer(each.body, "") for each in (draft, better))
    assert (one.width, one.height) == (other.width, other.height)
    assert (one.cast("float") - other.cast("float")).abs().avg() < 6

    # Who has the draft gets the better one, who has that gets nothing.
    assert server.get(path, Accept=AVIF, If_None_Match=draft["ETag"]).body == better.body
    again = server.get(path, Accept=AVIF, If_None_Match=better["ETag"])
    assert (again.status, again["ETag"]) == (304, better["ETag"])
    assert again["Cache-Control"] == better["Cache-Control"]


@pytest.mark.parametrize(
    ("chain", "accept"),
    [
        pytest.param("w_601,f_avif", "*/*", id="the client's own choice"),
        pytest.param("w_601,f_auto", "image/webp", id="WebP"),
        pytest.param("w_601,f_auto", "*/*", id="JPEG"),
        pytest.param("w_300,f_auto", AVIF, id="small"),
        pytest.param("w_601,f_auto,mb_90000", AVIF, id="a ceiling"),
    ],
)
def test_the_rest_is_final_at_once(server: OriginServer, chain: str, accept: str) -> None:
    answer = server.get(f"/{chain}/{server.ids['photo']}", Accept=accept)
    assert answer.status == 200
    assert answer["ETag"].startswith('"')
    assert answer.max_age == 3_600


def test_a_draft_that_is_still_the_best_is_not_sent_again(server: OriginServer) -> None:
    (worker,) = server.workers()
    for width in range(610, 615):
        path = f"/w_{width},f_auto/{server.ids['photo']}"
        draft = server.get(path, Accept=AVIF)
        os.kill(worker, signal.SIGSTOP)  # so that nothing better can be made; it may have been already
        try:
            again = server.get(path, Accept=AVIF, If_None_Match=draft["ETag"])
        finally:
            os.kill(worker, signal.SIGCONT)
        if again.status == 304:
            break
    assert (again.status, again["ETag"], again.max_age) == (304, draft["ETag"], 60)


def test_a_purge_in_between_wins(server: OriginServer) -> None:
    path = f"/w_603,f_auto/{server.ids['photo']}"
    draft = server.get(path, Accept=AVIF)
    assert server.cli("purge", server.ids["photo"]).returncode == 0
    until(lambda: server.get(path, Accept=AVIF)["ETag"][:20] != draft["ETag"][:20])
    better = settled(server, path, Accept=AVIF)
    assert better["ETag"].strip("W/")[:34] != draft["ETag"].strip("W/")[:34]


# What waits ---------------------------------------------------------------------------------------------


@dataclass
class Workers:
    waiting: int = 0
    busy: int = 0
    size: int = 2


def asked(chain: str, accept: str = "avif", *, unhurried: bool = False) -> Admitted:
    request = parse(f"/{chain}/cat")
    negotiated = "f_auto" in chain
    return cast(
        Admitted,
        SimpleNamespace(request=request, negotiated=negotiated, accept=accept, unhurried=unhurried),
    )


@pytest.mark.parametrize(
    ("upgrade", "chain", "accept", "goal"),
    [
        ("auto", "f_auto", "avif", "thorough"),
        ("auto", "f_auto", "webp", "usual"),
        ("auto", "f_avif", "jpeg", "usual"),
        ("all", "f_avif", "jpeg", "thorough"),
        ("all", "f_webp", "jpeg", "usual"),
        ("all", "f_auto,mb_9000", "avif", "usual"),
        ("off", "f_auto", "avif", "usual"),
    ],
)
def test_how_much_a_picture_is_worth(upgrade: Upgrade, chain: str, accept: str, goal: str) -> None:
    drafts = Drafts(Workers(), upgrade=upgrade)
    assert drafts.pace(asked(chain, accept)) == ("usual", goal)
    assert drafts.pace(asked(chain, accept, unhurried=True)) == (goal, goal)


@pytest.mark.parametrize(
    ("waiting", "hurry", "pace"), [(1, True, "usual"), (2, True, "hurried"), (9, False, "usual")]
)
def test_a_queue_makes_haste(waiting: int, hurry: bool, pace: str) -> None:
    drafts = Drafts(Workers(waiting=waiting, busy=2), hurry=hurry)
    assert drafts.pace(asked("w_300")) == (pace, "usual")


@asynccontextmanager
async def running(workers: Workers) -> AsyncIterator[Drafts]:
    drafts = Drafts(workers, pause=0.001)
    try:
        yield drafts
    finally:
        await drafts.close()


def noting(done: list[str], key: str, error: Exception | None = None) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        done.append(key)
        if error:
            raise error

    return work


async def test_requests_come_first() -> None:
    done: list[str] = []
    workers = Workers(busy=1)
    async with running(workers) as drafts:
        for key in ("a", "b", "a"):
            drafts.later(key, noting(done, key))
        await asyncio.sleep(0.05)
        assert (done, len(drafts)) == ([], 2)
        workers.busy = 0
        await eventually(lambda: done == ["a", "b"])


async def test_what_fails_rests_and_keeps_nothing_else_back(caplog: Any) -> None:
    done: list[str] = []
    async with running(Workers()) as drafts:
        drafts.later("a", noting(done, "a", Unavailable("not now")))
        drafts.later("b", noting(done, "b", RuntimeError("nobody expected this")))
        drafts.later("c", noting(done, "c"))
        await eventually(lambda: done == ["a", "b", "c"])
        for key in "abc":
            drafts.later(key, noting(done, key))
        await eventually(lambda: done == ["a", "b", "c", "c"])
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_no_more_wait_than_can_be_remembered() -> None:
    async with running(Workers(busy=1)) as drafts:
        for number in range(MOST + 10):
            drafts.later(str(number), noting([], ""))
        assert len(drafts) == MOST


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.002)
