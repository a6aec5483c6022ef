"""How near a picture is to its original."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pyvips
from ssimulacra2 import compute_ssimulacra2

WINDOW = 384
"""Pixels of a side that are compared, from the middle: a comparison takes longer than many renders."""


@dataclass
class Judge:
    """SSIMULACRA2 of pictures against their originals, which are decoded whole for it."""

    folder: Path
    """Of its own files."""
    _wanted: dict[tuple[Path, int, int, bool], Any] = field(default_factory=dict)
    _found: dict[tuple[Path, bytes, bool], float] = field(default_factory=dict)
    """By photograph and picture: servers of one make answer with the same bytes."""

    def near(self, photo: Path, body: bytes, *, linear: bool = False) -> float:
        """Points of the middle of a picture. 100 is the same, 90 hardly to be told apart, 70 good.

        The original is scaled with Lanczos 3 on its values as they are, as image servers do, or in light.
        """
        known = photo, sha256(body).digest(), linear
        if known not in self._found:
            self._found[known] = self._compared(photo, body, linear)
        return self._found[known]

    def _compared(self, photo: Path, body: bytes, linear: bool) -> float:
        picture = pyvips.Image.new_from_buffer(body, "").colourspace("srgb")
        key = photo, picture.width, picture.height, linear
        if key not in self._wanted:
            self._wanted[key] = _middle(_scaled(*key)).copy_memory()
        for image, name in ((self._wanted[key], "wanted.png"), (_middle(picture), "seen.png")):
            image.pngsave(str(self.folder / name), compression=1)
        return float(compute_ssimulacra2(str(self.folder / "wanted.png"), str(self.folder / "seen.png")))


def _scaled(photo: Path, width: int, height: int, linear: bool) -> Any:
    image = pyvips.Image.new_from_file(str(photo)).autorot()
    if linear:
        image = image.colourspace("scrgb")
    return image.resize(width / image.width, vscale=height / image.height).colourspace("srgb").cast("uchar")


def _middle(image: Any) -> Any:
    width, height = min(WINDOW, image.width), min(WINDOW, image.height)
    return image.crop((image.width - width) // 2, (image.height - height) // 2, width, height)
