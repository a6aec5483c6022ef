"""Shape and edge: what changes a picture's outline, or what shows through it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyvips

from origin.imaging import planes
from origin.imaging.colour import VipsImage, split, to_colour, with_alpha
from origin.imaging.geometry import Box, Size, bounding
from origin.imaging.shape import room
from origin.imaging.steps.detail import blurred
from urlspec import arguments as a
from urlspec.values import Colour

_PERCENT = 2.55


def trim_box(frames: Sequence[VipsImage], op: a.Trim) -> Box | None:
    """The box around all that differs from the border in any frame; None when nothing does."""
    boxes = [box for frame in frames if (box := _trimmed(frame, op)).width]
    if not boxes:
        return None
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.left + box.width for box in boxes), max(box.top + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _trimmed(image: VipsImage, op: a.Trim) -> Box:
    threshold = max(op.tolerance * _PERCENT, 0.5)
    colour, alpha = split(image)
    if op.colour is not None and op.colour.alpha == 0 and alpha is None:
        return Box(0, 0, image.width, image.height)
    clear = op.colour.alpha == 0 if op.colour else alpha is not None and alpha.getpoint(0, 0)[0] == 0
    if clear and alpha is not None:
        return Box(*alpha.find_trim(threshold=threshold, background=[0], line_art=True))
    background = list(_values(colour, op.colour)) if op.colour else colour.getpoint(0, 0)
    flat = image.flatten(background=background) if alpha is not None else image
    return Box(*flat.find_trim(threshold=threshold, background=background, line_art=True))


def rotated(image: VipsImage, degrees: float) -> VipsImage:
    """Turned clockwise on a canvas that holds all of it; the corners are transparent."""
    size = bounding(Size(image.width, image.height), degrees)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle = [(image.width - 1) / 2, (image.height - 1) / 2]
    centre = [(size.width - 1) / 2, (size.height - 1) / 2]
    # What is opaque everywhere is its own premultiplied picture, in 8 bits.
    ready = image.premultiply() if image.hasalpha() else with_alpha(image)
    return _rounded(
        ready.affine(
            [cosine, -sine, sine, cosine],
            interpolate=pyvips.Interpolate.new("bicubic"),
            oarea=[0, 0, size.width, size.height],
            idx=-middle[0],
            idy=-middle[1],
            odx=centre[0],
            ody=centre[1],
            extend="background",
            background=[0],
        ).unpremultiply()
    )


def cornered(image: VipsImage, radii: tuple[int, int, int, int] | str) -> VipsImage:
    """Corners cut round, antialiased. ``max`` is an ellipse."""
    return masked(image, corner_mask(Size(image.width, image.height), radii))


def masked(image: VipsImage, mask: VipsImage) -> VipsImage:
    """As opaque as the mask is light, and no more opaque than before."""
    colour, alpha = split(image)
    if alpha is not None:
        mask = (mask * alpha / 255).rint().cast("uchar")
    return colour.bandjoin(mask).copy(interpretation=image.interpretation)


def corner_mask(size: Size, radii: tuple[int, int, int, int] | str) -> VipsImage:
    """255 inside, 0 outside. Radii are clockwise from the top left; too large ones shrink as in CSS."""
    width, height = size
    if isinstance(radii, str):
        corners = [(width / 2, height / 2)] * 4
    else:
        first, second, third, fourth = radii
        fit = min(
            1.0,
            *(
                side / total
                for side, total in (
                    (width, first + second),
                    (width, fourth + third),
                    (height, first + fourth),
                    (height, second + third),
                )
                if total
            ),
        )
        corners = [(radius * fit, radius * fit) for radius in radii]
    mask = (pyvips.Image.black(width, height) + 255).cast("uchar")
    for index, (across, down) in enumerate(corners):
        if across <= 0:
            continue
        tile = _corner(across, down)
        tile = tile.crop(0, 0, min(tile.width, width), min(tile.height, height))
        right, bottom = index in {1, 2}, index in {2, 3}
        tile = tile.fliphor() if right else tile
        tile = tile.flipver() if bottom else tile
        left, top = (width - tile.width if right else 0), (height - tile.height if bottom else 0)
        under = mask.crop(left, top, tile.width, tile.height)
        mask = mask.insert((tile < under).ifthenelse(tile, under), left, top)
    return mask


def _corner(across: float, down: float) -> VipsImage:
    """The top left quarter of an ellipse; a pixel is as opaque as its middle is far from the line."""
    place = pyvips.Image.xyz(math.ceil(across), math.ceil(down)) + 0.5
    x, y = (across - place[0]) / across, (down - place[1]) / down
    reach = (x * x + y * y) ** 0.5
    slope = ((x / across) * (x / across) + (y / down) * (y / down)) ** 0.5
    # Near the middle of the ellipse, far from the line, the estimate of the distance has no meaning.
    outside = (reach < 0.25).ifthenelse(-1, (reach - 1) * reach / (slope + 1e-9))
    coverage = ((0.5 - outside) * 255).rint()
    return (coverage < 0).ifthenelse(0, (coverage > 255).ifthenelse(255, coverage)).cast("uchar")


def shadowed(image: VipsImage, shadow: a.Shadow) -> VipsImage:
    """The picture above its own shadow, on a canvas that holds both."""
    top, right, bottom, left = room(shadow)
    canvas = Size(image.width + left + right, image.height + top + bottom)
    dark = shadow.opacity / 100 * shadow.colour.alpha / 255
    _, alpha = split(image)
    if alpha is None:
        cast = planes.plain(Size(image.width, image.height), [round(255 * dark)])
    else:
        cast = (alpha * dark).rint().cast("uchar")
    cast = cast.embed(left + shadow.x, top + shadow.y, *canvas)
    if shadow.blur:
        cast = blurred(cast.copy_memory(), shadow.blur / 2)
    ink = [shadow.colour.red, shadow.colour.green, shadow.colour.blue]
    under = planes.plain(canvas, ink).bandjoin(cast).copy(interpretation="srgb")
    return _rounded(under.composite2(with_alpha(to_colour(image)), "over", x=left, y=top))


def extended(image: VipsImage, canvas: Size, left: int, top: int, fill: Colour) -> VipsImage:
    """The picture at ``left``, ``top`` of a larger canvas in one colour."""
    if not _is_grey(fill):
        image = to_colour(image)
    if fill.alpha < 255:
        image = with_alpha(image)
    ink = [*_values(image, fill), *([fill.alpha] if image.hasalpha() else [])]
    return image.embed(left, top, canvas.width, canvas.height, extend="background", background=ink)


def padded(image: VipsImage, sides: tuple[int, int, int, int], fill: Colour) -> VipsImage:
    top, right, bottom, left = sides
    canvas = Size(image.width + left + right, image.height + top + bottom)
    return extended(image, canvas, left, top, fill)


def bordered(
    image: VipsImage, width: int, colour: Colour, radii: tuple[int, int, int, int] | str | None
) -> VipsImage:
    """A border around the picture; around rounded corners it is rounded itself, as in CSS."""
    if radii is None:
        return padded(image, (width,) * 4, colour)
    canvas = Size(image.width + 2 * width, image.height + 2 * width)
    if isinstance(radii, tuple):
        first, second, third, fourth = (radius + width if radius else 0 for radius in radii)
        radii = (first, second, third, fourth)
    shape = corner_mask(canvas, radii)
    shape = (shape * (colour.alpha / 255)).rint().cast("uchar") if colour.alpha < 255 else shape
    ring = planes.plain(canvas, [colour.red, colour.green, colour.blue]).bandjoin(shape)
    ring = ring.copy(interpretation="srgb")
    return _rounded(ring.composite2(with_alpha(to_colour(image)), "over", x=width, y=width))


def backed(image: VipsImage, colour: Colour) -> VipsImage:
    """``colour`` behind whatever is transparent."""
    if not image.hasalpha() or colour.alpha == 0:
        return image
    if not _is_grey(colour):
        image = to_colour(image)
    if colour.alpha == 255:
        return _rounded(image.flatten(background=_values(image, colour)))
    image = to_colour(image)
    plane = pyvips.Image.black(image.width, image.height, bands=4).linear(
        1, [*_values(image, colour), colour.alpha]
    )
    return _rounded(plane.cast("uchar").copy(interpretation="srgb").composite2(image, "over"))


def faded(image: VipsImage, percent: int) -> VipsImage:
    colour, alpha = split(with_alpha(image))
    assert alpha is not None
    return colour.bandjoin((alpha * (percent / 100)).rint().cast("uchar")).copy(
        interpretation=image.interpretation
    )


def _values(image: VipsImage, colour: Colour) -> list[float]:
    """The colour in the picture's own bands, without alpha."""
    return [colour.red] if image.bands < 3 else [colour.red, colour.green, colour.blue]


def _is_grey(colour: Colour) -> bool:
    return colour.red == colour.green == colour.blue


def _rounded(image: VipsImage) -> VipsImage:
    return image if image.format == "uchar" else image.rint().cast("uchar")
