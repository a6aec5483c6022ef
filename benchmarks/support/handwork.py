"""A URL beside the same libvips operations written by hand, in this process."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import pyvips

from benchmarks.support.reports import Promise, Report
from origin.imaging import worker
from origin.imaging.model import Job, Limits, Source
from urlspec.parse import parse

Hand = Callable[[str], Any]
"""What a URL says, in plain pyvips: a file's path to an image."""

MOST = 1.5
"""Times the CPU of the operations by hand that a URL may take."""

QUALITY = 80


def compared(
    name: str, photo: Path, rows: Mapping[str, Hand], what: str, asked: argparse.Namespace
) -> Report:
    """The report of all rows whose URL holds ``asked.only``, of ``asked.rounds`` interleaved rounds each."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    lines: list[list[str]] = []
    ratios: dict[str, float] = {}
    for url, work in rows.items():
        if asked.only not in url:
            continue
        _ours(url, photo), _by_hand(work, photo)
        pairs = [(_ours(url, photo), _by_hand(work, photo)) for _ in range(asked.rounds)]
        ratios[url] = median([mine / base for mine, base in pairs])
        mine, base = (median([pair[side] for pair in pairs]) * 1_000 for side in (0, 1))
        short = url if len(url) < 42 else f"{url[:40]}…"
        lines.append([short, f"{base:.1f}", f"{mine:.1f}", f"{ratios[url]:.2f}"])
    if not ratios:
        raise SystemExit(f"no URL holds {asked.only!r}")
    worst = max(ratios, key=lambda url: ratios[url])
    promise = Promise(f"{what}, beside libvips by hand; worst: {worst}", ratios[worst], most=MOST, unit="×")
    title = f"{what}: {photo.name} to JPEG; CPU ms; medians of {asked.rounds} interleaved rounds"
    head = ["URL", "by hand", "ours", "ratio"]
    return Report(name, title, head, lines, figures=ratios, promises=[promise])


def _ours(url: str, photo: Path) -> float:
    request = parse(f"/{url},f_jpg,q_{QUALITY}/cat")
    started = time.process_time()
    worker.render(Job(request, {request.source: Source(str(photo))}, "jpeg", Limits()))
    return time.process_time() - started


def _by_hand(work: Hand, photo: Path) -> float:
    started = time.process_time()
    work(str(photo)).jpegsave_buffer(Q=QUALITY, optimize_coding=True, keep="none")
    return time.process_time() - started
