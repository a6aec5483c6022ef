"""The demo pictures, drawn in a process of their own: libvips stays out of this one."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path


def draw_demo(folder: Path) -> list[tuple[str, Path]]:
    """Draw them into ``folder``: the id and the file of each."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_draw, folder).result()


def _draw(folder: Path) -> list[tuple[str, Path]]:
    from origin.imaging.demo import draw

    return [(drawn.id, drawn.path) for drawn in draw(folder)]
