"""The tables of the ledger, described once. Whoever changes one writes a migration, too: a test makes both, and they
must be the same.

Ids of runs are plain text without foreign keys where a row must outlive the run's own retention (cursors,
mirror, links, holds, exchanges).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    UUID,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TEXT, _INT, _BIG, _TIME = Text(), Integer(), BigInteger(), DateTime(timezone=True)
_JSON, _UUID = JSONB(none_as_null=True), UUID(as_uuid=False)


def _key(name: str, kind: TypeEngine[Any] = _TEXT, *more: Any) -> Column[Any]:
    return Column(name, kind, *more, primary_key=True)


def _must(name: str, kind: TypeEngine[Any] = _TEXT, default: Any = None) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default=default)


def _may(name: str, kind: TypeEngine[Any] = _TEXT, *more: Any) -> Column[Any]:
    return Column(name, kind, *more, nullable=True)


def _now(name: str) -> Column[Any]:
    return _must(name, _TIME, func.now())


def _json(name: str, empty: str = "{}") -> Column[Any]:
    return _must(name, _JSON, text(f"'{empty}'::jsonb"))


def _beginning(name: str, expression: str, where: str) -> Index:
    """Texts in small letters, in the order of their bytes: beginnings are found whatever the database's collation."""
    return Index(
        name,
        literal_column(expression).label("begins"),
        postgresql_ops={"begins": "text_pattern_ops"},
        postgresql_where=text(where),
    )


# ---------------------------------------------------------------- runs, and how far they got

runs = Table(
    "runs",
    METADATA,
    _key("id"),
    _must("entity"),
    _must("purpose"),
    _must("dag_id"),
    _must("airflow_run_id"),
    _must("mode"),
    _json("params"),
    _must("state"),
    _json("windows"),
    _json("accounts"),
    _may("summary"),
    _may("error"),
    _may("remedy"),
    _now("started_at"),
    _may("finished_at", _TIME),
    Index(None, "entity", "started_at"),
    # By what Airflow calls them; the id comes first, because people have it without the DAG's.
    Index("ix_runs_airflow", "airflow_run_id", "dag_id"),
    Index(
        "ix_runs_reconciled",
        "entity",
        text("started_at DESC"),
        text("id DESC"),
        postgresql_where=text("purpose = 'reconcile'"),
    ),
)

cursors = Table(
    "cursors",
    METADATA,
    _key("entity"),
    _key("system"),
    _must("cursor"),
    _may("previous"),
    _must("run_id"),
    _now("moved_at"),
)

baselines = Table("baselines", METADATA, _key("entity"), _must("run_id"), _now("at"))

checkpoints = Table("checkpoints", METADATA, _key("run_id"), _key("step"), _must("state", _JSON), _now("at"))

# ---------------------------------------------------------------- what each system showed last

mirror = Table(
    "mirror",
    METADATA,
    _key("entity"),
    _key("kind"),
    _key("system"),
    _key("id"),
    _may("parent_id"),
    _may("version", _BIG),
    _may("modified_at", _TIME),
    _may("deleted_at", _TIME),
    _may("deletion"),
    _must("seen_at", _TIME),
    _now("changed_at"),
    _must("run_id"),
    _may("label"),
    _may("label_key"),
    _may("keys", ARRAY(_TEXT)),
    _must("digest"),
    _must("fields", _JSON),
    _may("carry", _JSON),
    _json("identity"),
    Index(None, "entity", "system", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    Index(None, "entity", "changed_at"),
    Index(None, "entity", "label"),
    Index(None, "entity", "label_key"),
    Index(
        "ix_mirror_keys",
        "keys",
        postgresql_using="gin",
        # A list of what is yet to be taken in would be walked for every key that is looked up.
        postgresql_with={"fastupdate": "off"},
        postgresql_where=text("keys IS NOT NULL"),
    ),
    # Those that follow say what only a search says (that it is called anything): a database without statistics
    # would use them for the engine's own reading otherwise.
    _beginning("ix_mirror_sku", "lower(label)", "entity = 'products' AND kind = 'variant' AND label <> ''"),
    _beginning(
        "ix_mirror_name",
        "lower(label)",
        "kind IN ('product', 'customer', 'order', 'sale') AND label <> ''",
    ),
    _beginning(
        "ix_mirror_key",
        "lower(COALESCE(identity ->> 'key', identity ->> 'number'))",
        "kind IN ('product', 'sale') AND COALESCE(identity ->> 'key', identity ->> 'number') <> ''",
    ),
    # An index over `fields` makes new entries for rows so large that they are stored compressed, whenever they are
    # seen: a tenth of the time of writing those, and nothing for the others.
    Index(
        "ix_mirror_barcodes",
        literal_column("(fields -> 'barcodes')").label("listed"),
        postgresql_ops={"listed": "jsonb_path_ops"},
        postgresql_using="gin",
        postgresql_where=text(
            "entity = 'products' AND kind = 'variant' AND fields -> 'barcodes' IS NOT NULL"
        ),
    ),
    Index(
        "ix_mirror_email",
        text("(identity #>> '{tokens,email,0}')"),
        postgresql_where=text("entity = 'customers' AND identity #>> '{tokens,email,0}' <> ''"),
    ),
    Index(
        "ix_mirror_parts",
        "entity",
        "kind",
        "system",
        postgresql_where=text("identity -> 'parts' <> '[]'::jsonb"),
    ),
    Index(
        "ix_mirror_turns",
        "entity",
        "kind",
        "system",
        postgresql_where=text("deleted_at IS NULL AND identity ? 'turns'"),
    ),
    # Every run touches `seen_at` of most rows: free room on the page spares the indexes that update.
    postgresql_with={"fillfactor": "85"},
)

# Stock is kept in typed rows: there are far more of them than of anything else.


def _seen() -> tuple[Column[Any], ...]:
    return _now("changed_at"), _now("seen_at"), _must("run_id")


stock_levels = Table(
    "stock_levels",
    METADATA,
    _key("product_id"),
    _key("outlet_id"),
    _may("level", _BIG),
    _may("version", _BIG),
    _may("deleted_at", _TIME),
    *_seen(),
    Index(None, "changed_at"),
)

stock_entries = Table(
    "stock_entries",
    METADATA,
    _key("id"),
    _must("sku"),
    _must("channel"),
    _must("on_stock", _BIG),
    _must("available", _BIG),
    _may("version", _BIG),
    _may("modified_at", _TIME),
    _may("gone_at", _TIME),
    *_seen(),
    Index(None, "sku", "channel"),
)

# A web order as far as it holds stock: what, from which channel, and whether the till knows of it.
stock_orders = Table(
    "stock_orders",
    METADATA,
    _key("id"),
    _may("number"),
    _may("version", _BIG),
    _may("modified_at", _TIME),
    _may("placed_at", _TIME),
    _must("holds", Boolean()),
    _must("cancelled", Boolean(), false()),
    _may("exported_at", _TIME),
    _may("closed_at", _TIME),
    _must("lines"),
    *_seen(),
    Index("ix_stock_orders_open", "exported_at", postgresql_where=text("holds")),
    Index(None, "closed_at"),
    Index(None, "changed_at"),
)

# What the till knows beside its levels: goods held by open sales, goods on their way.
stock_buckets = Table(
    "stock_buckets",
    METADATA,
    _key("product_id"),
    _key("outlet_id"),
    _key("bucket"),
    _must("quantity", _BIG),
    _may("due_at", _TIME),
    *_seen(),
)

# ---------------------------------------------------------------- what belongs together, and what was done

links = Table(
    "links",
    METADATA,
    _key("id", _UUID),
    _must("entity"),
    _must("kind"),
    _must("commercetools_id"),
    _must("lightspeed_id"),
    _may("parent_id", _UUID, ForeignKey("links.id", deferrable=True, initially="DEFERRED")),
    _json("base"),
    _must("matched_by"),
    _json("resent"),
    _must("run_id"),
    _now("created_at"),
    _may("agreed_at", _TIME),
    _may("retired_at", _TIME),
    *(
        Index(
            f"uq_links_{one}", "entity", "kind", one, unique=True, postgresql_where=text("retired_at IS NULL")
        )
        for one in ("commercetools_id", "lightspeed_id")
    ),
    Index(None, "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    # Retired ones, too, of whatever entity and kind.
    Index(None, "commercetools_id"),
    Index(None, "lightspeed_id"),
    # What was made or ended lately, of which there is little.
    Index(None, "created_at"),
    Index(None, "retired_at", postgresql_where=text("retired_at IS NOT NULL")),
)

changes = Table(
    "changes",
    METADATA,
    _key("id", _UUID),
    Column("run_id", _TEXT, ForeignKey("runs.id"), nullable=False),
    _must("batch", _INT, text("0")),
    _must("entity"),
    _must("kind"),
    _must("subject"),
    _may("label"),
    _must("system"),
    _must("action"),
    _must("unit"),
    _may("source_id"),
    _may("source_version", _BIG),
    _may("target_id"),
    _may("target_version", _BIG),
    _json("before"),
    _json("after"),
    _json("reasons"),
    _may("idempotency_key"),
    _must("outcome", _TEXT, text("'planned'")),
    _must("attempt", _INT, text("0")),
    _may("error_code"),
    _may("error"),
    _may("remedy"),
    _must("exchange_ids", ARRAY(_TEXT), text("'{}'::text[]")),
    _may("result_id"),
    _may("result_version", _BIG),
    _json("dropped", "[]"),
    _now("planned_at"),
    _may("attempted_at", _TIME),
    _may("settled_at", _TIME),
    Index(None, "run_id", "batch"),
    Index("ix_changes_subject", "entity", "subject", "planned_at", "id"),
    Index(
        "ix_changes_target", "target_id", "planned_at", "id", postgresql_where=text("target_id IS NOT NULL")
    ),
    Index("ix_changes_feed", "entity", "system", "outcome", "planned_at", "id"),
    Index(
        "ix_changes_error_code",
        "error_code",
        "planned_at",
        "id",
        postgresql_where=text("error_code IS NOT NULL"),
    ),
    Index(None, "label", postgresql_where=text("label IS NOT NULL")),
    Index("ix_changes_unsettled", "entity", "run_id", postgresql_where=text("outcome = 'planned'")),
    Index(None, "planned_at"),
    postgresql_with={"fillfactor": "80"},
)

_OPEN = text("released_at IS NULL")

holds = Table(
    "holds",
    METADATA,
    _key("id", _BIG, Identity()),
    _must("entity"),
    _must("kind"),
    _must("subject"),
    _may("system"),
    _may("source_id"),
    _may("label"),
    _must("code"),
    _must("severity"),
    _may("field"),
    _must("message"),
    _may("evidence", _JSON),
    _may("release"),
    _must("run_id"),
    _must("first_seen_at", _TIME),
    _must("last_seen_at", _TIME),
    _must("attempts", _INT, text("1")),
    _must("due_at", _TIME),
    _may("released_at", _TIME),
    _may("released_by"),
    _may("note"),
    Index(
        "uq_holds_open",
        "entity",
        "kind",
        "subject",
        "code",
        text("COALESCE(field, ''::text)"),
        unique=True,
        postgresql_where=_OPEN,
    ),
    Index("ix_holds_due", "entity", "due_at", postgresql_where=_OPEN),
    Index(None, "released_at", postgresql_where=text("released_at IS NOT NULL")),
    Index("ix_holds_subject", "entity", "subject"),
    Index("ix_holds_feed", "entity", "first_seen_at", "id"),
    Index("ix_holds_open", "entity", "first_seen_at", "id", postgresql_where=_OPEN),
    Index("ix_holds_code", "code", "first_seen_at", "id"),
    Index("ix_holds_open_code", "code", "entity", postgresql_where=_OPEN),
    Index(None, "run_id"),
)

decisions = Table(
    "decisions",
    METADATA,
    _key("id", _BIG, Identity()),
    _must("entity"),
    _must("subject"),
    _must("code"),
    _must("field"),
    _must("verdict"),
    _must("about"),
    _must("by"),
    _may("note"),
    _may("run_id"),
    _now("decided_at"),
    Index(None, "entity", "subject"),
    Index(None, "decided_at"),
)

exchanges = Table(
    "exchanges",
    METADATA,
    _key("id"),
    _may("run_id"),
    _may("task"),
    _must("system"),
    _must("method"),
    _must("url"),
    _may("status", _INT),
    _must("started_at", _TIME),
    _must("elapsed_ms", _INT),
    _must("attempt", _INT),
    _json("request_headers"),
    _may("request_body"),
    _json("response_headers"),
    _may("response_body"),
    _may("correlation_id"),
    _may("error"),
    _json("context"),
    Index("ix_exchanges_run", "run_id", "started_at", "id"),
    Index("ix_exchanges_change", text("(context ->> 'change'::text)")),
    # In the order of time; and how many an hour, their errors and their times, without reading the wide rows.
    Index("ix_exchanges_load", "started_at", "id", postgresql_include=["system", "status", "elapsed_ms"]),
    Index(
        "ix_exchanges_refused",
        "started_at",
        "id",
        postgresql_where=text("status IS NULL OR status >= 400"),
    ),
)

inbox = Table(
    "inbox",
    METADATA,
    _key("id", _BIG, Identity()),
    _must("entity"),
    _must("source"),
    _must("topic"),
    _must("event_id"),
    _json("body"),
    _now("received_at"),
    _now("due_at"),
    _may("claimed_at", _TIME),
    _may("claimed_by"),
    _may("done_at", _TIME),
    Index("uq_inbox_entity_source_event_id", "entity", "source", "event_id", unique=True),
    Index("ix_inbox_open", "entity", "id", postgresql_where=text("done_at IS NULL")),
    Index(None, "done_at", postgresql_where=text("done_at IS NOT NULL")),
    Index("ix_inbox_feed", "entity", "received_at", "id"),
    Index("ix_inbox_record", text("(body ->> 'id')"), "received_at", "id"),
)

# ---------------------------------------------------------------- what workers share

budgets = Table(
    "budgets",
    METADATA,
    _key("system"),
    _may("limit", _INT),
    _may("remaining", _INT),
    _now("window_started_at"),
    _may("paused_until", _TIME),
    _may("observed_remaining", _INT),
    _may("observed_at", _TIME),
    _may("probed_at", _TIME),
    _must("granted", _BIG, text("0")),
)

tokens = Table(
    "tokens",
    METADATA,
    _key("name"),
    _must("sealed"),
    _may("expires_at", _TIME),
    _must("version", _BIG, text("1")),
    _now("updated_at"),
)

leases = Table(
    "leases",
    METADATA,
    _key("name"),
    _must("fence", _BIG),
    _must("holder"),
    _must("until", _TIME),
    _must("taken_at", _TIME),
)
