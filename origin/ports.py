"""What the service needs from outside systems, one narrow protocol per call.

A backend implements the protocols it can, in its own module under ``origin/backends``, and raises only
errors of ``origin.errors``. Every backend of a protocol passes the same tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

# Originals ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store says about an object before its bytes are read."""

    size: int
    """Bytes; always known: an object without a length is refused by the backend."""
    validator: str
    """Changes whenever the bytes change (an S3 ETag; mtime and size of a file)."""
    modified: datetime
    """Timezone-aware."""


class ObjectStream(Protocol):
    """An object being read. Chunks add up to ``info.size`` bytes or the reader raises StorageTruncated."""

    @property
    def info(self) -> ObjectInfo: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class ObjectReader(Protocol):
    """Reads objects by key. NotFound for a key that is not there."""

    async def stat(self, key: str) -> ObjectInfo: ...

    def open(self, key: str) -> AbstractAsyncContextManager[ObjectStream]: ...


@runtime_checkable
class LocalFiles(Protocol):
    """An optional power of readers whose objects are files of this host: nothing needs to be copied."""

    near: bool
    """To open a file does not take longer than to ask somebody else to."""

    def local_path(self, key: str) -> Path:
        """The file of ``key``. Blocks on the file system. Raises NotFound where no file could be."""
        ...


class ObjectWriter(Protocol):
    """Writes whole objects or nothing."""

    async def put(self, key: str, path: Path, *, media_type: str) -> None:
        """Store the file at ``path`` under ``key``. Idempotent; an object is never seen half-written."""
        ...

    async def delete(self, key: str) -> None:
        """Remove ``key``; no error when it is not there."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]: ...


class Aging(Protocol):
    """What can say which of its objects have been there for long."""

    def older_than(self, prefix: str, before: datetime) -> AsyncIterator[str]:
        """The keys that begin with ``prefix`` and were last written before ``before``.

        Each put writes anew, whatever was there.
        """
        ...


class HeldOriginal(Protocol):
    """An original as a file of this host, for as long as it is held."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> int: ...


class HeldOriginals(Protocol):
    """The cache of originals."""

    def hold(
        self,
        identity: str,
        reader: ObjectReader,
        key: str,
        *,
        max_bytes: int,
        sha256: str | None = None,
        size: int | None = None,
    ) -> AbstractAsyncContextManager[HeldOriginal]: ...


class KeptRasters(Protocol):
    """Decoded pictures as files of this host, by owner (an asset) and content."""

    def find(self, owner: str, content: str) -> tuple[str, ...]:
        """Paths of what is kept of a content. They may vanish at any moment."""
        ...

    def count(self, *, hit: bool) -> None:
        """A variant was made from what is kept, or not."""
        ...

    def begin(self) -> AbstractContextManager[str]:
        """An empty file to be filled; gone afterwards unless it was published."""
        ...

    async def publish(self, path: str, owner: str, content: str, name: str, *, begun: float) -> None:
        """Keep the finished file ``path``, whose original was looked up at ``begun`` (``time.monotonic()``).

        What was made before its owner was forgotten is not kept.
        """
        ...

    async def forget(self, owner: str, besides: Collection[str] = ()) -> None:
        """Remove what is kept of an owner ``besides`` these contents, also what is being made just now."""
        ...


class ObjectStore(ObjectReader, ObjectWriter, Protocol):
    """Where uploaded originals live."""


# Results ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """A finished picture (or description of one), complete and immutable."""

    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()
    """Further response headers that belong to these bytes, for example ``X-Fallback``."""
    draft: bool = False
    """A better version is being made: short life, no ``immutable``."""
    created: int = 0
    """Unix seconds."""


class ResultStore(Protocol):
    """Keeps results by key. A miss, damage or an absent server is None; it never raises for a read.

    Nor do ``put`` and ``forget`` raise for a server or disk that is away: the picture is made, and a purge
    makes old results unreachable by changing the key. Such failures are logged.
    """

    name: str
    """What ``X-Cache`` says of a hit: ``memory``, ``redis`` or ``files``."""

    async def get(self, key: str) -> Result | None: ...

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        """Keep ``result``; ``assets`` are the ids whose purge must forget it."""
        ...

    async def forget(self, asset: str) -> int:
        """Drop every result that used ``asset``; how many were dropped."""
        ...


# One render per key across processes ----------------------------------------------------------------------


class Lease(Protocol):
    """The right to render one key. Released on exit; lost by itself when the holder dies."""

    @property
    def contested(self) -> bool:
        """Another process may have had it a moment ago, and may have left a result."""
        ...

    async def done(self) -> None: ...


class Strikes(Protocol):
    """How often something went wrong lately, by name. A server that is away raises nothing: who asks goes on
    with what this process knows."""

    async def add(self, name: str, count: int, seconds: float) -> int:
        """``count`` more, all of them remembered for ``seconds`` from now on; how many there are."""
        ...

    async def counts(self, names: Sequence[str]) -> list[int]: ...

    async def clear(self, name: str) -> None: ...


class Leases(Protocol):
    """Decides which of several processes renders a key."""

    async def acquire(self, key: str) -> Lease | None:
        """A lease, or None when another process holds it. When the lock server is away: a lease (render
        rather than fail)."""
        ...

    async def wait(self, key: str, seconds: float) -> None:
        """Return when the holder of ``key`` is done or gone, at the latest after ``seconds``."""
        ...


# Assets ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AssetVersion:
    """One version of an asset's file. Sizes in pixels as shown (after EXIF orientation)."""

    number: int
    sha256: str
    """Hex; also names the stored object."""
    bytes: int
    format: str
    """``jpeg png webp gif avif tiff``."""
    width: int
    height: int
    frames: int
    has_alpha: bool
    orientation: int
    """EXIF orientation, 1 to 8."""
    created: datetime
    thumbhash: str | None = None
    """Base64."""
    dominant_color: str | None = None
    """``#rrggbb``."""
    purged: bool = False


@dataclass(frozen=True, slots=True)
class Asset:
    id: str
    owner: str | None
    """User id; None for what an operator put there."""
    visibility: str
    """``public`` or ``private``."""
    current: AssetVersion
    purges: int
    """Counts purges; part of every result key, so that a purge makes old results unreachable."""
    created: datetime
    deleted: datetime | None = None
    focus: tuple[float, float] | None = None
    """Point of interest as fractions from the left and the top."""
    tags: tuple[str, ...] = ()
    older: tuple[AssetVersion, ...] = field(default=())

    def version(self, number: int | None) -> AssetVersion | None:
        """The version asked for (None: the current one), purged or not; None where there never was one."""
        if number is None or number == self.current.number:
            return self.current
        return next((version for version in self.older if version.number == number), None)


class AssetFinder(Protocol):
    async def find(self, id: str) -> Asset | None:
        """The asset, deleted or not; None if there never was one. Raises DatabaseUnavailable."""
        ...


class AssetKeeper(AssetFinder, Protocol):
    async def add(self, asset: Asset, *, once: bool = False, quota: int | None = None) -> Asset:
        """Add ``asset`` with its first version. Raises Conflict when the id is taken.

        ``once``: what ``find_same`` finds for its owner, bytes and visibility is the answer instead, if there
        is something. ``quota``: QuotaExceeded when its owner would have more bytes. Both also when many are
        added at once.
        """
        ...

    async def find_same(
        self, owner: str | None, sha256: str, *, visibility: str | None = None
    ) -> Asset | None:
        """The newest live asset of ``owner`` whose current version has these bytes (and this visibility)."""
        ...

    async def delete(self, id: str) -> None:
        """Mark as deleted and count a purge. Raises NotFound."""
        ...

    async def purge(self, id: str) -> None:
        """Count a purge. Raises NotFound."""
        ...

    async def changed_since(self, mark: int) -> tuple[int, list[str]]:
        """The ids that changed after ``mark``, and the new mark (for announcements by polling).

        A negative mark asks for the present mark, without ids.
        """
        ...


class Unset:
    """Says that an argument was not given, where None means something."""


UNSET = Unset()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing."""

    assets: tuple[Asset, ...]
    next: str | None
    """Opaque cursor of the next page, or None at the end."""


class AssetLibrary(AssetKeeper, Protocol):
    """Assets as their owners see them. ``owner`` is part of every condition: others get NotFound."""

    async def page(
        self,
        owner: str,
        *,
        limit: int,
        cursor: str | None = None,
        tag: str | None = None,
        visibility: str | None = None,
    ) -> Page:
        """Live assets, newest first. BadRequest for a cursor that was not made here."""
        ...

    async def owned(self, owner: str, id: str, *, deleted: bool = False) -> Asset:
        """The asset; with ``deleted`` also one that can still be restored. Raises NotFound."""
        ...

    async def change(
        self,
        owner: str,
        id: str,
        *,
        visibility: str | None = None,
        focus: tuple[float, float] | Unset | None = UNSET,
        tags: Sequence[str] | None = None,
    ) -> Asset:
        """Change what is given. Counts a purge when visibility or focus changes. Raises NotFound."""
        ...

    async def add_version(
        self, owner: str | None, id: str, version: AssetVersion, *, quota: int | None = None
    ) -> Asset:
        """Make ``version`` the current one, numbered one above the highest there was.

        Raises NotFound, and QuotaExceeded as ``add`` does.
        """
        ...

    async def purge_versions(self, owner: str, id: str) -> Asset:
        """Count a purge and mark every version but the current one as purged. Raises NotFound."""
        ...

    async def discard(self, owner: str, id: str) -> None:
        """Delete softly: mark and count a purge. Raises NotFound."""
        ...

    async def restore(self, owner: str, id: str, *, since: datetime) -> Asset:
        """Take a deletion back that is not older than ``since``. Raises NotFound."""
        ...

    async def bytes_of(self, owner: str, *, besides: str = "") -> int:
        """Bytes of all versions of live assets and of open upload tickets of ``owner``, for the quota.

        ``besides``: an id whose tickets do not count, because what they announce is being taken in.
        """
        ...


class Sweepable(Protocol):
    """What the sweeper asks and does."""

    async def expired(self, before: datetime, limit: int) -> list[str]:
        """Ids of assets deleted before ``before``."""
        ...

    async def bury(self, id: str, before: datetime) -> None:
        """Remove all versions of an asset deleted before ``before`` for good; nothing for another.

        The row stays, so that the id stays taken.
        """
        ...

    async def referenced(self, sha256: Sequence[str]) -> set[str]:
        """Which of these contents some version that is not purged still has."""
        ...

    async def remove_unreferenced(self, sha256: str, remove: Callable[[], Awaitable[None]]) -> bool:
        """Await ``remove`` while no version has this content and none can be added; whether it was.

        Nobody can change an asset meanwhile, so ``remove`` must not take long.
        """
        ...

    async def forget_old(self, now: datetime) -> None:
        """Drop what has expired: revocations, idempotency keys, tickets, URLs that no cache holds now."""
        ...


# People ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    """Lower case."""
    password_hash: str
    """Argon2id, in its encoded form."""
    created: datetime


class UserKeeper(Protocol):
    async def add_user(self, user: User) -> None:
        """Raises Conflict when the address is taken."""
        ...

    async def user_by_email(self, email: str) -> User | None: ...

    async def user_by_id(self, id: str) -> User | None: ...


class TokenLedger(Protocol):
    """Tokens that no longer count, by id. Never by their text: a token has more than one spelling."""

    async def revoke(self, jti: str, expires: datetime) -> bool:
        """Whether this call was the one that revoked it (False: it was revoked before). Atomic."""
        ...

    async def revoked(self, jtis: Sequence[str]) -> bool:
        """Whether any of these is revoked."""
        ...


# The whole store --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Revocation:
    """A token that no longer counts."""

    token: str
    """SHA-256 of its id, hex."""
    expires: datetime


class Transferable(Protocol):
    """What reads a database out as a whole, and fills another one with exactly that.

    Pages follow the order that the database itself gives to the keys; "" comes before all of them.
    """

    async def count_all(self) -> tuple[int, int, int]:
        """How many assets (deleted ones too), users and revocations there are."""
        ...

    async def assets_after(self, id: str, limit: int) -> list[Asset]: ...

    async def users_after(self, id: str, limit: int) -> list[User]: ...

    async def revocations_after(self, token: str, limit: int) -> list[Revocation]: ...

    async def known_assets(self, ids: Sequence[str]) -> list[Asset]:
        """Those of ``ids`` that there are, in any order."""
        ...

    async def known_users(self, given: Sequence[User]) -> list[User]:
        """Who has an id or an address of one of these."""
        ...

    async def put_assets(self, given: Sequence[Asset]) -> None:
        """Add those that are not there, each exactly as it is; all or, with Conflict, none.

        Conflict: an id is there with anything else than this. BadRequest: a text that cannot be kept.
        """
        ...

    async def put_users(self, given: Sequence[User]) -> None:
        """As ``put_assets``; an address that another user has is a Conflict too."""
        ...

    async def put_revocations(self, given: Sequence[Revocation]) -> None:
        """Add those that are not there."""
        ...


# Uploads --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to put one object straight into storage."""

    id: str
    """Also the id of the asset it will become."""
    owner: str
    sha256: str
    bytes: int
    visibility: str
    tags: tuple[str, ...]
    key: str
    """Where the object is put, below the quarantine."""
    created: datetime
    expires: datetime


class TicketKeeper(Protocol):
    async def add_ticket(self, ticket: Ticket, *, quota: int | None = None) -> None:
        """Raises QuotaExceeded when the owner would have more bytes, announced ones included."""
        ...

    async def ticket(self, owner: str, id: str) -> Ticket | None: ...

    async def drop_ticket(self, id: str) -> None:
        """Every ticket of this id, whosever: it is taken now."""
        ...

    async def cancel_ticket(self, key: str) -> None:
        """The one ticket for the object ``key``."""
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered to a request with an ``Idempotency-Key``."""

    fingerprint: str
    """Of the request's body and target."""
    status: int
    """0 while the first request is still being worked on."""
    body: bytes


class IdempotencyKeeper(Protocol):
    async def begin(self, owner: str, key: str, fingerprint: str, expires: datetime) -> Remembered | None:
        """Claim the key (None), or what is known of the request that claimed it before. Atomic."""
        ...

    async def finish(self, owner: str, key: str, status: int, body: bytes) -> None: ...

    async def abandon(self, owner: str, key: str) -> None:
        """Give the claim back: the request failed and may be tried again."""
        ...


@runtime_checkable
class Presigner(Protocol):
    """An optional power of object stores: a browser puts an object straight into them."""

    async def presign_put(
        self, key: str, *, sha256: str, size: int, media_type: str, seconds: int
    ) -> tuple[str, dict[str, str]]:
        """URL, and the headers that must go with the PUT; length and SHA-256 are among the signed ones."""
        ...

    async def move(self, source: str, target: str) -> None:
        """Rename an object inside the store. Raises NotFound."""
        ...


# The edge -------------------------------------------------------------------------------------------------


class EmittedUrls(Protocol):
    """Which URLs were given out to a cache that must be told when an asset changes."""

    async def emitted(self, asset: Sequence[str], path: str) -> None:
        """Remember, before the answer is sent, that ``path`` shows these assets."""
        ...

    async def emitted_for(self, asset: str) -> list[str]: ...

    async def forget_emitted(self, asset: str, paths: Sequence[str]) -> None: ...


class PurgeReminders(Protocol):
    """Assets that caches in front must be told of once more, at most one reminder each."""

    async def remind(self, asset: str, due: datetime, until: datetime) -> None:
        """Due from ``due`` on, and given up at ``until``; in place of an earlier reminder."""
        ...

    async def due(self, now: datetime, limit: int) -> list[str]: ...

    async def put_off(self, asset: str, now: datetime, due: datetime) -> None:
        """Due later, or given up by then. Nothing for one that has become due after ``now`` instead."""
        ...

    async def reminded(self, asset: str, now: datetime) -> None:
        """Done with what was due at ``now``."""
        ...


class EdgePurger(Protocol):
    """Makes a cache in front forget some URLs, or everything with a surrogate key."""

    async def purge(self, asset: str, paths: Sequence[str]) -> None: ...


class Announcements(Protocol):
    """Word of changes between servers, at once and without a promise that it arrives."""

    async def announce(self, id: str) -> None:
        """Tell the other servers that asset ``id`` changed. Raises Unavailable."""
        ...

    async def start(self, heard: Callable[[str], None]) -> None:
        """Call ``heard`` with every id that is told from now on, also by this server itself."""
        ...

    async def close(self) -> None: ...
