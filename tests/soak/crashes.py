"""Pictures that end a worker each time they are asked for, and what everybody else sees of it.

``python -m tests.soak.crashes --seconds 60 --rate 10``: so many hostile requests a second, in four ways,
beside two clients that ask for new pictures all the time. Nothing but 200 for the clients, nothing but a
refusal for the others, and the same server process in the end.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.support import machine, table
from tests.support import pictures
from tests.support.misbehaving import deaths, marked, misbehaving
from tests.support.origin import OriginServer, Response, ask, origin_server

REFUSALS: Final = {422, 429, 503, 504}
PAUSE: Final = 0.02
"""Seconds between two requests of a client."""

OTHERS: Final = "each time another picture"
STRANGERS: Final = 0.99
"""Of the clients' pictures that are made where nothing is known of what ends the workers."""

Attack = Callable[[int], str]
"""The path of a hostile request, by its number."""

ATTACKS: Final[dict[str, tuple[str, Attack]]] = {
    "one picture, always in the same form": ("die-always", lambda _: "/w_70/@named/same.jpg"),
    "one picture, each time in another form": (
        "die-always",
        lambda number: f"/w_{100 + number}/@named/forms.jpg",
    ),
    "one that ends workers in large forms only": (
        "die-large",
        lambda number: f"/w_{100 + number}/@named/large.jpg",
    ),
    OTHERS: ("die-always", lambda number: f"/w_70/@named/other{number}.jpg"),
}


@dataclass
class Seen:
    """Answers to one kind of client."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, answer: Response) -> None:
        self.statuses[answer.status] += 1
        self.seconds.append(answer.seconds)

    def within(self, part: float) -> float:
        """Milliseconds within which this part of all was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[int(part * (len(ordered) - 1))]


def clients(server: OriginServer, over: threading.Event, seen: Seen, sizes: Iterator[int]) -> None:
    """Ask for pictures that have yet to be made, one after the other."""
    while not over.is_set():
        seen.add(ask(server.url, f"/w_{next(sizes)},f_jpg/@named/good.jpg"))
        time.sleep(PAUSE)


def attacked(
    server: OriginServer, attack: Attack | None, rate: float, seconds: float, sizes: Iterator[int]
) -> tuple[Seen, Seen]:
    """What two clients and the attacker saw."""
    over, good, hostile = threading.Event(), Seen(), Seen()
    with ThreadPoolExecutor(64) as pool:
        asking = [pool.submit(clients, server, over, good, sizes) for _ in range(2)]
        began = time.monotonic()
        sent = []
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            if attack is not None:
                sent.append(pool.submit(ask, server.url, attack(number)))
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        over.set()
        for one in sent:
            hostile.add(one.result())
        for client in asking:
            client.result()
    return good, hostile


def run(folder: Path, seconds: float, rate: float) -> bool:
    settings = misbehaving(folder) | {"ORIGIN_WORKERS": "2", "ORIGIN_QUEUE": "64"}
    (folder / "named" / "good.jpg").write_bytes(pictures.noise(300, 200, seed=1))
    server = origin_server(folder, **settings)
    sizes = count(1_000)
    rows: list[list[str]] = []
    well = True
    try:
        pid = server.pid
        calm, _ = attacked(server, None, rate, seconds / 2, sizes)
        rows.append(_row("nothing", 0, calm, Seen()))
        for number, (name, (mark, attack)) in enumerate(ATTACKS.items()):
            for file in {attack(one).rpartition("/")[2] for one in range(int(rate * seconds))}:
                seed = 1_000 * number + len(list((folder / "named").iterdir()))
                (folder / "named" / file).write_bytes(marked(mark, seed))
            before = deaths(folder)
            good, hostile = attacked(server, attack, rate, seconds, sizes)
            rows.append(_row(name, deaths(folder) - before, good, hostile))
            served = good.statuses[200] / good.statuses.total()
            well &= served >= (STRANGERS if name == OTHERS else 1) and set(hostile.statuses) <= REFUSALS
        well &= server.running and server.pid == pid and server.healthy()
    finally:
        server.stop()
    print(f"{machine()}; {rate:g} hostile requests a second for {seconds:g} s\n")
    print(table(["attack", "workers lost", "clients", "p50", "p99", "attacker"], rows))
    return well


def _row(name: str, lost: int, good: Seen, hostile: Seen) -> list[str]:
    answers = ", ".join(f"{number} x {status}" for status, number in sorted(good.statuses.items()))
    refused = ", ".join(f"{number} x {status}" for status, number in sorted(hostile.statuses.items()))
    return [name, str(lost), answers, f"{good.within(0.5):.0f} ms", f"{good.within(0.99):.0f} ms", refused]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=10.0)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="origin-crashes-") as folder:
        well = run(Path(folder), chosen.seconds, chosen.rate)
    print("all is well" if well else "something is wrong")
    sys.exit(not well)


if __name__ == "__main__":
    main()
