"""The life of a delivery URL, from its raw path to a finished picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from origin.errors import (
    DeadlineExceeded,
    Gone,
    ImageError,
    ImageTooLarge,
    ImageUnprocessable,
    NotFound,
    OriginError,
    RenderTimeout,
    SourceTooLarge,
    StorageBroken,
    StorageTimeout,
    Unavailable,
    UnsupportedMedia,
)
from origin.imaging.model import VECTOR, Header, Job, Limits, Lost, Opening, Rendered, Source, media_type
from origin.ports import HeldOriginals, Leases, Result
from origin.service.admission import Admission, Admitted, Ask, has_fallback, is_original
from origin.service.catalog import Found
from origin.service.drafts import Drafts
from origin.service.etags import entity_tag, matching_etag
from origin.service.flights import Flights
from origin.service.line import Line
from origin.service.rasters import Decodes, Turn
from origin.service.refused import Case, Refusals, Suspects
from origin.service.weights import Weights
from urlspec.outputs import Download, Metadata, Raw
from urlspec.sources import SourceRef

NEGATIVE_SECONDS = 60.0
"""For how long a URL that ran into its deadline is refused without trying again."""
STORAGE_SECONDS = 3.0
"""The same where storage was too slow: it recovers by itself, and the URL was not to blame."""
WARNING = "X-Warning"
LONGEST_WARNING = 400
"""Characters."""
MISSING = (NotFound, Gone, ImageError, StorageBroken, UnsupportedMedia)
"""What ``d_`` stands in for: the source is not there, or it is there and broken."""


class Renderer(Protocol):
    """The render workers."""

    async def render(self, job: Job, lost: Lost | None = None) -> Rendered: ...

    async def render_kept(self, job: Job) -> Rendered | None: ...

    async def original(self, path: str, keep: str = "none", lost: Lost | None = None) -> Rendered: ...


class Prober(Protocol):
    """Reads what a picture says about itself, in a worker."""

    async def probe(self, path: str, opening: Opening, lost: Lost | None = None) -> Header: ...


class Results(Protocol):
    async def lookup(self, key: str) -> tuple[Result, str] | None: ...

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Made:
    """A result, where it came from (``X-Cache``), and the seconds that its stages took."""

    result: Result
    cache: str
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivered:
    """An answer. ``made`` is None when the client's copy is still right (304)."""

    admitted: Admitted
    made: Made | None
    etag: str
    fallback: str = ""
    """The code of the error that made the fallback picture stand in."""
    draft: bool = False
    """A better version is being made, or may be."""


@dataclass(frozen=True, slots=True)
class DeliverSettings:
    limits: Limits
    deadline: float
    """Seconds for everything."""
    max_source_bytes: int
    fonts: str | None = None


Charge = Callable[[str], Awaitable[object]]
"""Admits a render, and counts it against whoever wants it. Raises Overloaded and TooManyRequests."""


class Deliver:
    """Answers delivery URLs."""

    def __init__(
        self,
        admission: Admission,
        originals: HeldOriginals,
        results: Results,
        leases: Leases,
        renderer: Renderer,
        settings: DeliverSettings,
        charge: Charge | None = None,
        refusals: Refusals | None = None,
        weights: Weights | None = None,
        decodes: Decodes | None = None,
        drafts: Drafts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.admission = admission
        self._originals = originals
        self._results = results
        self._leases = leases
        self._renderer = renderer
        self._settings = settings
        self._charge = charge
        self._refusals = refusals
        self._weights = weights
        self._decodes = decodes or Decodes(None)
        self._drafts = drafts
        self._clock = clock
        self.line = Line()
        self._flights: Flights[Made] = Flights()
        self._refused: dict[str, tuple[float, OriginError]] = {}
        self._renders = 0
        """Ended in this process."""

    async def close(self) -> None:
        await self._flights.close()

    async def deliver(self, ask: Ask) -> Delivered:
        """The picture that ``ask`` wants, or word that the client's copy is right.

        Raises every error of ``origin.errors`` and ``urlspec.errors`` that a client can cause or meet.
        """
        try:
            async with asyncio.timeout(self._settings.deadline):
                return await self._with_fallback(ask)
        except TimeoutError as error:
            raise RenderTimeout from error

    async def _with_fallback(self, ask: Ask) -> Delivered:
        try:
            return await self._answer(ask)
        except MISSING as error:
            reading, _ = self.admission.read(ask.path)
            if not has_fallback(reading):
                raise
            answer = await self._answer(ask, fallback=True)
            return replace(answer, fallback=error.code)

    async def _answer(self, ask: Ask, *, fallback: bool = False) -> Delivered:
        admitted = await self.admission.admit(ask, fallback=fallback)
        for _ in range(2):
            if (unchanged := await self._unchanged(ask, admitted)) is not None:
                return unchanged
            try:
                made = await self._result(admitted, ask.who)
            except _ChangedError:
                admitted = await self.admission.admit(ask, fresh=True, fallback=fallback)
                continue
            self._improve_later(admitted, made.result)
            etag = entity_tag(admitted.key, made.result)
            return Delivered(admitted, made, etag, draft=made.result.draft)
        raise Unavailable("The picture is being changed just now.")

    async def _unchanged(self, ask: Ask, admitted: Admitted) -> Delivered | None:
        """Word that the client's copy is right; without further work, unless it may be of a draft."""
        if ask.etag is None or (etag := matching_etag(ask.etag, admitted.key)) is None:
            return None
        if not etag.startswith("W/") or self._drafts is None:
            return Delivered(admitted, None, etag.removeprefix("W/"))
        if (kept := await self._results.lookup(admitted.key)) is None:
            return Delivered(admitted, None, etag, draft=True)
        self._improve_later(admitted, kept[0])
        now = entity_tag(admitted.key, kept[0])
        same = now.removeprefix("W/") == etag.removeprefix("W/")
        return Delivered(admitted, None, now, draft=kept[0].draft) if same else None

    async def _result(self, admitted: Admitted, who: str) -> Made:
        if admitted.request.output.has(Raw):
            return await self._raw(admitted)
        before = self._renders
        if (kept := await self._results.lookup(admitted.key)) is not None:
            return Made(*kept)
        self._refuse_again(admitted.key)
        if admitted.key in self._flights:
            return await self._flown(admitted, before)
        with self.line.joined(admitted.found[0].content):
            if self._charge is not None:
                await self._charge(who)
            return await self._flown(admitted, before)

    async def _flown(self, admitted: Admitted, before: int) -> Made:
        made, joined = await self._flights.run(admitted.key, lambda: self._made_once(admitted, before))
        return replace(made, cache="coalesced") if joined else made

    def _refuse_again(self, key: str) -> None:
        if (refused := self._refused.get(key)) is None:
            return
        until, error = refused
        if self._clock() < until:
            raise error
        del self._refused[key]

    def _refuse(self, key: str, error: OriginError) -> None:
        now = self._clock()
        self._refused = {other: entry for other, entry in self._refused.items() if entry[0] > now}
        seconds = STORAGE_SECONDS if isinstance(error, StorageTimeout) else NEGATIVE_SECONDS
        self._refused[key] = (now + seconds, error)

    async def _made_once(self, admitted: Admitted, before: int) -> Made:
        """One render for this key, here or in another process.

        ``before``: the renders that had ended when it was seen that there is no result yet.
        """
        key = admitted.key
        while (lease := await self._leases.acquire(key)) is None:
            await self._leases.wait(key, self._settings.deadline)
            if (kept := await self._results.lookup(key)) is not None:
                return Made(kept[0], "coalesced")
        try:
            # It may have been finished between our look and our lease. To look again costs a visit to Redis
            # or to the disk, so it is done only when there was somebody who could have finished it.
            looks_again = lease.contested or self._renders != before
            if looks_again and (kept := await self._results.lookup(key)) is not None:
                return Made(*kept)
            # A little less than its first asker waits, so that it ends by itself and is remembered.
            async with asyncio.timeout(self._settings.deadline * 0.95):
                made = await self._make(admitted)
            await self._results.put(key, made.result, admitted.assets)
            self._renders += 1
        except TimeoutError as error:
            refusal = RenderTimeout()
            self._refuse(key, refusal)
            raise refusal from error
        except DeadlineExceeded as error:
            self._refuse(key, error)
            raise
        else:
            return made
        finally:
            await lease.done()

    async def _make(self, admitted: Admitted) -> Made:
        case = await self._refusals.render(Suspects.of(admitted)) if self._refusals else None
        if is_original(admitted.request):
            return await self._from_originals(admitted, case)
        made = await self._from_kept(admitted)
        if made is None:
            async with self._decodes.turn(admitted.found[0], admitted.request, more=admitted.more) as turn:
                if turn.late:
                    made = await self._from_kept(admitted)
                if made is None:
                    self._decodes.count(hit=False)
                    return await self._from_originals(admitted, case, turn)
        self._decodes.count(hit=True)
        if not await self.admission.unchanged(admitted):
            raise _ChangedError
        return made

    async def _from_originals(self, admitted: Admitted, case: Case | None, turn: Turn | None = None) -> Made:
        started = time.perf_counter()
        async with AsyncExitStack() as held:
            with self.line.fetching(admitted.found[0].content):
                sources = {one.ref: await self._hold(held, one) for one in admitted.found}
            if turn is not None:
                main = admitted.request.source
                sources[main] = replace(sources[main], keep=turn.keep())
            fetched = time.perf_counter()
            lost = partial(case.lost, tuple(sources.values())) if case else None
            async with case.turn() if case else nullcontext():
                rendered = await self._render(admitted, sources, lost)
            if case:
                await case.passed()
        seconds = {"fetch": fetched - started, "render": time.perf_counter() - fetched}
        if not await self.admission.unchanged(admitted):
            raise _ChangedError
        if turn is not None:
            await turn.kept(rendered.kept)
        return self._made(rendered, seconds)

    async def _from_kept(self, admitted: Admitted) -> Made | None:
        """Without the original, from what was kept of it when it was decoded; None when that does not do."""
        main, *layers = admitted.found
        if not (kept := self._decodes.kept(main)):
            return None
        started = time.perf_counter()
        async with AsyncExitStack() as held:
            sources = {one.ref: await self._hold(held, one) for one in layers}
            sources[main.ref] = Source("", main.asset.focus if main.asset else None, kept)
            try:
                rendered = await self._renderer.render_kept(await self._job(admitted, sources))
            except ImageUnprocessable:  # the worker has died: of a damaged file, perhaps
                await self._decodes.drop(main)
                return None
        if rendered is None:
            return None
        return self._made(rendered, {"kept": time.perf_counter() - started})

    def _made(self, rendered: Rendered, seconds: Mapping[str, float]) -> Made:
        created = int(self._clock())
        said = said_with(rendered)
        result = Result(rendered.body, rendered.media_type, said, rendered.draft, created)
        return Made(result, "render", seconds)

    def _improve_later(self, admitted: Admitted, result: Result) -> None:
        if result.draft and self._drafts is not None:
            self._drafts.later(admitted.key, partial(self._improve, admitted))

    async def _improve(self, admitted: Admitted) -> None:
        """Put a better version in the place of a draft, unless somebody has, or the draft is gone."""
        if (lease := await self._leases.acquire(f"better-{admitted.key}")) is None:
            return
        try:
            async with asyncio.timeout(self._settings.deadline):
                kept = await self._results.lookup(admitted.key)
                if kept is None or not kept[0].draft:
                    return
                made = (await self._make(replace(admitted, unhurried=True))).result
            if len(made.body) > len(kept[0].body):
                made = replace(kept[0], draft=False)
            await self._results.put(admitted.key, made, admitted.assets)
        except _ChangedError:
            return  # what is asked for from now on has another key
        finally:
            await lease.done()

    async def _hold(self, held: AsyncExitStack, found: Found) -> Source:
        try:
            file = await held.enter_async_context(
                self._originals.hold(
                    found.content,
                    found.reader,
                    found.key,
                    max_bytes=self._settings.max_source_bytes,
                    sha256=found.sha256,
                    size=found.size,
                )
            )
        except SourceTooLarge as error:
            raise ImageTooLarge("The original has more bytes than this server accepts.") from error
        except NotFound as error:
            raise found.missing() from error
        return Source(str(file.path), found.asset.focus if found.asset else None)

    async def _render(
        self, admitted: Admitted, sources: Mapping[SourceRef, Source], lost: Lost | None
    ) -> Rendered:
        request = admitted.request
        if is_original(request):
            kept = request.output.get(Metadata)
            path = sources[request.source].path
            return await self._renderer.original(path, kept.keep if kept else "none", lost)
        return await self._renderer.render(await self._job(admitted, sources), lost)

    async def _job(self, admitted: Admitted, sources: Mapping[SourceRef, Source]) -> Job:
        memory = await self._weights.of(admitted) if self._weights else 0
        settings = self._settings
        job = Job(admitted.request, sources, admitted.accept, settings.limits, settings.fonts, memory)
        if self._drafts is None:
            return job
        diligence, goal = self._drafts.pace(admitted)
        return replace(job, diligence=diligence, goal=goal)

    async def _raw(self, admitted: Admitted) -> Made:
        """The untouched file. It is not kept as a result: the cache of originals has it."""
        async with AsyncExitStack() as held:
            source = await self._hold(held, admitted.found[0])
            body = await asyncio.to_thread(Path(source.path).read_bytes)
        version = admitted.found[0].version
        assert version is not None  # raw_1 of a named source is refused when it is read
        # A drawing or a document can do things when it is opened as a page: it is saved, not shown.
        named = admitted.request.output.has(Download)
        headers = (("Content-Disposition", "attachment"),) if version.format in VECTOR and not named else ()
        return Made(Result(body, media_type(version.format), headers, created=int(self._clock())), "files")


class _ChangedError(Exception):
    """A picture was replaced or purged while it was being rendered."""


def said_with(rendered: Rendered) -> tuple[tuple[str, str], ...]:
    """Headers that belong to a result: what its maker says of it, and what went otherwise than was asked.

    A warning may repeat what stands in a URL, so nothing but visible ASCII goes into the header.
    """
    if not rendered.warnings:
        return rendered.headers
    text = "; ".join(rendered.warnings).encode("ascii", "backslashreplace").decode("ascii")
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return (*rendered.headers, (WARNING, visible[:LONGEST_WARNING]))
