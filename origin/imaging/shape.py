"""What one component does to a picture of a known size: every length in pixels, every place decided.

A :class:`Shape` is all that the steps need; they ask no URL and no setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.errors import ResultTooLarge
from origin.imaging import geometry as g
from origin.imaging.geometry import UPRIGHT, Box, Size, Smart, View
from origin.imaging.model import Limits
from urlspec import arguments as a
from urlspec.declare import Argument
from urlspec.kinds import FocalPoint
from urlspec.pipeline import EFFECTS
from urlspec.request import Component
from urlspec.values import WHITE, Colour, Fraction

SMART: Final = {"auto": "attention", "entropy": "entropy"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a component is judged against besides its own arguments."""

    limits: Limits
    focus: tuple[float, float] | None = None
    below: Size | None = None
    """For the first component of a layer: the picture below, which fractions refer to."""
    trimmed: Size | None = None
    """What trimming left of the turned picture; unknown before its pixels are seen."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One component in pixels; None and empty where it does nothing."""

    entering: Size
    leaving: Size
    turn: View = UPRIGHT
    trim: a.Trim | None = None
    region: Box | Smart | None = None
    resize: Size | None = None
    cut: Box | Smart | None = None
    frame: Box | None = None
    """``pad``: where the picture lies in its canvas, whose size is ``canvas``."""
    canvas: Size | None = None
    angle: float = 0.0
    effects: tuple[Argument, ...] = ()
    """Lengths multiplied by ``dpr`` already."""
    corners: tuple[int, int, int, int] | str | None = None
    padding: tuple[int, int, int, int] | None = None
    """Top, right, bottom, left."""
    border: tuple[int, Colour] | None = None
    background: Colour | None = None
    opacity: int = 100

    @property
    def fill(self) -> Colour:
        """What new area is filled with."""
        return self.background or WHITE

    @property
    def plain(self) -> bool:
        """Nothing but turning, cutting and resizing: what follows may still decide how small to decode."""
        paints = self.canvas or self.angle or self.effects or self.corners or self.padding or self.border
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

    def shape(self) -> Shape:
        region, resize, cut, canvas, frame = self._resized()
        angle = self.component.get(a.Angle)
        degrees = float(angle.degrees) if angle is not None else 0.0
        if degrees:
            self._becomes(g.bounding(self.size, degrees))
        corners = self._corners()
        padding = self._padding()
        border = self._border()
        background, opacity = self.component.get(a.Background), self.component.get(a.Opacity)
        return Shape(
            self.entering,
            self.size,
            turn=self.turn,
            trim=self.component.get(a.Trim),
            region=region,
            resize=resize,
            cut=cut,
            frame=frame,
            canvas=canvas,
            angle=degrees,
            effects=tuple(
                one.multiplied(self.dpr) for one in self.component.arguments if isinstance(one, EFFECTS)
            ),
            corners=corners,
            padding=padding,
            border=border,
            background=background.colour if background else None,
            opacity=opacity.percent if opacity else 100,
        )

    # Size ---------------------------------------------------------------------------------------------

    def _resized(
        self,
    ) -> tuple[Box | Smart | None, Size | None, Box | Smart | None, Size | None, Box | None]:
        """Region, resize, cut, canvas and frame; ``self.size`` becomes what comes out."""
        crop = self.component.get(a.Crop)
        mode = crop.mode if crop else "limit"
        box, boxed = self._box(mode)
        if box is None:
            return None, None, None, None, None
        picture = self.size
        if mode == "crop":
            region = self._region(box)
            self.size = region.size
            return region, None, None, None, None
        if mode == "thumb" and (boxed or self.component.has(a.Zoom)):
            region = self._zoomed(box)
            self._becomes(box)
            return region, box, None, None, None
        if mode in {"fill", "lfill"} and boxed:
            covering = g.around(picture, box)
            if mode == "lfill" and (covering.width > picture.width or covering.height > picture.height):
                covering = picture
            self._becomes(Size(min(box.width, covering.width), min(box.height, covering.height)))
            cut = self._cut(self.size, covering, picture)
            return None, _unless(covering, picture), cut, None, None
        target = self._target(mode, box, boxed)
        if mode in {"pad", "lpad"} and boxed:
            self._becomes(box)
            left, top = self._place_in_pad(target, box)
            frame = Box(left, top, target.width, target.height) if target != box else None
            return None, _unless(target, picture), None, box if frame else None, frame
        self._becomes(target)
        return None, _unless(target, picture), None, None, None

    def _box(self, mode: str) -> tuple[Size | None, bool]:
        """The box that ``w_ h_ ar_`` name, and whether both its sides were said."""
        width, height = self._side(a.Width), self._side(a.Height)
        ratio = self.component.get(a.AspectRatio)
        picture = self.size
        if width is not None and height is not None:
            return Size(width, height), True
        if ratio is not None:
            if width is not None:
                return Size(width, g.half_up(width / ratio.value.value)), True
            if height is not None:
                return Size(g.half_up(height * ratio.value.value), height), True
            return g.ratio_box(picture, ratio.value, outside=mode in {"pad", "lpad"}), True
        if width is not None:
            return Size(width, g.half_up(picture.height * width / picture.width)), False
        if height is not None:
            return Size(g.half_up(picture.width * height / picture.height), height), False
        return None, False

    def _side(self, kind: type[a.Width] | type[a.Height]) -> int | None:
        argument = self.component.get(kind)
        if argument is None or argument.value == "auto":
            return None
        side = self.base.width if kind is a.Width else self.base.height
        return g.length(argument.value, side, self.dpr)

    def _target(self, mode: str, box: Size, boxed: bool) -> Size:
        """The size of the whole picture after its resize."""
        picture = self.size
        if mode == "scale" or not boxed:
            target = box
        elif mode == "mfit":
            target = g.around(picture, box)
        else:
            target = g.inside(picture, box)
        grows = target.width > picture.width or target.height > picture.height
        return picture if grows and mode in {"limit", "lfill", "lpad"} else target

    def _zoomed(self, box: Size) -> Box | Smart:
        """``thumb``: the part of the picture that fills the box after zooming in."""
        zoom = self.component.get(a.Zoom)
        picture = self.size
        seen = g.inside(box, picture)  # the largest part with the box's ratio
        factor = 1 / max(1.0, zoom.factor) if zoom else 1.0
        # Without something to look for, zooming out can show no more than the whole.
        return self._cut(g.scaled(seen, factor), picture, picture) or Box(0, 0, *picture)

    def _becomes(self, size: Size) -> None:
        """The picture grows or shrinks to ``size``. Raises ResultTooLarge."""
        check_result(size, self.setting.limits, entering=self.entering)
        self.size = size

    # Place --------------------------------------------------------------------------------------------

    def _gravity(self, default: str) -> str | FocalPoint:
        argument = self.component.get(a.Gravity)
        value = argument.value if argument else default
        if value == "focus":
            return FocalPoint(*self.setting.focus) if self.setting.focus else "center"
        return value

    def _offsets(self, scale: tuple[float, float] = (1.0, 1.0)) -> tuple[int, int]:
        x, y = self.component.get(a.X), self.component.get(a.Y)
        across = _pixels(x.value, self.base.width, self.dpr) if x else 0.0
        down = _pixels(y.value, self.base.height, self.dpr) if y else 0.0
        return g.signed_half_up(across * scale[0]), g.signed_half_up(down * scale[1])

    def _region(self, box: Size) -> Box | Smart:
        picture, gravity = self.size, self._gravity("north_west")
        if isinstance(gravity, str) and gravity in SMART:
            fitting = Size(min(box.width, picture.width), min(box.height, picture.height))
            return Smart(fitting, SMART[gravity])
        x, y = self._offsets()
        if isinstance(gravity, FocalPoint):
            return g.window(box, picture, gravity, x, y)
        left, top = g.put(box, picture, gravity, x, y)
        return g.clipped(Box(left, top, box.width, box.height), picture)

    def _cut(self, size: Size, resized: Size, picture: Size) -> Box | Smart | None:
        if size == resized:
            return None
        gravity = self._gravity("center")
        if isinstance(gravity, str) and gravity in SMART:
            return Smart(size, SMART[gravity])
        # xy_center names a point of the picture before its resize, other offsets count in the result.
        point = gravity == "xy_center"
        scale = (resized.width / picture.width, resized.height / picture.height) if point else (1.0, 1.0)
        return g.window(size, resized, gravity, *self._offsets(scale))

    def _place_in_pad(self, picture: Size, canvas: Size) -> tuple[int, int]:
        gravity = self._gravity("center")
        if isinstance(gravity, FocalPoint):
            left = g.signed_half_up((canvas.width - picture.width) * gravity.x)
            top = g.signed_half_up((canvas.height - picture.height) * gravity.y)
        else:
            left, top = g.put(picture, canvas, gravity, *self._offsets())
        return g.held(left, picture.width, canvas.width), g.held(top, picture.height, canvas.height)

    # Edge ---------------------------------------------------------------------------------------------

    def _corners(self) -> tuple[int, int, int, int] | str | None:
        argument = self.component.get(a.CornerRadius)
        if argument is None or argument.radii == "max":
            return "max" if argument else None
        first, second, third, fourth = (g.offset(radius, 0, self.dpr) for radius in argument.radii)
        return first, second, third, fourth

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
        width = g.length(argument.value.width, 0, self.dpr)
        self._becomes(Size(self.size.width + 2 * width, self.size.height + 2 * width))
        return width, argument.value.colour


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


def _unless(size: Size, picture: Size) -> Size | None:
    return None if size == picture else size


def _pixels(value: int | Fraction, side: int, dpr: float) -> float:
    return value.value * side if isinstance(value, Fraction) else value * dpr
