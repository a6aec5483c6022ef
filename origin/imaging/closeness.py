"""How near a coded picture looks to what went in, as a number.

The number follows SSIMULACRA2 (Sneyers, Cloudinary, 2023): 100 is the same, 90 hardly to be told apart, 70
good, 50 fair. Of its 108 terms those are computed that make up the score of lossy pictures (luma at four
scales, the blue-yellow difference at the coarse ones), with its weights; over the test photographs the rest
moves it by less than one point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyvips
from numpy.typing import NDArray

from origin.imaging.colour import VipsImage, to_colour

_TILE: Final = 80
_TILES: Final = 3
"""A sample is 3 x 3 tiles of 80 pixels, which is a multiple of the blocks of JPEG and WebP."""
SAMPLE_PIXELS: Final = (_TILE * _TILES) ** 2

Plane = NDArray[np.float32]

_BIAS: Final = 0.0037930732552754493
_LMS: Final = np.array(
    [
        (0.30, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.5518098665095535),
    ],
    np.float32,
)
_STABLE: Final = 0.0009
_RADIUS: Final = 4
_BELL: Final = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * 1.5**2)).astype(np.float32)
_WINDOW: Final = _BELL / _BELL.sum()
_CODED: Final = np.arange(256) / 255
_TO_LINEAR: Final = np.where(_CODED <= 0.04045, _CODED / 12.92, ((_CODED + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)

_SCALES: Final = 5
_TERMS: Final[Mapping[tuple[str, int], tuple[tuple[str, int, float], ...]]] = {
    ("luma", 0): (("unlike", 4, 7.466890328078848), ("lost", 4, 17.445833984131262)),
    ("luma", 1): (("unlike", 4, 6.683678146179332), ("lost", 4, 1.027889937768264)),
    ("luma", 2): (("unlike", 1, 225.20515300849274), ("unlike", 4, 19.213238186143016)),
    ("luma", 3): (("unlike", 1, 176.39317598450694), ("unlike", 4, 24.43300999870476)),
    ("blue", 3): (("unlike", 4, 8.826982764996862), ("added", 4, 23.19243343998926)),
    ("blue", 4): (("unlike", 1, 95.1080498811086), ("added", 4, 171.2667255897307)),
}
"""By plane and scale: what differs, in which norm, and how much that counts."""
_REST: Final = 1.11
"""What the terms that are not computed add, on average."""


def sample(image: VipsImage) -> VipsImage:
    """A picture in memory, or tiles from all over it where it is large."""
    if image.width * image.height <= SAMPLE_PIXELS:
        return image
    across, down = min(_TILE, image.width), min(_TILE, image.height)
    tiles = [
        image.crop(
            (image.width - across) * (2 * column + 1) // (2 * _TILES),
            (image.height - down) * (2 * row + 1) // (2 * _TILES),
            across,
            down,
        )
        for row in range(_TILES)
        for column in range(_TILES)
    ]
    return pyvips.Image.arrayjoin(tiles, across=_TILES).copy_memory()


class Original:
    """What coded versions are compared with: 8-bit sRGB or grey; alpha is seen on grey."""

    def __init__(self, image: VipsImage) -> None:
        self._planes = _planes(image)

    def closeness(self, coded: VipsImage) -> float:
        """Up to 100, of a picture of the same size."""
        other = _planes(coded)
        distance = sum(
            weight * value
            for key, plane in self._planes.items()
            for value, weight in _differences(plane, other[key], _TERMS[key])
        )
        return _score(distance * _REST)


def _score(distance: float) -> float:
    """SSIMULACRA2's last step: from a sum of differences to a scale of 100."""
    x = distance * 0.9562382616834844
    x = 2.326765642916932 * x - 0.020884521182843837 * x**2 + 6.248496625763138e-05 * x**3
    return float(100 - 10 * max(x, 0.0) ** 0.6276336467831387)


def _planes(image: VipsImage) -> dict[tuple[str, int], Plane]:
    """The planes that the terms need, each in its scale."""
    image = to_colour(image)
    if image.hasalpha():
        image = image.flatten(background=128)
    coded = np.frombuffer(image.cast("uchar").write_to_memory(), np.uint8)
    linear = _TO_LINEAR[coded.reshape(image.height, image.width, 3)]
    planes: dict[tuple[str, int], Plane] = {}
    for scale in range(_SCALES):
        if min(linear.shape[:2]) < 2 * _RADIUS:
            break
        roots = np.cbrt(linear @ _LMS.T + np.float32(_BIAS)) - np.float32(_BIAS ** (1 / 3))
        luma = (roots[..., 0] + roots[..., 1]) / 2
        if ("luma", scale) in _TERMS:
            planes["luma", scale] = luma + np.float32(0.01)
        if ("blue", scale) in _TERMS:
            planes["blue", scale] = roots[..., 2] - luma + np.float32(0.55)
        height, width = linear.shape[0] // 2, linear.shape[1] // 2
        linear = linear[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean((1, 3))
    return planes


def _differences(
    one: Plane, other: Plane, terms: tuple[tuple[str, int, float], ...]
) -> list[tuple[float, float]]:
    """Every term's value with its weight."""
    mean, mean_other, squares, products = _blurred(
        np.stack([one, other, one * one + other * other, one * other])
    )
    maps: dict[str, Plane] = {}
    wanted = {name for name, _, _ in terms}
    if "unlike" in wanted:
        alike = 2 * (products - mean * mean_other) + _STABLE
        alike /= squares - mean * mean - mean_other * mean_other + _STABLE
        maps["unlike"] = np.maximum(1 - (1 - (mean - mean_other) ** 2) * alike, 0)
    if wanted & {"added", "lost"}:
        # Above 0 where the coded picture has edges that the original has not, below where it lost some.
        edges = (1 + np.abs(other - mean_other)) / (1 + np.abs(one - mean)) - 1
        maps["added"], maps["lost"] = np.maximum(edges, 0), np.maximum(-edges, 0)
    return [(_norm(maps[name], norm), weight) for name, norm, weight in terms]


def _norm(values: Plane, norm: int) -> float:
    if norm == 1:
        return float(values.mean())
    squared = values * values
    return float((squared * squared).mean() ** 0.25)


def _blurred(planes: Plane) -> Plane:
    """Each of several planes under a Gaussian window of sigma 1.5."""
    for axis in (1, 2):
        around = [(0, 0)] * 3
        around[axis] = (_RADIUS, _RADIUS)
        padded = np.pad(planes, around, mode="reflect")
        length = planes.shape[axis]
        blurred = np.zeros_like(planes)
        for at, weight in enumerate(_WINDOW):
            shifted = padded[:, at : at + length] if axis == 1 else padded[:, :, at : at + length]
            blurred += weight * shifted
        planes = blurred
    return planes
