"""Fixtures for everybody. Servers are real and start when a test asks: tests/support/servers.py."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support import pictures
from tests.support.origin import Library, OriginServer, make_library, origin_server
from tests.support.servers import (
    NginxServer,
    PostgresServer,
    RedisServer,
    S3Server,
    nginx_server,
    postgres_server,
    redis_server,
    s3_server,
)

ROOT = Path(__file__).resolve().parents[1]


class RedisFactory(Protocol):
    def __call__(self, *options: str) -> RedisServer: ...


class NginxFactory(Protocol):
    def __call__(self, *upstreams: str, refresh_secret: str = "") -> NginxServer: ...


class OriginFactory(Protocol):
    def __call__(
        self, *words: str, library: Library | None = None, folder: Path | None = None, **settings: str
    ) -> OriginServer: ...


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis shared by the whole run: use a prefix of your own, or ``redis_factory`` to break one."""
    server = redis_server(tmp_path_factory.mktemp("redis"))
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def redis_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisFactory]:
    """Private Redis servers, which a test may pause, kill and start again."""
    with ExitStack() as running:

        def make(*options: str) -> RedisServer:
            server = redis_server(tmp_path_factory.mktemp("redis"), *options)
            running.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 shared by the whole run, with one bucket: use a prefix of your own."""
    server = s3_server(tmp_path_factory.mktemp("s3"))
    try:
        yield server
    finally:
        server.process.stop()


@pytest.fixture
def s3_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], S3Server]]:
    """Private S3 servers, which a test may pause, kill and start again through ``.process``."""
    with ExitStack() as running:

        def make() -> S3Server:
            server = s3_server(tmp_path_factory.mktemp("s3"))
            running.callback(server.process.stop)
            return server

        yield make


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL shared by the whole run; ``with postgres.database() as url`` gives an empty database."""
    server = postgres_server()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.log.parent)


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """The server's own database; tests that write take ``postgres_database`` instead."""
    return postgres.url


@pytest.fixture(scope="module")
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """URL of a database that is empty when the module begins, and dropped after it."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def postgres_factory() -> Iterator[Callable[[], PostgresServer]]:
    """Private PostgreSQL servers (two seconds each), which a test may pause, kill and start again."""
    with ExitStack() as running:

        def make() -> PostgresServer:
            server = postgres_server()
            running.callback(shutil.rmtree, server.log.parent)
            running.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="module")
def nginx_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxFactory]:
    """The shipped nginx.conf in front of ``host:port`` upstreams; stopped when the module ends."""
    with ExitStack() as running:

        def make(*upstreams: str, refresh_secret: str = "") -> NginxServer:
            server = nginx_server(tmp_path_factory.mktemp("nginx"), *upstreams, refresh_secret=refresh_secret)
            running.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A data folder with a few pictures, taken in once; servers start from copies of it."""
    public = {
        "card.png": pictures.card(),
        "card.jpg": pictures.card(suffix=".jpg"),
        "large.jpg": pictures.card(1200, 800, ".jpg"),
        "turned.jpg": pictures.oriented(6),
        "clear.png": pictures.transparent(),
        "animated.gif": pictures.animated(),
        "logo.png": pictures.plain(20, 10, (200, 0, 200)),
    }
    private = {"secret.png": pictures.plain(30, 20, (10, 200, 10))}
    return make_library(tmp_path_factory.mktemp("library"), public, private)


@pytest.fixture(scope="module")
def origin_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OriginFactory]:
    """Servers with settings of their own, stopped when the module ends.

    No request of any test may cause an error that has no name.
    """
    started: list[OriginServer] = []

    def make(
        *words: str, library: Library | None = None, folder: Path | None = None, **settings: str
    ) -> OriginServer:
        home = folder or tmp_path_factory.mktemp("origin")
        server = origin_server(home, library, words=words, **settings)
        started.append(server)
        return server

    try:
        yield make
    finally:
        for server in started:
            server.stop()
    assert [line for server in started for line in server.unexpected()] == []


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory, library: Library) -> Iterator[OriginServer]:
    """The server that most tests share: no keys, the library, and nothing that a test may break."""
    server = origin_server(tmp_path_factory.mktemp("origin"), library)
    try:
        yield server
    finally:
        server.stop()
    assert server.unexpected() == []


def _corpus_folder() -> Path | None:
    named = os.environ.get("ORIGIN_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    return folder if (folder / "MANIFEST.json").is_file() else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    """A folder of real and of hostile pictures, described by its MANIFEST.json; not part of the project."""
    folder = _corpus_folder()
    if folder is None:
        pytest.skip("no picture corpus: set ORIGIN_CORPUS to a folder with a MANIFEST.json")
    return folder


@pytest.fixture(scope="session")
def corpus_files(corpus: Path) -> list[dict[str, Any]]:
    """The corpus' entries: ``path`` below the folder, ``format width height expected sha256`` and more."""
    files: list[dict[str, Any]] = json.loads((corpus / "MANIFEST.json").read_text())["files"]
    return files
