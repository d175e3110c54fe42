"""Stock: levels, entries, orders that hold goods, buckets of the till; and when a mirrored row changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _seen() -> list[sa.Column[Any]]:
    return [
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
    ]


def upgrade() -> None:
    # Filled with the time of the migration: the first run afterwards looks at everything once.
    op.add_column(
        "mirror",
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("ix_mirror_entity_changed_at", "mirror", ["entity", "changed_at"])
    op.create_index("ix_mirror_entity_label", "mirror", ["entity", "label"])
    op.create_table(
        "stock_levels",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("outlet_id", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_seen(),
        sa.PrimaryKeyConstraint("product_id", "outlet_id", name=op.f("pk_stock_levels")),
    )
    op.create_index("ix_stock_levels_changed_at", "stock_levels", ["changed_at"])
    op.create_table(
        "stock_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("on_stock", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        *_seen(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_entries")),
    )
    op.create_index("ix_stock_entries_sku_channel", "stock_entries", ["sku", "channel"])
    op.create_table(
        "stock_orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lines", sa.Text(), nullable=False),
        *_seen(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_orders")),
    )
    op.create_index(
        "ix_stock_orders_open",
        "stock_orders",
        ["exported_at"],
        postgresql_where=sa.text("holds"),
    )
    op.create_index("ix_stock_orders_closed_at", "stock_orders", ["closed_at"])
    op.create_index("ix_stock_orders_changed_at", "stock_orders", ["changed_at"])
    op.create_table(
        "stock_buckets",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("outlet_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        *_seen(),
        sa.PrimaryKeyConstraint("product_id", "outlet_id", "bucket", name=op.f("pk_stock_buckets")),
    )
