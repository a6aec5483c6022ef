"""The gallery shows every declaration, and cannot be published with an example that is dead."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from origin.commands.gallery import BASES, PAGE, PICTURES, DeadExample, _updated
from origin.commands.gallery_examples import Shown, examples
from tests.support.pictures import noise
from urlspec.arguments.geometry import Width
from urlspec.pipeline import PIPELINE

DOCS = Path(__file__).resolve().parents[3] / "docs"
LARGEST = 800_000
"""Bytes of all pictures together: readers load them all."""


def shown(*chains: str) -> list[Shown]:
    return [Shown(chain, "cat", Width) for chain in chains]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the sources of the published gallery."""
    pictures = tmp_path / PICTURES
    pictures.mkdir()
    for id, (_, _, suffix) in BASES.items():
        shutil.copy(DOCS / PICTURES / f"{id}.{suffix}", pictures)
    return tmp_path


def test_every_declaration_is_shown() -> None:
    page = (DOCS / PAGE).read_text()
    kinds = {one.kind for one in examples()}
    assert kinds == set(PIPELINE)
    first = {one.kind: one for one in reversed(list(examples()))}
    assert all(first[kind].chain == kind.example for kind in PIPELINE)
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert set(headings) == {kind.group for kind in PIPELINE}


def test_the_published_page_and_its_pictures_belong_together() -> None:
    named = set(re.findall(r'src="gallery/([^"]+)"', (DOCS / PAGE).read_text()))
    there = {path.name: path.stat().st_size for path in (DOCS / PICTURES).iterdir()}
    assert named <= set(there)
    assert set(there) - named <= {f"{id}.{suffix}" for id, (_, _, suffix) in BASES.items()}
    assert sum(there.values()) <= LARGEST


def test_dead_examples_are_all_named(folder: Path) -> None:
    chains = ("w_9", "w_0", "e_nonsense", "g_north", "pg_9", "d_logo/w_7")
    with pytest.raises(DeadExample) as caught:
        asyncio.run(_updated(folder, shown(*chains), write=True))
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["/w_0/cat", "/e_nonsense/cat", "/g_north/cat", "/pg_9/cat"]
    assert not (folder / PAGE).exists()


def test_only_what_shows_something_else_is_stale(folder: Path) -> None:
    three = shown("w_90", "w_80,e_negate", "l_text:DejaVu%20Sans_20:Hi")
    page, pictures = folder / PAGE, folder / PICTURES
    wide, negative, text = (
        pictures / name for name in ("w-90.webp", "w-80-e-negate.webp", "l-text-dejavu-sans-20-hi.webp")
    )
    assert asyncio.run(_updated(folder, three, write=True)) == sorted([page, wide, negative, text])
    assert "480 × 320 → 90 × 60, image/jpeg" in page.read_text()
    # Another encoder's bytes of the same picture, other letters, another picture, one too many, another word.
    wide.write_bytes(wide.read_bytes() + b"\0")
    text.write_bytes(noise(240, 160, ".webp"))
    negative.write_bytes(wide.read_bytes())
    (pictures / "old.webp").write_bytes(b"")
    page.write_text(page.read_text().replace("90 × 60", "90 × 61"))
    changed = sorted([page, negative, pictures / "old.webp"])
    assert asyncio.run(_updated(folder, three, write=True)) == changed
    assert asyncio.run(_updated(folder, three, write=False)) == []
