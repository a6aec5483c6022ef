"""Settings: what is understood, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin.settings import VARIABLES, SettingsError, load_settings, reference, unknown_variables
from tests.support.origin import KEY, OLD_KEY
from urlspec.sign import EXAMPLE_SECRET


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.unsigned_mode) == ("127.0.0.1", 8000, "any")
    assert settings.workers >= 1
    assert settings.queue_length == 4 * settings.workers
    assert settings.max_source_bytes == 64 << 20
    assert settings.max_source_pixels == 100_000_000
    assert settings.max_result_side == 8_192
    assert settings.cache_control == "public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load_settings({"ORIGIN_PORT": "", "REDIS_URL": "", "AWS_S3_BUCKET_NAME": ""}) == load_settings({})


READ = {
    "plain number of bytes": ("ORIGIN_CACHE_BYTES", "1000", "cache_bytes", 1_000),
    "KiB": ("ORIGIN_CACHE_BYTES", "2KiB", "cache_bytes", 2_048),
    "MiB": ("ORIGIN_MAX_SOURCE_BYTES", "3MiB", "max_source_bytes", 3 << 20),
    "GiB with a space": ("ORIGIN_RESULT_BYTES", "4 GiB", "result_bytes", 4 << 30),
    "port": ("ORIGIN_PORT", "9000", "port", 9_000),
    "seconds": ("ORIGIN_RENDER_TIMEOUT", "2.5", "render_timeout", 2.5),
    "folder": ("ORIGIN_DATA_DIR", "/srv/x", "data_dir", Path("/srv/x")),
    "origins": ("ORIGIN_CORS_ORIGINS", "https://a, https://b", "cors_origins", ("https://a", "https://b")),
    "queue of none": ("ORIGIN_QUEUE", "0", "queue_length", 0),
    "types": ("ORIGIN_ACCEPT", "png, webp", "accept", frozenset({"png", "webp"})),
    "kept name": ("REDIS_URL", "redis://r", "redis_url", "redis://r"),
}


@pytest.mark.parametrize(("name", "text", "field", "value"), READ.values(), ids=READ.keys())
def test_a_value_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(load_settings({name: text}), field) == value


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "any"),
        ({"ORIGIN_SIGNING_KEYS": f"web:{KEY}"}, "none"),
        ({"ORIGIN_SIGNING_KEYS": f"web:{KEY}", "ORIGIN_UNSIGNED": "any"}, "any"),
        ({"ORIGIN_SIGNING_KEYS": f"web:{KEY}", "ORIGIN_UNSIGNED": "presets"}, "presets"),
        ({"ORIGIN_UNSIGNED": "none"}, "none"),
    ],
)
def test_unsigned_delivery_ends_with_the_first_key(given: dict[str, str], mode: str) -> None:
    assert load_settings(given).unsigned_mode == mode


def test_the_first_key_signs_and_all_verify() -> None:
    ring = load_settings({"ORIGIN_SIGNING_KEYS": f"web:{KEY},old:{OLD_KEY}", "ORIGIN_AUDIENCE": "a"}).keyring
    assert [key.kid for key in ring.keys] == ["web", "old"]
    assert ring.sign("/x").startswith("/s1.web.0.")
    for key in ring.keys:
        assert ring.verify(key.sign("/x", audience="a").encode(), 0) is not None


def test_sources_are_read(tmp_path: Path) -> None:
    text = f"shop=s3://bucket/some/prefix brand=file://{tmp_path};public"
    keys = {"AWS_S3_ACCESS_KEY": "a", "AWS_S3_SECRET_KEY": "b"}
    shop, brand = load_settings({"ORIGIN_SOURCES": text, **keys}).sources
    assert (shop.name, shop.bucket, shop.prefix, shop.public) == ("shop", "bucket", "some/prefix", False)
    assert (brand.name, brand.folder, brand.public) == ("brand", tmp_path, True)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "port of words": ({"ORIGIN_PORT": "http"}, "ORIGIN_PORT"),
    "port too high": ({"ORIGIN_PORT": "70000"}, "ORIGIN_PORT"),
    "no workers": ({"ORIGIN_WORKERS": "0"}, "ORIGIN_WORKERS"),
    "bytes with another unit": ({"ORIGIN_CACHE_BYTES": "4 GB"}, "ORIGIN_CACHE_BYTES"),
    "negative bytes": ({"ORIGIN_CACHE_BYTES": "-1"}, "ORIGIN_CACHE_BYTES"),
    "endless time": ({"ORIGIN_RENDER_TIMEOUT": "inf"}, "ORIGIN_RENDER_TIMEOUT"),
    "no number": ({"ORIGIN_DEADLINE": "nan"}, "ORIGIN_DEADLINE"),
    "deadline before the render's": (
        {"ORIGIN_DEADLINE": "5", "ORIGIN_RENDER_TIMEOUT": "9"},
        "ORIGIN_RENDER_TIMEOUT",
    ),
    "unsigned": ({"ORIGIN_UNSIGNED": "some"}, "ORIGIN_UNSIGNED"),
    "short key": ({"ORIGIN_SIGNING_KEYS": "web:short"}, "ORIGIN_SIGNING_KEYS"),
    "key without id": ({"ORIGIN_SIGNING_KEYS": KEY}, "ORIGIN_SIGNING_KEYS"),
    "two keys of one id": ({"ORIGIN_SIGNING_KEYS": f"a:{KEY},a:{OLD_KEY}"}, "ORIGIN_SIGNING_KEYS"),
    "documented key": ({"ORIGIN_SIGNING_KEYS": f"web:{EXAMPLE_SECRET}"}, "ORIGIN_SIGNING_KEYS"),
    "documented key, second": (
        {"ORIGIN_SIGNING_KEYS": f"web:{KEY},x:{EXAMPLE_SECRET}"},
        "ORIGIN_SIGNING_KEYS",
    ),
    "open to everybody": ({"ORIGIN_HOST": "0.0.0.0"}, "ORIGIN_SIGNING_KEYS"),
    "public url without scheme": ({"ORIGIN_PUBLIC_URL": "img.example"}, "ORIGIN_PUBLIC_URL"),
    "public url with a query": ({"ORIGIN_PUBLIC_URL": "https://x/?a"}, "ORIGIN_PUBLIC_URL"),
    "unknown type": ({"ORIGIN_ACCEPT": "jpeg,psd"}, "ORIGIN_ACCEPT"),
    "endpoint without scheme": ({"AWS_S3_ENDPOINT_URL": "s3.example:9000"}, "AWS_S3_ENDPOINT_URL"),
    "source without name": ({"ORIGIN_SOURCES": "s3://bucket"}, "ORIGIN_SOURCES"),
    "source of another kind": ({"ORIGIN_SOURCES": "a=ftp://x/y"}, "ORIGIN_SOURCES"),
    "folder that is not there": ({"ORIGIN_SOURCES": "a=file:///no/such/folder"}, "ORIGIN_SOURCES"),
    "folder that is relative": ({"ORIGIN_SOURCES": "a=file://pictures"}, "ORIGIN_SOURCES"),
    "source with another flag": ({"ORIGIN_SOURCES": "a=file:///tmp;open"}, "ORIGIN_SOURCES"),
    "source twice": ({"ORIGIN_SOURCES": "a=file:///tmp a=file:///"}, "ORIGIN_SOURCES"),
    "bucket without a secret": ({"AWS_S3_BUCKET_NAME": "b"}, "AWS_S3_ACCESS_KEY"),
    "source bucket without a secret": ({"ORIGIN_SOURCES": "a=s3://b"}, "AWS_S3_ACCESS_KEY"),
    "cache control that is not public": ({"ORIGIN_CACHE_CONTROL": "private"}, "ORIGIN_CACHE_CONTROL"),
    "header within a header": ({"ORIGIN_CACHE_CONTROL": "public, a\r\nX: y"}, "ORIGIN_CACHE_CONTROL"),
}


@pytest.mark.parametrize(("given", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_stops_the_start_and_names_the_variable(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(given)
    (problem,) = caught.value.problems
    assert named in problem


def test_a_mistake_comes_with_the_value_and_an_example() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"ORIGIN_PORT": "http", "ORIGIN_CACHE_BYTES": "lots"})
    port, cache = sorted(caught.value.problems, reverse=True)
    assert "'http'" in port
    assert "ORIGIN_PORT=8000" in port
    assert "'lots'" in cache
    assert "ORIGIN_CACHE_BYTES=4GiB" in cache


@pytest.mark.parametrize("name", ["ORIGIN_SIGNING_KEYS", "JWT_SECRET", "ORIGIN_EDGE_SECRET"])
def test_a_secret_is_never_repeated(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("ORIGIN_WORKER", "ORIGIN_WORKERS"), ("ORIGIN_SIGNING_KEY", "ORIGIN_SIGNING_KEYS"), ("ORIGIN_QQ", None)],
)
def test_an_unknown_variable_is_noted_with_the_nearest(name: str, meant: str | None) -> None:
    (line,) = unknown_variables({name: "1", "PATH": "/bin", "ORIGIN_PORT": "1"})
    assert line.startswith(f"{name} is not a setting")
    assert (f"did you mean {meant}?" in line) == (meant is not None)


def test_the_reference_names_every_variable() -> None:
    rows = reference().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(VARIABLES)
