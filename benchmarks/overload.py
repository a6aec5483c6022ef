"""Who is served and how soon, and how soon the others are refused, when five times too many ask?

Every request is for a picture that is still to be made. First as many as the workers manage, then at a rate
near that, then at five times of it; the load does not wait for answers. Refusals are timed twice: by the
server, and by the client, which shares the machine with it; how late the client was with its own requests
says how much of the rest is the machine's. At most: 10 ms for a refusal, by the server's clock; for the
served twice the time that the slowest hundredth takes at four fifths of the load.
"""

from __future__ import annotations

import asyncio
import math
import time
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import (
    Sample,
    closed_loop,
    logged,
    milliseconds,
    open_loop,
    percentile,
    statuses,
    variants,
)
from benchmarks.support import Promise, Report, arguments, photos, publish, serving
from tests.support.origin import run_cli

SOON = 0.01
"""Seconds within which a refusal is to come."""
HEAD = (
    "load",
    "rate",
    "answers",
    "served/s",
    "served p50",
    "p99",
    "refused p50",
    "p99",
    "to the client p50",
    "p99",
    "client late p99",
)


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase")
    parser.add_argument("--times", type=float, default=5.0, help="the capacity, as load")
    options = parser.parse_args()
    photo = photos(progressive=False)[0]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = folder / "log"
        with serving(folder / "data", log) as server:
            url = f"http://127.0.0.1:{server.port}"
            id = put(folder, photo)
            new = variants(id)
            asyncio.run(closed_loop(url, new, 2, 2.0))  # warm
            capacity = asyncio.run(closed_loop(url, new, 2, options.seconds))
            most = sum(one.status == 200 for one in capacity) / options.seconds
            rows = []
            figures: dict[str, float] = {"capacity": most}
            steady = float("nan")
            for times_of in (0.8, 1.0, options.times):
                name, rate = f"{times_of:g}", times_of * most
                _, mark = logged(log)
                samples = asyncio.run(open_loop(url, new, rate, options.seconds))
                seen, _ = logged(log, mark)
                rows.append(row(f"{name} × capacity", rate, samples, seen, options.seconds))
                served = [one.seconds for one in samples if one.status == 200]
                shed = [seconds for status, seconds in seen if status == 503]
                if math.isnan(steady):
                    steady = percentile(served, 0.99)
                figures |= {
                    f"served p99 at {name}": percentile(served, 0.99),
                    f"longer at {name}": percentile(served, 0.99) / steady,
                    f"shed p50 at {name}": percentile(shed, 0.5),
                    f"shed p99 at {name}": percentile(shed, 0.99),
                    f"shed in time at {name}": sum(one <= SOON for one in shed) / max(1, len(shed)),
                    f"without Retry-After at {name}": sum(
                        one.status == 503 and not one.retry_after for one in samples
                    ),
                }
            started = time.perf_counter()
            while asyncio.run(closed_loop(url, new, 1, 0.01))[0].status != 200:
                pass
            figures["well again after"] = time.perf_counter() - started
            mixed = hits_amid(url, id, options.times * most, options.seconds)
            hit_row = ["hits amid it", f"{10.0:.0f}/s", statuses(mixed), "", *times(mixed, 200)]
            rows.append([*hit_row, "", "", "", "", late(mixed)])
    worst = f"{options.times:g}"
    within = figures[f"shed in time at {worst}"] * 100
    title = (
        f"{most:.1f} renders/s are possible; at {worst} times as many {within:.1f} % of the refusals"
        f" take at most {SOON * 1000:g} ms"
    )
    soon = SOON * 1000
    promises = [
        Promise(
            f"a refusal at {worst} times the load", figures[f"shed p50 at {worst}"] * 1000, soon, unit="ms"
        ),
        Promise("the same, slowest hundredth", figures[f"shed p99 at {worst}"] * 1000, soon, unit="ms"),
        Promise("p99 of the served then to that at four fifths", figures[f"longer at {worst}"], most=2),
    ]
    publish(Report("overload", title, HEAD, rows, figures=figures, promises=promises), options)


def put(folder: Path, photo: Path) -> str:
    import json

    environment = {"HOME": str(folder), "ORIGIN_DATA_DIR": str(folder / "data"), "PATH": "/usr/bin:/bin"}
    done = run_cli("put", "--json", photo, environment=environment)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return str(json.loads(done.stdout)["id"])


def times(samples: list[Sample], status: int) -> list[str]:
    found = [one.seconds for one in samples if one.status == status]
    return [milliseconds(found, 0.5), milliseconds(found, 0.99)]


def late(samples: list[Sample]) -> str:
    return milliseconds([one.late for one in samples], 0.99)


def row(
    name: str, rate: float, samples: list[Sample], seen: list[tuple[int, float]], seconds: float
) -> list[str]:
    served = sum(one.status == 200 for one in samples)
    shed = [took for status, took in seen if status == 503]
    return [
        name,
        f"{rate:.0f}/s",
        statuses(samples),
        f"{served / seconds:.1f}",
        *times(samples, 200),
        milliseconds(shed, 0.5),
        milliseconds(shed, 0.99),
        *times(samples, 503),
        late(samples),
    ]


def hits_amid(url: str, id: str, rate: float, seconds: float) -> list[Sample]:
    """Pictures that are there already, asked for while the rest is refused."""
    known = f"/w_150,f_webp/{id}"

    async def both() -> list[Sample]:
        await closed_loop(url, cycle([known]), 1, 0.1)
        hits, _ = await asyncio.gather(
            open_loop(url, cycle([known]), 10.0, seconds),
            open_loop(url, variants(id, start=9_000), rate, seconds),
        )
        return hits

    return asyncio.run(both())


if __name__ == "__main__":
    main()
