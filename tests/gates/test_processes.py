"""A disk that is full, workers and servers that die or are asked to go: what everybody else sees of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NginxFactory, OriginFactory
from tests.support import pictures
from tests.support.figures import Figures, milliseconds
from tests.support.origin import Library, OriginServer, Response, ask, until
from tests.support.people import SECRET, Browser, somebody

SLOW = "c_scale,w_4000,h_4000"
"""Half a second of work and more."""

PATIENT: dict[str, Any] = {"ORIGIN_RENDER_TIMEOUT": "20", "ORIGIN_DEADLINE": "25"}


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    made = Figures("disks that fill, processes that end")
    yield made
    made.show()


# The disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk takes the right to mount one: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Until nothing more fits, not a byte."""
    with file.open("wb", buffering=0) as sink:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while sink.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def unfinished(data: Path) -> list[Path]:
    return [path for path in data.rglob(".tmp/*") if path.is_file()]


def test_a_full_disk(
    origin_factory: OriginFactory, library: Library, small_disk: Path, figures: Figures
) -> None:
    """What is there is served, what is new is made and not kept, an upload is a 507 that leaves nothing."""
    server = origin_factory(library=library, ORIGIN_DATA_DIR=str(small_disk / "data"), JWT_SECRET=SECRET)
    name = server.ids["large.jpg"]
    kept = [f"/w_{width},f_png/{name}" for width in range(50, 60)]
    before = [server.get(path).body for path in kept]
    with closing(Browser(server)) as browser:
        writer = somebody(browser)
        fill(small_disk / "filler")
        for path, body in zip(kept, before, strict=True):
            answer = server.get(path)
            assert (answer.status, answer.cache, answer.body) == (200, "memory", body)
        for width in range(60, 70):
            new = server.get(f"/w_{width},f_png/{name}")
            assert (new.status, new.cache) == (200, "render")
            assert pictures.size_of(new.body)[0] == width
            again = server.get(f"/w_{width},f_png/{name}")
            assert (again.status, again.body) == (200, new.body)
        picture = pictures.noise(600, 400, seed=8)
        started = time.perf_counter()
        assert writer.upload(picture).problem == (507, "storage_full")
        figures.add("disk full: an upload", f"507 {milliseconds(time.perf_counter() - started)}")
        put = server.cli("put", "--json", _file(small_disk.parent, picture))
        assert put.returncode == 1
        assert '"storage_full"' in put.stdout
        assert unfinished(server.data) == []
        (small_disk / "filler").unlink()
        assert writer.get("/images", Accept="application/json").json["items"] == []
        asset = writer.uploaded(picture)
        assert server.get(f"/w_40/{asset['id']}").status == 200
    server.stop()


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "picture.jpg"
    path.write_bytes(data)
    return path


# Workers --------------------------------------------------------------------------------------------------


def ticks(pid: int) -> int:
    """CPU of a process, in hundredths of a second."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])


@contextmanager
def at_work(servers: list[OriginServer], url: str, path: str) -> Iterator[tuple[int, Future[Response]]]:
    """The worker that is in the middle of ``path``, and the answer that is to come."""
    before = {pid: ticks(pid) for server in servers for pid in server.workers()}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, url, path)
        busy: list[int] = []

        def found() -> bool:
            busy[:] = [pid for pid, then in before.items() if ticks(pid) >= then + 5]
            return bool(busy)

        until(found)
        yield busy[0], asked


def test_workers_that_die(pair: list[OriginServer], figures: Figures, tmp_path: Path) -> None:
    """Each costs the picture it worked on, once; the others do not see it."""
    server, fates = pair[0], (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
    for fate in fates:
        # One picture each: what was kept of a decoded one would be tried first, and its loss not be told.
        (tmp_path / f"{fate.name}.jpg").write_bytes(pictures.noise(900, 600, seed=int(fate)))
    done = server.cli("put", "--json", tmp_path)
    ids = {Path(entry["file"]).stem: entry["id"] for entry in map(json.loads, done.stdout.splitlines())}
    for fate in fates:
        path = f"/{SLOW}/{ids[fate.name]}"
        workers = set(server.workers())
        with at_work([server], server.url, path) as (worker, asked):
            os.kill(worker, fate)
            killed = time.perf_counter()
            other = server.get(f"/w_{200 + fate}/{server.ids['card.png']}")
            answer = asked.result()
            answered = time.perf_counter() - killed
            until(lambda: len(set(server.workers()) - {worker}) == len(workers))  # noqa: B023 - called here
            back = time.perf_counter() - killed
        assert other.status == 200
        assert answer.summary == (422, "image_unprocessable")
        assert answer["Cache-Control"] == "no-store"
        assert server.get(path).status == 200, "a death may have had other reasons"
        assert server.running
        figures.add(f"worker: {fate.name}", f"422 {milliseconds(answered)}")
        figures.add("    a new one is there", milliseconds(back), "1 s")


# Servers --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(origin_factory: OriginFactory, library: Library) -> list[OriginServer]:
    return [origin_factory(library=library, ORIGIN_WORKERS="2", **PATIENT) for _ in range(2)]


@pytest.fixture(scope="module")
def edge(pair: list[OriginServer], nginx_factory: NginxFactory) -> str:
    return nginx_factory(*(server.url.removeprefix("http://") for server in pair)).url


def busy_one(pair: list[OriginServer], worker: int) -> OriginServer:
    (found,) = [server for server in pair if worker in server.workers()]
    return found


def test_a_server_that_is_killed_in_the_middle_of_a_render(
    pair: list[OriginServer], edge: str, figures: Figures
) -> None:
    """nginx asks another one, once; whoever waits sees a picture."""
    path = f"/{SLOW},e_sepia:33/{pair[0].ids['large.jpg']}"
    with at_work(pair, edge, path) as (worker, asked):
        server = busy_one(pair, worker)
        workers = server.workers()
        os.kill(server.pid, signal.SIGKILL)
        killed = time.perf_counter()
        answer = asked.result()
    try:
        assert answer.status == 200
        assert pictures.size_of(answer.body) == (4000, 4000)
        until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in workers))
        figures.add("server: SIGKILL amid a render, the answer", milliseconds(time.perf_counter() - killed))
    finally:
        server.kill()
        server.start()


def test_a_server_that_is_asked_to_go_in_the_middle_of_a_render(
    pair: list[OriginServer], edge: str, figures: Figures
) -> None:
    """It finishes what it began, takes nothing new, and ends with 0; who asks meanwhile asks the other."""
    path = f"/{SLOW},e_sepia:44/{pair[0].ids['large.jpg']}"
    with at_work(pair, edge, path) as (worker, asked):
        server = busy_one(pair, worker)
        os.kill(server.pid, signal.SIGTERM)
        told = time.perf_counter()
        meanwhile = [ask(edge, f"/w_{300 + number}/{server.ids['card.png']}") for number in range(10)]
        code = server.ended(60)
        drained = time.perf_counter() - told
        answer = asked.result()
    try:
        assert (answer.status, code) == (200, 0)
        assert {one.status for one in meanwhile} == {200}
        figures.add("server: SIGTERM amid a render, gone", f"exit {code} {milliseconds(drained)}", "20 s")
    finally:
        server.kill()
        server.start()
