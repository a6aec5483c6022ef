"""The oldest versions of libraries to serve with: older ones have holes that are known to everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Final

from origin.errors import TooOld

FLOORS: Final = {
    "libvips": "8.18.2",  # CVE-2026-2913, CVE-2026-3284
    "libwebp": "1.3.2",  # CVE-2023-4863
    "pyjwt": "2.15.1",  # algorithm confusion, unknown crit, key sets that vanish with one failed fetch
    "starlette": "0.49.1",  # GHSA-f96h-pmfr-66vw, GHSA-7f5h-v6xp-fcq8
    "python-multipart": "0.0.18",  # GHSA-59g5-xgcq-4qw3
    "cryptography": "44.0.1",  # CVE-2024-12797 in the OpenSSL of its wheels
}
PACKAGES: Final = frozenset({"pyjwt", "starlette", "python-multipart", "cryptography"})
"""Those that are asked for their version where the server runs; the others are asked in a worker."""


def packages(installed: Callable[[str], str] = version) -> dict[str, str]:
    """Name: version, as installed."""
    return {name: installed(name) for name in sorted(PACKAGES)}


def outdated(found: dict[str, str]) -> list[str]:
    """What is older than it may be, each with what to do."""
    return [
        f"{name} {text} has known holes: install {FLOORS[name]} or newer"
        for name, text in found.items()
        if _numbers(text) < _numbers(FLOORS[name])
    ]


def refuse(problems: Iterable[str]) -> None:
    """Raises TooOld where there are any."""
    if lines := list(problems):
        raise TooOld("; ".join(lines))


def _numbers(text: str) -> tuple[int, ...]:
    """``2.15.1rc1`` as (2, 15, 1): what follows the numbers does not count."""
    head = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in head[0].split(".")) if head else ()
