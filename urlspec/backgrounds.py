"""What shows through: a colour, colours taken from the picture, a gradient, the picture itself, blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from urlspec.values import BadValue, Codec, Colour, ColourCodec, Integer, Number, number_text

DIRECTIONS: Final = {"up": 0.0, "right": 90.0, "down": 180.0, "left": 270.0}
"""Words for the angles of a gradient, which are those of CSS."""

MOST_COLOURS: Final = 5

Taken = Literal["border", "predominant"]
Style = Literal["plain", "contrast", "gradient"]


class DirectionCodec(Codec[float]):
    """Where a gradient runs to, as in CSS: 0 is up, 90 right, 180 down."""

    expected = "up, right, down, left, or degrees clockwise from upwards (0 to 360)"
    type_name = "float | str"
    known = tuple(DIRECTIONS)
    _degrees = Number(0, 360)

    def read(self, parts: Sequence[str]) -> float:
        (text,) = parts
        return DIRECTIONS[text] if text in DIRECTIONS else self._degrees.read(parts) % 360

    def write(self, value: float) -> list[str]:
        words = {degrees: word for word, degrees in DIRECTIONS.items()}
        return [words.get(value, number_text(value))]


@dataclass(frozen=True, slots=True)
class Gradient:
    """Two or more colours at equal distances, from one edge to the other."""

    colours: tuple[Colour, ...]
    direction: float = 180.0
    """Degrees as in CSS: 0 is up, 90 right."""


@dataclass(frozen=True, slots=True)
class Auto:
    """Colours found in the picture: along its border, or the one most of it has."""

    of: Taken = "border"
    style: Style = "plain"
    """``contrast`` is black or white, whichever stands out more; ``gradient`` runs from one to another."""
    direction: float | None = None
    """Of the gradient; None is the way in which there is more space."""


@dataclass(frozen=True, slots=True)
class Blurred:
    """The picture itself, enlarged to cover everything, and blurred."""

    sigma: float | None = None
    """Pixels; None is a twenty-fifth of the longer side."""
    brightness: int = 0
    """Percent, -100 to 100."""


BackgroundValue = Colour | Gradient | Auto | Blurred


def opaque(value: BackgroundValue) -> bool:
    """Whether nothing shows through ``value`` itself."""
    if isinstance(value, Gradient):
        return all(colour.alpha == 255 for colour in value.colours)
    return not isinstance(value, Colour) or value.alpha == 255


class BackgroundCodec(Codec[BackgroundValue]):
    expected = (
        "a CSS colour name, rgb:RRGGBB, rgb:RRGGBBAA, gradient:<colour>:<colour>[:<colour>…][:<direction>], "
        "auto[:border or predominant[_contrast or _gradient[:<direction>]]], "
        "or blurred[:<sigma px or auto>[:<brightness>]]; a direction is up, right, down, left or degrees"
    )
    type_name = "Colour | str"
    known = (*ColourCodec.known, "auto", "blurred", "gradient")
    _colour = ColourCodec()
    _direction = DirectionCodec()
    _sigma = Number(0.1, 1_000, "pixels")
    _brightness = Integer(-100, 100)

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> BackgroundValue:
        parts = list(parts)
        match parts[0]:
            case "gradient":
                return self._gradient(parts[1:])
            case "auto" if len(parts) <= 3:
                return self._auto(parts[1:])
            case "blurred" if len(parts) <= 3:
                sigma = None if parts[1:2] in ([], ["auto"]) else self._sigma.read(parts[1:2])
                return Blurred(sigma, self._brightness.read(parts[2:]) if len(parts) > 2 else 0)
            case "gen_fill":
                raise BadValue("this server invents no pixels; b_blurred fills with the picture itself")
        return self._colour.read(parts)

    def _gradient(self, parts: Sequence[str]) -> Gradient:
        colours: list[Colour] = []
        while parts and (parts[0] == "rgb" or parts[0] in ColourCodec.known):
            end = self._colour.span(parts)
            colours.append(self._colour.read(parts[:end]))
            parts = parts[end:]
        if not 2 <= len(colours) <= MOST_COLOURS or len(parts) > 1:
            raise BadValue(f"a gradient has 2 to {MOST_COLOURS} colours and at most one direction")
        return Gradient(tuple(colours), self._direction.read(parts) if parts else 180.0)

    def _auto(self, parts: Sequence[str]) -> Auto:
        of, _, style = parts[0].partition("_") if parts else ("border", "", "")
        direction = self._direction.read(parts[1:]) if len(parts) > 1 else None
        styles = {"": "plain", "contrast": "contrast", "gradient": "gradient"}
        if (
            of not in get_args(Taken)
            or style not in styles
            or (direction is not None and style != "gradient")
        ):
            raise BadValue
        return Auto(of, styles[style], direction)  # type: ignore[arg-type]

    def write(self, value: BackgroundValue) -> list[str]:
        match value:
            case Gradient(colours, direction):
                written = [part for colour in colours for part in self._colour.write(colour)]
                return ["gradient", *written, *([] if direction == 180 else self._direction.write(direction))]
            case Auto(of, style, direction):
                taken = of if style == "plain" else f"{of}_{style}"
                way = [] if direction is None else self._direction.write(direction)
                return ["auto", *([] if taken == "border" else [taken]), *way]
            case Blurred(sigma, brightness):
                width = "auto" if sigma is None else number_text(sigma)
                return ["blurred", width, str(brightness)][: 3 if brightness else 1 if sigma is None else 2]
        return self._colour.write(value)
