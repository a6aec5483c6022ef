"""An original is decoded once where once will do: what is kept of it, and who decodes it for the others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

from origin.errors import OriginError
from origin.imaging.model import NEVER, WIDE, Keep
from origin.ports import AssetFinder, KeptRasters
from origin.service.catalog import Found, identity

log = logging.getLogger(__name__)

REMEMBERED = 20_000
"""Originals of which is known that they were asked for before, or that nothing can be kept of them."""
WINDOW = 0.01
"""Seconds that a decode waits for others of the same original, when no worker is free for it anyway."""

_Key = tuple[str, str]
"""Owner and content, with its version and purges."""
_Memory = OrderedDict[_Key, None]


class Turn:
    """Leave to decode an original."""

    def __init__(
        self, store: KeptRasters | None, key: _Key, barren: _Memory, *, late: bool, wide: bool
    ) -> None:
        self.late = late
        """Another decode has just ended: what was kept of it may do."""
        self.wide = wide
        self._store = store
        self._key = key
        self._barren = barren
        self._begun = time.monotonic()
        self._files = ExitStack()
        self._path: str | None = None

    def keep(self) -> Keep | None:
        """Where the decoded picture goes; None when it is not kept."""
        if self._store is None:
            return None
        try:
            self._path = self._files.enter_context(self._store.begin())
        except OriginError as error:
            log.warning("no decoded picture is kept: %r", error.__cause__)
            return None
        return Keep(self._path, self.wide)

    async def kept(self, what: str) -> None:
        """The file is whole, and its original is still what was asked for. ``what``: as ``Rendered.kept``."""
        if what == NEVER:
            _note(self._barren, self._key)
        if self._store is None or self._path is None or what in {"", NEVER}:
            return
        try:
            await self._store.publish(self._path, *self._key, what, begun=self._begun)
        except OriginError as error:
            log.warning("a decoded picture is not kept: %r", error.__cause__)

    def end(self) -> None:
        self._files.close()


class Decodes:
    """Hands out turns to decode.

    Who asks for an original the first time decodes as little as it needs; what falls out is kept. Who needs
    more of it decodes it as large as nearly every variant needs it, and meanwhile the others wait. Without a
    ``store`` nothing is kept, and nobody waits. ``busy`` says that no worker is free.
    """

    def __init__(
        self,
        store: KeptRasters | None,
        busy: Callable[[], bool] = lambda: False,
        assets: AssetFinder | None = None,
    ) -> None:
        self._store = store
        self._assets = assets
        self._hearing: set[asyncio.Task[None]] = set()
        self._busy = busy
        self._asked: _Memory = OrderedDict()
        self._barren: _Memory = OrderedDict()
        self._here: Counter[_Key] = Counter()
        self._wide: dict[_Key, asyncio.Event] = {}

    def kept(self, found: Found) -> tuple[str, ...]:
        """Files with the decoded picture."""
        if self._store is None:
            return ()
        return self._store.find(*_key(found))

    def count(self, *, hit: bool) -> None:
        """A variant was made from what is kept, or not."""
        if self._store is not None:
            self._store.count(hit=hit)

    async def drop(self, found: Found) -> None:
        """Something is wrong with what is kept."""
        if self._store is not None:
            await self._store.forget(_key(found)[0])

    async def changed(self, id: str) -> None:
        """Remove what is kept of an asset, besides what may still be asked for."""
        if self._store is None:
            return
        live: list[str] = []
        try:
            asset = await self._assets.find(id) if self._assets else None
            if asset is not None and asset.deleted is None:
                live = [
                    identity(asset, version)
                    for version in (asset.current, *asset.older)
                    if not version.purged
                ]
        except OriginError as error:
            log.warning("all that is kept of %s is removed: %r", id, error.__cause__)
        await self._store.forget(id, live)

    def heard(self, id: str) -> None:
        """Another process has changed an asset."""
        if self._store is not None:
            task = asyncio.create_task(self.changed(id))
            self._hearing.add(task)
            task.add_done_callback(self._hearing.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._hearing, return_exceptions=True)

    @asynccontextmanager
    async def turn(self, found: Found, *, more: bool = False) -> AsyncIterator[Turn]:
        """Wait for a decode of the same original that may do for this one too; otherwise decode.

        ``more``: it is known that other variants follow.
        """
        key = _key(found)
        if self._store is None or key in self._barren:
            yield Turn(None, key, self._barren, late=False, wide=False)
            return
        self._here[key] += 1
        mine: asyncio.Event | None = None
        try:
            if self._busy():
                await asyncio.sleep(WINDOW)
            running = self._wide.get(key)
            if running is not None:
                await running.wait()
            again = more or key in self._asked or self._here[key] > 1
            _note(self._asked, key)
            if again and key not in self._wide and not any(path.endswith(WIDE) for path in self.kept(found)):
                mine = self._wide[key] = asyncio.Event()
            turn = Turn(self._store, key, self._barren, late=running is not None, wide=mine is not None)
            try:
                yield turn
            finally:
                turn.end()
        finally:
            if mine is not None:
                del self._wide[key]
                mine.set()
            self._here[key] -= 1
            if not self._here[key]:
                del self._here[key]


def _key(found: Found) -> _Key:
    return found.asset.id if found.asset else found.ref.path(), found.identity


def _note(memory: _Memory, key: _Key) -> None:
    memory[key] = None
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
