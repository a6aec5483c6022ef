"""The photographs that are measured."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def corpus() -> Path:
    """The folder of test pictures: ``ORIGIN_CORPUS``, else where it lies beside the project."""
    folder = Path(os.environ.get("ORIGIN_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        sys.exit("set ORIGIN_CORPUS to a folder with photos/ in it")
    return folder


def photos(*, progressive: bool) -> list[Path]:
    """The corpus photographs that are JPEG, baseline or progressive."""
    files = json.loads((corpus() / "MANIFEST.json").read_text())["files"]
    return [
        corpus() / entry["path"]
        for entry in files
        if entry["path"].startswith("photos/")
        and entry["format"] == "JPEG"
        and entry["detail"].startswith("progressive") == progressive
    ]


def copies(photo: Path, folder: Path, rounds: int) -> list[Path]:
    """The same photograph under other names, so that nothing kept of one serves another."""
    made = []
    for number in range(rounds):
        target = folder / f"{photo.stem}-{number}{photo.suffix}"
        shutil.copyfile(photo, target)
        made.append(target)
    return made


def busy(photo: Path, folder: Path) -> Path:
    """A photograph with a sensor's noise at high quality: what cameras write, where the corpus is mild."""
    import pyvips

    target = folder / f"busy-{photo.stem}.jpg"
    image = pyvips.Image.new_from_file(str(photo))
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=9, seed=1)
    (image + noise).cast("uchar").copy(interpretation="srgb").jpegsave(str(target), Q=96)
    return target
