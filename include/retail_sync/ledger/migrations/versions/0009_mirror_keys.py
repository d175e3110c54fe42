"""What a mirrored record is found by, so that a plan asks for the bearers of an identifier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mirror", sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_index(
        "ix_mirror_keys",
        "mirror",
        ["keys"],
        postgresql_using="gin",
        postgresql_where=sa.text("keys IS NOT NULL"),
    )
