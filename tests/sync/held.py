"""Findings of a plan as the holds that the ledger would keep of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.rows import Hold
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import hold_draft

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def hold_of(finding: Finding, entity: str = "products", **more: Any) -> Hold:
    """The hold of a finding; its fingerprint is made up, as the database makes the real one."""
    draft = hold_draft(finding)
    return hold(
        **{
            "entity": entity,
            "fingerprint": f"{draft.subject} {draft.code} {draft.field}",
            **{name: getattr(draft, name) for name in draft.__dataclass_fields__},
            **more,
        }
    )


def hold(**given: Any) -> Hold:
    """A hold with these values, open and just found."""
    values: dict[str, Any] = {
        "id": 1,
        "entity": "products",
        "kind": "variant",
        "subject": "commercetools:c1:1",
        "system": "commercetools",
        "source_id": "c1:1",
        "label": "MUG",
        "code": "waiting",
        "severity": "hold",
        "field": None,
        "message": "It waits.",
        "evidence": {},
        "release": None,
        "run_id": "r1",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        "attempts": 1,
        "due_at": NOW,
        "released_at": None,
        "released_by": None,
        "note": None,
        "fingerprint": "shown",
    }
    return Hold(**{**values, **given})
