"""What owners do with their assets: send them in, list, change, replace, delete, restore, purge."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from origin.errors import BadRequest
from origin.ports import UNSET, Asset, AssetLibrary, Page, Unset
from origin.service.ingest import Ingest, Ingested, Upload
from origin.service.purge import Purge

RESTORE_WINDOW = timedelta(days=30)
MOST_LISTED = 100
MOST_TAGS = 20
LONGEST_TAG = 64
TAG: Final = r"^[^,\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,64}$"
"""A tag: no comma, which joins them in forms, and no controls."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a PATCH asks for; what is not given stays."""

    visibility: str | None = None
    focus: tuple[float, float] | Unset | None = UNSET
    tags: Sequence[str] | None = None


class Library:
    """The assets of one server, always seen as one of their owners."""

    def __init__(
        self,
        assets: AssetLibrary,
        ingest: Ingest,
        purge: Purge,
        quota: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._assets = assets
        self._ingest = ingest
        self._purge = purge
        self._quota = quota
        self._clock = clock

    async def upload(self, upload: Upload) -> Ingested:
        """Take a file in for ``upload.owner``. Raises what ``Ingest.ingest`` raises, and QuotaExceeded."""
        return await self._ingest.ingest(replace(upload, tags=checked_tags(upload.tags)), quota=self._quota)

    async def page(
        self, owner: str, *, limit: int, cursor: str | None, tag: str | None, visibility: str | None
    ) -> Page:
        if not 1 <= limit <= MOST_LISTED:
            raise BadRequest(f"limit is 1 to {MOST_LISTED}.")
        return await self._assets.page(owner, limit=limit, cursor=cursor, tag=tag, visibility=visibility)

    async def get(self, owner: str, id: str) -> Asset:
        return await self._assets.owned(owner, id)

    async def change(self, owner: str, id: str, change: Change) -> Asset:
        """Change visibility, focus point or tags. What the change makes wrong is forgotten everywhere."""
        tags = None if change.tags is None else checked_tags(tuple(change.tags))
        asset = await self._assets.change(
            owner, id, visibility=change.visibility, focus=change.focus, tags=tags
        )
        if change.visibility is not None or not isinstance(change.focus, Unset):
            await self._purge.changed(id)
        return asset

    async def replace_file(self, owner: str, id: str, path: Path) -> Ingested:
        """Make the file the asset's new version. The same bytes again change nothing."""
        asset = await self._assets.owned(owner, id)
        version = await self._ingest.prepare(
            Upload(path, owner=owner), quota=self._quota, known=asset.current.sha256
        )
        if version is not None:
            asset = await self._assets.add_version(owner, id, version, quota=self._quota)
            await self._purge.changed(id)
        await self._ingest.secure(path, asset.current)
        return Ingested(asset, created=version is not None)

    async def delete(self, owner: str, id: str) -> None:
        await self._assets.discard(owner, id)
        await self._purge.changed(id)

    async def restore(self, owner: str, id: str) -> Asset:
        """Take a deletion back, within 30 days."""
        asset = await self._assets.restore(owner, id, since=self._clock() - RESTORE_WINDOW)
        await self._purge.changed(id)
        return asset

    async def purge(self, owner: str, id: str) -> Asset:
        """Forget every variant, and every older version for good."""
        asset = await self._assets.purge_versions(owner, id)
        await self._purge.changed(id)
        return asset


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags without repeats. Raises BadRequest."""
    if len(tags) > MOST_TAGS:
        raise BadRequest(f"An asset has at most {MOST_TAGS} tags.")
    for tag in tags:
        if not re.fullmatch(TAG, tag):
            raise BadRequest(f"A tag has 1 to {LONGEST_TAG} characters, no comma and no controls.")
    return tuple(dict.fromkeys(tags))


__all__ = ["UNSET", "Asset", "Change", "Library", "checked_tags"]
