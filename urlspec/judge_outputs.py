"""What output arguments mean together: how the result is written, and from which version of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from urlspec import outputs as o
from urlspec.declare import Argument
from urlspec.drafts import Draft, Placed
from urlspec.request import Dropped
from urlspec.sources import NamedRef, SourceRef


def judge_outputs(outputs: list[Placed], drafts: list[Draft], source: SourceRef) -> Iterator[Dropped]:
    """What the output arguments mean together. Raises UrlError; yields what has no effect."""
    by_kind = {type(one.argument): one for one in outputs}
    raw, version = by_kind.get(o.Raw), by_kind.get(o.Version)
    if version and isinstance(source, NamedRef):
        raise version.error(
            "argument_conflict", "Objects of a named source have no versions.", "v_ with an id"
        )
    if raw and isinstance(source, NamedRef):
        raise raw.error("argument_conflict", "There is no raw access to a named source.", "raw_1 with an id")
    if raw:
        others = [one for draft in drafts for one in draft.placed]
        others += [one for kind, one in by_kind.items() if kind not in {o.Raw, o.Version, o.Download}]
        if others:
            raise others[0].error(
                "argument_conflict",
                "raw_1 is the untouched file; nothing else can apply to it.",
                "raw_1 alone, or with v_ and dl_",
            )
    form, quality = by_kind.get(o.Format), by_kind.get(o.Quality)
    name = form.argument.name if form and isinstance(form.argument, o.Format) else ""
    if quality and isinstance(quality.argument, o.Quality):
        yield from _quality(outputs, name, quality, quality.argument)
    yield from _useless(outputs, by_kind, name)


def _quality(outputs: list[Placed], form: str, placed: Placed, quality: o.Quality) -> Iterator[Dropped]:
    value = quality.value
    if form == "jpg" and value.level == "lossless":
        raise placed.error("argument_conflict", "JPEG has no lossless form.", "f_webp, f_avif or f_png")
    if value.near < 100 and form not in {"", "auto", "webp"}:
        raise placed.error(
            "argument_conflict", f"{form} has no nearly lossless form; WebP has.", "f_webp, or q_lossless"
        )
    if form == "png8" and value.level == "lossless":
        raise placed.error("argument_conflict", "256 colours are not lossless; f_png is.", "f_png")
    if form in {"png", "png8", "gif", "tiff"}:
        outputs.remove(placed)
        lossy = form in {"png8", "gif"}
        reason = f"{form} has colours to save, not quality" if lossy else f"{form} is written without loss"
        yield Dropped(placed.text, placed.component, reason)


_WITHOUT: Final[Mapping[type[Argument], tuple[frozenset[str], str]]] = {
    o.Progressive: (frozenset({"jpg", "png", "png8", "auto"}), "only JPEG and PNG are written progressively"),
    o.Hdr: (frozenset({"jpg", "auto"}), "only a JPEG carries a gain map"),
    o.ColourSpace: (frozenset({*o.PICTURE_FORMATS, "auto"}) - {"gif"}, "this is written in sRGB"),
}
"""Where an argument has a say, and why it has none elsewhere. Without f_ the source decides."""


def _useless(outputs: list[Placed], by_kind: Mapping[type[Argument], Placed], form: str) -> Iterator[Dropped]:
    for kind, (formats, reason) in _WITHOUT.items():
        placed = by_kind.get(kind)
        # What changes nothing anywhere has gone already, without a word.
        if placed is not None and placed in outputs and form and form not in formats:
            outputs.remove(placed)
            yield Dropped(placed.text, placed.component, reason)
