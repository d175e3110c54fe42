"""What goes into the ledger and comes out of it, as plain frozen values.

Times are aware UTC. `fields`, `base`, `before`, `after` hold JSON-ready plain values. Ids of links and changes
are UUIDs as text, made when the row is (`new_id`) so that rows can refer to each other before they are stored.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from retail_sync.records.refs import RecordRef

Mode = Literal["delta", "full"]
Purpose = Literal["sync", "reconcile", "erase"]
"""What a run is for: to bring both sides together, to say what differs, to erase what is known of a person."""
RunState = Literal["running", "succeeded", "failed"]
Outcome = Literal["planned", "applied", "already_there", "failed", "not_applied", "superseded"]
OUTCOMES: tuple[Outcome, ...] = ("planned", "applied", "already_there", "failed", "not_applied", "superseded")
Deletion = Literal["source", "vanished"]
"""Why a mirrored row counts as deleted: its source said so, or, asked by its id, does not have it."""


def new_id() -> str:
    """A UUID (version 7: ordered by time, so that indexes stay compact) as text."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of an entity. `windows`: what each system was read for; `accounts`: what came of the records;
    `remedy`: what to do about its `error`."""

    id: str
    entity: str
    purpose: Purpose
    dag_id: str
    airflow_run_id: str
    mode: Mode
    params: Mapping[str, Any]
    state: RunState
    windows: Mapping[str, Any]
    accounts: Mapping[str, Any]
    summary: str | None
    error: str | None
    remedy: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class MirrorRow:
    """One record of one system as last seen.

    `label` is what a person knows it by (SKU or name), `digest` the fingerprint of `fields`, `identity` what is
    used to match and never merged. `deletion`, `seen_at` and `run_id` are filled when read and ignored when
    written (a row written with `deleted_at` was deleted by its source).
    """

    id: str
    parent_id: str | None = None
    version: int | None = None
    modified_at: datetime | None = None
    deleted_at: datetime | None = None
    label: str | None = None
    digest: str
    fields: Mapping[str, Any]
    carry: Mapping[str, Any] | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    deletion: Deletion | None = None
    seen_at: datetime | None = None
    changed_at: datetime | None = None
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SeenCounts:
    """What became of the rows shown to the mirror, counted once an id. `older_ids` were behind what the mirror
    already holds and left it as it was."""

    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    older_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Link:
    """Two ids that are the same thing. `base` holds the values last agreed on; `resent` counts, per field, how
    often the same value had to be sent again. `parent_id` is the link of the product a variant belongs to."""

    id: str = field(default_factory=new_id)
    entity: str
    kind: str
    commercetools_id: str
    lightspeed_id: str
    parent_id: str | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    matched_by: str
    resent: Mapping[str, Any] = field(default_factory=dict)
    run_id: str
    created_at: datetime | None = None
    agreed_at: datetime | None = None
    retired_at: datetime | None = None


class Agreement(NamedTuple):
    """The new base of a link (replaces the old one whole) and its counts of repeated sends."""

    link_id: str
    base: Mapping[str, Any]
    resent: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One planned write of one record, what it is based on, why, and what came of it.

    `system` is the target; `unit` groups changes that are applied in one go; `batch` the load task that does
    it. `exchange_ids`, `result_*`, `dropped` (field, why) and the times are filled as it is settled.
    """

    id: str = field(default_factory=new_id)
    run_id: str
    batch: int = 0
    entity: str
    kind: str
    subject: str
    label: str | None = None
    system: str
    action: str
    unit: str
    source_id: str | None = None
    source_version: int | None = None
    target_id: str | None = None
    target_version: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reasons: Any = field(default_factory=dict)
    idempotency_key: str | None = None
    outcome: Outcome = "planned"
    attempt: int = 0
    error_code: str | None = None
    error: str | None = None
    remedy: str | None = None
    exchange_ids: Sequence[str] = ()
    result_id: str | None = None
    result_version: int | None = None
    dropped: Sequence[Sequence[str]] = ()
    planned_at: datetime | None = None
    attempted_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def ref(self) -> RecordRef:
        """The record the change comes from."""
        return RecordRef.parse(self.subject)


@dataclass(frozen=True, kw_only=True)
class ChangeOutcome:
    """What came of one change."""

    change_id: str
    outcome: Outcome
    error_code: str | None = None
    error: str | None = None
    remedy: str | None = None
    exchange_ids: Sequence[str] = ()
    result_id: str | None = None
    result_version: int | None = None
    dropped: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, kw_only=True)
class ChangeCount:
    """How many changes of a run share system, kind, action and outcome."""

    system: str
    kind: str
    action: str
    outcome: Outcome
    count: int


@dataclass(frozen=True, kw_only=True)
class HoldDraft:
    """A reason to keep a record back, as a run found it. One subject may have several (code, field) holds.
    `system` and `source_id` say where to read the record again."""

    kind: str
    subject: str
    code: str
    message: str
    severity: str = "hold"
    system: str | None = None
    source_id: str | None = None
    label: str | None = None
    field: str | None = None
    evidence: Any = None
    release: str | None = None


@dataclass(frozen=True, kw_only=True)
class HoldHead:
    """A hold without its evidence. Open while `released_at` is None; looked at again from `due_at` on."""

    id: int
    entity: str
    kind: str
    subject: str
    system: str | None
    label: str | None
    code: str
    severity: str
    field: str | None
    message: str
    release: str | None
    run_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int
    due_at: datetime
    released_at: datetime | None
    released_by: str | None
    note: str | None

    @property
    def ref(self) -> RecordRef:
        """The record that is held."""
        return RecordRef.parse(self.subject)


@dataclass(frozen=True, kw_only=True)
class Hold(HoldHead):
    """A hold as the ledger keeps it. `fingerprint`: what it says, as a digest the database makes: another one means
    that there is something new to see."""

    source_id: str | None
    evidence: Any
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a settlement did. `cursors` are the values after it, moved or kept."""

    held_new: int
    held_again: int
    released: int
    cursors: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What one entity was told by a webhook or a queue, and which run took it."""

    id: int
    entity: str
    source: str
    topic: str
    event_id: str
    body: Mapping[str, Any]
    received_at: datetime
    claimed_by: str | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ExchangeHead:
    """One HTTP request and what came of it, without headers and bodies; `elapsed_ms` in milliseconds. `change`: id of
    the change it was made for, if for one."""

    id: str
    run_id: str | None
    task: str | None
    system: str
    method: str
    url: str
    status: int | None
    started_at: datetime
    elapsed_ms: int
    attempt: int
    error: str | None
    change: str | None


@dataclass(frozen=True, kw_only=True)
class ExchangeRow(ExchangeHead):
    """An exchange as kept for the audit."""

    request_headers: Mapping[str, str]
    request_body: str | None
    response_headers: Mapping[str, str]
    response_body: str | None
    correlation_id: str | None
    context: Mapping[str, str]
