"""Phones' photographs, documents and drawings through a server: taken in, shown, explained, handed out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import OriginFactory
from tests.support import foreign as made
from tests.support import pictures
from tests.support.origin import KEY, OriginServer
from urlspec.sign import SigningKey

FILES = {
    "phone.heic": made.heic(made.quarters(size=(640, 480)), exif=made.exif(6)),
    "packed.jxl": made.saved(made.quarters(), "JXL"),
    "pages.pdf": made.pdf((144, 72), (72, 72)),
    "mark.svg": made.svg(),
    "old.bmp": made.saved(made.quarters(), "BMP"),
    "site.ico": made.saved(made.quarters("RGBA"), "ICO", sizes=[(64, 32)]),
}
SIZES = {
    "phone.heic": (480, 640), "packed.jxl": (64, 32), "pages.pdf": (300, 150), "mark.svg": (8, 8),
    "old.bmp": (64, 32), "site.ico": (64, 32),
}  # fmt: skip
MEDIA = {
    "phone.heic": "image/heic", "packed.jxl": "image/jxl", "pages.pdf": "application/pdf",
    "mark.svg": "image/svg+xml", "old.bmp": "image/bmp", "site.ico": "image/vnd.microsoft.icon",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(origin_factory: OriginFactory) -> OriginServer:
    server = origin_factory(
        ORIGIN_ACCEPT="jpeg,png,heic,jxl,pdf,svg,bmp,ico",
        ORIGIN_SIGNING_KEYS=f"a:{KEY}",
        ORIGIN_UNSIGNED="any",
    )
    folder = server.log.parent / "files"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    done = server.cli("put", "--json", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    server.ids = {Path(entry["file"]).name: entry["id"] for entry in entries}
    return server


@pytest.mark.parametrize("name", FILES)
def test_it_is_taken_in_and_shown(server: OriginServer, name: str) -> None:
    id = server.ids[name]
    told = server.get(f"/f_json/{id}").json
    assert (told["width"], told["height"]) == SIZES[name]
    assert (told["format"], told["orientation"]) == (name.rpartition(".")[2], 1)
    shown = server.get(f"/c_scale,w_32,f_png/{id}")
    assert (shown.status, shown["Content-Type"]) == (200, "image/png")
    assert pictures.size_of(shown.body)[0] == 32
    plain = server.get(f"/w_32/{id}")
    assert plain["Content-Type"] in {"image/jpeg", "image/png"}, "what every browser shows"


@pytest.mark.parametrize("name", FILES)
def test_its_own_bytes_have_their_own_type(server: OriginServer, name: str) -> None:
    id = server.ids[name]
    raw = server.get(SigningKey("a", KEY).sign(f"/raw_1/{id}"))
    assert (raw.status, raw["Content-Type"], raw.body) == (200, MEDIA[name], FILES[name])
    named = server.get(SigningKey("a", KEY).sign(f"/raw_1,dl_mine/{id}"))
    assert named["Content-Disposition"].startswith('attachment; filename="mine')
    original = server.get(f"/{id}")
    assert ("Content-Disposition" in raw) == (name in {"pages.pdf", "mark.svg"})
    if name in {"pages.pdf", "mark.svg"}:
        assert raw["Content-Disposition"] == "attachment"
        assert original.summary == (415, "unsupported_media")
    else:
        assert (original.status, original["Content-Type"]) == (200, MEDIA[name])
        Image.open(io.BytesIO(original.body)).load()


def test_a_page_is_explained_as_it_is_drawn(server: OriginServer) -> None:
    id = server.ids["pages.pdf"]
    planned = server.get(f"/explain/pg_2,dn_300,f_png/{id}").json["plan"]
    assert (planned["decode"]["page"], planned["decode"]["width"]) == (2, 300)
    drawn = server.get(f"/pg_2,dn_300,f_png/{id}")
    assert pictures.size_of(drawn.body) == (300, 300)
    assert server.get(f"/pg_3/{id}").summary == (400, "page_missing")
    assert server.get(f"/explain/pg_3/{id}").summary == (400, "page_missing")


def test_what_is_not_accepted_is_told_what_it_is(origin: OriginServer) -> None:
    done = origin.cli("put", "--json", _file(origin, "phone.heic"))
    assert done.returncode == 1
    assert "unsupported_media" in done.stdout


def _file(server: OriginServer, name: str) -> str:
    path = server.log.parent / name
    path.write_bytes(FILES[name])
    return str(path)
