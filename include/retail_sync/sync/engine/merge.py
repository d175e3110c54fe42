"""Three-way merge of linked records, field by field, as whole columns.

For a field that both systems hold, L and R are today's values and B is the value last agreed on. What happens:

| owner | L = R | only one side moved | both moved, or no B yet |
| --- | --- | --- | --- |
| `commercetools` | agreed | L goes to Lightspeed | L goes to Lightspeed |
| `lightspeed` | agreed | R goes to commercetools | R goes to commercetools |
| `newest` | agreed | the moved value goes over | the later one goes over; within the clock skew: conflict |
| `review` | agreed | the moved value goes over | conflict |
| `none` | not looked at | | |

Unknown (NA) on either side: the field is left alone. Without a B, an empty value never wipes out a filled one.
A conflict may be settled by a person (`FieldDecision.settle`); nothing else ever is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from retail_sync.settings.models.base import Owner

TO_LIGHTSPEED = "lightspeed"
TO_COMMERCETOOLS = "commercetools"
EMPTY_TEXTS = frozenset({"", "[]", "{}"})


@dataclass
class FieldDecision:
    """What the merge decided for one field over all linked pairs (all Series share the pairs' index)."""

    name: str
    owner: Owner
    left: pd.Series
    right: pd.Series
    base: pd.Series
    agreed: pd.Series
    to_lightspeed: pd.Series
    to_commercetools: pd.Series
    conflict: pd.Series
    moved_left: pd.Series
    moved_right: pd.Series
    kept: pd.Series = field(repr=False)
    left_time: pd.Series = field(repr=False)
    right_time: pd.Series = field(repr=False)
    settled: dict[object, str] = field(default_factory=dict)
    """By pair, who settled its conflict."""

    def settle(self, pair: Any, winner: str, by: str) -> None:
        """Let the value of one side go over where there is a conflict. Raises ValueError where there is none."""
        if not bool(self.conflict[pair]):
            raise ValueError(f"{self.name} of pair {pair} is no conflict.")
        self.conflict[pair] = False
        (self.to_lightspeed if winner == "commercetools" else self.to_commercetools)[pair] = True
        self.settled[pair] = by

    def reason(self, pair: object) -> str:
        """Why the value moves, in one sentence for the audit row."""
        moved_left = bool(self.moved_left.get(pair, False))
        moved_right = bool(self.moved_right.get(pair, False))
        first = pd.isna(self.base.get(pair))
        winner = "commercetools" if bool(self.to_lightspeed.get(pair, False)) else "lightspeed"
        if pair in self.settled:
            why = "never agreed on" if first else "changed on both sides"
            return f"{why}; {self.settled[pair]} decided for {winner}"
        if first:
            return f"first alignment; {_owner_words(self.owner, winner)}"
        if moved_left and moved_right:
            return f"changed on both sides; {_owner_words(self.owner, winner)}"
        changed = "commercetools" if moved_left else "lightspeed"
        if changed == winner:
            return f"changed in {changed}"
        return f"changed in {changed}, set back: {_owner_words(self.owner, winner)}"


def _owner_words(owner: Owner, winner: str) -> str:
    if owner == "newest":
        return f"{winner} changed last"
    if owner == "review":
        return f"only {winner} changed"
    return f"{owner} owns the field"


def merge_field(
    name: str,
    owner: Owner,
    left: pd.Series,
    right: pd.Series,
    base: pd.Series,
    left_time: pd.Series,
    right_time: pd.Series,
    clock_skew: pd.Timedelta,
    *,
    key: Callable[[Any], Any] = lambda value: value,
) -> FieldDecision:
    """Decide one field for all pairs. Series are aligned; `base` NA = nothing agreed yet. `key`: the form in which
    values are compared (`retail_sync.records.types.comparing`); what goes over is spelled as it stands."""
    left, right = _comparable(left), _comparable(right)
    base = _comparable(base)
    known = left.notna() & right.notna()
    left_key, right_key, base_key = (_keyed(side, key) for side in (left, right, base))
    equal = known & _same(left_key, right_key)
    differ = known & ~equal
    has_base = base.notna()
    moved_left, moved_right = _moved(left_key, base_key), _moved(right_key, base_key)
    only_left = differ & has_base & moved_left & ~moved_right
    only_right = differ & has_base & moved_right & ~moved_left
    open_question = differ & ~only_left & ~only_right
    nothing = pd.Series(False, index=left.index)
    if owner == "commercetools":
        to_lightspeed, to_commercetools, conflict = differ, nothing, nothing
    elif owner == "lightspeed":
        to_lightspeed, to_commercetools, conflict = nothing, differ, nothing
    elif owner == "newest":
        apart = left_time - right_time
        left_later = (apart > clock_skew).fillna(False).astype(bool)
        right_later = (apart < -clock_skew).fillna(False).astype(bool)
        to_lightspeed = only_left | (open_question & left_later)
        to_commercetools = only_right | (open_question & right_later)
        conflict = open_question & ~left_later & ~right_later
    elif owner == "review":
        to_lightspeed, to_commercetools, conflict = only_left, only_right, open_question
    else:
        to_lightspeed = to_commercetools = conflict = nothing
        equal = nothing
    # Nothing was ever agreed: an empty value is no evidence that the other side's value should go.
    wipes_right = to_lightspeed & ~has_base & _empty(left)
    wipes_left = to_commercetools & ~has_base & _empty(right)
    one_empty = conflict & ~has_base & (_empty(left) | _empty(right))
    return FieldDecision(
        name=name,
        owner=owner,
        left=left,
        right=right,
        base=base,
        agreed=equal,
        to_lightspeed=(to_lightspeed & ~wipes_right) | (one_empty & _empty(right)),
        to_commercetools=(to_commercetools & ~wipes_left) | (one_empty & _empty(left)),
        conflict=conflict & ~one_empty,
        moved_left=moved_left,
        moved_right=moved_right,
        kept=wipes_right | wipes_left,
        left_time=left_time,
        right_time=right_time,
    )


def _comparable(series: pd.Series) -> pd.Series:
    """Object cells with None for unknown, so that columns of any dtype compare cell by cell."""
    return series.astype("object").where(series.notna(), None)


def _keyed(series: pd.Series, key: Callable[[Any], Any]) -> pd.Series:
    cells = [None if value is None else key(value) for value in series.tolist()]
    return pd.Series(cells, index=series.index, dtype="object")


def _same(a: pd.Series, b: pd.Series) -> pd.Series:
    return pd.Series([x == y for x, y in zip(a, b, strict=True)], index=a.index, dtype=bool)


def _moved(now: pd.Series, base: pd.Series) -> pd.Series:
    known = now.notna() & base.notna()
    return known & ~_same(now, base)


def _empty(series: pd.Series) -> pd.Series:
    return series.isin(EMPTY_TEXTS)
