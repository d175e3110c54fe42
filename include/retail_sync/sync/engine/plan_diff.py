"""Two plans of one entity, change by change: is what a run would write today what a person saw and agreed to?

Order does not count, nor do ids of changes, versions, reasons and batches: a change is what is written where, over
what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Literal

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import SyncError
from retail_sync.records.types import canonical_json

Where = Literal["only_seen", "only_today", "different"]
NAMED = 5
"""Differences named in an error."""
IN_WORDS: dict[Where, str] = {
    "only_seen": "only in the plan you saw",
    "only_today": "only today",
    "different": "different",
}


class PlanIsStale(SyncError):
    """What a run would write today is not what the dry run showed; nothing was written."""

    default_remedy = "Make a new dry run, look at its plan, and apply that one."


@dataclass(frozen=True)
class Difference:
    """One change that is not the same in both plans. `what`: for a `different` one, its fields, action or target that
    differ; empty otherwise."""

    where: Where
    label: str
    system: str
    kind: str
    action: str
    what: tuple[str, ...] = ()

    def told(self) -> str:
        """In words, without values."""
        named = f"{self.action} of {self.kind} {self.label} in {self.system}"
        return f"{named} ({', '.join(self.what)})" if self.what else named


@dataclass(frozen=True)
class Comparison:
    """`same`: changes that both plans have; `differences`: all others, in the order of their records."""

    same: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences

    def count(self, where: Where) -> int:
        return sum(1 for one in self.differences if one.where == where)

    def told(self) -> str:
        """The counts, and the first differences of each sort by name."""
        sorts = [(where, words) for where, words in IN_WORDS.items() if self.count(where)]
        return " ".join(
            f"{self.count(where)} {words}: {self._first(where)}{self._more(where)}." for where, words in sorts
        )

    def _first(self, where: Where) -> str:
        return "; ".join(
            one.told() for one in islice((d for d in self.differences if d.where == where), NAMED)
        )

    def _more(self, where: Where) -> str:
        left = self.count(where) - NAMED
        return f"; and {left} more" if left > 0 else ""


def compare(seen: Iterable[ChangeRow], today: Iterable[ChangeRow]) -> Comparison:
    """What `today` is beside `seen`. A change that is there twice has to be there twice in both."""
    before, after = _by_record(seen), _by_record(today)
    same = 0
    differences: list[Difference] = []
    for record in sorted(before.keys() | after.keys()):
        left, right = _without_equal(before.get(record, []), after.get(record, []))
        same += len(before.get(record, [])) - len(left)
        differences.extend(_different(one, other) for one, other in zip_longest(left, right))
    return Comparison(same, tuple(differences))


def require_same(seen: Sequence[ChangeRow], today: Sequence[ChangeRow], run_id: str) -> None:
    """Raises PlanIsStale where `today` is not the plan of the dry run `run_id`."""
    found = compare(seen, today)
    if not found.equal:
        raise PlanIsStale(
            f"The plan of {run_id} is no longer what would be done, so nothing of it was written. {found.told()}"
        )


Record = tuple[str, str, str, str]


def _by_record(changes: Iterable[ChangeRow]) -> dict[Record, list[ChangeRow]]:
    """Changes by what they are about: what stands in the same place in both plans is compared field by field."""
    found: dict[Record, list[ChangeRow]] = {}
    for one in changes:
        found.setdefault((one.kind, one.subject, one.system, one.unit), []).append(one)
    return found


def _content(change: ChangeRow) -> str:
    return canonical_json([change.action, change.target_id, dict(change.before), dict(change.after)])


def _without_equal(
    seen: Iterable[ChangeRow], today: Iterable[ChangeRow]
) -> tuple[list[ChangeRow], list[ChangeRow]]:
    """What is left of both once equal changes are paired off, each in an order that does not depend on how it came."""
    left, right = ([(_content(one), one) for one in side] for side in (seen, today))
    paired = Counter(content for content, _ in left) & Counter(content for content, _ in right)
    return _after(left, paired), _after(right, paired)


def _after(side: Iterable[tuple[str, ChangeRow]], paired: Counter[str]) -> list[ChangeRow]:
    open_pairs = Counter(paired)
    rest: list[ChangeRow] = []
    for content, one in sorted(side, key=lambda each: each[0]):
        if open_pairs[content]:
            open_pairs[content] -= 1
        else:
            rest.append(one)
    return rest


def _different(seen: ChangeRow | None, today: ChangeRow | None) -> Difference:
    one = today or seen
    assert one is not None, "at least one of them is there"
    if seen is None or today is None:
        return _named(one, "only_today" if seen is None else "only_seen")
    what = [name for name in ("action", "target_id") if getattr(seen, name) != getattr(today, name)]
    for name in sorted({*seen.before, *seen.after, *today.before, *today.after}):
        if _side(seen, name) != _side(today, name):
            what.append(name)
    return _named(one, "different", what)


def _side(change: ChangeRow, name: str) -> list[str | None]:
    """A field as it stands and as it is to be; nothing is not the same as null."""
    return [
        canonical_json(values[name]) if name in values else None for values in (change.before, change.after)
    ]


def _named(change: ChangeRow, where: Where, what: Sequence[str] = ()) -> Difference:
    return Difference(
        where, change.label or change.subject, change.system, change.kind, change.action, tuple(what)
    )
