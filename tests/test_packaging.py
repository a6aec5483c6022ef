"""What is shipped: the wheel, the locks, the images, and the two commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "requirements.lock": ({"server"}, ()),
    "requirements-all.lock": ({"all"}, ()),
    "requirements-dev.lock": ({"all"}, ("dev",)),
}
"""What is installed from each: the extras, and the groups beside them."""


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(w) for w in words], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that no build folder stays behind."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("urlspec", "origin"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", ".", cwd=source)
    assert done.returncode == 0, done.stderr
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a fresh environment that has what ``pip install image-origin`` gives."""
    folder = tmp_path_factory.mktemp("bare")
    assert run(sys.executable, "-m", "venv", folder / "venv", cwd=folder).returncode == 0
    tools = folder / "venv" / "bin"
    done = run(tools / "pip", "install", "-q", "--disable-pip-version-check", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return tools


def test_the_wheel_holds_everything_that_runs(wheel: Path) -> None:
    shipped = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("urlspec", "origin")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - shipped == set()
    assert {name.split("/")[0] for name in shipped if ".dist-info/" not in name} == {"urlspec", "origin"}
    assert {"urlspec/py.typed", "origin/py.typed"} <= shipped
    assert any(name.startswith("origin/backends/migrations/versions/") for name in shipped)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in shipped)


def test_the_sdk_alone_needs_one_package(bare: Path) -> None:
    listed = run(bare / "pip", "list", "--format=freeze", "--disable-pip-version-check", cwd=bare)
    names = {line.split("==")[0].lower() for line in listed.stdout.splitlines()}
    assert names - {"pip", "setuptools"} == {"image-origin", "itsdangerous"}
    used = run(bare / "python", "-W", "error", "-c", "import urlspec; print(urlspec.__file__)", cwd=bare)
    assert used.returncode == 0, used.stderr
    assert "site-packages" in used.stdout


def test_the_command_without_its_packages_says_what_to_install(bare: Path) -> None:
    done = run(bare / "origin", "--help", cwd=bare)
    assert done.returncode != 0
    assert 'pip install "image-origin[server]"' in done.stderr
    assert "Traceback" not in done.stderr


def pinned(lock: str) -> dict[str, str]:
    """Name: version, of every package a lock pins."""
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_by_hash_and_name_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index|--extra-index|--find-links|-e|file:|git\+)", text, re.MULTILINE)
    entries = re.findall(r"^[a-z0-9].*(?:\n[ ]+\S.*)*", text, re.MULTILINE)
    assert len(entries) == len(pinned(lock))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def wanted(extras: set[str], groups: tuple[str, ...]) -> set[str]:
    """Names of the packages pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    optional = project["project"]["optional-dependencies"]
    if "all" in extras:
        extras = set(re.findall(r"[a-z]+", optional["all"][0].partition("[")[2]))
        assert extras == set(optional) - {"all"}
    lines = [*project["project"]["dependencies"]]
    lines += [line for extra in extras for line in optional[extra]]
    lines += [line for group in groups for line in project["dependency-groups"][group]]
    return {re.split(r"[\[<>=~! ]", line)[0].lower() for line in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_cover_the_project(lock: str) -> None:
    assert wanted(*LOCKS[lock]) - set(pinned(lock)) == set()


def test_what_is_tested_is_what_is_served() -> None:
    served, extended, tested = (pinned(lock) for lock in LOCKS)
    assert {name: extended.get(name) for name in served} == served
    assert {name: tested.get(name) for name in extended} == extended


def test_the_tests_run_on_the_locked_versions() -> None:
    installed = {
        distribution.name.lower().replace("_", "-"): distribution.version
        for distribution in metadata.distributions()
    }
    wrong = {
        name: (version, installed[name])
        for name, version in pinned("requirements-dev.lock").items()
        if name in installed and installed[name] != version
    }
    assert wrong == {}, "run `make test`, which installs the lock"


def instructions(name: str) -> list[tuple[str, str]]:
    """Instruction and argument of a Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in (one.strip() for one in lines)]


def test_the_image_is_built_from_the_lock_and_runs_without_rights() -> None:
    steps = instructions("Dockerfile")
    assert any("--require-hashes -r requirements-all.lock" in rest for step, rest in steps if step == "RUN")
    user, last_from = (
        max(index for index, step in enumerate(steps) if step[0] == name) for name in ("USER", "FROM")
    )
    assert user > last_from
    assert steps[user][1] not in ("root", "0")
    assert steps[-1] == ("CMD", '["origin", "serve"]')
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for step, rest in steps:
        if step == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored


def test_the_fleet_uses_files_and_settings_that_exist() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for path in re.findall(r"- \./([\w./-]+):", text):
        assert (ROOT / path).exists()
    from origin.settings import VARIABLES

    named = set(re.findall(r"^    ((?:ORIGIN|AWS|JWT|DATABASE|REDIS)_[A-Z0-9_]+):", text, re.MULTILINE))
    assert {"ORIGIN_SIGNING_KEYS", "DATABASE_URL", "REDIS_URL", "AWS_S3_BUCKET_NAME"} <= named
    assert named - set(VARIABLES) == set()
    # Origins that make a secret each do not know each other's tokens, and see nginx as their only client.
    assert {"JWT_SECRET", "ORIGIN_TRUSTED_PROXIES"} & set(VARIABLES) <= named
    assert "${ORIGIN_SIGNING_KEYS:?" in text


def test_the_fleets_edge_is_the_shipped_file_with_other_upstreams(tmp_path: Path) -> None:
    text = (ROOT / "compose.yaml").read_text()
    script = re.search(r"(?s)(sed -e .*?)/etc/nginx/origin.conf >", text)
    assert script
    command = script[1].replace("$$", "$") + str(ROOT / "nginx.conf")
    secret = "export ORIGIN_EDGE_SECRET=" + "ab" * 32
    changed = run("sh", "-c", f"{secret}; {command}", cwd=tmp_path).stdout.splitlines()
    before = (ROOT / "nginx.conf").read_text().splitlines()
    differing = [new.strip() for old, new in zip(before, changed, strict=True) if old != new]
    assert [line.split(";  #")[0] for line in differing] == [
        "server origin-1:8000; server origin-2:8000",
        "10.88.0.0/24 1",
        f'"~^1:{"ab" * 32}$" 1',
    ]


def test_continuous_integration_runs_the_one_command() -> None:
    assert re.search(r"run: \.ci/run$", (ROOT / ".github/workflows/ci.yml").read_text(), re.MULTILINE)
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "exec make test" in (ROOT / ".ci/run").read_text()


def test_known_holes_are_looked_for_in_what_is_shipped() -> None:
    assert re.search(r"run: \.ci/audit$", (ROOT / ".github/workflows/ci.yml").read_text(), re.MULTILINE)
    script = ROOT / ".ci/audit"
    assert os.access(script, os.X_OK)
    assert run("bash", "-n", str(script), cwd=ROOT).returncode == 0
    lock = re.search(r"--requirement (\S+)", script.read_text())
    assert lock
    assert lock[1] in LOCKS
