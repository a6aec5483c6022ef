"""Pictures that end render workers are not tried again and again.

What ended two workers is refused for an hour: this picture in this chain. The picture by itself, in every
chain, only when decoding it ends workers too, at upload or when one pixel of it is rendered: else anybody
could take another's picture away with a chain that is too much for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from origin.errors import ImageUnprocessable, OriginError
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


class Refusals:
    """Remembers what ended workers."""

    def __init__(self, strikes: Strikes, renderer: Renderer, limits: Limits = Limits()) -> None:  # noqa: B008
        self._strikes = strikes
        self._renderer = renderer
        self._limits = limits
        self._trials: set[asyncio.Task[None]] = set()
        self.refused = {"pair": 0, "content": 0}
        """Requests that were turned away since the start."""

    async def close(self) -> None:
        for task in self._trials:
            task.cancel()
        await asyncio.gather(*self._trials, return_exceptions=True)

    async def render(self, suspects: Suspects) -> Case:
        """Before a render. Raises ImageUnprocessable for what is refused."""
        counts = await self._checked(suspects.names)
        return Case(self, suspects.pair, counts[0], suspects.contents)

    async def upload(self, sha256: str) -> Case:
        """Before the full decode of an upload. Raises ImageUnprocessable for what is refused."""
        name = _content(sha256)
        (count,) = await self._checked([name])
        return Case(self, name, count)

    async def _checked(self, names: Sequence[str]) -> list[int]:
        counts = await self._strikes.counts(names)
        for name, count in zip(names, counts, strict=True):
            if count >= MOST:
                kind = name.partition(":")[0]
                self.refused[kind] += 1
                what = "picture in this form" if kind == "pair" else "picture"
                raise ImageUnprocessable(
                    f"Making this {what} has ended {MOST} workers; it is not tried again for an hour."
                )
        return counts

    async def strike(self, name: str, contents: Mapping[str, Source]) -> None:
        """A worker was lost to ``name``; the ``contents`` are tried by themselves when it is refused now."""
        if await self._strikes.add(name, 1, SECONDS) < MOST or not contents:
            return
        # In the background: nobody needs to wait for a verdict that only later requests meet.
        task = asyncio.create_task(self._tried(contents))
        self._trials.add(task)
        task.add_done_callback(self._trials.discard)

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
        log.warning("a picture ends workers whatever is made of it: %s", content)
        await self._strikes.add(_content(content), MOST, SECONDS)


@dataclass(frozen=True, slots=True)
class Case:
    """One try of what may have ended a worker before."""

    _refusals: Refusals
    _name: str
    _before: int
    _contents: tuple[str, ...] = ()

    async def lost(self, sources: Sequence[Source] = ()) -> None:
        """It has ended a worker. ``sources``: the files of the contents."""
        await self._refusals.strike(self._name, dict(zip(self._contents, sources, strict=True)))

    async def passed(self) -> None:
        """It came out, so it was not the picture's fault."""
        if self._before:
            await self._refusals.clear(self._name)


def _content(sha256: str) -> str:
    return "content:" + hashlib.sha256(sha256.encode()).hexdigest()[:40]
