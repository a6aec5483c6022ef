"""A job from files to bytes: headers, plan, decode, steps, encode."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

import pyvips

from origin.errors import ImageUnprocessable, OriginError
from origin.imaging import backings, decode, edges, gainmap, masks, rasterfile, rasters
from origin.imaging.canvas import Canvas
from origin.imaging.colour import VipsImage, srgb_as_p3, wide
from origin.imaging.describe import MEDIA, Subject, TracedCanvas, data_uri, describe
from origin.imaging.efforts import effort
from origin.imaging.encode import Animation, Encoded, encode
from origin.imaging.gamut import in_p3
from origin.imaging.geometry import EXIF_VIEWS, Box, Size, Smart
from origin.imaging.layers import laid
from origin.imaging.metadata import Kept
from origin.imaging.model import MEDIA_TYPES, NEVER, Header, Job, Rendered
from origin.imaging.passing import HEADER, passes, source_instead
from origin.imaging.placing import placement
from origin.imaging.plan import Load, Plan, PlannedLayer, layer_chain, opening, plan
from origin.imaging.shape import Setting, Shape, check_result, shape
from origin.imaging.steps import STEPS
from origin.imaging.text import draw
from urlspec.backgrounds import Auto, BackgroundValue, Blurred
from urlspec.kinds import TextRef
from urlspec.request import Component, LayerStep, Step
from urlspec.sources import SourceRef
from urlspec.values import Colour

_log = logging.getLogger(__name__)


def render(job: Job) -> Rendered:
    """Raises what :func:`origin.imaging.plan.plan` raises, and UnsupportedMedia and the 422 errors."""
    started = time.perf_counter()
    source = job.request.source
    header = decode.probe(job.sources[source].path, job.limits, opening(job.request.output))
    headers = _headers(job, header)
    planned = _planned(job, headers)
    probed = time.perf_counter()
    try:
        done = _Renderer(job, planned, headers).render()
    except pyvips.Error as error:
        raise _blamed(job, headers) from error
    except MemoryError as error:
        raise ImageUnprocessable from error
    return dataclasses.replace(done, seconds={"probe": probed - started, **done.seconds})


def render_kept(job: Job) -> Rendered | None:
    """The same without the source's original, from what was kept of it; None when that does not suffice."""
    started = time.perf_counter()
    if job.request.source in job.request.layers():  # that needs the file itself
        return None
    try:
        with ExitStack() as files:
            paths = job.sources[job.request.source].kept
            kept = [files.enter_context(raster) for path in paths if (raster := rasterfile.read(path))]
            if not kept or kept[0].header.format not in job.limits.accept:
                return None
            headers = _headers(job, decode.judged(kept[0].header, job.limits))
            planned = _planned(job, headers)
            if passes(planned):
                return None
            image = rasters.best(kept, planned)
        probed = time.perf_counter()
        done = _Renderer(job, planned, headers, image).render()
    except (rasters.NeedsOriginalError, rasterfile.DamagedError):
        return None
    except (pyvips.Error, MemoryError):
        # The original may do better; if not, it is told what is wrong with it.
        _log.warning("a kept picture could not be rendered", exc_info=True)
        return None
    return dataclasses.replace(done, seconds={"probe": probed - started, **done.seconds})


def _planned(job: Job, headers: Mapping[SourceRef, Header]) -> Plan:
    focus = {ref: source.focus for ref, source in job.sources.items() if source.focus}
    return plan(job.request, headers, job.limits, job.accept, focus, job.fonts)


def _headers(job: Job, header: Header) -> dict[SourceRef, Header]:
    """Headers of the source and of every layer."""
    request = job.request
    headers = {request.source: header}
    for ref in request.layers():
        if not isinstance(ref, TextRef) and ref not in headers:
            headers[ref] = decode.probe(job.sources[ref].path, job.limits)
    return headers


def _blamed(job: Job, headers: Mapping[SourceRef, Header]) -> OriginError:
    """Whose fault a failure of libvips was: a damaged file's, if one cannot be decoded by itself.

    The text of libvips' error tells nothing: its buffer is shared. So every file is decoded alone.
    """
    for ref in headers:
        try:
            decode.whole(job.sources[ref].path, job.limits)
        except OriginError as error:
            return error
        except MemoryError:
            break
    return ImageUnprocessable()


class _Renderer:
    def __init__(
        self, job: Job, planned: Plan, headers: Mapping[SourceRef, Header], image: VipsImage | None = None
    ) -> None:
        """``image``: the source, decoded, as stored. It is held to the end: what is kept of a picture lies in
        a memory map that only this image holds, not what ``copy_memory`` makes of it."""
        self.job = job
        self.plan = planned
        self.headers = headers
        self.image = image
        self.kept = ""
        self.warnings: list[str] = list(planned.warnings)

    def render(self) -> Rendered:
        job, planned = self.job, self.plan
        began = time.perf_counter()
        frames = self._frames()
        kept = Kept.of(frames[0], planned.output.metadata)
        exif = bytes(frames[0].get("exif-data")) if frames[0].get_typeof("exif-data") else b""
        canvas = self._canvas(frames)
        if planned.output.space == "p3" and wide(frames[0]):
            canvas.space = "p3"
        self._run(canvas, job.request.steps(), job.request.source)
        describes = planned.output.describes
        if describes in {"json", "thumbhash", "blurhash"}:
            canvas.settle()
        canvas.finish()
        check_result(canvas.size, job.limits)
        drawn = time.perf_counter()
        encoded = self._encoded(canvas, kept, exif)
        source = job.sources[job.request.source].path
        passed = None if describes else source_instead(planned, source, encoded)
        sent = passed or encoded
        return Rendered(
            sent.body,
            MEDIA[describes] if describes else MEDIA_TYPES[sent.name],
            describes or sent.name,
            canvas.size.width,
            canvas.size.height,
            len(canvas.frames),
            {"render": drawn - began, "encode": time.perf_counter() - drawn},
            tuple(dict.fromkeys(self.warnings)),
            (HEADER,) if passed else (),
            self.kept,
            passed is None and describes in {"", "datauri"} and self._hasty(sent.name, canvas.size),
        )

    def _hasty(self, name: str, size: Size) -> bool:
        """Whether less work was taken over the picture than it is worth."""
        return effort(name, size.pixels, self.job.diligence) < effort(name, size.pixels, self.job.goal)

    def _frames(self) -> list[VipsImage]:
        if self.image is not None:
            return [self.image]
        source = self.job.sources[self.job.request.source]
        if source.keep is not None:
            if made := rasters.made(self.plan, source.path, source.keep):
                self.image, self.kept = made
                return [self.image]
            self.kept = NEVER if rasters.barren(self.plan.load.header) else ""
        return decode.load(self.plan.load, source.path)

    def _canvas(self, frames: list[VipsImage]) -> Canvas:
        load, path = self.plan.load, self.job.sources[self.job.request.source].path
        if self.plan.output.describes == "json":
            return TracedCanvas(frames, load.view, load.size, vector=load.header.vector)
        # What was kept of a picture with a gain map does not serve where the map survives.
        carrier = gainmap.carrier(load.header, path) if path and gainmap.survives(self.plan) else None
        if carrier is not None:
            return gainmap.HdrCanvas(frames, load.view, load.size, carrier)
        return Canvas(frames, load.view, load.size, vector=load.header.vector)

    def _encoded(self, canvas: Canvas, kept: Kept, exif: bytes) -> Encoded:
        output = self.plan.output
        if output.describes in {"json", "thumbhash", "blurhash"}:
            focus = self.job.sources[self.job.request.source].focus
            subject = Subject(canvas, self.plan.load.header, focus, exif, output.name)
            return Encoded(describe(output.describes, subject), output.name)
        gains = canvas if isinstance(canvas, gainmap.HdrCanvas) else None
        output = dataclasses.replace(output, space=canvas.space, diligence=self.job.diligence)
        made = encode(canvas.frames, output, kept, self._animation(len(canvas.frames)), gains)
        return Encoded(data_uri(made.name, made.body), made.name) if output.describes else made

    def _animation(self, frames: int) -> Animation | None:
        header = self.plan.load.header
        return Animation(header.delays, header.loop) if frames > 1 else None

    # Steps --------------------------------------------------------------------------------------------

    def _run(
        self, canvas: Canvas, steps: Iterable[Step], source: SourceRef | None, below: Size | None = None
    ) -> None:
        """``below`` is what fractions in the first step refer to."""
        focus = self.job.sources[source].focus if source is not None else None
        vector = source is not None and self.headers[source].vector
        setting = Setting(self.job.limits, focus, below, vector=vector)
        for step in steps:
            if isinstance(step, LayerStep):
                self._lay(canvas, step)
            else:
                part = in_p3(step) if canvas.space == "p3" else step
                self.warnings += component(canvas, part, setting)
            setting = dataclasses.replace(setting, below=None, vector=False)

    def _lay(self, canvas: Canvas, step: LayerStep) -> None:
        layer = self._layer(step, canvas.size)
        if canvas.space == "p3":
            layer.paint(srgb_as_p3)
            layer.settle()
        place = placement(step, canvas.size, layer.size)
        canvas.paint(lambda image: laid(image, layer.frames[0], place, under=step.under))

    def _layer(self, step: LayerStep, below: Size) -> Canvas:
        """The layer's own picture, settled; of an animation the first frame."""
        ref = step.source
        if isinstance(ref, TextRef):
            layer = Canvas.of(draw(ref, step.opening, below, self.job.limits, self.job.fonts))
            self._run(layer, layer_chain(step), None, below)
        else:
            header = self.headers[ref]
            how = Load(header, EXIF_VIEWS[header.orientation], shrink=self._shrink(step))
            frames = decode.load(how, self.job.sources[ref].path)
            layer = Canvas(frames, how.view, how.size, vector=header.vector)
            self._run(layer, layer_chain(step), ref, below)
        layer.settle()
        return layer

    def _shrink(self, step: LayerStep) -> float:
        """What the plan allows for this layer, unless an unknown size above it moved the ground."""
        if not self.plan.exact:
            return 1.0
        return next(
            (
                found.load.shrink
                for at, found in _layers(self.job.request.steps(), self.plan.steps)
                if at is step and found.load
            ),
            1.0,
        )


def _layers(steps: Iterable[Step], planned: Iterable[object]) -> Iterable[tuple[LayerStep, PlannedLayer]]:
    for step, found in zip(steps, planned, strict=True):
        if isinstance(step, LayerStep) and isinstance(found, PlannedLayer):
            yield step, found
            yield from _layers(layer_chain(step), found.steps)


def component(canvas: Canvas, part: Component, setting: Setting) -> list[str]:
    """Everything that one component does, in its order; returns warnings."""
    warnings: list[str] = []
    entering = canvas.size
    done = shape(part, entering, setting)
    canvas.turn(done.turn)
    if done.trim is not None:
        canvas.settle()
        canvas.crop(edges.trim_box(canvas.frames, done.trim) or Box(0, 0, *canvas.size))
        setting = dataclasses.replace(setting, trimmed=canvas.size)
        done = shape(part, entering, setting)
    if done.look is not None:
        faces = canvas.faces()
        if not faces:
            warnings.append(f"g_{done.look}: no face was found, so g_auto keeps what draws the eye")
        done = shape(part, entering, dataclasses.replace(setting, faces=faces))
    if done.region is not None:
        canvas.crop(canvas.find(done.region) if isinstance(done.region, Smart) else done.region)
    if done.resize is not None:
        canvas.resize(done.resize)
    if done.cut is not None:
        canvas.crop(canvas.find(done.cut) if isinstance(done.cut, Smart) else done.cut)
    seen = _seen(canvas, done)
    if done.canvas is not None and done.frame is not None:
        whole, frame = done.canvas, done.frame
        canvas.paint(
            lambda image: edges.extended(image, whole, frame.left, frame.top, done.fill),
            (frame.left, frame.top),
        )
    if done.angle:
        canvas.paint(lambda image: edges.rotated(image, done.angle))
    for effect in done.effects:
        canvas.settle()
        canvas.paint(STEPS[type(effect)](canvas.frames, effect))
    if seen and not done.angle:
        seen = _seen(canvas, done, done.frame)
    if done.corners is not None:
        corners = done.corners
        canvas.paint(lambda image: edges.cornered(image, corners))
    if done.mask is not None:
        form = done.mask
        canvas.paint(lambda image: edges.masked(image, masks.mask(Size(image.width, image.height), form)))
    if done.shadow is not None:
        shadow = done.shadow
        canvas.paint(lambda image: edges.shadowed(image, shadow))
    if done.padding is not None:
        padding = done.padding
        canvas.paint(lambda image: edges.padded(image, padding, done.fill), (padding[3], padding[0]))
    if done.border is not None:
        width, colour = done.border
        # Padding and shadow have straight edges, whatever the picture inside them has.
        outline = None if done.padding or done.mask or done.shadow else done.corners
        canvas.paint(lambda image: edges.bordered(image, width, colour, outline), (width, width))
    if done.background is not None:
        _back(canvas, done.background, seen, done.frame)
    if done.opacity < 100:
        canvas.paint(lambda image: edges.faded(image, done.opacity))
    return warnings


def _seen(canvas: Canvas, done: Shape, frame: Box | None = None) -> list[VipsImage]:
    """The frames by themselves, before space is added, where the background is made from them."""
    if not isinstance(done.background, Auto | Blurred):
        return []
    canvas.settle()
    return [image.crop(*frame) for image in canvas.frames] if frame is not None else canvas.frames


def _back(canvas: Canvas, background: BackgroundValue, seen: list[VipsImage], frame: Box | None) -> None:
    canvas.settle()
    if isinstance(background, Colour):
        canvas.paint(lambda image: edges.backed(image, background))
    elif canvas.frames[0].hasalpha():
        own = frame or Box(0, 0, *(Size(seen[0].width, seen[0].height) if seen else canvas.size))
        behind = backings.backings(background, seen or canvas.frames, canvas.size, own)
        canvas.paint(lambda image: backings.laid_on(image, next(behind)))
