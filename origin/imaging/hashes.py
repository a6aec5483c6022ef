"""Small descriptions of a picture: ThumbHash, BlurHash, the colours that stand out.

Both hashes are written from their public descriptions (evanw.github.io/thumbhash, blurha.sh).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Pixels = Sequence[Sequence[float]]
"""Rows of a picture flattened: red, green, blue, alpha as 0 to 1."""


def thumbhash(width: int, height: int, pixels: Pixels) -> bytes:
    """ThumbHash of a picture of at most 100 x 100: about 25 bytes that hold ratio, colours and shapes."""
    average = _weighted(pixels)
    alpha_sum = sum(pixel[3] for pixel in pixels)
    has_alpha = alpha_sum < width * height
    luma_most = 5 if has_alpha else 7
    across = max(1, _round(luma_most * width / max(width, height)))
    down = max(1, _round(luma_most * height / max(width, height)))
    luma, yellow, red, alpha = _opponent(pixels, average)
    channels = {
        "luma": _channel(luma, width, height, max(3, across), max(3, down)),
        "yellow": _channel(yellow, width, height, 3, 3),
        "red": _channel(red, width, height, 3, 3),
    }
    l_dc, l_ac, l_scale = channels["luma"]
    p_dc, p_ac, p_scale = channels["yellow"]
    q_dc, q_ac, q_scale = channels["red"]
    landscape = width > height
    header = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
        | has_alpha << 23
    )
    flags = (
        (down if landscape else across)
        | _round(63 * p_scale) << 3
        | _round(63 * q_scale) << 9
        | landscape << 15
    )
    made = bytearray(header.to_bytes(3, "little") + flags.to_bytes(2, "little"))
    factors = [l_ac, p_ac, q_ac]
    if has_alpha:
        a_dc, a_ac, a_scale = _channel(alpha, width, height, 5, 5)
        made.append(_round(15 * a_dc) | _round(15 * a_scale) << 4)
        factors.append(a_ac)
    nibbles = [_round(15 * factor) for channel in factors for factor in channel]
    for index in range(0, len(nibbles), 2):
        high = nibbles[index + 1] if index + 1 < len(nibbles) else 0
        made.append(nibbles[index] | high << 4)
    return bytes(made)


def thumbhash_text(width: int, height: int, pixels: Pixels) -> str:
    return base64.b64encode(thumbhash(width, height, pixels)).decode()


def _weighted(pixels: Pixels) -> tuple[float, float, float]:
    """The average colour of what can be seen."""
    total = sum(pixel[3] for pixel in pixels)
    if not total:
        return 0.0, 0.0, 0.0
    red, green, blue = (sum(pixel[band] * pixel[3] for pixel in pixels) / total for band in range(3))
    return red, green, blue


def _opponent(pixels: Pixels, average: tuple[float, float, float]) -> tuple[list[float], ...]:
    """Luma, yellow against blue, red against green, alpha; on the average colour where it is transparent."""
    luma, yellow, red, alpha = [], [], [], []
    for pixel in pixels:
        opaque = pixel[3]
        r, g, b = (average[band] * (1 - opaque) + opaque * pixel[band] for band in range(3))
        luma.append((r + g + b) / 3)
        yellow.append((r + g) / 2 - b)
        red.append(r - g)
        alpha.append(opaque)
    return luma, yellow, red, alpha


def _channel(
    values: list[float], width: int, height: int, across: int, down: int
) -> tuple[float, list[float], float]:
    """The constant term, the other terms as 0 to 1 around 0.5, and their scale."""
    constant, terms, scale = 0.0, [], 0.0
    cosines_x = [[math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(across)]
    cosines_y = [[math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)] for cy in range(down)]
    rows = [
        [sum(map(float.__mul__, values[y * width : (y + 1) * width], line)) for y in range(height)]
        for line in cosines_x
    ]
    for cy in range(down):
        cx = 0
        while cx * down < across * (down - cy):
            factor = sum(map(float.__mul__, rows[cx], cosines_y[cy])) / (width * height)
            if cx or cy:
                terms.append(factor)
                scale = max(scale, abs(factor))
            else:
                constant = factor
            cx += 1
    if scale:
        terms = [0.5 + 0.5 / scale * term for term in terms]
    return constant, terms, scale


def _round(value: float) -> int:
    return math.floor(value + 0.5)


# BlurHash ----------------------------------------------------------------------------------------------

_BASE83: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def blurhash(width: int, height: int, pixels: Pixels) -> str:
    """BlurHash with four components along the longer side and three along the shorter; alpha is ignored."""
    across, down = (4, 3) if width >= height else (3, 4)
    linear = [[_linear(band) for band in pixel[:3]] for pixel in pixels]
    factors = [_basis(linear, width, height, x, y) for y in range(down) for x in range(across)]
    text = _base83((across - 1) + (down - 1) * 9, 1)
    most = max(abs(band) for factor in factors[1:] for band in factor)
    quantised = max(0, min(82, math.floor(most * 166 - 0.5)))
    scale = (quantised + 1) / 166
    red, green, blue = (_gamma(band) for band in factors[0])
    text += _base83(quantised, 1) + _base83(red << 16 | green << 8 | blue, 4)
    for factor in factors[1:]:
        value = 0
        for band in factor:
            signed = math.copysign(math.sqrt(abs(band / scale)), band)
            value = value * 19 + max(0, min(18, math.floor(signed * 9 + 9.5)))
        text += _base83(value, 2)
    return text


def _basis(pixels: list[list[float]], width: int, height: int, cx: int, cy: int) -> list[float]:
    across = [math.cos(math.pi * cx * x / width) for x in range(width)]
    down = [math.cos(math.pi * cy * y / height) for y in range(height)]
    weights = [row * column for row in down for column in across]
    scale = (1 if cx == cy == 0 else 2) / (width * height)
    return [
        scale * sum(weight * pixel[band] for weight, pixel in zip(weights, pixels, strict=True))
        for band in range(3)
    ]


def _linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _gamma(value: float) -> int:
    value = min(max(value, 0.0), 1.0)
    encoded = value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return int(encoded * 255 + 0.5)


def _base83(value: int, length: int) -> str:
    return "".join(_BASE83[value // 83 ** (length - place) % 83] for place in range(1, length + 1))


# Colours -----------------------------------------------------------------------------------------------


def palette(pixels: Pixels, most: int = 5) -> list[str]:
    """The colours that fill most of what can be seen, the commonest first, as ``#rrggbb``."""
    return list(shares(pixels, most))


def lightness(pixels: Pixels) -> float:
    """How light what can be seen is to the eye: CIE L* of its mean luminance, 0 (black) to 1 (white)."""
    total = sum(pixel[3] for pixel in pixels)
    if not total:
        return 0.0
    luminance = (
        sum(
            pixel[3] * (0.2126 * _linear(pixel[0]) + 0.7152 * _linear(pixel[1]) + 0.0722 * _linear(pixel[2]))
            for pixel in pixels
        )
        / total
    )
    return luminance * 9.033 if luminance <= 0.008856 else 1.16 * luminance ** (1 / 3) - 0.16


def shares(pixels: Pixels, most: int = 5) -> dict[str, float]:
    """The palette, and which part of what can be seen each of its colours stands for.

    Median cut: the box with the widest spread of the most pixels is halved until there are enough.
    """
    seen = [tuple(pixel[:3]) for pixel in pixels if pixel[3] >= 0.5]
    if not seen:
        return {"#000000": 1.0}
    boxes = [seen]
    while len(boxes) < most:
        box = max(boxes, key=lambda box: _spread(box)[0] * len(box))
        spread, band = _spread(box)
        if spread < 0.02:
            break
        boxes.remove(box)
        boxes += _halves(box, band)
    found: dict[str, float] = {}
    for box in boxes:
        colour = _hex(_mean(box))
        found[colour] = found.get(colour, 0.0) + len(box) / len(seen)
    return dict(sorted(found.items(), key=lambda one: one[1], reverse=True))


def dominant(pixels: Pixels) -> str:
    """The commonest colour of the palette, as ``#rrggbb``."""
    return palette(pixels)[0]


def _spread(box: list[tuple[float, ...]]) -> tuple[float, int]:
    spreads = [max(pixel[band] for pixel in box) - min(pixel[band] for pixel in box) for band in range(3)]
    widest = max(spreads)
    return widest, spreads.index(widest)


def _halves(box: list[tuple[float, ...]], band: int) -> list[list[tuple[float, ...]]]:
    """Cut at the widest gap near the middle, so that pixels of one colour stay together."""
    ordered = sorted(box, key=lambda pixel: pixel[band])
    quarter = len(ordered) // 4
    gaps = [
        (after[band] - before[band], -abs(index - len(ordered) // 2), index)
        for index, (before, after) in enumerate(pairwise(ordered), 1)
        if quarter <= index <= len(ordered) - quarter
    ]
    _, _, cut = max(gaps) if gaps else (0, 0, len(ordered) // 2 or 1)
    return [ordered[:cut], ordered[cut:]]


def _mean(box: list[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(sum(pixel[band] for pixel in box) / len(box) for band in range(3))


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{_round(band * 255):02x}" for band in colour)
