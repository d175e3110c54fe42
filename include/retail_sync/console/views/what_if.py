"""The form of other rules: what was wanted, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retail_sync.console.views.stock import Room
from retail_sync.console.views.waterfall import Picture, picture
from retail_sync.console.visit import Visit
from retail_sync.console.vocabulary import RULE_LABELS
from retail_sync.settings.document import Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import ChannelSetting
from retail_sync.sync.inventory.availability import Figures
from retail_sync.sync.inventory.explanation import Explanation, explained
from retail_sync.sync.inventory.layout import RULE_FIELDS
from retail_sync.sync.queries.what_if import (
    BY_PLACE,
    Counted,
    UnusableRules,
    Wanted,
    count_moved,
    counting_rule,
    layout_by,
    suppose,
    supposed,
    told,
    yaml_of,
)

LONGEST = 40
"""Letters of a rule that are looked at: numbers and words, nothing longer."""


@dataclass(frozen=True)
class Outcome:
    """This SKU in one channel by today's rules and by the others."""

    channel: str
    now: Explanation
    then: Explanation
    now_picture: Picture
    then_picture: Picture

    @property
    def same(self) -> bool:
        return self.now.figure == self.then.figure


@dataclass(frozen=True)
class Answer:
    """`outcomes`: the chosen channel first, then others whose figure changes with it. `counted`: None = not asked."""

    outcomes: Sequence[Outcome]
    lines: str
    changes: bool
    counted: Counted | None


def wanted_of(visit: Visit, settings: SyncSettings, setting: ChannelSetting) -> Wanted:
    """What the form says; what counts now where it was not sent."""
    if not visit.query("asked"):
        return told(settings, setting)
    given = visit.request.query_params
    ticked = given.getlist("location")
    names = [one.name for one in settings.locations if one.name in ticked]
    turn = {name: _turn(visit.query(f"turn.{name}"), at) for at, name in enumerate(names)}
    rules: dict[str, str | Mapping[str, str]] = {
        name: visit.query(name)[:LONGEST] for name in RULE_FIELDS if name not in BY_PLACE
    }
    for name in BY_PLACE:
        rules[name] = {place: visit.query(f"{name}.{place}")[:LONGEST] for place in names}
    return Wanted(sorted(names, key=lambda name: turn[name]), visit.query("fulfilled_by"), rules)


def _turn(text: str, position: int) -> tuple[int, int]:
    """Where a location stands in the order; without a number behind those that have one."""
    return (int(text), position) if text.isascii() and text.isdigit() and len(text) < 6 else (10**6, position)


def answer(room: Room, figures: Figures, setting: ChannelSetting, wanted: Wanted, *, count: bool) -> Answer:
    """What these rules would do. Raises UnusableRules."""
    changed = suppose(room.settings, setting, wanted)
    layout = layout_by(changed, room.layout, room.now)
    then = supposed(figures.given, changed, layout)
    counted = None
    if count:
        everything = room.figures(None)
        counted = count_moved(
            everything,
            supposed(everything.given, changed, layout),
            room.settings,
            changed,
            room.visit.ledger.stock.entries(),
        )
    sku = str(figures.given.articles["sku"].dropna().iloc[0]) if len(figures.given.articles) else ""
    return Answer(
        _outcomes(room, figures, then, sku, setting.channel),
        yaml_of(changed, setting.channel),
        changed.inventory != room.settings.inventory,
        counted,
    )


def _outcomes(room: Room, now: Figures, then: Figures, sku: str, channel: str) -> list[Outcome]:
    before = {one.channel: one for one in explained(room.visit.ledger, now, [sku])}
    after = {one.channel: one for one in explained(room.visit.ledger, then, [sku])}
    names = {worked.shelf.name: worked.shelf.channel for worked in then.shelves}
    found = [
        Outcome(name, before[name], after[name], picture(before[name]), picture(after[name]))
        for name in names
        if name in before and name in after
    ]
    return sorted(
        (one for one in found if names[one.channel] == channel or not one.same),
        key=lambda one: names[one.channel] != channel,
    )


def problems_of_form(refusal: UnusableRules) -> dict[str, list[Problem]]:
    """Problems by the field of the form that they stand beside."""
    fields = {*RULE_LABELS, *BY_PLACE, "locations", "fulfilled_by"}
    out: dict[str, list[Problem]] = {}
    for name, found in refusal.problems.items():
        out.setdefault(name if name in fields else "", []).extend(found)
    return out


def closer_rules(room: Room, figures: Figures, setting: ChannelSetting, sku: str) -> dict[str, str]:
    """Settings that an override gives this article, whatever the channel says: as text, by setting."""
    worked = next((one for one in figures.shelves if one.shelf.channel == setting.channel), None)
    own = figures.given.articles["sku"] == sku
    if worked is None or not own.fillna(False).any():
        return {}
    rule = worked.rules.of(int(own.fillna(False).to_numpy(dtype=bool).argmax()))
    base = counting_rule(room.settings, setting)
    return {
        name: str(getattr(rule, name)) for name in RULE_FIELDS if getattr(rule, name) != getattr(base, name)
    }
