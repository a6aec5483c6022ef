"""Figures that a test finds: printed (``pytest -s``), and never what decides it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field


@dataclass
class Figures:
    title: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, found: object, promise: str = "") -> None:
        self.rows.append((what, str(found), promise))

    def show(self) -> None:
        widths = [max(len(row[column]) for row in self.rows) for column in range(2)] if self.rows else [0, 0]
        lines = [f"\n{self.title}"]
        for what, found, promise in self.rows:
            lines.append(f"  {what.ljust(widths[0])}  {found.rjust(widths[1])}  {promise}".rstrip())
        sys.stdout.write("\n".join(lines) + "\n")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
