"""Five pictures drawn from nothing, so that a new server has something to show.

Everything is arithmetic on whole pictures: noise and distances are drawn as floats, mixed as 0 to 255 sRGB,
and made 8 bit at the end, with a little grain that keeps long gradients from banding. Every seed is fixed:
the same libvips and fonts draw the same pixels each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from origin.errors import Internal
from origin.imaging.demo.aurora import aurora
from origin.imaging.demo.drawing import VipsImage
from origin.imaging.demo.landscape import landscape
from origin.imaging.demo.likeness import difference
from origin.imaging.demo.logo import logo
from origin.imaging.demo.orbit import orbit
from origin.imaging.demo.poster import POSTER_PATH, poster


@dataclass(frozen=True)
class Demo:
    """A picture on disk, and the id under which the examples ask for it."""

    id: str
    path: Path
    title: str


EXAMPLES: Final[tuple[tuple[str, str], ...]] = (
    ("Any width, the height follows", "/w_600/landscape"),
    ("A square around what catches the eye", "/c_fill,w_300,h_300,g_auto/landscape"),
    ("A round one, transparent outside", "/c_fill,w_200,h_200,rad_max/aurora.png"),
    (
        "Black and white, with a watermark",
        "/w_600/e_grayscale,e_contrast:20/l_logo,w_120,o_70,g_south_east,x_20,y_20/landscape.webp",
    ),
    ("A line of text", "/w_600/l_text:DejaVu%20Sans_40_bold:Hello,co_white,g_south,y_30/landscape"),
    ("What the poster says of itself", POSTER_PATH),
    ("A poster on a mat, turned a little", "/w_300/pad_24,b_white/a_4,b_rgb:20242e,pad_20/poster.png"),
    ("Every frame of an animation", "/w_240/orbit"),
    ("The best format and quality for who asks", "/w_900,f_auto,q_auto/aurora"),
)
"""A title, and a path that shows it: together a first walk through the URL language."""


def draw(folder: Path) -> list[Demo]:
    """Draw the pictures into ``folder`` (made if need be), as ``<id>.<extension>``.

    Raises Internal when this libvips cannot draw or write one, and OSError when the folder cannot be used.
    """
    import pyvips

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for file, title, paint, options in _PICTURES:
        path = folder / file
        try:
            data = paint().write_to_buffer(path.suffix, **options)
        except pyvips.Error as error:
            raise Internal(f"The demo picture {path.stem!r} could not be drawn") from error
        path.write_bytes(data)
        drawn.append(Demo(path.stem, path, title))
    return drawn


_JPEG: Final[dict[str, Any]] = {"Q": 90, "profile": "srgb", "optimize_coding": True}
_PICTURES: Final[tuple[tuple[str, str, Callable[[], VipsImage], dict[str, Any]], ...]] = (
    ("landscape.jpg", "Dusk over the lake", landscape, _JPEG),
    ("aurora.jpg", "Silk", aurora, _JPEG),
    ("poster.png", "One picture, every size", poster, {}),
    ("logo.png", "Iris", logo, {}),
    ("orbit.webp", "Six planets and a star", orbit, {"Q": 85, "effort": 3}),
)

__all__ = ["EXAMPLES", "Demo", "difference", "draw"]
