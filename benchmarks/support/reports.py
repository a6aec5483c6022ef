"""What a benchmark found: as a table, as JSON, as a chart."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.support.charts import chart

LOAD = os.getloadavg()[0]
"""Processes that ran or waited when this one began: what others do at the same time makes figures worse."""


@dataclass(frozen=True)
class Promise:
    """A figure that may not be larger, or not be smaller, than promised; one without a bound is only told."""

    what: str
    found: float
    most: float | None = None
    least: float | None = None
    unit: str = ""

    @property
    def kept(self) -> bool:
        return (self.most is None or self.found <= self.most) and (
            self.least is None or self.found >= self.least
        )

    @property
    def bound(self) -> str:
        if self.most is not None:
            return f"at most {self.most:.4g} {self.unit}".strip()
        return "" if self.least is None else f"at least {self.least:.4g} {self.unit}".strip()


@dataclass(frozen=True)
class Report:
    """What a benchmark found. ``bars`` are the figures of its chart: by series, then by label."""

    name: str
    title: str
    """What is counted and how, in a line."""
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    unit: str = ""
    """Of the bars."""
    bars: dict[str, dict[str, float]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    """Single results, for whoever reads the JSON."""
    notes: dict[str, str] = field(default_factory=dict)
    """Versions, settings: what has to be known to judge the figures."""
    promises: Sequence[Promise] = ()
    """The figures that matter most."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def arguments(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The options that all benchmarks have: ``--rounds``, ``--json`` and ``--chart``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="interleaved; medians are shown")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--chart", type=Path, help="draw them into this SVG file")
    return parser


def publish(report: Report, options: argparse.Namespace) -> None:
    """Print the table; write the JSON, and the chart of what has one, where the options say so."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    print(machine())
    print(versions())
    for name, note in report.notes.items():
        print(f"{name}: {note}")
    print(f"{report.title}\n")
    print(table(report.head, report.rows))
    for promise in report.promises:
        verdict = "" if promise.kept else ": missed"
        print(f"# {promise.what}: {promise.found:.4g} {promise.unit}".rstrip(), f"{promise.bound}{verdict}")
    if options.json:
        told = {
            "name": report.name,
            "title": report.title,
            "command": command(Path(sys.argv[0]).stem, sys.argv[1:]),
            "machine": machine(),
            "versions": versions(),
            "date": today,
            "load": round(LOAD, 1),
            "head": report.head,
            "rows": report.rows,
            "unit": report.unit,
            "bars": report.bars,
            "figures": report.figures,
            "notes": report.notes,
            "promises": [asdict(one) | {"bound": one.bound, "kept": one.kept} for one in report.promises],
        }
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.chart and report.bars:
        options.chart.write_text(chart(report.title, report.bars, report.unit, f"{machine()}, {today}"))


def command(name: str, given: Sequence[str]) -> str:
    """What was run, without where its results went."""
    left, words = list(given), ["python -m", f"benchmarks.{name}"]
    while left:
        word = left.pop(0)
        if word in {"--json", "--chart"}:
            left.pop(0)
        else:
            words.append(f'"{word}"' if " " in word else word)
    return " ".join(words)


def machine() -> str:
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def versions() -> str:
    return f"image-origin {version('image-origin')}, libvips {version('pyvips-binary')}"
