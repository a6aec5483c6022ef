"""Tone and colour, in the order in which they act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from urlspec.declare import Argument, arg
from urlspec.values import (
    Colour,
    ColourCodec,
    Integer,
    Number,
    Word,
)

GROUP: Final = "Colour and detail"

# What is found in the picture; of an animation, in all its frames together --------------------------------


@dataclass(frozen=True, slots=True)
class AutoBrightness(Argument):
    """Lift or lower the middle tones towards middle grey; 0 changes nothing."""

    key, word, example, group, method = "e", "auto_brightness", "e_auto_brightness", GROUP, "auto_brightness"
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class AutoColour(Argument):
    """Take a colour cast away: black, white and the middle become neutral; 0 changes nothing."""

    key, word, example, group, method = "e", "auto_color", "e_auto_color", GROUP, "auto_color"
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class AutoContrast(Argument):
    """Stretch the tones from black to white, colours kept; 0 changes nothing."""

    key, word, example, group, method = "e", "auto_contrast", "e_auto_contrast", GROUP, "auto_contrast"
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Enhance(Argument):
    """Automatic tones, some neutral balance, and a little more contrast and colour; 0 changes nothing."""

    key, word, example, group, method = "e", "enhance", "e_enhance", GROUP, "enhance"
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


# What is said ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brightness(Argument):
    """Brighter or darker; 0 changes nothing."""

    key, word, example, group, method = (
        "e",
        "brightness",
        "e_brightness:20",
        GROUP,
        "brightness",
    )
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Contrast(Argument):
    """More or less contrast around middle grey; 0 changes nothing."""

    key, word, example, group, method = "e", "contrast", "e_contrast:30", GROUP, "contrast"
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Gamma(Argument):
    """Exponent of the tone curve: above 1 lightens the middle tones; 1 changes nothing."""

    key, word, example, group, method = "e", "gamma", "e_gamma:1.5", GROUP, "gamma"
    exponent: float = arg(Number(0.1, 10), "exponent")

    def settled(self) -> Argument | None:
        return None if self.exponent == 1 else self


@dataclass(frozen=True, slots=True)
class Saturation(Argument):
    """More or less colour; -100 is grey, 0 changes nothing."""

    key, word, example, group, method = (
        "e",
        "saturation",
        "e_saturation:40",
        GROUP,
        "saturation",
    )
    amount: int = arg(Integer(-100, 100), "percent")

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Hue(Argument):
    """Turn every hue around the colour wheel; 0 changes nothing."""

    key, word, example, group, method = "e", "hue", "e_hue:120", GROUP, "hue"
    degrees: int = arg(Integer(-360, 360), "degrees")

    def settled(self) -> Argument | None:
        return Hue(self.degrees % 360) if self.degrees % 360 else None


@dataclass(frozen=True, slots=True)
class Tint(Argument):
    """A wash of one colour over everything; 0 changes nothing, 100 leaves the colour alone."""

    key, word, example, group, method = "e", "tint", "e_tint:40:navy", GROUP, "tint"
    amount: int = arg(Integer(0, 100), "percent")
    colour: Colour = arg(ColourCodec(), "colour")

    def settled(self) -> Argument | None:
        return self if self.amount and self.colour.alpha else None


@dataclass(frozen=True, slots=True)
class Grayscale(Argument):
    """Take all colour away."""

    key, word, example, group, method = "e", "grayscale", "e_grayscale", GROUP, "grayscale"


@dataclass(frozen=True, slots=True)
class Sepia(Argument):
    """Brown tones of an old print; 0 changes nothing."""

    key, word, example, group, method = "e", "sepia", "e_sepia", GROUP, "sepia"
    amount: int = arg(Integer(0, 100), "percent", default=80)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Monochrome(Argument):
    """Shades of one colour, from black over the colour to white; amount 0 changes nothing."""

    key, word, example, group, method = "e", "monochrome", "e_monochrome:teal", GROUP, "monochrome"
    colour: Colour = arg(ColourCodec(), "colour")
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class Duotone(Argument):
    """Two inks: dark tones take the first colour, light ones the second; amount 0 changes nothing."""

    key, word, example, group, method = "e", "duotone", "e_duotone:midnightblue:gold", GROUP, "duotone"
    dark: Colour = arg(ColourCodec(), "colour of the dark tones")
    light: Colour = arg(ColourCodec(), "colour of the light tones")
    amount: int = arg(Integer(0, 100), "percent", default=100)

    def settled(self) -> Argument | None:
        return self if self.amount else None


@dataclass(frozen=True, slots=True)
class BlackWhite(Argument):
    """Black and white only: white is what is at least as light as the threshold."""

    key, word, example, group, method = "e", "blackwhite", "e_blackwhite:40", GROUP, "blackwhite"
    threshold: int = arg(Integer(0, 100), "threshold in percent of white", default=50)


@dataclass(frozen=True, slots=True)
class Negate(Argument):
    """Every colour becomes its complement."""

    key, word, example, group, method = "e", "negate", "e_negate", GROUP, "negate"


DEFICIENCIES: Final = (
    "deuteranopia", "protanopia", "tritanopia", "deuteranomaly", "protanomaly", "tritanomaly",
    "achromatopsia",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColorblindAssist(Argument):
    """Shift the colours that someone colour-blind confuses to where they can be told apart."""

    key, word, example, group, method = (
        "e",
        "colorblind_assist",
        "e_colorblind_assist",
        GROUP,
        "colorblind_assist",
    )
    deficiency: str = arg(Word(DEFICIENCIES[:3]), "what is not seen", default="deuteranopia")


@dataclass(frozen=True, slots=True)
class Colorblind(Argument):
    """How the picture looks to someone who sees no (…anopia) or little (…anomaly) green, red or blue."""

    key, word, example, group, method = "e", "colorblind", "e_colorblind:protanopia", GROUP, "colorblind"
    deficiency: str = arg(Word(DEFICIENCIES), "what is not seen", default="deuteranopia")
