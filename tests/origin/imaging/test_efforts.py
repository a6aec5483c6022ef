"""How much work an encoder takes over a picture, and what is called a draft."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import pyvips

from origin.imaging import worker
from origin.imaging.efforts import Diligence, effort
from origin.imaging.model import Accept, Job, Rendered, Source
from urlspec.parse import parse
from urlspec.sources import AssetRef

SIXTEEN_HUNDRED = 1_600 * 1_067


@pytest.mark.parametrize(
    ("name", "pixels", "hurried", "usual", "thorough"),
    [
        ("jpeg", 300_000, 0, 1, 1),
        ("png", 300_000, 2, 6, 6),
        ("webp", 300_000, 0, 2, 2),
        ("avif", 90_000, 0, 2, 2),
        ("avif", 300_000, 0, 1, 3),
        ("avif", SIXTEEN_HUNDRED, 0, 0, 3),
        ("avif", 16_000_000, 0, 0, 1),
        ("gif", 300_000, 0, 0, 0),
    ],
)
def test_efforts(name: str, pixels: int, hurried: int, usual: int, thorough: int) -> None:
    assert effort(name, pixels, "hurried") == hurried
    assert effort(name, pixels) == effort(name, pixels, "usual") == usual
    assert effort(name, pixels, "thorough") == thorough


@pytest.fixture(scope="module")
def photo(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    pyvips.Image.thumbnail(str(corpus / "photos/saw-workbench-6mp.jpg"), 460).pngsave(
        str(path), compression=9, filter="all"
    )
    return path


def made(photo: Path, chain: str, accept: Accept, diligence: Diligence, goal: Diligence) -> Rendered:
    job = Job(parse(f"/{chain}/cat"), {AssetRef("cat"): Source(str(photo))}, accept)
    return worker.render(replace(job, diligence=diligence, goal=goal))


@pytest.mark.parametrize(
    ("chain", "accept", "name", "hurried_is_draft", "usual_is_draft"),
    [
        ("w_400,f_auto", "avif", "avif", True, True),
        ("w_400,f_avif", "jpeg", "avif", True, True),
        ("w_300,f_auto", "avif", "avif", True, False),
        ("w_400,f_auto", "webp", "webp", True, False),
        ("w_400,f_auto", "jpeg", "jpeg", True, False),
        ("w_400,f_png", "jpeg", "png", True, False),
        ("w_400,f_webp,q_lossless", "jpeg", "webp", True, False),
        ("w_400,f_gif", "jpeg", "gif", False, False),
        ("w_400,f_json", "jpeg", "json", False, False),
    ],
)
def test_what_more_work_would_have_made_smaller_is_a_draft(
    photo: Path, chain: str, accept: Accept, name: str, hurried_is_draft: bool, usual_is_draft: bool
) -> None:
    hurried, usual, thorough = (
        made(photo, chain, accept, diligence, "thorough") for diligence in ("hurried", "usual", "thorough")
    )
    assert {hurried.format, usual.format, thorough.format} == {name}
    assert [one.draft for one in (hurried, usual, thorough)] == [hurried_is_draft, usual_is_draft, False]
    assert made(photo, chain, accept, "usual", "usual").body == usual.body
    if hurried_is_draft:
        assert len(hurried.body) > len(usual.body)
    if usual_is_draft:
        assert len(usual.body) > len(thorough.body)
    else:
        assert usual.body == thorough.body


def test_the_source_that_is_sent_itself_is_no_draft(photo: Path) -> None:
    sent = made(photo, "w_460", "jpeg", "hurried", "usual")
    assert ("X-Passthrough", "smaller") in sent.headers
    assert not sent.draft
