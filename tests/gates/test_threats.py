"""Threats that no other test looks at: floods of options, slow patterns, guessable names, cheap hashes,
answers that say too much, packages that are too old.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from types import ModuleType

import pytest
from argon2 import extract_parameters

import origin
import urlspec
from origin.service.accounts import HASHERS, Passwords
from origin.service.ids import new_id
from tests.support.figures import Figures, milliseconds
from tests.support.origin import OriginServer

# T21, T22: work that a text can cause --------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/" + ",".join(["w_1"] * 12_000) + "/x",
        "/" + "/".join(["w_1"] * 12_000) + "/x",
        "/" + "/".join(["l_x"] * 12_000) + "/x",
        "/" + ",".join(f"e_blur:{n}" for n in range(5_000)) + "/x",
        "/" + "%20" * 18_000,
        "/t_" + ":".join("a" * 20_000) + "/x",
    ],
    ids=["arguments", "components", "layers", "effects", "escapes", "preset"],
)
def test_t21_a_flood_of_options_is_refused_by_its_length(server: OriginServer, target: str) -> None:
    answer = server.get(target)
    assert answer.summary == (400, "path_too_long")
    assert len(answer.body) < 1_024


@pytest.fixture(scope="module")
def server(origin: OriginServer) -> OriginServer:
    return origin


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    """Every pattern that stands in a module of ours."""
    for package in (urlspec, origin):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__") or ".migrations." in found.name:
                continue
            module: ModuleType = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


LONG = 64 << 10
STARTS = (
    "",
    "/",
    "/s1.",
    "/s1.web.0.",
    "Bearer ",
    "eyJ",
    "origin_session=",
    "token=",
    "://",
    "a@",
    "GIF89a",
    "<",
)
FILLINGS = (
    *(
        "a",
        "0",
        "A",
        "_",
        "-",
        ".",
        ",",
        ":",
        "/",
        "%",
        "%20",
        "%2F",
        " ",
        "\t",
        "\n",
        "=",
        ";",
        "@",
        '"',
        "'",
    ),
    *(
        "a.",
        "a,",
        "a:",
        "a@",
        "a/",
        "0.",
        "0,",
        "1:",
        "a=a;",
        "a a ",
        "eyJ",
        "://",
        "//",
        "--",
        "<a ",
        "é",
        "\0",
    ),
    *("image/avif,", "image/webp;q=0,", "x.a@", "&#x41;", "a_1:"),
)
ENDS = ("", "!", "\n")


def texts() -> Iterator[str]:
    for filling in FILLINGS:
        for start in STARTS:
            whole = (start + filling * (LONG // len(filling)))[:LONG]
            yield from (whole + end for end in (ENDS if start == "" else ENDS[1:2]))


def test_t22_no_pattern_is_slow_on_any_text() -> None:
    """A pattern that backtracks would take minutes for 64 KiB of its own worst shape."""
    slowest = (0.0, "", "")
    tried = {value.pattern: (name, value) for name, value in patterns()}.values()
    for text in texts():
        raw = text.encode()
        for name, pattern in tried:
            subject = raw if isinstance(pattern.pattern, bytes) else text
            began = time.thread_time()
            pattern.match(subject)  # type: ignore[arg-type]
            pattern.fullmatch(subject)  # type: ignore[arg-type]
            slowest = max(slowest, (time.thread_time() - began, name, text[:20]))
    figures = Figures(f"T22: {len(tried)} patterns, each against {LONG >> 10} KiB of {len(FILLINGS)} shapes")
    figures.add(f"slowest ({slowest[1]}, {slowest[2]!r})", milliseconds(slowest[0]), "50 ms")
    figures.show()
    assert len(tried) > 20
    assert slowest[0] < 5


# T23, T54: what can be guessed ---------------------------------------------------------------------------


def test_t23_ids_cannot_be_guessed() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert {len(id) for id in made} == {22}
    alphabet = set("".join(made))
    assert len(alphabet) == 58
    assert 22 * math.log2(58) >= 128
    # No place holds a time or a counter: each takes very many values.
    assert min(len({id[place] for id in made}) for place in range(22)) > 25


async def test_t54_a_password_is_hashed_as_it_should_be() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse battery")
    parameters = extract_parameters(hashed)
    assert (parameters.time_cost, parameters.memory_cost) >= (3, 64 << 10)
    assert parameters.type.name == "ID"
    assert 1 <= HASHERS <= 2
    assert await passwords.matches("correct horse battery", hashed)
    for wrong in ("", "correct horse battery "):
        assert not await passwords.matches(wrong, hashed)
    assert not await passwords.matches("correct horse battery", None)
    assert not await passwords.matches("correct horse battery", "no hash")
    await passwords.close()


# T57, G23: what says too much, and what is too old --------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/w_9/{id}", "/w_9/none", "/w_x/none", "/images", "/docs", "/healthz"])
def test_t57_no_answer_names_the_software(server: OriginServer, path: str) -> None:
    answer = server.get(path.format(id=server.ids["card.png"]))
    assert {"server", "x-powered-by", "via"} & {name.lower() for name in answer.headers} == set()


def test_g23_nginx_is_recent_enough_where_it_is_debians() -> None:
    query = shutil.which("dpkg-query")
    if query is None:
        pytest.skip("no package of Debian to be asked")
    found = subprocess.run(
        [query, "-W", "-f=${Version}", "nginx"], capture_output=True, text=True, check=False
    )
    if found.returncode or not found.stdout.startswith("1.22.1-9+deb12"):
        pytest.skip(f"nginx is not Debian 12's: {found.stdout or 'not a package'}")
    floor = "1.22.1-9+deb12u11"
    print(f"\nG23  nginx {found.stdout} (>= {floor})")
    subprocess.run(["dpkg", "--compare-versions", found.stdout, "ge", floor], check=True)
