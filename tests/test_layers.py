"""Who may import whom. An arrow that is not listed here is a mistake, also when it works."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ARROWS: dict[str, set[str]] = {
    "urlspec": set(),
    "origin.errors": {"urlspec"},
    "origin.ports": {"urlspec"},
    "origin.imaging": {"urlspec", "origin.errors"},
    "origin.service": {"urlspec", "origin.errors", "origin.ports", "origin.imaging"},
    "origin.backends": {"origin.errors", "origin.ports"},
    "origin.http": {"urlspec", "origin.errors", "origin.service"},
    "origin.floors": {"origin.errors"},
    "origin.sources": {"urlspec"},
    "origin.variables": {"urlspec", "origin.sources"},
    "origin.settings": {"urlspec", "origin.sources", "origin.variables"},
    "origin.wiring": {
        *("urlspec", "origin.errors", "origin.ports", "origin.imaging", "origin.service"),
        *("origin.backends", "origin.http", "origin.settings", "origin.sources", "origin.observe"),
    },
    # What is told about the parts knows them; they know nothing of it.
    "origin.observe": {
        *("urlspec", "origin.errors", "origin.ports", "origin.imaging", "origin.service"),
        *("origin.backends", "origin.http"),
    },
    "origin.app": {
        *("urlspec", "origin.errors", "origin.ports", "origin.imaging", "origin.service"),
        *("origin.backends", "origin.http", "origin.settings", "origin.sources"),
        *("origin.wiring", "origin.observe", "origin.floors"),
    },
    "origin.application": {
        *("urlspec", "origin.app", "origin.http", "origin.imaging", "origin.service", "origin.settings"),
        *("origin.wiring", "origin.observe"),
    },
    "origin.cli": {"urlspec", "origin.errors", "origin.app", "origin.settings", "origin.commands"},
    # One module for each command that has a story of its own; "serve --demo" draws pictures.
    "origin.commands": {
        *("urlspec", "origin.errors", "origin.app", "origin.settings", "origin.imaging"),
        *("origin.application", "origin.observe", "origin.floors"),
    },
    "origin.__main__": {"origin.app", "origin.settings", "origin.cli"},
}
"""Layer: the layers it may import. A layer is a module or a package with all in it."""

OUTSIDE = {
    *("aioboto3", "aiobotocore", "boto3", "botocore", "redis"),
    *("aiosqlite", "alembic", "asyncpg", "sqlalchemy"),
}

OWNERS: dict[str, set[str]] = {
    "pyvips": {"origin.imaging"},
    "opentelemetry": {"origin.observe"},
    "prometheus_client": {"origin.observe"},
    "sentry_sdk": {"origin.observe"},
    "starlette": {"origin.http"},
    "uvicorn": {"origin.app", "origin.commands", "origin.http"},
    "typer": {"origin.cli"},
    "pydantic_settings": {"origin.settings"},
    **{library: {"origin.backends"} for library in OUTSIDE},
}
"""Library: the only layers that may know it."""

URLSPEC_MAY_IMPORT = {"itsdangerous"}

_DOOR = ("", ".capabilities", ".cost", ".demo", ".host", ".model", ".plan", ".planned", ".pool", ".render")
FRONT_DOOR = {f"origin.imaging{name}" for name in _DOOR}
"""What others may name: its values, the plan and its cost (no pixels), ``render``, the pool, the demo."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("urlspec", "origin"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(modules())


def imports(path: Path, module: str) -> Iterator[tuple[str, bool]]:
    """Every module a file names, and whether merely importing the file would import it."""
    tree = ast.parse(path.read_text())
    deferred = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or _type_checking(function)
        for inner in ast.walk(function)
    }
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [_named(origin, alias.name) for alias in node.names]
        for name in names:
            yield name, id(node) not in deferred


def _named(base: str, name: str) -> str:
    """What "from base import name" names: a module, where there is one of that name."""
    whole = f"{base}.{name}"
    return whole if whole in MODULES or base in ("origin", "urlspec") else base


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def layer_of(module: str) -> str | None:
    """The layer a module lies in; None for what is not ours."""
    if module.split(".")[0] == "urlspec":
        return "urlspec"
    if module.split(".")[0] != "origin" or module == "origin":
        return None
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    own = layer_of(module)
    if own is None:
        assert not list(imports(MODULES[module], module)), "origin/__init__.py imports nothing"
        return
    assert own in ARROWS, f"{own} is in no layer yet: say in this test which"
    wrong = []
    for name, _ in imports(MODULES[module], module):
        other = layer_of(name)
        if other is not None and other != own and other not in ARROWS[own]:
            wrong.append(f"{module} imports {name}, but {own} may not know {other}")
        if (
            other == "origin.imaging"
            and own not in (other, "origin.app", "origin.wiring")
            and name not in FRONT_DOOR
        ):
            wrong.append(f"{module} imports {name}, not imaging's front door")
        library = name.split(".")[0]
        if own not in OWNERS.get(library, {own}):
            wrong.append(f"{module} imports {library}, which belongs to {sorted(OWNERS[library])}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) == "urlspec"])
def test_urlspec_needs_nothing_else(module: str) -> None:
    named = {name.split(".")[0] for name, _ in imports(MODULES[module], module)}
    assert named <= URLSPEC_MAY_IMPORT | {"urlspec"} | set(sys.stdlib_module_names)


def test_the_walk_sees_what_it_should(tmp_path: Path) -> None:
    file = tmp_path / "probe.py"
    file.write_text(
        "import redis.asyncio as r\nfrom . import s3\nfrom .. import app\nfrom origin import settings\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import boto3\n"
        "def late():\n    from origin.imaging.plan import plan\n"
    )
    assert set(imports(file, "origin.backends.probe")) == {
        ("redis.asyncio", True),
        ("origin.backends.s3", True),
        ("origin.app", True),
        ("origin.settings", True),
        ("typing", True),
        ("boto3", False),
        ("origin.imaging.plan", False),
    }


HEAVY = sorted({*OWNERS, "httpx", "structlog"} - {"typer"})
"""What the console script does not import: worker processes import it again each time they start."""


@pytest.mark.parametrize("module", [name for name in ("origin.__main__", "origin.cli") if name in MODULES])
def test_the_command_starts_light(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ORIGIN_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, env=clean
    )
    assert done.stdout.split() == []
