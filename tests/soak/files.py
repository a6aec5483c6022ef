"""Damaged files through a running server, as uploads and as originals of a source.

``python -m tests.soak.files --count 20000`` sends that many and tells what came of them; the tests send a
few hundred. Nothing may be answered but what a picture or its sender deserves, and nothing may be left over.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

from tests.soak.watch import Memory, sample
from tests.support.mutator import mutants, seeds
from tests.support.origin import OriginServer, Response, ask, origin_server
from tests.support.people import SECRET, issue

DESERVED: Final = {200, 201, 400, 413, 415, 422}
SLOW: Final = {503, 504}
"""A deadline's own answers."""
PATIENCE: Final = 2.0
"""Seconds after which an answer counts as slow."""
CHAINS: Final = (
    "w_64,f_webp", "c_fill,w_50,h_50,g_auto,f_jpg", "r_90,f_png", "e_trim,w_80", "w_40,f_json",
    "meta_copyright", "c_crop,w_20,h_20,f_gif", "e_blur:3,w_60,f_webp", "", "f_jpg,q_auto",
)  # fmt: skip
CLIENTS: Final = 3


@dataclass
class Tally:
    """What became of the files."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, name: str, answer: Response) -> None:
        with self._lock:
            self.answers[f"{what} {answer.status} {answer.code}".strip()] += 1
            self.seconds.append(answer.seconds)
            late = answer.seconds > PATIENCE
            if answer.status not in DESERVED | SLOW:
                self.wrong.append(f"{what} of {name}: {answer.status} {answer.code}")
            elif late or answer.status in SLOW:
                self.slow.append(f"{what} of {name}: {answer.status} {answer.code} in {answer.seconds:.1f} s")


def settings(folder: Path) -> dict[str, Any]:
    """Of a server that damaged files are sent to."""
    (folder / "mutants").mkdir()
    return {
        "JWT_SECRET": SECRET,
        "ORIGIN_SOURCES": f"mutants=file://{folder / 'mutants'};public",
        "ORIGIN_ACCEPT": "jpeg,png,webp,gif,avif,tiff,heic,jxl,pdf,bmp,ico,svg",
        "ORIGIN_RATE_UPLOAD": "off",
        "ORIGIN_RATE_API": "off",
        "ORIGIN_WORKERS": "2",
        "ORIGIN_QUEUE": "100",
    }


def send_all(server: OriginServer, files: Iterable[tuple[str, bytes]], tally: Tally) -> None:
    """Each file is uploaded, and rendered as an original that nobody has looked at before."""
    token = f"Bearer {issue('me', exp=int(time.time()) + 890)}"
    work = iter(enumerate(files))
    lock = threading.Lock()

    def one_after_the_other() -> None:
        while True:
            with lock:
                following = next(work, None)
            if following is None:
                return
            number, (name, data) = following
            _send(server, token, CHAINS[number % len(CHAINS)], name, data, tally)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for client in [pool.submit(one_after_the_other) for _ in range(CLIENTS)]:
            client.result()


def _send(server: OriginServer, token: str, chain: str, name: str, data: bytes, tally: Tally) -> None:
    file = server.data.parent / "mutants" / name
    file.write_bytes(data)
    tally.add("render", name, ask(server.url, _path(chain, f"@mutants/{quote(name)}")))
    file.unlink()
    uploaded = upload(server.url, token, data)
    tally.add("upload", name, uploaded)
    if uploaded.status == 201:
        tally.add("render of upload", name, ask(server.url, _path(chain, uploaded.json["id"])))


def _path(chain: str, source: str) -> str:
    return f"/{chain}/{source}" if chain else f"/{source}"


def upload(url: str, token: str, data: bytes) -> Response:
    edge = "-" * 20 + "edge"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'.encode()
    body = head + data + f"\r\n--{edge}--\r\n".encode()
    headers = {"Authorization": token, "Content-Type": f"multipart/form-data; boundary={edge}"}
    return ask(url, "/images", "POST", headers, body=body)


def lines(tally: Tally) -> Iterator[str]:
    for what, count in sorted(tally.answers.items()):
        yield f"{count:8,}  {what}"
    ordered = sorted(tally.seconds)
    yield f"answers: {len(ordered):,}, median {1000 * statistics.median(ordered):.1f} ms, " + (
        f"99 % within {1000 * ordered[int(0.99 * (len(ordered) - 1))]:.0f} ms, longest {ordered[-1]:.2f} s"
    )
    yield f"answers that nobody deserves: {len(tally.wrong)}"
    yield f"slower than {PATIENCE:g} s, or ended by a deadline: {len(tally.slow)}"
    if tally.memory:
        first, last = tally.memory[0], tally.memory[-1]
        most = max(one.workers for one in tally.memory)
        yield (
            f"memory (PSS): server {first.server} to {last.server} MiB, "
            f"largest worker {first.workers} to {last.workers} MiB, at most {most} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--corpus", type=Path, required=False)
    chosen = parser.parse_args()
    from benchmarks.support import corpus

    files = seeds(chosen.corpus or corpus())
    tally = Tally()
    with TemporaryDirectory(prefix="origin-soak-") as name:
        folder = Path(name)
        server = origin_server(folder, **settings(folder))
        pid = server.pid
        try:
            for done in range(0, chosen.count, chosen.batch):
                count = min(chosen.batch, chosen.count - done)
                batch = mutants(files, count, chosen.seed, chosen.start + done)
                send_all(server, batch, tally)
                tally.memory.append(sample(server))
                print(f"{done + count:,} of {chosen.count:,}", file=sys.stderr, end="\r")
            alive = server.running and server.pid == pid and server.healthy()
            unexpected = server.unexpected()
        finally:
            server.stop()
    print(f"{chosen.count:,} files made of {len(files)}, seed {chosen.seed}")
    print("\n".join(lines(tally)))
    print("\n".join([*tally.wrong, *tally.slow][:40]))
    print(f"errors without a name in the log: {len(unexpected)}", *unexpected[:5], sep="\n")
    print("the server lives" if alive else "the server has died")
    sys.exit(bool(tally.wrong or unexpected or not alive))


if __name__ == "__main__":
    main()
