"""What output arguments mean together: how the result is written, and from which version of its source."""

from __future__ import annotations

from collections.abc import Iterator

from urlspec import outputs as o
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
    if form and quality and isinstance(form.argument, o.Format) and isinstance(quality.argument, o.Quality):
        yield from _quality(outputs, form.argument.name, quality, quality.argument)


def _quality(outputs: list[Placed], form: str, placed: Placed, quality: o.Quality) -> Iterator[Dropped]:
    if form == "jpg" and quality.value.level == "lossless":
        raise placed.error("argument_conflict", "JPEG has no lossless form.", "f_webp, f_avif or f_png")
    if form in {"png", "gif", "tiff"}:
        outputs.remove(placed)
        yield Dropped(placed.text, placed.component, f"{form} is written without loss")
