"""What is to happen with one price: a three-way merge in which each side is compared with its own last agreed quote.

| owner | both as agreed, or in step | one side moved | both moved, or nothing agreed yet |
| --- | --- | --- | --- |
| `commercetools`, `lightspeed` | nothing | the owner's price goes over | the owner's price goes over |
| `newest` | nothing | the moved price goes over | the later one goes over; within the clock skew: conflict |
| `review` | nothing | the moved price goes over | conflict |

Unknown on either side: left alone. Without anything agreed, a price that is missing never takes one away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from retail_sync.records.ports.products import SYSTEMS, SystemName, other
from retail_sync.records.prices import Quote
from retail_sync.sync.prices.cases import Case
from retail_sync.sync.prices.conversion import Converted

Kind = Literal["agreed", "write", "remove", "conflict", "unknown", "apart", "altered", "unreadable"]


@dataclass(frozen=True)
class Verdict:
    """`agreed`: nothing to do. `write` or `remove` at `target`. `conflict`: a person decides. `unknown`: a side is not
    known. `apart`: only the side that does not count has a price, and never had it from the other. `altered`: nothing
    moved, but the target has not kept what it was sent. `unreadable`: what stands at the side that counts can't be
    taken over, which is not to say that nothing does."""

    kind: Kind
    target: SystemName | None = None
    wanted: Converted | None = None
    reason: str = ""

    @property
    def quote(self) -> Quote | None:
        """What is to be written."""
        return self.wanted.quote if self.wanted else None


AGREED = Verdict("agreed")


def decide(case: Case, clock_skew: timedelta) -> Verdict:
    """What is to happen. Raises TaxUnknown where tax would have to be converted and can't be."""
    if not case.online.known or not case.till.known:
        return Verdict("unknown")
    if _is_settled(case):
        return AGREED if case.agreed is not None and case.agreed.kept else Verdict("altered")
    target, reason = _target(case, clock_skew)
    if target is None:
        return Verdict("conflict")
    if case.standing(other(target)).problem:
        return Verdict("unreadable", target)
    wanted = case.wanted_at(target)
    if wanted is None:
        return _without_source(case, target, reason)
    if case.shows(target, wanted.quote):
        return Verdict("agreed", target, wanted)
    return Verdict("write", target, wanted, reason)


def _is_settled(case: Case) -> bool:
    """Both sides show what they showed when they agreed, the owner's price still comes to the same, and what the target
    shows still means that price: a price book prints without tax, and the tax may have changed."""
    if case.agreed is None or case.moved("commercetools") or case.moved("lightspeed"):
        return False
    if not case.one.one_way:
        return True
    target = _counting(case)[1]
    wanted = case.wanted_at(target)
    if wanted is None or not case.agreed.kept:
        return (wanted.quote if wanted else None) == case.agreed.wanted
    return wanted.quote == case.agreed.wanted and case.shows(target, wanted.quote)


def _counting(case: Case) -> tuple[SystemName, SystemName]:
    """The side that counts in a list with a fixed owner, and the other one."""
    owner: SystemName = "commercetools" if case.one.owner == "commercetools" else "lightspeed"
    return owner, other(owner)


def _target(case: Case, clock_skew: timedelta) -> tuple[SystemName | None, str]:
    """Where the price goes, and why; None: a person has to say."""
    if case.one.one_way:
        owner, target = _counting(case)
        return target, _why_owner(case, owner, target)
    moved = [system for system in SYSTEMS if case.moved(system)]
    if len(moved) == 1:
        return other(moved[0]), f"changed in {moved[0]}"
    if _in_step(case):
        return "lightspeed", "both show the same"
    filled = [system for system in SYSTEMS if case.standing(system).quote is not None]
    if not moved and len(filled) == 1:
        return other(filled[0]), "only there"
    if case.one.owner == "review" or case.online.at is None or case.till.at is None:
        return None, ""
    apart = case.online.at - case.till.at
    if abs(apart) <= clock_skew:
        return None, ""
    later: SystemName = "commercetools" if apart > timedelta(0) else "lightspeed"
    how = "changed on both sides" if moved else "first alignment"
    return other(later), f"{how}; {later} changed last"


def _in_step(case: Case) -> bool:
    """Whether one side shows what the other one's price comes to."""
    for target in SYSTEMS:
        wanted = case.wanted_at(target)
        if wanted is not None and case.shows(target, wanted.quote):
            return True
    return case.online.quote is None and case.till.quote is None


def _why_owner(case: Case, owner: SystemName, target: SystemName) -> str:
    if case.agreed is None:
        return f"first alignment; {owner} owns the list"
    if case.moved(owner):
        both = " and at the other side" if case.moved(target) else ""
        return f"changed in {owner}{both}; {owner} owns the list"
    if case.moved(target):
        return f"changed in {target}, set back: {owner} owns the list"
    return "the rules or taxes changed"


def _without_source(case: Case, target: SystemName, reason: str) -> Verdict:
    """The side that counts has no price."""
    there = case.standing(target)
    if there.quote is None and not there.problem:
        return Verdict("agreed", target)
    source = other(target)
    if case.agreed_quote(source) is not None:
        return Verdict("remove", target, reason=f"taken away in {source}")
    return Verdict("apart", target)
