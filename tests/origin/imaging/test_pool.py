"""Render workers: deadlines that kill, crashes that cost one picture, a queue that is bounded."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from origin.errors import (
    ImageCorrupt,
    ImageUnprocessable,
    Overloaded,
    PageMissing,
    RenderTimeout,
    ResultTooLarge,
    UnsupportedMedia,
)
from origin.imaging import Job, Limits, RenderPool, Source
from tests.support.origin import ROOT
from tests.support.pictures import card, format_of, noise, oriented, size_of
from urlspec.parse import parse

LIMITS = Limits()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[RenderPool]:
    """One worker, two places to wait, five seconds for a job, and patience while a worker starts anew."""
    made = RenderPool(1, 2, 5.0, patience=30.0)
    await made.start()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[RenderPool]:
    """The same with more time for a job than any machine needs, for what is only looked at in the queue."""
    made = RenderPool(1, 2, 60.0, patience=60.0)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture"
    file.write_bytes(card(suffix=".jpg"))
    return file


def job(url: str, path: Path) -> Job:
    request = parse(f"{url}/cat")
    return Job(request, {request.source: Source(str(path))}, limits=LIMITS)


# What misbehaving decoders do, in the worker.


def hang() -> None:
    while True:
        time.sleep(0.1)


def burn() -> None:
    while True:
        pass


def crash() -> None:
    os.abort()


def leave() -> None:
    os._exit(3)


def eat() -> int:
    return len(bytearray(3 << 30))


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def wait_for(file: Path) -> int:
    """Busy until ``file`` is there."""
    while not file.exists():
        time.sleep(0.01)
    return os.getpid()


def stumble() -> None:
    raise LookupError("a secret of the worker")


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)


async def test_a_render_comes_back_whole(pool: RenderPool, picture: Path) -> None:
    rendered = await pool.render(job("/w_60,f_webp", picture))
    assert format_of(rendered.body) == "webp"
    assert size_of(rendered.body) == (rendered.width, rendered.height) == (60, 40)
    assert set(rendered.seconds) == {"probe", "render", "encode"}
    assert all(seconds >= 0 for seconds in rendered.seconds.values())


async def test_probe_inspect_and_original(pool: RenderPool, tmp_path: Path) -> None:
    file = tmp_path / "turned"
    file.write_bytes(oriented(6))
    header = await pool.probe(str(file))
    assert (header.width, header.height, header.orientation) == (120, 80, 6)
    inspection = await pool.inspect(str(file))
    assert inspection.header == header
    original = await pool.original(str(file))
    assert size_of(original.body) == (120, 80)
    assert (await pool.original(str(file), "all")).body == oriented(6)


@pytest.mark.parametrize(
    ("url", "data", "error"),
    [
        ("/w_9", noise()[:900], ImageCorrupt),
        ("/w_9", b"%PDF-1.7", UnsupportedMedia),
        ("/pg_2", card(), PageMissing),
        ("/c_scale,w_9000", card(), ResultTooLarge),
    ],
)
async def test_errors_cross_the_process(
    pool: RenderPool, tmp_path: Path, url: str, data: bytes, error: type[Exception]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(error) as caught:
        await pool.render(job(url, file))
    assert str(tmp_path) not in str(caught.value)


async def test_members_of_an_error_cross_the_process(pool: RenderPool, picture: Path) -> None:
    with pytest.raises(ResultTooLarge) as caught:
        await pool.render(job("/c_scale,w_9000", picture))
    assert caught.value.members["width"] == 7745


@pytest.mark.parametrize("fault", [hang, burn])
async def test_a_deadline_kills(pool: RenderPool, picture: Path, fault: object) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(RenderTimeout):
            await pool.run(fault)  # type: ignore[arg-type]
    assert (await pool.render(job("/w_9", picture))).width == 9


@pytest.mark.parametrize("fault", [crash, leave, eat])
async def test_a_crash_costs_one_picture(pool: RenderPool, picture: Path, fault: object) -> None:
    with pytest.raises(ImageUnprocessable):
        await pool.run(fault)  # type: ignore[arg-type]
    assert (await pool.render(job("/w_9", picture))).width == 9


async def test_an_unforeseen_error_is_ours_and_says_nothing(pool: RenderPool) -> None:
    from origin.errors import Internal

    with pytest.raises(Internal) as caught:
        await pool.run(stumble)
    assert "secret" not in caught.value.detail
    assert isinstance(caught.value.__cause__, LookupError)


async def test_a_crash_leaves_other_jobs_alone(picture: Path) -> None:
    pool = RenderPool(2, 8, 5.0)
    await pool.start()
    try:
        slow = asyncio.create_task(pool.run(nap, 0.7))
        with pytest.raises(ImageUnprocessable):
            await pool.run(crash)
        assert (await pool.render(job("/w_9", picture))).width == 9
        assert await slow > 0
    finally:
        await pool.close()


async def test_workers_killed_while_idle_are_replaced(pool: RenderPool, picture: Path) -> None:
    for _ in range(2):
        os.kill(await pool.run(nap, 0.0), signal.SIGKILL)
        await asyncio.sleep(0.5)
        assert (await pool.render(job("/w_9", picture))).width == 9


async def test_what_a_worker_that_dies_has_not_read_is_done_by_the_next(pool: RenderPool) -> None:
    worker = await pool.run(os.getpid)
    os.kill(worker, signal.SIGSTOP)
    asked = asyncio.create_task(pool.run(os.getpid))
    await asyncio.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    assert await asked != worker


async def test_a_full_queue_refuses_at_once(patient: RenderPool, tmp_path: Path) -> None:
    tasks = [asyncio.create_task(patient.run(wait_for, tmp_path / "go")) for _ in range(3)]
    await until(lambda: (patient.busy, patient.waiting) == (1, 2))
    with pytest.raises(Overloaded):
        await patient.run(nap, 0.0)
    (tmp_path / "go").touch()
    assert len(set(await asyncio.gather(*tasks))) == 1


async def test_what_does_not_fit_in_memory_waits(tmp_path: Path) -> None:
    pool = RenderPool(2, 1, 30.0, patience=30.0, budget=100)
    await pool.start()
    try:
        large = [asyncio.create_task(pool.run(wait_for, tmp_path / "go", memory=60)) for _ in range(2)]
        await until(lambda: (pool.busy, pool.waiting, pool.memory) == (1, 1, 60))
        with pytest.raises(Overloaded):
            await pool.run(nap, 0.0, memory=1)
        (tmp_path / "go").touch()
        await asyncio.gather(*large)
        assert (pool.busy, pool.memory) == (0, 0)
        with pytest.raises(ImageUnprocessable):
            await pool.run(crash, memory=500)
        assert pool.memory == 0, "a death gives the memory back too"
    finally:
        await pool.close()


async def test_waiting_is_bounded(tmp_path: Path) -> None:
    pool = RenderPool(1, 5, 30.0, patience=0.2)
    await pool.start()
    try:
        running = asyncio.create_task(pool.run(wait_for, tmp_path / "go"))
        await until(lambda: pool.busy == 1)
        with pytest.raises(Overloaded):
            await pool.run(nap, 0.0)
        (tmp_path / "go").touch()
        assert await running
    finally:
        await pool.close()


async def test_a_waiter_that_leaves_takes_its_waiting_job_along(patient: RenderPool, tmp_path: Path) -> None:
    running = asyncio.create_task(patient.run(wait_for, tmp_path / "go"))
    await until(lambda: patient.busy == 1)
    waiting = asyncio.create_task(patient.run(hang))
    await until(lambda: patient.waiting == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert patient.waiting == 0
    (tmp_path / "go").touch()
    assert await running
    assert await patient.run(nap, 0.0), "the hanging job was run for nobody"


async def test_a_job_that_runs_goes_on_when_its_waiter_leaves(patient: RenderPool, tmp_path: Path) -> None:
    first = await patient.run(nap, 0.0)
    leaving = asyncio.create_task(patient.run(wait_for, tmp_path / "go"))
    await until(lambda: patient.busy == 1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert patient.busy == 1
    (tmp_path / "go").touch()
    assert await patient.run(nap, 0.0) == first, "the worker was killed"


async def test_cancelling_while_waiting_gives_no_slot_away(patient: RenderPool) -> None:
    for _ in range(20):
        task = asyncio.create_task(patient.run(nap, 0.0))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert await asyncio.wait_for(patient.run(nap, 0.0), 30)


async def test_workers_are_confined(pool: RenderPool) -> None:
    assert pool.confinement.network in {"namespace", "user-namespace", "shared"}
    assert pool.confinement.memory == 2 << 30


async def test_the_server_goes_before_its_workers(pool: RenderPool) -> None:
    behind = await pool.run(os.getpriority, os.PRIO_PROCESS, 0)
    assert behind == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 2)


async def test_closing_ends_what_runs() -> None:
    pool = RenderPool(1, 2, 30.0)
    await pool.start()
    running = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0.2)
    await asyncio.wait_for(pool.close(), 30)
    with pytest.raises(Exception, match=r"."):
        await running


SERVER = """
import asyncio, os, time
from origin.imaging import RenderPool

async def main():
    pool = RenderPool(1, 2, 60.0)
    await pool.start()
    print(await pool.run(os.getpid), flush=True)
    await pool.run(time.sleep, 60)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_no_worker_outlives_a_killed_server(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = await asyncio.create_subprocess_exec(
        sys.executable, script, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert server.stdout is not None
    worker = int(await server.stdout.readline())
    await asyncio.sleep(0.3)  # until it is busy
    server.kill()
    await server.wait()
    async with asyncio.timeout(30):
        while Path(f"/proc/{worker}").exists() and " Z " not in Path(f"/proc/{worker}/stat").read_text():
            await asyncio.sleep(0.05)


async def test_the_server_process_never_loads_libvips() -> None:
    code = "import sys, origin.imaging; sys.exit('pyvips' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0
