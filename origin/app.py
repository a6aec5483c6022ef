"""The wiring: every part is made here, once, from the settings. Nothing else knows all of them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from limits import RateLimitItem

from origin.backends.database import Database
from origin.backends.disk import TEMPORARY, sweep
from origin.backends.files import FileStore, FolderSource
from origin.backends.leases import LocalLeases
from origin.backends.results import FolderResults, MemoryResults, TieredResults
from origin.backends.source_cache import SourceCache
from origin.errors import OriginError, Unavailable
from origin.http import api as http_api
from origin.http.auth import Authenticator
from origin.http.openapi import openapi
from origin.http.pages import Check, Example, pages
from origin.http.pictures import Pictures
from origin.http.server import Server
from origin.imaging.model import RENDERER_DATE, Limits
from origin.imaging.pool import RenderPool
from origin.ports import Aging, EdgePurger, Leases, ObjectReader, ObjectStore, Presigner, TokenLedger
from origin.service.access import Gatekeeper
from origin.service.accounts import Accounts, Passwords
from origin.service.admission import Admission, AdmissionSettings, Ask
from origin.service.catalog import CachedAssets, Catalog, NamedSource
from origin.service.changes import ChangeWatch
from origin.service.deliver import Deliver, DeliverSettings
from origin.service.eager import Eager, Messenger
from origin.service.explain import Explain
from origin.service.idempotency import Idempotency
from origin.service.ingest import Ingest, Ingested, Upload
from origin.service.jwks import ForeignTokens
from origin.service.library import Library
from origin.service.purge import Emissions, Purge
from origin.service.rates import Kind, Rates, read_limit
from origin.service.sweep import Sweeper
from origin.service.tokens import Tokens
from origin.service.transfer import export_store, import_store
from origin.service.uploads import StraightUploads
from origin.service.urls import OwnUrls
from origin.settings import LOOPBACK, Settings, SettingsError
from origin.sources import SourceSetting
from urlspec.presets import PresetFileError, Presets

if TYPE_CHECKING:
    from origin.backends.redis_announce import RedisAnnouncements
    from origin.backends.redis_link import RedisLink

MEMORY_RESULTS = 64 << 20
"""Bytes of results that each server process keeps in memory."""

GREETING_SECONDS = 2.0
"""How long a start waits for dependencies that do not answer."""

Closer = Callable[[], Awaitable[None]]


class Originals(ObjectStore, Aging, Protocol):
    """Where uploads live: read, written, and swept."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Everything, made but not started."""

    settings: Settings
    database: Database
    originals: Originals
    results: TieredResults
    pool: RenderPool
    deliver: Deliver
    explain: Explain
    ingest: Ingest
    watch: ChangeWatch
    announcements: RedisAnnouncements | None
    assets: CachedAssets
    sweeper: Sweeper
    accounts: Accounts
    library: Library
    uploads: StraightUploads
    purge: Purge
    eager: Eager
    rates: Rates
    authenticator: Authenticator
    emissions: Emissions | None
    checks: dict[str, tuple[Check, bool]]
    """Dependency: how to ask it, and whether pictures need it."""
    closers: tuple[Closer, ...]

    @asynccontextmanager
    async def stored(self) -> AsyncIterator[Origin]:
        """With the data folder and the database ready, for short commands."""
        uploads = _uploads_folder(self.settings)
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
        async with self.stored(), AsyncExitStack() as stack:
            await self.pool.start()
            stack.push_async_callback(self.pool.close)
            if watch:
                await self.watch.start()
                stack.push_async_callback(self.watch.close)
                if self.announcements is not None:
                    await self.announcements.start(self.assets.forget)
                    stack.push_async_callback(self.announcements.close)
                await self.sweeper.start()
                stack.push_async_callback(self.sweeper.close)
                await self._greet()
            yield self

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
    presets, changed = _presets(settings)
    closers: list[Closer] = []
    checks: dict[str, tuple[Check, bool]] = {}

    with _named_by("DATABASE_URL"):
        database = Database(settings.database_url or f"sqlite:///{settings.data_dir / 'origin.sqlite'}")
    closers.append(database.close)
    checks["database"] = (database.ping, True)

    originals = _originals(settings, closers)
    link = _redis(settings, closers, checks)
    results, leases = _results(settings, closers, link)
    checks["storage"] = (_storage_check(originals), True)
    cache = SourceCache(settings.data_dir / "cache", settings.cache_bytes)
    closers.append(cache.close)

    limits = limits_of(settings)
    pool = RenderPool(settings.workers, settings.queue_length, settings.render_timeout, limits=limits)
    checks["workers"] = (_workers_check(pool), True)

    assets = CachedAssets(database)
    sources = {source.name: _named(source, settings, closers) for source in settings.sources}
    catalog = Catalog(assets, originals, sources)
    rates = _rates(settings)
    gate = Gatekeeper(settings.keyring, settings.unsigned_mode, presets, catalog)
    admission = Admission(
        gate, AdmissionSettings(presets, settings.max_url_bytes, _fonts_fingerprint(settings), changed)
    )
    fonts = str(settings.fonts) if settings.fonts else None
    deliver = Deliver(
        admission,
        cache,
        results,
        leases,
        pool,
        DeliverSettings(limits, settings.deadline, settings.max_source_bytes, fonts),
        charge=lambda who: rates.take("render", who),
    )
    closers.append(deliver.close)
    ingest = Ingest(database, originals, pool, settings.max_source_bytes, at_once=settings.workers)
    edges = _edges(settings, closers)
    emissions = Emissions(database) if edges else None
    announcements = _announcements(settings, closers, link)
    purge = Purge(
        assets,
        results,
        edges,
        database,
        deadline=settings.deadline,
        emissions=emissions,
        announcements=announcements,
    )
    closers.append(purge.close)
    eager = Eager(deliver, _messenger(settings, closers))
    closers.append(eager.close)
    tokens = Tokens(_jwt_secret(settings), database, settings.audience)
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
        Explain(admission, cache, pool, limits, settings.max_source_bytes),
        ingest,
        ChangeWatch(database, assets),
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
            _uploads_folder(settings),
            max_bytes=settings.max_source_bytes,
            quota=settings.quota_bytes,
        ),
        purge,
        eager,
        rates,
        Authenticator(
            tokens,
            _foreign(settings, database, closers),
            trusted_proxies=settings.trusted_proxies,
            own_origins=_own_origins(settings),
        ),
        emissions,
        checks,
        tuple(closers),
    )


def application(origin: Origin, examples: Callable[[], Awaitable[list[Example]]]) -> Server:
    """The ASGI application."""
    settings = origin.settings
    pictures = Pictures(
        origin.deliver,
        origin.explain,
        cache_control=settings.cache_control,
        public_url=(settings.public_url or "").rstrip("/"),
        cors_origins=frozenset(settings.cors_origins),
        authenticate=origin.authenticator.viewer,
        address=origin.authenticator.address,
        emissions=origin.emissions,
    )
    api = http_api.application(_api_parts(origin))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with origin.running():
            yield

    return Server(pictures, pages(origin.checks, examples, openapi(api)), api, lifespan)


def _api_parts(origin: Origin) -> http_api.Parts:
    settings = origin.settings
    public_url = (settings.public_url or "").rstrip("/")
    return http_api.Parts(
        origin.accounts,
        origin.authenticator,
        origin.library,
        origin.uploads,
        OwnUrls(origin.database, settings.keyring, public_url),
        origin.eager,
        Idempotency(origin.database),
        origin.rates,
        public_url,
        secure_cookies=settings.host not in LOOPBACK or public_url.startswith("https:"),
        max_bytes=settings.max_source_bytes,
        folder=_uploads_folder(settings),
        cors_origins=settings.cors_origins,
    )


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_pixels=settings.max_source_pixels,
        max_side=settings.max_source_side,
        max_frames=settings.max_frames,
        max_scans=settings.max_scans,
        max_render_memory=settings.max_render_memory,
        max_result_side=settings.max_result_side,
        max_result_pixels=settings.max_result_pixels,
        max_avif_pixels=min(Limits().max_avif_pixels, settings.max_result_pixels),
        render_seconds=settings.render_timeout,
        accept=settings.accept,
    )


def _uploads_folder(settings: Settings) -> Path:
    """Where uploads are while they are looked at: what a killed server leaves is swept at a later start."""
    return settings.data_dir / "uploads" / TEMPORARY


def _own_origins(settings: Settings) -> frozenset[str]:
    own = set(settings.cors_origins)
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(own)


def _jwt_secret(settings: Settings) -> bytes:
    """The secret of our tokens; one that is missing is made once and kept, readable by its owner only."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.encode()
    path = settings.data_dir / "jwt-secret"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".jwt-secret-{os.getpid()}")
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            # Of several processes that start at once the first one wins; the others use what it wrote.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_bytes().strip()


def _foreign(settings: Settings, ledger: TokenLedger, closers: list[Closer]) -> ForeignTokens | None:
    if settings.jwks_url is None:
        return None
    from origin.backends.jwks import HttpKeyFetcher

    assert settings.jwt_issuer is not None
    assert settings.jwt_audience is not None
    fetcher = HttpKeyFetcher(settings.jwks_url)
    closers.append(fetcher.close)
    foreign = ForeignTokens(fetcher, settings.jwt_issuer, settings.jwt_audience, ledger)
    closers.append(foreign.close)
    return foreign


def _rates(settings: Settings) -> Rates:
    limits: dict[Kind, RateLimitItem | None] = {
        "render": read_limit(settings.rate_render),
        "upload": read_limit(settings.rate_upload),
        "login": read_limit(settings.rate_login),
        "register": read_limit(settings.rate_register),
        "api": read_limit(settings.rate_api),
    }
    if settings.redis_url is None:
        return Rates(limits)
    from origin.backends.rate_store import shared_rates

    return Rates(limits, shared_rates(settings.redis_url))


def _edges(settings: Settings, closers: list[Closer]) -> list[EdgePurger]:
    edges: list[EdgePurger] = []
    if not (settings.edges or settings.cdn_purge_url):
        return edges
    from origin.backends.edge import NginxEdge, WebhookEdge

    for url in settings.edges:
        assert settings.edge_secret is not None
        nginx = NginxEdge(url, settings.edge_secret)
        closers.append(nginx.close)
        edges.append(nginx)
    if settings.cdn_purge_url:
        cdn = WebhookEdge(settings.cdn_purge_url, settings.cdn_purge_token or "")
        closers.append(cdn.close)
        edges.append(cdn)
    return edges


def _messenger(settings: Settings, closers: list[Closer]) -> Messenger | None:
    if settings.webhook_url is None:
        return None
    from origin.backends.webhook import Webhook

    assert settings.webhook_secret is not None
    webhook = Webhook(settings.webhook_url, settings.webhook_secret)
    closers.append(webhook.close)
    return webhook


@contextmanager
def _named_by(variable: str) -> Iterator[None]:
    """Blame ``variable`` for a value that its backend cannot read. The value may hold a password."""
    try:
        yield
    except ValueError as error:
        raise SettingsError([f"{variable}: {error}"]) from error


def _presets(settings: Settings) -> tuple[Presets, float]:
    """The presets, and when the look of any picture last changed, in unix seconds."""
    changed = datetime.combine(RENDERER_DATE, datetime.min.time(), UTC).timestamp()
    if settings.presets is None:
        return Presets(), changed
    try:
        presets = Presets.from_toml(settings.presets.read_text("utf-8"))
        return presets, max(changed, settings.presets.stat().st_mtime)
    except (OSError, UnicodeDecodeError, PresetFileError) as error:
        raise SettingsError([f"ORIGIN_PRESETS={str(settings.presets)!r}: {error}"]) from error


def _fonts_fingerprint(settings: Settings) -> str:
    """Changes when a font file is added, removed or replaced."""
    if settings.fonts is None:
        return ""
    if not settings.fonts.is_dir():
        raise SettingsError([f"ORIGIN_FONTS={str(settings.fonts)!r}: there is no such folder"])
    files = sorted(path for path in settings.fonts.rglob("*") if path.is_file())
    text = "\n".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _originals(settings: Settings, closers: list[Closer]) -> Originals:
    if settings.s3_bucket is None:
        return FileStore(settings.data_dir / "originals")
    return _s3(settings, settings.s3_bucket, "originals", closers)


def _s3(settings: Settings, bucket: str, prefix: str, closers: list[Closer]) -> Originals:
    # Imported where it is configured: the client costs 60 MB and half a second.
    from origin.backends.s3 import S3Store

    store = S3Store(
        bucket,
        f"{prefix}/" if prefix else "",
        endpoint_url=settings.s3_endpoint,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
    )
    closers.append(store.close)
    return store


def _workers_check(pool: RenderPool) -> Check:
    async def check() -> None:
        if pool.confinement.network == "unknown":
            raise Unavailable("The render workers are not running.")

    return check


def _storage_check(originals: Originals) -> Check:
    async def check() -> None:
        async for _ in originals.keys("readyz-none"):
            break

    return check


def _redis(
    settings: Settings, closers: list[Closer], checks: dict[str, tuple[Check, bool]]
) -> RedisLink | None:
    if settings.redis_url is None:
        return None
    from origin.backends.redis_link import RedisLink

    with _named_by("REDIS_URL"):
        link = RedisLink(settings.redis_url)
    closers.append(link.close)
    checks["redis"] = (link.ping, False)
    return link


def _results(
    settings: Settings, closers: list[Closer], link: RedisLink | None
) -> tuple[TieredResults, Leases]:
    folder = FolderResults(settings.data_dir / "results", settings.result_bytes)
    closers.append(folder.close)
    memory = MemoryResults(MEMORY_RESULTS)
    if link is None:
        return TieredResults(memory, None, folder), LocalLeases()
    from origin.backends.redis_leases import RedisLeases
    from origin.backends.redis_results import RedisResults

    shared = RedisResults(link, max_entry_bytes=settings.redis_entry_bytes)
    return TieredResults(memory, shared, folder), RedisLeases(link)


def _announcements(
    settings: Settings, closers: list[Closer], link: RedisLink | None
) -> RedisAnnouncements | None:
    if link is None or settings.redis_url is None:
        return None
    from origin.backends.redis_announce import RedisAnnouncements

    announcements = RedisAnnouncements(link, settings.redis_url)
    closers.append(announcements.close)
    return announcements


def _named(source: SourceSetting, settings: Settings, closers: list[Closer]) -> NamedSource:
    public = source.public or not settings.signing_keys
    reader: ObjectReader
    if source.folder is not None:
        reader = FolderSource(source.folder)
    else:
        assert source.bucket is not None
        reader = _s3(settings, source.bucket, source.prefix, closers)
    return NamedSource(reader, public)


__all__ = [
    "Ask",
    "Example",
    "Ingested",
    "Origin",
    "Path",
    "Upload",
    "application",
    "build",
    "export_store",
    "import_store",
    "limits_of",
]
