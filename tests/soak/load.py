"""Clients of every kind, and what they know: how every picture looks, made in peace."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.soak.files import upload
from tests.soak.looks import Looks
from tests.support.mutator import mutants, seeds
from tests.support.origin import Response, ask
from tests.support.people import issue

CHAINS: Final = (
    "w_320,f_webp", "w_96,h_96,c_fill,g_auto,f_jpg", "r_90,w_200,f_png", "e_grayscale,w_240,f_webp",
    "c_crop,w_120,h_90,g_center,f_jpg", "w_64,f_gif", "w_150,rad_max,f_png", "w_80,f_json",
)  # fmt: skip
LARGEST: Final = 400_000
"""Bytes of a picture that takes part: many small renders meet more faults than a few large ones."""
READERS: Final = 4
DESERVED: Final = {
    "picture": {200},
    "purge": {200, 202, 204},
    "upload": {200, 201},
    "damaged": {200, 201, 400, 413, 415, 422},
    "nothing": {404},
}
FAULTY: Final = {502, 503, 504}
"""What may be answered amid a fault, and just after it."""
GIVEN_UP: Final = 60.0
SLOW: Final = 1.0
"""Seconds after which it is told what took so long."""


@dataclass
class Load:
    """What is asked of a server, and whether it was answered as it should be."""

    url: str
    folder: Path
    drawn: random.Random
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    troubled: bool = False
    """A fault is on, or has not been recovered from."""
    looks: Looks = field(default_factory=Looks)
    slow: list[str] = field(default_factory=list)
    """Of the rounds since a fault."""
    _ids: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _fresh: int = 0

    @property
    def well(self) -> bool:
        return not self.wrong and self.answers["picture 200"] > 0

    def prepare(self) -> None:
        """Upload the pictures and remember what each chain makes of each."""
        files = [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.suffix in {".jpg", ".png", ".webp", ".gif"}
            and path.stat().st_size <= LARGEST
            and "malformed" not in path.parts
        ]
        for path in self.drawn.sample(files, min(30, len(files))):
            answer = upload(self.url, self._token(), path.read_bytes())
            if answer.status == 201:
                self._ids.append(answer.json["id"])
        for id in self._ids:
            for chain in CHAINS:
                answer = ask(self.url, f"/{chain}/{id}")
                if answer.status == 200:
                    self.looks.learn(f"/{chain}/{id}", answer.body)
        if len(self.looks) < 100:
            raise RuntimeError(f"only {len(self.looks)} pictures could be made in peace")

    def _token(self) -> str:
        return f"Bearer {issue('me')}"

    def start(self) -> None:
        work = [self._reader] * READERS + [self._purger, self._uploader, self._damager, self._leaver]
        for number, one in enumerate(work):
            thread = threading.Thread(target=self._until_over, args=(one, random.Random(number)), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(GIVEN_UP)

    def _until_over(self, work: Callable[[random.Random], None], drawn: random.Random) -> None:
        while not self._over.is_set():
            try:
                work(drawn)
            except (OSError, http.client.HTTPException) as error:
                self._count("connection", type(error).__name__)
                if not self.troubled:
                    self._blame(f"a connection broke in peace: {error!r}")
                time.sleep(0.1)
            except Exception as error:  # a client that ended without a word would be one that is content
                self._blame(f"a client failed: {error!r}")
                time.sleep(0.1)

    # Clients -------------------------------------------------------------------------------------------

    def _reader(self, drawn: random.Random) -> None:
        """A few pictures are asked for much more often than most."""
        targets = self.looks.targets()
        self._look(targets[min(int(drawn.paretovariate(0.7)) - 1, len(targets) - 1)])
        self._look(drawn.choice(targets))
        time.sleep(0.01)

    def _look(self, target: str) -> Response:
        troubled = self.troubled
        answer = ask(self.url, target)
        if answer.status == 200 and (fault := self.looks.fault(target, answer.body)):
            self._blame(f"{target} ({answer.cache}) {fault}")
        self._judge("picture", answer, troubled=troubled, what=target)
        return answer

    def _purger(self, drawn: random.Random) -> None:
        """So that pictures are made again and again."""
        troubled = self.troubled
        id = drawn.choice(self._ids)
        answer = ask(self.url, f"/images/{id}/purge", "POST", {"Authorization": self._token()})
        self._judge("purge", answer, troubled=troubled, what=id)
        time.sleep(0.15)

    def _uploader(self, drawn: random.Random) -> None:
        troubled = self.troubled
        answer = upload(self.url, self._token(), _comment(drawn.getrandbits(64)))
        self._judge("upload", answer, troubled=troubled, what="a picture")
        if answer.status == 201:
            id = answer.json["id"]
            ask(self.url, f"/images/{id}", "DELETE", {"Authorization": self._token()})
        time.sleep(0.3)

    def _damager(self, drawn: random.Random) -> None:
        troubled = self.troubled
        ((name, data),) = mutants(seeds(self.folder), 1, start=drawn.randrange(1 << 30))
        self._judge("damaged", upload(self.url, self._token(), data), troubled=troubled, what=name)
        time.sleep(0.2)

    def _leaver(self, drawn: random.Random) -> None:
        """Asks and hangs up."""
        place = urlsplit(self.url)
        target = f"/w_{drawn.randrange(20, 400)}/{drawn.choice(self._ids)}"
        with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=5) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(drawn.random() / 10)
        self._judge("nothing", ask(self.url, "/w_20/none-such"), troubled=self.troubled, what="none")
        time.sleep(0.2)

    # Judging -------------------------------------------------------------------------------------------

    def _judge(self, kind: str, answer: Response, *, troubled: bool, what: str) -> None:
        self._count(kind, str(answer.status), answer.code)
        if answer.status in DESERVED[kind] or _changing(answer):
            return
        if (troubled or self.troubled) and answer.status in FAULTY:
            if answer.status == 503 and "Retry-After" not in answer:
                self._blame(f"{what}: a 503 without Retry-After")
            return
        if answer.status == 422 and kind in {"picture", "upload"} and (troubled or self.troubled):
            return  # its worker was killed: told as a picture that ends workers is
        self._blame(f"{kind} {what}: {answer.status} {answer.code}{'' if troubled else ' in peace'}")

    def _count(self, *words: str) -> None:
        with self._lock:
            self.answers[" ".join(filter(None, words))] += 1

    def _blame(self, text: str) -> None:
        with self._lock:
            self.wrong.append(text)

    # Recovery ------------------------------------------------------------------------------------------

    def round(self) -> list[str]:
        """Ask for a kept picture, a new one, and send one; what was not answered as in peace."""
        self._fresh += 1
        id = self._ids[self._fresh % len(self._ids)]
        asked: list[tuple[str, int, Callable[[], Response]]] = [
            ("kept", 200, lambda: self._look(self.looks.targets()[0])),
            (
                "new",
                200,
                lambda: ask(self.url, f"/w_{20 + self._fresh % 300},o_{1 + self._fresh % 99}/{id}"),
            ),
            ("upload", 201, lambda: upload(self.url, self._token(), _comment(self._fresh << 64))),
        ]
        lacking: list[str] = []
        for what, status, send in asked:
            began = time.monotonic()
            try:
                answer = send()
            except (OSError, http.client.HTTPException) as error:
                lacking.append(f"{what} {type(error).__name__}")
                continue
            if answer.status != status and not _changing(answer):
                lacking.append(f"{what} {answer.status} {answer.code}")
            if (took := time.monotonic() - began) > SLOW:
                self.slow.append(f"{what} took {took:.1f} s ({answer.headers.get('Server-Timing', '')})")
        return lacking

    def usual(self) -> float:
        """Seconds of a round in peace."""
        began = time.monotonic()
        if lacking := self.round():
            self._blame(f"in peace: {', '.join(lacking)}")
        return time.monotonic() - began

    def recovered(self, usual: float) -> tuple[float, Counter[str]]:
        """Seconds until a round is answered as in peace, beyond the ``usual``; what was lacking before."""
        began = time.monotonic()
        missed: Counter[str] = Counter()
        self.slow.clear()
        while (took := time.monotonic() - began) < GIVEN_UP:
            if not (lacking := self.round()):
                return max(0.0, time.monotonic() - began - usual), missed
            missed.update(lacking)
            time.sleep(0.05)
        return took, missed

    def lines(self) -> Iterator[str]:
        for what, count in sorted(self.answers.items()):
            yield f"{count:9,}  {what}"
        yield (
            f"pictures with other bytes that look the same: {self.looks.others}; "
            f"a field of them differs by {self.looks.farthest:.1f} of 255 at most"
        )
        yield f"wrong pictures, and answers that nobody deserves: {len(self.wrong)}"
        for text, count in Counter(self.wrong).most_common(20):
            yield f"  {count} x {text}"


def _changing(answer: Response) -> bool:
    """The picture was purged twice while it was made."""
    return answer.code == "unavailable" and "being changed" in answer.json["detail"]


def _comment(number: int) -> bytes:
    """A picture that nobody has sent before."""
    from tests.support import pictures

    data = pictures.card(suffix=".jpg")
    text = str(number).encode()
    return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]
