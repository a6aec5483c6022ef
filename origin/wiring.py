"""What the wiring makes of single settings: stores, keys, limits, caches in front."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit

from limits import RateLimitItem

from origin.backends.disk import TEMPORARY
from origin.backends.files import FileStore, FolderSource
from origin.backends.leases import LocalLeases
from origin.backends.rasters import RasterFolder
from origin.backends.results import FolderResults, MemoryResults, TieredResults
from origin.backends.source_cache import SourceCache
from origin.backends.strikes import LocalStrikes
from origin.errors import Unavailable
from origin.http.checks import Check
from origin.imaging.host import host_memory
from origin.imaging.model import RENDERER_DATE, Limits
from origin.imaging.pool import RenderPool
from origin.observe.metrics import Metrics, Window
from origin.observe.scrub import Scrubber
from origin.ports import (
    Aging,
    Announcements,
    EdgePurger,
    Leases,
    ObjectReader,
    ObjectStore,
    Strikes,
    TokenLedger,
)
from origin.service.catalog import NamedSource
from origin.service.eager import Messenger
from origin.service.purge import Purge
from origin.service.rates import Kind, Rates, read_limit
from origin.settings import Settings, SettingsError
from origin.sources import SourceSetting
from urlspec.presets import PresetFileError, Presets

if TYPE_CHECKING:
    from origin.backends.redis_link import RedisLink
    from origin.observe.reports import Reports
    from origin.observe.tracing import Tracing
    from origin.service.jwks import ForeignTokens

MEMORY_RESULTS = 64 << 20
"""Bytes of results that each server process keeps in memory."""

Closer = Callable[[], Awaitable[None]]


@runtime_checkable
class Bounded(Protocol):
    """A store that is asked less while it is slow."""

    @property
    def window(self) -> Window: ...


class Originals(ObjectStore, Aging, Protocol):
    """Where uploads live: read, written, and swept."""


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


def memory_budget(settings: Settings) -> int | None:
    """Bytes for all renders together; None where no number of them could ever need as many."""
    budget = settings.memory or host_memory() * 3 // 4
    return budget if budget < settings.workers * settings.max_render_memory else None


def uploads_folder(settings: Settings) -> Path:
    """Where uploads are while they are looked at: what a killed server leaves is swept at a later start."""
    return settings.data_dir / "uploads" / TEMPORARY


def own_origins(settings: Settings) -> frozenset[str]:
    own = set(settings.cors_origins)
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(own)


def jwt_secrets(settings: Settings) -> list[bytes]:
    """The secret of our tokens, and the one before it whose tokens still count."""
    older = [settings.jwt_secret_old.encode()] if settings.jwt_secret_old else []
    return [_jwt_secret(settings), *older]


def _jwt_secret(settings: Settings) -> bytes:
    """One that is missing is made once and kept, readable by its owner only."""
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


def foreign(settings: Settings, ledger: TokenLedger, closers: list[Closer]) -> ForeignTokens | None:
    if settings.jwks_url is None:
        return None
    from origin.backends.jwks import HttpKeyFetcher
    from origin.service.jwks import ForeignTokens

    assert settings.jwt_issuer is not None
    assert settings.jwt_audience is not None
    fetcher = HttpKeyFetcher(settings.jwks_url)
    closers.append(fetcher.close)
    foreign = ForeignTokens(fetcher, settings.jwt_issuer, settings.jwt_audience, ledger)
    closers.append(foreign.close)
    return foreign


def rates(settings: Settings, link: RedisLink | None) -> Rates:
    limits: dict[Kind, RateLimitItem | None] = {
        "render": read_limit(settings.rate_render),
        "upload": read_limit(settings.rate_upload),
        "login": read_limit(settings.rate_login),
        "register": read_limit(settings.rate_register),
        "api": read_limit(settings.rate_api),
    }
    if link is None or settings.redis_url is None:
        return Rates(limits)
    from origin.backends.rate_store import SharedCounts

    return Rates(limits, SharedCounts(link, settings.redis_url))


def edges(settings: Settings, closers: list[Closer]) -> list[EdgePurger]:
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


def messenger(settings: Settings, closers: list[Closer]) -> Messenger | None:
    if settings.webhook_url is None:
        return None
    from origin.backends.webhook import Webhook

    assert settings.webhook_secret is not None
    webhook = Webhook(settings.webhook_url, settings.webhook_secret)
    closers.append(webhook.close)
    return webhook


@contextmanager
def named_by(variable: str) -> Iterator[None]:
    """Blame ``variable`` for a value that its backend cannot read. The value may hold a password."""
    try:
        yield
    except ValueError as error:
        raise SettingsError([f"{variable}: {error}"]) from error


def presets(settings: Settings) -> tuple[Presets, float]:
    """The presets, and when the look of any picture last changed, in unix seconds."""
    changed = datetime.combine(RENDERER_DATE, datetime.min.time(), UTC).timestamp()
    if settings.presets is None:
        return Presets(), changed
    try:
        presets = Presets.from_toml(settings.presets.read_text("utf-8"))
        return presets, max(changed, settings.presets.stat().st_mtime)
    except (OSError, UnicodeDecodeError, PresetFileError) as error:
        raise SettingsError([f"ORIGIN_PRESETS={str(settings.presets)!r}: {error}"]) from error


def fonts_fingerprint(settings: Settings) -> str:
    """Changes when a font file is added, removed or replaced."""
    if settings.fonts is None:
        return ""
    if not settings.fonts.is_dir():
        raise SettingsError([f"ORIGIN_FONTS={str(settings.fonts)!r}: there is no such folder"])
    files = sorted(path for path in settings.fonts.rglob("*") if path.is_file())
    text = "\n".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def originals(settings: Settings, closers: list[Closer]) -> Originals:
    if settings.s3_bucket is None:
        return FileStore(settings.data_dir / "originals")
    return s3(settings, settings.s3_bucket, "originals", closers)


def s3(settings: Settings, bucket: str, prefix: str, closers: list[Closer]) -> Originals:
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


def workers_check(pool: RenderPool) -> Check:
    async def check() -> None:
        if pool.confinement.network == "unknown":
            raise Unavailable("The render workers are not running.")

    return check


def storage_check(originals: Originals) -> Check:
    async def check() -> None:
        async for _ in originals.keys("readyz-none"):
            break

    return check


def redis(
    settings: Settings, closers: list[Closer], checks: dict[str, tuple[Check, bool]]
) -> RedisLink | None:
    if settings.redis_url is None:
        return None
    from origin.backends.redis_link import RedisLink

    with named_by("REDIS_URL"):
        link = RedisLink(settings.redis_url)
    closers.append(link.close)
    checks["redis"] = (link.ping, False)
    return link


def results(
    settings: Settings, closers: list[Closer], link: RedisLink | None, metrics: Metrics
) -> tuple[TieredResults, Leases]:
    folder = FolderResults(settings.data_dir / "results", settings.result_bytes)
    closers.append(folder.close)
    memory = MemoryResults(MEMORY_RESULTS)
    metrics.watch_store("memory", memory, memory)
    metrics.watch_store("files", folder, folder)
    if link is None:
        return TieredResults(memory, None, folder), LocalLeases()
    from origin.backends.redis_leases import RedisLeases
    from origin.backends.redis_results import RedisResults

    shared = RedisResults(link, max_entry_bytes=settings.redis_entry_bytes)
    metrics.watch_store("redis", shared)
    return TieredResults(memory, shared, folder), RedisLeases(link)


def strikes(link: RedisLink | None) -> Strikes:
    if link is None:
        return LocalStrikes()
    from origin.backends.redis_strikes import RedisStrikes

    return RedisStrikes(link)


def rasters(settings: Settings, closers: list[Closer], metrics: Metrics) -> RasterFolder | None:
    if not settings.raster_bytes:
        return None
    folder = RasterFolder(settings.data_dir / "rasters", settings.raster_bytes)
    closers.append(folder.close)
    metrics.watch_store("rasters", folder, folder)
    return folder


def tracing(settings: Settings, closers: list[Closer]) -> Tracing | None:
    if settings.otlp_endpoint is None:
        return None
    with _extra("tracing", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        from origin.observe.tracing import Tracing
    made = Tracing(settings.otlp_endpoint)
    closers.append(made.close)
    return made


def reports(settings: Settings, closers: list[Closer]) -> Reports | None:
    if settings.sentry_dsn is None:
        return None
    with _extra("sentry", "SENTRY_DSN"):
        from origin.observe.reports import Reports
    with named_by("SENTRY_DSN"):
        made = Reports(settings.sentry_dsn, Scrubber(settings.secrets()))
    closers.append(made.close)
    return made


@contextmanager
def _extra(name: str, variable: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise SettingsError([f'{variable} needs pip install "image-origin[{name}]"']) from error


def measured(
    metrics: Metrics,
    pool: RenderPool,
    cache: SourceCache,
    rates: Rates,
    purge: Purge,
    checks: dict[str, tuple[Check, bool]],
    link: RedisLink | None,
    stores: Mapping[str, ObjectReader],
) -> None:
    """Tell the metrics where to look."""
    metrics.watch_pool(pool)
    for name, store in stores.items():
        if isinstance(store, Bounded):
            metrics.watch_window(name, store.window)
    metrics.watch_store("sources", cache, cache)
    metrics.watch_dependencies(checks)
    metrics.watch_counts(
        "origin_rate_limited", "Requests refused by a rate limit, by kind.", "kind", lambda: rates.refused
    )
    metrics.watch_counts(
        "origin_edge_purges", "Purges sent to edges: taken or failed.", "result", lambda: purge.told
    )
    metrics.watch_number(
        "origin_fetched_bytes",
        "Bytes of originals that came from storage.",
        lambda: cache.fetched_bytes,
        grows=True,
    )
    if pool.budget is not None:
        metrics.watch_number(
            "origin_render_memory_bytes",
            "Estimated memory of the renders at work; ORIGIN_MEMORY is the most.",
            lambda: pool.memory,
        )
    if link is not None:
        metrics.watch_number(
            "origin_redis_breaker_open", "1 while Redis is taken to be away.", lambda: float(link.is_open)
        )


def announcements(settings: Settings, closers: list[Closer], link: RedisLink | None) -> Announcements | None:
    """Through Redis, else through PostgreSQL; a database in a file is only read again and again."""
    made: Announcements
    if link is not None and settings.redis_url is not None:
        from origin.backends.redis_announce import RedisAnnouncements

        made = RedisAnnouncements(link, settings.redis_url)
    elif settings.database_url is not None and settings.database_url.startswith("postgres"):
        from origin.backends.postgres_announce import PostgresAnnouncements

        made = PostgresAnnouncements(settings.database_url)
    else:
        return None
    closers.append(made.close)
    return made


def named(
    source: SourceSetting,
    settings: Settings,
    closers: list[Closer],
    checks: dict[str, tuple[Check, bool]],
) -> NamedSource:
    public = source.public or not settings.signing_keys
    reader: ObjectReader
    if source.folder is not None:
        reader = FolderSource(source.folder)
    else:
        assert source.bucket is not None
        store = s3(settings, source.bucket, source.prefix, closers)
        checks[f"source {source.name}"] = (storage_check(store), False)
        reader = store
    return NamedSource(reader, public)
