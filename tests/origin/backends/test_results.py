"""What every store for results does, and what memory and folder do besides."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from origin.backends.results import FolderResults, MemoryResults, TieredResults
from origin.ports import Result, ResultStore

PICTURE = Result(
    body=b"\x00\x01binary\nlines\n" * 100,
    media_type="image/webp",
    headers=(("X-Fallback", "déjà"), ("Link", "<a>; rel=canonical"), ("Link", "<b>")),
    draft=True,
    created=1_790_000_000,
)


def of_size(size: int) -> Result:
    return Result(b"x" * size, "image/png")


async def test_a_result_comes_back_as_it_was(results: ResultStore) -> None:
    await results.put("key", PICTURE, ["a"])
    assert await results.get("key") == PICTURE


@pytest.mark.parametrize("key", ["other", "", "key/../key", "Grüße"])
async def test_a_miss(results: ResultStore, key: str) -> None:
    await results.put("key", PICTURE, ["a"])
    assert await results.get(key) is None


async def test_an_empty_body_and_no_assets(results: ResultStore) -> None:
    await results.put("key", Result(b"", "application/json"), [])
    assert await results.get("key") == Result(b"", "application/json")


async def test_the_last_one_put_wins(results: ResultStore) -> None:
    await results.put("key", PICTURE, ["a"])
    await results.put("key", of_size(3), ["a"])
    assert await results.get("key") == of_size(3)


async def test_forget_drops_what_used_the_asset(results: ResultStore) -> None:
    await results.put("1", PICTURE, ["a"])
    await results.put("2", PICTURE, ["a", "b"])
    await results.put("3", PICTURE, ["b"])
    await results.put("4", PICTURE, [])
    assert await results.forget("a") == 2
    assert [await results.get(key) is not None for key in "1234"] == [False, False, True, True]
    assert await results.forget("a") == 0
    assert await results.forget("b") == 1
    assert await results.forget("never") == 0


async def test_forget_then_put_then_forget(results: ResultStore) -> None:
    for _ in range(3):
        await results.put("1", PICTURE, ["a"])
        assert await results.get("1") == PICTURE
        assert await results.forget("a") == 1
        assert await results.get("1") is None


async def test_many_at_once(results: ResultStore) -> None:
    await asyncio.gather(*(results.put(str(n), of_size(n), [str(n % 5)]) for n in range(100)))
    found = await asyncio.gather(*(results.get(str(n)) for n in range(100)))
    assert found == [of_size(n) for n in range(100)]
    assert await results.forget("3") == 20


# The byte budget


async def test_memory_drops_the_least_recently_used() -> None:
    memory = MemoryResults(30_000)
    for key in "abc":
        await memory.put(key, of_size(8_000), [])
    await memory.get("a")
    await memory.put("d", of_size(8_000), [])
    assert [await memory.get(key) is not None for key in "abcd"] == [True, False, True, True]


async def test_memory_leaves_out_what_is_larger_than_all_of_it() -> None:
    memory = MemoryResults(10_000)
    await memory.put("small", of_size(100), [])
    await memory.put("big", of_size(10_000), [])
    assert await memory.get("big") is None
    assert await memory.get("small") is not None


def total(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / "entries").rglob("*") if path.is_file())


async def test_a_folder_keeps_its_budget_and_what_was_used_last(tmp_path: Path) -> None:
    folder = FolderResults(tmp_path, 100_000)
    for number in range(9):
        await folder.put(str(number), of_size(10_000), [])
    for path in tmp_path.rglob("entries/*/*"):
        os.utime(path, (time.time() - 1000, time.time() - 1000))
    assert await folder.get("0") is not None
    for number in range(9, 13):
        await folder.put(str(number), of_size(10_000), [])
    await folder.close()
    assert total(tmp_path) <= 100_000
    kept = [number for number in range(13) if await folder.get(str(number)) is not None]
    assert {0, 9, 10, 11, 12} <= set(kept)
    assert len(kept) < 13


async def test_a_folder_survives_a_restart_and_still_keeps_its_budget(tmp_path: Path) -> None:
    first = FolderResults(tmp_path, 100_000)
    for number in range(8):
        await first.put(str(number), of_size(10_000), ["a"])
    await first.close()
    second = FolderResults(tmp_path, 50_000)
    assert await second.get("7") == of_size(10_000)
    await second.put("new", of_size(10), ["a"])
    await second.close()
    assert total(tmp_path) <= 50_000
    assert await second.get("new") == of_size(10)
    assert await second.forget("a") == sum(1 for _ in range(8)) - 4 + 1


async def test_a_folder_leaves_out_what_is_larger_than_all_of_it(tmp_path: Path) -> None:
    folder = FolderResults(tmp_path, 10_000)
    await folder.put("big", of_size(10_000), [])
    assert await folder.get("big") is None


# Damage


def cut(data: bytes) -> bytes:
    return data[:-1]


def flip(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(cut, id="last byte missing"),
        pytest.param(lambda data: data + b"x", id="a byte too many"),
        pytest.param(flip, id="a bit flipped in the body"),
        pytest.param(lambda data: data[:50], id="cut in the header"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: data.replace(b"result/1", b"result/2"), id="another version"),
        pytest.param(lambda data: data.replace(b'"draft"', b'"daft"'), id="unknown header field"),
        pytest.param(lambda data: data.replace(b'"key": "key"', b'"key": "yek"'), id="of another key"),
    ],
)
async def test_a_damaged_file_is_a_miss_and_is_removed(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    folder = FolderResults(tmp_path, 1 << 20)
    await folder.put("key", PICTURE, ["a"])
    [path] = tmp_path.rglob("entries/*/*")
    path.write_bytes(damage(path.read_bytes()))
    assert await folder.get("key") is None
    assert not path.exists()
    await folder.put("key", PICTURE, ["a"])
    assert await folder.get("key") == PICTURE
    await folder.close()


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe\n", b"../../x\n", b"0" * 63, b"\n" * 10])
async def test_a_damaged_list_of_an_asset(tmp_path: Path, garbage: bytes) -> None:
    folder = FolderResults(tmp_path, 1 << 20)
    await folder.put("key", PICTURE, ["a"])
    [index] = tmp_path.rglob("assets/*/*")
    index.write_bytes(garbage + b"\n" + index.read_bytes())
    assert await folder.forget("a") == 1
    await folder.close()


async def test_lists_stay_short_while_entries_come_and_go(tmp_path: Path) -> None:
    folder = FolderResults(tmp_path, 100_000)
    for number in range(2_500):
        await folder.put(str(number), of_size(1_000), ["a"])
    await folder.close()
    [index] = tmp_path.rglob("assets/*/*")
    assert index.stat().st_size < 65 * 2_100
    assert await folder.get("2499") is not None
    await folder.forget("a")
    assert total(tmp_path) == 0


async def test_a_folder_that_cannot_be_written_costs_no_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "results").write_bytes(b"a file where the folder should be")
    folder = FolderResults(tmp_path / "results", 1 << 20)
    for _ in range(3):
        await folder.put("key", PICTURE, ["a"])
        assert await folder.get("key") is None
    assert len(caplog.records) == 1


async def test_a_disk_smaller_than_the_budget(small_disk: Path) -> None:
    folder = FolderResults(small_disk, 1 << 30)
    for number in range(12):
        await folder.put(str(number), of_size(150_000), ["a"])
    await folder.put("last", of_size(150_000), ["a"])
    await folder.close()
    kept = [await folder.get(key) for key in [*map(str, range(12)), "last"]]
    assert sum(result is not None for result in kept) >= 2
    assert all(result == of_size(150_000) for result in kept if result is not None)


# Several processes


WRITER = """
import asyncio, sys
from pathlib import Path
from origin.backends.results import FolderResults
from origin.ports import Result
async def main():
    folder = FolderResults(Path(sys.argv[1]), 2_000_000)
    print("go", flush=True)
    number = 0
    while number < int(sys.argv[2]):
        number += 1
        key = str(number % 40)
        await folder.put(key, Result(key.encode() * 20_000, "image/png"), [key[-1]])
        found = await folder.get(str((number * 7) % 40))
        assert found is None or found.body == str((number * 7) % 40).encode() * 20_000
        if number % 50 == 0:
            await folder.forget(key[-1])
    await folder.close()
asyncio.run(main())
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, "150"]) for _ in range(3)]
    assert [process.wait(90) for process in processes] == [0, 0, 0]
    assert not list((tmp_path / ".tmp").iterdir())


async def test_a_killed_writer_leaves_only_whole_results(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, "100000"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        time.sleep(0.25)
        process.kill()
    folder = FolderResults(tmp_path, 2_000_000)
    files = len(list(tmp_path.rglob("entries/*/*")))
    found = {key: await folder.get(str(key)) for key in range(40)}
    assert files == sum(result is not None for result in found.values()) > 0
    assert all(result.body == str(key).encode() * 20_000 for key, result in found.items() if result)
    await folder.put("1", PICTURE, ["1"])
    assert await folder.forget("1") > 0
    await folder.close()


# Tiers


async def test_tiers_tell_who_had_it(tmp_path: Path) -> None:
    memory, folder = MemoryResults(1 << 20), FolderResults(tmp_path, 1 << 20)
    tiers = TieredResults(memory, None, folder)
    assert await tiers.lookup("key") is None
    await tiers.put("key", of_size(10), ["a"])
    assert await tiers.lookup("key") == (of_size(10), "memory")
    restarted = TieredResults(MemoryResults(1 << 20), None, folder)
    assert await restarted.lookup("key") == (of_size(10), "files")
    assert await restarted.lookup("key") == (of_size(10), "memory")
    await restarted.forget("a")
    assert await restarted.lookup("key") is None
    await folder.close()


async def test_a_draft_is_not_kept_in_memory(tmp_path: Path) -> None:
    folder = FolderResults(tmp_path, 1 << 20)
    tiers = TieredResults(MemoryResults(1 << 20), None, folder)
    await tiers.put("key", PICTURE, ["a"])
    assert await tiers.lookup("key") == (PICTURE, "files")
    other_process = TieredResults(MemoryResults(1 << 20), None, folder)
    await other_process.put("key", of_size(10), ["a"])
    assert await tiers.get("key") == of_size(10)
    await folder.close()
