"""What ``f_json`` tells of a picture, and which part of it a chain leaves."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from origin.imaging.geometry import Box
from origin.imaging.model import Header, Limits
from origin.imaging.plan import plan
from origin.imaging.planned import described
from origin.imaging.shot import shot
from tests.origin.imaging.rendering import render
from urlspec.parse import parse
from urlspec.sources import AssetRef


def picture(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, **options)
    return out.getvalue()


def told(url: str, source: bytes, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(f"{url},f_json" if url else "/f_json", source, **more).body)
    return found


GREY = picture(Image.new("RGB", (400, 300), (128, 128, 128)))

PARTS: dict[str, tuple[str, tuple[int, int, int, int]]] = {
    "everything": ("", (0, 0, 400, 300)),
    "smaller": ("/w_40", (0, 0, 400, 300)),
    "filled": ("/c_fill,w_150,h_150", (50, 0, 300, 300)),
    "filled from a corner": ("/c_fill,w_150,h_150,g_north_west", (0, 0, 300, 300)),
    "a region": ("/c_crop,w_100,h_50,x_10,y_20", (10, 20, 100, 50)),
    "a region of a region": ("/c_crop,w_100,h_50,x_10,y_20/c_crop,w_10,h_5,x_1,y_2", (11, 22, 10, 5)),
    "a region of a smaller picture": ("/w_200/c_crop,w_50,h_50,x_10,y_20", (20, 40, 100, 100)),
    "turned": ("/r_90/c_crop,w_100,h_50,x_0,y_0", (0, 200, 50, 100)),
    "turned over": ("/flip_h/c_crop,w_100,h_50", (300, 0, 100, 50)),
    "upside down": ("/r_180/c_crop,w_100,h_50", (300, 250, 100, 50)),
    "padded": ("/c_pad,w_400,h_400", (0, 0, 400, 300)),
    "padded and cut": ("/c_pad,w_400,h_400/c_crop,w_100,h_100", (0, 0, 100, 50)),
    "beside padding": ("/pad_10:20:30:40/c_crop,w_60,h_60", (0, 0, 20, 50)),
    "inside a border": ("/bo_5px_solid_red/c_crop,w_105,h_55", (0, 0, 100, 50)),
    "turned freely": ("/a_30/w_100", (0, 0, 400, 300)),
    "with effects": ("/c_crop,w_100,h_50/e_blur:2/e_negate", (0, 0, 100, 50)),
}


@pytest.mark.parametrize(("url", "box"), PARTS.values(), ids=PARTS.keys())
def test_the_part_that_is_left(url: str, box: tuple[int, int, int, int]) -> None:
    """Told by the picture itself, and foreseen by the plan."""
    expected = dict(Box(*box)._asdict())
    assert told(url, GREY)["crop"] == expected
    header = Header("jpeg", 400, 300)
    planned = plan(parse(f"{url}/cat" if url else "/w_400/cat"), {AssetRef("cat"): header}, Limits())
    assert described(planned)["result"]["crop"] == expected


@pytest.mark.parametrize("url", ["/c_fill,w_100,h_300,g_auto", "/c_crop,w_100,h_100,g_entropy", "/e_trim"])
def test_what_the_pixels_decide_is_told_and_not_foreseen(url: str) -> None:
    pixels = np.full((300, 400, 3), 250, np.uint8)
    pixels[100:150, 300:340] = (200, 30, 30)
    image = Image.fromarray(pixels)
    found = told(url, picture(image))["crop"]
    inside = found["left"] <= 305 and found["left"] + found["width"] >= 335
    assert inside
    assert found["top"] <= 105
    planned = plan(parse(f"{url}/cat"), {AssetRef("cat"): Header("jpeg", 400, 300)}, Limits())
    assert described(planned)["result"]["crop"] is None


def test_the_part_is_told_of_the_picture_as_shown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture(Image.new("RGB", (300, 400)), exif=exif.tobytes())
    assert told("/c_crop,w_100,h_50,x_10", turned)["crop"] == {
        "left": 10, "top": 0, "width": 100, "height": 50,
    }  # fmt: skip


def test_keys_stay() -> None:
    """Clients rely on these; more may come."""
    assert {
        "width", "height", "format", "bytes", "frames", "has_alpha", "orientation", "thumbhash", "blurhash",
        "dominant_color", "palette", "result", "colors", "lightness", "tone", "attention", "focus", "exif",
        "crop",
    } <= set(told("", GREY))  # fmt: skip


@pytest.mark.parametrize(
    ("colour", "lightness", "tone"),
    [
        ((255, 255, 255), 1.0, "light"),
        ((0, 0, 0), 0.0, "dark"),
        ((119, 119, 119), 0.5, "dark"),
        ((255, 255, 0), 0.97, "light"),
        ((0, 0, 255), 0.32, "dark"),
    ],
)
def test_light_and_dark(colour: tuple[int, int, int], lightness: float, tone: str) -> None:
    found = told("", picture(Image.new("RGB", (40, 30), colour)))
    assert found["lightness"] == pytest.approx(lightness, abs=0.012)
    if lightness != 0.5:
        assert found["tone"] == tone


def test_colours_have_their_share() -> None:
    image = Image.new("RGB", (80, 80), (240, 240, 240))
    image.paste((200, 20, 20), (0, 0, 80, 20))
    found = told("", picture(image))
    assert sum(one["share"] for one in found["colors"]) == pytest.approx(1, abs=0.01)
    assert found["palette"] == [one["color"] for one in found["colors"]]
    assert found["dominant_color"] == found["palette"][0]
    light = sum(one["share"] for one in found["colors"] if int(one["color"][3:5], 16) > 128)
    assert light == pytest.approx(0.75, abs=0.05)


def test_points_of_interest() -> None:
    image = Image.new("RGB", (400, 200), (120, 120, 120))
    image.paste((230, 40, 30), (300, 40, 330, 70))
    found = told("", picture(image), focus=(0.25, 0.75))
    assert found["focus"] == {"x": 0.25, "y": 0.75}
    assert found["attention"]["x"] == pytest.approx(0.79, abs=0.06)
    assert found["attention"]["y"] == pytest.approx(0.275, abs=0.1)
    assert told("", picture(image))["focus"] is None


# EXIF ----------------------------------------------------------------------------------------------------


def photograph() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Maker ", "Model 5", "2021:01:01 00:00:00"
    exif[0x013B], exif[0x8298] = "A. Person", "(c) A. Person"
    inner = exif.get_ifd(0x8769)
    inner |= {
        0x829A: IFDRational(1, 250), 0x829D: IFDRational(28, 10), 0x920A: IFDRational(35),
        0x9204: IFDRational(-67, 100), 0x8827: 400, 0xA405: 52, 0x9209: 1,
        0x9003: "2020:06:07 08:09:10", 0x9011: "+02:00", 0xA434: "35mm F2.8",
        0xA430: "A. Person", 0xA431: "serial-1", 0xA435: "serial-2", 0x927C: b"own", 0x9286: b"words",
    }  # fmt: skip
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return exif


def test_how_a_photograph_was_taken_and_nothing_of_people() -> None:
    data = picture(Image.new("RGB", (40, 30)), exif=photograph().tobytes())
    assert told("", data)["exif"] == {
        "make": "Maker", "model": "Model 5", "lens": "35mm F2.8", "exposure_seconds": 0.004, "f_number": 2.8,
        "iso": 400, "focal_length_mm": 35.0, "focal_length_35mm": 52, "exposure_bias": -0.67, "flash": True,
        "taken_at": "2020-06-07T08:09:10+02:00",
    }  # fmt: skip


def test_a_damaged_block_tells_what_is_sound() -> None:
    whole = photograph().tobytes()
    chance = np.random.default_rng(3)
    known = set(shot(whole))
    for end in range(0, len(whole), 7):
        assert set(shot(whole[:end])) <= known
    for _ in range(300):
        broken = bytearray(whole)
        for place in chance.integers(0, len(whole), 6):
            broken[place] = int(chance.integers(0, 256))
        json.dumps(shot(bytes(broken)), allow_nan=False)
