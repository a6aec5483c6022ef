"""What arguments mean together: contradictions are refused, what can have no effect is dropped and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from urlspec import arguments as a
from urlspec.declare import Argument
from urlspec.drafts import Draft as Draft
from urlspec.drafts import Placed as Placed
from urlspec.judge_outputs import judge_outputs
from urlspec.judge_sizes import AREAS, drop, judge_size
from urlspec.judge_texts import judge_text
from urlspec.kinds import TextRef
from urlspec.pipeline import EFFECTS, PLACEMENT, place
from urlspec.request import Dropped, Output, Request, component, matched
from urlspec.sources import SourceRef

MOST_COMPONENTS: Final = 24
MOST_ARGUMENTS: Final = 64
MOST_LAYERS: Final = 8

_CLOSING: Final = PLACEMENT | {a.LayerApply}
_PIXELS: Final = frozenset(
    {
        a.Shadow,
        *(kind for kind in EFFECTS if any(field.codec.unit == "pixels" for field in kind.fields())),
    }
)
"""What is always said in pixels, which ``dpr_`` multiplies."""


def judge(drafts: list[Draft], source: SourceRef) -> Request:
    """The request that the drafts make. Raises UrlError.

    While a ``t_`` is among them, what stands beside its components is unknown; then only what is wrong
    in any case is refused, and nothing is dropped but what changes nothing anywhere.
    """
    check_counts(drafts)
    for draft in drafts:
        check_repeats(draft)
    outputs = _outputs(drafts)
    warnings: list[Dropped] = []
    if any(draft.has(a.Preset) for draft in drafts):
        _settle(drafts)
    else:
        _closing(drafts)
        _settle(drafts)
        drafts = [draft for draft in drafts if draft.placed]
        closed = _layers(drafts)
        _ignore_first(drafts)
        for index, draft in enumerate(drafts):
            warnings += _component(draft, drafts[closed[index]] if index in closed else None)
        warnings += judge_outputs(outputs, drafts, source)
    return Request(
        tuple(component([one.argument for one in draft.placed]) for draft in drafts if draft.placed),
        Output(tuple(sorted((one.argument for one in outputs), key=place))),
        source,
        tuple(warnings),
    )


def check_counts(drafts: Sequence[Draft]) -> None:
    """Refuse more components, arguments or layers than a URL may have. Raises UrlError."""
    if sum(len(draft.placed) for draft in drafts) <= min(MOST_COMPONENTS, MOST_ARGUMENTS, MOST_LAYERS):
        return
    components = arguments = layers = 0
    for draft in drafts:
        # An extension is an argument, but no component.
        components += any(not one.extension for one in draft.placed)
        for one in draft.placed:
            arguments += 1
            layers += isinstance(one.argument, a.Layer | a.Underlay)
            for code, count, most, what in (
                ("too_many_components", components, MOST_COMPONENTS, "components"),
                ("too_many_arguments", arguments, MOST_ARGUMENTS, "arguments"),
                ("too_many_layers", layers, MOST_LAYERS, "layers"),
            ):
                if count > most:
                    raise one.error(
                        code,
                        f"The URL has more than {most} {what}, counted after presets are expanded.",
                        f"at most {most}",
                    )


def check_repeats(draft: Draft) -> None:
    """Refuse an argument that stands twice in its component. Raises UrlError."""
    if len(draft.placed) < 2:
        return
    seen: dict[str, Placed] = {}
    for one in draft.placed:
        earlier = seen.setdefault(one.argument.identity, one)
        if earlier is not one:
            raise one.error(
                "argument_repeated",
                f"{earlier.shown} and {one.shown} are one argument, which may stand once in a component.",
                "each argument once in a component",
            )
    blends = [one for one in draft.placed if isinstance(one.argument, a.Blend)]
    if len(blends) > 1:
        raise blends[1].error("argument_conflict", "A layer has one blend mode.", "one of the blend modes")


def _settle(drafts: list[Draft]) -> None:
    """Replace every argument by its canonical one; what changes nothing at all goes without a word."""
    for draft in drafts:
        before = draft.placed
        draft.placed = _settled(before)
        if draft.placed != before:
            check_repeats(draft)  # a_90 is r_90


def _settled(placed: list[Placed]) -> list[Placed]:
    kept = []
    for one in placed:
        settled = one.argument.settled()
        if settled is one.argument:
            kept.append(one)
        elif settled is not None:
            kept.append(one._replace(argument=settled))
    return kept


def _outputs(drafts: list[Draft]) -> list[Placed]:
    """Take the output arguments out of the drafts; each may stand once. An extension may repeat ``f_``."""
    found: dict[type[Argument], Placed] = {}
    for draft in drafts:
        for one in draft.placed:
            if one.argument.scope != "output":
                continue
            earlier = found.setdefault(type(one.argument), one)
            if earlier is one:
                continue
            if not one.extension:
                raise one.error(
                    "argument_repeated",
                    f"{one.argument.key}_ counts for the whole URL, where {earlier.shown} stands already.",
                    "each output argument once in a URL",
                )
            if earlier.argument != one.argument:
                raise one.error(
                    "argument_conflict",
                    f"{earlier.shown} and the extension {one.shown} name different formats.",
                    "one output format",
                )
        draft.placed = [one for one in draft.placed if one.argument.scope != "output"]
    return _settled(list(found.values()))


def _closing(drafts: list[Draft]) -> None:
    for draft in drafts:
        apply = draft.get(a.LayerApply)
        for one in draft.placed if apply else ():
            if type(one.argument) in {a.Layer, a.Underlay}:
                raise one.error(
                    "argument_conflict",
                    "A component either opens a layer or closes one.",
                    "fl_layer_apply in a component of its own",
                )
            if type(one.argument) not in _CLOSING:
                raise one.error(
                    "argument_misplaced",
                    f"{one.shown} stands beside fl_layer_apply, which only places the layer.",
                    "g_ x_ y_ o_ fl_ e_<blend> and output arguments",
                )


def _layers(drafts: list[Draft]) -> Mapping[int, int]:
    """The indices of the layers that something closes, and of what closes them.

    Raises UrlError for what is no proper bracket.
    """
    if not any(draft.has(a.Layer, a.Underlay, a.LayerApply) for draft in drafts):
        return {}
    closed = matched(tuple(component([one.argument for one in draft.placed]) for draft in drafts))
    ends = set(closed.values())
    open_now = inner = 0
    for index, draft in enumerate(drafts):
        layer, under = draft.get(a.Layer), draft.get(a.Underlay)
        if layer and under:
            raise under.error(
                "argument_conflict", "A component opens one layer: l_ or u_, not both.", "l_ or u_"
            )
        if apply := draft.get(a.LayerApply):
            if index not in ends:
                raise apply.error(
                    "layer_unopened", "fl_layer_apply closes a layer, but none is open here.", "l_… before it"
                )
            open_now -= 1
        elif one := layer or under:
            inner = inner + 1 if open_now else 0
            if inner > 1:
                raise one.error(
                    "layer_too_deep",
                    "Between a layer and its fl_layer_apply at most one more layer may stand.",
                    "one layer inside a layer",
                )
            open_now += index in closed
    return closed


def _ignore_first(drafts: list[Draft]) -> None:
    for index, draft in enumerate(drafts):
        turn = draft.get(a.Rotate)
        if turn and turn.argument == a.Rotate("ignore") and (index > 0 or draft.has(a.Layer, a.Underlay)):
            raise turn.error(
                "argument_misplaced",
                "EXIF orientation is applied before the first component, so only that one can ignore it.",
                "r_ignore in the first component",
            )


def _component(draft: Draft, closing: Draft | None) -> Iterator[Dropped]:
    """``closing`` is the component that lays the layer which ``draft`` opens, if another one does."""
    if draft.has(a.LayerApply):
        yield from _placing(draft)
        return
    layer = draft.get(a.Layer, a.Underlay)
    at_once = layer is not None and closing is None
    text = layer is not None and isinstance(getattr(layer.argument, "source", None), TextRef)
    if not at_once:
        yield from drop(draft, {a.Tiled, a.Blend}, "it belongs to a component that lays a layer")
    if text:
        sizes = {a.Crop, a.AspectRatio, a.MinWidth, a.MinHeight, a.Zoom}
        yield from drop(draft, sizes, "w_ and h_ are the box of a text; nothing else sizes it")
    else:
        yield from drop(draft, {a.TextColour}, "there is no text layer in this component")
    yield from judge_size(draft, at_once=at_once)
    yield from judge_text(draft)
    if at_once:
        yield from _placing(draft)
    lengths = [*draft.placed, *(closing.placed if closing else ())]
    if not text and not any(_in_pixels(one.argument) for one in lengths):
        yield from drop(draft, {a.Dpr}, "no length in this component is given in pixels")


def _in_pixels(argument: Argument) -> bool:
    """Whether ``dpr_`` changes what the argument says."""
    if isinstance(argument, a.Background):
        return argument.multiplied(2) != argument
    if isinstance(argument, a.CornerRadius):
        return argument.radii != "max"
    if isinstance(argument, a.Border):
        return isinstance(argument.value.width, int)
    if isinstance(argument, a.Padding):
        return any(isinstance(side, int) and side for side in argument.sides)
    if isinstance(argument, a.Width | a.Height | a.MinWidth | a.MinHeight | a.X | a.Y):
        return isinstance(argument.value, int | str)
    return type(argument) in _PIXELS


def _placing(draft: Draft) -> Iterator[Dropped]:
    gravity = draft.get(a.Gravity)
    if gravity and isinstance(gravity.argument, a.Gravity):
        value = gravity.argument.value
        if value == "center":
            draft.placed.remove(gravity)
        elif value in AREAS:
            raise gravity.error(
                "value_invalid",
                "A layer is placed by a compass word, fp:<x>:<y> or xy_center; nothing is looked for.",
                "a compass word, fp:<x>:<y> or xy_center",
            )
        elif not isinstance(value, str) and not draft.has(a.Tiled):
            yield from drop(draft, {a.X, a.Y}, "fp: names the point where the layer's middle lies")
    if draft.has(a.Tiled):
        yield from drop(draft, {a.Gravity}, "a tiled layer covers the whole picture")
