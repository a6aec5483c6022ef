"""Hypothesis strategies for URLs, derived from the declarations of ``urlspec``: one for each codec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from urlspec import backgrounds, kinds, qualities, texts, values
from urlspec.arguments import Layer, LayerApply, Preset, Underlay, Width
from urlspec.declare import Argument
from urlspec.judge import Draft, Placed
from urlspec.outputs import EXTENSIONS
from urlspec.pipeline import PIPELINE, PLACEMENT
from urlspec.sources import RESERVED, AssetRef, NamedRef, SourceCodec

Strategy = st.SearchStrategy[Any]
Chain = list[list[Argument]]
"""Components as lists of arguments."""

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
IDS = st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True).filter(lambda text: text not in RESERVED)
KEY_SEGMENTS = TEXTS.filter(lambda text: not text.startswith(".") and not set("/\\").intersection(text))
SOURCES = st.builds(AssetRef, IDS) | st.builds(
    NamedRef,
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True),
    st.lists(KEY_SEGMENTS, min_size=1, max_size=3).map("/".join),
)


def decimals(low: float, high: float) -> Strategy:
    """Numbers with at most four decimals."""
    return st.integers(round(low * 10_000), round(high * 10_000)).map(lambda number: number / 10_000)


def lengths(codec: values.LengthCodec) -> Strategy:
    least = 0.0001 if codec.low > 0 else -codec.top if codec.low < 0 else 0
    found = st.integers(codec.low, codec.high) | decimals(least, codec.top).map(values.Fraction)
    return found | st.just("auto") if codec.auto else found


def file_names(codec: values.Text) -> Strategy:
    return TEXTS.filter(lambda text: len(text) <= codec.longest and not set("/\\").intersection(text))


def ratios(_: values.RatioCodec) -> Strategy:
    found = st.builds(values.Ratio, decimals(0.1, 100), decimals(0.1, 100))
    return found.filter(lambda ratio: 0.01 <= ratio.value <= 100)


COLOURS = st.builds(values.Colour, *[st.integers(0, 255)] * 4)
TEXT_LAYERS = st.builds(
    kinds.TextRef,
    st.from_regex(r"[A-Za-z0-9 -]{1,12}", fullmatch=True),
    st.integers(1, texts.LARGEST_TEXT),
    st.lists(TEXTS, min_size=1, max_size=2).map("\n".join).filter(texts.visible),
    weight=st.sampled_from(texts.WEIGHTS),
    italic=st.booleans(),
    decoration=st.sampled_from([(), ("underline",), ("underline", "strikethrough")]),
    align=st.sampled_from(texts.ALIGNS),
    stroke=st.booleans(),
    letter_spacing=st.just(0) | decimals(texts.LETTER_SPACING.low, texts.LETTER_SPACING.high),
    line_spacing=st.just(0) | decimals(texts.LINE_SPACING.low, texts.LINE_SPACING.high),
    shrink=st.booleans(),
)

DIRECTIONS = decimals(0, 359.9999)
BACKGROUNDS = (
    COLOURS
    | st.builds(
        backgrounds.Gradient,
        st.lists(COLOURS, min_size=2, max_size=backgrounds.MOST_COLOURS).map(tuple),
        DIRECTIONS,
    )
    | st.builds(
        backgrounds.Auto,
        st.sampled_from(["border", "predominant"]),
        st.sampled_from(["plain", "contrast"]),
    )
    | st.builds(
        backgrounds.Auto,
        st.sampled_from(["border", "predominant"]),
        st.just("gradient"),
        st.none() | DIRECTIONS,
    )
    | st.builds(backgrounds.Blurred, st.none() | decimals(0.1, 1_000), st.integers(-100, 100))
)

BY_CODEC: dict[type[values.Codec[Any]], Callable[[Any], Strategy]] = {
    values.Integer: lambda codec: st.integers(codec.low, codec.high),
    values.Number: lambda codec: decimals(codec.low, codec.high),
    values.AutoNumber: lambda codec: st.just("auto") | decimals(codec.low, codec.high),
    values.LengthCodec: lengths,
    values.Word: lambda codec: st.sampled_from(codec.words),
    values.ColourCodec: lambda _: COLOURS,
    values.RatioCodec: ratios,
    values.Text: file_names,
    backgrounds.DirectionCodec: lambda _: DIRECTIONS,
    backgrounds.BackgroundCodec: lambda _: BACKGROUNDS,
    kinds.GravityCodec: lambda _: (
        st.sampled_from(kinds.GRAVITY_WORDS) | st.builds(kinds.FocalPoint, decimals(0, 1), decimals(0, 1))
    ),
    kinds.AngleCodec: lambda _: st.sampled_from(["hflip", "vflip"]) | decimals(-360, 360),
    kinds.QualityCodec: lambda _: (
        st.builds(
            kinds.QualityValue, st.integers(1, 100), chroma=st.sampled_from(["", *qualities.SUBSAMPLINGS])
        )
        | st.builds(kinds.QualityValue, st.just("auto"), st.sampled_from(qualities.GRADES))
        | st.builds(kinds.QualityValue, st.just("lossless"), near=st.integers(1, 100))
    ),
    kinds.CornersCodec: lambda _: st.just("max") | st.tuples(*[st.integers(0, 65_535)] * 4),
    kinds.PaddingCodec: lambda codec: st.tuples(*[lengths(codec._side)] * 4),
    kinds.BorderCodec: lambda _: st.builds(kinds.BorderValue, lengths(kinds.BorderCodec._width), COLOURS),
    kinds.LayerCodec: lambda _: TEXT_LAYERS | SOURCES,
    kinds.PresetCodec: lambda _: st.builds(
        kinds.PresetCall,
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True),
        st.lists(TEXTS, max_size=9).map(tuple),
    ),
    SourceCodec: lambda _: SOURCES,
}


def arguments(kind: type[Argument]) -> Strategy:
    """Arguments of one declaration."""
    drawn = {}
    for field in kind.fields():
        strategy = BY_CODEC[type(field.codec)](field.codec)
        drawn[field.name] = st.none() | strategy if field.default is None else strategy
    return st.builds(kind, **drawn)


_APART = {Preset, Layer, Underlay, LayerApply}
OWN = [kind for kind in PIPELINE if kind.scope == "component" and kind not in _APART]
OUTPUTS = [kind for kind in PIPELINE if kind.scope == "output"]
PLACING = sorted(PLACEMENT, key=PIPELINE.index)


def several(kinds: Sequence[type[Argument]], most: int) -> Strategy:
    """Lists of arguments, each declaration at most once."""
    chosen = st.lists(st.sampled_from(kinds), unique=True, max_size=most)
    return chosen.flatmap(lambda found: st.tuples(*[arguments(kind) for kind in found]).map(list))


def _sized(component: list[Argument]) -> list[Argument]:
    """A crop mode needs a size."""
    keys = {one.key for one in component}
    return [*component, Width(300)] if "c" in keys and keys.isdisjoint({"w", "h", "ar"}) else component


COMPONENTS = several(OWN, 5).map(_sized)
LAYERS = st.tuples(arguments(Layer) | arguments(Underlay), several(OWN, 4).map(_sized)).map(
    lambda found: [found[0], *found[1]]
)
CLOSED = st.tuples(LAYERS, st.lists(COMPONENTS, max_size=2), several(PLACING, 3)).map(
    lambda found: [found[0], *found[1], [LayerApply(), *found[2]]]
)
CHAINS = st.lists(COMPONENTS.map(lambda one: [one]) | LAYERS.map(lambda one: [one]) | CLOSED, max_size=3).map(
    lambda groups: [component for group in groups for component in group if component]
)
"""Layers stand in brackets; not all of the arguments agree with each other."""


def drafts(chain: Chain, outputs: list[Argument]) -> list[Draft]:
    """What a parser would hand to the judge; output arguments stand in the last component."""
    parts = [*chain[:-1], [*chain[-1], *outputs]] if chain else [outputs]
    return [
        Draft(number, [Placed(one, str(one), 0, number) for one in part])
        for number, part in enumerate(parts, 1)
        if part
    ]


@st.composite
def spellings(draw: st.DrawFn, chain: Chain, outputs: list[Argument], source: AssetRef | NamedRef) -> str:
    """One of the many paths that say the same: order in components, places of outputs, escapes, extension."""
    parts = [list(part) for part in chain] or [[]]
    extension = ""
    for one in outputs:
        named = one.key == "f" and one.parts()[0] in EXTENSIONS and isinstance(source, AssetRef)
        if named and draw(st.booleans()):
            extension = f".{one.parts()[0]}"
        else:
            parts[draw(st.integers(0, len(parts) - 1))].append(one)
    segments = [",".join(draw(_spelt(one)) for one in draw(st.permutations(part))) for part in parts if part]
    return "/" + "/".join([*segments, source.path() + extension])


@st.composite
def _spelt(draw: st.DrawFn, argument: Argument) -> str:
    """The argument with some of its reserved characters raw."""
    raw = draw(st.sets(st.sampled_from("!$&'()*+;=@")))
    text = str(argument)
    for character in raw:
        text = text.replace(f"%{ord(character):02X}", character)
    return text


PIECES = [
    ":", "_", ".", "..", "@", "-", "%", "%0A", "%2F", "%2C", "%3A", "%2f", "%61", "%FF", "%C2%85", "?",
    "#", " ", "\n", "\\", "ü", "\ud800", "s1.", "w", "w_", "c_", "e_", "l_", "t_open:",
    "l_text:Sans_20:", "docs", "1", "0", "//",
    "9" * 30, "a" * 30,
]  # fmt: skip
WHOLE = [
    "w_300", "h_0.5", "h_auto", "w_auto", "ar_16:9", "c_fill", "c_limit", "c_crop", "g_auto",
    "g_center", "x_3", "z_2", "dpr_2", "r_90", "a_90", "r_ignore", "flip_h", "a_hflip", "e_blur:3",
    "e_blur:0", "e_screen", "e_trim", "rad_1:2", "pad_1", "bo_1px_solid_red", "b_red", "o_50", "co_red",
    "l_logo", "u_logo", "l_text:Sans_20:a%0Ab", "fl_layer_apply", "fl_tiled", "t_card", "t_open:a%3Ab",
    "t_wide:3", "f_auto", "f_png", "q_80:444", "q_lossless", "q_lossless:60", "fl_progressive",
    "cs_p3", "hdr_off", "f_png8", "meta_none", "d_x", "dl_a", "v_1", "raw_1",
    "pg_2", "@brand", "cat", "cat.webp",
]  # fmt: skip
SEGMENTS = st.lists(st.sampled_from(WHOLE) | st.sampled_from(PIECES), min_size=1, max_size=4).flatmap(
    lambda pieces: st.sampled_from([",", ",", ",", ""]).map(lambda comma: comma.join(pieces))
)
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda segments: "/".join(["", *segments, "cat"]))
"""Paths of whole arguments and of pieces, right and wrong: many come far before they fail, some do not."""
