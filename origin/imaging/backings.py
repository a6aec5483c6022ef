"""What stands behind a picture: gradients, colours found in it, the picture itself enlarged and blurred.

What is found is found in all frames together, so that the ground of an animation stands still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from origin.imaging import geometry as g
from origin.imaging import hashes, planes
from origin.imaging.colour import VipsImage, split, to_colour, with_alpha
from origin.imaging.geometry import Box, Size
from origin.imaging.steps.detail import gaussian
from origin.imaging.steps.tone import toned
from urlspec.backgrounds import Auto, BackgroundValue, Blurred, Gradient
from urlspec.values import BLACK, WHITE, Colour

_SAMPLES: Final = 64
"""Colours are looked for in a picture of about this many pixels a side."""
_STRIP: Final = 50
"""The border is this part of the shorter side."""
_DEFAULT_BLUR: Final = 1 / 25
_FINE: Final = 4.0
"""Standard deviation, in pixels of the small picture, with which a blur is really done."""


def backings(
    background: BackgroundValue, seen: Sequence[VipsImage], canvas: Size, frame: Box
) -> Iterator[VipsImage]:
    """What to lay behind each frame. ``seen`` is the picture by itself, which lies at ``frame``."""
    if isinstance(background, Blurred):
        yield from (_blurred(image, background, canvas) for image in seen)
        return
    match background:
        case Auto():
            plane = _found(background, seen, canvas, frame)
        case Gradient(colours, direction):
            plane = planes.gradient(canvas, colours, direction)
        case Colour():
            plane = _plain(canvas, background)
    yield from (plane for _ in seen)


def laid_on(image: VipsImage, plane: VipsImage) -> VipsImage:
    """The picture on a plane of its size."""
    colour, alpha = split(to_colour(image))
    if alpha is None:
        return image
    if plane.hasalpha():
        done = plane.composite2(colour.bandjoin(alpha).copy(interpretation="srgb"), "over")
        return done.rint().cast("uchar")
    return alpha.ifthenelse(colour, plane, blend=True).copy(interpretation="srgb")


def _plain(canvas: Size, colour: Colour) -> VipsImage:
    return planes.plain(canvas, [colour.red, colour.green, colour.blue])


# Colours that are found ------------------------------------------------------------------------------------


def _found(background: Auto, seen: Sequence[VipsImage], canvas: Size, frame: Box) -> VipsImage:
    if background.style == "gradient":
        direction = background.direction
        if direction is None:
            wide = canvas.width - frame.width >= canvas.height - frame.height
            direction = 90.0 if wide else 180.0
        return planes.gradient(canvas, _ends(background, seen, direction), direction)
    colour = _commonest([pixel for image in seen for pixel in _samples(background, image)])[0]
    if background.style == "contrast":
        light = 0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue
        colour = BLACK if light > 127.5 else WHITE
    return _plain(canvas, colour)


def _ends(background: Auto, seen: Sequence[VipsImage], direction: float) -> tuple[Colour, Colour]:
    """The colours of a gradient: of the two edges that it joins, or the two commonest."""
    if background.of == "predominant":
        found = _commonest([pixel for image in seen for pixel in _pixels(image)])
        return found[0], found[1 % len(found)]
    side = round(direction / 90) % 4
    edges = [_edges(image) for image in seen]
    first = [pixel for four in edges for pixel in _pixels(four[(side + 2) % 4])]
    last = [pixel for four in edges for pixel in _pixels(four[side])]
    return _mean(first), _mean(last)


def _samples(background: Auto, image: VipsImage) -> hashes.Pixels:
    if background.of == "predominant":
        return _pixels(image)
    return [pixel for edge in _edges(image) for pixel in _pixels(edge)]


def _edges(image: VipsImage) -> list[VipsImage]:
    """Strips along the top, right, bottom and left edge."""
    width, height = image.width, image.height
    thick = max(1, min(width, height) // _STRIP)
    return [
        image.crop(0, 0, width, thick),
        image.crop(width - thick, 0, thick, height),
        image.crop(0, height - thick, width, thick),
        image.crop(0, 0, thick, height),
    ]


def _pixels(image: VipsImage) -> hashes.Pixels:
    """About as many as needed, evenly spread, red green blue alpha from 0 to 1."""
    across, down = max(1, image.width // _SAMPLES), max(1, image.height // _SAMPLES)
    small = with_alpha(to_colour(image)).premultiply().shrink(across, down).unpremultiply()
    data = small.rint().cast("uchar").write_to_memory()
    return [[value / 255 for value in data[at : at + 4]] for at in range(0, len(data), 4)]


def _commonest(pixels: hashes.Pixels) -> list[Colour]:
    return [Colour(*bytes.fromhex(text[1:])) for text in hashes.palette(pixels)]


def _mean(pixels: hashes.Pixels) -> Colour:
    weight = sum(pixel[3] for pixel in pixels)
    if not weight:
        return WHITE
    return Colour(
        *(round(255 * sum(pixel[band] * pixel[3] for pixel in pixels) / weight) for band in range(3))
    )


# The picture itself ---------------------------------------------------------------------------------------


def _blurred(image: VipsImage, background: Blurred, canvas: Size) -> VipsImage:
    """Enlarged to cover the canvas. The blur is done on a small picture, where the eye sees no difference."""
    sigma = background.sigma or max(canvas) * _DEFAULT_BLUR
    factor = min(1.0, _FINE / sigma)
    small = Size(*(max(1, round(side * factor)) for side in canvas))
    colour, alpha = split(to_colour(image))
    if alpha is not None:
        ground = _mean(_pixels(image))
        colour = image.flatten(background=[ground.red, ground.green, ground.blue][: image.bands - 1])
        colour = to_colour(colour)
    covering = g.around(Size(colour.width, colour.height), small)
    colour = colour.resize(covering.width / colour.width, vscale=covering.height / colour.height)
    left, top = (covering.width - small.width) // 2, (covering.height - small.height) // 2
    soft = gaussian(colour.crop(left, top, small.width, small.height), sigma * factor)
    done = soft.resize(canvas.width / small.width, vscale=canvas.height / small.height, kernel="cubic")
    done = done.crop(0, 0, *canvas) if (done.width, done.height) != canvas else done
    if background.brightness:
        part = background.brightness / 100
        done = toned(done, lambda value: value + part * (1 - value if part > 0 else value))
    return done.cast("uchar").copy(interpretation="srgb")
