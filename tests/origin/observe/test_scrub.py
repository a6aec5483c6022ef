"""No secret is written down, wherever it stands."""

from __future__ import annotations

import pytest

from origin.observe.scrub import LONGEST_PATH, Scrubber, shown_path
from origin.settings import load_settings

MAC = "dcbnCEVbkw0CHhz6UiS-h63vi9isa10Q4x2TwsUgz9E"

PATHS = {
    "plain": (b"/w_300,f_webp/cat", "/w_300,f_webp/cat"),
    "signed": (f"/s1.web.0.{MAC}/w_300/cat".encode(), "/s1.web.0.***/w_300/cat"),
    "expiring": (f"/s1.k2.1893456000.{MAC}/cat".encode(), "/s1.k2.1893456000.***/cat"),
    "explained": (f"/explain/s1.web.0.{MAC}/cat".encode(), "/explain/s1.web.0.***/cat"),
    "malformed": (f"/s1.{MAC}/cat".encode(), "/s1.***/cat"),
    "twice": (f"/s1.web.0.{MAC}/s1.web.0.{MAC}/cat".encode(), "/s1.web.0.***/s1.web.0.***/cat"),
    "control characters": (b"/a\x00\x1b[31m\xff", "/a\x00\x1b[31m\\xff"),
    "long": (b"/" + b"a" * 9_000, "/" + "a" * (LONGEST_PATH - 1) + "…"),
}


@pytest.mark.parametrize(("path", "shown"), PATHS.values(), ids=PATHS.keys())
def test_a_path_is_shown_without_its_signature(path: bytes, shown: str) -> None:
    assert shown_path(path) == shown


TEXTS = {
    "bearer": ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
    "token": ("bad eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "bad eyJ***"),
    "cookie": ("a=1; origin_session=abcdef; b=2", "a=1; origin_session=***; b=2"),
    "presigned": (
        "https://s3/x?X-Amz-Credential=AK%2F1&X-Amz-Signature=ab12&partNumber=1",
        "https://s3/x?X-Amz-Credential=***&X-Amz-Signature=***&partNumber=1",
    ),
    "password in a URL": ("postgresql://me:hunter2@db/x", "postgresql://me:***@db/x"),
    "password alone in a URL": ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
    "signature": (f"GET /s1.web.0.{MAC}/w_1/cat failed", "GET /s1.web.0.***/w_1/cat failed"),
    "known secret": ("it said Tr0ub4dor&3+x twice: Tr0ub4dor&3+x", "it said *** twice: ***"),
    "nothing": ("libvips 8.18.7 at 127.0.0.1:8000 as 10:20", "libvips 8.18.7 at 127.0.0.1:8000 as 10:20"),
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=TEXTS.keys())
def test_credentials_are_hidden_in_any_text(text: str, shown: str) -> None:
    assert Scrubber(["Tr0ub4dor&3+x", "short", ""])(text) == shown


def test_every_secret_of_the_settings_is_known() -> None:
    secrets = {
        "ORIGIN_SIGNING_KEYS": f"web:{'a' * 40},old:{'b' * 40}",
        "AWS_S3_BUCKET_NAME": "pictures",
        "AWS_S3_ACCESS_KEY": "AKIA",
        "AWS_S3_SECRET_KEY": "c" * 40,
        "JWT_SECRET": "d" * 40,
        "DATABASE_URL": "postgresql://me:eeeeeeee@db/x",
        "REDIS_URL": "redis://:ffffffff@cache",
        "ORIGIN_EDGE_SECRET": "g" * 40,
        "ORIGIN_WEBHOOK_URL": "https://me:hhhhhhhh@app.example/",
        "ORIGIN_WEBHOOK_SECRET": "i" * 40,
        "ORIGIN_CDN_PURGE_TOKEN": "j" * 40,
        "ORIGIN_METRICS_TOKEN": "k" * 40,
        "SENTRY_DSN": "https://llllllll@sentry.example/1",
    }
    scrub = Scrubber(load_settings(secrets).secrets())
    shown = scrub(" ".join(letter * (40 if letter in "abcdgijk" else 8) for letter in "abcdefghijk"))
    assert shown == " ".join(["***"] * 11)
    assert "llllllll" not in scrub("to https://llllllll@sentry.example/1")
