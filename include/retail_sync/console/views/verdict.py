"""Whether anything needs a person: one sentence, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retail_sync.console.vocabulary import IN_LETTERS, entity_title, lasting, many, number
from retail_sync.sync.engine.decisions import CONFLICT
from retail_sync.sync.engine.removals import REMOVAL
from retail_sync.sync.queries.hold_actions import WHO_IS_WHO

FOR_PEOPLE: Mapping[str, tuple[str, str]] = {
    CONFLICT: ("conflict waits to be settled", "conflicts wait to be settled"),
    "ambiguous": ("record waits for its match to be chosen", "records wait for their match to be chosen"),
    REMOVAL: ("set of removals waits for approval", "sets of removals wait for approval"),
    "price_jump": ("price waits for approval", "prices wait for approval"),
    **dict.fromkeys(
        WHO_IS_WHO - {"ambiguous"},
        ("customer waits for somebody to say who is who", "customers wait for somebody to say who is who"),
    ),
}
"""Reasons that only a person ends, of one record and of several; all other holds are tried again until the record is
mended. A rejected price is decided already."""


@dataclass(frozen=True)
class Facts:
    """About one entity. `as_of`: since when its data may be older (UTC; None = it never synced). `aligned`: both sides
    were aligned in full once. `failed`: the last run failed, with the error and `to_do`. `running_since`: a run is
    under way. `refused`: writes of the last run that failed. `held`: open holds by reason, without dismissed ones."""

    entity: str
    as_of: datetime | None = None
    aligned: bool = True
    failed: str | None = None
    to_do: str = ""
    run_id: str = ""
    running_since: datetime | None = None
    refused: int = 0
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """One thing that needs a person. `path`, `query`: where in the console it is looked after. `detail`: what went
    wrong, and what to do."""

    sentence: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    entity: str = ""


@dataclass(frozen=True)
class Verdict:
    """`tone`: good, warn or bad. `reasons`: what needs a person, the worst first; they end the sentence."""

    tone: str
    sentence: str
    reasons: Sequence[Reason] = ()


def verdict_of(
    facts: Sequence[Facts],
    now: datetime,
    *,
    old_after: timedelta,
    holds_above: int,
    waiting_since: datetime | None = None,
) -> Verdict:
    """`old_after`: data older than this is too old, and a run under way for longer may be dead. `holds_above`: more
    open holds of an entity than this are too many. `waiting_since`: since when the oldest event waits in the inbox."""
    if not facts:
        return Verdict("warn", "There is no entity that syncs and that you may look at.")
    if all(one.as_of is None and one.failed is None and one.running_since is None for one in facts):
        return Verdict("warn", "Nothing has run yet.")
    bad = [reason for one in facts for reason in _urgent(one, now, old_after)]
    if waiting_since is not None and now - waiting_since > old_after:
        bad.append(Reason(f"events have waited for {_since(waiting_since, now)}", "/runs"))
    reasons = [*bad, *(reason for one in facts for reason in _decisions(one, holds_above))]
    if not reasons:
        return Verdict("good", _all_well(facts, now))
    things = "One thing needs" if len(reasons) == 1 else f"{len(reasons)} things need"
    return Verdict("bad" if bad else "warn", f"{things} a person", reasons)


def _urgent(one: Facts, now: datetime, old_after: timedelta) -> list[Reason]:
    name, runs = _name(one.entity), {"entity": one.entity}
    running = one.running_since is not None and now - one.running_since <= old_after
    found = []
    if one.failed is not None:
        told = " ".join(part for part in (one.failed, one.to_do) if part)
        # Ids of runs hold slashes and plus signs; the page quotes the path.
        found.append(Reason(f"the last run of {name} failed", f"/runs/{one.run_id}", {}, told, one.entity))
    if one.running_since is not None and not running:
        told = f"a run of {name} has been under way for {_since(one.running_since, now)}"
        todo = "Look at its tasks in Airflow; if none of them works, clear the first that did not succeed."
        found.append(Reason(told, f"/runs/{one.run_id}", {}, todo, one.entity))
    if found or running:
        return found
    if one.as_of is None:
        return [Reason(f"{name} have never been synced", "/runs", runs, BACKFILL, one.entity)]
    if now - one.as_of > old_after:
        told = f"{name} have had no successful run for {_since(one.as_of, now)}"
        return [Reason(told, "/runs", runs, "Look whether its DAG is paused in Airflow.", one.entity)]
    if not one.aligned:
        return [Reason(f"{name} have never been aligned in full", "/runs", runs, BACKFILL, one.entity)]
    return []


BACKFILL = "Run backfill, or its own DAG with mode full."


def _decisions(one: Facts, holds_above: int) -> list[Reason]:
    found = [
        Reason(
            many(count, *FOR_PEOPLE[code]),
            "/holds",
            {"entity": one.entity, "code": code},
            entity=one.entity,
        )
        for code, count in one.held.items()
        if count and code in FOR_PEOPLE
    ]
    if one.refused:
        told = f"{many(one.refused, 'record')} of {_name(one.entity)} failed"
        found.append(Reason(told, f"/runs/{one.run_id}", entity=one.entity))
    total = sum(one.held.values())
    if total > holds_above:
        told = f"{number(total)} records of {_name(one.entity)} are held, more than {number(holds_above)}"
        found.append(Reason(told, "/holds", {"entity": one.entity}, entity=one.entity))
    return found


def _all_well(facts: Sequence[Facts], now: datetime) -> str:
    times = [one.as_of for one in facts if one.as_of is not None]
    if not times:
        return "The first runs are under way."
    how_many = IN_LETTERS[len(facts)] if len(facts) < len(IN_LETTERS) else str(len(facts))
    who = entity_title(facts[0].entity) if len(facts) == 1 else f"All {how_many} entities"
    held = sum(sum(one.held.values()) for one in facts)
    rest = f" {many(held, 'record is', 'records are')} held and tried again." if held else ""
    return f"{who} are in sync; the oldest data is {_since(min(times), now)} old.{rest}"


def _name(entity: str) -> str:
    """Its title within a sentence."""
    title = entity_title(entity)
    return title[:1].lower() + title[1:]


def _since(moment: datetime, now: datetime) -> str:
    return lasting(max(0.0, (now - moment).total_seconds()))
