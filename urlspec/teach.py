"""What to tell someone whose argument is refused: what was expected, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from urlspec.declare import Argument, expectation, usage
from urlspec.errors import SHOWN, UrlError, nearest
from urlspec.pipeline import BY_KEY, BY_WORD, PIPELINE
from urlspec.values import BadValue

DIALECTS: Final = {
    "width": "w_", "height": "h_", "size": "w_ and h_", "resize": "c_ with w_ and h_",
    "rs": "c_ with w_ and h_", "s": "w_ and h_", "quality": "q_", "format": "f_", "fm": "f_",
    "ext": "f_", "crop": "c_", "fit": "c_", "gravity": "g_", "focus": "g_", "rotate": "r_",
    "rot": "r_", "ro": "r_", "or": "r_", "radius": "rad_", "blur": "e_blur:", "bl": "e_blur:",
    "sharpen": "e_sharpen:", "sh": "e_sharpen:", "sharp": "e_sharpen:", "grayscale": "e_grayscale",
    "greyscale": "e_grayscale", "sepia": "e_sepia", "negate": "e_negate", "invert": "e_negate",
    "brightness": "e_brightness:", "contrast": "e_contrast:", "hue": "e_hue:",
    "saturation": "e_saturation:", "trim": "e_trim", "pixelate": "e_pixelate:", "background": "b_",
    "bg": "b_", "border": "bo_", "padding": "pad_", "opacity": "o_", "watermark": "l_",
    "overlay": "l_", "wm": "l_", "text": "l_text:", "preset": "t_", "pr": "t_", "page": "pg_",
    "download": "dl_", "attachment": "dl_", "version": "v_", "flop": "flip_h", "mirror": "flip_h",
    "strip": "meta_none", "expires": "the signature",
}  # fmt: skip
"""What other dialects call our arguments."""

EFFECT_DIALECTS: Final = {
    "unsharp_mask": "e_unsharp:<sigma px>:<amount %>", "usm": "e_unsharp:", "colorize": "e_tint:",
    "improve": "e_enhance", "viesus_correct": "e_enhance", "auto_colour": "e_auto_color",
    "simulate_colorblind": "e_colorblind:", "assist_colorblind": "e_colorblind_assist:",
    "dropshadow": "e_shadow:", "drop_shadow": "e_shadow:", "gradient_fade": "e_fade:",
    "greyscale": "e_grayscale", "invert": "e_negate", "threshold": "e_blackwhite:",
    "median": "e_denoise:", "noise": "e_denoise:", "blur_faces": "e_blur_region:",
    "pixelate_faces": "e_pixelate_region:", "opacity": "o_", "rounded_corners": "rad_",
    "make_transparent": "e_fade:", "fill_light": "e_gamma:", "brightness_hsb": "e_brightness:",
}  # fmt: skip
"""What other dialects call our effects."""

_JOINED = re.compile(r"([A-Za-z]+)([-=:]?)(.*)", re.DOTALL)
_SIDES = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)
_METHODS: Final = {kind.method: f"{kind.key}_{kind.word}" for kind in PIPELINE}


def unknown_argument(text: str, position: int, component: int) -> UrlError:
    """The refusal of an argument that nobody declared."""
    detail, meant, known = _unknown(text)
    return UrlError(
        "argument_unknown",
        detail,
        component=component,
        argument=text,
        position=position,
        expected="one of " + " ".join(known),
        nearest=meant,
    )


def _unknown(text: str) -> tuple[str, str | None, Sequence[str]]:
    """What to say, what was probably meant, and the names that there are."""
    key, underscore, value = text.partition("_")
    if underscore and key in BY_KEY:
        return _unknown_word(text, key, value.partition(":")[0])
    shown = repr(text[:SHOWN])
    known = [f"{name}_" for name in BY_KEY]
    if not text:
        return "Nothing stands between two separators; arguments are joined by single commas.", None, known
    if text.startswith("%40"):
        return f"{shown}: the @ of a source stands as itself.", "@", known
    if (dialect := DIALECTS.get(key) or DIALECTS.get(_name(text))) is not None:
        return f"There is no argument {shown}; here it is written {dialect}.", dialect, known
    if (meant := _misspelt(text)) is not None:
        return f"There is no argument {shown}; a key and its value are joined by _.", meant, known
    method = nearest(key, _METHODS)
    return (
        f"There is no argument {shown}.",
        _METHODS[method] if method else nearest(f"{key}_", known),
        known,
    )


def _unknown_word(text: str, key: str, word: str) -> tuple[str, str | None, Sequence[str]]:
    known = [name for name in BY_WORD if name.startswith(f"{key}_")]
    shown = repr(text[:SHOWN])
    if key == "fl" and "." in word:
        return (
            f"{shown} joins flags with a dot; write each flag as an argument of its own: fl_a,fl_b.",
            None,
            known,
        )
    if key == "e" and (meant := EFFECT_DIALECTS.get(word)) is not None:
        return f"There is no effect {shown}; what comes near is written {meant}.", meant, known
    head = f"{key}_{re.split(r'[_0-9=-]', word, maxsplit=1)[0]}"
    if head in BY_WORD:
        return f"There is no argument {shown}; a number follows its word after a colon.", f"{head}:", known
    return f"There is no argument {shown}.", nearest(f"{key}_{word}", known), known


def _name(text: str) -> str:
    match = _JOINED.match(text)
    return match[1].lower() if match else ""


def _misspelt(text: str) -> str | None:
    """``w300``, ``w:300``, ``W_300`` and ``300x200`` as they are written here."""
    if sides := _SIDES.fullmatch(text):
        return f"w_{sides[1]},h_{sides[2]}"
    match = _JOINED.match(text.replace("_", ":", 1))
    if match and match[3] and match[1].lower() in BY_KEY:
        meant = f"{match[1].lower()}_{match[3]}"
        return meant[:SHOWN]
    return None


def refused_value(
    kind: type[Argument], error: BadValue, parts: Sequence[str], text: str, position: int, component: int
) -> UrlError:
    """The refusal of a value that its declaration does not take; ``parts`` are the value's, decoded."""
    hint = error.hint or kind.hint
    return UrlError(
        error.code,
        f"{usage(kind)} expects {expectation(kind)}." + (f" Note: {hint}." if hint else ""),
        component=component,
        argument=text,
        position=position,
        expected=expectation(kind),
        nearest=_nearest_value(kind, parts),
    )


def _nearest_value(kind: type[Argument], parts: Sequence[str]) -> str | None:
    """The argument with the one unknown word in it put right."""
    head = f"{kind.key}_" if not kind.word else f"{kind.key}_{kind.word}:"
    for number, (field, part) in enumerate(zip(kind.fields(), parts, strict=False)):
        if field.codec.known and part not in field.codec.known and not part.lstrip("-").isdecimal():
            found = nearest(part, field.codec.known)
            return head + ":".join([*parts[:number], found])[:SHOWN] if found else None
    return None
