"""How much memory a server and its workers have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.support.origin import OriginServer


class Memory(NamedTuple):
    """MiB of proportional set size."""

    server: int
    workers: int
    """Of the largest worker."""


def sample(server: OriginServer) -> Memory:
    return Memory(pss(server.pid), max((pss(pid) for pid in server.workers()), default=0))


def pss(pid: int) -> int:
    """MiB; 0 for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (OSError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) >> 10 if found else 0
