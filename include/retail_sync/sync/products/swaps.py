"""Values that a target takes once each, wanted while another record still bears them there.

Writes go out side by side, one record at a time, so a value is only free once its bearer has its new one. Where records
want each other's values in a circle, none is ever free: a person has to break it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A record (`wanted_by`, its position) that is to get `value`, which `bearers` (positions) still have."""

    wanted_by: int
    field: str
    value: str
    bearers: tuple[int, ...]


def claims(
    wanted: Iterable[tuple[int, str, str, str]],
    borne: Mapping[str, Iterable[int]],
    kept: Mapping[str, set[int]],
) -> list[Claim]:
    """What is wanted of what others still bear and give up. `wanted`: position, field, value, key of the value.
    `borne`: by key, positions of the records that bear it now. `kept`: by key, who is to bear it afterwards."""
    found: list[Claim] = []
    for position, field, value, key in wanted:
        bearers = {one for one in borne.get(key, ()) if one != position and one not in kept.get(key, ())}
        if bearers and position not in borne.get(key, ()):
            found.append(Claim(position, field, value, tuple(sorted(bearers))))
    return found


def circles(found: Iterable[Claim]) -> dict[int, tuple[int, ...]]:
    """For each record that waits for itself, in the end: all records of its circle, in the order of their positions."""
    waits: dict[int, set[int]] = defaultdict(set)
    for claim in found:
        waits[claim.wanted_by].update(claim.bearers)
    reached = {start: _reached(start, waits) for start in waits}
    return {
        start: tuple(sorted(one for one in others if start in reached.get(one, ())))
        for start, others in reached.items()
        if start in others
    }


def _reached(start: int, waits: Mapping[int, set[int]]) -> set[int]:
    """All records that `start` waits for, and those that they wait for."""
    seen: set[int] = set()
    ahead = list(waits.get(start, ()))
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead.extend(waits.get(one, ()))
    return seen
