"""The pictures the tests stand on are what they say."""

from __future__ import annotations

import pytest

from tests.support import pictures

PLACES = {
    "north_west": (3, 3, pictures.NORTH_WEST),
    "north_east": (-4, 3, pictures.NORTH_EAST),
    "south_west": (3, -4, pictures.SOUTH_WEST),
    "south_east": (-4, -4, pictures.SOUTH_EAST),
    "centre": (60, 40, pictures.CENTRE),
}


def assert_upright_card(data: bytes, tolerance: int = 12) -> None:
    assert pictures.size_of(data) == (120, 80)
    for x, y, colour in PLACES.values():
        pictures.assert_close_colour(pictures.pixel(data, x, y)[:3], colour, tolerance)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tif", ".gif"])
def test_card_in_every_format(suffix: str) -> None:
    data = pictures.card(suffix=suffix)
    assert "." + pictures.format_of(data) == suffix.replace(".tif", ".tiff")
    assert_upright_card(data)
    assert pictures.card(suffix=suffix) is data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_oriented_shows_the_same_card(orientation: int) -> None:
    data = pictures.oriented(orientation)
    assert_upright_card(data)
    stored = pictures.decode(data, orient=False)
    assert stored.shape[:2] == ((80, 120) if orientation < 5 else (120, 80))
    assert pictures.difference(data, pictures.card(suffix=".jpg")).mean < 2


def test_oriented_stores_eight_different_pictures() -> None:
    assert len({pictures.decode(pictures.oriented(n), orient=False).tobytes() for n in range(1, 9)}) == 8


@pytest.mark.parametrize("suffix", [".png", ".webp", ".avif", ".tif"])
def test_transparent(suffix: str) -> None:
    data = pictures.transparent(suffix=suffix)
    alphas = [pictures.pixel(data, x, 3)[3] for x in (3, 59, -4)]
    assert alphas == pytest.approx([255, 128, 0], abs=3)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animated(suffix: str) -> None:
    data = pictures.animated(frames=4, suffix=suffix)
    assert (pictures.size_of(data), pictures.frames_of(data)) == ((40, 30), 4)
    assert pictures.header(data).get("delay") == [100] * 4
    for index in range(4):
        pictures.assert_close_colour(pictures.pixel(data, 5, 5, page=index)[:3], pictures.frame_colour(index))


def test_frames_have_their_own_colours() -> None:
    assert len({pictures.frame_colour(index) for index in range(60)}) == 60


def test_unusual_kinds() -> None:
    assert pictures.header(pictures.png16()).format == "ushort"
    assert_upright_card(pictures.png16(), tolerance=1)
    assert pictures.header(pictures.cmyk()).interpretation == "cmyk"
    assert_upright_card(pictures.cmyk(), tolerance=60)
    assert pictures.header(pictures.grayscale()).bands == 1
    assert pictures.header(pictures.progressive()).get("interlaced") == 1
    assert len(pictures.noise(200, 200)) > 20_000


def test_difference_counts() -> None:
    assert pictures.difference(pictures.card(), pictures.card(suffix=".webp")) == (0, 0.0)
    red, black = (pictures.plain(9, 9, colour) for colour in ((255, 0, 0), (0, 0, 0)))
    assert pictures.difference(red, black) == (255, 85.0)
