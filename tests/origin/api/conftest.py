"""The API on one machine (SQLite, folder, limits in process) and on a fleet: PostgreSQL, S3, Redis, nginx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import KEY, OriginServer, origin_server
from tests.support.people import SECRET, Browser, Person, somebody
from tests.support.servers import PostgresServer, S3Server, free_port, nginx_server

OFF = {f"ORIGIN_RATE_{kind}": "off" for kind in ("RENDER", "UPLOAD", "LOGIN", "REGISTER", "API")}
SETTINGS: dict[str, Any] = OFF | {
    "JWT_SECRET": SECRET,
    "ORIGIN_SIGNING_KEYS": f"web:{KEY}",
    "ORIGIN_UNSIGNED": "any",
    "ORIGIN_MAX_SOURCE_BYTES": "2MiB",
    "ORIGIN_CORS_ORIGINS": "https://app.example",
}


EDGE_SECRET = "e" * 40


def fleet_settings(request: pytest.FixtureRequest, stack: ExitStack) -> dict[str, Any]:
    """Settings for the real servers of a fleet, with a database of its own."""
    s3: S3Server = request.getfixturevalue("s3")
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return {
        "DATABASE_URL": stack.enter_context(postgres.database()),
        "REDIS_URL": request.getfixturevalue("redis_url"),
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }


@pytest.fixture(scope="session", params=["one machine", "fleet"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder, edge = tmp_path_factory.mktemp("api"), ""
    settings: dict[str, Any] = dict(SETTINGS)
    with ExitStack() as stack:
        if request.param == "fleet":
            port = free_port()
            nginx = nginx_server(folder, f"127.0.0.1:{port}", refresh_secret=EDGE_SECRET)
            stack.callback(nginx.stop)
            edge = nginx.url
            settings |= fleet_settings(request, stack) | {
                "ORIGIN_PORT": str(port),
                "ORIGIN_EDGES": edge,
                "ORIGIN_EDGE_SECRET": EDGE_SECRET,
                "ORIGIN_TRUSTED_PROXIES": "127.0.0.1",
            }
        server = origin_server(folder, **settings)
        stack.callback(server.stop)
        browser = Browser(server, edge)
        stack.callback(browser.close)
        yield browser
        assert server.unexpected() == []


@pytest.fixture
def server(browser: Browser) -> OriginServer:
    return browser.server


@pytest.fixture
def me(browser: Browser) -> Person:
    return somebody(browser)


@pytest.fixture
def other(browser: Browser) -> Person:
    return somebody(browser)


@pytest.fixture
def stranger(browser: Browser) -> Person:
    return Person(browser)


@pytest.fixture(scope="module")
def browse(origin_factory: OriginFactory) -> Iterator[Callable[..., Browser]]:
    """Servers of one machine with settings of their own."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Browser:
            browser = Browser(origin_factory(**(SETTINGS | settings)))
            stack.callback(browser.close)
            return browser

        yield start


_colours = iter(np.random.default_rng(11).permutation(1 << 24).tolist())


@pytest.fixture
def fresh() -> Callable[..., bytes]:
    """Pictures that nobody has sent before, of one colour."""

    def make(width: int = 24, height: int = 16, suffix: str = ".png") -> bytes:
        number = next(_colours)
        return pictures.plain(width, height, (number >> 16, number >> 8 & 255, number & 255), suffix)

    return make
