"""How much memory there is for this process and its children."""

from __future__ import annotations

import os
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Of the container, in both versions of control groups (kernel documentation: cgroup-v2.rst, memory.max)."""


def host_memory(limits: tuple[str, ...] = _LIMITS) -> int:
    """Bytes of the machine, or of the container where that has less."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in limits:
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text.isdecimal():  # "max": no limit
            most = min(most, int(text))
    return most
