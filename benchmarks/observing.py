"""What does it cost a hit to be logged and counted?

CPU per request of each observer alone, for a signed URL answered from memory; the log goes nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.support import Report, arguments, median, publish
from origin.http.asgi import Scope
from origin.http.exchange import Exchange
from origin.observe.logs import access_log, configure
from origin.observe.metrics import Metrics
from origin.observe.scrub import Scrubber

PATH = b"/s1.web.0.dcbnCEVbkw0CHhz6UiS-h63vi9isa10Q4x2TwsUgz9E/w_640,f_auto/7Nq3vZ8kYtXw2mRb9sLcPd"
SCOPE: Scope = {
    "method": "GET",
    "raw_path": PATH,
    "headers": [(b"host", b"img.example"), (b"accept", b"image/avif,image/webp,*/*")],
    "client": ("203.0.113.9", 4711),
    "state": {"request_id": "0123456789abcdef", "cache": "memory", "seconds": {}},
}


def cost(observe: Callable[[Exchange], None], repeat: int) -> float:
    """CPU microseconds of one call."""
    before = time.process_time()
    for _ in range(repeat):
        observe(Exchange(SCOPE, 200, 24_000, 0.0004))
    return (time.process_time() - before) * 1e6 / repeat


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--repeat", type=int, default=20_000, help="requests of each kind in a round")
    options = parser.parse_args()
    with Path("/dev/null").open("w") as nowhere, redirect_stdout(nowhere):
        configure(Scrubber(["k" * 43, "j" * 43]))
        observers = {"log": access_log(lambda scope: str(scope["client"][0])), "metrics": Metrics().exchange}
        found: dict[str, list[float]] = {name: [] for name in observers}
        for _ in range(options.rounds):
            for name, observe in observers.items():
                found[name].append(cost(observe, options.repeat))
    figures = {name: median(values) for name, values in found.items()}
    rows = [[name, f"{value:.1f}"] for name, value in figures.items()]
    bars = {"hit": figures}
    title = f"CPU of an observer for a hit, {options.rounds} rounds of {options.repeat}"
    publish(Report("observing", title, ["observer", "CPU, µs"], rows, "µs", bars, figures), options)


if __name__ == "__main__":
    main()
