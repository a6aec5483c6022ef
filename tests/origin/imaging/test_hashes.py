"""ThumbHash, BlurHash and palettes against what their definitions say must be in them."""

from __future__ import annotations

import pytest

from origin.imaging.hashes import blurhash, dominant, palette, thumbhash
from origin.imaging.icc import is_srgb

Pixel = tuple[float, float, float, float]


def flat(width: int, height: int, colour: Pixel) -> list[Pixel]:
    return [colour] * (width * height)


def average(made: bytes) -> Pixel:
    """As the definition reads the average colour back."""
    header = int.from_bytes(made[:3], "little")
    luma = (header & 63) / 63
    yellow = ((header >> 6) & 63) / 31.5 - 1
    red = ((header >> 12) & 63) / 31.5 - 1
    alpha = (made[5] & 15) / 15 if header >> 23 else 1.0
    blue_part = luma - 2 / 3 * yellow
    red_part = (3 * luma - blue_part + red) / 2
    return red_part, red_part - red, blue_part, alpha


@pytest.mark.parametrize(
    "colour", [(1.0, 0.0, 0.0, 1.0), (0.2, 0.6, 0.4, 1.0), (0.5, 0.5, 0.5, 1.0), (0.2, 0.3, 0.9, 0.5)]
)
def test_thumbhash_holds_the_average_colour(colour: Pixel) -> None:
    found = average(thumbhash(20, 12, flat(20, 12, colour)))
    assert found == pytest.approx(colour, abs=0.06)


@pytest.mark.parametrize(("width", "height"), [(100, 100), (100, 50), (40, 100), (100, 14)])
def test_thumbhash_holds_the_ratio(width: int, height: int) -> None:
    made = thumbhash(width, height, flat(width, height, (0.5, 0.5, 0.5, 1.0)))
    flags = int.from_bytes(made[3:5], "little")
    landscape, count = flags >> 15, flags & 7
    ratio = (7 / count) if landscape else (count / 7)
    assert landscape == (width > height)
    assert ratio == pytest.approx(width / height, rel=0.2)


def test_thumbhash_tells_left_from_right() -> None:
    half = [(float(x >= 10), float(x >= 10), float(x >= 10), 1.0) for _ in range(20) for x in range(20)]
    assert thumbhash(20, 20, half) != thumbhash(20, 20, half[::-1])
    # The first luma term is the slope from left to right: dark to bright is negative, so below the middle.
    assert thumbhash(20, 20, half)[5] & 15 == 0
    assert thumbhash(20, 20, half[::-1])[5] & 15 == 15


def test_thumbhash_of_full_transparency() -> None:
    assert average(thumbhash(9, 9, flat(9, 9, (1.0, 0.0, 0.0, 0.0))))[3] == 0


_BASE83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def unbase83(text: str) -> int:
    value = 0
    for letter in text:
        value = value * 83 + _BASE83.index(letter)
    return value


@pytest.mark.parametrize(("width", "height", "first"), [(32, 20, "L"), (20, 32, "T")])
def test_blurhash_holds_components_and_average(width: int, height: int, first: str) -> None:
    made = blurhash(width, height, flat(width, height, (200 / 255, 100 / 255, 50 / 255, 1.0)))
    assert made[0] == first
    assert len(made) == 6 + 2 * 11
    assert unbase83(made[2:6]).to_bytes(3, "big") == bytes((200, 100, 50))
    assert unbase83(made[1]) < 12, "a plain picture has hardly any other component"


def test_blurhash_follows_a_slope() -> None:
    pixels = [(x / 31, x / 31, x / 31, 1.0) for _ in range(16) for x in range(32)]
    first = unbase83(blurhash(32, 16, pixels)[6:8])
    assert first // 361 < 9, "brighter to the right is a negative cosine"


def test_palette_counts_what_can_be_seen() -> None:
    pixels = [
        *flat(6, 10, (1.0, 0.0, 0.0, 1.0)),
        *flat(3, 10, (0.0, 0.0, 1.0, 1.0)),
        *flat(9, 10, (0.0, 1.0, 0.0, 0.0)),
    ]
    assert palette(pixels) == ["#ff0000", "#0000ff"]
    assert dominant(pixels) == "#ff0000"
    assert palette(flat(2, 2, (0.0, 0.0, 0.0, 0.0))) == ["#000000"]


def test_profiles_are_srgb_by_their_numbers() -> None:
    import pyvips

    image = pyvips.Image.black(4, 4, bands=3).copy(interpretation="srgb")
    profiles = {}
    for name in ("srgb", "p3"):
        data = image.write_to_buffer(".png", profile=name)
        profiles[name] = bytes(pyvips.Image.new_from_buffer(data, "").get("icc-profile-data"))
    assert is_srgb(profiles["srgb"])
    assert not is_srgb(profiles["p3"])
    assert not is_srgb(profiles["p3"].replace(b"P3", b"sR"))
    for cut in (0, 10, 130, 300, len(profiles["srgb"]) - 200):
        assert isinstance(is_srgb(profiles["srgb"][:cut]), bool)
