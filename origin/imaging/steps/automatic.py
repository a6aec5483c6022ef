"""Tones found in the picture: what its histogram says, of all frames together."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from origin.imaging.colour import VipsImage, split
from origin.imaging.steps.colour import saturated
from origin.imaging.steps.registry import Paint, measured
from origin.imaging.steps.tone import Curve, toned
from urlspec import arguments as a

_CLIPPED: Final = 0.005
"""The part of all pixels at either end that may become black or white altogether."""
_MOST_STRETCH: Final = 4.0
_MIDDLE: Final = 0.46
"""Where the middle of a well exposed photograph lies, in sRGB."""
_MOST_GAMMA: Final = 1.8


@dataclass(frozen=True, slots=True)
class Tones:
    """How the pixels of one band, or of their lightness, lie between 0 and 1, but for transparent ones."""

    counts: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def at(self, part: float) -> float:
        """The value that ``part`` of all pixels do not exceed."""
        rest = part * self.total
        for value, count in enumerate(self.counts):
            rest -= count
            if rest <= 0 and count:
                return value / 255
        return 1.0

    @property
    def mean(self) -> float:
        return sum(value * count for value, count in enumerate(self.counts)) / 255 / max(self.total, 1)


def tones(frames: Sequence[VipsImage]) -> list[Tones]:
    """Of every colour band."""
    bands = split(frames[0])[0].bands
    sums = [[0] * 256 for _ in range(bands)]
    for frame in frames:
        found = _counts(frame)
        for band in range(bands):
            for value in range(256):
                sums[band][value] += found[value * bands + band]
    return [Tones(counts) for counts in sums]


def lightness(frames: Sequence[VipsImage]) -> Tones:
    return tones([frame.colourspace("b-w") for frame in frames])[0]


def _counts(frame: VipsImage) -> array[int]:
    """256 rows of one count a band. What is transparent is counted apart, as -1, and left out."""
    colour, alpha = split(frame)
    if alpha is not None:
        colour = (alpha < 128).ifthenelse(0, colour.cast("ushort") + 1).cast("ushort")
    found = colour.hist_find()
    if alpha is not None:
        found = found.embed(0, 0, 257, 1).crop(1, 0, 256, 1)
    counts = array("I")
    counts.frombytes(bytes(found.cast("uint").write_to_memory()))
    return counts


def _stretch(found: Tones, amount: float) -> Curve:
    """From the darkest and the lightest tone to black and white; a plain picture stays as it is."""
    low, high = found.at(_CLIPPED), found.at(1 - _CLIPPED)
    if high - low < 8 / 255:
        return lambda value: value
    slope = min(1 / (high - low), _MOST_STRETCH)
    middle = low + (high - low) * low / max(low + 1 - high, 1e-9)  # stays where it is
    return lambda value: value + amount * ((value - middle) * (slope - 1))


def _exposed(found: Tones, amount: float, target: float = _MIDDLE) -> Curve:
    """The gamma that brings the mean to ``target``, within bounds."""
    mean = min(max(found.mean, 0.02), 0.98)
    exponent = math.log(target) / math.log(mean)
    exponent = min(max(exponent, 1 / _MOST_GAMMA), _MOST_GAMMA) ** amount
    return lambda value: max(value, 0.0) ** exponent


@measured(a.AutoBrightness)
def auto_brightness(frames: Sequence[VipsImage], op: a.AutoBrightness) -> Paint:
    curve = _exposed(lightness(frames), op.amount / 100)
    return lambda image: toned(image, curve)


@measured(a.AutoContrast)
def auto_contrast(frames: Sequence[VipsImage], op: a.AutoContrast) -> Paint:
    curve = _stretch(lightness(frames), op.amount / 100)
    return lambda image: toned(image, curve)


@measured(a.AutoColour)
def auto_colour(frames: Sequence[VipsImage], op: a.AutoColour) -> Paint:
    curves = _balanced(tones(frames), op.amount / 100)
    return lambda image: toned(image, *curves)


def _balanced(bands: Sequence[Tones], amount: float) -> list[Curve]:
    """Every band from its own ends to those that all share, and its mean to the mean of all."""
    if len(bands) == 1:
        return [lambda value: value]
    low = sum(band.at(_CLIPPED) for band in bands) / len(bands)
    high = sum(band.at(1 - _CLIPPED) for band in bands) / len(bands)
    target = sum(band.mean for band in bands) / len(bands)
    return [_band(band, low, high, target, amount) for band in bands]


def _band(band: Tones, low: float, high: float, target: float, amount: float) -> Curve:
    start, end = band.at(_CLIPPED), band.at(1 - _CLIPPED)
    if end - start < 8 / 255:
        return lambda value: value
    slope = min(max((high - low) / (end - start), 1 / _MOST_STRETCH), _MOST_STRETCH)

    def stretched(value: float) -> float:
        return min(max(low + (value - start) * slope, 0.0), 1.0)

    mean = min(max(stretched(band.mean), 0.02), 0.98)
    # Half of the way to grey: a meadow is green for no fault of the camera.
    exponent = (math.log(min(max(target, 0.02), 0.98)) / math.log(mean)) ** 0.5
    return lambda value: value + amount * (stretched(value) ** exponent - value)


@measured(a.Enhance)
def enhance(frames: Sequence[VipsImage], op: a.Enhance) -> Paint:
    """A third of the neutral balance, most of the stretch, some exposure, then a soft S and some colour."""
    amount = op.amount / 100
    light = lightness(frames)
    stretch, exposure = _stretch(light, 0.8 * amount), _exposed(light, 0.35 * amount)
    balance = _balanced(tones(frames), 0.3 * amount)

    def curve(balanced: Curve) -> Curve:
        def whole(value: float) -> float:
            tone = min(max(exposure(min(max(stretch(balanced(value)), 0.0), 1.0)), 0.0), 1.0)
            soft = tone * tone * (3 - 2 * tone)
            return tone + 0.2 * amount * (soft - tone)

        return whole

    curves = [curve(balanced) for balanced in balance]
    return lambda image: saturated(toned(image, *curves), 0.15 * amount)
