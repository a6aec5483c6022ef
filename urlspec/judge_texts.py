"""What the styles of a text layer need beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from urlspec import arguments as a
from urlspec.drafts import Draft
from urlspec.request import Dropped
from urlspec.texts import TextRef


def judge_text(draft: Draft) -> Iterator[Dropped]:
    """Drop the styles of a text that have nothing to work on in its component."""
    layer = draft.get(a.Layer, a.Underlay)
    if layer is None or not isinstance(layer.argument, a.Layer | a.Underlay):
        return
    text = layer.argument.source
    if not isinstance(text, TextRef):
        return
    if text.stroke and not draft.has(a.Border):
        text = dataclasses.replace(text, stroke=False)
        yield Dropped("stroke", layer.component, "bo_ gives the outline its width and colour")
    if text.shrink and not draft.has(a.Width, a.Height):
        text = dataclasses.replace(text, shrink=False)
        yield Dropped("shrink", layer.component, "w_ and h_ are the box it shrinks into")
    if text.align == "justify" and not draft.has(a.Width):
        text = dataclasses.replace(text, align="left")
        yield Dropped("justify", layer.component, "w_ is the width that lines fill")
    settled = layer._replace(argument=type(layer.argument)(text))
    draft.placed = [settled if one is layer else one for one in draft.placed]
