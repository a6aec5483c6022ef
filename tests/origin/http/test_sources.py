"""Named sources, originals and damaged storage: what is served, and what never is."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import Library, OriginServer

TEXT = b"This is no picture at all, only words.\n" * 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.png").write_bytes(pictures.card())
    folder = tmp_path_factory.mktemp("shop")
    (folder / "sub").mkdir()
    files = {
        "a.png": pictures.card(),
        "sub/ü & ß.jpg": pictures.card(suffix=".jpg"),
        "sub/50%.png": pictures.card(),
        ".hidden.png": pictures.card(),
        "a,b_c.png": pictures.card(),
        "w_300": pictures.card(),
        "words.png": TEXT,
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "half.jpg": pictures.noise(400, 300)[:20_000],
        "half.png": pictures.noise(200, 150, ".png")[:20_000],
        "empty.png": b"",
        "polyglot.png": b"%PDF-1.4\n" + pictures.card(),
        "wide.png": pictures.plain(3_000, 1, (1, 2, 3)),
        "many.png": pictures.plain(1_500, 1_500, (1, 2, 3)),
        "heavy.png": pictures.noise(500, 400, ".png"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "inside.png").symlink_to(folder / "a.png")
    (folder / "out.png").symlink_to(outside / "secret.png")
    (folder / "way").symlink_to(outside)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "s.png"))
    return folder


@pytest.fixture(scope="module")
def shop(origin_factory: OriginFactory, folder: Path, library: Library) -> OriginServer:
    return origin_factory(
        library=library,
        ORIGIN_SOURCES=f"shop=file://{folder}",
        ORIGIN_MAX_SOURCE_SIDE="2000",
        ORIGIN_MAX_SOURCE_PIXELS="2000000",
        ORIGIN_MAX_SOURCE_BYTES="500KiB",
        ORIGIN_MAX_RESULT_SIDE="1000",
        ORIGIN_MAX_RESULT_PIXELS="500000",
    )


SERVED = {
    "a file": "/w_60/@shop/a.png",
    "in a folder, escaped": "/w_60/@shop/sub/%C3%BC%20%26%20%C3%9F.jpg",
    "reserved characters raw": "/w_60/@shop/sub/%C3%BC%20&%20%C3%9F.jpg",
    "percent": "/w_60/@shop/sub/50%25.png",
    "link within": "/w_60/@shop/inside.png",
    "comma and underscore": "/w_60/@shop/a,b_c.png",
    "a key like an argument": "/w_60/@shop/w_300",
}


@pytest.mark.parametrize("path", SERVED.values(), ids=SERVED.keys())
def test_objects_of_a_folder_are_served_without_an_upload(shop: OriginServer, path: str) -> None:
    answer = shop.get(path)
    assert (answer.status, pictures.size_of(answer.body)) == (200, (60, 40))


def test_the_original_of_an_object_is_served_too(shop: OriginServer) -> None:
    answer = shop.get("/@shop/a.png")
    assert (answer.status, answer["Content-Type"]) == (200, "image/png")
    assert pictures.difference(answer.body, pictures.card()).max == 0


REFUSED = {
    "not there": ("/w_9/@shop/none.png", 404, "not_found"),
    "a folder": ("/w_9/@shop/sub", 404, "not_found"),
    "link to outside": ("/w_9/@shop/out.png", 404, "not_found"),
    "through a linked folder": ("/w_9/@shop/way/secret.png", 404, "not_found"),
    "link to itself": ("/w_9/@shop/loop.png", 404, "not_found"),
    "pipe": ("/w_9/@shop/pipe.png", 404, "not_found"),
    "socket": ("/w_9/@shop/s.png", 404, "not_found"),
    "very long name": ("/w_9/@shop/" + "a" * 300, 404, "not_found"),
    "under a file": ("/w_9/@shop/a.png/b.png", 404, "not_found"),
    "hidden": ("/w_9/@shop/.hidden.png", 400, "key_invalid"),
    "escaped slash": ("/w_9/@shop/sub%2F50%25.png", 400, "key_invalid"),
    "escaped way out": ("/w_9/@shop/%2E%2E%2Fa.png", 400, "path_invalid"),
    "way out": ("/w_9/@shop/../a.png", 400, "path_invalid"),
    "backslash": ("/w_9/@shop/sub%5C50%25.png", 400, "key_invalid"),
    "null": ("/w_9/@shop/a.png%00.jpg", 400, "path_invalid"),
    "no key": ("/w_9/@shop", 400, "key_invalid"),
    "empty key": ("/w_9/@shop/", 400, "path_invalid"),
    "unknown source": ("/w_9/@other/a.png", 404, "not_found"),
    "source with capitals": ("/w_9/@Shop/a.png", 400, "key_invalid"),
    "layer, hidden": ("/l_@shop:.hidden.png/@shop/a.png", 400, None),
    "layer, escaped slash": ("/l_@shop:sub%2Fa.png/@shop/a.png", 400, None),
    "layer not there": ("/l_@shop:none.png/@shop/a.png", 404, "not_found"),
    "words": ("/w_9/@shop/words.png", 415, "unsupported_media"),
    "words as they are": ("/@shop/words.png", 415, "unsupported_media"),
    "a page": ("/@shop/page.html", 415, "unsupported_media"),
    "a drawing": ("/w_9/@shop/drawing.svg", 415, "unsupported_media"),
    "nothing in it": ("/w_9/@shop/empty.png", 415, "unsupported_media"),
    "two things at once": ("/w_9/@shop/polyglot.png", 415, "unsupported_media"),
    "words as a layer": ("/l_@shop:words.png/@shop/a.png", 415, "unsupported_media"),
    "half a JPEG": ("/w_9/@shop/half.jpg", 422, "image_corrupt"),
    "half a PNG": ("/w_9/@shop/half.png", 422, "image_corrupt"),
    "half a JPEG, described": ("/f_thumbhash/@shop/half.jpg", 422, "image_corrupt"),
    "too wide": ("/w_9/@shop/wide.png", 422, "image_too_large"),
    "too many pixels": ("/w_9/@shop/many.png", 422, "image_too_large"),
    "too many pixels, as it is": ("/@shop/many.png", 422, "image_too_large"),
    "too many bytes": ("/w_9/@shop/heavy.png", 422, "image_too_large"),
    "too wide a result": ("/c_scale,w_1001/@shop/a.png", 400, "result_too_large"),
    "too much of a result": ("/c_scale,w_900,h_900/@shop/a.png", 400, "result_too_large"),
    "too much with its ratio": ("/c_scale,w_400,h_400,dpr_2/@shop/a.png", 400, "result_too_large"),
    "too much with its border": ("/c_scale,w_990,h_10,pad_10/@shop/a.png", 400, "result_too_large"),
    "a region outside": ("/c_crop,w_10,h_10,x_5000/@shop/a.png", 400, "region_outside"),
    "a page that is not there": ("/pg_7/@shop/a.png", 400, "page_missing"),
    "a ceiling out of reach": ("/w_100,f_jpg,mb_100/@shop/a.png", 400, "ceiling_unreachable"),
}


@pytest.mark.parametrize(("path", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_served_is_told_why(
    shop: OriginServer, path: str, status: int, code: str | None
) -> None:
    for _ in range(2):
        answer = shop.get(path)
        assert answer.status == status, answer.body
        assert code is None or answer.code == code
        assert b"/tmp" not in answer.body
    assert shop.healthy()


def test_a_changed_object_is_a_new_picture(origin_factory: OriginFactory, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(pictures.plain(40, 30, (200, 0, 0)))
    server = origin_factory(ORIGIN_SOURCES=f"shop=file://{tmp_path}")
    first = server.get("/w_20/@shop/a.png")
    (tmp_path / "new").write_bytes(pictures.plain(40, 30, (0, 0, 200)))
    (tmp_path / "new").rename(tmp_path / "a.png")
    second = server.get("/w_21/@shop/a.png")
    assert (first.status, second.status) == (200, 200)
    pictures.assert_close_colour(pictures.pixel(second.body, 5, 5), (0, 0, 200))


# Originals -------------------------------------------------------------------------------------------------


def test_the_original_comes_without_its_metadata(origin: OriginServer) -> None:
    turned = origin.get(f"/{origin.ids['turned.jpg']}")
    assert (turned.status, turned["Content-Type"]) == (200, "image/jpeg")
    assert pictures.size_of(turned.body) == (120, 80), "the orientation stays"
    assert pictures.difference(turned.body, pictures.oriented(6)).max == 0
    again = origin.get(f"/{origin.ids['turned.jpg']}")
    assert (again.cache, again.body) == ("memory", turned.body)


def test_an_original_without_metadata_stays_as_it_is(shop: OriginServer, folder: Path) -> None:
    first = shop.get("/@shop/a.png").body
    (folder / "clean.png").write_bytes(first)
    assert shop.get("/@shop/clean.png").body == first


DAMAGE: dict[str, tuple[Callable[[bytes], bytes] | None, str | None]] = {
    "shorter": (lambda data: data[:-100], "storage_truncated"),
    "longer": (lambda data: data + b"x", None),
    "one bit": (lambda data: data[:-50] + bytes([data[-50] ^ 1]) + data[-49:], "storage_corrupt"),
    "another picture": (
        lambda data: pictures.noise(120, 80, seed=8)[: len(data)].ljust(len(data), b"\0"),
        None,
    ),
    "empty": (lambda data: b"", "storage_truncated"),
    "gone": (None, "storage_missing"),
}


def test_damaged_storage_is_never_a_picture(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    good = pictures.card(1200, 800, ".jpg")
    stored = server.original(hashlib.sha256(good).hexdigest())
    assert stored.read_bytes() == good
    name = server.ids["large.jpg"]
    for label, (damage, code) in DAMAGE.items():
        stored.unlink(missing_ok=True)
        if damage is not None:
            stored.write_bytes(damage(good))
        for path in (f"/w_70/{name}", f"/{name}", f"/w_60/l_{name}/{server.ids['card.png']}"):
            answer = server.get(path)
            assert answer.status == 502, label
            assert answer.code == code or code is None, label
            assert answer["Cache-Control"] == "no-store"
        assert server.healthy()
    stored.write_bytes(good)
    answer = server.get(f"/w_70/{name}")
    assert (answer.status, answer.cache) == (200, "render"), "nothing of the damage was kept"


def test_what_is_cached_outlives_its_original(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    path = f"/w_70/{server.ids['large.jpg']}"
    first = server.get(path)
    server.original(hashlib.sha256(pictures.card(1200, 800, ".jpg")).hexdigest()).unlink()
    again = server.get(path)
    assert (again.status, again.cache, again.body) == (200, "memory", first.body)


def test_results_outlive_the_server(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    path = f"/w_70/{server.ids['large.jpg']}"
    first = server.get(path)
    server.stop()
    server.start()
    again = server.get(path)
    assert (again.cache, again.body, again["ETag"]) == ("files", first.body, first["ETag"])
    assert server.get(path).cache == "memory"
