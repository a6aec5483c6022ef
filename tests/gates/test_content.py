"""What strangers' files may do to a server: nothing. Times are printed (``pytest -s``) and decide nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvips

from tests.conftest import OriginFactory
from tests.soak.files import Tally, lines, send_all, settings, upload
from tests.soak.watch import pss
from tests.support import pictures
from tests.support.bombs import BOMBS
from tests.support.mutator import mutants, seeds
from tests.support.origin import OriginServer, Response, origin_server, until
from tests.support.people import SECRET, issue
from tests.support.servers import S3Server

ME = f"Bearer {issue('me')}"
MUTANTS = 150


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Iterator[OriginServer]:
    folder = tmp_path_factory.mktemp("content")
    given = settings(folder)
    given["ORIGIN_SOURCES"] += f",corpus=file://{corpus};public"
    server = origin_server(folder, **given)
    pid = server.pid
    try:
        yield server
        assert server.pid == pid
        assert server.healthy()
    finally:
        server.stop()
    assert server.unexpected() == []


# Damaged files (G1) ------------------------------------------------------------------------------------


def test_damaged_files_get_what_they_deserve(server: OriginServer, corpus: Path) -> None:
    tally = Tally()
    send_all(server, mutants(seeds(corpus), MUTANTS, seed=int(time.time()) // 86_400), tally)
    print("", f"{MUTANTS} damaged files", *lines(tally), *tally.slow, sep="\n")
    assert tally.wrong == []
    assert len(tally.answers) > 3
    assert max(pss(pid) for pid in server.workers()) < 1_024


def test_a_mutant_is_known_by_its_number(corpus: Path) -> None:
    files = seeds(corpus)
    assert next(mutants(files, 5, start=3)) == list(mutants(files, 4))[3]
    sent = [data for _, data in mutants(files, 20)]
    assert not {file.read_bytes() for file in files}.intersection(sent)


# Bombs (G2) --------------------------------------------------------------------------------------------


def milliseconds(server: OriginServer, answer: Response) -> float:
    """What a request took by the server's own clock, the arrival of its body included."""
    found: list[float] = []

    def logged() -> bool:
        found[:] = [line["ms"] for line in server.lines() if line.get("request_id") == answer["X-Request-Id"]]
        return bool(found)

    until(logged)
    return found[0]


def test_bombs_do_not_go_off(server: OriginServer) -> None:
    upload(server.url, ME, pictures.card())
    wrong = {}
    print()
    for name, bomb in BOMBS.items():
        data = bomb.make()
        before = max(pss(pid) for pid in server.workers())
        answer = upload(server.url, ME, data)
        grown = max(pss(pid) for pid in server.workers()) - before
        print(f"{bomb.row}  {name:32} {len(data):>11,} B  {answer.status} {answer.code:18}"
              f" {milliseconds(server, answer):6.0f} ms  {grown:+d} MiB")  # fmt: skip
        if answer.summary not in bomb.answers or (bomb.row in {"T30", "T31"} and grown > 64):
            wrong[name] = (answer.summary, grown)
    assert wrong == {}


# Files cut short (G11) ---------------------------------------------------------------------------------


def saved(suffix: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        image = pyvips.Image.new_from_buffer(pictures.noise(200, 150), "")
        return bytes(image.write_to_buffer(suffix, **options))

    return make


WHOLE: dict[str, Callable[[], bytes]] = {
    "jpeg": saved(".jpg"),
    "progressive jpeg": saved(".jpg", interlace=True),
    "png": saved(".png"),
    "interlaced png": saved(".png", interlace=True),
    "webp": saved(".webp"),
    "lossless webp": saved(".webp", lossless=True, effort=0),
    "gif": saved(".gif"),
    "avif": saved(".avif", effort=0),
    "tiff": saved(".tif", compression="lzw"),
    "tiled tiff": saved(".tif", compression="deflate", tile=True),
    "animated gif": lambda: pictures.animated(6, 80, 60),
    "animated webp": lambda: pictures.animated(6, 80, 60, ".webp"),
}
CUTS: dict[str, Callable[[int], int]] = {
    "1 %": lambda size: size // 100,
    "30 %": lambda size: 3 * size // 10,
    "50 %": lambda size: size // 2,
    "90 %": lambda size: 9 * size // 10,
    "all but two bytes": lambda size: size - 2,
}


def test_no_part_of_an_upload_is_a_picture(server: OriginServer) -> None:
    answers = {
        f"{name}, {cut}": upload(server.url, ME, (data := make())[: place(len(data))]).status
        for name, make in WHOLE.items()
        for cut, place in CUTS.items()
    }
    print(f"\n{len(answers)} uploads cut short: {sum(status == 201 for status in answers.values())} taken")
    assert {what: status for what, status in answers.items() if status not in {415, 422}} == {}
    assert all(upload(server.url, ME, make()).status in {200, 201} for make in WHOLE.values())


def test_no_part_of_an_object_is_a_picture(origin_factory: OriginFactory, s3: S3Server) -> None:
    """Of our own objects the hash is known; those of a source must speak for themselves."""
    store: dict[str, Any] = {
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }
    server = origin_factory(
        JWT_SECRET=SECRET,
        ORIGIN_SOURCES=f"bucket=s3://{s3.bucket}/cut;public",
        ORIGIN_RATE_UPLOAD="off",
        **store,
    )
    (s3.root / s3.bucket / "cut").mkdir(exist_ok=True)
    wrong = {}
    count = 0
    for number, (name, make) in enumerate(WHOLE.items()):
        data = make() + b""
        asset = upload(server.url, ME, data).json
        for place, (cut, at) in enumerate(CUTS.items()):
            part = data[: at(len(data))]
            s3.path(f"originals/{asset['sha256']}").write_bytes(part)
            s3.path(f"cut/{number}-{place}").write_bytes(part)
            ours = server.get(f"/w_{40 + place}/{asset['id']}")
            theirs = server.get(f"/w_40/@bucket/{number}-{place}")
            count += 2
            if ours.status != 502 or theirs.status not in {415, 422}:
                wrong[f"{name}, {cut}"] = (ours.summary, theirs.summary)
    print(f"\n{count} objects cut short: {len(wrong)} shown or wrongly refused")
    assert wrong == {}


# Privacy (G24) -----------------------------------------------------------------------------------------

PRIVATE = ("exif-", "xmp-data", "iptc-data", "photoshop")


HARMLESS = {
    f"exif-{name}"
    for name in (
        "data",  # its fields are looked at one by one
        "ifd0-Orientation",
        # What the reader fills in where a block does not say it.
        *("ifd0-XResolution", "ifd0-YResolution", "ifd0-ResolutionUnit"),
        *("ifd2-ExifVersion", "ifd2-FlashpixVersion", "ifd2-ColorSpace"),
        *("ifd2-ComponentsConfiguration", "ifd0-YCbCrPositioning"),
    )
}


def told(body: bytes) -> list[str]:
    """Names of fields that tell more than how the picture looks. Blank ones are AVIF's: they cannot go."""
    image = pyvips.Image.new_from_buffer(body, "")
    return [
        name
        for name in image.get_fields()
        if name.startswith(PRIVATE)
        and name not in HARMLESS
        and not (name == "xmp-data" and not image.get(name).strip())
    ]


def test_nothing_tells_where_or_by_whom(
    server: OriginServer, corpus: Path, corpus_files: list[dict[str, Any]]
) -> None:
    telling = [
        entry["path"]
        for entry in corpus_files
        if entry["path"].split("/")[0] in {"orientation", "photos", "colour"}
        and entry["bytes"] < 3_000_000
        and _tells(corpus / entry["path"])
    ]
    assert len(telling) > 20
    found, outputs = {}, 0
    for path in telling:
        for chain in ("w_32,f_jpg", "w_32,f_webp", "w_32,f_png", "w_32,f_avif", "w_32,f_gif", "w_32,f_tiff"):
            answer = server.get(f"/{chain}/@corpus/{path}")
            assert answer.status == 200, (chain, path, answer.body)
            outputs += 1
            if (names := told(answer.body)) or b"GPS" in answer.body:
                found[f"{chain}/{path}"] = names
        original = server.get(f"/@corpus/{path}")
        outputs += original.status == 200
        if original.status == 200 and told(original.body):
            found[path] = told(original.body)
    print(f"\n{outputs} outputs of {len(telling)} pictures with metadata: {len(found)} tell")
    assert found == {}


def _tells(path: Path) -> bool:
    try:
        return any(name.startswith(PRIVATE) for name in pyvips.Image.new_from_file(str(path)).get_fields())
    except pyvips.Error:
        return False
