"""The demo pictures are what the first page of a new server promises, and its examples work on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from origin.errors import Internal
from origin.imaging import demo, worker
from origin.imaging.model import Job, Source
from tests.support import pictures
from urlspec.parse import parse
from urlspec.request import Request
from urlspec.sources import AssetRef, SourceRef

ROOT = Path(__file__).resolve().parents[3]
IDS = ["landscape", "aurora", "poster", "logo", "orbit"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, demo.Demo]:
    folder = tmp_path_factory.mktemp("demo") / "not" / "there"
    return {picture.id: picture for picture in demo.draw(folder)}


def draw_elsewhere(folder: Path, only: str = "", **environment: str) -> None:
    """Draw in a process of its own; ``only`` the picture of that file name, if one is given."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from origin.imaging import demo\n"
        "demo._PICTURES = [one for one in demo._PICTURES if one[0].startswith(sys.argv[2])]\n"
        "demo.draw(Path(sys.argv[1]))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(folder), only],
        check=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=120,
    )


def body(picture: demo.Demo) -> bytes:
    return picture.path.read_bytes()


# What is drawn ----------------------------------------------------------------------------------------


def test_five_pictures_with_titles(drawn: dict[str, demo.Demo]) -> None:
    assert list(drawn) == IDS
    assert all(picture.title and picture.path.stem == picture.id for picture in drawn.values())
    assert len({picture.title for picture in drawn.values()}) == len(IDS)


@pytest.mark.parametrize(
    ("name", "size", "format_", "bands", "frames"),
    [
        ("landscape", (2400, 1600), "jpg", 3, 1),
        ("aurora", (1600, 1000), "jpg", 3, 1),
        ("poster", (1200, 1600), "png", 3, 1),
        ("logo", (800, 800), "png", 4, 1),
        ("orbit", (480, 360), "webp", 4, 24),  # libvips reads every animated WebP with alpha
    ],
    ids=IDS,
)
def test_shape(
    drawn: dict[str, demo.Demo], name: str, size: tuple[int, int], format_: str, bands: int, frames: int
) -> None:
    data = body(drawn[name])
    assert pictures.size_of(data) == size
    assert pictures.format_of(data) == format_ == drawn[name].path.suffix[1:]
    assert pictures.decode(data).shape[2] == bands
    assert pictures.frames_of(data) == frames


def test_together_they_are_small(drawn: dict[str, demo.Demo]) -> None:
    assert sum(picture.path.stat().st_size for picture in drawn.values()) < 3_000_000


@pytest.mark.parametrize(
    ("name", "colours", "least"),
    [
        ("landscape", 3000, 2e-6),
        ("aurora", 3000, 2e-6),
        ("poster", 6, 1e-3),  # its whole palette
        ("logo", 100, 1e-4),
        ("orbit", 300, 2e-5),
    ],
    ids=IDS,
)
def test_has_colours(drawn: dict[str, demo.Demo], name: str, colours: int, least: float) -> None:
    """Counted in steps of 4, without those that grain or soft edges could make of a flat picture."""
    pixels = pictures.decode(body(drawn[name]))[:, :, :3].astype(int) // 4
    _, counts = np.unique(pixels @ [4096, 64, 1], return_counts=True)
    assert np.count_nonzero(counts > least * pixels.shape[0] * pixels.shape[1]) >= colours


def test_landscape_says_it_is_srgb(drawn: dict[str, demo.Demo]) -> None:
    assert pictures.header(body(drawn["landscape"])).get_typeof("icc-profile-data")


def test_landscape_has_a_sun_and_its_reflection(drawn: dict[str, demo.Demo]) -> None:
    data = body(drawn["landscape"])
    pictures.assert_close_colour(pictures.pixel(data, 1580, 655), (255, 246, 220))
    light = pictures.decode(data).astype(float).mean(axis=2)
    water = light[1140:1560]
    assert water[:, 1480:1680].mean() > water[:, 1000:1200].mean() + 15
    assert light[-1, 0] < 30, "the near shore is dark"


def test_logo_is_transparent_around_and_inside(drawn: dict[str, demo.Demo]) -> None:
    alpha = pictures.decode(body(drawn["logo"]))[:, :, 3]
    corners = [alpha[y, x] for y in (0, -1) for x in (0, -1)]
    assert corners == [0, 0, 0, 0]
    assert alpha[400, 400] == 0
    assert alpha[400, 150] == 255
    between = np.count_nonzero((alpha > 0) & (alpha < 255))
    assert 1000 < between < 10_000, "soft edges, and nothing but edges"


def test_poster_carries_its_two_lines(drawn: dict[str, demo.Demo]) -> None:
    """Ink of each line's own colour reaches over the width that its box allows, and does not fill it."""
    pixels = pictures.decode(body(drawn["poster"])).astype(int)
    for top, bottom, colour in ((960, 1170, (24, 28, 60)), (1190, 1440, (236, 74, 56))):
        ink = np.abs(pixels[top:bottom] - colour).max(axis=2) < 8
        columns = np.flatnonzero(ink.any(axis=0))
        assert columns[0] < 100
        assert columns[-1] > 700
        assert 0.1 < ink[:, 80:1120].mean() < 0.6


# The animation ----------------------------------------------------------------------------------------


def test_orbit_plays_for_ever(drawn: dict[str, demo.Demo]) -> None:
    header = pictures.header(body(drawn["orbit"]))
    assert header.get("delay") == [80] * 24
    assert header.get("loop") == 0


def test_orbit_closes_its_loop(drawn: dict[str, demo.Demo]) -> None:
    """From the last frame to the first is a step like every other, and each step moves something."""
    data = body(drawn["orbit"])
    frames = [pictures.decode(data, page=number).astype(int) for number in range(24)]
    steps = [
        float(np.abs(one - other).mean()) for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)
    ]
    assert all(frame[:, :, 3].min() == 255 for frame in frames)
    assert min(steps) > 0.1
    assert max(steps) < 2 * min(steps)


# Again, and elsewhere ---------------------------------------------------------------------------------


def test_another_process_draws_the_same_pixels(drawn: dict[str, demo.Demo], tmp_path: Path) -> None:
    draw_elsewhere(tmp_path)
    for picture in drawn.values():
        again = (tmp_path / picture.path.name).read_bytes()
        for page in range(pictures.frames_of(again)):
            same = np.array_equal(pictures.decode(body(picture), page), pictures.decode(again, page))
            assert same, f"{picture.id}, frame {page}"


def test_poster_needs_no_font_of_its_own(tmp_path: Path) -> None:
    """With no font installed Pango draws boxes: not pretty, but a poster."""
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>")
    draw_elsewhere(tmp_path / "drawn", only="poster", FONTCONFIG_FILE=str(config))
    assert pictures.size_of((tmp_path / "drawn" / "poster.png").read_bytes()) == (1200, 1600)


def test_what_libvips_cannot_write_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, title, paint, options = demo._PICTURES[3]
    monkeypatch.setattr(demo, "_PICTURES", ((f"{file}.none", title, paint, options),))
    with pytest.raises(Internal, match=r"logo.* could not be drawn"):
        demo.draw(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_examples_need_no_libvips() -> None:
    """The server's own process shows them."""
    program = "import sys; from origin.imaging.demo import EXAMPLES; sys.exit('pyvips' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=60)


# The examples -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("title", "path"), demo.EXAMPLES, ids=[title for title, _ in demo.EXAMPLES])
def test_example_reads_without_a_warning(title: str, path: str) -> None:
    request = parse(path)
    assert title
    assert request.warnings == ()
    assert isinstance(request.source, AssetRef)
    assert request.source.id in IDS


def test_every_picture_has_an_example() -> None:
    shown = " ".join(path for _, path in demo.EXAMPLES)
    assert [name for name in IDS if name not in shown] == []
    assert len(dict(demo.EXAMPLES)) == len({path for _, path in demo.EXAMPLES}) == len(demo.EXAMPLES)


SHOWN = [
    ("/w_600/landscape", (600, 400), "jpeg", 1),
    ("/c_fill,w_300,h_300,g_auto/landscape", (300, 300), "jpeg", 1),
    ("/c_fill,w_200,h_200,rad_max/aurora.png", (200, 200), "png", 1),
    (
        "/w_600/e_grayscale,e_contrast:20/l_logo,w_120,o_70,g_south_east,x_20,y_20/landscape.webp",
        (600, 400),
        "webp",
        1,
    ),
    (
        "/w_600/l_text:DejaVu%20Sans_40_bold:Hello,co_white,g_south,y_30/landscape",
        (600, 400),
        "jpeg",
        1,
    ),
    ("/c_fill,w_400,h_400,g_auto/poster", (400, 400), "png", 1),
    ("/w_300/pad_24,b_white/a_4,b_rgb:20242e,pad_20/poster.png", (418, 511), "png", 1),
    ("/w_240/orbit", (240, 180), "webp", 24),
    ("/w_900,f_auto,q_auto/aurora", (900, 563), "avif", 1),
]
"""Every example, and the size, format and frames of what it gives."""


def test_every_example_is_rendered_here() -> None:
    assert [path for _, path in demo.EXAMPLES] == [path for path, *_ in SHOWN]


@pytest.mark.parametrize(("path", "size", "format_", "frames"), SHOWN, ids=[path for path, *_ in SHOWN])
def test_example_renders(
    drawn: dict[str, demo.Demo], path: str, size: tuple[int, int], format_: str, frames: int
) -> None:
    rendered = worker.render(job(parse(path), drawn))
    assert (rendered.width, rendered.height) == size
    assert rendered.format == format_
    assert rendered.frames == frames


def test_the_square_finds_the_sun(drawn: dict[str, demo.Demo]) -> None:
    rendered = worker.render(job(parse("/c_fill,w_300,h_300,g_auto,f_png/landscape"), drawn))
    brightest = pictures.decode(rendered.body)[:, :, 2].max()
    assert brightest > 210, "only the sun is as light in blue"


def job(request: Request, drawn: dict[str, demo.Demo]) -> Job:
    sources: dict[SourceRef, Source] = {
        ref: Source(str(drawn[ref.id].path)) for ref in request.assets() if isinstance(ref, AssetRef)
    }
    return Job(request, sources, "avif")
