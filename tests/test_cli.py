"""The commands: what they print, what they leave behind, and their exit codes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.origin import KEY, OLD_KEY, ROOT, base_environment, run_cli, until
from urlspec.sign import Keyring

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def cli(home: Path) -> Cli:
    """``cli("put", path, ORIGIN_X="1")`` on one data folder for the module."""

    def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return run_cli(*words, environment=base_environment(home, **settings))

    return run


@pytest.fixture(scope="module")
def known(cli: Cli, home: Path) -> dict[str, object]:
    """What was said of a picture that is there."""
    path = home / "known.png"
    path.write_bytes(pictures.plain(33, 22, (1, 2, 3)))
    (entry,) = entries(cli("put", "--json", path, ORIGIN_PUBLIC_URL="https://img.example"))
    return entry


def entries(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# Words ---------------------------------------------------------------------------------------------------

COMMANDS = ("serve", "put", "url", "explain", "keys", "migrate", "purge", "rm", "doctor", "docs")


def test_help_names_every_command(cli: Cli) -> None:
    done = cli("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^\s*{command}\b", done.stdout, re.MULTILINE), command


@pytest.mark.parametrize("words", [("put",), ("keys", "new"), ("serve",)])
def test_every_command_has_help(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("nonsense",), id="unknown command"),
        pytest.param(("put",), id="nothing to put"),
        pytest.param(("put", "--nonsense", "x"), id="unknown option"),
        pytest.param(("put", "--id", "a", "x.png", "y.png"), id="one id for two files"),
        pytest.param(("url", "x", "--expires", "1h"), id="expiry without signature"),
        pytest.param(("url", "x", "--sign", "--expires", "soon"), id="no duration"),
        pytest.param(("serve", "--port", "http"), id="port of words"),
    ],
)
def test_a_wrong_command_is_2(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words, ORIGIN_SIGNING_KEYS=f"web:{KEY}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_cannot_be_used_are_1(cli: Cli) -> None:
    done = cli("migrate", ORIGIN_PORT="http", ORIGIN_WORKER="2")
    assert done.returncode == 1
    assert "ORIGIN_PORT='http'" in done.stderr
    assert "ORIGIN_PORT=8000" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_noted(cli: Cli) -> None:
    done = cli("keys", "list", ORIGIN_WORKER="2")
    assert done.returncode == 0
    assert "ORIGIN_WORKER is not a setting; did you mean ORIGIN_WORKERS?" in done.stderr


# put -----------------------------------------------------------------------------------------------------


def test_put_tells_one_object_a_line(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    (folder / "sub").mkdir(parents=True)
    (folder / ".git").mkdir()
    good, broken = folder / "sub" / "turned.jpg", folder / "half.png"
    good.write_bytes(pictures.oriented(6))
    broken.write_bytes(pictures.noise(80, 60, ".png")[:5_000])
    (folder / "words.png").write_text("words " * 100)
    (folder / ".git" / "x.png").write_bytes(pictures.card())
    (folder / ".hidden.png").write_bytes(pictures.card())
    done = cli("put", "--json", folder, tmp_path / "none.png")
    assert done.returncode == 1
    found = {Path(str(entry["file"])).name: entry for entry in entries(done)}
    assert set(found) == {"turned.jpg", "half.png", "words.png", "none.png"}
    taken = found["turned.jpg"]
    assert set(taken) == {"file", "id", "url", "width", "height", "format"}
    assert (taken["file"], taken["url"]) == (str(good), f"/{taken['id']}")
    assert (taken["width"], taken["height"], taken["format"]) == (120, 80, "jpeg")
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{22}", str(taken["id"]))
    codes = {name: entry["code"] for name, entry in found.items() if "code" in entry}
    assert codes == {
        "half.png": "image_corrupt",
        "words.png": "unsupported_media",
        "none.png": "file_unreadable",
    }
    assert all(set(entry) == {"file", "code"} for name, entry in found.items() if name in codes)


def test_the_same_bytes_have_the_same_id(cli: Cli, known: dict[str, object], tmp_path: Path) -> None:
    assert known["url"] == f"https://img.example/{known['id']}"
    other = tmp_path / "other.png"
    other.write_bytes(Path(str(known["file"])).read_bytes())
    done = cli("put", other, Path(str(known["file"])))
    assert done.stdout.splitlines() == [
        f"/{known['id']}  33×22 png (already here)  {path}" for path in (other, known["file"])
    ]
    (private,) = entries(cli("put", "--json", "--private", other))
    assert private["id"] != known["id"]


def test_a_chosen_id_is_taken_once(cli: Cli, tmp_path: Path) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    one.write_bytes(pictures.plain(34, 22, (1, 2, 3)))
    other.write_bytes(pictures.plain(35, 22, (1, 2, 3)))
    assert entries(cli("put", "--json", "--id", "my-Cat", one))[0]["id"] == "my-Cat"
    again = cli("put", "--json", "--id", "my-Cat", one)
    assert (again.returncode, entries(again)[0]["id"]) == (0, "my-Cat")
    taken = cli("put", "--json", "--id", "my-Cat", other)
    assert (taken.returncode, entries(taken)) == (1, [{"file": str(other), "code": "conflict"}])
    assert cli("rm", "my-Cat").returncode == 0
    assert entries(cli("put", "--json", "--id", "my-Cat", other))[0]["code"] == "conflict", "kept for ever"


@pytest.mark.parametrize(("id", "code"), [("healthz", "id_reserved"), ("a_b", "bad_request")])
def test_an_id_that_cannot_be_is_refused(cli: Cli, tmp_path: Path, id: str, code: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(pictures.plain(36, 22, (1, 2, 3)))
    done = cli("put", "--json", "--id", id, path)
    assert (done.returncode, entries(done)) == (1, [{"file": str(path), "code": code}])


def test_what_is_too_large_is_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(pictures.noise(100, 100, ".png"))
    few = cli("put", "--json", path, ORIGIN_MAX_SOURCE_BYTES="1KiB")
    assert (few.returncode, entries(few)[0]["code"]) == (1, "source_too_large")
    small = cli("put", "--json", path, ORIGIN_MAX_SOURCE_SIDE="99")
    assert (small.returncode, entries(small)[0]["code"]) == (1, "image_too_large")


# url, explain, keys --------------------------------------------------------------------------------------


def test_url_builds_and_signs(cli: Cli) -> None:
    plain = cli("url", "cat", "--op", "w_300,r_90", "--op", "f_webp")
    assert (plain.returncode, plain.stdout) == (0, "/r_90,w_300,f_webp/cat\n")
    based = cli("url", "@shop/a/b.png", "--op", "w_9", ORIGIN_PUBLIC_URL="https://img.example/")
    assert based.stdout == "https://img.example/w_9/@shop/a/b.png\n"
    keys = f"web:{KEY},old:{OLD_KEY}"
    signed = cli(
        *("url", "cat", "--op", "w_300", "--sign", "--expires", "1h"),
        ORIGIN_SIGNING_KEYS=keys,
        ORIGIN_AUDIENCE="img.example",
    )
    verified = Keyring.read(keys, "img.example").verify(signed.stdout.strip().encode(), time.time())
    assert verified is not None
    assert (verified.rest, verified.kid) == (b"/w_300/cat", "web")
    assert 3_500 < verified.expires - time.time() <= 3_600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("url", "cat", "--op", "wdth_3"), "argument_unknown"),
        (("url", "cat", "--op", "r_20"), "rad_20"),
        (("url", "a_b"), "id"),
        (("url", "cat", "--sign"), "ORIGIN_SIGNING_KEYS"),
        (("explain", "/w_x/cat"), "value_invalid"),
        (("explain", "/w_9/none"), "not_found"),
        (("purge", "none"), "not_found"),
        (("rm", "none"), "not_found"),
        (("keys", "new", "--kid", "NO"), "key id"),
    ],
)
def test_what_does_not_work_is_1_and_says_why(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_explain_takes_a_path_or_a_url(cli: Cli, known: dict[str, object]) -> None:
    path = f"/f_webp,w_9/{known['id']}"
    by_path = cli("explain", path)
    by_url = cli("explain", f"https://img.example/p{path}", ORIGIN_PUBLIC_URL="https://img.example/p")
    assert (by_path.returncode, by_url.returncode) == (0, 0)
    assert json.loads(by_path.stdout) == json.loads(by_url.stdout)
    assert json.loads(by_path.stdout)["canonical"] == f"/w_9,f_webp/{known['id']}"


def test_keys_are_made_and_listed_without_their_secrets(cli: Cli) -> None:
    made = [cli("keys", "new", "--kid", kid).stdout.strip() for kid in ("a1", "b2")]
    assert all(re.fullmatch(r"[ab][12]:[A-Za-z0-9_-]{43}", key) for key in made)
    assert made[0][3:] != made[1][3:]
    listed = cli("keys", "list", ORIGIN_SIGNING_KEYS=",".join(made))
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["a1", "b2"]
    assert not any(key[3:] in listed.stdout + listed.stderr for key in made)


# doctor, docs --------------------------------------------------------------------------------------------


def test_doctor_is_content_with_a_fresh_machine(cli: Cli) -> None:
    done = cli("doctor", COLUMNS="200", ORIGIN_ACCEPT="jpeg,heic")
    assert done.returncode == 0, done.stdout
    for what in ("database", "storage", "workers", "libvips", "signing keys"):
        assert what in done.stdout
    rows = [re.split(r"\s*│\s*", line.strip()) for line in done.stdout.splitlines() if "│" in line]
    formats = {row[0]: row[1:] for row in rows if len(row) >= 5}
    assert formats["jpeg"][:4] == ["yes", "yes", "libvips", "yes"]
    assert formats["heic"][:4] == ["yes", "no", "libheif", "yes"]
    assert formats["pdf"][:4] == ["yes", "no", "PDFium", "no"]
    assert "ORIGIN_ACCEPT" in formats["svg"][4]


def test_doctor_names_what_is_wrong(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    folder = cli("doctor", ORIGIN_DATA_DIR=str(file / "below"), COLUMNS="200")
    assert folder.returncode == 1
    assert "ORIGIN_DATA_DIR" in folder.stdout
    database = cli("doctor", DATABASE_URL="postgresql://a:b@127.0.0.1:1/x", COLUMNS="200")
    assert database.returncode == 1
    assert "db_unavailable" in database.stdout
    assert "Traceback" not in database.stderr


def test_docs_are_written_and_checked(cli: Cli, tmp_path: Path) -> None:
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "urlspec", tmp_path / "urlspec")
    assert cli("docs", "--text", "--folder", tmp_path).returncode == 0
    assert cli("docs", "--text", "--check", "--folder", tmp_path).returncode == 0
    readme = tmp_path / "README.md"
    readme.write_text(readme.read_text().replace("ORIGIN_MAX_SCANS", "ORIGIN_MAX_SCANTS"))
    stale = cli("docs", "--text", "--check", "--folder", tmp_path)
    assert stale.returncode == 1
    assert "README.md" in stale.stderr


# A server that runs meanwhile ----------------------------------------------------------------------------


def test_a_running_server_sees_other_processes_at_once(origin_factory: OriginFactory) -> None:
    server = origin_factory()
    assert server.get("/w_9/late").status == 404
    server.put(pictures.card(), "late.png", "--id", "late")
    until(lambda: server.get("/w_9/late").status == 200)
    first = server.get("/w_10/late")
    assert server.get("/w_10/late").cache == "memory"
    assert server.cli("purge", "late").returncode == 0
    until(lambda: server.get("/w_10/late")["ETag"] != first["ETag"])
    assert server.get("/w_10/late").body == first.body
    assert server.cli("rm", "late").returncode == 0
    until(lambda: server.get("/w_10/late").status == 410)
    assert server.get("/w_10/late").code == "gone"
