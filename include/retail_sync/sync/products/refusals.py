"""Writes that a target refused: they are not sent again as they were before the time comes, however often they are
planned meanwhile.

A refused change is held, and due again by itself after a while that grows (`holds.first_retry_minutes` to
`longest_retry_hours`). Until then it is only sent if something about it changed on either side, or a person lets it be
tried again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Hold
from retail_sync.records.types import digest
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.products.drafts import Draft, Work

UNANSWERED = frozenset({"reference_unanswered"})
"""Codes of holds of what nobody refused: no answer came, and the next run may get one."""
Refused = Mapping[tuple[str, str, str], Hold]
"""Holds of refused writes that are not due yet, by kind, subject and target."""


def refused_of(ledger: Ledger, entity: str, now: datetime) -> Refused:
    """What was refused and is not due again yet."""
    found: dict[tuple[str, str, str], Hold] = {}
    for hold in ledger.holds.open_holds(entity):
        evidence = _evidence(hold)
        if hold.code in UNANSWERED:
            continue
        if hold.due_at > now and "wanted" in evidence and "change" in evidence:
            found[hold.kind, hold.subject, str(evidence.get("target"))] = hold
    return found


def leave_refused(work: Work) -> None:
    """Take drafts out of the plan that say what was refused already. What is yet to be created is sent whole or not at
    all."""
    if not work.given.refused:
        return
    units: dict[str, list[Draft]] = defaultdict(list)
    for draft in work.drafts:
        units[draft.unit].append(draft)
    left: set[int] = set()
    for drafts in units.values():
        same = [draft for draft in drafts if _is_refused(work.given.refused, draft)]
        if drafts[0].target_product is not None or len(same) == len(drafts):
            left.update(id(draft) for draft in same)
            work.holds.extend(_again(work, draft) for draft in same)
    work.drafts = [draft for draft in work.drafts if id(draft) not in left]


def _is_refused(refused: Refused, draft: Draft) -> bool:
    hold = refused.get((draft.kind, draft.subject, draft.target))
    return hold is not None and digest(dict(_evidence(hold)["wanted"])) == digest(draft.after)


def _again(work: Work, draft: Draft) -> Finding:
    """The hold as it stands: nothing was tried, so it says the same and is due when it was."""
    hold = work.given.refused[draft.kind, draft.subject, draft.target]
    return Finding(
        kind=draft.kind,
        system=draft.source,
        id=draft.source_id,
        label=hold.label or draft.source_id,
        code=hold.code,
        severity="hold",
        message=hold.message,
        field=hold.field or "",
        evidence=dict(_evidence(hold)),
        remedy=hold.release or "",
    )


def _evidence(hold: Hold) -> Mapping[str, Any]:
    return hold.evidence if isinstance(hold.evidence, Mapping) else {}
