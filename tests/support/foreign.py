"""Files of the kinds that extras read."""

from __future__ import annotations

import io
from typing import Any

import pillow_heif
import pillow_jxl  # noqa: F401 - registers itself with Pillow
from PIL import Image

RED, GREEN, BLUE, WHITE = (220, 20, 30), (20, 200, 40), (30, 40, 220), (255, 255, 255)

pillow_heif.register_heif_opener()


def quarters(mode: str = "RGB", size: tuple[int, int] = (64, 32)) -> Image.Image:
    """Red, green, blue and white, from the top left on."""
    image = Image.new("RGB", size)
    across, down = size[0] // 2, size[1] // 2
    for place, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        left, top = place % 2 * across, place // 2 * down
        image.paste(colour, (left, top, left + across, top + down))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(size))
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def heic(image: Image.Image, **options: Any) -> bytes:
    return saved(image, "HEIF", quality=95, chroma=444, **options)


def exif(orientation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    return made.tobytes()


def svg(inside: str = '<rect width="4" height="8" fill="red"/>', head: str = 'viewBox="0 0 8 8"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{inside}</svg>'.encode()


def pdf(*sizes: tuple[int, int]) -> bytes:
    """Pages, in points, whose left half is red."""
    count = len(sizes)
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{3 + 2 * page} 0 R" for page in range(count))
    bodies.append(f"<</Type/Pages/Count {count}/Kids[{kids}]>>".encode())
    for page, (width, height) in enumerate(sizes):
        bodies.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents {4 + 2 * page} 0 R>>".encode()
        )
        drawn = f"1 0 0 rg 0 0 {width / 2} {height} re f".encode()
        bodies.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(bodies) + 1, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1) + table + end
