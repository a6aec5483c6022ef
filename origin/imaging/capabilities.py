"""What this build of libvips can do, asked of libvips itself inside a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.imaging.fonts import installed

OLDEST: Final = (8, 18, 2)
"""Older ones have known holes in their loaders."""

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


@dataclass(frozen=True, slots=True)
class Capabilities:
    libvips: str
    recent: bool
    """Not older than OLDEST."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    fonts: tuple[str, ...]
    """Families."""


def capabilities(fonts: str | None = None) -> Capabilities:
    """To be called in a worker."""
    import pyvips

    version = tuple(pyvips.version(part) for part in range(3))
    return Capabilities(
        ".".join(str(part) for part in version),
        version >= OLDEST,
        _there(_LOADERS),
        _there(_SAVERS),
        tuple(sorted(installed(fonts).values())),
    )


def _there(operations: dict[str, str]) -> tuple[str, ...]:
    import pyvips

    return tuple(
        name for name, operation in operations.items() if pyvips.type_find("VipsOperation", operation)
    )
