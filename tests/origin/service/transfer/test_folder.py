"""The folder of an export: what it looks like, and what it takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from origin.errors import BadRequest, Conflict, StorageBroken, StorageFull
from origin.service.export_folder import ExportFolder
from tests.support.stores import (
    NOTHING,
    Contents,
    Store,
    digest,
    exported,
    files,
    imported,
)


async def test_what_an_export_looks_like(folder: Path, full: Contents) -> None:
    originals = {f"originals/{sha256[:2]}/{sha256}" for sha256 in full.originals}
    assert set(files(folder)) == originals | {
        "manifest.json",
        "assets.jsonl",
        "users.jsonl",
        "revocations.jsonl",
    }
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.json", "assets.jsonl", "users.jsonl", "revocations.jsonl", "originals"),
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*") if path.is_file())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest) == {"format", "created", "counts", "files"}
    assert manifest["format"] == 1
    size = len(b"first" * 300_000 + b"second" + b"deleted")
    assert manifest["counts"] == {
        "assets": 6,
        "versions": 8,
        "users": 2,
        "revocations": 1,
        "originals": 3,
        "bytes": size,
    }
    for name, file in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert file == {"bytes": len(data), "sha256": digest(data)}


async def test_how_a_line_reads(folder: Path) -> None:
    """A change here is a new format."""
    lines = [json.loads(line) for line in (folder / "assets.jsonl").read_text().splitlines()]
    [focus] = [line for line in lines if line["id"] == "focus"]
    assert focus == {
        "id": "focus",
        "owner": None,
        "visibility": "public",
        "current": {
            "number": 1,
            "sha256": digest(b"second"),
            "bytes": 6,
            "format": "png",
            "width": 40,
            "height": 30,
            "frames": 1,
            "has_alpha": False,
            "orientation": 6,
            "created": "2026-05-17T12:30:15.123456Z",
            "thumbhash": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
            "dominant_color": "#aabbcc",
            "purged": False,
        },
        "older": [],
        "purges": 7,
        "created": "2026-05-17T12:30:15.123456Z",
        "deleted": None,
        "focus": [0.1, 1 / 3],
        "tags": [],
    }
    user = json.loads((folder / "users.jsonl").read_text().splitlines()[0])
    assert user == {
        "id": "ann-id",
        "email": "ann@example.com",
        "password_hash": "$argon2id$v=19$ann",
        "created": "2026-05-17T12:30:15.123456Z",
    }


async def test_the_second_export_copies_what_is_new(source: Store, folder: Path, tmp_path: Path) -> None:
    before = files(folder)
    assert (await exported(source, folder)).copied == 0
    after = files(folder)
    assert {name for name in before if before[name] != after[name]} == {"manifest.json"}, "its date"
    await source.database.delete("plain")
    done = await exported(source, folder)
    assert (done.copied, done.counts.assets) == (0, 6)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"other"), id="shorter"),
        pytest.param(lambda path: path.write_bytes(b"Deleted"), id="other bytes"),
        pytest.param(lambda path: path.unlink(), id="missing"),
    ],
)
async def test_an_original_damaged_in_the_folder(
    source: Store, folder: Path, target: Store, full: Contents, damage: Callable[[Path], object]
) -> None:
    sha256 = digest(b"deleted")
    damage(ExportFolder(folder).original(sha256))
    with pytest.raises(StorageBroken, match=sha256):
        await imported(target, folder)
    assert await target.contents() == NOTHING
    assert (await exported(source, folder)).copied == 1
    await imported(target, folder)
    assert await target.contents() == full


@pytest.mark.parametrize("name", ["photo.jpg", ".bashrc", "src"])
async def test_a_folder_with_other_things_is_left_alone(source: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / name).write_text("mine")
    with pytest.raises(BadRequest, match=f"holds something else.*{name}"):
        await exported(source, tmp_path / "home")
    assert files(tmp_path / "home") == {name: b"mine"}


async def test_a_file_is_no_folder(source: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadRequest, match=r"file: File exists|file: Not a directory"):
        await exported(source, tmp_path / "file")


async def test_two_exports_into_one_folder(source: Store, folder: Path) -> None:
    before = files(folder)
    with ExportFolder(folder).writing(), pytest.raises(Conflict, match="Another export"):
        await exported(source, folder)
    assert files(folder) == before, "one that was not finished leaves the one before"


async def test_a_folder_on_a_full_disk(source: Store, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        with pytest.raises(StorageFull):
            await exported(source, folder)
        assert {path.name for path in folder.iterdir()} <= {"originals"}, "nothing half-written stays"
    finally:
        subprocess.run(["umount", folder], check=True)
