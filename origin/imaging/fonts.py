"""Which fonts there are, and which of them draws what: read from the font files themselves.

libvips hands any family to fontconfig, which silently takes another one for a name it does not know; who
asks for a font that is not installed is told so. Workers read no configuration of the machine or its
user but ours, so the same fonts draw the same text everywhere.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from origin.imaging.fontfile import covered, families_of
from urlspec.texts import visible

FALLBACK: Final = "DejaVu Sans"
"""Named for a family that is not installed where none of the usual ones is either."""

_GENERIC: Final[Mapping[str, tuple[str, ...]]] = {
    "sans": ("DejaVu Sans", "Noto Sans", "Liberation Sans"),
    "serif": ("DejaVu Serif", "Noto Serif", "Liberation Serif"),
    "monospace": ("DejaVu Sans Mono", "Noto Sans Mono", "Liberation Mono"),
}
"""Generic families, and what they mean here: the first that is installed."""

_PACKAGES: Final = (
    ("fonts-noto-color-emoji", ((0x1F000, 0x1FAFF), (0x2600, 0x27BF))),
    ("fonts-noto-cjk", ((0x2E80, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x323AF))),
    ("fonts-noto-core", ((0, 0x10FFFF),)),
)
"""Debian's packages by the characters that they show, the first that does."""

_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FONTS: Final = 20_000

_CONFIGURATION: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
{folders}
  <cachedir>/var/cache/fontconfig</cachedir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <match target="pattern">
    <test name="family"><string>emoji</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Noto Color Emoji</string></edit>
  </match>
  <match target="font">
    <test name="outline" compare="eq"><bool>false</bool></test>
    <edit name="pixelsizefixupfactor" mode="assign">
      <divide><name target="pattern">pixelsize</name><name target="font">pixelsize</name></divide>
    </edit>
    <edit name="matrix" mode="assign">
      <times>
        <name>matrix</name>
        <matrix>
          <name>pixelsizefixupfactor</name><double>0</double>
          <double>0</double><name>pixelsizefixupfactor</name>
        </matrix>
      </times>
    </edit>
    <edit name="size" mode="assign">
      <divide><name>size</name><name>pixelsizefixupfactor</name></divide>
    </edit>
  </match>
</fontconfig>
"""
"""Colour emoji are pictures of one size, which nothing but the last rule scales to that of the text."""


def configuration(extra: str | None = None) -> str:
    """A fontconfig file: the folders that :func:`installed` reads, and how to match what they hold."""
    folders = [*_system_folders(), *([extra] if extra else [])]
    return _CONFIGURATION.format(folders="\n".join(f"  <dir>{escape(folder)}</dir>" for folder in folders))


def system_fonts() -> str:
    """A fingerprint of the system's fonts: other fonts may write the same text in another way."""
    files = sorted(f"{file.name}:{file.stat().st_size}" for file in _files(_system_folders()))
    return hashlib.sha256("\n".join(files).encode()).hexdigest()[:16]


def installed(extra: str | None = None) -> Mapping[str, str]:
    """Family names by their case-folded form: the system's folders, and ``extra``."""
    system = _families_in(*_system_folders())
    return {**_families_in(extra), **system} if extra else system


def family_for(wanted: str, extra: str | None = None) -> str:
    """The installed family that draws what is asked for as ``wanted``."""
    known = installed(extra)
    name = wanted.casefold()
    if name in known:
        return known[name]
    usual = _GENERIC.get(name, _GENERIC["sans"])
    return next((one for one in usual if one.casefold() in known), min(known.values(), default=FALLBACK))


def remarks(family: str, text: str, extra: str | None = None) -> Iterator[str]:
    """What to tell about a text: a family that is not installed, characters that no font shows."""
    known = installed(extra)
    if family.casefold() not in known and family.casefold() not in _GENERIC:
        yield f"the font {family!r} is not installed here; {family_for(family, extra)} is used"
    if text.isascii() and known:
        return
    shown = _shown_by(*_system_folders(), *([extra] if extra else []))
    lacking = [one for one in dict.fromkeys(text) if visible(one) and not _shows(shown, ord(one))]
    if lacking:
        packages = " and ".join(dict.fromkeys(_package(ord(one)) for one in lacking))
        yield (
            f"no font here shows {''.join(lacking[:10])}: boxes are drawn. "
            f"On Debian {packages} would do, or a font in ORIGIN_FONTS"
        )


def _shows(shown: Mapping[int, int], code: int) -> bool:
    return bool(shown.get(code >> 8, 0) >> (code & 0xFF) & 1)


def _package(code: int) -> str:
    return next(name for name, ranges in _PACKAGES if any(low <= code <= high for low, high in ranges))


@functools.lru_cache(maxsize=8)
def _shown_by(*folders: str) -> Mapping[int, int]:
    """All characters of all fonts, as bits by the upper part of the code."""
    shown: dict[int, int] = {}
    for file in _files(folders):
        for first, last in covered(file):
            for page in range(first >> 8, (last >> 8) + 1):
                low, high = max(first - (page << 8), 0), min(last - (page << 8), 0xFF)
                shown[page] = shown.get(page, 0) | ((1 << (high + 1)) - (1 << low))
    return shown


@functools.lru_cache(maxsize=8)
def _families_in(*folders: str) -> Mapping[str, str]:
    """Read once in a process: a thousand fonts take a third of a second."""
    return {family.casefold(): family for file in _files(folders) for family in families_of(file)}


def _system_folders() -> list[str]:
    """Where fontconfig looks, unless it is told otherwise."""
    home = Path.home()
    shared = os.environ.get("XDG_DATA_HOME", str(home / ".local/share"))
    return ["/usr/share/fonts", "/usr/local/share/fonts", str(home / ".fonts"), f"{shared}/fonts"]


def _files(folders: Sequence[str]) -> Iterator[Path]:
    found = 0
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in sorted(names):
                if Path(name).suffix.lower() in _SUFFIXES and found < _MOST_FONTS:
                    found += 1
                    yield Path(parent, name)
