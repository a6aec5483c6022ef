"""What a cache did since this process started, for whoever measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Plain numbers, so that counting costs a request nothing."""

    hits: int = 0
    misses: int = 0
    errors: int = 0
    """Lookups that the store could not answer, and that counted as misses for the request."""
    evictions: int = 0
    """Entries that left to make room."""
