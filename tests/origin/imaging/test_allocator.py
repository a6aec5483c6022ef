"""What render workers find in their environment about memory."""

from __future__ import annotations

import os

import pytest

from origin.imaging import pool


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
    for name in ("LD_PRELOAD", *pool._ALLOCATOR):
        monkeypatch.setenv(name, "")  # so that it is put back at the end
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    pool._tame_allocator()
    assert os.environ.get("MALLOC_ARENA_MAX") == arenas
    assert os.environ.get("MALLOC_MMAP_THRESHOLD_") == threshold
