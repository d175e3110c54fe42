"""From a hold and what a person says about it to the decision that is kept. Pure.

The engine follows a decision in its next run, as long as the record is as it was shown (`decided`); nothing is written
by deciding alone. What each hold allows is told by `choices`:

* `settle`: one of both values counts (conflicts);
* `approve_removal`: what would be taken away is taken away, exactly this;
* `choose`: one of several records is the partner (products);
* `approve_price`: the run of `prices` that is triggered with `price_line` under approve or reject decides;
* `identity`: the run of `customers` that is triggered with `identity_lines` under approve or reject decides;
* `retry`: the next run looks at it again, whatever its back-off says (`Holds.make_due`);
* `dismiss`: it is not shown any more, as long as it says the same. It stays open and is tried again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retail_sync.ledger.decisions import Decision, Verdict
from retail_sync.ledger.holds import DISMISS
from retail_sync.ledger.rows import Hold
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import SYSTEMS, other, system_named
from retail_sync.records.refs import RecordRef
from retail_sync.sync.engine.decisions import CONFLICT, MATCH, WINNERS
from retail_sync.sync.engine.removals import REMOVAL

Choice = Literal["settle", "choose", "approve_removal", "approve_price", "identity", "retry", "dismiss"]
Side = Literal["left", "right"]
"""`left`: commercetools; `right`: Lightspeed."""
AMBIGUOUS = "ambiguous"
LOOKS_ALIKE = "sku_looks_alike"
PRICES, CUSTOMERS = "prices", "customers"
WAITING_PRICES = frozenset({"price_jump", "price_rejected"})
WHO_IS_WHO = frozenset({AMBIGUOUS, "duplicate_profile", "name_differs", "deleted_there"})
LONGEST_NOTE = 2_000
"""Characters of a note."""


class DecisionRefused(SyncError):
    """The hold does not allow this decision, or is not what the person was shown."""

    default_remedy = "Reload the list of holds."


@dataclass(frozen=True)
class IdentityLine:
    """A line for the parameters of the DAG `customers`. Of a pair (`online id = till id`), approve says that both are
    one person and reject that they are two; of one id, approve says that it is a person of its own and reject that it
    takes no part. `others`: the customers it is about, by their labels."""

    line: str
    pair: bool
    others: tuple[str, ...]


def choices(hold: Hold) -> tuple[Choice, ...]:
    """What a person can do about an open hold."""
    return tuple(_choices(hold)) if hold.released_at is None else ()


def _choices(hold: Hold) -> Iterator[Choice]:
    if sides(hold):
        yield "settle"
    if partners(hold):
        yield "choose"
    if removed(hold):
        yield "approve_removal"
    if price_line(hold) is not None:
        yield "approve_price"
    if identity_lines(hold):
        yield "identity"
    yield "retry"
    yield "dismiss"


# ---------------------------------------------------------------- conflicts


def sides(hold: Hold) -> tuple[Side, ...]:
    """The sides of a conflict that may count: those whose value the settings let go over."""
    evidence = _evidence(hold)
    if hold.code != CONFLICT or not hold.field or not evidence.get("about"):
        return ()
    allowed = evidence.get("sides") or ()
    return tuple(side for side in _SIDES if side in allowed)


_SIDES: tuple[Side, Side] = ("left", "right")


def settle(hold: Hold, side: Side, by: str, note: str | None = None, *, seen: str | None = None) -> Decision:
    """The value of one side counts: `left` commercetools', `right` Lightspeed's. `seen`: the fingerprint of the hold
    as it was shown.

    Raises DecisionRefused for a hold that is no conflict or does not allow the side."""
    _require_open(hold, seen)
    if side not in WINNERS:
        raise DecisionRefused(
            f"{side!r} is no side.", remedy="Choose left (commercetools) or right (Lightspeed)."
        )
    allowed = sides(hold)
    if not allowed:
        raise DecisionRefused(
            f"{_named(hold)} is no conflict that can be settled here.", remedy=_not_settled(hold)
        )
    if side not in allowed:
        raise DecisionRefused(
            f"The value of {WINNERS[side]} may not go over for {hold.field}.",
            remedy=f"Choose the other side, or let the field be written in {other(WINNERS[side])} (settings).",
        )
    return _decision(hold, CONFLICT, hold.field or "", side, str(_evidence(hold)["about"]), by, note)


def _not_settled(hold: Hold) -> str:
    if hold.code != CONFLICT:
        return "Look at what would release it, or try it again."
    if hold.entity == PRICES:
        return "Enter the price that counts in the other system too; it is released by itself."
    if not _evidence(hold).get("about"):
        return "Both values are not known here: try it again, and settle what the run then finds."
    return "The settings let neither value go over: make the values equal by hand, or change the field's settings."


# ---------------------------------------------------------------- matches


def partners(hold: Hold) -> tuple[Mapping[str, Any], ...]:
    """Who may be chosen for a record that could be several: those of the other system that have no partner yet."""
    evidence = _evidence(hold)
    if hold.code not in (AMBIGUOUS, LOOKS_ALIKE) or hold.entity == CUSTOMERS or not evidence.get("about"):
        return ()
    system = hold.ref.system
    candidates = evidence.get("candidates")
    if system not in SYSTEMS or not isinstance(candidates, Mapping):
        return ()
    found = candidates.get(other(system_named(system))) or ()
    return tuple(one for one in found if isinstance(one, Mapping) and one.get("id") and not one.get("linked"))


def choose(
    hold: Hold, partner_id: str, by: str, note: str | None = None, *, seen: str | None = None
) -> Decision:
    """The record of the other system with this id is the partner. `seen`: the fingerprint of the hold as it was shown.

    Raises DecisionRefused for a hold that has no such candidate."""
    _require_open(hold, seen)
    free = partners(hold)
    if not free:
        remedy = "Look at what would release it, or try it again."
        if hold.entity == CUSTOMERS and hold.code in WHO_IS_WHO:
            remedy = "Say who is who with a run of `customers`: its lines are shown beside the hold."
        elif hold.code in (AMBIGUOUS, LOOKS_ALIKE):
            remedy = "All candidates have partners by now: try it again, and look at what the run then finds."
        raise DecisionRefused(f"For {_named(hold)} there is nobody to choose.", remedy=remedy)
    if partner_id not in {one["id"] for one in free}:
        raise DecisionRefused(
            f"{partner_id!r} is no candidate that can be chosen for {_named(hold)}.",
            remedy="Choose one that is shown and has no partner yet; reload the list if it looks otherwise.",
        )
    return _decision(hold, MATCH, partner_id, "approve", str(_evidence(hold)["about"]), by, note)


# ---------------------------------------------------------------- removals


def removed(hold: Hold) -> int:
    """How many removals wait for a person with this hold; 0 where it is about something else."""
    evidence = _evidence(hold)
    return int(evidence.get("removed") or 0) if hold.code == REMOVAL and evidence.get("about") else 0


def approve_removals(hold: Hold, by: str, note: str | None = None, *, seen: str | None = None) -> Decision:
    """What the hold shows may be taken away: these records and no others. `seen`: the fingerprint of the hold as it was
    shown.

    Raises DecisionRefused for a hold that stops no removals."""
    _require_open(hold, seen)
    if not removed(hold):
        raise DecisionRefused(
            f"{_named(hold)} stops no removals.", remedy="Look at what would release it, or try it again."
        )
    return _decision(hold, REMOVAL, "", "approve", str(_evidence(hold)["about"]), by, note)


# ---------------------------------------------------------------- decided by a run


def price_line(hold: Hold) -> str | None:
    """The SKU that the DAG `prices` takes under approve or reject for this hold; None where it takes none. All lists in
    which a price of the SKU waits are decided with it."""
    return hold.label or None if hold.entity == PRICES and hold.code in WAITING_PRICES else None


def identity_lines(hold: Hold) -> tuple[IdentityLine, ...]:
    """The lines that the DAG `customers` takes under approve or reject for this hold; none where it takes none."""
    system, record = hold.ref.system, hold.ref.id
    if hold.entity != CUSTOMERS or hold.code not in WHO_IS_WHO or system not in SYSTEMS:
        return ()
    found = [_pair_line(hold, one) for one in _lookalikes(hold) if one["system"] != system]
    if hold.code != "deleted_there":
        found += [_own_line(one) for one in _lookalikes(hold)]
    own = IdentityLine(record, False, (hold.label or record,))
    return tuple({one.line: one for one in [*found, own]}.values())


def _lookalikes(hold: Hold) -> Iterator[Mapping[str, Any]]:
    """Who else is shown beside the customer of a hold."""
    evidence = _evidence(hold)
    listed = evidence.get("candidates")
    shown = [*(listed if isinstance(listed, list) else ()), *(evidence.get(system) for system in SYSTEMS)]
    for one in shown:
        is_profile = isinstance(one, Mapping) and one.get("system") in SYSTEMS and one.get("id")
        if is_profile and RecordRef(one["system"], one["id"]) != hold.ref:
            yield one


def _pair_line(hold: Hold, one: Mapping[str, Any]) -> IdentityLine:
    system, record = hold.ref.system, hold.ref.id
    online, till = (record, one["id"]) if system == "commercetools" else (one["id"], record)
    return IdentityLine(f"{online} = {till}", True, (hold.label or record, _label(one)))


def _own_line(one: Mapping[str, Any]) -> IdentityLine:
    return IdentityLine(str(one["id"]), False, (_label(one),))


def _label(one: Mapping[str, Any]) -> str:
    return str(one.get("label") or one["id"])


# ---------------------------------------------------------------- dismissing


def dismiss(hold: Hold, by: str, note: str | None, *, seen: str | None = None) -> Decision:
    """The hold need not be shown as long as it says the same. `note`: why, for whoever asks later.

    Raises DecisionRefused without a note."""
    _require_open(hold, seen)
    if not (note or "").strip():
        raise DecisionRefused(
            f"{_named(hold)} was to be dismissed without a note.", remedy="Say why it may stay."
        )
    return _dismissal(hold, "approve", by, note)


def show_again(hold: Hold, by: str, note: str | None = None, *, seen: str | None = None) -> Decision:
    """A hold that was dismissed is shown again."""
    _require_open(hold, seen)
    return _dismissal(hold, "reject", by, note)


def _dismissal(hold: Hold, verdict: Verdict, by: str, note: str | None) -> Decision:
    if not hold.fingerprint:
        raise DecisionRefused(
            f"What {_named(hold)} says is not known.", remedy="Read it from the ledger again."
        )
    name = f"{hold.code}/{hold.field}" if hold.field else hold.code
    return _decision(hold, DISMISS, name, verdict, hold.fingerprint, by, note)


# ---------------------------------------------------------------- all of them


def _evidence(hold: Hold) -> Mapping[str, Any]:
    return hold.evidence if isinstance(hold.evidence, Mapping) else {}


def _require_open(hold: Hold, seen: str | None) -> None:
    if hold.released_at is not None:
        raise DecisionRefused(
            f"{_named(hold)} is released already.",
            remedy="Nothing is left to decide: reload the list of holds.",
        )
    if seen is not None and seen != hold.fingerprint:
        raise DecisionRefused(
            f"{_named(hold)} says something else by now.",
            remedy="Look at it again, then decide about what it shows.",
        )


def _named(hold: Hold) -> str:
    field = f" ({hold.field})" if hold.field else ""
    return f"The hold {hold.code}{field} of {hold.label or hold.subject}"


def _decision(
    hold: Hold, code: str, field: str, verdict: Verdict, about: str, by: str, note: str | None
) -> Decision:
    if not by.strip():
        raise DecisionRefused(
            "A decision needs somebody who made it.", remedy="Log in to Airflow, then decide again."
        )
    told = (note or "").strip()
    if len(told) > LONGEST_NOTE:
        raise DecisionRefused(
            f"The note has {len(told)} characters.", remedy=f"Say it in at most {LONGEST_NOTE} characters."
        )
    return Decision(
        subject=hold.subject, code=code, field=field, verdict=verdict, about=about, by=by, note=told or None
    )
