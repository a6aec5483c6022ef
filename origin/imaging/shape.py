"""What one component does to a picture of a known size: every length in pixels, every place decided.

A :class:`Shape` is all that the steps need; they ask no URL and no setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging import geometry as g
from origin.imaging.cropping import Scene, cropping
from origin.imaging.geometry import UPRIGHT, Box, Size, Smart, View
from origin.imaging.model import Limits
from urlspec import arguments as a
from urlspec.backgrounds import BackgroundValue, opaque
from urlspec.declare import Argument
from urlspec.pipeline import EFFECTS
from urlspec.request import Component
from urlspec.values import WHITE, Colour

CLEAR: Final = Colour(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a component is judged against besides its own arguments."""

    limits: Limits
    focus: tuple[float, float] | None = None
    below: Size | None = None
    """For the first component of a layer: the picture below, which fractions refer to."""
    vector: bool = False
    """The picture is drawn as large as it is wanted, so nothing is lost by enlarging it."""
    trimmed: Size | None = None
    """What trimming left of the turned picture; unknown before its pixels are seen."""
    faces: tuple[Box, ...] | None = None
    """The faces in the turned and trimmed picture, largest first; None before anybody has looked."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One component in pixels; None and empty where it does nothing."""

    entering: Size
    leaving: Size
    turn: View = UPRIGHT
    trim: a.Trim | None = None
    look: str | None = None
    """``face`` or ``faces``: what has to be looked for before this is settled."""
    region: Box | Smart | None = None
    resize: Size | None = None
    cut: Box | Smart | None = None
    canvas: Size | None = None
    frame: Box | None = None
    """Where the picture lies in ``canvas``."""
    fixed: bool = False
    """``leaving`` is certain whatever trimming leaves."""
    angle: float = 0.0
    effects: tuple[Argument, ...] = ()
    """Lengths multiplied by ``dpr`` already."""
    corners: tuple[int, int, int, int] | str | None = None
    mask: str | None = None
    shadow: a.Shadow | None = None
    """Lengths multiplied by ``dpr`` already."""
    padding: tuple[int, int, int, int] | None = None
    """Top, right, bottom, left."""
    border: tuple[int, Colour] | None = None
    background: BackgroundValue | None = None
    """Lengths multiplied by ``dpr`` already."""
    opacity: int = 100

    @property
    def fill(self) -> Colour:
        """What new area is filled with at once: nothing where the background shows through later."""
        if self.background is None:
            return WHITE
        seen = isinstance(self.background, Colour) and opaque(self.background)
        return self.background if seen and isinstance(self.background, Colour) else CLEAR

    @property
    def plain(self) -> bool:
        """Nothing but turning, cutting and resizing: what follows may still decide how small to decode."""
        paints = (
            self.canvas
            or self.angle
            or self.effects
            or self.corners
            or self.mask
            or self.shadow
            or self.padding
            or self.border
        )
        return not (self.trim or paints or self.background or self.opacity < 100)


def shape(component: Component, entering: Size, setting: Setting) -> Shape:
    """The component's effect on a picture of ``entering``. Raises ResultTooLarge, RegionOutside."""
    return _Shaper(component, entering, setting).shape()


class _Shaper:
    """Walks through one component in the order in which things happen."""

    def __init__(self, component: Component, entering: Size, setting: Setting) -> None:
        self.component = component
        self.entering = entering
        self.setting = setting
        dpr = component.get(a.Dpr)
        self.dpr = float(dpr.factor) if dpr is not None and not isinstance(dpr.factor, str) else 1.0
        self.turn = _turn(component)
        self.size = self.turn.shown(entering)
        self.base = setting.below or self.size
        self.size = setting.trimmed or self.size
        self.scene = Scene(self.size, self.base, self.dpr, setting.focus, setting.faces, setting.vector)

    def shape(self) -> Shape:
        done, size = cropping(self.component, self.scene)
        self._becomes(size)
        angle = self.component.get(a.Angle)
        degrees = float(angle.degrees) if angle is not None else 0.0
        if degrees:
            self._becomes(g.bounding(self.size, degrees))
        effects = self._effects()
        corners = self._corners()
        shadow = self._shadow()
        padding = self._padding()
        border = self._border()
        background, opacity = self.component.get(a.Background), self.component.get(a.Opacity)
        return Shape(
            self.entering,
            self.size,
            turn=self.turn,
            trim=self.component.get(a.Trim),
            look=done.look,
            region=done.region,
            resize=done.resize,
            cut=done.cut,
            canvas=done.canvas,
            frame=done.frame,
            fixed=done.fixed,
            angle=degrees,
            effects=effects,
            corners=corners,
            mask=mask.shape if (mask := self.component.get(a.Mask)) else None,
            shadow=shadow,
            padding=padding,
            border=border,
            background=background.multiplied(self.dpr).fill if background else None,
            opacity=opacity.percent if opacity else 100,
        )

    def _becomes(self, size: Size) -> None:
        """The picture grows or shrinks to ``size``. Raises ResultTooLarge."""
        check_result(size, self.setting.limits, entering=self.entering)
        self.size = size

    def _effects(self) -> tuple[Argument, ...]:
        """Raises RegionOutside: a face that stays to be seen is worse than no picture."""
        found = (one.multiplied(self.dpr) for one in self.component.arguments if isinstance(one, EFFECTS))
        return tuple(
            within(one, self.size) if isinstance(one, a.BlurRegion | a.PixelateRegion) else one
            for one in found
        )

    # Edge ---------------------------------------------------------------------------------------------

    def _corners(self) -> tuple[int, int, int, int] | str | None:
        argument = self.component.get(a.CornerRadius)
        if argument is None or argument.radii == "max":
            return "max" if argument else None
        first, second, third, fourth = (g.offset(radius, 0, self.dpr) for radius in argument.radii)
        return first, second, third, fourth

    def _shadow(self) -> a.Shadow | None:
        argument = self.component.get(a.Shadow)
        if argument is None:
            return None
        shadow = argument.multiplied(self.dpr)
        top, right, bottom, left = room(shadow)
        self._becomes(Size(self.size.width + left + right, self.size.height + top + bottom))
        return shadow

    def _padding(self) -> tuple[int, int, int, int] | None:
        argument = self.component.get(a.Padding)
        if argument is None:
            return None
        top, right, bottom, left = (
            g.offset(side, self.base.height if index % 2 == 0 else self.base.width, self.dpr)
            for index, side in enumerate(argument.sides)
        )
        self._becomes(Size(self.size.width + left + right, self.size.height + top + bottom))
        return top, right, bottom, left

    def _border(self) -> tuple[int, Colour] | None:
        argument = self.component.get(a.Border)
        if argument is None:
            return None
        width = g.length(argument.value.width, min(self.base), self.dpr)
        self._becomes(Size(self.size.width + 2 * width, self.size.height + 2 * width))
        return width, argument.value.colour


def within(op: a.BlurRegion | a.PixelateRegion, picture: Size) -> a.BlurRegion | a.PixelateRegion:
    """The same with all sides in pixels inside ``picture``. Raises RegionOutside."""
    box = g.clipped(
        Box(
            g.offset(op.left, picture.width, 1.0),
            g.offset(op.top, picture.height, 1.0),
            g.length(op.width, picture.width, 1.0),
            g.length(op.height, picture.height, 1.0),
        ),
        picture,
    )
    return replace(op, left=box.left, top=box.top, width=box.width, height=box.height)


def room(shadow: a.Shadow) -> tuple[int, int, int, int]:
    """What a shadow adds at the top, right, bottom and left: three standard deviations, as it is moved."""
    reach = math.ceil(1.5 * shadow.blur)
    return (
        max(0, reach - shadow.y),
        max(0, reach + shadow.x),
        max(0, reach + shadow.y),
        max(0, reach - shadow.x),
    )


def check_result(size: Size, limits: Limits, *, entering: Size | None = None) -> None:
    """Refuse a size beyond the limits, unless the picture entering was as large. Raises ResultTooLarge."""
    fits = max(size) <= limits.max_result_side and size.pixels <= limits.max_result_pixels
    grown = entering is None or size.pixels > entering.pixels or max(size) > max(entering)
    if fits or not grown:
        return
    most = largest(size, limits.max_result_side, limits.max_result_pixels)
    raise ResultTooLarge(
        f"The picture would become {size}; the largest of this shape that is made is {most} "
        f"(at most {limits.max_result_side} a side and {limits.max_result_pixels} pixels).",
        width=most.width,
        height=most.height,
    )


def largest(size: Size, side: int, pixels: int) -> Size:
    """The largest size of the same ratio within a side and a number of pixels."""
    factor = min(side / size.width, side / size.height, (pixels / size.pixels) ** 0.5, 1.0)
    return Size(max(1, int(size.width * factor + 1e-9)), max(1, int(size.height * factor + 1e-9)))


def _turn(component: Component) -> View:
    view = UPRIGHT
    rotate, flip = component.get(a.Rotate), component.get(a.Flip)
    if rotate is not None and rotate.turn.isdigit():
        view = view.turn(int(rotate.turn))
    return view.flip(flip.axes) if flip is not None else view
