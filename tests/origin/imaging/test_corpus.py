"""Real files: what must work looks like what libvips alone makes of it, what cannot is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from origin.errors import ImageCorrupt, ImageError, OriginError, UnsupportedMedia
from origin.imaging.sniff import sniff
from tests.origin.imaging.rendering import render

FORMATS = frozenset({"jpeg", "png", "webp", "gif", "avif", "tiff"})
FOLDERS = ("formats/", "orientation/", "colour/", "iiif/")


def small(data: bytes) -> NDArray[np.int16]:
    """On white, sRGB, 8 bit, 3 bands."""
    image = pyvips.Image.new_from_buffer(data, "")
    image = image.colourspace("srgb")
    image = image.flatten(background=255) if image.hasalpha() else image
    return np.asarray(image.cast("uchar").numpy()).astype(np.int16)


def expected(path: Path, width: int, height: int) -> NDArray[np.int16]:
    """What libvips' own thumbnail gives, at the same size."""
    image = pyvips.Image.thumbnail(
        str(path), width, height=height, size="force", fail_on="error", output_profile="srgb"
    )
    image = image.colourspace("srgb")
    image = image.flatten(background=255) if image.hasalpha() else image
    return np.asarray(image.cast("uchar").numpy()).astype(np.int16)


@pytest.fixture(scope="module")
def good(corpus: Path, corpus_files: list[dict[str, Any]]) -> list[Path]:
    """Files that must decode, of formats that this build reads."""
    paths = [
        corpus / entry["path"]
        for entry in corpus_files
        if entry["expected"] == "decode-ok"
        and entry["path"].startswith(FOLDERS)
        and entry["checked"]["libvips"] == "ok"
        and entry["width"] * entry["height"] < 4_000_000
        and "pyramid" not in entry["path"]  # libvips' thumbnail takes another of its pictures
    ]
    return [path for path in paths if sniff(path.read_bytes()[:512]) in FORMATS]


@pytest.mark.parametrize("output", ["png", "jpg,q_95:444", "webp,q_lossless", "avif,q_90:444"])
def test_good_files_look_right(good: list[Path], output: str) -> None:
    assert len(good) > 80
    failures = []
    for path in good if output == "png" else good[::2]:
        rendered = render(f"/w_48,h_48,f_{output}", path)
        found, wanted = small(rendered.body), expected(path, rendered.width, rendered.height)
        assert found.shape == wanted.shape, path
        error = float(np.abs(found - wanted).mean())
        if error > (4 if output == "png" else 8):
            failures.append(f"{path.parent.name}/{path.name}: off by {error:.1f}")
    assert not failures, "\n".join(failures)


def test_good_files_have_the_shape_that_is_shown(good: list[Path]) -> None:
    for path in good:
        upright = pyvips.Image.new_from_file(str(path)).autorot()
        rendered = render("/c_scale,w_60,f_jpg", path)
        assert abs(rendered.height - max(1, 60 * upright.height / upright.width)) <= 0.51, path


def test_the_orientation_set_is_all_alike(corpus: Path) -> None:
    for name in ("Landscape", "Portrait"):
        upright = small(render("/w_60,h_60,f_png", corpus / f"orientation/{name}_1.jpg").body)
        for orientation in range(2, 9):
            turned = small(render("/w_60,h_60,f_png", corpus / f"orientation/{name}_{orientation}.jpg").body)
            assert turned.shape == upright.shape
            # Each file was drawn with its own number in it.
            assert np.abs(turned - upright).mean() < 8, (name, orientation)


def test_what_this_build_cannot_read_is_named(corpus: Path, corpus_files: list[dict[str, Any]]) -> None:
    seen = 0
    for entry in corpus_files:
        path = corpus / entry["path"]
        if not entry["path"].startswith("formats/") or sniff(path.read_bytes()[:512]) in FORMATS:
            continue
        with pytest.raises(UnsupportedMedia):
            render("/w_9", path)
        seen += 1
    assert seen > 25


def test_nothing_in_the_corpus_is_our_fault(corpus: Path, corpus_files: list[dict[str, Any]]) -> None:
    """Cut short, corrupt, mislabelled, oversized, old crashers: a picture, or a refusal of the file."""
    rejected = 0
    for entry in corpus_files:
        if not entry["path"].startswith("malformed/"):
            continue
        try:
            rendered = render("/w_40,h_40,f_webp", corpus / entry["path"])
        except (ImageError, UnsupportedMedia):
            rejected += 1
            continue
        except OriginError as error:  # pragma: no cover - what the test is for
            raise AssertionError(entry["path"]) from error
        assert entry["expected"] != "reject", entry["path"]
        assert rendered.body[:4] == b"RIFF"
    assert rejected > 60


def test_cut_photographs_are_no_pictures(corpus: Path, tmp_path: Path) -> None:
    for name in ("saw-workbench-6mp.jpg", "screenshot-ci-log-4mp.png"):
        data = (corpus / "photos" / name).read_bytes()
        file = tmp_path / name
        file.write_bytes(data[: len(data) * 9 // 10])
        with pytest.raises(ImageCorrupt):
            render("/w_320,f_webp", file)
