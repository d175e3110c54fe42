"""Indexes for people who look: records by whatever they are called, and what happened to them, newest first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What a record is called. That it is called anything is what only a search says: without it, a database that has no
    # statistics yet would take these small indexes for the engine's own reading, and go through them for every row.
    # Small letters, in the order of their bytes, so that beginnings are found whatever the
    # collation of the database is.
    op.create_index(
        "ix_mirror_sku",
        "mirror",
        [sa.literal_column("lower(label)").label("begins")],
        postgresql_ops={"begins": "text_pattern_ops"},
        postgresql_where=sa.text("entity = 'products' AND kind = 'variant' AND label <> ''"),
    )
    op.create_index(
        "ix_mirror_name",
        "mirror",
        [sa.literal_column("lower(label)").label("begins")],
        postgresql_ops={"begins": "text_pattern_ops"},
        postgresql_where=sa.text("kind IN ('product', 'customer', 'order', 'sale') AND label <> ''"),
    )
    op.create_index(
        "ix_mirror_key",
        "mirror",
        [sa.literal_column("lower(COALESCE(identity ->> 'key', identity ->> 'number'))").label("begins")],
        postgresql_ops={"begins": "text_pattern_ops"},
        postgresql_where=sa.text(
            "kind IN ('product', 'sale') AND COALESCE(identity ->> 'key', identity ->> 'number') <> ''"
        ),
    )
    op.create_index(
        "ix_mirror_barcodes",
        "mirror",
        [sa.literal_column("(fields -> 'barcodes')").label("listed")],
        postgresql_ops={"listed": "jsonb_path_ops"},
        postgresql_using="gin",
        postgresql_where=sa.text(
            "entity = 'products' AND kind = 'variant' AND fields -> 'barcodes' IS NOT NULL"
        ),
    )
    op.create_index(
        "ix_mirror_email",
        "mirror",
        [sa.text("(identity #>> '{tokens,email,0}')")],
        postgresql_where=sa.text("entity = 'customers' AND identity #>> '{tokens,email,0}' <> ''"),
    )
    op.create_index("ix_links_commercetools_id", "links", ["commercetools_id"])
    op.create_index("ix_links_lightspeed_id", "links", ["lightspeed_id"])

    # What happened to it.
    op.drop_index("ix_changes_entity_subject", table_name="changes")
    op.create_index("ix_changes_subject", "changes", ["entity", "subject", "planned_at", "id"])
    op.create_index(
        "ix_changes_target",
        "changes",
        ["target_id", "planned_at", "id"],
        postgresql_where=sa.text("target_id IS NOT NULL"),
    )
    op.create_index("ix_changes_feed", "changes", ["entity", "system", "outcome", "planned_at", "id"])
    op.create_index(
        "ix_changes_error_code",
        "changes",
        ["error_code", "planned_at", "id"],
        postgresql_where=sa.text("error_code IS NOT NULL"),
    )
    op.create_index("ix_holds_subject", "holds", ["entity", "subject"])
    op.create_index("ix_holds_feed", "holds", ["entity", "first_seen_at", "id"])
    op.create_index(
        "ix_holds_open",
        "holds",
        ["entity", "first_seen_at", "id"],
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index("ix_holds_code", "holds", ["code", "first_seen_at", "id"])
    op.create_index(
        "ix_holds_open_code", "holds", ["code", "entity"], postgresql_where=sa.text("released_at IS NULL")
    )
    op.create_index("ix_holds_run_id", "holds", ["run_id"])
    op.create_index("ix_inbox_feed", "inbox", ["entity", "received_at", "id"])
    op.create_index("ix_inbox_record", "inbox", [sa.text("(body ->> 'id')"), "received_at", "id"])
    op.drop_index("ix_exchanges_run_id", table_name="exchanges")
    op.create_index("ix_exchanges_run", "exchanges", ["run_id", "started_at", "id"])
    op.drop_index("ix_exchanges_started_at", table_name="exchanges")
    op.create_index(
        "ix_exchanges_refused",
        "exchanges",
        ["started_at", "id"],
        postgresql_where=sa.text("status IS NULL OR status >= 400"),
    )

    # Runs by what Airflow calls them; the id comes first, because people have it without the DAG's.
    op.create_index("ix_runs_airflow", "runs", ["airflow_run_id", "dag_id"])
    op.create_index(
        "ix_runs_reconciled",
        "runs",
        ["entity", sa.text("started_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("dag_id = 'reconcile'"),
    )

    # Requests in the order of time; and how many an hour, their errors and their times, without reading the wide rows.
    op.create_index(
        "ix_exchanges_load",
        "exchanges",
        ["started_at", "id"],
        postgresql_include=["system", "status", "elapsed_ms"],
    )
