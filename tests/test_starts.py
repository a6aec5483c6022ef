"""What a start loads: every library that it does without is time and memory which nobody waits for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support.origin import Library, base_environment, run_cli

HEAVY = {
    *("aioboto3", "aiohttp", "aiosqlite", "alembic", "argon2", "asyncpg", "botocore", "cryptography"),
    *("fastapi", "httpx", "jwt", "limits", "numpy", "opentelemetry", "prometheus_client"),
    *("pydantic", "pyvips", "redis", "rich", "sentry_sdk", "sqlalchemy", "starlette", "structlog"),
    *("uvicorn", "uvloop"),
}
PARTS = {
    *("aiosqlite", "argon2", "cryptography", "jwt", "limits", "prometheus_client"),
    *("pydantic", "sqlalchemy"),
}
"""What the parts themselves are made of."""


def loaded(log: str) -> set[str]:
    """The heavy ones among the modules that Python says it imported."""
    return HEAVY & set(re.findall(r"^import time:[^|]+\|[^|]+\|\s*(\w+)$", log, re.MULTILINE))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, library: Library) -> Path:
    """With a database that is up to date."""
    home = tmp_path_factory.mktemp("starts")
    library.copy(home / "data")
    return home


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (("--version",), set()),
        (("keys", "list"), {"pydantic"}),
        (("url", "cat"), {"pydantic"}),
        (("rm", "none"), PARTS),
        (("migrate",), PARTS),
        (("export", "copy"), PARTS | {"rich"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_loads_what_it_needs(home: Path, words: tuple[str, ...], heavy: set[str]) -> None:
    done = run_cli(*words, environment=base_environment(home, PYTHONPROFILEIMPORTTIME="1"))
    assert re.search(r"\| +origin\.cli$", done.stderr, re.MULTILINE)
    assert loaded(done.stderr) <= heavy


def test_one_machine_loads_no_client_of_a_fleet(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, PYTHONPROFILEIMPORTTIME="1")
    assert server.get("/w_9/none").status == 404
    found = loaded(server.log.read_text())
    assert found >= {"fastapi", "sqlalchemy", "uvloop", "pyvips"}, "the server's and its worker's"
    clients = {"aioboto3", "aiohttp", "asyncpg", "botocore", "httpx", "redis", "sentry_sdk"}
    assert found & {*clients, "alembic"} == set()
