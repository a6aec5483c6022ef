"""A refusal as a picture, for developers: an ``img`` that shows what is wrong with it."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

import pyvips

from origin.imaging.colour import VipsImage

_WIDTH: Final = 640
_MARGIN: Final = 24
_EDGE: Final = 4
_PAPER: Final = (255, 244, 242)
_RED: Final = (190, 30, 20)
_GREY: Final = (70, 60, 60)
_MOST: Final = 600
"""Characters of one text."""


def notice(status: int, title: str, detail: str, code: str) -> bytes:
    """A PNG of 640 pixels across, as high as the words need."""
    lines = [
        _line(f"{status}  {title}", f"bold {22}", _RED),
        *([_line(detail, "16", _GREY)] if detail and detail != title else []),
        _line(code, "13", _GREY),
    ]
    words = lines[0]
    for line in lines[1:]:
        words = words.join(line, "vertical", expand=True, shim=14, background=_PAPER, align="low")
    height = words.height + 2 * _MARGIN
    paper = words.embed(_MARGIN, _MARGIN, _WIDTH, height, extend="background", background=_PAPER)
    framed = paper.embed(
        _EDGE, _EDGE, _WIDTH + 2 * _EDGE, height + 2 * _EDGE, extend="background", background=_RED
    )
    return bytes(framed.copy(interpretation="srgb").pngsave_buffer(keep="none"))


def _line(text: str, font: str, ink: tuple[int, int, int]) -> VipsImage:
    """Words in one colour on the paper, broken where they would leave it. Text is text, never markup."""
    shown = "".join(c if c.isprintable() else "�" for c in text[:_MOST]) or " "
    mask = pyvips.Image.text(
        escape(shown), font=f"sans {font}", dpi=72, width=_WIDTH - 2 * _MARGIN, wrap="word-char"
    )
    return mask.ifthenelse(list(ink), list(_PAPER), blend=True).cast("uchar")
