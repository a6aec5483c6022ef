"""``origin export`` and ``origin import``: everything into a folder, and from there into another store."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from origin.app import build, export_store, import_store
from origin.settings import Settings


class Bars:
    """A bar on stderr for each part of the work, where somebody can see it."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._bars = Progress(*columns, console=console, disable=not sys.stderr.isatty())
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, what: str, total: int) -> None:
        self._task = self._bars.add_task(what, total=total)

    def advance(self, by: int) -> None:
        assert self._task is not None
        self._bars.advance(self._task, by)


async def export_to(settings: Settings, folder: Path) -> None:
    """Write the store that the settings name into ``folder``. Raises what stands in its way."""
    async with build(settings).stored() as origin:
        with Bars() as bars:
            done = await export_store(origin.database, origin.originals, folder, bars)
    counts = done.counts
    _say(
        f"Exported to {folder}: {_number(counts.assets, 'asset')} ({_number(counts.versions, 'version')}), "
        f"{_number(counts.users, 'user')} and {_number(counts.originals, 'original')} of "
        f"{decimal(counts.bytes)}; {_number(done.copied, 'original')} had to be copied."
    )
    if done.changed:
        _say(
            f"{_number(done.changed, 'asset')} changed meanwhile: "
            "export again with the servers stopped to have everything as it is in the end."
        )


async def import_from(settings: Settings, folder: Path) -> None:
    """Add what is in ``folder`` to the store that the settings name. Raises what stands in its way."""
    async with build(settings).stored() as origin:
        with Bars() as bars:
            done = await import_store(origin.database, origin.originals, folder, bars)
    counts = done.counts
    _say(
        f"Imported from {folder}: {_number(done.assets, 'asset')}, {_number(done.users, 'user')} and "
        f"{_number(done.originals, 'original')}. Already there: "
        f"{_number(counts.assets - done.assets, 'asset')}, {_number(counts.users - done.users, 'user')}."
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal
