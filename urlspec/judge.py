"""What arguments mean together: contradictions are refused, what can have no effect is dropped and named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from urlspec import arguments as a
from urlspec import outputs as o
from urlspec.declare import Argument
from urlspec.errors import UrlError
from urlspec.kinds import TextRef
from urlspec.pipeline import place
from urlspec.request import Component, Dropped, Output, Request, component, matched
from urlspec.sources import NamedRef, SourceRef
from urlspec.values import Fraction

MOST_COMPONENTS: Final = 24
MOST_ARGUMENTS: Final = 64
MOST_LAYERS: Final = 8

PLACEMENT: Final = frozenset({a.Gravity, a.X, a.Y, a.Opacity, a.Tiled, a.Blend})
"""What places a layer rather than shaping it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An argument with the place where it stood."""

    argument: Argument
    text: str
    position: int
    component: int
    """Counted from 1."""

    def error(self, code: str, detail: str, expected: str | None = None) -> UrlError:
        return UrlError(
            code,
            detail,
            component=self.component,
            argument=self.text,
            position=self.position,
            expected=expected,
        )


@dataclass(slots=True)
class Draft:
    """A component being judged."""

    number: int
    placed: list[Placed]

    def get(self, *kinds: type[Argument]) -> Placed | None:
        return next((one for one in self.placed if type(one.argument) in kinds), None)

    def has(self, *kinds: type[Argument]) -> bool:
        return self.get(*kinds) is not None

    def drop(self, one: Placed, reason: str) -> Dropped:
        self.placed.remove(one)
        return Dropped(one.text, one.component, reason)


def judge(drafts: list[Draft], source: SourceRef) -> Request:
    """The request that the drafts make. Raises UrlError."""
    _count(drafts)
    for draft in drafts:
        _once(draft)
    _settle(drafts)
    outputs = _outputs(drafts)
    drafts = [draft for draft in drafts if draft.placed]
    _layers(drafts)
    _ignore_first(drafts)
    closers = matched(tuple(component([one.argument for one in draft.placed]) for draft in drafts))
    warnings: list[Dropped] = []
    for index, draft in enumerate(drafts):
        warnings += _component(draft, closed=index in closers)
    warnings += _output(outputs, drafts, source)
    return Request(
        tuple(component([one.argument for one in draft.placed]) for draft in drafts if draft.placed),
        Output(tuple(sorted((one.argument for one in outputs), key=place))),
        source,
        tuple(warnings),
    )


def _count(drafts: list[Draft]) -> None:
    real = [
        draft for draft in drafts if not (len(draft.placed) == 1 and draft.placed[0].text.startswith("."))
    ]
    arguments = sum(len(draft.placed) for draft in drafts)
    layers = sum(draft.has(a.Layer, a.Underlay) for draft in drafts)
    for code, count, most, what in (
        ("too_many_components", len(real), MOST_COMPONENTS, "components"),
        ("too_many_arguments", arguments, MOST_ARGUMENTS, "arguments"),
        ("too_many_layers", layers, MOST_LAYERS, "layers"),
    ):
        if count > most:
            raise UrlError(
                code, f"The URL has {count} {what}; at most {most} are accepted.", expected=f"at most {most}"
            )


def _once(draft: Draft) -> None:
    seen: dict[str, Placed] = {}
    for one in draft.placed:
        identity = one.argument.identity
        if identity in seen:
            raise one.error(
                "argument_repeated",
                f"{identity}_ stands twice in one component: {seen[identity].text!r} and {one.text!r}.",
                "each argument once in a component",
            )
        seen[identity] = one


def _settle(drafts: list[Draft]) -> None:
    """Replace every argument by its canonical one; what changes nothing at all goes without a word."""
    for draft in drafts:
        kept = []
        for one in draft.placed:
            if isinstance(one.argument, a.Crop) or (settled := one.argument.settled()) is None:
                # The default crop mode still asks for a size, so it is judged before it goes.
                kept += [one] if isinstance(one.argument, a.Crop) else []
                continue
            kept.append(Placed(settled, one.text, one.position, one.component))
        draft.placed = kept
        _once(draft)


def _outputs(drafts: list[Draft]) -> list[Placed]:
    """Take the output arguments out of the drafts; each may stand once. An extension may repeat ``f_``."""
    found: dict[str, Placed] = {}
    for draft in drafts:
        for one in [one for one in draft.placed if one.argument.scope == "output"]:
            draft.placed.remove(one)
            earlier = found.get(one.argument.identity)
            if earlier is None:
                found[one.argument.identity] = one
            elif not one.text.startswith("."):
                raise one.error(
                    "argument_repeated",
                    f"{one.argument.key}_ counts for the whole URL and may stand once.",
                    "each output argument once in a URL",
                )
            elif earlier.argument != one.argument:
                raise one.error(
                    "argument_conflict",
                    f"{earlier.text!r} and the extension {one.text!r} name different formats.",
                    "one output format",
                )
    return list(found.values())


def _layers(drafts: list[Draft]) -> None:
    depth = 0
    components = tuple(component([one.argument for one in draft.placed]) for draft in drafts)
    closed = matched(components)
    ends = set(closed.values())
    stack: list[int] = []
    for index, draft in enumerate(drafts):
        layer, apply = draft.get(a.Layer, a.Underlay), draft.get(a.LayerApply)
        if draft.has(a.Layer) and draft.has(a.Underlay):
            raise draft.placed[0].error(
                "argument_conflict", "A component opens one layer: l_ or u_, not both."
            )
        if apply is not None:
            if layer is not None:
                raise apply.error("argument_conflict", "A component either opens a layer or closes one.")
            if index not in ends:
                raise apply.error(
                    "layer_unopened", "fl_layer_apply closes a layer, but none is open here.", "l_… before it"
                )
            _closing(draft)
            stack.pop()
        if layer is not None:
            depth = len(stack)
            if depth > 1:
                raise layer.error("layer_too_deep", "A layer may hold one more layer, and that one none.")
            if index in closed:
                stack.append(index)


def _closing(draft: Draft) -> None:
    for one in draft.placed:
        if type(one.argument) not in PLACEMENT | {a.LayerApply}:
            raise one.error(
                "argument_misplaced",
                f"{one.text!r} stands beside fl_layer_apply, which only places the layer.",
                "g_ x_ y_ o_ fl_ e_<blend> and output arguments",
            )


def _ignore_first(drafts: list[Draft]) -> None:
    for index, draft in enumerate(drafts):
        turn = draft.get(a.Rotate)
        if turn and turn.argument == a.Rotate("ignore") and (index > 0 or draft.has(a.Layer, a.Underlay)):
            raise turn.error(
                "argument_misplaced",
                "EXIF orientation is applied before the first component, so only that one can ignore it.",
                "r_ignore in the first component",
            )


def _component(draft: Draft, *, closed: bool) -> Iterator[Dropped]:
    layer = draft.get(a.Layer, a.Underlay)
    if (blends := [one for one in draft.placed if isinstance(one.argument, a.Blend)])[1:]:
        raise blends[1].error("argument_conflict", "A layer has one blend mode.")
    if draft.has(a.LayerApply):
        yield from _placing(draft)
        return
    if layer is None or closed:
        yield from _drop(draft, (a.Tiled, a.Blend), "it belongs to a component that lays a layer")
    text = layer is not None and isinstance(getattr(layer.argument, "source", None), TextRef)
    if not text:
        yield from _drop(draft, (a.TextColour,), "there is no text layer in this component")
    else:
        yield from _drop(
            draft, (a.Crop, a.Height, a.AspectRatio, a.Zoom), "w_ wraps a text; nothing else sizes it"
        )
    yield from _size(draft, at_once=layer is not None and not closed)
    if layer is not None and not closed:
        yield from _placing(draft)
    if (
        not draft.has(
            a.Width, a.Height, a.X, a.Y, a.Padding, a.Border, a.CornerRadius, a.Blur, a.Sharpen, a.Pixelate
        )
        and not text
    ):
        yield from _drop(draft, (a.Dpr,), "no length in this component is given in pixels")


def _size(draft: Draft, *, at_once: bool) -> Iterator[Dropped]:
    crop, width, height, ratio = (draft.get(kind) for kind in (a.Crop, a.Width, a.Height, a.AspectRatio))
    if height is not None and height.argument == a.Height("auto"):
        yield draft.drop(height, "no client hint tells a height")
        height = None
    if ratio and width and height:
        raise ratio.error(
            "argument_conflict", "w_, h_ and ar_ together say the size twice.", "two of w_ h_ ar_"
        )
    sized = bool(width or height or ratio)
    if crop and not sized:
        raise crop.error("size_missing", f"{crop.text} needs w_, h_ or ar_.", "c_<mode> with w_, h_ or ar_")
    if ratio and not (width or height or crop):
        yield draft.drop(ratio, "ar_ alone needs a crop mode such as c_fill")
    mode = crop.argument.mode if crop and isinstance(crop.argument, a.Crop) else "limit"
    if crop and mode == "limit":
        draft.placed.remove(crop)
    if mode != "thumb":
        yield from _drop(draft, (a.Zoom,), "z_ zooms c_thumb only")
    if not at_once:
        boxed = bool((width and height) or ratio) or draft.has(a.Zoom)
        yield from _gravity(draft, mode, boxed)


def _gravity(draft: Draft, mode: str, boxed: bool) -> Iterator[Dropped]:
    places = mode == "crop" or (boxed and mode in {"fill", "lfill", "pad", "lpad", "thumb"})
    if not places:
        yield from _drop(draft, (a.Gravity, a.X, a.Y), "nothing is cut or padded here")
        return
    gravity = draft.get(a.Gravity)
    value = gravity.argument.value if gravity and isinstance(gravity.argument, a.Gravity) else None
    if gravity and value == ("north_west" if mode == "crop" else "center"):
        draft.placed.remove(gravity)
    if value is not None and not (isinstance(value, str) and value not in {"auto", "entropy", "focus"}):
        yield from _drop(draft, (a.X, a.Y), "the gravity names a point of the picture, not an edge")


def _placing(draft: Draft) -> Iterator[Dropped]:
    gravity = draft.get(a.Gravity)
    if gravity and isinstance(gravity.argument, a.Gravity):
        value = gravity.argument.value
        if value == "center":
            draft.placed.remove(gravity)
        elif value in {"auto", "entropy", "focus"}:
            raise gravity.error(
                "value_invalid", "A layer is placed by a compass word, fp:<x>:<y> or xy_center."
            )
    if draft.has(a.Tiled):
        yield from _drop(draft, (a.Gravity, a.X, a.Y), "a tiled layer covers the whole picture")


def _output(outputs: list[Placed], drafts: list[Draft], source: SourceRef) -> Iterator[Dropped]:
    by_kind = {type(one.argument): one for one in outputs}
    raw, version = by_kind.get(o.Raw), by_kind.get(o.Version)
    if version and isinstance(source, NamedRef):
        raise version.error(
            "argument_conflict", "Objects of a named source have no versions.", "v_ with an id"
        )
    if raw:
        others = [one for draft in drafts for one in draft.placed]
        others += [one for kind, one in by_kind.items() if kind not in {o.Raw, o.Version, o.Download}]
        if others:
            raise others[0].error(
                "argument_conflict", "raw_1 is the untouched file; nothing else can apply to it."
            )
        if isinstance(source, NamedRef):
            raise raw.error("argument_conflict", "There is no raw access to a named source.")
    form, quality = by_kind.get(o.Format), by_kind.get(o.Quality)
    if form and quality and isinstance(form.argument, o.Format) and isinstance(quality.argument, o.Quality):
        yield from _quality(outputs, form.argument.name, quality)


def _quality(outputs: list[Placed], form: str, quality: Placed) -> Iterator[Dropped]:
    lossless = isinstance(quality.argument, o.Quality) and quality.argument.value.level == "lossless"
    if lossless and form == "jpg":
        raise quality.error("argument_conflict", "JPEG has no lossless form.", "f_webp, f_avif or f_png")
    if form in {"png", "gif", "tiff"}:
        outputs.remove(quality)
        yield Dropped(quality.text, quality.component, f"{form} is written without loss")


def _drop(draft: Draft, kinds: tuple[type[Argument], ...], reason: str) -> Iterator[Dropped]:
    for one in [one for one in draft.placed if type(one.argument) in kinds]:
        yield draft.drop(one, reason)


__all__ = [
    "MOST_ARGUMENTS",
    "MOST_COMPONENTS",
    "MOST_LAYERS",
    "PLACEMENT",
    "Component",
    "Draft",
    "Fraction",
    "Placed",
    "judge",
]
