"""The oldest libraries that this server runs with, and that it runs with no older ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from origin.errors import TooOld
from origin.floors import FLOORS, PACKAGES, outdated, packages, refuse
from origin.imaging.capabilities import versions
from tests.support.origin import ORIGIN, ROOT, base_environment, run_cli
from tests.support.servers import free_port


def test_what_is_installed_is_recent_enough() -> None:
    found = packages() | versions()
    print("\nG23  " + ", ".join(f"{name} {text} (>= {FLOORS[name]})" for name, text in found.items()))
    assert set(packages()) == PACKAGES
    assert outdated(found) == []
    refuse(outdated(found))


@pytest.mark.parametrize(
    ("name", "text", "old"),
    [
        ("pyjwt", "2.15.1", False),
        ("pyjwt", "2.15.0", True),
        ("pyjwt", "2.9.0", True),
        ("pyjwt", "2.15.1rc1", False),
        ("pyjwt", "3.0", False),
        ("pyjwt", "unknown", True),
        ("libvips", "8.18.2", False),
        ("libvips", "8.18.1", True),
        ("libvips", "8.9.9", True),
        ("libvips", "8.20.0", False),
        ("libwebp", "1.3.1", True),
        ("libwebp", "1.3.2", False),
    ],
)
def test_what_is_old(name: str, text: str, old: bool) -> None:
    problems = outdated({name: text})
    assert bool(problems) is old
    if old:
        with pytest.raises(TooOld, match=f"{name} {text} has known holes: install {FLOORS[name]} or newer"):
            refuse(problems)


def test_a_server_with_an_old_library_does_not_start(tmp_path: Path) -> None:
    """What the metadata of an old package says comes first on the path, as if it were installed."""
    told = tmp_path / "old" / "pyjwt-2.12.1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: PyJWT\nVersion: 2.12.1\n")
    environment = base_environment(tmp_path, ORIGIN_PORT=str(free_port()), PYTHONPATH=f"{told.parent}:{ROOT}")
    done = run_cli("serve", environment=environment)
    assert done.returncode == 1, (ORIGIN, done.stderr)
    assert "pyjwt 2.12.1 has known holes: install 2.15.1 or newer" in done.stderr
    assert "Traceback" not in done.stderr
    assert "libraries" in run_cli("doctor", environment=environment).stdout


def test_an_installation_asks_for_no_older_ones() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    asked = dict(re.findall(r'"([a-z-]+)(?:\[[a-z]+\])?>=([0-9.]+)', text))
    asked["libvips"] = asked["pyvips-binary"]
    assert outdated({name: asked[name] for name in FLOORS if name in asked}) == []
