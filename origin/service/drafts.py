"""Answers that cost less now and are replaced by better ones when nothing else is to do.

A draft is a whole, right picture of the asked size and quality that an encoder with more time would have
written in fewer bytes. It lives a minute, in caches too, and its entity tag is weak (RFC 9110, section
8.8.1): whoever asks again with it gets the better one as soon as there is one. There are two reasons for a
draft: AVIF, whose good efforts take seconds, where the client left the format to us; and, for any format,
renders that queue up, when less effort is better than a refusal.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal, Protocol

from origin.errors import OriginError
from origin.imaging.model import Diligence
from origin.service.admission import Admitted
from urlspec.errors import UrlSpecError
from urlspec.outputs import Format, MaxBytes

log = logging.getLogger(__name__)

MOST: Final = 1_000
"""Drafts that wait to be replaced. More are forgotten, oldest first, until they are asked for again."""
PAUSE: Final = 0.5
"""Seconds between two looks whether anything else is to do."""
REST: Final = 600.0
"""Seconds for which a draft that could not be replaced is left as it is."""

Upgrade = Literal["auto", "all", "off"]


class Load(Protocol):
    """The render workers."""

    @property
    def waiting(self) -> int:
        """Jobs without a worker."""
        ...

    @property
    def busy(self) -> int:
        """Jobs at work."""
        ...

    @property
    def size(self) -> int:
        """How many workers there are."""
        ...


class Drafts:
    """Says how much work a render may take now, and has drafts replaced, one at a time.

    ``upgrade``: AVIF begins as a draft where ``f_auto`` chose it (``auto``), always (``all``) or never
    (``off``). ``hurry``: while at least as many renders wait as there are workers, any format does.
    """

    def __init__(
        self,
        load: Load,
        *,
        upgrade: Upgrade = "auto",
        hurry: bool = True,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._upgrade = upgrade
        self._hurry = hurry
        self._pause = pause
        self._clock = clock
        self._waiting: OrderedDict[str, Callable[[], Awaitable[None]]] = OrderedDict()
        self._resting: OrderedDict[str, float] = OrderedDict()
        self._now = ""
        """Key of what is being replaced."""
        self._task: asyncio.Task[None] | None = None
        self.settled = {"replaced": 0, "failed": 0}
        """Drafts whose turn has come since the start; another server may have had them before."""

    def __len__(self) -> int:
        return len(self._waiting)

    def pace(self, admitted: Admitted) -> tuple[Diligence, Diligence]:
        """How much work a picture gets now, and how much it is worth."""
        goal: Diligence = "thorough" if self._upgrades(admitted) else "usual"
        if admitted.unhurried:
            return goal, goal
        queued = self._hurry and self._load.waiting >= self._load.size
        return ("hurried" if queued else "usual"), goal

    def _upgrades(self, admitted: Admitted) -> bool:
        output = admitted.request.output
        if self._upgrade == "off" or output.has(MaxBytes):  # a ceiling takes many encodes
            return False
        if admitted.negotiated:
            return admitted.accept == "avif"
        return self._upgrade == "all" and output.get(Format) == Format("avif")

    def later(self, key: str, replace: Callable[[], Awaitable[None]]) -> None:
        """Call ``replace`` when there is nothing else to do."""
        if key == self._now or key in self._waiting or self._resting.get(key, 0) > self._clock():
            return
        self._waiting[key] = replace
        if len(self._waiting) > MOST:
            self._waiting.popitem(last=False)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._pause)
            if self._load.waiting or self._load.busy:
                continue
            self._now, replace = self._waiting.popitem(last=False)
            try:
                await replace()
                self.settled["replaced"] += 1
            except (OriginError, UrlSpecError, TimeoutError) as error:
                log.info("a draft stays as it is: %r", error)
                self._rest(self._now)
            except Exception:
                log.exception("a draft could not be replaced")
                self._rest(self._now)
            finally:
                self._now = ""

    def _rest(self, key: str) -> None:
        self.settled["failed"] += 1
        self._resting[key] = self._clock() + REST
        self._resting.move_to_end(key)
        if len(self._resting) > MOST:
            self._resting.popitem(last=False)
