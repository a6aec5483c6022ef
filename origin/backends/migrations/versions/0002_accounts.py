"""Users, revoked tokens, upload tickets, idempotency keys, and URLs that caches may hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("ix_assets_deleted", "assets", ["deleted"])

    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False, comment="lower case"),
        sa.Column("password_hash", sa.Text, nullable=False, comment="Argon2id, encoded"),
        sa.Column("created", time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )

    op.create_table(
        "revocations",
        sa.Column("token", sa.Text, nullable=False, comment="SHA-256 of the token's id, hex"),
        sa.Column("expires", time, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_revocations"),
    )
    op.create_index("ix_revocations_expires", "revocations", ["expires"])

    op.create_table(
        "tickets",
        sa.Column("key", sa.Text, nullable=False, comment="where the object is put"),
        sa.Column("id", sa.Text, nullable=False, comment="of the asset it will become"),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False, comment="list of texts"),
        sa.Column("created", time, nullable=False),
        sa.Column("expires", time, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_tickets"),
        sa.CheckConstraint("visibility IN ('public', 'private')", name="ck_tickets_visibility"),
    )
    op.create_index("ix_tickets_id", "tickets", ["id"])
    op.create_index("ix_tickets_owner_id", "tickets", ["owner", "id"])
    op.create_index("ix_tickets_expires", "tickets", ["expires"])

    op.create_table(
        "idempotency",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False, comment="0: still being worked on"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("claimed", time, nullable=False),
        sa.Column("expires", time, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_expires", "idempotency", ["expires"])

    op.create_table(
        "emitted",
        sa.Column("asset_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of path, hex"),
        sa.Column("path", sa.Text, nullable=False, comment="with the headers that make its key, see purge"),
        sa.PrimaryKeyConstraint("asset_id", "digest", name="pk_emitted"),
    )


def downgrade() -> None:
    for table in ("emitted", "idempotency", "tickets", "revocations", "users"):
        op.drop_table(table)
    op.drop_index("ix_assets_deleted", "assets")
