"""``f_auto`` and the client hints: few classes of clients, whatever they send."""

from __future__ import annotations

import random

import pytest

from tests.support import pictures
from tests.support.origin import OriginServer

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,*/*;q=0.5"
SOFT = "e_blur:9"
"""Makes what a photograph is to a codec of flat colours, which would go without loss."""

ACCEPTS: dict[str, tuple[str | None, str]] = {
    "nothing": (None, "jpg"),
    "empty": ("", "jpg"),
    "Chrome": (CHROME, "avif"),
    "Safari": (SAFARI, "avif"),
    "webp only": ("image/webp", "webp"),
    "anything": ("*/*", "jpg"),
    "any picture": ("image/*", "jpg"),
    "avif refused": ("image/avif;q=0,image/webp", "webp"),
    "avif refused with zeros": ("image/avif;q=0.000, image/webp", "webp"),
    "both refused": ("image/avif;q=0,image/webp;q=0.0,*/*", "jpg"),
    "spaces": ("  image/avif ; q=0.1 , image/webp", "avif"),
    "low q does not reorder": ("image/webp;q=1,image/avif;q=0.001", "avif"),
    "capitals": ("IMAGE/AVIF", "avif"),
    "parameters": ("image/webp;v=b3;q=0.5", "webp"),
    "broken q": ("image/webp;q=high", "jpg"),
    "q above 1": ("image/webp;q=2", "jpg"),
    "part of a word": ("image/avif2,ximage/webp", "jpg"),
    "other types": ("text/html,application/xml", "jpg"),
    "endless": ("a/b," * 5_000, "jpg"),
}


@pytest.mark.parametrize(("accept", "expected"), ACCEPTS.values(), ids=ACCEPTS.keys())
def test_the_best_format_that_is_named(origin: OriginServer, accept: str | None, expected: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = origin.get(f"/{SOFT},w_40,f_auto/{origin.ids['card.jpg']}", **headers)
    assert (answer.status, pictures.format_of(answer.body)) == (200, expected)
    assert answer["Content-Type"] == {"jpg": "image/jpeg"}.get(expected, f"image/{expected}")
    assert answer["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("name", "accept", "expected"),
    [
        pytest.param("clear.png", "*/*", "png", id="alpha needs PNG"),
        pytest.param("clear.png", "image/webp", "webp", id="alpha in WebP"),
        pytest.param("animated.gif", CHROME, "webp", id="animation is no AVIF"),
        pytest.param("animated.gif", "*/*", "gif", id="animation for everybody"),
    ],
)
def test_the_format_suits_the_picture(origin: OriginServer, name: str, accept: str, expected: str) -> None:
    answer = origin.get(f"/w_30,f_auto/{origin.ids[name]}", Accept=accept)
    assert (answer.status, pictures.format_of(answer.body)) == (200, expected)
    if name.endswith(".gif"):
        assert pictures.frames_of(answer.body) == 3


def test_flat_colours_go_without_loss(origin: OriginServer) -> None:
    path = f"/r_180,f_auto/{origin.ids['card.png']}"
    answers = {accept: origin.get(path, Accept=accept) for accept in ("image/webp", "*/*")}
    assert [pictures.format_of(one.body) for one in answers.values()] == ["webp", "png"]
    exact = origin.get(f"/r_180,f_png/{origin.ids['card.png']}").body
    for answer in answers.values():
        assert pictures.difference(answer.body, exact).max == 0
        assert answer["Vary"] == "Accept"


def test_an_uploaded_picture_is_sent_in_the_format_that_was_named(origin: OriginServer) -> None:
    for name in ("card.jpg", "card.png"):
        for accept, expected in (("image/webp", "webp"), ("image/avif,image/webp", "avif")):
            answer = origin.get(f"/f_auto/{origin.ids[name]}", Accept=accept)
            assert pictures.format_of(answer.body) == expected, (name, accept)


def test_what_passes_unchanged_says_so(origin: OriginServer) -> None:
    path = f"/w_900/{origin.ids['logo.png']}"
    for cache in ("render", "memory"):
        answer = origin.get(path)
        assert (answer.cache, answer["X-Passthrough"]) == (cache, "smaller")
        assert answer.body == origin.get(f"/{origin.ids['logo.png']}").body
    for other in ("w_900,f_png", "w_900,q_80", "w_5", "w_900,f_webp"):
        assert "X-Passthrough" not in origin.get(f"/{other}/{origin.ids['logo.png']}").headers


def test_no_client_makes_a_fourth_variant(origin: OriginServer) -> None:
    chance = random.Random(20)
    types = ["image/avif", "image/webp", "image/*", "*/*", "image/png", "image/jpeg", "text/html", "x", ""]
    ends = ["", ";q=0", ";q=0.5", ";q=1", ";q=0.001", ";q=x", ";a=b", " ; q=0.9", ";q=1.000;x=y"]
    path = f"/{SOFT},w_41,f_auto/{origin.ids['card.jpg']}"
    answers = [
        origin.get(path, Accept=",".join(chance.choice(types) + chance.choice(ends) for _ in range(6)))
        for _ in range(200)
    ]
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.cache == "render" for answer in answers) == 3
    assert len({answer.body for answer in answers}) == 3
    assert {answer["Vary"] for answer in answers} == {"Accept"}


def test_a_fixed_format_has_one_variant(origin: OriginServer) -> None:
    path = f"/w_42,f_webp/{origin.ids['card.jpg']}"
    answers = [origin.get(path, Accept=accept) for accept in (CHROME, "*/*", "image/avif")]
    assert [answer.cache for answer in answers] == ["render", "memory", "memory"]
    assert not any("Vary" in answer for answer in answers)


@pytest.mark.parametrize("name", ["card.jpg", "card.png", "animated.gif", "clear.png"])
def test_without_a_format_the_source_s_own_stays(origin: OriginServer, name: str) -> None:
    answer = origin.get(f"/w_40/{origin.ids[name]}", Accept=CHROME)
    assert pictures.format_of(answer.body) == name.split(".")[1]
    assert "Vary" not in answer


# Hints -----------------------------------------------------------------------------------------------------

HINTED = {
    "no hint": ("/w_auto/{id}", {}, (1200, 800)),
    "rounded up": ("/w_auto/{id}", {"Sec-CH-Width": "320"}, (350, 233)),
    "on the step": ("/w_auto/{id}", {"Sec-CH-Width": "300"}, (300, 200)),
    "old name": ("/w_auto/{id}", {"Width": "300"}, (300, 200)),
    "new name wins": ("/w_auto/{id}", {"Width": "900", "Sec-CH-Width": "300"}, (300, 200)),
    "never enlarged": ("/w_auto/{id}", {"Sec-CH-Width": "5000"}, (1200, 800)),
    "nonsense": ("/w_auto/{id}", {"Sec-CH-Width": "300px"}, (1200, 800)),
    "negative": ("/w_auto/{id}", {"Sec-CH-Width": "-300"}, (1200, 800)),
    "zero": ("/w_auto/{id}", {"Sec-CH-Width": "0"}, (1200, 800)),
    "a crop without its width": ("/c_fill,w_auto,h_100/{id}", {}, (150, 100)),
    "ratio": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "2"}, (200, 133)),
    "old ratio": ("/w_100,dpr_auto/{id}", {"DPR": "2"}, (200, 133)),
    "ratio by steps": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "1.1"}, (150, 100)),
    "huge ratio": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "99"}, (300, 200)),
    "no ratio": ("/w_100,dpr_auto/{id}", {}, (100, 67)),
    "broken ratio": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "inf"}, (100, 67)),
    "saving data": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "2", "Save-Data": "on"}, (100, 67)),
    "saving data by width": (
        "/w_auto/{id}",
        {"Sec-CH-Width": "600", "DPR": "2", "Save-Data": "on"},
        (300, 200),
    ),
    "not saving data": ("/w_100,dpr_auto/{id}", {"Sec-CH-DPR": "2", "Save-Data": "off"}, (200, 133)),
    "not asked for": ("/w_100/{id}", {"Sec-CH-DPR": "2", "Sec-CH-Width": "300"}, (100, 67)),
}


@pytest.mark.parametrize(("path", "hints", "size"), HINTED.values(), ids=HINTED.keys())
def test_hints_count_where_they_are_asked_for(
    origin: OriginServer, path: str, hints: dict[str, str], size: tuple[int, int]
) -> None:
    answer = origin.get(path.format(id=origin.ids["large.jpg"]), **hints)
    assert (answer.status, pictures.size_of(answer.body)) == (200, size)
    assert ("Vary" in answer) == ("auto" in path)
    if "auto" in path:
        assert answer["Vary"] == "Sec-CH-Width, Width, Sec-CH-DPR, DPR, Save-Data"
        assert answer["Accept-CH"] == "Sec-CH-Width, Sec-CH-DPR"


def test_who_saves_data_gets_fewer_bytes(origin: OriginServer) -> None:
    path = f"/w_auto,f_jpg,q_auto/{origin.ids['large.jpg']}"
    plain, saving = (origin.get(path, Save_Data=said, Sec_CH_Width="400") for said in ("off", "on"))
    assert pictures.size_of(plain.body) == pictures.size_of(saving.body)
    assert len(saving.body) < len(plain.body)
    assert plain["ETag"] != saving["ETag"]
    assert saving["Vary"] == "Sec-CH-Width, Width, Sec-CH-DPR, DPR, Save-Data"


def test_near_hints_share_a_picture(origin: OriginServer) -> None:
    path = f"/e_negate/w_auto/{origin.ids['large.jpg']}"
    answers = [origin.get(path, Sec_CH_Width=str(width)) for width in (401, 425, 450)]
    assert [answer.cache for answer in answers] == ["render", "memory", "memory"]
    assert answers[0]["Link"] == f'<{path}>; rel="canonical"', "hints stay out of the canonical text"
