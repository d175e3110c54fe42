"""What people call a record, in the form in which it is compared: the same SKU is found however it is spelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mirror", sa.Column("label_key", sa.Text(), nullable=True))
    # Until now labels were kept without outer blanks and composed; the next read of a record makes it exact.
    op.execute("UPDATE mirror SET label_key = lower(label) WHERE label IS NOT NULL")
    op.create_index("ix_mirror_entity_label_key", "mirror", ["entity", "label_key"])
