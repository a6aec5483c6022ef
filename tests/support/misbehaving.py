"""Decoders that die or hang on request: a JPEG's comment says when, and a file counts how often they did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import pictures
from tests.support.origin import ROOT

MISBEHAVE = """
import functools, os, time
from pathlib import Path
from origin.imaging import worker

def act(path, small, header=False):  # small: what is asked for is too little to do harm
    data = Path(path).read_bytes()
    dies = b"die-always" in data or (b"die-large" in data and not small)
    dies = dies or (b"die-header" in data and header)
    hangs = b"hang-large" in data and not small
    if dies or hangs:
        with open(os.environ["DEATHS"], "a") as file:
            file.write("x")
    if dies:
        os.abort()
    if hangs:
        time.sleep(60)

render, inspect, probe = worker.render, worker.inspect, worker.probe

@functools.wraps(render)
def worse_render(job):
    small = job.request.canonical().startswith(("/w_1,h_1", "/c_scale,w_1,h_1"))
    for source in job.sources.values():
        act(source.path, small or "w_50" in job.request.canonical())
    return render(job)

@functools.wraps(inspect)
def worse_inspect(path, limits):
    act(path, small=True)
    return inspect(path, limits)

@functools.wraps(probe)
def worse_probe(path, limits, opening):
    act(path, small=True, header=True)
    return probe(path, limits, opening)

worker.render, worker.inspect, worker.probe = worse_render, worse_inspect, worse_probe
"""


def marked(mark: str, seed: int) -> bytes:
    """A JPEG with a comment."""
    data = pictures.noise(90, 60, seed=seed)
    text = mark.encode()
    return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


def misbehaving(folder: Path) -> dict[str, Any]:
    """Settings of a server whose workers find these decoders, with a source ``@named`` below ``folder``."""
    (folder / "named").mkdir()
    (folder / "sitecustomize.py").write_text(MISBEHAVE)
    return {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "DEATHS": str(folder / "deaths"),
        "ORIGIN_SOURCES": f"named=file://{folder / 'named'};public",
    }


def deaths(folder: Path) -> int:
    """How many workers died or hung so far."""
    file = folder / "deaths"
    return len(file.read_text()) if file.exists() else 0
