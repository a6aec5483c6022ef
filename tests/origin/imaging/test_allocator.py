"""What render workers find in their environment about memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from origin.imaging import pool
from tests.support.origin import ROOT


@pytest.mark.parametrize(
    ("given", "arenas", "threshold"),
    [
        pytest.param({}, "2", str(1 << 20), id="glibc"),
        pytest.param({"MALLOC_ARENA_MAX": "4"}, "4", str(1 << 20), id="the operator's own"),
        pytest.param({"LD_PRELOAD": "libjemalloc.so.2"}, None, None, id="jemalloc"),
    ],
)
def test_what_workers_are_told_of_the_allocator(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], arenas: str | None, threshold: str | None
) -> None:
    for name in ("LD_PRELOAD", "MALLOC_CONF", *pool._ALLOCATOR):
        monkeypatch.setenv(name, "")  # so that it is put back at the end
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    pool.tame_allocator()
    assert os.environ.get("MALLOC_ARENA_MAX") == arenas
    assert os.environ.get("MALLOC_MMAP_THRESHOLD_") == threshold
    assert ("MALLOC_CONF" in os.environ) == ("LD_PRELOAD" in given)


def test_jemalloc_does_not_keep_a_worker_in_the_network() -> None:
    # Without privileges only a process with one thread can leave it, so jemalloc's own comes afterwards.
    libraries = sorted(Path("/usr/lib").glob("*/libjemalloc.so.2"))
    if not libraries:
        pytest.skip("jemalloc is not installed")
    program = (
        "import os\n"
        "from origin.imaging import worker\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "worker.start(2 << 30, frozenset(), '')\n"
        "print(before, worker._confinement.network, len(os.listdir('/proc/self/task')) > 1)\n"
    )
    environ = {**os.environ, "LD_PRELOAD": str(libraries[0]), "MALLOC_CONF": pool._JEMALLOC}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True, cwd=ROOT)
    before, network, threads = done.stdout.split()
    assert (before, threads) == ("1", "True")
    without = {name: value for name, value in environ.items() if name != "LD_PRELOAD"}
    plain = subprocess.run(command, env=without, check=True, capture_output=True, text=True, cwd=ROOT)
    assert network == plain.stdout.split()[1]
