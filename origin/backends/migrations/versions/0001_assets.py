"""Assets, their versions, and the counter of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "assets",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, comment="user id; null: put there by an operator"),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("current_version", sa.Integer, nullable=False),
        sa.Column("purges", sa.Integer, nullable=False),
        sa.Column("created", time, nullable=False),
        sa.Column("deleted", time),
        sa.Column("focus_x", sa.Double, comment="fraction of the width, from the left"),
        sa.Column("focus_y", sa.Double, comment="fraction of the height, from the top"),
        sa.Column("tags", sa.JSON, nullable=False, comment="list of texts"),
        sa.Column("change", sa.BigInteger, nullable=False, comment="number of the last change, see changes"),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
        sa.CheckConstraint("visibility IN ('public', 'private')", name="ck_assets_visibility"),
        sa.CheckConstraint("(focus_x IS NULL) = (focus_y IS NULL)", name="ck_assets_focus"),
    )
    op.create_index("ix_assets_change", "assets", ["change"])
    op.create_index("ix_assets_owner_created_id", "assets", ["owner", "created", "id"])

    op.create_table(
        "asset_versions",
        sa.Column("asset_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("sha256", sa.Text, nullable=False, comment="hex; also names the stored object"),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False, comment="pixels, as shown"),
        sa.Column("height", sa.Integer, nullable=False, comment="pixels, as shown"),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("has_alpha", sa.Boolean, nullable=False),
        sa.Column("orientation", sa.SmallInteger, nullable=False, comment="EXIF, 1 to 8"),
        sa.Column("created", time, nullable=False),
        sa.Column("thumbhash", sa.Text, comment="Base64"),
        sa.Column("dominant_color", sa.Text, comment="#rrggbb"),
        sa.Column("purged", sa.Boolean, nullable=False, comment="the bytes are gone for good"),
        sa.PrimaryKeyConstraint("asset_id", "number", name="pk_asset_versions"),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name="fk_asset_versions_asset_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_asset_versions_sha256", "asset_versions", ["sha256"])

    changes = op.create_table(
        "changes",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False, comment="number of the newest change of any asset"),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.CheckConstraint("id = 1", name="ck_changes_single"),
    )
    op.bulk_insert(changes, [{"id": 1, "last": 0}])


def downgrade() -> None:
    op.drop_table("changes")
    op.drop_table("asset_versions")
    op.drop_table("assets")
