"""What figures would be by other rules of one channel. Nothing is written: rules, figures and counts come and go.

Wanted are the rules as they are to count; what a channel has to say for that beside `inventory.defaults` is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError
from ruamel.yaml import YAML

from retail_sync.settings.document import Document, Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import ChannelSetting, StockRule
from retail_sync.settings.problems import problems_of
from retail_sync.settings.validation.contradictions import cross_check
from retail_sync.sync.inventory.availability import Figures, Given, work_out
from retail_sync.sync.inventory.layout import RULE_FIELDS, Layout, layout_of, merged_rule
from retail_sync.sync.inventory.planner import compared, selling_out

BY_PLACE = ("shares", "safety_stock_at")
"""Rules with a value for each location."""
NEUTRAL: Mapping[str, Any] = {
    "aggregate": "sum",
    "shares": {},
    "safety_stock": 0,
    "safety_stock_at": {},
    "buffer_units": 0,
    "buffer_percent": 0,
    "rounding": "down",
    "pack_size": 1,
    "pack_shows": "units",
    "floor": 0,
}
"""What a channel says to take back a rule of `inventory.defaults`. A limit can't be taken back."""


class UnusableRules(Exception):
    """The settings would refuse these rules. `problems`: what and what to do, by the name of the setting."""

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Wanted:
    """Rules as texts, as they are to count in a channel: `rules` by setting, those by location under BY_PLACE; an empty
    text is a rule that takes no part. `locations` in their order; `fulfilled_by` empty = any of them."""

    locations: Sequence[str]
    fulfilled_by: str
    rules: Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True)
class Moved:
    """Articles of a channel whose entries would show something else by other rules: how many; of those that show
    something, how many would show nothing; of those that show nothing, how many would show something."""

    articles: int
    moved: int
    to_zero: int
    back: int


@dataclass(frozen=True)
class Counted:
    """`channels`: by name, of all articles. `refused`: why a run with these rules would write nothing at all; empty
    where it would write."""

    channels: Mapping[str, Moved]
    refused: str


def setting_of(settings: SyncSettings, channel: str) -> ChannelSetting | None:
    """The setting of a channel that is shown."""
    return next((one for one in settings.shown_channels if one.channel == channel), None)


def counting_rule(settings: SyncSettings, setting: ChannelSetting) -> StockRule:
    """The rules that count in a channel, without overrides."""
    return merged_rule((settings.inventory.defaults, setting))


def told(settings: SyncSettings, setting: ChannelSetting) -> Wanted:
    """What counts now, as it would be wanted."""
    rule = counting_rule(settings, setting)
    rules: dict[str, str | Mapping[str, str]] = {}
    for name in RULE_FIELDS:
        value = getattr(rule, name)
        if name in BY_PLACE:
            rules[name] = {place: _text(units) for place, units in (value or {}).items()}
        else:
            rules[name] = _text(NEUTRAL.get(name) if value is None and _is_choice(name) else value)
    return Wanted(setting.locations, setting.fulfilled_by or "", rules)


def _is_choice(name: str) -> bool:
    return isinstance(NEUTRAL.get(name), str)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)


def suppose(settings: SyncSettings, setting: ChannelSetting, wanted: Wanted) -> SyncSettings:
    """The settings with these rules in this channel. Raises UnusableRules."""
    own = {name: value for name, value in setting.model_dump().items() if value is not None}
    own["key"] = setting.key
    own["locations"] = list(wanted.locations)
    own["fulfilled_by"] = wanted.fulfilled_by or None
    problems: dict[str, list[Problem]] = {}
    now = told(settings, setting).rules
    for name in RULE_FIELDS:
        text, default = wanted.rules.get(name, ""), getattr(settings.inventory.defaults, name)
        if not isinstance(text, str):
            text = {place: units for place, units in text.items() if units and place in wanted.locations}
        if _same(text, now[name]):
            continue
        if text:
            own[name] = text
            if name == "shares":
                # Left to the default, another way of aggregating would make the shares mean nothing unseen.
                own["aggregate"] = wanted.rules["aggregate"]
        elif default is None:
            own[name] = None
        elif name in NEUTRAL:
            own[name] = NEUTRAL[name]
        else:
            told_default = f"`inventory.defaults` says {_text(default)}, and a channel can't take that back."
            problems[name] = [Problem((name,), told_default, "Name another number, or change the defaults.")]
    if problems:
        raise UnusableRules(problems)
    return _with_channel(settings, _channel(own))


def _same(wanted: str | Mapping[str, str], now: str | Mapping[str, str]) -> bool:
    if isinstance(wanted, str) or isinstance(now, str):
        return wanted == now or (isinstance(wanted, str) and isinstance(now, str) and _equal(wanted, now))
    return wanted.keys() == now.keys() and all(_equal(units, now[place]) for place, units in wanted.items())


def _equal(one: str, other: str) -> bool:
    try:
        return one == other or Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _channel(own: Mapping[str, Any]) -> ChannelSetting:
    try:
        return ChannelSetting.model_validate(own)
    except ValidationError as error:
        found = problems_of(error, Document(data=own), ChannelSetting)
        raise UnusableRules(_by_setting(found, 0)) from error


def _with_channel(settings: SyncSettings, channel: ChannelSetting) -> SyncSettings:
    """The settings with a channel in place of the one with its key, or with one more."""
    channels = list(settings.inventory.channels)
    position = next((at for at, one in enumerate(channels) if one.key == channel.key), len(channels))
    channels[position:] = [channel, *channels[position + 1 :]]
    inventory = settings.inventory.model_copy(update={"channels": tuple(channels)})
    changed = settings.model_copy(update={"inventory": inventory})
    here = ("inventory", "channels", position)
    found = [problem for problem in cross_check(changed) if problem.loc[:3] == here]
    if found:
        raise UnusableRules(_by_setting(found, 3))
    return changed


def _by_setting(found: Sequence[Problem], depth: int) -> dict[str, list[Problem]]:
    out: dict[str, list[Problem]] = {}
    for problem in found:
        name = str(problem.loc[depth]) if len(problem.loc) > depth else ""
        out.setdefault(name, []).append(problem)
    return out


def yaml_of(settings: SyncSettings, channel: str) -> str:
    """The channel as lines of the configuration file."""
    setting = setting_of(settings, channel)
    assert setting is not None
    own = _written(setting.model_dump(exclude_defaults=True, exclude_none=True))
    first = ("key", "locations", "fulfilled_by")
    lines = {"key": setting.key, **{name: own[name] for name in first if name in own}, **own}
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    text = StringIO()
    yaml.dump({"inventory": {"channels": [lines]}}, text)
    return text.getvalue()


def _null(representer: Any, _value: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _written(value: Any) -> Any:
    """Numbers as people write them: a settings file has no texts for numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(item) for item in value]
    return value


# ---------------------------------------------------------------- figures by other rules


def supposed(given: Given, settings: SyncSettings, layout: Layout) -> Figures:
    """Figures of the same articles by other settings. `layout`: theirs (see `layout_by`)."""
    return work_out(replace(given, inventory=settings.inventory, layout=layout))


def layout_by(settings: SyncSettings, layout: Layout, now: datetime) -> Layout:
    """The layout by other settings of the same locations."""
    outlets = {name: place.outlet_id for name, place in layout.places.items()}
    return layout_of(settings, outlets, now, reserved=layout.reserved)


def count_moved(
    now: Figures, then: Figures, settings: SyncSettings, changed: SyncSettings, entries: pd.DataFrame
) -> Counted:
    """What a run by other rules would leave in the entries that a run by today's would not. `now`, `then`: figures of
    the same articles by `settings` and by `changed`; `entries`: ENTRY_COLUMNS of all their SKUs."""
    before = _left_by_run(now, settings, entries)
    tables = compared(then, entries, changed)
    channels: dict[str, Moved] = {}
    for worked, table in zip(then.shelves, tables, strict=True):
        old = before.get(worked.shelf.channel)
        new = _shown(table)
        if old is None:
            old = pd.Series(pd.NA, index=new.index, dtype="Int64")
        differs = ~((old == new).fillna(False) | (old.isna() & new.isna()))
        offers, offered = (new > 0).fillna(False), (old > 0).fillna(False)
        channels[worked.shelf.name] = Moved(
            articles=int((old.notna() | new.notna()).sum()),
            moved=int(differs.sum()),
            to_zero=int((offered & ~offers).sum()),
            back=int((offers & ~offered).sum()),
        )
    offering = int(
        (
            entries["channel"].isin([one.shelf.channel for one in then.shelves]) & (entries["available"] > 0)
        ).sum()
    )
    stopped = selling_out(tables, offering, changed, approved=())
    return Counted(channels, "" if stopped is None else stopped.message)


def _left_by_run(figures: Figures, settings: SyncSettings, entries: pd.DataFrame) -> dict[str, pd.Series]:
    tables = compared(figures, entries, settings)
    return {
        worked.shelf.channel: _shown(table) for worked, table in zip(figures.shelves, tables, strict=True)
    }


def _shown(table: pd.DataFrame) -> pd.Series:
    """What each entry has available after a run; NA = there is none."""
    written = pd.Series(np.where(table["action"] != "", table["available"], 0), dtype="Int64")
    kept = table["before_available"].astype("Int64").reset_index(drop=True)
    acts = pd.Series((table["action"] != "").to_numpy(dtype=bool))
    shown = kept.where(~acts, written)
    shown.index = pd.Index(table["product_id"])
    return shown
