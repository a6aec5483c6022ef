"""Ultra HDR: after whatever was done, the places that shone still shine, and no others."""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from origin.imaging.clean import cleaned
from origin.imaging.gainmap import carries
from origin.imaging.model import Header
from tests.origin.imaging.rendering import render
from tests.support.pictures import Colour, plain

GREY: Colour = (128, 128, 128)
WIDTH, HEIGHT = 240, 160
BOOST = 4.0


@functools.cache
def ultra_hdr() -> bytes:
    """Grey all over, its north-west quarter four times as bright where a screen can."""
    base = pyvips.Image.new_from_buffer(plain(WIDTH, HEIGHT, GREY), "").colourspace("scrgb")
    place = pyvips.Image.xyz(WIDTH, HEIGHT)
    shining = ((place[0] < WIDTH / 2) & (place[1] < HEIGHT / 2)).ifthenelse(BOOST, 1.0)
    lit = (base * shining).cast("float").copy(interpretation="scrgb")
    return bytes(lit.uhdrsave_buffer(Q=95))


def gains(data: bytes) -> str | None:
    """Where the picture shines: ``#`` or ``.`` for nw, ne, sw, se; None without a gain map."""
    image = pyvips.Image.new_from_buffer(data, "")
    if not image.get_typeof("gainmap-data"):
        return None
    shown, lit = image.colourspace("scrgb").copy_memory(), image.uhdr2scRGB().copy_memory()
    assert (lit.width, lit.height) == (image.width, image.height)
    found = []
    for top in (0.25, 0.75):
        for left in (0.25, 0.75):
            at = round(left * image.width), round(top * image.height)
            found.append(np.mean(lit(*at)) / max(np.mean(shown(*at)), 1e-6))
    return "".join("#" if gain > 1.5 else "." for gain in found)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "#..."),
        ("/w_120", "#..."),
        ("/c_scale,w_480", "#..."),
        ("/c_scale,w_100,h_200", "#..."),
        ("/r_90", ".#.."),
        ("/r_180,w_100", "...#"),
        ("/flip_h", ".#.."),
        ("/flip_v/r_90", "#..."),
        ("/c_crop,w_120,h_80", "####"),
        ("/c_crop,w_120,h_80,g_south_east", "...."),
        ("/c_fill,w_80,h_160,g_west", "##.."),
        ("/c_pad,w_240,h_240", "#..."),
        ("/c_pad,w_480,h_160,g_east", ".#.."),
        ("/w_120/pad_100:0:0:0", "..#."),
        ("/bo_20px_solid_white", "#..."),
        ("/e_contrast:10", "#..."),
        ("/w_120,q_auto", "#..."),
        ("/w_120,mb_6000", "#..."),
        ("/w_120,meta_all", "#..."),
        ("/f_auto", "#..."),
        # Where it would lie, or was not wanted
        ("/hdr_off", None),
        ("/e_blur:5", None),
        ("/e_negate", None),
        ("/e_grayscale", None),
        ("/rad_20", None),
        ("/a_20", None),
        ("/l_text:Sans_20:a", None),
    ],
)
def test_the_map_follows_the_picture(url: str, expected: str | None) -> None:
    written = url if "f_auto" in url else f"{url},f_jpg" if url else "/f_jpg"
    rendered = render(written, ultra_hdr())
    assert rendered.format == "jpeg"
    assert gains(rendered.body) == expected


@pytest.mark.parametrize("output", ["webp", "avif", "png"])
def test_other_formats_carry_none(output: str) -> None:
    assert gains(render(f"/w_120,f_{output}", ultra_hdr()).body) is None


def test_a_broken_map_costs_the_map_only() -> None:
    whole = ultra_hdr()
    start = whole.rindex(b"\xff\xd8\xff")
    assert start > 1000, "the map is not the second picture of the file"
    broken = whole[: start + 40] + bytes(len(whole) - start - 40)
    rendered = render("/w_120,f_jpg", broken)
    assert gains(rendered.body) is None
    assert rendered.width == 120


def with_notes(data: bytes) -> bytes:
    """The same file with a place, a name and a comment in it, and a film behind it."""
    block = b"\xff\xe1" + struct.pack(">H", 8 + len(PRIVATE)) + b"Exif\0\0" + PRIVATE
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(PRIVATE)) + PRIVATE
    return data[:2] + block + comment + data[2:] + b"\0\0\0\x18ftypmp42" + PRIVATE


PRIVATE = b"51.5007 N, 0.1246 W, Jane Doe"


def test_originals_keep_their_map_and_lose_what_tells_of_people() -> None:
    data = with_notes(ultra_hdr())
    made = cleaned("jpeg", data)
    assert PRIVATE in data
    assert PRIVATE not in made
    assert gains(made) == "#..."
    assert cleaned("jpeg", made) == made
    assert np.array_equal(picture(made), picture(data))


def picture(data: bytes) -> Any:
    return pyvips.Image.jpegload_buffer(data).numpy()


def test_both_descriptions_name_the_place_of_the_map() -> None:
    made = cleaned("jpeg", with_notes(ultra_hdr()))
    header = made.index(b"MPF\0") + 4
    (length, offset) = struct.unpack_from(">II", made, header + 50 + 16 + 4)
    second = made[header + offset :]
    assert second.startswith(b"\xff\xd8\xff")
    assert len(second) == length
    assert f'Item:Length="{length}"'.encode() in made


def test_ordinary_jpegs_are_not_taken_for_ultra_hdr(tmp_path: Path) -> None:
    file = tmp_path / "plain.jpg"
    file.write_bytes(plain(20, 20, GREY, ".jpg"))
    assert not carries(Header("jpeg", 20, 20), str(file))
    file.write_bytes(ultra_hdr())
    assert carries(Header("jpeg", WIDTH, HEIGHT), str(file))
