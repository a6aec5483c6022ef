"""Pictures that end render workers are not tried again and again.

What ended two workers is refused for an hour: this picture in this chain. The picture by itself, in every
chain, only when decoding it ends workers too, at upload or when one pixel of it is rendered: else anybody
could take another's picture away with a chain that is too much for it. Who asks for it in a new form each
time still ends a worker each time, so what is suspected is made one at a time, with a rest after each loss:
the other workers go on with what everybody else wants.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from origin.errors import ImageUnprocessable, OriginError, Overloaded
from origin.imaging.model import Job, Limits, Lost, Rendered, Source
from origin.ports import Strikes
from origin.service.admission import Admitted
from urlspec.outputs import Download, Fallback, Version
from urlspec.parse import parse
from urlspec.request import Output
from urlspec.sources import AssetRef

log = logging.getLogger(__name__)

MOST: Final = 2
"""Workers that a picture may end."""
SECONDS: Final = 3_600.0
REST: Final = 2.0
"""Seconds after a loss until the next suspect has its turn: a new worker takes a core for half a second."""
LINE: Final = 4
"""Suspects that may wait for their turn."""
STORM: Final = (3, 10.0)
"""So many pictures that end workers within so many seconds: then what has never come out is suspected too."""
_GOOD: Final = 10_000
"""Contents of which is remembered that they have come out."""

_ONE_PIXEL: Final = b"/c_scale,w_1,h_1,f_png/x"
_NOBODY: Final = AssetRef("x")


class Renderer(Protocol):
    async def render(self, job: Job, lost: Lost | None = None) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Suspects:
    """A chain and the contents it is made from, by hash."""

    chain: str
    contents: tuple[str, ...]
    """The source first."""

    @classmethod
    def of(cls, admitted: Admitted) -> Suspects:
        """Whatever the picture is called: the same bytes under another id are the same."""
        request = admitted.request
        output = tuple(
            one for one in request.output.arguments if not isinstance(one, Download | Version | Fallback)
        )
        text = replace(request, source=_NOBODY, output=Output(output)).canonical()
        return cls(f"{admitted.accept} {text}", tuple(one.content for one in admitted.found))

    @property
    def pair(self) -> str:
        text = "\n".join((self.chain, *self.contents))
        return "pair:" + hashlib.sha256(text.encode()).hexdigest()[:40]

    @property
    def names(self) -> tuple[str, ...]:
        """The pair, then each content."""
        return (self.pair, *map(_content, self.contents))


class Lane:
    """One suspect at a time, and a rest after each that has ended a worker."""

    def __init__(self, rest: float = REST) -> None:
        self._rest = rest
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._closed = 0.0
        """Until when nobody has a turn."""

    def lost(self) -> None:
        self._closed = time.monotonic() + self._rest

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises Overloaded when too many wait already."""
        if self._waiting >= LINE:
            raise Overloaded("Pictures like this one have ended workers; they are made one after the other.")
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            await asyncio.sleep(self._closed - time.monotonic())
            yield
        finally:
            self._lock.release()


class Refusals:
    """Remembers what ended workers."""

    def __init__(
        self,
        strikes: Strikes,
        renderer: Renderer,
        limits: Limits = Limits(),  # noqa: B008
        rest: float = REST,
    ) -> None:
        self._strikes = strikes
        self._renderer = renderer
        self._limits = limits
        self._trials: set[asyncio.Task[None]] = set()
        self._lane = Lane(rest)
        self._losses: OrderedDict[str, float] = OrderedDict()
        """When the contents that were lost last were lost first."""
        self._good: OrderedDict[str, None] = OrderedDict()
        self.refused = {"pair": 0, "content": 0}
        """Requests that were turned away since the start."""

    async def close(self) -> None:
        for task in self._trials:
            task.cancel()
        await asyncio.gather(*self._trials, return_exceptions=True)

    async def render(self, suspects: Suspects) -> Case:
        """Before a render. Raises ImageUnprocessable for what is refused."""
        contents = suspects.contents
        counts = await self._checked(suspects.names, tuple(map(_losses, contents)))
        lost = dict(zip(contents, counts[-len(contents) :], strict=True))
        alone = any(map(self._suspected, lost, lost.values())) or self._stormy(contents)
        return Case(self, suspects.pair, counts[0], contents, self._lane if alone else None)

    def _suspected(self, content: str, losses: int) -> bool:
        """One loss may have had other reasons: then it is enough that it comes out."""
        return losses >= MOST or (losses > 0 and content not in self._good)

    def _stormy(self, contents: Iterable[str]) -> bool:
        """Whether workers are lost all the time just now, and this may be why."""
        most, seconds = STORM
        since = time.monotonic() - seconds
        return (
            len(self._losses) == most
            and min(self._losses.values()) > since
            and not all(content in self._good for content in contents)
        )

    async def upload(self, sha256: str) -> Case:
        """Before the full decode of an upload. Raises ImageUnprocessable for what is refused."""
        name = _content(sha256)
        (count,) = await self._checked([name])
        return Case(self, name, count)

    async def _checked(self, names: Sequence[str], others: Sequence[str] = ()) -> list[int]:
        """What is counted of ``names``, which are judged, and of ``others``."""
        counts = await self._strikes.counts([*names, *others])
        for name, count in zip(names, counts, strict=False):
            if count >= MOST:
                kind = name.partition(":")[0]
                self.refused[kind] += 1
                what = "picture in this form" if kind == "pair" else "picture"
                raise ImageUnprocessable(
                    f"Making this {what} has ended {MOST} workers; it is not tried again for an hour."
                )
        return counts

    async def strike(self, name: str, contents: Mapping[str, Source]) -> None:
        """A worker was lost to ``name``; the ``contents`` are tried by themselves now and then."""
        self._lane.lost()
        counts = [await self._strikes.add(name, 1, SECONDS)]
        for content in contents:
            self._note_loss(content)
            counts.append(await self._strikes.add(_losses(content), 1, SECONDS))
        if not contents or not any(count >= MOST and _is_power_of_two(count) for count in counts):
            return
        # In the background: nobody needs to wait for a verdict that only later requests meet.
        task = asyncio.create_task(self._tried(contents))
        self._trials.add(task)
        task.add_done_callback(self._trials.discard)

    def _note_loss(self, content: str) -> None:
        self._good.pop(content, None)
        if content not in self._losses:  # one that goes on doing so makes nobody else a suspect
            self._losses[content] = time.monotonic()
            if len(self._losses) > STORM[0]:
                self._losses.popitem(last=False)

    def came_out(self, contents: Iterable[str]) -> None:
        for content in contents:
            self._good[content] = None
            self._good.move_to_end(content)
            if len(self._good) > _GOOD:
                self._good.popitem(last=False)

    async def clear(self, name: str) -> None:
        await self._strikes.clear(name)

    async def _tried(self, contents: Mapping[str, Source]) -> None:
        request = parse(_ONE_PIXEL)
        for content, source in contents.items():
            job = Job(request, {request.source: source}, limits=self._limits)
            try:
                await self._renderer.render(job, lost=partial(self._condemn, content))
            except OriginError as error:  # it could not be opened, or it is gone from the cache meanwhile
                log.info("a picture that ended workers was tried by itself", exc_info=error)

    async def _condemn(self, content: str) -> None:
        self._lane.lost()
        log.warning("a picture ends workers whatever is made of it: %s", content)
        await self._strikes.add(_content(content), MOST, SECONDS)


@dataclass(frozen=True, slots=True)
class Case:
    """One try of what may have ended a worker before."""

    _refusals: Refusals
    _name: str
    _before: int
    _contents: tuple[str, ...] = ()
    _lane: Lane | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While a worker is at it. A suspect waits for its turn, and raises Overloaded when too many do."""
        if self._lane is None:
            yield
            return
        async with self._lane.turn():
            yield

    async def lost(self, sources: Sequence[Source] = ()) -> None:
        """It has ended a worker. ``sources``: the files of the contents."""
        await self._refusals.strike(self._name, dict(zip(self._contents, sources, strict=True)))

    async def passed(self) -> None:
        """It came out, so it was not the picture's fault."""
        self._refusals.came_out(self._contents)
        if self._before:
            await self._refusals.clear(self._name)


def _content(content: str) -> str:
    return "content:" + hashlib.sha256(content.encode()).hexdigest()[:40]


def _losses(content: str) -> str:
    """Under this name all losses to a content are counted, whatever was made of it."""
    return "loss:" + hashlib.sha256(content.encode()).hexdigest()[:40]


def _is_power_of_two(count: int) -> bool:
    """So that what goes on ending workers is not tried by itself each time."""
    return count & (count - 1) == 0
