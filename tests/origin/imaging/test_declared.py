"""Every declaration in pixels, on a still and on an animation, in its own and in the canonical spelling."""

from __future__ import annotations

import functools
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import pyvips

from origin.imaging import worker
from origin.imaging.model import FORMATS, Job, Limits, Rendered, Source
from tests.origin.imaging.rendering import own_fonts
from tests.support.declared import DOT, SERVED, STILL, STILL_ONLY, TOGETHER, Row
from tests.support.pictures import (
    Colour,
    assert_close_colour,
    card,
    difference,
    frames_of,
    pixel,
    plain,
    transparent,
)
from urlspec.declare import Argument
from urlspec.parse import parse
from urlspec.pipeline import PIPELINE
from urlspec.presets import Presets
from urlspec.sources import AssetRef, SourceRef

PRESETS = Presets.from_toml('[presets]\nhalf = "w_60/pad_10,b_$1"\n')
LIMITS = Limits(accept=frozenset({*FORMATS, "svg"}))
"""The drawing is an SVG."""
FRAMES = 3
WIDTH, HEIGHT = 120, 80


# The sources that rows name -------------------------------------------------------------------------------

HALVES = {
    "dark": ((60, 60, 60), (60, 60, 60)),
    "dull": ((60, 60, 60), (180, 180, 180)),
    "cast": ((40, 20, 20), (255, 220, 200)),
    "edge": ((100, 100, 100), (150, 150, 150)),
    "speck": ((100, 100, 100), (200, 200, 200)),
}
"""Left and right; the speck has a pixel in each half that is off by 15."""
DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80">
<rect width="120" height="80" fill="rgb(220,40,40)"/></svg>"""


@functools.cache
def picture(name: str) -> bytes:
    match name:
        case "card":
            return card(WIDTH, HEIGHT)
        case "glass":
            return transparent(WIDTH, HEIGHT)
        case "film":
            return film("card")
        case "drawing":
            return DRAWING
        case "wide":
            return bytes(opened(plain(WIDTH, HEIGHT, (230, 20, 20))).pngsave_buffer(profile="p3"))
        case "shining":
            lit = (opened(card()).colourspace("scrgb") * 4).cast("float").copy(interpretation="scrgb")
            return bytes(lit.uhdrsave_buffer(Q=95))
        case "signed":
            image = opened(card()).copy()
            image.set_type(
                pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Somebody (Somebody, ASCII, 9 components)"
            )
            return bytes(image.jpegsave_buffer(Q=95, subsample_mode="off"))
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2], pixels[:, WIDTH // 2 :] = HALVES[name]
    if name == "speck":
        pixels[20, 20], pixels[20, 80] = 115, 185
    return bytes(pyvips.Image.new_from_array(pixels).pngsave_buffer())


def opened(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "")


@functools.cache
def frame(name: str, number: int) -> bytes:
    """A frame of the animation of a picture: as it is, mirrored, and upside down with its bands exchanged."""
    image = opened(picture(name))
    if number == 1:
        image = image.fliphor()
    elif number == 2:
        bands = image.bandsplit()
        image = bands[1].bandjoin([bands[2], bands[0], *bands[3:]]).flipver().copy(interpretation="srgb")
    return bytes(image.pngsave_buffer())


def film(name: str) -> bytes:
    return moving([frame(name, number) for number in range(FRAMES)])


@functools.cache
def with_grey(name: str) -> bytes:
    """A picture twice, and between them a frame that is grey all over."""
    return moving([frame(name, 0), plain(WIDTH, HEIGHT, (120, 120, 120)), frame(name, 0)])


def moving(frames: list[bytes]) -> bytes:
    strip = pyvips.Image.arrayjoin([opened(data) for data in frames], across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)
    strip.set_type(pyvips.GValue.array_int_type, "delay", [40, 80, 120])
    return bytes(strip.webpsave_buffer(lossless=True))


# Rendering ------------------------------------------------------------------------------------------------


def rendered(url: str, source: bytes, folder: Path) -> Rendered:
    """``url`` without its source, in which ``dot`` is the layer."""
    own_fonts()
    request = parse(f"{url}/cat", PRESETS)
    sources: dict[SourceRef, Source] = {}
    for name, data in {"cat": source, "dot": plain(20, 10, DOT)}.items():
        file = folder / sha256(data).hexdigest()  # libvips remembers what it read under a name
        file.write_bytes(data)
        sources[AssetRef(name)] = Source(str(file))
    return worker.render(Job(request, sources, limits=LIMITS))


def canonical(url: str) -> str:
    """Another spelling of the same; itself again when it is spelled canonically."""
    request = parse(f"{url}/cat", PRESETS)
    text = request.canonical()
    again = parse(text, PRESETS)
    assert (again, again.canonical()) == (request, text), url
    return text.removesuffix("/cat")


def check(row: Row, made: Rendered) -> None:
    assert (made.width, made.height) == row.size
    found = {place: pixel(made.body, *place) for place in row.places}
    for place, colour in row.places.items():
        assert_close_colour(seen(found[place]), seen(colour), row.tolerance)
    assert row.holds(made)


def seen(colour: Colour) -> Colour:
    """Grey as its three bands, alpha always there, and no colour where nothing is seen."""
    full = colour * 3 if len(colour) == 1 else colour
    full = (*full, 255) if len(full) == 3 else full
    return full if full[3] else (0, 0, 0, 0)


def lossless(row: Row, name: str) -> str:
    return f"/{row.chain}" if "f_" in row.chain else f"/{row.chain},f_{name},q_lossless"


ROWS = [
    pytest.param(kind, row, id=f"{kind.__name__}-{row.chain}") for kind, rows in STILL.items() for row in rows
]


@pytest.mark.parametrize("kind", PIPELINE, ids=lambda kind: kind.__name__)
def test_every_declaration_has_its_rows(kind: type[Argument]) -> None:
    assert (kind in STILL) != (kind in SERVED), "nothing in tests/support/declared.py shows what it does"
    rows = STILL.get(kind, ())
    spelled = [f"{kind.key}_{word}" for word in kind.words or (kind.word,)]
    chains = [row.chain for row in rows] or [SERVED[kind][0]]
    assert any(text in chain for text in spelled for chain in chains), "its own rows do without it"
    assert [parse(f"/{row.chain}/cat", PRESETS).warnings for row in rows] == [()] * len(rows)


@pytest.mark.parametrize(("kind", "row"), ROWS)
def test_stills(kind: type[Argument], row: Row, tmp_path: Path) -> None:
    url = lossless(row, "png")
    made = rendered(url, picture(row.source), tmp_path)
    check(row, made)
    again = rendered(canonical(url), picture(row.source), tmp_path)
    assert again.body == made.body, "the canonical spelling gives something else"


@pytest.mark.parametrize(
    ("kind", "row"), [row for row in ROWS if row.values[0] not in {*STILL_ONLY, *TOGETHER}]
)
def test_every_frame_looks_as_it_does_alone(kind: type[Argument], row: Row, tmp_path: Path) -> None:
    url = lossless(row, "webp")
    made = rendered(url, film(row.source), tmp_path)
    if made.format == "jpeg":  # the first frame stands for all
        check(row, made)
        return
    assert made.frames == FRAMES
    alone = [rendered(url, frame(row.source, number), tmp_path).body for number in range(FRAMES)]
    check(row, made)
    if frames_of(made.body) == 1:  # a WebP keeps frames that are alike as one
        assert difference(shown(alone[0]), shown(alone[1])).max == difference(*map(shown, alone[1:])).max == 0
        return
    assert opened(made.body).get("delay") == [40, 80, 120]
    for number in range(FRAMES):
        apart = difference(shown(made.body, number), shown(alone[number]))
        assert apart.mean < 0.5, f"frame {number}"
        assert apart.max < 10, f"frame {number}"  # a WebP that moves has alpha, which counts when it shrinks


@pytest.mark.parametrize(("kind", "row"), [row for row in ROWS if row.values[0] in TOGETHER])
def test_some_things_are_looked_for_in_all_frames(kind: type[Argument], row: Row, tmp_path: Path) -> None:
    made = rendered(lossless(row, "webp"), with_grey(row.source), tmp_path)
    assert (made.width, made.height, frames_of(made.body)) == (*row.size, FRAMES)
    assert_close_colour(seen(pixel(made.body, 60, 40, page=1)), seen(TOGETHER[kind]), row.tolerance)


def shown(data: bytes, page: int = 0) -> bytes:
    """One frame as sRGB with alpha, without the colour of what is not seen."""
    image = pyvips.Image.new_from_buffer(data, f"[page={page}]" if page else "").colourspace("srgb")
    image = image if image.hasalpha() else image.bandjoin(255)
    return bytes((image[3] == 0).ifthenelse([0, 0, 0, 0], image).cast("uchar").pngsave_buffer())


def test_no_word_is_left_for_what_is_not_there() -> None:
    assert set(STILL_ONLY) | set(TOGETHER) <= set(STILL)
    assert all(STILL_ONLY.values())
