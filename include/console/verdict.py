"""Whether anything needs a person: one sentence, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from include.console.words import entity_title, lasting, number

FOR_PEOPLE: Mapping[str, str] = {
    "conflict": "both systems changed the same field",
    "ambiguous": "a record could be several",
    "price_jump": "a price waits for approval",
    "duplicate_profile": "a customer is there twice",
    "name_differs": "a customer has two names",
    "deleted_there": "a customer was deleted on one side",
}
"""Reasons that only a person ends, in words; all other holds are tried again until the record is mended."""


@dataclass(frozen=True)
class Facts:
    """About one entity. `succeeded_at`: its last real success (UTC; None = never). `failed`: the last run failed, with
    the error. `running`: a run is under way. `held`: open holds by reason, without dismissed ones."""

    entity: str
    succeeded_at: datetime | None = None
    failed: str | None = None
    failed_run: str = ""
    running: bool = False
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """One thing that needs a person. `path`, `query`: where in the console it is looked after."""

    sentence: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`tone`: good, warn or bad. `reasons`: what needs a person, the worst first."""

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
    """`old_after`: data older than this is too old. `holds_above`: more open holds of an entity than this are too many.
    `waiting_since`: since when the oldest event waits in the inbox."""
    if not facts:
        return Verdict("warn", "You may not look at any entity that syncs.")
    if all(one.succeeded_at is None and one.failed is None and not one.running for one in facts):
        return Verdict("warn", "Nothing has run yet.")
    bad = [reason for one in facts for reason in _urgent(one, now, old_after)]
    if waiting_since is not None and now - waiting_since > old_after:
        waited = lasting((now - waiting_since).total_seconds())
        bad.append(Reason(f"events have waited for {waited}", "/search"))
    warn = [reason for one in facts for reason in _decisions(one, holds_above)]
    reasons = [*bad, *warn]
    if not reasons:
        return Verdict("good", _all_well(facts, now))
    count = len(reasons)
    things = "One thing needs" if count == 1 else f"{count} things need"
    return Verdict("bad" if bad else "warn", f"{things} a person.", reasons)


def _urgent(one: Facts, now: datetime, old_after: timedelta) -> list[Reason]:
    title = entity_title(one.entity)
    if one.failed is not None:
        return [Reason(f"{title}: the last run failed: {one.failed}", f"/runs/{one.failed_run}")]
    if one.succeeded_at is None:
        return (
            []
            if one.running
            else [Reason(f"{title} have never been synced", "/runs", {"entity": one.entity})]
        )
    age = now - one.succeeded_at
    if age > old_after and not one.running:
        told = lasting(age.total_seconds())
        return [Reason(f"{title} have had no successful run for {told}", "/runs", {"entity": one.entity})]
    return []


def _decisions(one: Facts, holds_above: int) -> list[Reason]:
    found = [
        Reason(
            f"{entity_title(one.entity)}: {FOR_PEOPLE[code]} ({number(count)})",
            "/holds",
            {"entity": one.entity, "code": code},
        )
        for code, count in one.held.items()
        if count and code in FOR_PEOPLE
    ]
    total = sum(one.held.values())
    if total > holds_above:
        found.append(
            Reason(
                f"{entity_title(one.entity)}: {number(total)} records are held, more than {holds_above}",
                "/holds",
                {"entity": one.entity},
            )
        )
    return found


def _all_well(facts: Sequence[Facts], now: datetime) -> str:
    times = [one.succeeded_at for one in facts if one.succeeded_at is not None]
    oldest = lasting((now - min(times)).total_seconds()) if times else "unknown"
    held = sum(sum(one.held.values()) for one in facts)
    rest = f" {number(held)} records are held and tried again by themselves." if held else ""
    return f"Nothing needs a person: all is in sync, the oldest data is {oldest} old.{rest}"
