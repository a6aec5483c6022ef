"""Layers as brackets: what opens, shapes, closes and places them."""

from __future__ import annotations

import pytest

from urlspec import TextRef, UrlError, parse
from urlspec.request import Component, LayerStep, Step


def outline(steps: tuple[Step, ...]) -> list[object]:
    """Steps as nested lists: components as text, layers as [opening, [inner…], placement]."""
    return [
        str(step)
        if isinstance(step, Component)
        else [str(step.opening), outline(step.shape), str(step.placement)]
        for step in steps
    ]


@pytest.mark.parametrize(
    ("chain", "steps"),
    [
        ("w_3", ["w_3"]),
        # Nothing closes it: applied at once; some arguments shape the layer, the others place it
        (
            "w_3/l_logo,w_0.5,h_9,c_fill,r_90,a_20,e_blur:2,rad_3,g_south,x_3,y_4,o_60,e_multiply",
            [
                "w_3",
                ["l_logo,r_90,c_fill,w_0.5,h_9,a_20,e_blur:2,rad_3", [], "g_south,x_3,y_4,o_60,e_multiply"],
            ],
        ),
        ("l_logo,c_crop,w_9,h_9,g_south", [["l_logo,c_crop,w_9,h_9", [], "g_south"]]),
        ("l_a,fl_tiled/l_b/w_3", [["l_a", [], "fl_tiled"], ["l_b", [], ""], "w_3"]),
        ("u_logo,w_1.0", [["u_logo,w_1.0", [], ""]]),
        # Closed: what stands between belongs to the layer
        (
            "l_a,w_9/r_90/e_blur:2/fl_layer_apply,g_south,o_50/w_3",
            [["l_a,w_9", ["r_90", "e_blur:2"], "fl_layer_apply,g_south,o_50"], "w_3"],
        ),
        ("l_a/fl_layer_apply", [["l_a", [], "fl_layer_apply"]]),
        ("l_a,w_9,h_9,c_fill,g_auto/fl_layer_apply", [["l_a,c_fill,w_9,h_9,g_auto", [], "fl_layer_apply"]]),
        # The nearest open one is closed
        ("l_a/l_b/fl_layer_apply", [["l_a", [], ""], ["l_b", [], "fl_layer_apply"]]),
        (
            "l_a/l_b/w_3/fl_layer_apply,x_3/e_negate/fl_layer_apply,x_4",
            [["l_a", [["l_b", ["w_3"], "fl_layer_apply,x_3"], "e_negate"], "fl_layer_apply,x_4"]],
        ),
        (
            "l_a/fl_layer_apply/l_b/fl_layer_apply",
            [["l_a", [], "fl_layer_apply"], ["l_b", [], "fl_layer_apply"]],
        ),
        # No-ops and output arguments do not break a bracket
        ("l_a/e_blur:0/fl_layer_apply,f_webp", [["l_a", [], "fl_layer_apply"]]),
    ],
)
def test_steps(chain: str, steps: list[object]) -> None:
    request = parse(f"/{chain}/cat")
    assert outline(request.steps()) == steps
    assert parse(request.canonical()).steps() == request.steps()


def test_an_underlay_says_so() -> None:
    over, under = parse("/l_a/u_b/cat").steps()
    assert isinstance(over, LayerStep)
    assert isinstance(under, LayerStep)
    assert (over.under, under.under) == (False, True)


def test_a_text_is_read_whole() -> None:
    (layer,) = parse("/l_text:DejaVu%20Sans_32_bold_italic_underline_right:10%3A30%0A%3Cb%3E/cat").layers()
    assert layer == TextRef(
        "DejaVu Sans", 32, "10:30\n<b>", weight="bold", italic=True, decoration=("underline",), align="right"
    )


@pytest.mark.parametrize(
    "allowed", ["g_south", "x_3", "y_3", "o_50", "fl_tiled", "e_screen", "f_webp", "q_80"]
)
def test_a_closing_component_places(allowed: str) -> None:
    assert parse(f"/l_logo/fl_layer_apply,{allowed}/cat")


@pytest.mark.parametrize(
    "refused",
    [
        "w_3",
        "h_3",
        "c_fill",
        "ar_1",
        "r_90",
        "a_20",
        "flip_h",
        "e_blur:2",
        "e_blur:0",
        "e_trim",
        "rad_3",
        "pad_3",
        "bo_1px_solid_red",
        "b_red",
        "co_red",
        "dpr_2",
        "z_2",
        "a_0",
        "r_auto",
    ],
)
def test_a_closing_component_shapes_nothing(refused: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(f"/l_logo/fl_layer_apply,{refused}/cat")
    assert (caught.value.code, caught.value.component) == ("argument_misplaced", 2)
    assert caught.value.argument == refused


@pytest.mark.parametrize(
    ("chain", "code", "component"),
    [
        ("fl_layer_apply", "layer_unopened", 1),
        ("l_a/fl_layer_apply/fl_layer_apply", "layer_unopened", 3),
        ("l_a/l_b/l_c/fl_layer_apply/fl_layer_apply/fl_layer_apply", "layer_too_deep", 3),
        ("l_a/l_b/fl_layer_apply/l_c/fl_layer_apply/fl_layer_apply", "layer_too_deep", 4),
        ("l_a,fl_layer_apply", "argument_conflict", 1),
        ("l_a,u_b", "argument_conflict", 1),
        ("l_a,g_auto", "value_invalid", 1),
        ("l_a/fl_layer_apply,g_focus", "value_invalid", 2),
        ("l_a/r_ignore/fl_layer_apply", "argument_misplaced", 2),
    ],
)
def test_refusals(chain: str, code: str, component: int) -> None:
    with pytest.raises(UrlError) as caught:
        parse(f"/{chain}/cat")
    assert (caught.value.code, caught.value.component) == (code, component)
    assert caught.value.expected


def test_two_layers_inside_may_stand_one_after_the_other_outside() -> None:
    chain = "/".join(["l_a/l_b/fl_layer_apply/fl_layer_apply"] * 4)
    assert len(parse(f"/{chain}/cat").steps()) == 4
