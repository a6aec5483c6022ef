"""What the benchmarks share: a running server, its CPU time, photographs, tables, JSON and charts."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


def corpus() -> Path:
    """The folder of test pictures: ``ORIGIN_CORPUS``, else where it lies beside the project."""
    folder = Path(os.environ.get("ORIGIN_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        sys.exit("set ORIGIN_CORPUS to a folder with photos/ in it")
    return folder


def photos(*, progressive: bool) -> list[Path]:
    """The corpus photographs that are JPEG, baseline or progressive."""
    files = json.loads((corpus() / "MANIFEST.json").read_text())["files"]
    return [
        corpus() / entry["path"]
        for entry in files
        if entry["path"].startswith("photos/")
        and entry["format"] == "JPEG"
        and entry["detail"].startswith("progressive") == progressive
    ]


@dataclass
class Server:
    """A running ``origin serve``."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def processes(self) -> list[int]:
        """The server and all its workers."""
        return processes_of(self.process.pid)

    def cpu(self) -> float:
        """CPU-seconds that the server and all its workers have used."""
        return seconds_of(self.processes())


def processes_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes_of(int(child))
    return found


def seconds_of(processes: Iterable[int]) -> float:
    """CPU-seconds that the processes, and their children that have ended, have used."""
    return sum(_cpu(pid) for pid in processes)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # Children that have ended (proc(5), fields 16 and 17) are known in ticks of 10 ms; the process itself is
    # asked by its CPU clock (clock_getcpuclockid(3)), which counts nanoseconds.
    ended = sum(int(value) for value in fields[13:15]) / TICKS
    return ended + time.clock_gettime((~pid << 3) | 2)


@contextmanager
def serving(folder: Path, log: Path | None = None, /, **environ: str) -> Iterator[Server]:
    """A server with its data in ``folder``, stopped at the end; its log goes to ``log`` or nowhere."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "ORIGIN_DATA_DIR": str(folder),
        "ORIGIN_PORT": str(port),
        "ORIGIN_RATE_RENDER": "off",
        **environ,
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ORIGIN_", "AWS_"))}
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("origin")), "serve"],
            env=clean | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, port)
    try:
        for _ in range(800):
            try:
                if server.get("/healthz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError("the server did not start")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def copies(photo: Path, folder: Path, rounds: int) -> list[Path]:
    """The same photograph under other names, so that nothing kept of one serves another."""
    made = []
    for number in range(rounds):
        target = folder / f"{photo.stem}-{number}{photo.suffix}"
        shutil.copyfile(photo, target)
        made.append(target)
    return made


def busy(photo: Path, folder: Path) -> Path:
    """A photograph with a sensor's noise at high quality: what cameras write, where the corpus is mild."""
    import pyvips

    target = folder / f"busy-{photo.stem}.jpg"
    image = pyvips.Image.new_from_file(str(photo))
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=9, seed=1)
    (image + noise).cast("uchar").copy(interpretation="srgb").jpegsave(str(target), Q=96)
    return target


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


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


def arguments(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The options that all benchmarks have: ``--rounds``, ``--json`` and ``--chart``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="interleaved; medians are shown")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--chart", type=Path, help="draw them into this SVG file")
    return parser


def publish(report: Report, options: argparse.Namespace) -> None:
    """Print the table; write the JSON and the chart where the options say so."""
    print(machine())
    for name, note in report.notes.items():
        print(f"{name}: {note}")
    print(f"{report.title}\n")
    print(table(report.head, report.rows))
    if options.json:
        told = {
            "name": report.name,
            "title": report.title,
            "machine": machine(),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "head": report.head,
            "rows": report.rows,
            "unit": report.unit,
            "bars": report.bars,
            "figures": report.figures,
            "notes": report.notes,
        }
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.chart:
        options.chart.write_text(chart(report))


COLOURS = ("#2563eb", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#64748b")
CHART_WIDTH, LABELS, BAR, GAP = 760, 210, 16, 12
"""Pixels."""


def chart(report: Report) -> str:
    """Horizontal bars as SVG: a group for each label, a colour for each series."""
    labels = list(dict.fromkeys(label for series in report.bars.values() for label in series))
    longest = max(value for series in report.bars.values() for value in series.values())
    scale = (CHART_WIDTH - LABELS - 90) / longest
    group = BAR * len(report.bars) + GAP
    top = 46 + 18 * (len(report.bars) > 1)
    height = top + group * len(labels) + 24
    parts = [_text(12, 24, report.title, size=15, weight="600")]
    if len(report.bars) > 1:
        for number, name in enumerate(report.bars):
            left = LABELS + number * 130
            parts.append(f'<rect x="{left}" y="38" width="10" height="10" fill="{COLOURS[number]}"/>')
            parts.append(_text(left + 15, 47, name))
    for row, label in enumerate(labels):
        y = top + row * group
        middle = y + BAR * len(report.bars) / 2 + 4
        parts.append(_text(LABELS - 8, middle, label, anchor="end"))
        for number, series in enumerate(report.bars.values()):
            if label not in series:
                continue
            place, width = y + number * BAR, series[label] * scale
            parts.append(
                f'<rect x="{LABELS}" y="{place}" width="{width:.1f}" height="{BAR - 3}" '
                f'fill="{COLOURS[number]}"/>'
            )
            parts.append(_text(LABELS + width + 5, place + 11, f"{series[label]:.3g} {report.unit}".strip()))
    parts.append(_text(12, height - 8, f"{machine()}, {datetime.now(UTC):%Y-%m-%d}", size=10))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CHART_WIDTH}" height="{height}" '
        f'viewBox="0 0 {CHART_WIDTH} {height}" font-family="system-ui, sans-serif">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _text(
    x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#111827">{escape(text)}</text>'
    )


def machine() -> str:
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


__all__ = [
    "Report",
    "Server",
    "arguments",
    "busy",
    "chart",
    "copies",
    "corpus",
    "machine",
    "median",
    "photos",
    "processes_of",
    "publish",
    "seconds_of",
    "serving",
    "table",
]
