"""What an import refuses, without changing anything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from origin.errors import BadRequest, Conflict
from origin.ports import Asset, User
from tests.support.stores import (
    NOTHING,
    WHEN,
    Store,
    a_version,
    an_asset,
    digest,
    exported,
    imported,
)


def change_lines(folder: Path, name: str, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the objects of a file of lines, and the manifest with it."""
    path = folder / name
    lines = change([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    sign_lines(folder, name)


def sign_lines(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    change_manifest(folder, lambda m: m["files"].update({name: {"bytes": len(data), "sha256": digest(data)}}))


def change_manifest(folder: Path, change: Callable[[Any], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def _twice(lines: list[Any]) -> list[Any]:
    return [*lines, lines[0]]


def _edited(**values: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda lines: [lines[0] | values, *lines[1:]]


def _version(**values: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda lines: [lines[0] | {"current": lines[0]["current"] | values}, *lines[1:]]


WRONG: Sequence[Any] = [
    pytest.param(lambda f: shutil.rmtree(f), "this is no export", id="no folder"),
    pytest.param(lambda f: (f / "manifest.json").unlink(), "was not finished: run it again", id="unfinished"),
    pytest.param(lambda f: (f / "manifest.json").write_text("{"), "no manifest", id="no JSON"),
    pytest.param(lambda f: (f / "manifest.json").write_text("[]"), "no manifest", id="no object"),
    pytest.param(
        lambda f: (f / "manifest.json").write_text("[" * 100_000), "no manifest", id="deep manifest"
    ),
    pytest.param(
        lambda f: change_manifest(f, lambda m: m.update(format=2)), "has format 2; .* format 1", id="format"
    ),
    pytest.param(
        lambda f: change_manifest(f, lambda m: m.update(surprise=1)), "no manifest", id="unknown member"
    ),
    pytest.param(
        lambda f: change_manifest(f, lambda m: m["files"].pop("users.jsonl")),
        "does not name the files",
        id="a file too few",
    ),
    pytest.param(
        lambda f: change_manifest(
            f, lambda m: m["files"].update({"../x": {"bytes": 0, "sha256": digest(b"")}})
        ),
        "does not name the files",
        id="a file elsewhere",
    ),
    pytest.param(
        lambda f: change_manifest(f, lambda m: m["counts"].update(assets=5)), "counts something", id="counts"
    ),
    pytest.param(lambda f: (f / "users.jsonl").unlink(), r"users\.jsonl: No such file", id="lines missing"),
    pytest.param(
        lambda f: (f / "users.jsonl").write_bytes((f / "users.jsonl").read_bytes()[:-3]),
        r"users\.jsonl is not what the manifest says",
        id="lines cut",
    ),
    pytest.param(
        lambda f: (f / "assets.jsonl").write_bytes(
            (f / "assets.jsonl").read_bytes().replace(b"public", b"pUblic")
        ),
        r"assets\.jsonl is not what the manifest says",
        id="lines changed",
    ),
    *(
        pytest.param(
            lambda f, name=name, change=change: change_lines(f, name, change),
            expected,
            id=f"{name}: {expected}",
        )
        for name, change, expected in (
            ("assets.jsonl", _twice, "two assets with the id"),
            ("assets.jsonl", _edited(id="../x"), "line 1: id: "),
            ("assets.jsonl", _edited(visibility="hidden"), "line 1: visibility: "),
            ("assets.jsonl", _edited(surprise=1), "line 1: surprise: "),
            ("assets.jsonl", _edited(tags=["\0"]), r"line 1: tags\.0: "),
            ("assets.jsonl", _edited(focus=[0.5, 1.5]), r"line 1: focus\.1: "),
            ("assets.jsonl", _edited(created="2026-05-17T12:30:15"), "line 1: created: "),
            ("assets.jsonl", _version(sha256="../../etc/passwd"), r"line 1: current\.sha256: "),
            ("assets.jsonl", _version(width=2**31), r"line 1: current\.width: "),
            ("assets.jsonl", _version(width="40"), r"line 1: current\.width: "),
            ("users.jsonl", _twice, "two users with the id"),
            ("users.jsonl", _edited(created=None), "line 1: created: "),
            ("revocations.jsonl", _edited(token="x"), "line 1: token: "),
            ("revocations.jsonl", lambda lines: [], "counts something else"),
        )
    ),
]


@pytest.mark.parametrize(("damage", "expected"), WRONG)
async def test_a_folder_that_is_no_export(
    folder: Path, target: Store, damage: Callable[[Path], object], expected: str
) -> None:
    damage(folder)
    with pytest.raises(BadRequest, match=expected):
        await imported(target, folder)
    assert await target.contents() == NOTHING


async def test_two_versions_of_one_number(folder: Path, target: Store) -> None:
    change_lines(
        folder, "assets.jsonl", lambda lines: [line | {"older": [line["current"]]} for line in lines]
    )
    with pytest.raises(BadRequest, match=r"line 1: it: .*two versions have one number"):
        await imported(target, folder)
    assert await target.contents() == NOTHING


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(an_asset("plain", a_version(b"other")), id="other content"),
        pytest.param(
            replace(an_asset("plain", a_version(b"first" * 300_000)), owner="bob"), id="other owner"
        ),
        pytest.param(replace(an_asset("plain", a_version(b"first" * 300_000)), purges=1), id="purged since"),
    ],
)
async def test_another_asset_of_that_id(folder: Path, target: Store, other: Asset) -> None:
    await target.database.add(other)
    before = await target.contents()
    with pytest.raises(Conflict, match=r"something else under plain\. Nothing was changed"):
        await imported(target, folder)
    assert await target.contents() == before


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(User("ann-id", "ann@example.com", "other", WHEN), id="other password"),
        pytest.param(User("other", "ann@example.com", "$argon2id$v=19$ann", WHEN), id="other id"),
    ],
)
async def test_another_user_of_that_address(folder: Path, target: Store, other: User) -> None:
    await target.database.add_user(other)
    before = await target.contents()
    with pytest.raises(Conflict, match="user ann@"):
        await imported(target, folder)
    assert await target.contents() == before


async def test_many_conflicts_are_counted(blank: Store, target: Store, tmp_path: Path) -> None:
    for number in range(30):
        for store, owner in ((blank, "ann"), (target, "bob")):
            version = replace(a_version(b"gone"), purged=True)
            await store.database.add(replace(an_asset(f"id-{number:02}", version), owner=owner))
    await exported(blank, tmp_path / "export")
    with pytest.raises(Conflict, match=r"id-00, id-01, .*id-09 and 20 more"):
        await imported(target, tmp_path / "export")
