"""When a URL was sent last, and which assets caches must be told of once more."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from origin.backends.tables import UtcTime

revision = "0003"
down_revision = "0002"

time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("emitted", sa.Column("seen", time, nullable=True))
    emitted = sa.table("emitted", sa.column("seen", UtcTime))
    op.execute(emitted.update().values(seen=datetime.now(UTC)))
    with op.batch_alter_table("emitted") as batch:
        batch.alter_column("seen", existing_type=time, nullable=False)
    op.create_index("ix_emitted_seen", "emitted", ["seen"])

    op.create_table(
        "reminders",
        sa.Column("asset_id", sa.Text, nullable=False),
        sa.Column("due", time, nullable=False),
        sa.Column("until", time, nullable=False, comment="when it is given up"),
        sa.PrimaryKeyConstraint("asset_id", name="pk_reminders"),
    )
    op.create_index("ix_reminders_due", "reminders", ["due"])


def downgrade() -> None:
    op.drop_table("reminders")
    op.drop_index("ix_emitted_seen", "emitted")
    with op.batch_alter_table("emitted") as batch:
        batch.drop_column("seen")
