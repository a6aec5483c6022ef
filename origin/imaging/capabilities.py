"""What this build of libvips can do, asked of libvips itself inside a worker."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from origin.imaging.faces import available
from origin.imaging.fonts import installed, remarks
from origin.imaging.inputs import EXTRAS

_LOADERS: Final = {
    "jpeg": "jpegload",
    "png": "pngload",
    "webp": "webpload",
    "gif": "gifload",
    "avif": "heifload",
    "tiff": "tiffload",
    "svg": "svgload",
}
_SAVERS: Final = {
    "jpeg": "jpegsave_buffer",
    "png": "pngsave_buffer",
    "webp": "webpsave_buffer",
    "gif": "gifsave_buffer",
    "avif": "heifsave_buffer",
    "tiff": "tiffsave_buffer",
}


_SCRIPTS: Final = "Aя中한عहไ😀"
"""A character of each script that a server should be able to write."""


@dataclass(frozen=True, slots=True)
class Format:
    """What this build does with one format."""

    name: str
    reads: bool
    writes: bool
    by: str
    """The library."""
    missing: str = ""
    """The command that installs what reading it needs."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    libvips: str
    formats: tuple[Format, ...]
    fonts: tuple[str, ...]
    """Families."""
    unwritten: tuple[str, ...]
    """What to do about scripts that no font shows."""
    faces: bool
    """``g_face`` can look for them."""


def capabilities(fonts: str | None = None) -> Capabilities:
    """To be called in a worker."""
    return Capabilities(
        versions()["libvips"],
        _formats(),
        tuple(sorted(installed(fonts).values())),
        tuple(remarks("sans", _SCRIPTS, fonts)),
        available(),
    )


def versions() -> dict[str, str]:
    """Versions of the C libraries that read what strangers send. To be called in a worker."""
    import pyvips

    found = {"libvips": ".".join(str(pyvips.version(part)) for part in range(3))}
    if (number := _libwebp()) is not None:
        found["libwebp"] = f"{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return found


def _libwebp() -> int | None:
    """What libwebp says of itself, where it is a library of its own; of several the oldest counts.

    The wheel has it inside libvips, where nobody can ask it: its libvips tells then.
    """
    maps = Path("/proc/self/maps")
    text = maps.read_text() if maps.exists() else ""
    loaded = set(re.findall(r"/\S*/libwebp(?:-[0-9a-f]+)?\.so[.0-9]*", text))
    return min((int(ctypes.CDLL(path).WebPGetDecoderVersion()) for path in loaded), default=None)


def _formats() -> tuple[Format, ...]:
    own = [
        Format(name, _there(loader), name in _SAVERS and _there(_SAVERS[name]), "libvips")
        for name, loader in _LOADERS.items()
    ]
    extras = [
        Format(name, extra.installed, False, extra.library, "" if extra.installed else extra.command)
        for name, extra in EXTRAS.items()
    ]
    return (*own, *extras)


def _there(operation: str) -> bool:
    import pyvips

    return bool(pyvips.type_find("VipsOperation", operation))
