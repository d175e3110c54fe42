"""What a person says about prices that wait: approve or reject the figures that are held, and no others."""

from __future__ import annotations

from collections.abc import Collection

from retail_sync.ledger.decisions import Decision, Verdict
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Hold
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.identifiers import matching_key
from retail_sync.sync.prices.feeds import ENTITY
from retail_sync.sync.prices.validation import JUMP, REJECTED


def decide_by_hand(
    ledger: Ledger, *, approved: Collection[str], rejected: Collection[str], by: str, run_id: str
) -> list[Decision]:
    """Keep a decision on every price of these SKUs that waits for one, in all lists. The decision is about the two
    prices that are held: another price is held anew.

    Raises ConfigurationFault for a SKU of which no price waits, and for one that is in both collections.
    """
    both = sorted(set(approved) & set(rejected))
    if both:
        raise ConfigurationFault(
            f"Both approved and rejected: {', '.join(both)}.",
            remedy="Trigger the run with each SKU in one list.",
        )
    if not approved and not rejected:
        return []
    waiting = [hold for hold in ledger.holds.open_holds(ENTITY) if hold.code in (JUMP, REJECTED)]
    found: list[Decision] = []
    lost: list[str] = []
    for verdict, skus in (("approve", approved), ("reject", rejected)):
        for sku in skus:
            mine = [hold for hold in waiting if matching_key(hold.label or "") == matching_key(sku)]
            already = [
                d for d in ledger.decisions.latest(ENTITY, {h.subject for h in mine}) if d.run_id == run_id
            ]
            if not mine and not already:
                lost.append(sku)
            found += [
                _decision(hold, "approve" if verdict == "approve" else "reject", by, run_id) for hold in mine
            ]
    if lost:
        raise ConfigurationFault(
            f"No price of these waits for a decision: {', '.join(lost)}.",
            remedy="Look at the holds with the code price_jump: their label is the SKU. Then trigger the run again.",
        )
    ledger.decisions.add(ENTITY, found)
    return found


def _decision(hold: Hold, verdict: Verdict, by: str, run_id: str) -> Decision:
    return Decision(
        subject=hold.subject,
        code=JUMP,
        field=hold.field or "",
        verdict=verdict,
        about=str((hold.evidence or {}).get("about", "")),
        by=by,
        run_id=run_id,
    )
