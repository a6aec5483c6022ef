"""Folders: what their keys can reach, and what the disk may do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from origin.backends.disk import _kind
from origin.backends.files import FileStore, FolderSource, resolve_key
from origin.errors import BadRequest, NotFound, StorageFull, StorageTruncated, StorageUnavailable
from origin.ports import LocalFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source with a picture, things it must not give away, and links to them."""
    root = tmp_path / "source"
    (root / "dir").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(b"secret")
    (root / "picture.jpg").write_bytes(b"picture")
    (root / "dir" / "Grüße.jpg").write_bytes(b"greetings")
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    (tmp_path / "source-2").mkdir()
    (tmp_path / "source-2" / "x.jpg").write_bytes(b"secret")
    (root / "link-in.jpg").symlink_to(root / "picture.jpg")
    (root / "link-dir").symlink_to("dir")
    (root / "link-out.jpg").symlink_to(tmp_path / "outside.jpg")
    (root / "link-up").symlink_to("..")
    (root / "link-sibling").symlink_to("../source-2")
    (root / "link-nowhere").symlink_to("nothing")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe.jpg")
    return root


async def read(source: FolderSource, key: str) -> bytes:
    async with source.open(key) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("picture.jpg", b"picture"),
        ("dir/Grüße.jpg", b"greetings"),
        ("link-in.jpg", b"picture"),
        ("link-dir/Grüße.jpg", b"greetings"),
    ],
)
async def test_what_lies_inside_is_served(folder: Path, key: str, content: bytes) -> None:
    assert await read(FolderSource(folder), key) == content
    assert (await FolderSource(folder).stat(key)).size == len(content)
    assert resolve_key(folder, key).read_bytes() == content


@pytest.mark.parametrize(
    "key",
    [
        "", "/", ".", "..", "../outside.jpg", "dir/../picture.jpg", "dir/../../outside.jpg", "./picture.jpg",
        "/etc/passwd", "//etc/passwd", "dir//Grüße.jpg", "picture.jpg/", "picture.jpg/x", "dir", "dir/",
        ".git/config", "dir/.hidden", "picture.jpg\0", "picture.jpg\0.png", "\0",
        "link-out.jpg", "link-up/outside.jpg", "link-sibling/x.jpg", "link-nowhere", "loop", "pipe.jpg",
        "x" * 5000, "é" * 200, "\ud800.jpg", "nothing.jpg", "..\\outside.jpg", "%2e%2e/outside.jpg",
    ],
)  # fmt: skip
async def test_everything_else_is_not_there(folder: Path, key: str) -> None:
    with pytest.raises(NotFound):
        await FolderSource(folder).stat(key)
    with pytest.raises(NotFound):
        await read(FolderSource(folder), key)


async def test_a_folder_that_is_not_mounted_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await FolderSource(tmp_path / "gone").stat("picture.jpg")


async def test_a_root_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(folder)
    assert await read(FolderSource(tmp_path / "alias"), "picture.jpg") == b"picture"


async def test_a_file_that_shrinks_while_it_is_read(folder: Path) -> None:
    (folder / "big.jpg").write_bytes(b"x" * 3_000_000)

    async def read_and_shrink() -> None:
        async with FolderSource(folder).open("big.jpg") as stream:
            async for _ in stream.chunks():
                os.truncate(folder / "big.jpg", 10)

    with pytest.raises(StorageTruncated):
        await read_and_shrink()


@pytest.mark.parametrize("key", ["../../outside", "/etc/passwd", "..", ".", "a/../../b", ".tmp/x", "\0"])
async def test_no_key_of_a_store_leads_outside(
    tmp_path: Path, write: Callable[[bytes], Path], key: str
) -> None:
    store = FileStore(tmp_path / "originals")
    await store.put(key, write(b"picture"), media_type="image/png")
    [path] = [path for path in (tmp_path / "originals").rglob("*") if path.is_file()]
    assert path.resolve().is_relative_to(tmp_path / "originals")
    assert [found async for found in store.keys("")] == [key]


def test_content_addressed_files_are_easy_to_find(tmp_path: Path) -> None:
    assert FileStore(tmp_path).local_path("abcd" + "0" * 60) == tmp_path / "ab" / "cd" / ("abcd" + "0" * 60)


async def test_a_key_too_long_for_a_file(tmp_path: Path, write: Callable[[bytes], Path]) -> None:
    with pytest.raises(BadRequest):
        await FileStore(tmp_path / "originals").put("é" * 100, write(b"x"), media_type="image/png")


async def test_abandoned_uploads_are_swept(tmp_path: Path, write: Callable[[bytes], Path]) -> None:
    temp = tmp_path / "originals" / ".tmp"
    temp.mkdir(parents=True)
    (temp / "old").write_bytes(b"half")
    (temp / "young").write_bytes(b"half")
    os.utime(temp / "old", (time.time() - 7200, time.time() - 7200))
    await FileStore(tmp_path / "originals").put("a", write(b"picture"), media_type="image/png")
    assert [path.name for path in temp.iterdir()] == ["young"]


def test_both_folders_offer_their_files() -> None:
    assert isinstance(FileStore(Path()), LocalFiles)
    assert isinstance(FolderSource(Path()), LocalFiles)


async def test_a_full_disk(small_disk: Path, write: Callable[[bytes], Path]) -> None:
    store = FileStore(small_disk / "originals")
    await store.put("small", write(b"x" * 100_000), media_type="image/png")
    with pytest.raises(StorageFull):
        await store.put("big", write(b"x" * 2_000_000), media_type="image/png")
    assert [key async for key in store.keys("")] == ["small"]
    assert not list((small_disk / "originals" / ".tmp").iterdir())


def test_a_killed_upload_leaves_no_object(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(1 << 20) * 200)
    program = """
import asyncio, sys
from pathlib import Path
from origin.backends.files import FileStore
async def main():
    store = FileStore(Path(sys.argv[1]))
    print("go", flush=True)
    while True:
        await store.put("key", Path(sys.argv[2]), media_type="image/png")
asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "originals", big], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"go\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    path = FileStore(tmp_path / "originals").local_path("key")
    assert not path.exists() or path.stat().st_size == big.stat().st_size


MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
nas:/pictures /mnt/nas nfs4 rw 0 0
/dev/vdb /mnt/nas/local\\040disk xfs rw 0 0
s3fs /srv/bucket fuse.s3fs rw 0 0
systemd-1 /auto autofs rw 0 0
/dev/vdc /auto ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/pictures", "ext4"),
        ("/tmp/x", "tmpfs"),
        ("/mnt/nas", None),
        ("/mnt/nas/2026", None),
        ("/mnt/nas/local disk/a", "xfs"),
        ("/srv/bucket", None),
        ("/srv/bucketful", "ext4"),
        ("/auto/a", "ext4"),
    ],
)
def test_what_lies_on_a_disk_of_this_machine(folder: str, kind: str | None) -> None:
    assert _kind(Path(folder), MOUNTS) == kind
