"""Rendering in the test's own process: what a worker does, without the worker."""

from __future__ import annotations

import atexit
import functools
import os
import tempfile
from pathlib import Path

from origin.imaging import worker
from origin.imaging.fonts import configuration
from origin.imaging.model import Accept, Job, Limits, Rendered, Source
from urlspec.parse import parse
from urlspec.sources import AssetRef, SourceRef


def render(
    url: str,
    source: bytes | Path,
    *,
    layers: dict[str, bytes] | None = None,
    accept: Accept = "jpeg",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    focus: tuple[float, float] | None = None,
    fonts: str | None = None,
) -> Rendered:
    """``url`` without its source; ``layers`` by id."""
    own_fonts()
    with tempfile.TemporaryDirectory() as folder:
        request = parse(f"{url}/cat")
        sources: dict[SourceRef, Source] = {}
        for name, data in {"cat": source, **(layers or {})}.items():
            if isinstance(data, Path):
                path = data
            else:
                path = Path(folder, name)
                path.write_bytes(data)
            sources[AssetRef(name)] = Source(str(path), focus if name == "cat" else None)
        return worker.render(Job(request, sources, accept, limits, fonts))


@functools.cache
def own_fonts() -> None:
    """Texts are matched as in a worker, whatever this machine's own configuration says."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write(configuration())
    atexit.register(Path(file.name).unlink)
    os.environ["FONTCONFIG_FILE"] = file.name


def png(url: str, source: bytes | Path, **more: object) -> bytes:
    """The result as PNG: exact pixels."""
    rendered = render(f"{url},f_png" if url else "/f_png", source, **more)  # type: ignore[arg-type]
    assert rendered.format == "png"
    return rendered.body
