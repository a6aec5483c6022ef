"""Assets as rows: what is read from the tables and what is written into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from origin.backends.tables import asset_versions, assets
from origin.ports import Asset, AssetVersion


def with_versions(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """An asset's row as often as it has versions, newest version first."""
    columns = [column.label(f"v_{column.name}") for column in asset_versions.c]
    return (
        sa.select(assets, *columns)
        .join(asset_versions, asset_versions.c.asset_id == assets.c.id)
        .where(condition)
        .order_by(assets.c.created.desc(), assets.c.id.desc(), asset_versions.c.number.desc())
    )


def read_asset(rows: Sequence[sa.Row[Any]]) -> Asset | None:
    """The asset whose rows these are."""
    if not rows:
        return None
    row = rows[0]
    versions = {version.v_number: _version(version) for version in rows}
    current = versions.pop(row.current_version)
    return Asset(
        id=row.id,
        owner=row.owner,
        visibility=row.visibility,
        current=current,
        purges=row.purges,
        created=row.created,
        deleted=row.deleted,
        focus=None if row.focus_x is None else (row.focus_x, row.focus_y),
        tags=tuple(row.tags),
        older=tuple(versions.values()),
    )


def read_assets(rows: Sequence[sa.Row[Any]]) -> tuple[Asset, ...]:
    """The assets of these rows, in their order."""
    groups: dict[str, list[sa.Row[Any]]] = {}
    for row in rows:
        groups.setdefault(row.id, []).append(row)
    return tuple(asset for group in groups.values() if (asset := read_asset(group)))


def _version(row: sa.Row[Any]) -> AssetVersion:
    return AssetVersion(
        number=row.v_number,
        sha256=row.v_sha256,
        bytes=row.v_bytes,
        format=row.v_format,
        width=row.v_width,
        height=row.v_height,
        frames=row.v_frames,
        has_alpha=row.v_has_alpha,
        orientation=row.v_orientation,
        created=row.v_created,
        thumbhash=row.v_thumbhash,
        dominant_color=row.v_dominant_color,
        purged=row.v_purged,
    )


def asset_row(asset: Asset) -> dict[str, Any]:
    x, y = asset.focus or (None, None)
    return {
        "id": asset.id,
        "owner": asset.owner,
        "visibility": asset.visibility,
        "current_version": asset.current.number,
        "purges": asset.purges,
        "created": asset.created,
        "deleted": asset.deleted,
        "focus_x": x,
        "focus_y": y,
        "tags": list(asset.tags),
    }


def version_row(id: str, version: AssetVersion) -> dict[str, Any]:
    return {
        "asset_id": id,
        "number": version.number,
        "sha256": version.sha256,
        "bytes": version.bytes,
        "format": version.format,
        "width": version.width,
        "height": version.height,
        "frames": version.frames,
        "has_alpha": version.has_alpha,
        "orientation": version.orientation,
        "created": version.created,
        "thumbhash": version.thumbhash,
        "dominant_color": version.dominant_color,
        "purged": version.purged,
    }
