"""Is an acknowledged upload ever lost, or a row ever without its file, when the server is killed?

Kills a server and its workers with SIGKILL at random moments while several clients upload, starts it again,
and looks at every asset that it knows or has acknowledged. At the end what the kills left behind is swept.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyvips

from benchmarks.support import Server, machine, serving

CLIENTS = 4
ACCOUNT = json.dumps({"email": "kill@example.org", "password": "correct horse battery"}).encode()


@dataclass
class Ledger:
    """What was acknowledged: id -> SHA-256 of the bytes that were sent."""

    kept: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def call(server: Server, method: str, path: str, body: bytes | None, **headers: str) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", data=body, headers=named, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def picture(seed: int) -> bytes:
    noise = pyvips.Image.gaussnoise(300, 200, mean=128, sigma=40, seed=seed).cast("uchar")
    return bytes(noise.jpegsave_buffer(Q=90))


def token(server: Server) -> str:
    call(server, "POST", "/auth/register", ACCOUNT, content_type="application/json")
    status, body = call(server, "POST", "/auth/login", ACCOUNT, content_type="application/json")
    assert status == 200, body
    return f"Bearer {json.loads(body)['access_token']}"


def uploading(
    server: Server, bearer: str, seeds: Iterator[int], ledger: Ledger, stop: threading.Event
) -> None:
    while not stop.is_set():
        with ledger.lock:
            seed = next(seeds)
        data = picture(seed)
        body = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="p"\r\n\r\n'
            + data
            + b"\r\n--x--\r\n"
        )
        try:
            status, answer = call(
                server, "POST", "/images", body,
                authorization=bearer, content_type="multipart/form-data; boundary=x",
            )  # fmt: skip
        except (OSError, ConnectionError):
            return
        with ledger.lock:
            if status == 201:
                ledger.kept[json.loads(answer)["id"]] = hashlib.sha256(data).hexdigest()
            else:
                ledger.refused += 1


def known(server: Server, bearer: str) -> set[str]:
    ids: set[str] = set()
    cursor = ""
    while True:
        status, body = call(server, "GET", f"/images?limit=100{cursor}", None, authorization=bearer)
        assert status == 200, body
        page = json.loads(body)
        ids |= {item["id"] for item in page["items"]}
        if page["next"] is None:
            return ids
        cursor = f"&cursor={page['next']}"


def look(server: Server, bearer: str, ledger: Ledger) -> tuple[int, int]:
    """Rows without their right bytes, and acknowledged uploads that are not there."""
    ids = known(server, bearer)
    dangling = 0
    for id in ids:
        status, body = call(server, "GET", f"/raw_1/{id}", None, authorization=bearer)
        while status in {503, 504}:  # a busy machine says nothing about rows
            time.sleep(0.2)
            status, body = call(server, "GET", f"/raw_1/{id}", None, authorization=bearer)
        right = ledger.kept.get(id, hashlib.sha256(body).hexdigest())
        if status != 200 or hashlib.sha256(body).hexdigest() != right:
            print(f"a row without its file: {id}, {status} {body[:300]!r}", flush=True)
            dangling += 1
    return dangling, len(ledger.kept.keys() - ids)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    rates = {f"ORIGIN_RATE_{name}": "off" for name in ("UPLOAD", "LOGIN", "REGISTER", "API")}
    with serving(folder, **rates) as server:
        yield server


def kill(server: Server) -> None:
    """Everything at once, as a machine that loses its power does it."""
    for pid in server.processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def objects(originals: Path) -> int:
    """Stored objects; what was still being written has another name."""
    return sum(len(path.name) == 64 for path in originals.rglob("*") if path.is_file())


async def sweep(folder: Path) -> tuple[int, int]:
    """Objects before and after a sweep, with everything made two hours older."""
    from origin.app import build
    from origin.settings import load_settings

    originals = folder / "originals"
    old = time.time() - 7_200
    before = objects(originals)
    for path in originals.rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    async with build(load_settings({"ORIGIN_DATA_DIR": str(folder)})).stored() as origin:
        await origin.sweeper.sweep(datetime.now(UTC))
    return before, objects(originals)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--points", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    chance = random.Random(options.seed)
    ledger, seeds = Ledger(), iter(range(1, 1_000_000))
    dangling = lost = rows = 0
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for point in range(options.points):
            with running(folder) as server:
                bearer = token(server)
                wrong, gone = look(server, bearer, ledger)
                dangling, lost = dangling + wrong, lost + gone
                stop = threading.Event()
                clients = [
                    threading.Thread(target=uploading, args=(server, bearer, seeds, ledger, stop))
                    for _ in range(CLIENTS)
                ]
                for client in clients:
                    client.start()
                time.sleep(chance.uniform(0.05, 1.0))
                kill(server)
                stop.set()
                for client in clients:
                    client.join()
            print(f"point {point + 1}: {len(ledger.kept)} acknowledged so far", flush=True)
        with running(folder) as server:
            bearer = token(server)
            wrong, gone = look(server, bearer, ledger)
            dangling, lost, rows = dangling + wrong, lost + gone, len(known(server, bearer))
        before, after = asyncio.run(sweep(folder))
    print(machine())
    print(f"{options.points} kills, {len(ledger.kept)} acknowledged, {ledger.refused} refused, {rows} rows")
    print(f"dangling rows: {dangling}; acknowledged uploads lost: {lost}")
    print(f"stored objects: {before} before the sweep, {after} after; {rows} have a row")


if __name__ == "__main__":
    main()
