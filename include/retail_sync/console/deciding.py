"""What a person's press on a hold comes to: decisions in the ledger, holds that are due now, and runs to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from retail_sync.console.ports import CannotStart
from retail_sync.console.visit import Visit, required
from retail_sync.console.vocabulary import PRESSED
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import Hold
from retail_sync.sync.queries import hold_actions as deciding
from retail_sync.sync.queries.hold_actions import DecisionRefused

Press = Literal["retry", "dismiss", "show", "left", "right", "choose", "approve", "reject", "same", "apart"]
PRESSES: tuple[Press, ...] = get_args(Press)
RETRY = "retry"
"""Code under which it is kept that somebody asked for a new try."""
_VERDICT = {"approve": "approve", "reject": "reject", "same": "approve", "apart": "reject"}


@dataclass
class Work:
    """What is to be done. `decisions`, `due` (ids of holds) and `params` (of a run to start) by entity. `done`: holds
    that the press does something for. `refused`: why it does nothing for others, in sentences."""

    decisions: dict[str, list[Decision]] = field(default_factory=dict)
    due: dict[str, set[int]] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[Hold] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def work_of(
    press: Press,
    holds: Sequence[Hold],
    seen: Mapping[int, str],
    by: str,
    *,
    note: str = "",
    chosen: str = "",
) -> Work:
    """What a press on these holds comes to; nothing is done yet. `seen`: the fingerprint that each hold was shown with.
    `chosen`: the id of the partner, or the line about who is who."""
    work = Work()
    for hold in holds:
        try:
            _add(work, press, hold, seen.get(hold.id), by, note, chosen)
        except DecisionRefused as refusal:
            work.refused.append(f"{refusal.message} {refusal.remedy}")
        else:
            work.done.append(hold)
    return work


def _add(work: Work, press: Press, hold: Hold, seen: str | None, by: str, note: str, chosen: str) -> None:
    if press in ("approve", "reject", "same", "apart") and not (
        press == "approve" and deciding.removed(hold)
    ):
        line = _line(press, hold, chosen)
        _require(hold, seen)
        lines = work.params.setdefault(hold.entity, {}).setdefault(_VERDICT[press], [])
        if line not in lines:
            lines.append(line)
        return
    decide: Mapping[str, Callable[[], Decision]] = {
        "retry": lambda: _retry(hold, by, note, seen),
        "dismiss": lambda: deciding.dismiss(hold, by, note, seen=seen),
        "show": lambda: deciding.show_again(hold, by, note, seen=seen),
        "left": lambda: deciding.settle(hold, "left", by, note, seen=seen),
        "right": lambda: deciding.settle(hold, "right", by, note, seen=seen),
        "choose": lambda: deciding.choose(hold, chosen, by, note, seen=seen),
        "approve": lambda: deciding.approve_removals(hold, by, note, seen=seen),
    }
    work.decisions.setdefault(hold.entity, []).append(decide[press]())
    if press not in ("dismiss", "show"):
        work.due.setdefault(hold.entity, set()).add(hold.id)
        work.params.setdefault(hold.entity, {"mode": "delta"})


def _require(hold: Hold, seen: str | None) -> None:
    if hold.released_at is not None:
        raise DecisionRefused(f"The hold of {hold.label or hold.subject} is released already.")
    if seen is not None and seen != hold.fingerprint:
        raise DecisionRefused(f"The hold of {hold.label or hold.subject} says something else by now.")


def _line(press: Press, hold: Hold, chosen: str) -> str:
    """What the run that decides is given: a SKU, or a line about who is who."""
    if press in ("approve", "reject"):
        if sku := deciding.price_line(hold):
            return sku
        raise DecisionRefused(
            f"{hold.label or hold.subject} is held for {hold.code}: that is nothing to approve.",
            remedy="Only large changes of prices, and removals that were stopped, are approved.",
        )
    if chosen in {one.line for one in deciding.identity_lines(hold)}:
        return chosen
    raise DecisionRefused(
        f"{chosen!r} says nothing about {hold.label or hold.subject}.", remedy="Choose one of those shown."
    )


def _retry(hold: Hold, by: str, note: str, seen: str | None) -> Decision:
    if hold.released_at is not None:
        raise DecisionRefused(f"The hold of {hold.label or hold.subject} is released already.")
    name = f"{hold.code}/{hold.field}" if hold.field else hold.code
    return Decision(
        subject=hold.subject,
        code=RETRY,
        field=name,
        verdict="approve",
        about=hold.fingerprint or "",
        by=by,
        note=note or None,
    )


def carry_out(visit: Visit, press: Press, work: Work) -> str:
    """Do it, and tell what was done. Raises Refused before anything is done where this person may not start one of the
    DAGs concerned, and CannotStart where a decision is kept and its run could not be started."""
    for entity in {hold.entity for hold in work.done}:
        required(visit, entity)
    ledger = visit.ledger
    for entity, decisions in work.decisions.items():
        ledger.decisions.add(entity, decisions)
        due = work.due.get(entity, set())
        if press == "choose":
            due |= {other.id for one in decisions for other in ledger.holds.about(entity, one.about)}
        ledger.holds.make_due(due)
    started = []
    for entity, params in work.params.items():
        try:
            visit.ports.start(entity, params, visit.person)
        except CannotStart as problem:
            kept = "What was decided is kept, and the next run follows it. " if work.decisions else ""
            raise CannotStart(f"{problem} {kept}".strip()) from None
        started.append(entity)
    return _told(press, work, started)


def _told(press: Press, work: Work, started: Sequence[str]) -> str:
    count = len(work.done)
    sentences = []
    if count:
        sentences.append(f"{count} {'record is' if count == 1 else 'records are'} {PRESSED[press]}.")
    if started:
        sentences.append(f"A run of {', '.join(started)} was started; it shows here when it has ended.")
    if work.refused:
        sentences.append(f"{len(work.refused)} not: {' '.join(work.refused[:3])}")
    return " ".join(sentences) or "Nothing was chosen, so nothing was done."
