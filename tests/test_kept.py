"""Kept pictures through a server: later variants come from them; a purge, a kill or damage leaves none."""

from __future__ import annotations

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from origin.imaging import rasterfile
from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import OriginServer, Response, until
from tests.support.servers import S3Server


def files(server: OriginServer) -> list[Path]:
    """What is kept."""
    return [path for path in (server.data / "rasters").glob("??/*") if path.is_file()]


def from_kept(answer: Response) -> bool:
    assert answer.status == 200, answer.body
    return "kept;" in answer["Server-Timing"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten originals, ``0.jpg`` to ``9.jpg``."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(10):
        (folder / f"{number}.jpg").write_bytes(pictures.scene(Q=80 + number))
    return folder


@pytest.fixture(scope="module")
def server(origin_factory: OriginFactory, folder: Path) -> OriginServer:
    return origin_factory(ORIGIN_RATE_RENDER="off", ORIGIN_SOURCES=f"p=file://{folder}", ORIGIN_WORKERS="2")


def test_what_a_decode_leaves_serves_later_variants(server: OriginServer) -> None:
    id = server.put(pictures.scene(Q=90))
    ways = [from_kept(server.get(f"/w_{width}/{id}")) for width in (200, 150, 500, 700, 1200)]
    # 500 is more than the first decode gave; it is decoded once more, large enough for all.
    assert ways == [False, True, False, True, True]
    server.stop()
    server.start()
    assert from_kept(server.get(f"/w_640/{id}"))
    for original in (server.data / "originals").rglob("*"):
        if original.is_file():
            original.unlink()
    answer = server.get(f"/w_333/{id}")  # neither opened nor fetched
    assert from_kept(answer)
    assert pictures.size_of(answer.body)[0] == 333


def test_a_burst_of_sizes_is_decoded_once(server: OriginServer) -> None:
    answers = server.many([f"/w_{width}/@p/1.jpg" for width in (160, 240, 320, 480, 640, 960, 1280, 1500)])
    assert [from_kept(answer) for answer in answers].count(False) <= 2


def test_a_purge_reaches_every_machine(origin_factory: OriginFactory, s3: S3Server, tmp_path: Path) -> None:
    shared = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shared.sqlite'}",
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }
    here, there = (origin_factory(library=None, folder=None, **shared) for _ in range(2))
    id, other = here.put(pictures.scene(Q=61)), here.put(pictures.scene(Q=62), "other")
    for server in (here, there):
        server.get(f"/w_200/{id}")
        server.get(f"/w_200/{other}")
        assert len(files(server)) == 2
    assert here.cli("purge", id).returncode == 0
    assert len(files(here)) == 1
    until(lambda: len(files(there)) == 1)
    assert from_kept(there.get(f"/w_150/{other}"))
    assert not from_kept(there.get(f"/w_150/{id}"))


def test_damage_shows_in_no_picture(server: OriginServer) -> None:
    id = "@p/2.jpg"
    before = set(files(server))
    server.get(f"/w_200/{id}")
    server.get(f"/w_500/{id}")
    wide = max(set(files(server)) - before, key=lambda path: path.stat().st_size)
    server.stop()
    content = bytearray(wide.read_bytes())
    content[len(content) * 4 // 5 :] = bytes(len(content) - len(content) * 4 // 5)
    wide.write_bytes(content)
    server.start()
    answer = server.get(f"/w_401,f_png/{id}")
    assert answer.status == 200
    assert not from_kept(answer)
    look = pictures.scene_image().resize(401 / 1600).pngsave_buffer()
    assert pictures.similarity(answer.body, look) > 0.9
    assert from_kept(server.get(f"/w_402/{id}"))


def test_nothing_is_kept_when_told_so(origin_factory: OriginFactory, folder: Path) -> None:
    server = origin_factory(ORIGIN_RASTER_BYTES="0", ORIGIN_SOURCES=f"p=file://{folder}")
    assert not any(from_kept(server.get(f"/w_{width}/@p/3.jpg")) for width in (200, 150, 100))
    assert not (server.data / "rasters").exists()


def test_the_budget_holds(origin_factory: OriginFactory, folder: Path) -> None:
    budget = 16 << 20
    server = origin_factory(ORIGIN_RASTER_BYTES=str(budget), ORIGIN_SOURCES=f"p=file://{folder}")
    for number in range(6):  # 6.7 MB each
        server.get(f"/w_200/@p/{number}.jpg")
        server.get(f"/w_500/@p/{number}.jpg")
    until(lambda: sum(path.stat().st_size for path in files(server)) <= budget)
    assert from_kept(server.get("/w_501/@p/5.jpg"))


def test_killed_while_pictures_are_kept(origin_factory: OriginFactory, folder: Path) -> None:
    """Whoever is killed, workers or the server: every answer is the picture, and every kept file is whole."""
    server = origin_factory(
        ORIGIN_RATE_RENDER="off",
        ORIGIN_WORKERS="2",
        ORIGIN_SOURCES=f"p=file://{folder}",
        ORIGIN_RASTER_BYTES="9MiB",
    )
    chance = random.Random(7)
    answers: list[tuple[int, bytes]] = []

    def ask_on(seed: int) -> None:
        own = random.Random(seed)
        while not enough.is_set():
            name, width = own.randrange(10), own.randint(100, 500)
            try:
                answer = server.get(f"/w_{width},f_png/@p/{name}.jpg")
            except (OSError, HTTPException):
                continue  # it has just been killed
            if answer.status == 200:
                answers.append((width, answer.body))

    enough = threading.Event()
    for round_ in range(3):
        with ThreadPoolExecutor(3) as pool:
            asking = [pool.submit(ask_on, round_ * 10 + number) for number in range(3)]
            try:
                for _ in range(3):
                    # More answers than can have been under way: whoever gave them has started long ago.
                    seen = len(answers)
                    until(lambda: len(answers) > seen + 3)  # noqa: B023 - it is waited for here
                    enough.wait(chance.uniform(0.05, 0.4))
                    for worker in server.workers()[:1]:
                        os.kill(worker, signal.SIGKILL)
                enough.wait(chance.uniform(0.0, 0.2))
                server.kill()
            finally:
                enough.set()
            for one in asking:
                one.result()
        enough.clear()
        for path in files(server):
            raster = rasterfile.read(str(path))
            assert raster is not None, path
            with raster:
                for level in raster.levels:
                    raster.image(level)
        server.start()
    for width, body in answers:
        look = pictures.scene_image().resize(width / 1600).pngsave_buffer()
        assert pictures.size_of(body) == pictures.size_of(look)
        assert pictures.similarity(body, look) > 0.8
    assert server.unexpected() == []
