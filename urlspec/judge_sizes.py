"""What the arguments of size and place mean together inside one component."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from urlspec import arguments as a
from urlspec.declare import Argument
from urlspec.drafts import Draft, Placed
from urlspec.request import Dropped

AREAS: Final = frozenset({"auto", "entropy", "focus", "face", "faces"})
"""Gravities that name something in the picture rather than a place in a frame."""

_LOOKING: Final = frozenset({"auto", "entropy", "face", "faces"})
"""Gravities that the pixels decide."""
_PADDING: Final = frozenset({"pad", "lpad", "mpad"})
_FINDING: Final = frozenset({"fill_pad", "auto", "auto_pad"})
"""Modes that look for the place themselves."""
_ZOOMING: Final = frozenset({"thumb", "auto"})
_BOXED: Final = _PADDING | _FINDING | {"fill", "thumb"}
"""Modes whose result is exactly the box that is asked for."""
_CUTTING: Final = _BOXED | {"lfill"}


def judge_size(draft: Draft, *, at_once: bool) -> Iterator[Dropped]:
    """Refuse sizes that contradict each other, drop what changes nothing. Raises UrlError.

    ``at_once``: the component lays a layer too, so its gravity and offsets place that.
    """
    crop, width, height, ratio = (draft.get(kind) for kind in (a.Crop, a.Width, a.Height, a.AspectRatio))
    if height is not None and height.argument == a.Height("auto"):
        yield draft.drop(height, "no client hint tells a height")
        height = None
    if ratio and width and height:
        raise ratio.error(
            "argument_conflict", "w_, h_ and ar_ together say the size twice.", "two of w_ h_ ar_"
        )
    if crop and not (width or height or ratio):
        raise crop.error("size_missing", f"{crop.text} needs w_, h_ or ar_.", "c_<mode> with w_, h_ or ar_")
    if ratio and not (width or height or crop):
        yield draft.drop(ratio, "ar_ alone needs a crop mode such as c_fill")
    mode = crop.argument.mode if crop and isinstance(crop.argument, a.Crop) else "limit"
    if crop and mode == "limit" and (width or height):
        draft.placed.remove(crop)  # the default, but only where a side is given
    if mode not in _ZOOMING:
        yield from drop(draft, {a.Zoom}, "z_ zooms c_thumb and c_auto only")
    boxed = bool((width and height) or ratio) or draft.has(a.Zoom) or _nears_faces(draft, mode)
    yield from _least(draft, mode, exact=mode in {"crop", "mpad"} or (boxed and mode in _BOXED))
    if not at_once:
        raised = draft.has(a.MinWidth, a.MinHeight) and bool(width or height)
        yield from _gravity(draft, mode, cuts=raised or (boxed and mode in _CUTTING) or mode == "mpad")


def _nears_faces(draft: Draft, mode: str) -> bool:
    gravity = draft.get(a.Gravity)
    faces = {a.Gravity("face"), a.Gravity("faces")}
    return gravity is not None and gravity.argument in faces and mode in {"thumb", "auto", "auto_pad"}


def _least(draft: Draft, mode: str, *, exact: bool) -> Iterator[Dropped]:
    if exact:
        yield from drop(draft, {a.MinWidth, a.MinHeight}, f"c_{mode} gives the size that is asked for")
    for least, most in ((a.MinWidth, a.Width), (a.MinHeight, a.Height)):
        low, high = draft.get(least), draft.get(most)
        if low and high and _pixels(low) > _pixels(high) > 0:
            raise low.error(
                "argument_conflict",
                f"{low.shown} is more than {high.shown}.",
                f"at most {_pixels(high)}, or {high.argument.key}_ left out",
            )


def _pixels(placed: Placed) -> int:
    """The length in pixels; 0 for a fraction or a hint, which a URL alone cannot compare."""
    value = getattr(placed.argument, "value", None)
    return value if isinstance(value, int) else 0


def _gravity(draft: Draft, mode: str, *, cuts: bool) -> Iterator[Dropped]:
    if mode != "crop" and not cuts:
        yield from drop(draft, {a.Gravity, a.X, a.Y}, "nothing is cut or padded here")
        return
    default = "north_west" if mode == "crop" else "auto" if mode in _FINDING else "center"
    gravity = draft.get(a.Gravity)
    value = gravity.argument.value if gravity and isinstance(gravity.argument, a.Gravity) else default
    if gravity and mode in _PADDING and value in _LOOKING:
        yield draft.drop(gravity, "padding keeps the whole picture, so nothing is looked for")
        value = default
    elif gravity and value == default:
        draft.placed.remove(gravity)
    if value in AREAS or not isinstance(value, str):
        yield from drop(draft, {a.X, a.Y}, "the gravity names a point of the picture, not an edge")


def drop(draft: Draft, kinds: Collection[type[Argument]], reason: str) -> Iterator[Dropped]:
    """Drop what is of ``kinds``, and say so."""
    for one in [one for one in draft.placed if type(one.argument) in kinds]:
        yield draft.drop(one, reason)
