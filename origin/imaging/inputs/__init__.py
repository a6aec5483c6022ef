"""Formats that the libvips of the wheel does not read, each through an extra that ships as a wheel.

A decoder is imported in the worker when the first file of its kind comes, never before. Each module has
``header(path, opening)``, which reads no pixels, and ``pixels(path, how)``, which gives them in memory as
shown: turning and cutting that the format itself asks for is done.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from origin.errors import ImageCorrupt, OriginError
from origin.imaging.model import Header, Opening

if TYPE_CHECKING:
    from origin.imaging.plan import Load


@dataclass(frozen=True, slots=True)
class Extra:
    """What brings a format: the extra of this package, and the module that it installs."""

    name: str
    module: str
    reader: str
    """The module beside this one that reads the format."""
    library: str
    """Whose decoder it is."""

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None

    @property
    def command(self) -> str:
        return f'pip install "image-origin[{self.name}]"'


EXTRAS: Final = {
    "heic": Extra("heic", "pillow_heif", "heif", "libheif"),
    "jxl": Extra("jxl", "pillow_jxl", "jxl", "libjxl"),
    "pdf": Extra("pdf", "pypdfium2", "pdf", "PDFium"),
    "bmp": Extra("heic", "PIL", "bmp", "Pillow"),
    "ico": Extra("heic", "PIL", "ico", "Pillow"),
}
"""By format."""

_READERS: Final = {**{kind: extra.reader for kind, extra in EXTRAS.items()}, "svg": "svg"}


def reads(kind: str) -> bool:
    """Whether a format is read here and not by libvips' own loaders."""
    return kind in _READERS


def header(kind: str, path: str, opening: Opening) -> Header:
    """Raises ImageCorrupt, UnsupportedMedia, PageMissing."""
    with _blaming_the_file():
        found: Header = _module(kind).header(path, opening)
    return found


def pixels(path: str, how: Load) -> Any:
    """A ``pyvips.Image`` in memory. Raises ImageCorrupt."""
    with _blaming_the_file():
        return _module(how.header.format).pixels(path, how)


def _module(kind: str) -> Any:
    return importlib.import_module(f"{__name__}.{_READERS[kind]}")


@contextmanager
def _blaming_the_file() -> Iterator[None]:
    """Decoders raise whatever they like at a damaged file; one in Rust raises no Exception when it panics."""
    try:
        yield
    except (OriginError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ImageCorrupt from error
