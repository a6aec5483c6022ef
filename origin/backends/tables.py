"""The tables. Every change here needs a migration beside it; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class UtcTime(sa.TypeDecorator[datetime]):
    """A timezone-aware datetime in UTC, also where the database keeps no zone (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

assets = sa.Table(
    "assets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, comment="user id; null: put there by an operator"),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("current_version", sa.Integer, nullable=False),
    sa.Column("purges", sa.Integer, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("deleted", UtcTime),
    sa.Column("focus_x", sa.Double, comment="fraction of the width, from the left"),
    sa.Column("focus_y", sa.Double, comment="fraction of the height, from the top"),
    sa.Column("tags", sa.JSON, nullable=False, comment="list of texts"),
    sa.Column("change", sa.BigInteger, nullable=False, comment="number of the last change, see changes"),
    sa.CheckConstraint("visibility IN ('public', 'private')", name="visibility"),
    sa.CheckConstraint("(focus_x IS NULL) = (focus_y IS NULL)", name="focus"),
    sa.Index("ix_assets_change", "change"),
    sa.Index("ix_assets_deleted", "deleted"),
    sa.Index("ix_assets_owner_created_id", "owner", "created", "id"),
)

asset_versions = sa.Table(
    "asset_versions",
    metadata,
    sa.Column("asset_id", sa.Text, sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.Text, nullable=False, comment="hex; also names the stored object"),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False, comment="pixels, as shown"),
    sa.Column("height", sa.Integer, nullable=False, comment="pixels, as shown"),
    sa.Column("frames", sa.Integer, nullable=False),
    sa.Column("has_alpha", sa.Boolean, nullable=False),
    sa.Column("orientation", sa.SmallInteger, nullable=False, comment="EXIF, 1 to 8"),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("thumbhash", sa.Text, comment="Base64"),
    sa.Column("dominant_color", sa.Text, comment="#rrggbb"),
    sa.Column("purged", sa.Boolean, nullable=False, comment="the bytes are gone for good"),
    sa.Index("ix_asset_versions_sha256", "sha256"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False, comment="number of the newest change of any asset"),
    sa.CheckConstraint("id = 1", name="single"),
)
"""One row. Each writing transaction counts it up first and so holds its lock until the commit: changes become
visible in the order of their numbers, and polling by number misses none."""

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, comment="lower case"),
    sa.Column("password_hash", sa.Text, nullable=False, comment="Argon2id, encoded"),
    sa.Column("created", UtcTime, nullable=False),
    sa.UniqueConstraint("email"),
)
"""Assets and tickets do not refer to these rows: owners may also come from another issuer of tokens."""

revocations = sa.Table(
    "revocations",
    metadata,
    sa.Column("token", sa.Text, primary_key=True, comment="SHA-256 of the token's id, hex"),
    sa.Column("expires", UtcTime, nullable=False),
    sa.Index("ix_revocations_expires", "expires"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("key", sa.Text, primary_key=True, comment="where the object is put"),
    sa.Column("id", sa.Text, nullable=False, comment="of the asset it will become"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False, comment="list of texts"),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False),
    sa.CheckConstraint("visibility IN ('public', 'private')", name="visibility"),
    sa.Index("ix_tickets_id", "id"),
    sa.Index("ix_tickets_owner_id", "owner", "id"),
    sa.Index("ix_tickets_expires", "expires"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False, comment="0: still being worked on"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("claimed", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False),
    sa.Index("ix_idempotency_expires", "expires"),
)

emitted = sa.Table(
    "emitted",
    metadata,
    sa.Column("asset_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256 of path, hex"),
    sa.Column("path", sa.Text, nullable=False, comment="with the headers that make its key, see purge"),
    sa.Column("seen", UtcTime, nullable=False),
    sa.Index("ix_emitted_seen", "seen"),
)

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("asset_id", sa.Text, primary_key=True),
    sa.Column("due", UtcTime, nullable=False),
    sa.Column("until", UtcTime, nullable=False, comment="when it is given up"),
    sa.Index("ix_reminders_due", "due"),
)
