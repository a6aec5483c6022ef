"""A whole store into a folder, and such a folder into a store of whatever kind.

Both may be interrupted at any moment and begun again: what is there and right is not moved twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar

from origin.errors import BadRequest, Conflict, NotFound, StorageBroken, StorageTruncated
from origin.imaging.model import media_type
from origin.ports import Asset, AssetVersion, ObjectReader, ObjectStore, Transferable
from origin.service.changes import ChangeLog
from origin.service.export_folder import Draft, ExportFolder, file_errors, to_disk
from origin.service.portable import AssetRecord, Counts, RevocationRecord, UserRecord

T = TypeVar("T")
R = TypeVar("R")

BATCH: Final = 50
"""Rows that are read or added at once: whoever changes assets waits meanwhile."""

AT_ONCE: Final = 8
"""Originals on their way at the same time: storage answers late more often than slowly."""

ATTEMPTS: Final = 3
"""Reads of an original that broke off."""

NAMED: Final = 10
"""So many of what is wrong are named."""


class Progress(Protocol):
    """Hears how far it is."""

    def begin(self, what: str, total: int) -> None: ...

    def advance(self, by: int) -> None: ...


class Store(Transferable, ChangeLog, Protocol):
    """The database."""


# Out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exported:
    counts: Counts
    copied: int
    """Originals that were not in the folder before."""
    changed: int
    """Assets that changed meanwhile, and may be in the export as they were before."""


async def export_store(store: Store, originals: ObjectReader, folder: Path, progress: Progress) -> Exported:
    """Write everything into ``folder``. Servers may go on; each asset is as it was at one moment.

    Raises BadRequest and Conflict for a folder that cannot be used, StorageBroken when storage lost an
    original, and what storage and database raise; what export the folder held before is then still there.
    """
    with ExportFolder(folder).writing() as draft:
        return await _Export(store, originals, ExportFolder(folder), draft, progress).run()


class _Export:
    def __init__(
        self, store: Store, originals: ObjectReader, folder: ExportFolder, draft: Draft, progress: Progress
    ) -> None:
        self._store = store
        self._originals = originals
        self._folder = folder
        self._draft = draft
        self._progress = progress
        self._exported: dict[bytes, int] = {}
        """Hash and size of the originals that are in the folder."""
        self._copied: set[bytes] = set()
        self._lost: list[str] = []

    async def run(self) -> Exported:
        mark, _ = await self._store.changed_since(-1)
        assets, versions = await self._assets()
        if self._lost:
            raise StorageBroken(
                f"Storage does not have what was stored for {_some(self._lost)}. "
                "Nothing was finished. Sending the same file in again mends an asset."
            )
        # Owners register before they upload: after the assets, none of them is missed.
        users, revocations = await self._users(), await self._revocations()
        counts = Counts(
            assets=assets,
            versions=versions,
            users=users,
            revocations=revocations,
            originals=len(self._exported),
            bytes=sum(self._exported.values()),
        )
        await asyncio.to_thread(self._draft.finish, counts)
        _, changed = await self._store.changed_since(mark)
        return Exported(counts, len(self._copied), len(set(changed)))

    async def _assets(self) -> tuple[int, int]:
        total, _, _ = await self._store.count_all()
        self._progress.begin("Exporting", total)
        assets, versions, after = 0, 0, ""
        while page := await self._store.assets_after(after, BATCH):
            whole = await _each(page, self._with_originals)
            self._draft.add(AssetRecord.of(asset) for asset in whole)
            assets += len(whole)
            versions += sum(1 + len(asset.older) for asset in whole)
            after = page[-1].id
            self._progress.advance(len(page))
        return assets, versions

    async def _users(self) -> int:
        count, after = 0, ""
        while page := await self._store.users_after(after, BATCH):
            self._draft.add(UserRecord.of(user) for user in page)
            count, after = count + len(page), page[-1].id
        return count

    async def _revocations(self) -> int:
        count, after = 0, ""
        while page := await self._store.revocations_after(after, BATCH):
            self._draft.add(RevocationRecord.of(revocation) for revocation in page)
            count, after = count + len(page), page[-1].token
        return count

    async def _with_originals(self, asset: Asset) -> Asset:
        """The asset, with its originals in the folder. It is read again when they have just been purged."""
        while lost := [version for version in _kept(asset) if not await self._export(version)]:
            [now] = await self._store.known_assets([asset.id])
            if now == asset:
                self._lost += [f"{asset.id} (version {version.number})" for version in lost]
                break
            asset = now
        return asset

    async def _export(self, version: AssetVersion) -> bool:
        """Whether the original is in the folder now; not when storage lost or damaged it."""
        content = bytes.fromhex(version.sha256)
        if content in self._exported:
            return True
        if not await asyncio.to_thread(self._folder.holds, version.sha256, version.bytes):
            if not await self._copy(version):
                return False
            self._copied.add(content)
        self._exported[content] = version.bytes
        return True

    async def _copy(self, version: AssetVersion) -> bool:
        for _ in range(ATTEMPTS):
            try:
                with self._draft.original(version.sha256) as file:
                    await self._stream(version, file)
            except StorageTruncated:
                continue
            except (NotFound, StorageBroken):
                return False
            return True
        return False

    async def _stream(self, version: AssetVersion, file: BinaryIO) -> None:
        """Write the original. Raises StorageBroken for other content than it was stored with."""
        digest = hashlib.sha256()
        async with self._originals.open(version.sha256) as stream:
            async for chunk in stream.chunks():
                digest.update(chunk)
                with file_errors():
                    await asyncio.to_thread(file.write, chunk)
        if digest.hexdigest() != version.sha256:
            raise StorageBroken
        await asyncio.to_thread(to_disk, file)


# In ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Imported:
    counts: Counts
    """What the export holds."""
    assets: int
    """How many of its assets were not there before."""
    users: int
    """How many of its users were not there before."""
    originals: int
    """Originals that were put into storage."""


async def import_store(
    store: Transferable, originals: ObjectStore, folder: Path, progress: Progress
) -> Imported:
    """Add everything in ``folder`` to a store that is empty, or has some of just this.

    All of it is looked at before anything is changed. Raises BadRequest for a folder without a finished
    export, StorageBroken for originals that are not what they are named, Conflict when the store has other
    things under some of the ids, and what storage and database raise.
    """
    return await _Import(store, originals, ExportFolder(folder), progress).run()


class _Import:
    def __init__(
        self, store: Transferable, originals: ObjectStore, folder: ExportFolder, progress: Progress
    ) -> None:
        self._store = store
        self._originals = originals
        self._folder = folder
        self._progress = progress
        self._same: set[str] = set()
        """Ids of assets that the store has already, just like this."""
        self._stored: set[bytes] = set()
        """Hashes of originals that need not be put."""
        self._put = 0
        self._known_users = 0
        self._conflicts: list[str] = []

    async def run(self) -> Imported:
        manifest = await asyncio.to_thread(self._folder.manifest)
        await asyncio.to_thread(self._folder.check_lines, manifest)
        await self._compare(manifest.counts)
        await self._check_originals(manifest.counts)
        await self._fill(manifest.counts)
        return Imported(
            manifest.counts,
            manifest.counts.assets - len(self._same),
            manifest.counts.users - self._known_users,
            self._put,
        )

    # Nothing is changed yet

    async def _compare(self, counts: Counts) -> None:
        """Raises Conflict for everything that is there, but not like this."""
        self._progress.begin("Comparing", counts.assets + counts.users)
        users = await self._compare_users()
        assets, versions = await self._compare_assets()
        if self._conflicts:
            raise Conflict(
                f"The store has something else under {_some(self._conflicts)}. Nothing was changed."
            )
        revocations = sum(1 for _ in self._folder.read(RevocationRecord))
        found = counts.model_copy(
            update={"assets": assets, "versions": versions, "users": users, "revocations": revocations}
        )
        if found != counts:
            raise BadRequest("The manifest counts something else than the files hold. Nothing was changed.")

    async def _compare_users(self) -> int:
        seen: set[str] = set()
        for records in _batches(self._folder.read(UserRecord)):
            given = [record.value() for record in records]
            known = await self._store.known_users(given)
            for user in given:
                _once(seen, user.id, "users with the id")
                there = [one for one in known if one.id == user.id or one.email == user.email]
                if there not in ([], [user]):
                    self._conflicts.append(f"user {user.email}")
                self._known_users += there == [user]
            self._progress.advance(len(given))
        return len(seen)

    async def _compare_assets(self) -> tuple[int, int]:
        seen: set[str] = set()
        versions = 0
        for batch in _batches(self._assets()):
            known = {asset.id: asset for asset in await self._store.known_assets([one.id for one in batch])}
            for asset in batch:
                _once(seen, asset.id, "assets with the id")
                there = known.get(asset.id)
                if there == asset:
                    self._same.add(asset.id)
                elif there is not None:
                    self._conflicts.append(asset.id)
                versions += 1 + len(asset.older)
            self._progress.advance(len(batch))
        return len(seen), versions

    async def _check_originals(self, counts: Counts) -> None:
        """Raises StorageBroken unless all that has to be put is in the folder as it should be."""
        self._progress.begin("Checking", counts.assets)
        right: set[bytes] = set()
        wrong: set[str] = set()

        async def check(asset: Asset) -> None:
            for version in _kept(asset):
                content = bytes.fromhex(version.sha256)
                if content in right or content in self._stored:
                    continue
                if asset.id in self._same and await self._is_stored(version):
                    self._stored.add(content)
                elif await asyncio.to_thread(self._folder.holds, version.sha256, version.bytes):
                    right.add(content)
                else:
                    wrong.add(str(self._folder.original(version.sha256)))

        for batch in _batches(self._assets()):
            await _each(batch, check)
            self._progress.advance(len(batch))
        if wrong:
            raise StorageBroken(
                f"The export is damaged: missing or not what its name says is {_some(sorted(wrong))}. "
                "Nothing was changed. Exporting again replaces only what is wrong."
            )

    async def _is_stored(self, version: AssetVersion) -> bool:
        try:
            return (await self._originals.stat(version.sha256)).size == version.bytes
        except NotFound:
            return False

    # Now it is

    async def _fill(self, counts: Counts) -> None:
        self._progress.begin("Importing", counts.assets)
        for revocations in _batches(self._folder.read(RevocationRecord)):
            await self._store.put_revocations([record.value() for record in revocations])
        for users in _batches(self._folder.read(UserRecord)):
            await self._store.put_users([record.value() for record in users])
        for batch in _batches(self._assets()):
            await self._add(batch)
            self._progress.advance(len(batch))

    async def _add(self, batch: list[Asset]) -> None:
        """Some assets: first their originals, then their rows."""
        versions = {
            content: version
            for asset in batch
            for version in _kept(asset)
            if (content := bytes.fromhex(version.sha256)) not in self._stored
        }
        await _each(versions.values(), self._put_original)
        await self._store.put_assets(batch)
        # As for an upload: without a row the sweeper may have taken the object for an orphan from earlier.
        await _each(versions.values(), self._secure)
        self._stored |= versions.keys()
        self._put += len(versions)

    async def _put_original(self, version: AssetVersion) -> None:
        path = self._folder.original(version.sha256)
        await self._originals.put(version.sha256, path, media_type=media_type(version.format))

    async def _secure(self, version: AssetVersion) -> None:
        if not await self._is_stored(version):
            await self._put_original(version)

    def _assets(self) -> Iterator[Asset]:
        return (record.value() for record in self._folder.read(AssetRecord))


# Both -------------------------------------------------------------------------------------------------


def _kept(asset: Asset) -> list[AssetVersion]:
    """The versions that have an original."""
    return [version for version in (asset.current, *asset.older) if not version.purged]


def _once(seen: set[str], key: str, what: str) -> None:
    if key in seen:
        raise BadRequest(f"The export has two {what} {key!r}. Nothing was changed.")
    seen.add(key)


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    things = iter(things)
    while batch := list(islice(things, BATCH)):
        yield batch


async def _each(things: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """``work`` for every one, AT_ONCE of them together; a failure ends all."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(thing: T) -> R:
        async with turns:
            return await work(thing)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(thing)) for thing in things]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
