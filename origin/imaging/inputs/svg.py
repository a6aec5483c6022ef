"""SVG by librsvg, drawn at the size that is wanted. Only where ``ORIGIN_ACCEPT`` names it.

A drawing is a program, so it gets less than pictures do: it is read over before librsvg sees it, and drawn
within its own limits of memory and time. It comes from memory, so that there is no place from which anything
that it names could be loaded.
"""

from __future__ import annotations

import math
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

import pyvips

from origin.errors import ImageTooLarge, UnsupportedMedia
from origin.imaging.colour import VipsImage
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load

CSS_DENSITY: Final = 72
"""Dots an inch at which libvips draws one pixel for each of the drawing's units."""
_MOST_BYTES: Final = 8 << 20
_MOST_ELEMENTS: Final = 100_000
_DEEPEST: Final = 200
_MEMORY: Final = 512 << 20
_CPU_SECONDS: Final = 5

_LINKS: Final = frozenset({"href", "src", "base"})
_ELSEWHERE: Final = re.compile(r"@import|url\(\s*['\"]?\s*(?![\s'\"#]|data:)", re.IGNORECASE)
_INSIDE: Final = re.compile(r"\s*(?:#|data:|$)", re.IGNORECASE)


def header(path: str, opening: Opening) -> Header:
    data = _sound(path)
    with _confined():
        image = pyvips.Image.svgload_buffer(data, **_scaled(opening.density, 1))
    return Header("svg", image.width, image.height, has_alpha=True, bands=4, bytes=len(data))


def pixels(path: str, how: Load) -> VipsImage:
    data = _sound(path)
    with _confined():
        return pyvips.Image.svgload_buffer(data, **_scaled(how.density, how.decoded)).copy_memory()


def _scaled(density: int | None, shrink: float) -> dict[str, Any]:
    # Not svgload's dpi: a drawing sized in inches would grow twice.
    scale = (density or CSS_DENSITY) / CSS_DENSITY / shrink
    return {} if scale == 1 else {"scale": scale}


@contextmanager
def _confined() -> Iterator[None]:
    """Less memory and time than the worker has for pictures. Who needs more ends the worker: a 422, a 504."""
    memory, memory_hard = resource.getrlimit(resource.RLIMIT_AS)
    seconds, seconds_hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = math.ceil(used.ru_utime + used.ru_stime)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_lower(memory, _mapped() + _MEMORY), memory_hard))
        resource.setrlimit(resource.RLIMIT_CPU, (_lower(seconds, spent + _CPU_SECONDS), seconds_hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory_hard))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds_hard))


def _lower(limit: int, wanted: int) -> int:
    return wanted if limit == resource.RLIM_INFINITY else min(limit, wanted)


def _mapped() -> int:
    """Bytes of address space that this process has now."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 1 << 30
    return int(statm.read_text().split()[0]) * resource.getpagesize()


# Reading over --------------------------------------------------------------------------------------------


def _sound(path: str) -> bytes:
    """The drawing's bytes. Raises UnsupportedMedia, ImageTooLarge, or expat's error."""
    data = Path(path).read_bytes()
    if len(data) > _MOST_BYTES:
        raise ImageTooLarge(f"The SVG has {len(data)} bytes; at most {_MOST_BYTES} are accepted.")
    _Reading().read(data)
    return data


class _Reading:
    """Refuses scripts, whatever lies elsewhere, entities, and what is too deep or too much."""

    def __init__(self) -> None:
        self._depth = self._elements = 0
        self._style = ""

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = lambda *_: self._refuse("declares an entity")
        parser.ProcessingInstructionHandler = self._instruction
        parser.Parse(data, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            self._refuse(f"has more than {_MOST_ELEMENTS} elements, or more than {_DEEPEST} in each other")
        local = _local(name)
        if local == "script":
            self._refuse("holds a script")
        if local in {"include", "foreignobject"}:
            self._refuse(f"holds <{local}>")
        for key, value in attributes.items():
            attribute = _local(key)
            if attribute.startswith("on"):
                self._refuse(f"holds a script ({attribute})")
            if local != "a" and attribute in _LINKS and not _INSIDE.match(value):
                self._refuse("loads something from elsewhere")
            if _ELSEWHERE.search(value):
                self._refuse("loads something from elsewhere")
        if local == "style":
            self._style = " "

    def _end(self, name: str) -> None:
        self._depth -= 1
        if _local(name) == "style":
            # Escapes could hide the words from the expression.
            if "\\" in self._style or _ELSEWHERE.search(self._style):
                self._refuse("loads something from elsewhere")
            self._style = ""

    def _text(self, text: str) -> None:
        if self._style:
            self._style += text

    def _instruction(self, target: str, data: str) -> None:  # noqa: ARG002
        self._refuse(f"holds an instruction for a program ({target[:40]})")

    def _refuse(self, why: str) -> None:
        raise UnsupportedMedia(f"The SVG {why}, which is not accepted.", found="svg")


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
