"""Searches for inputs that break what reads strangers' bytes: ``python -m tests.fuzz paths --minutes 5``.

Draws from the strategies in one round after the other, each from a seed of its own, until the time is over.
A fault ends the search with its smallest example and exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import bodies, paths

TARGETS = {"paths": paths, "bodies": bodies}
ROUND = 2_000
"""Inputs of a round."""


class _OverError(BaseException):
    """The time is over; no Exception, so that it is no finding."""


def search(target: ModuleType, seconds: float, first: int) -> Counter[str]:
    """How often each outcome was seen. Raises what a fault raises, with its smallest example in its notes."""
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    number = first
    while time.monotonic() < end:
        try:
            _round(target, outcomes, end, number)()
        except _OverError:
            break
        number += 1
    return outcomes


def _round(target: ModuleType, outcomes: Counter[str], end: float, number: int) -> Callable[[], None]:
    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(target.INPUTS)
    def run(drawn: Any) -> None:
        if time.monotonic() > end:
            raise _OverError
        outcomes[target.check(drawn)] += 1

    search: Callable[[], None] = run
    return search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it says what is wrong with each body
    outcomes = search(TARGETS[chosen.target], chosen.minutes * 60, chosen.seed)
    told = ", ".join(f"{number:,} {what}" for what, number in outcomes.most_common())
    print(f"{chosen.target}: {outcomes.total():,} inputs in {chosen.minutes:g} minutes, no fault ({told})")


if __name__ == "__main__":
    main()
