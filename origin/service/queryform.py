"""``GET /images/<id>?width=…``: the older query form, mapped onto the path form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from origin.errors import BadRequest
from urlspec.errors import nearest

FONT = "DejaVu Sans"
_TRUE, _FALSE = {"", "1", "true", "yes"}, {"0", "false", "no"}
_INTEGER = re.compile(r"-?[0-9]{1,6}", re.ASCII)
PARAMETERS = (
    "width", "height", "rotate", "format", "compress", "grayscale", "flip", "mirror", "blur", "watermarkText",
)  # fmt: skip


def path_of(id: str, parameters: Sequence[tuple[str, str]]) -> bytes:
    """The raw delivery path that means the same. Values are judged by the URL language itself.

    Raises BadRequest for a parameter that does not exist, stands twice, or holds what no value could.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in PARAMETERS:
            meant = nearest(name, PARAMETERS)
            hint = f"; did you mean {meant}?" if meant else f"; known are {', '.join(PARAMETERS)}."
            raise BadRequest(f"There is no parameter {name[:40]!r}{hint}")
        if name in given:
            raise BadRequest(f"The parameter {name} stands twice.")
        given[name] = value
    segments = [*_picture(given), *_watermark(given), *_output(given), quote(id, safe="")]
    return ("/" + "/".join(segments)).encode("ascii")


def _picture(given: dict[str, str]) -> list[str]:
    arguments = [
        f"{key}_{_text(given[name])}" for name, key in (("width", "w"), ("height", "h")) if name in given
    ]
    if "rotate" in given:
        turn = given["rotate"]
        right = _INTEGER.fullmatch(turn) and int(turn) % 90 == 0
        arguments += [f"a_{int(turn) % 360}" if right else f"a_{_text(turn)}"]
    vertical, horizontal = _flag(given, "flip"), _flag(given, "mirror")
    if vertical or horizontal:
        arguments.append("flip_" + ("h" if horizontal else "") + ("v" if vertical else ""))
    if _flag(given, "grayscale"):
        arguments.append("e_grayscale")
    if "blur" in given:
        arguments.append(f"e_blur:{_text(given['blur'])}")
    return [",".join(arguments)] if arguments else []


def _watermark(given: dict[str, str]) -> list[str]:
    text = given.get("watermarkText", "")
    if not text:
        return []
    layer = f"l_text:{quote(FONT)}_32_bold:{quote(text, safe='')}"
    return [f"{layer},co_white,o_70,g_south_east,x_16,y_16"]


def _output(given: dict[str, str]) -> list[str]:
    pairs = (("format", "f"), ("compress", "q"))
    arguments = [f"{key}_{_text(given[name])}" for name, key in pairs if name in given]
    return [",".join(arguments)] if arguments else []


def _flag(given: dict[str, str], name: str) -> bool:
    value = given.get(name, "false").lower()
    if value not in _TRUE | _FALSE:
        raise BadRequest(f"{name} is true or false, not {value[:40]!r}.")
    return value in _TRUE


def _text(value: str) -> str:
    """A value as text of one field: whatever is in it, it cannot become another argument."""
    return quote(value, safe="")
