"""Every declaration is whole: example, documentation, method, place; and what the package exports."""

from __future__ import annotations

import dataclasses

import pytest

import urlspec
from urlspec import arguments, outputs, parse
from urlspec.declare import Argument, expectation, usage
from urlspec.pipeline import BY_KEY, BY_WORD, PIPELINE, SINGLE, place
from urlspec.url import Url

KINDS = pytest.mark.parametrize("kind", PIPELINE, ids=lambda kind: kind.__name__)


def test_every_declaration_is_in_the_pipeline_once() -> None:
    declared = [
        kind
        for module in (arguments, outputs)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Argument) and "example" in vars(kind)
    ]
    assert sorted(kind.__name__ for kind in declared) == sorted(kind.__name__ for kind in PIPELINE)
    assert set(declared) == set(PIPELINE)


@KINDS
def test_the_example_parses_and_uses_the_argument(kind: type[Argument]) -> None:
    request = parse(f"/{kind.example}/cat")
    named = [*request.output.arguments, *(one for part in request.components for one in part.arguments)]
    assert kind in map(type, named)
    assert request.warnings == ()
    assert parse(request.canonical()) == request


@KINDS
def test_the_printed_argument_is_read_as_itself(kind: type[Argument]) -> None:
    request = parse(f"/{kind.example}/cat")
    named = [*request.output.arguments, *(one for part in request.components for one in part.arguments)]
    argument = next(one for one in named if type(one) is kind)
    assert type(argument).read(argument.parts()[1:] if kind.word else argument.parts()) == argument
    assert str(argument).startswith(f"{kind.key}_{kind.word}")
    assert argument.settled() == argument


@KINDS
def test_it_is_documented(kind: type[Argument]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip().endswith(".")
    assert not kind.__doc__.startswith(f"{kind.__name__}(")  # what dataclass writes by itself
    assert kind.group
    assert usage(kind).startswith(f"{kind.key}_")
    assert expectation(kind)
    for field in kind.fields():
        assert field.doc
        assert field.codec.expected


@KINDS
def test_it_is_a_frozen_value(kind: type[Argument]) -> None:
    assert dataclasses.is_dataclass(kind)
    assert not hasattr(kind.__new__(kind), "__dict__")
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
        kind.__new__(kind).anything = 1


@KINDS
def test_the_sdk_has_a_method_for_it(kind: type[Argument]) -> None:
    assert callable(getattr(Url, kind.method))


def test_methods_and_names_are_unique() -> None:
    assert len({kind.method for kind in PIPELINE}) == len(PIPELINE)
    assert len({usage(kind) for kind in PIPELINE}) == len(PIPELINE)
    assert not any("_" in kind.key for kind in PIPELINE)
    assert len(BY_WORD) == sum(len(kind.words) or bool(kind.word) for kind in PIPELINE)
    assert {kind for kinds in BY_KEY.values() for kind in kinds} == set(PIPELINE)
    assert set(SINGLE.values()) | set(BY_WORD.values()) == set(PIPELINE)


def test_inside_a_component_things_happen_in_the_promised_order() -> None:
    # EXIF and right-angle turn, flip, trim, size, free angle, tones and colours, detail, corners, padding and
    # border, background, layer
    promised = [
        "r", "flip", "e_trim", "c", "w", "h", "ar", "mw", "mh", "g", "x", "y", "z", "dpr", "a",
        "e_auto_brightness", "e_auto_color", "e_auto_contrast", "e_enhance",
        "e_brightness", "e_contrast", "e_gamma", "e_saturation", "e_hue", "e_tint", "e_grayscale", "e_sepia",
        "e_monochrome", "e_duotone", "e_blackwhite", "e_negate", "e_colorblind_assist", "e_colorblind",
        "e_denoise", "e_blur", "e_sharpen", "e_unsharp", "e_pixelate", "e_blur_region", "e_pixelate_region",
        "e_vignette", "e_gradient", "e_fade", "rad", "mask", "e_shadow", "pad", "bo", "b", "o",
    ]  # fmt: skip
    names = [f"{kind.key}_{kind.word}" if kind.word else kind.key for kind in PIPELINE]
    assert [name for name in names if name in promised] == promised


def test_output_arguments_come_last() -> None:
    scopes = [kind.scope for kind in PIPELINE]
    assert scopes == sorted(scopes)
    assert [kind.key for kind in PIPELINE if kind.scope == "output"] == (
        ["pg", "dn", "f", "q", "mb", "fl", "cs", "hdr", "meta", "d", "dl", "v", "raw"]
    )


def test_arguments_are_sorted_by_their_place() -> None:
    (part,) = parse("/e_blur:2,w_3,r_90/cat").components
    assert list(part.arguments) == sorted(part.arguments, key=place)


def test_exported_names() -> None:
    assert sorted(urlspec.__all__) == [
        "AssetRef", "Colour", "FocalPoint", "Fraction", "KeyFormatError", "Keyring", "LongExpiryWarning",
        "NamedRef", "PresetCall", "PresetFileError", "Presets", "Ratio", "Request", "SignatureError",
        "SigningKey", "TextRef", "Url", "UrlError", "UrlSpecError", "parse", "picture", "srcset",
    ]  # fmt: skip
    assert all(hasattr(urlspec, name) for name in urlspec.__all__)
