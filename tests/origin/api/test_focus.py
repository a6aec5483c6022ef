"""The point stored with an asset, through the whole server: what it moves, and that nothing old is shown."""

from __future__ import annotations

import pytest

from tests.support import pictures
from tests.support.people import Person
from tests.support.portraits import portrait


def test_every_focus_is_a_result_of_its_own(me: Person) -> None:
    id = me.uploaded(pictures.card(300, 100, ".png"))["id"]
    path = f"/c_fill,g_focus,w_50,h_100,f_png/{id}"
    shown, tags, keys, cuts = [], set(), set(), []
    for focus in (None, {"x": 0.0, "y": 0.5}, {"x": 1.0, "y": 0.5}, None):
        assert me.patch(f"/images/{id}", {"focus": focus}).status == 200
        answer, told = me.get(path), me.get(f"/explain{path}").json
        shown.append(pictures.pixel(answer.body, 25, 95))
        tags.add(answer.headers["etag"])
        keys.add(told["key"])
        (step,) = told["plan"]["steps"]
        cuts.append(step["cut"]["left"])
        missing = [warning for warning in told["plan"]["warnings"] if "no focus is stored" in warning]
        assert bool(missing) is (focus is None)
    assert cuts == [125, 0, 250, 125]
    assert shown[1] == pictures.SOUTH_WEST
    assert shown[2] == pictures.SOUTH_EAST
    assert shown[0] == shown[3]
    assert len(keys) == len(tags) == 4


def test_a_focus_moves_layers_too(me: Person) -> None:
    below = me.uploaded(pictures.plain(100, 100, (9, 9, 9)))["id"]
    id = me.uploaded(pictures.card(300, 101, ".png"))["id"]
    path = f"/l_{id}/c_fill,g_focus,w_50,h_101/c_scale,w_50,h_50/fl_layer_apply,g_north_west/f_png/{below}"
    colours = []
    for x in (0.0, 1.0):
        me.patch(f"/images/{id}", {"focus": {"x": x, "y": 0.5}})
        colours.append(pictures.pixel(me.get(path).body, 25, 45)[:3])
    assert colours == [pictures.SOUTH_WEST, pictures.SOUTH_EAST]


def test_a_worker_finds_faces(me: Person) -> None:
    pytest.importorskip("cv2", reason="needs image-origin[faces]")
    id = me.uploaded(portrait((420, 260, 140)))["id"]
    path = f"/c_crop,w_150,h_150,g_face,f_png/{id}"
    (step,) = me.get(f"/explain{path}").json["plan"]["steps"]
    assert step["region"] == {"width": 150, "height": 150, "by": "face"}
    found = me.get(path)
    assert found.status == 200, found.body
    near = pictures.difference(found.body, me.get(f"/c_crop,w_150,h_150,x_415,y_257,f_png/{id}").body)
    assert near.mean < 12
