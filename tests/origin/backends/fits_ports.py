"""Each backend fits its ports: the type checker reads this file, running it adds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from origin import ports
    from origin.backends.database import Database
    from origin.backends.files import FileStore, FolderSource
    from origin.backends.leases import LocalLeases
    from origin.backends.postgres_announce import PostgresAnnouncements
    from origin.backends.redis_announce import RedisAnnouncements
    from origin.backends.redis_leases import RedisLeases
    from origin.backends.redis_results import RedisResults
    from origin.backends.redis_strikes import RedisStrikes
    from origin.backends.results import FolderResults, MemoryResults, SharedTier, Tier, TieredResults
    from origin.backends.s3 import S3Store
    from origin.backends.source_cache import SourceCache
    from origin.backends.strikes import LocalStrikes

    def readers(source: FolderSource) -> ports.ObjectReader:
        return source

    def stores(files: FileStore, s3: S3Store) -> list[ports.ObjectStore]:
        return [files, s3]

    def aging(files: FileStore, s3: S3Store) -> list[ports.Aging]:
        return [files, s3]

    def strikes(local: LocalStrikes, shared: RedisStrikes) -> list[ports.Strikes]:
        return [local, shared]

    def presigner(s3: S3Store) -> ports.Presigner:
        return s3

    def local(store: FileStore, source: FolderSource) -> list[ports.LocalFiles]:
        return [store, source]

    def originals(cache: SourceCache) -> ports.HeldOriginals:
        return cache

    def results(tiered: TieredResults) -> ports.ResultStore:
        return tiered

    def tiers(memory: MemoryResults, folder: FolderResults) -> list[Tier]:
        return [memory, folder]

    def shared(redis: RedisResults) -> SharedTier:
        return redis

    def leases(local: LocalLeases, redis: RedisLeases) -> list[ports.Leases]:
        return [local, redis]

    def assets(database: Database) -> ports.AssetLibrary:
        return database

    def sweepable(database: Database) -> ports.Sweepable:
        return database

    def people(database: Database) -> tuple[ports.UserKeeper, ports.TokenLedger]:
        return database, database

    def uploads(database: Database) -> tuple[ports.TicketKeeper, ports.IdempotencyKeeper, ports.EmittedUrls]:
        return database, database, database

    def edges(database: Database) -> ports.PurgeReminders:
        return database

    def transferable(database: Database) -> ports.Transferable:
        return database

    def announcements(
        redis: RedisAnnouncements, postgres: PostgresAnnouncements
    ) -> list[ports.Announcements]:
        return [redis, postgres]
