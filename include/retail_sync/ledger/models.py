"""The tables of the ledger (schema version 6). Migrations create them; a test keeps the two equal.

Ids of runs are plain text without foreign keys where a row must outlive the run's own retention (cursors,
mirror, links, holds, exchanges).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Text,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        Json: JSONB(),
        Any: JSONB(),
        list[str]: ARRAY(Text()),
    }


def _empty() -> Mapped[Json]:
    return mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class RunTable(Base):
    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str]
    dag_id: Mapped[str]
    airflow_run_id: Mapped[str]
    mode: Mapped[str]
    params: Mapped[Json] = _empty()
    state: Mapped[str]
    windows: Mapped[Json] = _empty()
    accounts: Mapped[Json] = _empty()
    summary: Mapped[str | None]
    error: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "entity", "started_at"),
        Index("ix_runs_airflow", "airflow_run_id", "dag_id"),
        Index(
            "ix_runs_reconciled",
            "entity",
            text("started_at DESC"),
            text("id DESC"),
            postgresql_where=text("dag_id = 'reconcile'"),
        ),
    )


class CursorTable(Base):
    __tablename__ = "cursors"

    entity: Mapped[str] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    previous: Mapped[str | None]
    run_id: Mapped[str]
    moved_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BaselineTable(Base):
    __tablename__ = "baselines"

    entity: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class MirrorTable(Base):
    __tablename__ = "mirror"

    entity: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None]
    version: Mapped[int | None] = mapped_column(BigInteger)
    modified_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deletion: Mapped[str | None]
    seen_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_id: Mapped[str]
    label: Mapped[str | None]
    label_key: Mapped[str | None]
    keys: Mapped[list[str] | None]
    digest: Mapped[str]
    fields: Mapped[Json] = mapped_column(JSONB)
    carry: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    identity: Mapped[Json] = _empty()

    # Every run touches `seen_at` of most rows: free room on the page spares the indexes that update.
    __table_args__ = (
        Index(None, "entity", "system", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index(None, "entity", "changed_at"),
        Index(None, "entity", "label"),
        Index(None, "entity", "label_key"),
        Index("ix_mirror_keys", "keys", postgresql_using="gin", postgresql_where=text("keys IS NOT NULL")),
        # Those that follow say what only a search says (that it is called anything): a database without statistics
        # would use them for the engine's own reading otherwise.
        Index(
            "ix_mirror_sku",
            literal_column("lower(label)").label("begins"),
            postgresql_ops={"begins": "text_pattern_ops"},
            postgresql_where=text("entity = 'products' AND kind = 'variant' AND label <> ''"),
        ),
        Index(
            "ix_mirror_name",
            literal_column("lower(label)").label("begins"),
            postgresql_ops={"begins": "text_pattern_ops"},
            postgresql_where=text("kind IN ('product', 'customer', 'order', 'sale') AND label <> ''"),
        ),
        Index(
            "ix_mirror_key",
            literal_column("lower(COALESCE(identity ->> 'key', identity ->> 'number'))").label("begins"),
            postgresql_ops={"begins": "text_pattern_ops"},
            postgresql_where=text(
                "kind IN ('product', 'sale') AND COALESCE(identity ->> 'key', identity ->> 'number') <> ''"
            ),
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
        {"postgresql_with": {"fillfactor": "85"}},
    )


class LevelTable(Base):
    """A level of the till. Stock is kept in typed rows: there are far more of them than of anything else."""

    __tablename__ = "stock_levels"

    product_id: Mapped[str] = mapped_column(primary_key=True)
    outlet_id: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    deleted_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_id: Mapped[str]

    __table_args__ = (Index(None, "changed_at"),)


class EntryTable(Base):
    """An inventory entry of the online shop."""

    __tablename__ = "stock_entries"

    id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    channel: Mapped[str]
    on_stock: Mapped[int] = mapped_column(BigInteger)
    available: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    modified_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_id: Mapped[str]

    __table_args__ = (Index(None, "sku", "channel"),)


class OrderTable(Base):
    """A web order as far as it holds stock: what, from which channel, and whether the till knows of it."""

    __tablename__ = "stock_orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str | None]
    version: Mapped[int | None] = mapped_column(BigInteger)
    modified_at: Mapped[datetime | None]
    placed_at: Mapped[datetime | None]
    holds: Mapped[bool]
    cancelled: Mapped[bool] = mapped_column(server_default=false())
    exported_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    lines: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_id: Mapped[str]

    __table_args__ = (
        Index("ix_stock_orders_open", "exported_at", postgresql_where=text("holds")),
        Index(None, "closed_at"),
        Index(None, "changed_at"),
    )


class BucketTable(Base):
    """What the till knows beside its levels: goods held by open sales, goods on their way."""

    __tablename__ = "stock_buckets"

    product_id: Mapped[str] = mapped_column(primary_key=True)
    outlet_id: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_id: Mapped[str]


class LinkTable(Base):
    __tablename__ = "links"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    entity: Mapped[str]
    kind: Mapped[str]
    commercetools_id: Mapped[str]
    lightspeed_id: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(
        UUID(as_uuid=False), ForeignKey("links.id", deferrable=True, initially="DEFERRED")
    )
    base: Mapped[Json] = _empty()
    matched_by: Mapped[str]
    resent: Mapped[Json] = _empty()
    run_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    agreed_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_links_commercetools_id",
            "entity",
            "kind",
            "commercetools_id",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index(
            "uq_links_lightspeed_id",
            "entity",
            "kind",
            "lightspeed_id",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index(None, "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        # Retired ones, too, of whatever entity and kind.
        Index(None, "commercetools_id"),
        Index(None, "lightspeed_id"),
    )


class ChangeTable(Base):
    __tablename__ = "changes"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    batch: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    entity: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    label: Mapped[str | None]
    system: Mapped[str]
    action: Mapped[str]
    unit: Mapped[str]
    source_id: Mapped[str | None]
    source_version: Mapped[int | None] = mapped_column(BigInteger)
    target_id: Mapped[str | None]
    target_version: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[Json] = _empty()
    after: Mapped[Json] = _empty()
    reasons: Mapped[Any] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    idempotency_key: Mapped[str | None]
    outcome: Mapped[str] = mapped_column(server_default=text("'planned'"))
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    exchange_ids: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    result_id: Mapped[str | None]
    result_version: Mapped[int | None] = mapped_column(BigInteger)
    dropped: Mapped[Any] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    planned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "run_id", "batch"),
        Index("ix_changes_subject", "entity", "subject", "planned_at", "id"),
        Index(
            "ix_changes_target",
            "target_id",
            "planned_at",
            "id",
            postgresql_where=text("target_id IS NOT NULL"),
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
        Index(
            "ix_changes_unsettled",
            "entity",
            "run_id",
            postgresql_where=text("outcome = 'planned'"),
        ),
        Index(None, "planned_at"),
        {"postgresql_with": {"fillfactor": "80"}},
    )


class HoldTable(Base):
    __tablename__ = "holds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    entity: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    system: Mapped[str | None]
    source_id: Mapped[str | None]
    label: Mapped[str | None]
    code: Mapped[str]
    severity: Mapped[str]
    field: Mapped[str | None]
    message: Mapped[str]
    evidence: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    release: Mapped[str | None]
    run_id: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    due_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    note: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_holds_open",
            "entity",
            "kind",
            "subject",
            "code",
            text("COALESCE(field, ''::text)"),
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_holds_due", "entity", "due_at", postgresql_where=text("released_at IS NULL")),
        Index(None, "released_at", postgresql_where=text("released_at IS NOT NULL")),
        Index("ix_holds_subject", "entity", "subject"),
        Index("ix_holds_feed", "entity", "first_seen_at", "id"),
        Index(
            "ix_holds_open",
            "entity",
            "first_seen_at",
            "id",
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_holds_code", "code", "first_seen_at", "id"),
        Index("ix_holds_open_code", "code", "entity", postgresql_where=text("released_at IS NULL")),
        Index(None, "run_id"),
    )


class ExchangeTable(Base):
    __tablename__ = "exchanges"

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str | None]
    task: Mapped[str | None]
    system: Mapped[str]
    method: Mapped[str]
    url: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    started_at: Mapped[datetime]
    elapsed_ms: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer)
    request_headers: Mapped[Json] = _empty()
    request_body: Mapped[str | None]
    response_headers: Mapped[Json] = _empty()
    response_body: Mapped[str | None]
    correlation_id: Mapped[str | None]
    error: Mapped[str | None]
    context: Mapped[Json] = _empty()

    __table_args__ = (
        Index("ix_exchanges_run", "run_id", "started_at", "id"),
        Index("ix_exchanges_change", text("(context ->> 'change'::text)")),
        Index(
            "ix_exchanges_load",
            "started_at",
            "id",
            postgresql_include=["system", "status", "elapsed_ms"],
        ),
        Index(
            "ix_exchanges_refused",
            "started_at",
            "id",
            postgresql_where=text("status IS NULL OR status >= 400"),
        ),
    )


class DecisionTable(Base):
    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    entity: Mapped[str]
    subject: Mapped[str]
    code: Mapped[str]
    field: Mapped[str]
    verdict: Mapped[str]
    about: Mapped[str]
    by: Mapped[str]
    note: Mapped[str | None]
    run_id: Mapped[str | None]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "entity", "subject"), Index(None, "decided_at"))


class InboxTable(Base):
    __tablename__ = "inbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    entity: Mapped[str]
    source: Mapped[str]
    topic: Mapped[str]
    event_id: Mapped[str]
    body: Mapped[Json] = _empty()
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_inbox_entity_source_event_id", "entity", "source", "event_id", unique=True),
        Index("ix_inbox_open", "entity", "id", postgresql_where=text("done_at IS NULL")),
        Index(None, "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("ix_inbox_feed", "entity", "received_at", "id"),
        Index("ix_inbox_record", text("(body ->> 'id')"), "received_at", "id"),
    )


class BudgetTable(Base):
    __tablename__ = "budgets"

    system: Mapped[str] = mapped_column(primary_key=True)
    limit: Mapped[int | None] = mapped_column(Integer)
    remaining: Mapped[int | None] = mapped_column(Integer)
    window_started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    paused_until: Mapped[datetime | None]
    observed_remaining: Mapped[int | None] = mapped_column(Integer)
    observed_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    granted: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class TokenTable(Base):
    __tablename__ = "tokens"

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    expires_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LeaseTable(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str]
    until: Mapped[datetime]
    taken_at: Mapped[datetime]


class CheckpointTable(Base):
    __tablename__ = "checkpoints"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[Json] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
