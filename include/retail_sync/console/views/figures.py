"""A figure of stock as a sentence: what the storefront shows, and how that comes about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retail_sync.console.vocabulary import AGGREGATES, ENTRY_STATES, RULE_EFFECTS, WITHHELD
from retail_sync.sync.inventory.explanation import AtPlace, Explanation, Step
from retail_sync.sync.queries.entry_status import Standing


def sentence(one: Explanation, standing: Standing) -> str:
    """One plain sentence."""
    how = built_up(one)
    return f"{_shows(one, standing)}{f': {how}' if how else ''}."


def mark(one: Explanation, standing: Standing) -> str:
    """How the entry stands to the figure, in a few words."""
    if one.entry is None and standing.state in ("agrees", "left"):
        return "no entry"
    if one.entry is None and standing.state == "waits":
        return "no entry yet"
    return "held back" if any(why.kind == "held" for why in standing.whys) else ENTRY_STATES[standing.state]


def _shows(one: Explanation, standing: Standing) -> str:
    should = "" if standing.state in ("agrees", "left") else _should(one)
    if one.entry is None:
        return f"The storefront has no entry in {one.channel}{should}"
    available = int(one.entry["available"])
    short = f" ({-available} more are reserved than there are)" if available < 0 else ""
    return f"The storefront shows {max(available, 0)} in {one.channel}{short}{should}"


def _should(one: Explanation) -> str:
    return (
        ", and what it should show is not known" if one.figure is None else f", and should show {one.figure}"
    )


def built_up(one: Explanation) -> str:
    """`9 at the till in Berlin, less 2 kept back`."""
    if one.figure is None:
        return _listed([_place(place, alone=False) for place in one.places])
    if not one.steps:
        return one.remark
    aggregate = one.steps[0].step.split()[0]
    alone = len(one.places) == 1
    places = _listed([_place(place, alone=alone) for place in one.places])
    start = places if alone else f"{AGGREGATES.get(aggregate, '')}{places}"
    rest = [_step(step) for step in one.steps[1:]]
    if alone and one.steps[0].left != one.places[0].contributes:
        rest.insert(0, f"which counts as {one.steps[0].left}")
    if one.remark and all(step.step != one.remark for step in one.steps):
        rest.append(f"but it is {one.remark}")
    return ", ".join([start, *rest])


def _place(place: AtPlace, *, alone: bool) -> str:
    if place.level == "?":
        return f"an unknown level in {place.location}" + ("" if place.open else ", which is closed today")
    at = f"{place.level} at the till in {place.location}"
    more = list(_at_place(place))
    if not more:
        return at
    return f"{at}, {', '.join(more)}" if alone else f"{at} ({', '.join(more)})"


def _at_place(place: AtPlace) -> Iterator[str]:
    if place.held != "0":
        yield f"less {place.held} held by open sales"
    if place.incoming != "0":
        yield f"and {place.incoming} on the way"
    if place.ordered != "0":
        yield f"less {place.ordered} in open web orders"
    for step in place.steps:
        yield _step(step)


def _step(step: Step) -> str:
    if step.step in WITHHELD:
        return f"less {step.effect.removeprefix('-')} {WITHHELD[step.step]}"
    if step.step in RULE_EFFECTS:
        return RULE_EFFECTS[step.step].format(step.effect)
    return f"but it is {step.step}" if step.step.startswith(("deleted", "not in")) else step.step


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
