"""Stores with something of everything in them, and what two of them have in common."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from origin.backends.database import Database
from origin.backends.files import FileStore
from origin.ports import Asset, AssetVersion, ObjectStore, Revocation, User
from origin.service.transfer import Exported, Imported, export_store, import_store

WHEN = datetime(2026, 5, 17, 12, 30, 15, 123456, tzinfo=UTC)
EVERYTHING = 100_000
PATIENCE = 10.0
"""Of databases that are well, by which all time-outs are multiplied: a busy machine decides no test."""


@dataclass(frozen=True)
class Contents:
    """All that a store holds; originals as the hash of what is read under each key."""

    assets: dict[str, Asset]
    users: list[User]
    revocations: list[Revocation]
    originals: dict[str, str]


NOTHING = Contents({}, [], [], {})


@dataclass(frozen=True)
class Store:
    database: Database
    originals: ObjectStore

    async def contents(self) -> Contents:
        originals = {}
        async for key in self.originals.keys(""):
            async with self.originals.open(key) as stream:
                chunks = [chunk async for chunk in stream.chunks()]
            originals[key] = hashlib.sha256(b"".join(chunks)).hexdigest()
        assets = await self.database.assets_after("", EVERYTHING)
        return Contents(
            {asset.id: asset for asset in assets},
            await self.database.users_after("", EVERYTHING),
            await self.database.revocations_after("", EVERYTHING),
            originals,
        )


@asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[Store]:
    """The store of a data folder, made if need be."""
    data.mkdir(parents=True, exist_ok=True)
    file = data / "origin.sqlite"
    new = not file.exists()
    database = Database(f"sqlite:///{file}", patience=PATIENCE)
    if new:
        await database.migrate()
    try:
        yield Store(database, FileStore(data / "originals"))
    finally:
        await database.close()


async def fill(store: Store, folder: Path, more: int = 0) -> Contents:
    """Put in assets in every state, users, a revocation, and ``more`` plain assets; what there is then."""

    async def stored(content: bytes) -> AssetVersion:
        path = folder / "content"
        path.write_bytes(content)
        version = a_version(content)
        await store.originals.put(version.sha256, path, media_type="image/png")
        return version

    first, second = await stored(b"first" * 300_000), await stored(b"second")
    gone = replace(a_version(b"gone"), purged=True, thumbhash=None, dominant_color=None)
    assets: Sequence[Asset] = [
        an_asset("plain", first),
        replace(an_asset("shares", first), visibility="private", owner="ann", tags=("a", "ü", "")),
        replace(an_asset("versions", replace(second, number=3)), older=(replace(first, number=2), gone)),
        replace(an_asset("focus", second), focus=(0.1, 1 / 3), purges=7),
        replace(an_asset("deleted", await stored(b"deleted")), deleted=WHEN, purges=1),
        replace(an_asset("buried", gone), deleted=WHEN, purges=2),
    ]
    for asset in assets:
        await store.database.add(asset)
    for number in range(more):
        await store.database.add(an_asset(f"more-{number:04}", await stored(f"content {number}".encode())))
    for name in ("ann", "bob"):
        await store.database.add_user(
            User(f"{name}-id", f"{name}@example.com", f"$argon2id$v=19${name}", WHEN)
        )
    await store.database.revoke("token", WHEN + timedelta(days=1))
    return await store.contents()


def an_asset(id: str, current: AssetVersion) -> Asset:
    return Asset(id, None, "public", current, purges=0, created=WHEN)


def a_version(content: bytes) -> AssetVersion:
    return AssetVersion(
        number=1,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        format="png",
        width=40,
        height=30,
        frames=1,
        has_alpha=False,
        orientation=6,
        created=WHEN,
        thumbhash="3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        dominant_color="#aabbcc",
    )


class Steps:
    """What was told of the progress."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def begin(self, what: str, total: int) -> None:
        self.steps.append((what, 0, total))

    def advance(self, by: int) -> None:
        what, done, total = self.steps[-1]
        self.steps[-1] = (what, done + by, total)


async def exported(store: Store, folder: Path) -> Exported:
    return await export_store(store.database, store.originals, folder, Steps())


async def imported(store: Store, folder: Path) -> Imported:
    return await import_store(store.database, store.originals, folder, Steps())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
