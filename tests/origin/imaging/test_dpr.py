"""``dpr_2`` is the same as every length in pixels doubled, and nothing else."""

from __future__ import annotations

import pytest

from tests.origin.imaging.rendering import png
from tests.support.pictures import card, difference, size_of, transparent

DOUBLED = [
    ("w_30", "w_60"),
    ("w_30,h_0.5", "w_60,h_0.5"),
    ("c_fill,w_20,h_30,g_north_west", "c_fill,w_40,h_60,g_north_west"),
    ("c_fill,w_20,h_30,g_east,x_3,y_2", "c_fill,w_40,h_60,g_east,x_6,y_4"),
    ("c_fill,w_20,h_30,g_xy_center,x_20,y_10", "c_fill,w_40,h_60,g_xy_center,x_40,y_20"),
    ("c_fill,w_20,h_30,g_east,x_0.05", "c_fill,w_40,h_60,g_east,x_0.05"),
    ("c_crop,w_20,h_10,x_7,y_9", "c_crop,w_40,h_20,x_14,y_18"),
    ("c_crop,w_20,h_10,g_south_east,x_7,y_9", "c_crop,w_40,h_20,g_south_east,x_14,y_18"),
    ("c_pad,w_50,h_30,g_west,x_2", "c_pad,w_100,h_60,g_west,x_4"),
    ("c_mpad,w_70,h_50,g_south,y_5", "c_mpad,w_140,h_100,g_south,y_10"),
    ("c_thumb,w_20,h_20,z_2,g_north,x_2", "c_thumb,w_40,h_40,z_2,g_north,x_4"),
    ("w_30,h_20,mh_15,mw_25", "w_60,h_40,mh_30,mw_50"),
    ("mw_90", "mw_180"),
    ("w_30,rad_8", "w_60,rad_16"),
    ("w_30,rad_1:2:3:4", "w_60,rad_2:4:6:8"),
    ("w_30,rad_max", "w_60,rad_max"),
    ("w_30,pad_5:3", "w_60,pad_10:6"),
    ("w_30,pad_5:0.1", "w_60,pad_10:0.1"),
    ("w_30,bo_3px_solid_red", "w_60,bo_6px_solid_red"),
    ("w_30,bo_0.05_solid_red", "w_60,bo_0.05_solid_red"),
    ("w_30,e_blur:2", "w_60,e_blur:4"),
    ("w_30,e_sharpen:1.5:2", "w_60,e_sharpen:3:2"),
    ("w_30,e_pixelate:3", "w_60,e_pixelate:6"),
    ("w_30,e_blur_region:4:2:10:8:3", "w_60,e_blur_region:8:4:20:16:6"),
    ("w_30,e_pixelate_region:4:2:0.5:8:3", "w_60,e_pixelate_region:8:4:0.5:16:6"),
    ("w_30,e_shadow:2:3:5", "w_60,e_shadow:4:6:10"),
    ("w_30,a_20", "w_60,a_20"),
    ("l_logo,w_20,g_south_east,x_3,y_5", "l_logo,w_40,g_south_east,x_6,y_10"),
    ("l_logo,w_0.2,g_north,y_0.1,x_4", "l_logo,w_0.2,g_north,y_0.1,x_8"),
    ("l_logo,w_20{}/fl_layer_apply,g_west,x_3", "l_logo,w_40/fl_layer_apply,g_west,x_6"),
    ("l_logo{}/w_0.2/fl_layer_apply,g_west,x_3,y_-2", "l_logo/w_0.2/fl_layer_apply,g_west,x_6,y_-4"),
    ("l_text:Sans_10:Hello,g_south,y_4,co_red", "l_text:Sans_20:Hello,g_south,y_8,co_red"),
    ("l_text:Sans_10:Hello%20World,w_30", "l_text:Sans_20:Hello%20World,w_60"),
]


@pytest.mark.parametrize(("single", "double"), DOUBLED, ids=[row[0] for row in DOUBLED])
def test_dpr_doubles_every_length_in_pixels(single: str, double: str) -> None:
    """Of a layer, the ``dpr_`` of the component that opens it counts, wherever it is closed."""
    twice = single.format(",dpr_2") if "{}" in single else f"{single},dpr_2"
    layers = {"logo": transparent()} if "logo" in single else None
    doubled, scaled = png(f"/{double}", card(), layers=layers), png(f"/{twice}", card(), layers=layers)
    assert size_of(scaled) == size_of(doubled)
    assert difference(scaled, doubled).max == 0


def test_lengths_are_rounded_once() -> None:
    assert size_of(png("/c_scale,w_33,h_21,dpr_1.5", card())) == (50, 32)
    assert size_of(png("/w_60,pad_3,dpr_1.5", card())) == (100, 70)
    assert size_of(png("/w_0.5,bo_1px_solid_red,dpr_0.1", card())) == (62, 42), "a border never vanishes"
