"""What cannot be taken in: refused early, in words that help, and nothing is left of it."""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import pictures
from tests.support.origin import OriginServer, ask
from tests.support.people import Browser, Person, somebody
from tests.support.servers import S3Server

LIMIT = 2 << 20
EDGE = "X" * 20


def part(name: str, value: bytes, *, file: str | None = None, more: str = "") -> bytes:
    shown = f'; filename="{file}"' if file is not None else ""
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"{shown}{more}\r\n\r\n'
    return head.encode("utf-8", "surrogateescape") + value + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


def send(me: Person, body: bytes, kind: str = f"multipart/form-data; boundary={EDGE}") -> Any:
    return me.send("POST", "/images", {"Content-Type": kind}, content=body)


def huge(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is large, with nothing wrong about it up to its pixels."""
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 1, 0, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(bytes(1_000)), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


CONTENT: dict[str, tuple[Callable[[], bytes], tuple[int, str]]] = {
    "nothing": (lambda: b"", (415, "unsupported_media")),
    "HTML": (lambda: b"<html><script>alert(1)</script></html>", (415, "unsupported_media")),
    "HTML behind a GIF's name": (lambda: b"GIF89a<html><script>", (422, "image_corrupt")),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', (415, "unsupported_media")),
    "PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", (415, "unsupported_media")),
    "ZIP": (lambda: b"PK\x03\x04" + bytes(60), (415, "unsupported_media")),
    "half a JPEG": (lambda: pictures.noise(200, 200)[:8_000], (422, "image_corrupt")),
    "a PNG without its end": (lambda: pictures.noise(90, 90, ".png")[:-400], (422, "image_corrupt")),
    "half a WebP": (lambda: pictures.noise(200, 200, ".webp")[:5_000], (422, "image_corrupt")),
    "a picture of 3,600 MP": (lambda: huge(60_000, 60_000), (422, "image_too_large")),
    "a picture too long": (lambda: huge(20_000, 1), (422, "image_too_large")),
    "too many frames": (lambda: pictures.animated(101), (422, "too_many_frames")),
}  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), CONTENT.values(), ids=CONTENT.keys())
def test_what_is_no_acceptable_picture(
    me: Person, make: Callable[[], bytes], expected: tuple[int, str]
) -> None:
    assert me.upload(make(), "holiday.jpg", id=token_hex(6)).problem == expected
    assert me.get("/images").json == {"items": [], "next": None}


FILE = part("file", pictures.card(suffix=".jpg"), file="a.jpg")
FORMS = {
    "no parts": whole(),
    "no file": whole(part("id", b"a")),
    "a file by another name": whole(part("image", b"x", file="a.jpg")),
    "two files": whole(FILE, FILE),
    "1,001 parts": whole(*(part(f"n{number}", b"") for number in range(1_000)), FILE),
    "a field twice": whole(part("id", b"a"), part("id", b"b"), FILE),
    "an unknown field": whole(part("owner", b"a"), FILE),
    "a field of 1 MiB": whole(part("tags", b"t" * (1 << 20)), FILE),
    "a field that is not UTF-8": whole(part("tags", b"\xff\xfe"), FILE),
    "a part without a name": f"--{EDGE}\r\nContent-Type: text/plain\r\n\r\nx\r\n".encode() + whole(),
    "a header without end": f"--{EDGE}\r\nContent-Disposition: ".encode() + b"x" * 20_000,
    "no end": FILE,
    "no boundary in it": b"x" * 1_000,
    "visibility": whole(part("visibility", b"secret"), FILE),
    "a long tag": whole(part("tags", b"t" * 65), FILE),
    "21 tags": whole(part("tags", b",".join(b"%d" % number for number in range(21))), FILE),
    "a control in a tag": whole(part("tags", b"a\0b"), FILE),
    "an id with a slash": whole(part("id", b"a/b"), FILE),
    "an id with an underscore": whole(part("id", b"a_b"), FILE),
    "an id that is no ASCII": whole(part("id", "bär".encode()), FILE),
    "an empty id": whole(part("id", b""), FILE),
    "an id of 65": whole(part("id", b"i" * 65), FILE),
    "17 eager chains": whole(part("eager", b" ".join(b"w_%d" % number for number in range(1, 18))), FILE),
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_bodies_that_cannot_be_read(me: Person, body: bytes) -> None:
    answer = send(me, body)
    assert answer.problem == (400, "bad_request")
    assert 10 < len(answer.json["detail"]) < 400
    assert me.get("/images").json["items"] == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("id", b"images", "id_reserved"),
        ("id", b"presign", "id_reserved"),
        ("eager", b"w_10 w_zehn", "value_invalid"),
        ("eager", b"w_10/nothing", "argument_unknown"),
    ],
)
def test_fields_that_the_url_language_refuses(me: Person, name: str, value: bytes, code: str) -> None:
    assert send(me, whole(part(name, value), FILE)).problem == (400, code)
    assert me.get("/images").json["items"] == []


KINDS = {
    "none": "",
    "a picture itself": "image/jpeg",
    "another kind of form": "application/x-www-form-urlencoded",
    "JSON": "application/json",
    "no boundary": "multipart/form-data",
    "an empty boundary": "multipart/form-data; boundary=",
    "a boundary of 4 kB": "multipart/form-data; boundary=" + "b" * 4_000,
    "another multipart": f"multipart/mixed; boundary={EDGE}",
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_bodies_of_another_type(me: Person, kind: str) -> None:
    assert send(me, whole(FILE), kind).problem == (400, "bad_request")


NAMES = {
    "climbing": "../../../../etc/cron.d/x",
    "absolute": "/etc/passwd",
    "Windows": "C:\\\\autoexec.bat",
    "NUL": "a\0.jpg",
    "right to left": "gpj.\u202eexe",
    "empty": "",
    "4 kB": "n" * 4_000,
    "not UTF-8": "\udcff",
    "quoted": 'a\\"; name=\\"id',
    "line ends": "a%0d%0ab",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_file_names_mean_nothing(
    server: OriginServer, me: Person, name: str, fresh: Callable[..., bytes]
) -> None:
    me.uploaded(fresh())
    before = {path.name for path in server.data.iterdir()}
    answer = send(me, whole(part("file", fresh(), file=name)))
    assert answer.status == 201, answer.body
    assert me.known(answer.json["id"]).json == answer.json
    assert {path.name for path in server.data.iterdir()} == before
    assert not Path("/etc/cron.d/x").exists()


def test_the_type_a_client_claims_means_nothing(me: Person, fresh: Callable[..., bytes]) -> None:
    body = whole(part("file", fresh(), file="a.html", more="\r\nContent-Type: text/html"))
    answer = send(me, body)
    assert (answer.status, answer.json["format"]) == (201, "png")
    assert me.get(answer.json["url"]).headers["content-type"] == "image/png"


# Lengths


def headers(me: Person, **more: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {
        "Authorization": f"Bearer {me.token}",
        "Content-Type": f"multipart/form-data; boundary={EDGE}",
    } | named


@pytest.mark.parametrize("length", [0, 10**12, 10**30], ids=["just", "1 TB", "absurd"])
@pytest.mark.parametrize("expect", [True, False], ids=["Expect", "plain"])
def test_too_long_is_said_before_a_byte_is_read(me: Person, length: int, expect: bool) -> None:
    # The edge's limit is that of the largest pictures by default.
    length = length or (65 << 20 if me.browser.through_edge else LIMIT + (64 << 10)) + 1
    more = {"Expect": "100-continue"} if expect else {}
    answer = ask(
        me.browser.url, "/images", "POST", headers(me, Content_Length=str(length), **more), seconds=5
    )
    if length > 10**18:  # a length beyond 64 bits is no HTTP
        assert answer.status in {400, 413}
        return
    assert answer.summary == (413, "source_too_large")
    assert me.browser.through_edge or answer.json["max_bytes"] == LIMIT


def test_a_file_may_be_as_long_as_is_allowed_and_no_longer(me: Person) -> None:
    # Bytes after the end of a PNG are no pixels; how it is answered tells whether the length was the reason.
    picture = pictures.plain(9, 9, (1, 2, 3))
    assert me.upload(picture + bytes(LIMIT - len(picture))).status == 201
    assert me.upload(picture + bytes(LIMIT + 1 - len(picture))).problem == (413, "source_too_large")


def test_without_a_length(me: Person) -> None:
    answer = me.send("POST", "/images", headers(me), content=iter([whole(FILE)]))
    if me.browser.through_edge:  # which has it all before the origin is asked, and so knows how long it is
        assert answer.status == 201
    else:
        assert answer.problem == (411, "length_required")


def test_strangers_are_told_to_sign_in_before_anything_is_read(stranger: Person) -> None:
    # The server's own word: an edge takes bodies in first, so that slow ones cost it and nobody else.
    more = headers(stranger, Content_Length="100000", Expect="100-continue")
    del more["Authorization"]
    answer = ask(stranger.browser.server.url, "/images", "POST", more, seconds=5)
    assert (answer.summary, answer["WWW-Authenticate"]) == ((401, "unauthorized"), "Bearer")


def test_a_body_shorter_than_it_says(me: Person) -> None:
    place = urlsplit(me.browser.url)
    body = whole(FILE)
    lines = headers(me, Host=place.netloc, Content_Length=str(len(body) + 10))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as connection:
        connection.sendall(f"POST /images HTTP/1.1\r\n{head}\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert me.get("/images").json["items"] == []


def test_a_body_longer_than_it_says(me: Person) -> None:
    body = whole(FILE)
    answer = ask_with_body(me, body, len(body) - 30)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
    assert me.get("/images").json["items"] == []


def ask_with_body(me: Person, body: bytes, length: int) -> bytes:
    place = urlsplit(me.browser.url)
    lines = headers(me, Host=place.netloc, Content_Length=str(length), Connection="close")
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as connection:
        connection.sendall(f"POST /images HTTP/1.1\r\n{head}\r\n".encode() + body)
        return connection.recv(1_000)


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/images/x/url", "/images/presign"])
@pytest.mark.parametrize("kind", ["application/json", f"multipart/form-data; boundary={EDGE}"])
def test_other_bodies_are_short(me: Person, path: str, kind: str) -> None:
    big = b'{"email": "' + b"a" * 20_000 + b'"}'
    assert me.send("POST", path, {"Content-Type": kind}, content=big).problem == (413, "body_too_large")
    in_pieces = me.send("POST", path, {"Content-Type": kind}, content=iter([big[:9_000], big[9_000:]]))
    assert in_pieces.problem == (413, "body_too_large")


# Ids


def test_a_slug_that_is_taken(me: Person, other: Person, fresh: Callable[..., bytes]) -> None:
    id = token_hex(6)
    me.uploaded(fresh(), id=id, visibility="private")
    for person in (me, other):
        assert person.upload(fresh(), id=id).problem == (409, "conflict")
    assert me.delete(f"/images/{id}").status == 204
    for person in (me, other):
        assert person.upload(fresh(), id=id).problem == (409, "conflict")


# What it may hold


def test_the_quota(browse: Callable[..., Browser], fresh: Callable[..., bytes]) -> None:
    me = somebody(browse(ORIGIN_QUOTA_BYTES="9000"))
    noise = [pictures.noise(60, 60, ".png", seed=seed) for seed in range(4)]
    big = [data for data in noise if 4_000 < len(data) < 20_000]
    assert len(big) == 4
    first = me.upload(pictures.noise(40, 40, ".png", seed=1))
    assert first.status == 201
    used = first.json["bytes"]
    refused = me.upload(big[0])
    assert refused.problem == (413, "quota_exceeded")
    assert refused.json["quota_bytes"] == 9_000
    assert me.replaced(first.json["id"], big[0]).problem == (413, "quota_exceeded")
    small = [pictures.noise(20, 20, ".png", seed=seed) for seed in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(me.upload, small))
    taken = [answer.json["bytes"] for answer in answers if answer.status == 201]
    assert 0 < len(taken) < 12
    assert used + sum(taken) <= 9_000 < used + sum(taken) + len(small[0])
    assert me.delete(f"/images/{first.json['id']}").status == 204
    assert me.upload(pictures.noise(30, 30, ".png", seed=9)).status == 201


def test_storage_that_is_away(browse: Callable[..., Browser], s3: S3Server,
    fresh: Callable[..., bytes]
) -> None:  # fmt: skip
    me = somebody(
        browse(
            AWS_S3_BUCKET_NAME=s3.bucket,
            AWS_S3_ACCESS_KEY=s3.access_key,
            AWS_S3_SECRET_KEY=s3.secret_key,
            AWS_S3_ENDPOINT_URL="http://127.0.0.1:9",
        )
    )
    answer = me.upload(fresh())
    assert answer.problem == (503, "storage_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert me.get("/images").json["items"] == []
