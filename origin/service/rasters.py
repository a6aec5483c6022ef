"""An original is decoded once where once will do: what is kept of it, and who decodes it for the others."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from origin.errors import OriginError
from origin.imaging.model import NEVER, WIDE, Keep
from origin.ports import AssetFinder, KeptRasters
from origin.service.catalog import Found, identity
from urlspec import arguments as a
from urlspec.request import Request

log = logging.getLogger(__name__)

REMEMBERED = 20_000
"""Originals of which is known that they were asked for before, or that nothing can be kept of them."""
WINDOW = 0.01
"""Seconds that a decode waits for others of the same original, when no worker is free for it anyway."""
SECONDS_PER_BYTE = 1e-9
"""When a worker is free: a tenth of what decoding takes, so that a burst of sizes finds one who decodes."""

ROUNDS = 5
"""How often it waits that long because others have come meanwhile."""

_Key = tuple[str, str]
"""Owner and content, with its version and purges."""
_Memory = OrderedDict[_Key, None]


class Turn:
    """Leave to decode an original."""

    def __init__(
        self,
        store: KeptRasters | None,
        key: _Key,
        barren: _Memory,
        *,
        late: bool,
        wide: bool,
        shared: bool,
    ) -> None:
        self.late = late
        """Another decode has just ended: what was kept of it may do."""
        self._wide = wide
        self._shared = shared
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
        return Keep(self._path, self._wide, self._shared)

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

    The first variant of an original has as little decoded as it needs; what falls out is kept. Of a burst,
    who needs most decodes, and the others wait. A later variant that needs more than what is kept has it
    decoded as large as nearly every variant needs it. Without a ``store`` nothing is kept, and nobody waits.
    ``busy`` says that no worker is free.
    """

    def __init__(
        self,
        store: KeptRasters | None,
        busy: Callable[[], bool] = lambda: False,
        assets: AssetFinder | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._pause = pause
        self._assets = assets
        self._hearing: set[asyncio.Task[None]] = set()
        self._busy = busy
        self._asked: _Memory = OrderedDict()
        self._barren: _Memory = OrderedDict()
        self._groups: dict[_Key, _Group] = {}

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
    async def turn(self, found: Found, request: Request, *, more: bool = False) -> AsyncIterator[Turn]:
        """Wait for a decode of the same original that may do for this one too; otherwise decode.

        ``more``: it is known that other variants follow.
        """
        key = _key(found)
        if self._store is None or key in self._barren:
            yield Turn(None, key, self._barren, late=False, wide=False, shared=False)
            return
        asker = _Asker(needed(request))
        group, first = self._joined(key, asker)
        turn: Turn | None = None
        try:
            if first:
                await self._gathered(group, found.size or 0)
                group.wide = more or key in self._asked
                group.choose()
            await group.chosen.wait()
            leads = group.leader is asker
            if not leads:
                await group.done.wait()
            wide = (more or key in self._asked) and not any(path.endswith(WIDE) for path in self.kept(found))
            _note(self._asked, key)
            shared = leads and len(group.askers) > 1
            turn = Turn(self._store, key, self._barren, late=not leads, wide=wide, shared=shared)
            yield turn
        finally:
            if turn is not None:
                turn.end()
            group.leave(asker)
            if group.done.is_set() and self._groups.get(key) is group:
                del self._groups[key]

    async def _gathered(self, group: _Group, size: int) -> None:
        """Wait for who asks for the same original of ``size`` bytes, as long as more of them keep coming.

        Who came too late, and needs more than the first, would have it decoded once more.
        """
        pause = WINDOW if self._busy() else min(WINDOW, SECONDS_PER_BYTE * size)
        known = rounds = 0
        while known < len(group.askers) and rounds < ROUNDS:
            known = len(group.askers)
            rounds += 1
            await self._pause(pause)

    def _joined(self, key: _Key, asker: _Asker) -> tuple[_Group, bool]:
        """The group of those who ask for the same original, and whether it is new."""
        group = self._groups.get(key)
        # What is being decoded for somebody who needs less would not do, unless it is more than they need.
        if group is not None and (group.leader is None or group.wide or group.leader.need >= asker.need):
            group.askers.append(asker)
            return group, False
        self._groups[key] = group = _Group([asker])
        return group, True


@dataclass(eq=False, slots=True)
class _Asker:
    need: float


@dataclass(eq=False, slots=True)
class _Group:
    """Who asks for the same original at the same time: who needs most decodes, the others wait for that."""

    askers: list[_Asker]
    leader: _Asker | None = None
    chosen: asyncio.Event = field(default_factory=asyncio.Event)
    wide: bool = False
    """It decodes as large as nearly every variant needs it."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """The leader has ended, well or not."""

    def choose(self) -> None:
        self.leader = max(self.askers, key=lambda asker: asker.need)
        self.chosen.set()

    def leave(self, asker: _Asker) -> None:
        if self.leader is None and asker is self.askers[0]:
            # Who was to choose has gone before it did.
            self.askers.remove(asker)
            if self.askers:
                self.choose()
            else:
                self.done.set()
        if asker is self.leader:
            self.done.set()


def needed(request: Request) -> float:
    """A measure of how many pixels of the original a variant needs: along one side, as far as the URL says.

    It need only be right most of the time: it decides who decodes, not what anybody gets.
    """
    for part in request.components:
        crop, dpr = part.get(a.Crop), part.get(a.Dpr)
        if crop is not None and crop.mode == "crop":
            return math.inf
        values = [side.value for side in (part.get(a.Width), part.get(a.Height)) if side]
        sides = [value for value in values if isinstance(value, int)]
        if sides:
            return max(sides) * (dpr.factor if dpr and isinstance(dpr.factor, float) else 1.0)
    return math.inf


def _key(found: Found) -> _Key:
    return found.asset.id if found.asset else found.ref.path(), found.identity


def _note(memory: _Memory, key: _Key) -> None:
    memory[key] = None
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
