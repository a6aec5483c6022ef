"""The wiring: every part is made here, once, from the settings; ``origin.application`` puts them behind HTTP.

Short commands make the parts and need no web framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from origin import floors, wiring
from origin.backends.database import Database
from origin.backends.disk import sweep
from origin.backends.results import TieredResults
from origin.backends.source_cache import SourceCache
from origin.errors import OriginError, Overloaded
from origin.http.auth import Authenticator
from origin.http.checks import Check
from origin.imaging.capabilities import versions
from origin.imaging.fonts import system_fonts
from origin.imaging.pool import RenderPool
from origin.observe.metrics import Metrics
from origin.ports import Announcements, Presigner
from origin.service.access import Gatekeeper
from origin.service.accounts import Accounts, Passwords
from origin.service.admission import Admission, AdmissionSettings, Ask
from origin.service.catalog import CachedAssets, Catalog
from origin.service.changes import ChangeWatch
from origin.service.deliver import Deliver, DeliverSettings
from origin.service.drafts import Drafts
from origin.service.eager import Eager
from origin.service.explain import Explain
from origin.service.ingest import Ingest, Ingested, Upload
from origin.service.library import Library
from origin.service.purge import Emissions, Purge
from origin.service.rasters import Decodes
from origin.service.rates import Rates
from origin.service.refused import Refusals
from origin.service.sweep import Sweeper
from origin.service.tokens import Tokens
from origin.service.transfer import export_store, import_store
from origin.service.uploads import StraightUploads
from origin.service.weights import Weights
from origin.settings import Settings
from origin.wiring import Closer, Originals, limits_of

if TYPE_CHECKING:
    from origin.observe.reports import Reports
    from origin.observe.tracing import Tracing

GREETING_SECONDS = 2.0
"""How long a start waits for dependencies that do not answer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Everything, made but not started."""

    settings: Settings
    database: Database
    originals: Originals
    results: TieredResults
    pool: RenderPool
    deliver: Deliver
    decodes: Decodes
    explain: Explain
    ingest: Ingest
    watch: ChangeWatch
    announcements: Announcements | None
    assets: CachedAssets
    sweeper: Sweeper
    accounts: Accounts
    library: Library
    uploads: StraightUploads
    purge: Purge
    eager: Eager
    rates: Rates
    metrics: Metrics
    tracing: Tracing | None
    reports: Reports | None
    authenticator: Authenticator
    emissions: Emissions | None
    checks: dict[str, tuple[Check, bool]]
    """Dependency: how to ask it, and whether pictures need it."""
    closers: tuple[Closer, ...]

    @asynccontextmanager
    async def stored(self) -> AsyncIterator[Origin]:
        """With the data folder and the database ready, for short commands."""
        uploads = wiring.uploads_folder(self.settings)
        uploads.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(sweep, uploads.parent)
        async with AsyncExitStack() as stack:
            for closer in self.closers:
                stack.push_async_callback(closer)
            await self.database.migrate()
            yield self

    @asynccontextmanager
    async def running(self, *, watch: bool = True) -> AsyncIterator[Origin]:
        """With workers as well, for whatever looks at pictures."""
        floors.refuse(floors.outdated(floors.packages()))
        async with self.stored(), AsyncExitStack() as stack:
            await self.pool.start()
            stack.push_async_callback(self.pool.close)
            floors.refuse(floors.outdated(await self.pool.run(versions)))
            if watch:
                await self.watch.start()
                stack.push_async_callback(self.watch.close)
                if self.announcements is not None:
                    await self.announcements.start(self._heard)
                    stack.push_async_callback(self.announcements.close)
                await self.purge.start()
                await self.sweeper.start()
                stack.push_async_callback(self.sweeper.close)
                await self._greet()
            yield self

    def _heard(self, id: str) -> None:
        """Another process has changed an asset."""
        self.assets.forget(id)
        self.decodes.heard(id)

    async def _greet(self) -> None:
        """Ask every dependency once; who is away now is asked again when it is needed.

        Making S3's client takes the loop half a second, in which the other calls of a first request would run
        out of their time.
        """

        async def ask(check: Check) -> None:
            with suppress(OriginError, TimeoutError):
                async with asyncio.timeout(GREETING_SECONDS):
                    await check()

        await asyncio.gather(*(ask(check) for check, _ in self.checks.values()))


def build(settings: Settings) -> Origin:
    """Make every part. Raises SettingsError for files that the settings name and that cannot be used."""
    presets, changed = wiring.presets(settings)
    closers: list[Closer] = []
    checks: dict[str, tuple[Check, bool]] = {}

    with wiring.named_by("DATABASE_URL"):
        database = Database(settings.database_url or f"sqlite:///{settings.data_dir / 'origin.sqlite'}")
    closers.append(database.close)
    checks["database"] = (database.ping, True)

    originals = wiring.originals(settings, closers)
    link = wiring.redis(settings, closers, checks)
    metrics = Metrics()
    results, leases = wiring.results(settings, closers, link, metrics)
    checks["storage"] = (wiring.storage_check(originals), True)
    cache = SourceCache(settings.data_dir / "cache", settings.cache_bytes)
    closers.append(cache.close)

    limits = limits_of(settings)
    fonts = str(settings.fonts.resolve()) if settings.fonts else None
    pool = RenderPool(
        settings.workers,
        settings.queue_length,
        settings.render_timeout,
        limits=limits,
        watcher=metrics,
        fonts=fonts,
        budget=wiring.memory_budget(settings),
    )
    checks["workers"] = (wiring.workers_check(pool), True)

    assets = CachedAssets(database)
    sources = {source.name: wiring.named(source, settings, closers, checks) for source in settings.sources}
    catalog = Catalog(assets, originals, sources)
    rates = wiring.rates(settings, link)
    gate = Gatekeeper(settings.keyring, settings.unsigned_mode, presets, catalog)
    admission = Admission(
        gate,
        AdmissionSettings(
            presets, settings.max_url_bytes, wiring.fonts_fingerprint(settings) + system_fonts(), changed
        ),
    )

    async def charge(who: str) -> None:
        pool.check()
        if len(deliver.line) > pool.size + pool.room:
            metrics.refused("full")
            raise Overloaded
        await rates.take("render", who)

    tracing = wiring.tracing(settings, closers)
    refusals = Refusals(wiring.strikes(link), pool, limits)
    closers.append(refusals.close)
    metrics.watch_counts(
        "origin_refused",
        "Requests for pictures that have ended workers, by what is refused: pair (in one chain) or content.",
        "what",
        lambda: refusals.refused,
    )
    kept = wiring.rasters(settings, closers, metrics)
    decodes = Decodes(kept, lambda: pool.busy >= pool.size, database)
    closers.append(decodes.close)
    drafts = Drafts(pool, upgrade=settings.drafts, hurry=settings.hurry)
    closers.append(drafts.close)
    metrics.watch_counts(
        "origin_drafts",
        "Drafts whose turn to be replaced has come: replaced or failed.",
        "result",
        lambda: drafts.settled,
    )
    metrics.watch_number("origin_drafts_waiting", "Drafts that wait to be replaced.", lambda: len(drafts))
    deliver = Deliver(
        admission,
        tracing.originals(cache) if tracing else cache,
        tracing.results(results) if tracing else results,
        leases,
        tracing.renderer(pool) if tracing else pool,
        DeliverSettings(limits, settings.deadline, settings.max_source_bytes, fonts),
        charge=charge,
        refusals=refusals,
        weights=Weights(limits, fonts) if pool.budget is not None else None,
        decodes=decodes,
        drafts=drafts,
    )
    closers.append(deliver.close)
    ingest = Ingest(
        database,
        originals,
        pool,
        settings.max_source_bytes,
        at_once=settings.workers,
        refusals=refusals,
    )
    edges = wiring.edges(settings, closers)
    emissions = Emissions(database) if edges else None
    announcements = wiring.announcements(settings, closers, link)
    purge = Purge(
        assets,
        results,
        edges,
        database,
        database,
        deadline=settings.deadline,
        emissions=emissions,
        announcements=announcements,
        rasters=decodes,
    )
    closers.append(purge.close)
    stores = {"originals": originals} | {name: source.reader for name, source in sources.items()}
    wiring.measured(metrics, pool, cache, rates, purge, checks, link, stores)
    eager = Eager(deliver, wiring.messenger(settings, closers))
    closers.append(eager.close)
    tokens = Tokens(wiring.jwt_secrets(settings), database, settings.audience)
    passwords = Passwords()
    closers.append(passwords.close)
    library = Library(database, ingest, purge, settings.quota_bytes)
    presigner = originals if isinstance(originals, Presigner) else None
    return Origin(
        settings,
        database,
        originals,
        results,
        pool,
        deliver,
        decodes,
        Explain(admission, cache, pool, limits, settings.max_source_bytes, fonts, refusals),
        ingest,
        ChangeWatch(database, assets, also=decodes.heard),
        announcements,
        assets,
        Sweeper(database, originals),
        Accounts(database, tokens, passwords, registration=settings.registration_open),
        library,
        StraightUploads(
            database,
            database,
            originals,
            presigner,
            library,
            wiring.uploads_folder(settings),
            max_bytes=settings.max_source_bytes,
            quota=settings.quota_bytes,
        ),
        purge,
        eager,
        rates,
        metrics,
        tracing,
        wiring.reports(settings, closers),
        Authenticator(
            tokens,
            wiring.foreign(settings, database, closers),
            trusted_proxies=settings.trusted_proxies,
            own_origins=wiring.own_origins(settings),
        ),
        emissions,
        checks,
        tuple(closers),
    )


__all__ = [
    "Ask",
    "Ingested",
    "Origin",
    "Path",
    "Upload",
    "build",
    "export_store",
    "import_store",
    "limits_of",
]
