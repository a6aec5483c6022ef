"""One render for many, bounded queues, deadlines, and workers that die: seen from outside."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import Library, OriginServer, Response, until

PATIENT: dict[str, Any] = {"ORIGIN_RENDER_TIMEOUT": "20", "ORIGIN_DEADLINE": "25"}


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@contextmanager
def frozen(server: OriginServer) -> Iterator[int]:
    """The one render worker stands still; its process id."""
    (worker,) = server.workers()
    os.kill(worker, signal.SIGSTOP)
    try:
        yield worker
    finally:
        try:
            os.kill(worker, signal.SIGCONT)
        except ProcessLookupError:
            assert worker not in server.workers()


SLOW = "c_scale,w_4000,h_4000,f_webp"
"""Half a second of work."""


def cpu_ticks(pid: int) -> int:
    """Of a process, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@contextmanager
def at_work(server: OriginServer, path: str) -> Iterator[tuple[int, Future[Response]]]:
    """A worker in the middle of ``path``, and the answer that is to come."""
    (worker,) = server.workers()
    before = cpu_ticks(worker)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.get, path)
        until(lambda: cpu_ticks(worker) >= before + 5)
        yield worker, asked


def leave(server: OriginServer, path: str, after: float = 0.3) -> None:
    """Ask, and go away before the answer."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(after)


def started(future: Future[Response]) -> Future[Response]:
    """Given a moment to arrive, an answer that must not be there yet."""
    time.sleep(0.3)
    assert not future.done()
    return future


# Many at once -------------------------------------------------------------------------------------------


def test_a_hundred_ask_and_one_renders(origin: OriginServer) -> None:
    path = f"/e_sepia:40/w_500,f_webp/{origin.ids['large.jpg']}"
    answers = origin.many([path] * 100)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    caches = Counter(answer.cache for answer in answers)
    assert caches["render"] == 1
    assert set(caches) <= {"render", "coalesced", "memory"}


def test_spellings_and_classes_that_give_one_key_share_a_render(origin: OriginServer) -> None:
    name = origin.ids["large.jpg"]
    spellings = [f"/w_501,h_400/{name}.webp", f"/h_400,w_501,f_webp/{name}", f"/w_501,h_400/f_webp/{name}"]
    answers = origin.many(spellings * 10)
    assert Counter(answer.cache for answer in answers)["render"] == 1
    assert len({answer["ETag"] for answer in answers}) == 1


def test_who_waits_is_not_disturbed_by_who_leaves(
    origin_factory: OriginFactory, library: Library, threads: ThreadPoolExecutor
) -> None:
    server = origin_factory(library=library, **PATIENT)
    path = f"/w_300/{server.ids['large.jpg']}"
    with frozen(server):
        first = threads.submit(leave, server, path)
        time.sleep(0.1)
        stays = started(threads.submit(server.get, path))
        first.result()
        time.sleep(0.2)
        assert not stays.done()
    answer = stays.result()
    assert (answer.status, answer.cache) == (200, "coalesced")


def test_who_leaves_the_queue_makes_room(
    origin_factory: OriginFactory, library: Library, threads: ThreadPoolExecutor
) -> None:
    server = origin_factory(library=library, ORIGIN_QUEUE="1", **PATIENT)
    name = server.ids["large.jpg"]
    with frozen(server):
        running = started(threads.submit(server.get, f"/w_301/{name}"))
        queued = threads.submit(leave, server, f"/w_302/{name}", 1.0)
        time.sleep(0.5)
        full = server.get(f"/w_303/{name}")
        assert full.summary == (503, "overloaded")
        assert int(full["Retry-After"]) >= 1
        queued.result()
        time.sleep(0.3)
        again = started(threads.submit(server.get, f"/w_304/{name}"))
    assert [running.result().status, again.result().status] == [200, 200]
    assert server.get(f"/w_303/{name}").status == 200, "being overloaded is not remembered"


def test_who_waits_for_anothers_decode_is_in_the_queue(
    origin_factory: OriginFactory, library: Library, threads: ThreadPoolExecutor
) -> None:
    server = origin_factory(library=library, ORIGIN_QUEUE="1", **PATIENT)
    name = server.ids["large.jpg"]
    with frozen(server):
        decodes = started(threads.submit(server.get, f"/w_309/{name}"))
        waits = started(threads.submit(server.get, f"/w_308/{name}"))
        assert server.get(f"/w_307/{name}").summary == (503, "overloaded")
    assert [decodes.result().status, waits.result().status] == [200, 200]
    assert server.get(f"/w_307/{name}").status == 200


def test_hits_and_refusals_need_no_worker(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, ORIGIN_QUEUE="0", **PATIENT)
    name = server.ids["large.jpg"]
    path = f"/w_305/{name}"
    tag = server.get(path)["ETag"]
    with frozen(server):
        assert server.get(path).cache == "memory"
        assert server.get(path, If_None_Match=tag).status == 304
        assert server.get("/w_305/none").status == 404
        assert server.get("/w_x/none").status == 400
        assert server.healthy()


# Deadlines and deaths -----------------------------------------------------------------------------------


def test_a_deadline_is_an_answer_and_is_remembered(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, ORIGIN_RENDER_TIMEOUT="2", ORIGIN_DEADLINE="5")
    path = f"/{SLOW}/{server.ids['large.jpg']}"
    with at_work(server, path) as (worker, asked):
        os.kill(worker, signal.SIGSTOP)
        answer = asked.result()
    assert answer.summary == (504, "render_timeout")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["Cache-Control"] == "no-store"
    until(lambda: worker not in server.workers())
    assert server.get(path).summary == (504, "render_timeout"), "not tried again"
    assert server.get(f"/w_307/{server.ids['large.jpg']}").status == 200


def test_a_worker_that_is_killed_costs_one_picture(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, **PATIENT)
    name = server.ids["large.jpg"]
    with at_work(server, f"/{SLOW}/{name}") as (worker, asked):
        os.kill(worker, signal.SIGKILL)
        answer = asked.result()
    assert answer.summary == (422, "image_unprocessable")
    assert answer["Cache-Control"] == "no-store"
    assert server.get(f"/w_309/{name}").status == 200
    assert server.get(f"/{SLOW}/{name}").status == 200, "a death may have had other reasons"


def test_a_worker_that_dies_idle_is_not_missed(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, **PATIENT)
    for number in range(3):
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        assert server.get(f"/w_{310 + number}/{server.ids['card.png']}").status == 200


def test_workers_hold_no_picture_of_another_request(origin: OriginServer) -> None:
    """Many different pictures at once: each gets its own."""
    name = origin.ids["large.jpg"]
    widths = range(200, 260)
    answers = origin.many([f"/w_{width},f_jpg/{name}" for width in widths])
    # One worker and a queue of four: most are refused, none is wrong.
    for width, answer in zip(widths, answers, strict=True):
        assert answer.status in {200, 503}
        if answer.status == 200:
            assert pictures.size_of(answer.body)[0] == width
    assert any(answer.status == 200 for answer in answers)
