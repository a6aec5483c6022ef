"""From a request and the headers of its pictures to everything that can be known before a pixel is read.

Integers only: sizes and places, how small the decoder may decode, the output format, the cost. Where the
pixels have a say (trimming, the size of a text), the plan is an upper bound and says so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from origin.errors import PageMissing
from origin.imaging import cost as costs
from origin.imaging import geometry as g
from origin.imaging.cost import Cost
from origin.imaging.cropping import FACES
from origin.imaging.faces import LOOKED_AT, SECONDS, check_available
from origin.imaging.fonts import remarks
from origin.imaging.geometry import UPRIGHT, Size, Smart, View
from origin.imaging.model import FORMATS, Accept, Header, Limits, Opening
from origin.imaging.output import Output, choose
from origin.imaging.placing import CUTTING, Placement, placement
from origin.imaging.shape import Setting, Shape, check_result, shape
from origin.imaging.textbox import text_bound, text_box, text_work
from urlspec import arguments as a
from urlspec import outputs as o
from urlspec.backgrounds import opaque
from urlspec.kinds import TextRef
from urlspec.request import Component, LayerStep, Request, Step, component
from urlspec.request import Output as Wanted
from urlspec.sources import SourceRef
from urlspec.values import Colour

Focus = Mapping[SourceRef, tuple[float, float]]

TRANSPARENT: Final = Colour(0, 0, 0, 0)
ANIMATED_FORMATS: Final = frozenset({"gif", "webp"})


@dataclass(frozen=True, slots=True)
class Load:
    """How a file is opened."""

    header: Header
    view: View
    """What its EXIF orientation asks for, unless the URL ignores it."""
    page: int = 0
    """Counted from 0."""
    frames: int = 1
    shrink: float = 1.0
    """The picture may come this many times smaller: that is still at least twice what is needed. A drawing
    comes as it is needed, larger too (below 1)."""
    density: int | None = None
    """``dn_``."""

    @property
    def decoded(self) -> float:
        """How many times smaller the format's decoder really makes it."""
        match self.header.format:
            case "jpeg":
                return next(whole for whole in (8, 4, 2, 1) if whole <= self.shrink or whole == 1)
            case "webp" if self.header.animated:
                return 1  # its frames are laid over each other, which is exact only pixel by pixel
            case "webp" | "svg" | "pdf":
                return self.shrink
        return 1

    @property
    def size(self) -> Size:
        """As shown."""
        return self.view.shown(Size(*self.header.stored))


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """A layer: its own picture, and where it goes."""

    what: str
    load: Load | None
    """None for a text."""
    steps: tuple[Shape | PlannedLayer, ...]
    size: Size
    place: Placement
    under: bool


@dataclass(frozen=True, slots=True)
class Plan:
    load: Load
    steps: tuple[Shape | PlannedLayer, ...]
    output: Output
    size: Size
    frames: int
    alpha: bool
    """The result can have transparent pixels, format permitting."""
    cost: Cost
    exact: bool
    """False when trimming or a text has a say: then sizes are those that come out if nothing is trimmed,
    and the largest that a text may have."""
    warnings: tuple[str, ...] = ()


def plan(
    request: Request,
    headers: Mapping[SourceRef, Header],
    limits: Limits,
    accept: Accept = "jpeg",
    focus: Focus | None = None,
    fonts: str | None = None,
) -> Plan:
    """Raises ResultTooLarge, RegionOutside, TooExpensive, ImageTooComplex, BadRequest (``pg_``)."""
    return _Planner(request, headers, limits, focus or {}, fonts).plan(accept)


class _Planner:
    def __init__(
        self,
        request: Request,
        headers: Mapping[SourceRef, Header],
        limits: Limits,
        focus: Focus,
        fonts: str | None,
    ) -> None:
        self.request = request
        self.headers = headers
        self.limits = limits
        self.focus = focus
        self.fonts = fonts
        self.cost = Cost()
        self.held = 0
        """Bytes of the largest picture that is held, for each frame."""
        self.seconds = 0.0
        """Work on each frame."""
        self.exact = True
        self.warnings: list[str] = []

    def plan(self, accept: Accept) -> Plan:
        request, header = self.request, self.headers[self.request.source]
        steps = request.steps()
        view = UPRIGHT if ignores_orientation(request) else g.EXIF_VIEWS[header.orientation]
        size = view.shown(Size(*header.stored))
        setting = Setting(self.limits, self.focus.get(request.source), vector=header.vector)
        planned, result, alpha = self._steps(steps, size, header.has_alpha, setting)
        check_result(result, self.limits)
        page = request.output.get(o.Page)
        animated = header.animated and page is None
        output = choose(
            request.output,
            header,
            result,
            alpha=alpha,
            animated=animated,
            accept=accept,
            limits=self.limits,
        )
        frames = header.frames if animated and output.name in ANIMATED_FORMATS else 1
        density = request.output.get(o.Density)
        load = Load(
            header,
            view,
            _page(page, header),
            frames,
            self._shrink(header, planned, view),
            density.dpi if density else None,
        )
        shrunk = g.scaled(size, 1 / load.decoded)
        self.cost += costs.decoding(header, frames, load.decoded, kept=frames > 1 or not _streams(planned))
        if shrunk != result or not _streams(planned):
            held = Size(min(shrunk.width, result.width), min(shrunk.height, result.height))
            self._work(held, 1)
        self.cost += Cost(self.held * frames, self.seconds * frames)
        self.cost += costs.encoding(output, result, frames)
        costs.check(self.cost, self.limits)
        self._warn(planned)
        return Plan(load, planned, output, result, frames, alpha, self.cost, self.exact, tuple(self.warnings))

    def _steps(
        self, steps: Iterable[Step], size: Size, alpha: bool, setting: Setting
    ) -> tuple[tuple[Shape | PlannedLayer, ...], Size, bool]:
        """The planned steps, and the size and alpha of what comes out. Only the first step sees ``below``."""
        planned: list[Shape | PlannedLayer] = []
        for step in steps:
            if isinstance(step, LayerStep):
                layer = self._layer(step, size)
                planned.append(layer)
                alpha = alpha or layer.place.mode in CUTTING
            else:
                done = shape(step, size, setting)
                if done.look:
                    check_available()
                    self.cost += Cost(0, SECONDS)
                self.exact = self.exact and (done.trim is None or done.fixed)
                operations = costs.operations(done.effects) + 3 * bool(done.shadow) + 3 * bool(done.mask)
                operations += bool(done.angle) + bool(done.corners) + bool(done.background)
                if operations:
                    self._work(done.leaving, operations)
                size, alpha = done.leaving, _alpha_after(done, alpha)
                planned.append(done)
            setting = dataclasses.replace(setting, below=None, vector=False)
        return tuple(planned), size, alpha

    def _layer(self, step: LayerStep, below: Size) -> PlannedLayer:
        ref = step.source
        header: Header | None = None
        if isinstance(ref, TextRef):
            size, alpha, focus, what = self._text(ref, step.opening, below), True, None, "text"
        else:
            header = self.headers[ref]
            view = g.EXIF_VIEWS[header.orientation]
            size, alpha = view.shown(Size(*header.stored)), header.has_alpha
            focus, what = self.focus.get(ref), ref.path()
        setting = Setting(self.limits, focus, below=below, vector=header is not None and header.vector)
        planned, result, _ = self._steps(layer_chain(step), size, alpha, setting)
        load = None
        if header is not None:
            load = Load(header, view, shrink=self._shrink(header, planned, view))
            self.cost += costs.decoding(header, 1, load.decoded, kept=True)
        self._work(below, 2)
        return PlannedLayer(what, load, planned, result, placement(step, below, result), step.under)

    def _text(self, text: TextRef, opening: Component, below: Size) -> Size:
        """An upper bound of the text's size."""
        box = text_box(text, opening, below, self.limits)
        size = text_bound(text, box, self.limits)
        self.exact = False
        self.warnings += remarks(text.family, text.text, self.fonts)
        self._work(size, text_work(text, box))
        return size

    def _shrink(self, header: Header, planned: tuple[Shape | PlannedLayer, ...], view: View) -> float:
        scale = max(_scale(planned, view))
        if not header.vector:
            return max(1.0, 0.5 / scale)
        side = max(header.width, header.height) / self.limits.max_side
        area = header.width * header.height / self.limits.max_pixels
        return max(1 / scale, side, math.sqrt(area))

    def _work(self, size: Size, operations: int) -> None:
        work = costs.raster(size, operations)
        self.held = max(self.held, work.memory)
        self.seconds += work.seconds

    def _warn(self, planned: tuple[Shape | PlannedLayer, ...]) -> None:
        for step in planned:
            if not isinstance(step, Shape):
                continue
            fills = (
                step.canvas
                or step.padding
                or _alpha_after(dataclasses.replace(step, background=None), alpha=False)
            )
            if (
                step.background is not None
                and not (fills or step.look)
                and not self.headers[self.request.source].has_alpha
            ):
                self.warnings.append(
                    f"{a.Background(step.background)}: nothing shows through an opaque picture"
                )
        if self.request.output.has(o.Density) and not self.headers[self.request.source].vector:
            self.warnings.append("dn_: the picture has pixels of its own, so no density changes their number")
        for part in self.request.components:
            zoom, gravity = part.get(a.Zoom), part.get(a.Gravity)
            if zoom is not None and zoom.factor < 1 and not (gravity and gravity.value in FACES):
                self.warnings.append("z_ below 1 shows no more than the whole picture")
            if gravity is not None and gravity.value == "focus" and self.request.source not in self.focus:
                self.warnings.append("g_focus: no focus is stored with the picture, so its centre is used")


def layer_chain(step: LayerStep) -> tuple[Step, ...]:
    """What shapes a layer's own picture, in order."""
    opening = step.opening.without(a.Layer, a.Underlay, a.TextColour)
    if not isinstance(step.source, TextRef):
        return (opening, *step.shape) if opening.without(a.Dpr).arguments else step.shape
    opening = opening.without(a.Width, a.Height)  # they are the box of the text
    if step.source.stroke:
        opening = opening.without(a.Border)  # it is the outline of the letters
    chain = (opening, *step.shape) if opening.arguments else step.shape
    return tuple(_on_nothing(part) if isinstance(part, Component) else part for part in chain)


def _on_nothing(part: Component) -> Component:
    """Around a text there is nothing, where no background is said; around a picture it would be white."""
    if not part.has(a.Padding) or part.has(a.Background):
        return part
    return component([*part.arguments, a.Background(TRANSPARENT)])


def opening(output: Wanted) -> Opening:
    """How the URL asks for its source to be opened."""
    page, density = output.get(o.Page), output.get(o.Density)
    return Opening(page.number - 1 if page else 0, density.dpi if density else None)


def ignores_orientation(request: Request) -> bool:
    if not request.components:
        return False
    rotate = request.components[0].get(a.Rotate)
    return rotate is not None and rotate.turn == "ignore"


def _page(page: o.Page | None, header: Header) -> int:
    if page is None:
        return 0
    if page.number > header.frames:
        raise PageMissing(
            f"pg_{page.number}: the picture has {header.frames} page{'s' if header.frames > 1 else ''}.",
            pages=header.frames,
        )
    return page.number - 1


def _alpha_after(done: Shape, alpha: bool) -> bool:
    if done.canvas and done.fill.alpha < 255:
        alpha = True
    cut = done.angle or done.corners or done.mask or done.shadow
    if cut or any(isinstance(one, a.Fade) for one in done.effects):
        alpha = True
    if done.padding and done.fill.alpha < 255:
        alpha = True
    if done.border and done.border[1].alpha < 255:
        alpha = True
    if done.background is not None and opaque(done.background):
        alpha = False
    return alpha or done.opacity < 100


def _scale(planned: Iterable[Shape | PlannedLayer], view: View) -> tuple[float, float]:
    """The smallest scale, across and down as stored, at which the picture is seen on its way.

    As long as nothing but turning, cutting and resizing happens; what follows needs all of it.
    """
    across = down = 1.0
    seen: list[tuple[float, float]] = []
    needed = 0.0
    swapped = view.swaps
    for step in planned:
        if isinstance(step, PlannedLayer) or step.trim:
            break
        swapped ^= step.turn.swaps
        if step.look:
            side = max(step.entering) / max(across, down)
            needed = max(needed, min(1.0, 0.5 * LOOKED_AT / side))
        if step.resize is not None:
            width, height = _seen(step)
            wider, higher = step.resize.width / width, step.resize.height / height
            if swapped:
                wider, higher = higher, wider
            across, down = across * wider, down * higher
            seen.append((across, down))
        if not step.plain:
            break
    if not seen:
        return 1.0, 1.0
    return max(needed, min(one[0] for one in seen)), max(needed, min(one[1] for one in seen))


def _seen(step: Shape) -> tuple[float, float]:
    """Width and height of what a step resizes, at the smallest that it may turn out to be."""
    if step.region is None:
        return step.turn.shown(step.entering)
    least = step.region.least if isinstance(step.region, Smart) else 1.0
    return step.region.size.width * least, step.region.size.height * least


def _streams(planned: tuple[Shape | PlannedLayer, ...]) -> bool:
    return all(isinstance(step, Shape) and step.plain and not step.look for step in planned)


__all__ = ["FORMATS", "Component", "Load", "Plan", "PlannedLayer", "layer_chain", "plan"]
