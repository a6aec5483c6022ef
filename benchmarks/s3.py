"""What does an original cost that lies in S3?

CPU of this process for a whole GET, by size: aioboto3's ``get_object`` read to its end, against the store
that the server uses; interleaved. Then the CPU of the whole server for a cold 320 px WebP and for a further
size, from S3 and from a folder, and how many of the originals' bytes were fetched for both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aioboto3
import uvloop
from aiobotocore.config import AioConfig

from benchmarks.support import Promise, Report, Server, arguments, copies, median, photos, publish, serving
from origin.backends.s3 import S3Store
from tests.support.servers import S3Server, s3_server

SIZES = {"30 kB": 30_000, "400 kB": 400_000, "7 MB": 7_000_000}
WARM = 5
WIDTHS = (320, 480)

Get = Callable[[str], Awaitable[int]]
"""Reads an object, and tells how many bytes it has."""


async def gets(s3: S3Server, rounds: int, repeat: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of CPU for one GET, by way and size, one value a round."""
    session = aioboto3.Session(aws_access_key_id=s3.access_key, aws_secret_access_key=s3.secret_key)
    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        response_checksum_validation="when_required",
    )
    store = S3Store(
        s3.bucket, endpoint_url=s3.endpoint_url, access_key=s3.access_key, secret_key=s3.secret_key
    )
    async with session.client("s3", endpoint_url=s3.endpoint_url, config=config) as client:
        found: dict[str, dict[str, list[float]]] = {"aioboto3": {}, "signed here": {}}
        ways = {"aioboto3": _by_boto(client, s3.bucket), "signed here": _by_store(store)}
        for number in range(rounds + 1):
            for name, size in SIZES.items():
                times = max(WARM, repeat * 30_000 // max(size, 30_000))
                for way in sorted(ways, reverse=bool(number % 2)):
                    before = time.process_time()
                    for _ in range(times):
                        assert await ways[way](name) == size
                    spent = (time.process_time() - before) * 1_000 / times
                    if number:  # the first round warms
                        found[way].setdefault(name, []).append(spent)
    await store.close()
    return found


def _by_boto(client: Any, bucket: str) -> Get:
    async def get(key: str) -> int:
        body = (await client.get_object(Bucket=bucket, Key=key))["Body"]
        read = 0
        while piece := await body.read(256 * 1024):
            read += len(piece)
        body.close()
        return read

    return get


def _by_store(store: S3Store) -> Get:
    async def get(key: str) -> int:
        async with store.open(key) as stream:
            return sum([len(piece) async for piece in stream.chunks()])

    return get


def served(server: Server, source: str, name: str, width: int) -> float:
    """Milliseconds of the server for one picture that was never made."""
    before = server.cpu()
    status, headers, body = server.get(f"/w_{width},f_webp/@{source}/{name}")
    assert (status, headers["x-cache"]) == (200, "render"), body
    return (server.cpu() - before) * 1_000


def whole(s3: S3Server, folder: Path, rounds: int) -> tuple[dict[str, list[float]], float]:
    """Milliseconds by source and by first or further size; and the GETs of S3 for each original."""
    chosen = photos(progressive=False)
    local = folder / "photos"
    local.mkdir()
    files = {photo: copies(photo, local, rounds + 1) for photo in chosen}
    bucket = s3.path("")
    for each in files.values():
        for path in each:
            os.link(path, bucket / path.name)
    settings = {
        "ORIGIN_SOURCES": f"folder=file://{local} s3=s3://{s3.bucket}",
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
        "ORIGIN_METRICS_TOKEN": "of-this-benchmark-only",
    }
    found: dict[str, list[float]] = {}
    with serving(folder / "data", **settings) as server:
        for source in ("folder", "s3"):
            for each in files.values():
                served(server, source, each[0].name, WIDTHS[0])
        before = fetched(server)
        for number in range(rounds):
            for source in ("folder", "s3") if number % 2 else ("s3", "folder"):
                for place, width in zip(("first", "further"), WIDTHS, strict=True):
                    spent = [served(server, source, each[number + 1].name, width) for each in files.values()]
                    found.setdefault(f"{source}, {place} size", []).append(sum(spent) / len(spent))
        size = sum(each[0].stat().st_size for each in files.values()) * rounds
        return found, (fetched(server) - before) / size


def fetched(server: Server) -> float:
    """Bytes that came from storage, as the server counts them."""
    _, _, text = server.get("/metrics", {"Authorization": "Bearer of-this-benchmark-only"})
    lines = [line for line in text.decode().splitlines() if line.startswith("origin_fetched_bytes")]
    return float(lines[0].split()[1])


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--repeat", type=int, default=300, help="GETs of the smallest object in a round")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "s3").mkdir()
        s3 = s3_server(folder / "s3")
        try:
            for name, size in SIZES.items():
                s3.path(name).write_bytes(os.urandom(size))
            found = uvloop.run(gets(s3, options.rounds, options.repeat))
            pictures, times = whole(s3, folder, min(options.rounds, 3))
        finally:
            s3.process.stop()
    bars = {way: {name: median(values) for name, values in found[way].items()} for way in found}
    rows = [
        [name, f"{bars['aioboto3'][name]:.3f}", f"{bars['signed here'][name]:.3f}",
         f"{bars['aioboto3'][name] / bars['signed here'][name]:.1f}"]
        for name in SIZES
    ]  # fmt: skip
    rows += [[f"cold WebP from {name}", "", f"{median(spent):.1f}", ""] for name, spent in pictures.items()]
    rows.append(["bytes fetched for two sizes, in times of the original", "", f"{times:.2f}", ""])
    figures = {name: median(spent) for name, spent in pictures.items()} | {"fetched": times}
    title = f"CPU of a GET from S3, {options.rounds} interleaved rounds"
    head = ["", "aioboto3, ms", "signed here, ms", "ratio"]
    promises = [
        Promise("bytes fetched from S3 for two sizes, in times of the original", times, most=1.05, unit="×"),
        Promise("CPU of a GET of 30 kB from S3", bars["signed here"]["30 kB"], unit="ms"),
    ]
    publish(Report("s3", title, head, rows, "ms", bars, figures, promises=promises), options)


if __name__ == "__main__":
    main()
