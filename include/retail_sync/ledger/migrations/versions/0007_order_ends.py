"""How an order ended: only a cancellation gives back what it reserved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "stock_orders", sa.Column("cancelled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
