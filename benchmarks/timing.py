"""Does the time of a refusal tell something that its words do not?

Two kinds of refused requests by turns, in random order, and Welch's t of their times: below 4.5 nobody tells
them apart with so many samples. The slowest tenth of both is left out: it belongs to the machine. First the
verifier of signatures alone (and what it costs), then what a client sees of a running server: an unknown key
beside a known one, the private picture of somebody else beside one that never was, and a wrong password
beside an address without an account.
"""

from __future__ import annotations

import http.client
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from statistics import fmean, median, variance
from tempfile import TemporaryDirectory

from benchmarks.logins import ACCOUNT, OFF
from benchmarks.support import Report, arguments, photos, publish, serving
from urlspec import Keyring, SignatureError, SigningKey

MOST = 4.5
"""|t| from which on two times are told apart (TVLA's habit)."""
KEY = "k" * 40
SETTINGS = OFF | {"ORIGIN_SIGNING_KEYS": f"web:{KEY}", "ORIGIN_UNSIGNED": "any"}
REST = "/w_640,f_auto/7Nq3vZ8kYtXw2mRb9sLcPd"
Ask = Callable[[], object]


def samples(left: Ask, right: Ask, count: int, dice: random.Random) -> tuple[list[int], list[int]]:
    """Nanoseconds of ``count`` calls of each."""
    found: tuple[list[int], list[int]] = ([], [])
    order = [0, 1] * count
    dice.shuffle(order)
    for side in order:
        ask = (left, right)[side]
        started = time.perf_counter_ns()
        ask()
        found[side].append(time.perf_counter_ns() - started)
    return found


def welch(left: Sequence[int], right: Sequence[int]) -> float:
    """Welch's t, of all but the slowest tenth of both together."""
    limit = sorted([*left, *right])[int(0.9 * (len(left) + len(right)))]
    kept = [[value for value in side if value <= limit] for side in (left, right)]
    spread = sum(variance(side) / len(side) for side in kept)
    return (fmean(kept[0]) - fmean(kept[1])) / math.sqrt(spread)


def refusing(keys: Keyring, path: bytes) -> Ask:
    def ask() -> None:
        with suppress(SignatureError):
            keys.verify(path, 1_800_000_000)
            raise AssertionError("accepted")

    return ask


def verifier(keys: Keyring) -> tuple[bytes, Ask, Ask]:
    """A right path, and the check of one whose first and of one whose last character is wrong."""
    right = keys.sign(REST).encode()
    start = right.index(b"/", 1) - 43

    def wrong(place: int) -> bytes:
        changed = bytearray(right)
        changed[start + place] = ord("A") if changed[start + place] != ord("A") else ord("B")
        return bytes(changed)

    first, last = refusing(keys, wrong(0)), refusing(keys, wrong(42))
    return right, first, last


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, named)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def expecting(self, status: int, method: str, path: str, body: bytes = b"", **headers: str) -> Ask:
        def ask() -> None:
            got, text = self.send(method, path, body, **headers)
            assert got == status, text

        return ask


def private_picture(client: Client) -> str:
    """The id of one, of somebody who is not the client."""
    json_body = {"Content_Type": "application/json"}
    assert client.send("POST", "/auth/register", ACCOUNT, **json_body)[0] == 201
    token = json.loads(client.send("POST", "/auth/login", ACCOUNT, **json_body)[1])["access_token"]
    picture = min(photos(progressive=False), key=lambda path: path.stat().st_size).read_bytes()
    field = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    whole = field % (b"visibility", b"", b"private") + field % (b"file", b'; filename="p"', picture)
    status, body = client.send(
        "POST",
        "/images",
        whole + b"--x--\r\n",
        Content_Type="multipart/form-data; boundary=x",
        Authorization=f"Bearer {token}",
    )
    assert status == 201, body
    return str(json.loads(body)["id"])


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--verifications", type=int, default=50_000, help="of each kind")
    parser.add_argument("--requests", type=int, default=3_000, help="of each kind")
    parser.add_argument("--logins", type=int, default=60, help="of each kind; a tenth of a second each")
    options = parser.parse_args()
    dice = random.Random(4)
    rows: list[list[str]] = []
    apart: dict[str, float] = {}

    def compare(name: str, left: Ask, right: Ask, count: int) -> None:
        found = [welch(*samples(left, right, count, dice)) for _ in range(options.rounds)]
        typical = median(samples(left, right, max(20, count // 10), dice)[0]) / 1000
        worst = max(found, key=abs)
        apart[name] = worst
        rows.append(
            [name, str(count), f"{typical:,.1f}", f"{worst:+.2f}", "yes" if abs(worst) > MOST else "no"]
        )

    keys = Keyring((SigningKey("web", KEY), SigningKey("next", "n" * 40)))
    right, first, last = verifier(keys)
    accepted = samples(
        lambda: keys.verify(right, 0), lambda: keys.verify(right, 0), options.verifications, dice
    )
    cost = median(accepted[0]) / 1000
    compare("signature: first character wrong / last one", first, last, options.verifications)
    with (
        TemporaryDirectory() as folder,
        serving(Path(folder) / "data", **SETTINGS) as server,
        closing(Client(server.port)) as client,
    ):
        id = private_picture(client)
        missing = id[::-1]
        compare(
            "403: unknown key / wrong signature",
            client.expecting(403, "GET", f"/s1.old.0.{'A' * 43}/w_20/{id}"),
            client.expecting(403, "GET", f"/s1.web.0.{'A' * 43}/w_20/{id}"),
            options.requests,
        )
        compare(
            "404: private / never there",
            client.expecting(404, "GET", f"/w_20/{id}"),
            client.expecting(404, "GET", f"/w_20/{missing}"),
            options.requests,
        )
        kind = {"Content_Type": "application/json"}
        wrong = ACCOUNT.replace(b"correct", b"incorrect")
        compare(
            "sign-in: wrong password / no account",
            client.expecting(401, "POST", "/auth/login", wrong, **kind),
            client.expecting(401, "POST", "/auth/login", wrong.replace(b"many@", b"none@"), **kind),
            options.logins,
        )
    title = f"A right signature is verified in {cost:.1f} us. Can two refusals be told apart by their time?"
    head = ["refusals", "samples each", "median us", "Welch's t", "told apart"]
    bars = {"|t|": {name: abs(t) for name, t in apart.items()}}
    figures = apart | {"verification of a right signature, us": cost}
    publish(Report("timing", title, head, rows, unit="t", bars=bars, figures=figures), options)


if __name__ == "__main__":
    main()
