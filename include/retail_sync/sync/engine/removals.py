"""A guard for every entity: most of what is synced is not taken away between two runs.

What a plan takes away (switches off, deletes, sets to nothing) is counted for each *part*: a system, or a list. Where
it is a large share of the part, all of it waits for a person, who approves exactly these removals; everything else goes
on. The run that met it ends as failed, and says what to press. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import Hold
from retail_sync.records.types import digest
from retail_sync.sync.engine.findings import Finding

REMOVAL = "removal"
"""Code of the hold, kind of its record, and code of the decision about it."""
FEWEST_REMOVED = 20
"""Below so many removals of a part nobody is alarmed: a small shop clears a shelf."""
NAMED = 5
"""Records named in the hold."""
ALL = "removals"
"""The record that such a hold is about, where a part is a system: what is taken away of it."""


@dataclass(frozen=True)
class Part:
    """What would be taken away of one part. `system`: where the records are gone that are taken away on the other side.
    `name`: of the part, for people. `ids`: what is taken away, `labels` what people call it (in the same order). `of`:
    how many there are. `record`: what the hold is about. `recall`: records to be looked at as long as the hold is
    open; empty where whoever plans finds them by itself."""

    system: str
    name: str
    ids: Sequence[str]
    labels: Sequence[str]
    of: int
    record: str = ALL
    recall: Sequence[str] = ()

    @property
    def subject(self) -> str:
        return f"{self.system}:{self.record}"

    @property
    def about(self) -> str:
        """What a decision about these removals, and no others, is about."""
        return digest({"part": self.subject, "removed": sorted(self.ids)})


def approved_removals(decisions: Iterable[Decision]) -> frozenset[str]:
    """What was approved, of the last decisions on each subject."""
    return frozenset(one.about for one in decisions if one.code == REMOVAL and one.verdict == "approve")


def guard(part: Part, most: Decimal | float, approved: Collection[str], setting: str) -> Finding | None:
    """The hold for a part of which too much would be taken away; None where that is little, or approved. `most`:
    percent of the part; `setting`: where a person raises it."""
    count = len(part.ids)
    if count < FEWEST_REMOVED or count * 100 <= part.of * most or part.about in approved:
        return None
    first = list(part.labels[:NAMED])
    return Finding(
        kind=REMOVAL,
        system=part.system,
        id=part.record,
        label=part.name,
        code=REMOVAL,
        severity="block",
        message=f"{count} of {part.of} of {part.name} would be taken away, more than {most} % ({setting}): "
        f"{', '.join(first)}, ... None of them is.",
        evidence={
            "removed": count,
            "of": part.of,
            "first": first,
            "about": part.about,
            **({"records": sorted(part.recall)} if part.recall else {}),
        },
    )


def waits_for_approval(holds: Iterable[Hold]) -> set[str]:
    """The systems of which removals wait for a person."""
    return {hold.system for hold in holds if hold.code == REMOVAL and hold.system}


def waiting_records(holds: Iterable[Hold | Finding]) -> set[str]:
    """The records that are looked at again, because removals of them wait for a person."""
    return {
        str(record)
        for hold in holds
        if hold.code == REMOVAL and isinstance(hold.evidence, Mapping)
        for record in hold.evidence.get("records") or ()
    }


def stopped(holds: Iterable[Mapping[str, object]]) -> list[str]:
    """What the holds of a plan say of removals that were stopped."""
    return [str(hold["message"]) for hold in holds if hold["code"] == REMOVAL]
