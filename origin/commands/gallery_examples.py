"""What the gallery shows: every declared example, and further ones where one picture does not tell it all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from urlspec.arguments.blending import Blend
from urlspec.arguments.colour import Colorblind
from urlspec.arguments.edges import Background, CornerRadius, Shadow
from urlspec.arguments.geometry import Crop, Gravity
from urlspec.composing import Layer, Underlay
from urlspec.declare import Argument
from urlspec.outputs import Quality
from urlspec.pipeline import PIPELINE

PRESETS = '[presets]\ncard = "c_fill,w_400,h_300,g_auto"\n'
"""The presets of the gallery's server."""

SOURCES = {
    "Trim": "logo",
    "Page": "orbit",
    "Density": "leaflet",
    "Fallback": "not-there",
}
"""Where an example says nothing on ``cat``: the class of the argument, and the source it is shown on."""

UNSEEN = {"Metadata", "Download", "Version", "Raw", "Hdr", "ColourSpace", "Progressive"}
"""On this picture they change nothing that could be seen: the row says what came."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One example."""

    chain: str
    source: str
    kind: type[Argument]
    seen: bool = True

    @property
    def path(self) -> str:
        return f"/{self.chain}/{self.source}"

    @property
    def lettered(self) -> bool:
        """What it looks like is up to the fonts of the machine."""
        return "l_text:" in self.chain


def _modes() -> list[str]:
    """Every mode of ``c_``, on a square; those that need to know where the subject is look for it."""
    (mode,) = Crop.fields()
    words = [word for word in mode.codec.known if word != "fill"]
    # A picture that is smaller than the square would show nothing of mpad.
    sizes = {"mpad": "w_600,h_400", "auto": "w_200,h_200,g_auto", "auto_pad": "w_150,h_300,g_auto"}
    sizes["fill_pad"] = "w_150,h_300,g_auto"  # a square would need no padding
    colour = {word: ",b_lightsteelblue" for word in words if word.endswith("pad")}
    return [f"c_{word},{sizes.get(word, 'w_200,h_200')}{colour.get(word, '')}" for word in words]


_FONT = "l_text:DejaVu%20Sans"
_SCRIPTS = ("你好，世界", "مرحبا", "🎨 🌄 🐱")

MORE: dict[type[Argument], list[str]] = {
    Layer: [
        f"{_FONT}_56_bold_stroke:Outline,co_white,bo_4px_solid_navy",
        f"{_FONT}_34_letter_spacing_12:SPACED,co_white,g_north,y_20",
        f"{_FONT}_26_center:Lines%20break%20at%20the%20box,co_white,w_220",
        f"{_FONT}_90_bold_shrink:As%20large%20as%20it%20fits,co_gold,w_360,h_60,g_south,y_20",
        f"{_FONT}_24_bold:Sale,co_white/b_red,pad_10:16,rad_10/fl_layer_apply,g_north_east,x_16,y_16",
        f"{_FONT}_24:%C2%A9%20Iris,a_-30,co_white,fl_tiled,o_30",
        *(f"l_text:Noto%20Sans_40_bold:{quote(text)},co_white" for text in ("你好，世界", "مرحبا", "🎨🌄🐱")),
    ],
    Crop: _modes(),
    Gravity: [f"c_fill,w_150,h_300,g_{where}" for where in ("west", "east", "fp:0.65:0.4", "entropy")],
    Blend: [f"l_logo,w_0.5,e_{mode}" for mode in Blend.words if mode != "multiply"],
    Colorblind: [f"e_colorblind:{kind}" for kind in ("deuteranopia", "tritanopia", "achromatopsia")],
    CornerRadius: ["c_fill,w_200,h_200,rad_max", "c_fill,w_200,h_200,rad_60:0"],
    Background: [
        f"c_pad,w_300,h_300,b_{what}"
        for what in ("auto", "auto:predominant_gradient", "blurred", "blurred:4:-30", "gradient:navy:gold")
    ]
    + ["w_240,a_10,b_gold"],
    Quality: ["q_10"],
}
"""Argument: further chains, on the picture."""

ON_LOGO: dict[type[Argument], list[str]] = {Underlay: ["u_cat,w_1.0"], Shadow: ["e_shadow:6:6:5:black:60"]}
"""Argument: further chains, on a picture that is transparent in places."""


def examples() -> Iterator[Shown]:
    """In the order of the reference."""
    groups = list(dict.fromkeys(kind.group for kind in PIPELINE))
    for kind in sorted(PIPELINE, key=lambda kind: groups.index(kind.group)):
        name = kind.__name__
        yield Shown(kind.example, SOURCES.get(name, "cat"), kind, name not in UNSEEN)
        yield from (Shown(chain, "cat", kind) for chain in MORE.get(kind, ()))
        yield from (Shown(chain, "logo", kind) for chain in ON_LOGO.get(kind, ()))


def leaflet() -> bytes:
    """A document of two pages, 240 x 160 points each, with a square and a triangle on them."""
    drawings = (b"0.12 0.16 0.36 rg 80 40 80 80 re f", b"0.92 0.55 0.20 rg 60 30 m 180 30 l 120 130 l f")
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>"]
    for number, drawing in enumerate(drawings):
        content = 4 + 2 * number
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 240 160] /Contents %d 0 R >>" % content)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
