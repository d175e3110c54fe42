"""An event waits for each entity it concerns, and says which run took it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing was received before this version.
    op.execute("DELETE FROM inbox")
    op.drop_index("ix_inbox_open", table_name="inbox")
    op.drop_index("uq_inbox_source_event_id", table_name="inbox")
    op.add_column("inbox", sa.Column("entity", sa.Text(), nullable=False))
    op.add_column("inbox", sa.Column("claimed_by", sa.Text(), nullable=True))
    op.add_column(
        "inbox",
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("uq_inbox_entity_source_event_id", "inbox", ["entity", "source", "event_id"], unique=True)
    op.create_index("ix_inbox_open", "inbox", ["entity", "id"], postgresql_where=sa.text("done_at IS NULL"))
