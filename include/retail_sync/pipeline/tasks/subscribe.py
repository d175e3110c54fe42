"""What the tasks of `subscribe` do: compare what a system tells of with what it should, mend it, and report."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from airflow.sdk import get_current_context

from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.notifications import RUN_NOTE
from retail_sync.pipeline.tasks.entity import gathered, problems_of
from retail_sync.records.errors import SyncError, TransientError, UnknownOutcome
from retail_sync.records.ports.connector import require
from retail_sync.records.ports.events import HookSystem, Registration
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.loader import load_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine import text_tables

Row = dict[str, Any]
"""A registration as the tasks hand it on: its fields, `system`, and `done`, what was done to it in this run."""
BROKEN = ("refused", "unhealthy")
"""States that no later run of `subscribe` mends by itself."""
MENDED_AT_MOST = 3
"""How often one registration is tried in a run where no answer tells what became of it."""
DONE = {"create": "created", "update": "changed", "delete": "deleted"}


class NotSubscribed(SyncError):
    """A system does not tell of changes, and a person must do something about it."""

    default_remedy = "Do what the table in the log says, then run subscribe again. Schedules go on meanwhile."


def configured(settings: SyncSettings) -> bool:
    """Whether the configuration says anything about being told of changes. Where it speaks of one system only, the
    other one is asked, too: what is left over there is taken back."""
    return settings.realtime.commercetools is not None or settings.realtime.receiver_url is not None


@gathered
def subscribe(system: SystemName) -> list[Row]:
    """Compare one system with the configuration and mend what differs, unless it is a dry run. A registration that the
    system refuses is told of, and the others go on; transient errors are tried again."""
    context = get_current_context()
    settings, dry_run = load_settings(), bool(context["params"].get("dry_run"))
    if not configured(settings):
        telling.say(f"Nothing is set up in `realtime`: {system} is not asked.")
        return []
    name = f"subscribe/{context['ti'].task_id}"
    with Ledger.open() as ledger, ledger.leases.taken(f"subscriptions of {system}", name):
        access = Access.of(settings, ledger, system, run_id=None, task=name)

        async def look() -> list[Row]:
            async with access.connector(system) as connector:
                return await registered(require(connector.events, "events", system), dry_run=dry_run)

        rows = asyncio.run(look())
    telling.say(*_table(rows))
    return rows


async def registered(hooks: HookSystem, *, dry_run: bool) -> list[Row]:
    """Every registration as it is, after what is ours was mended. One that got no answer does not keep the others from
    being mended; it is raised at the end, for a retry."""
    rows = []
    unanswered: UnknownOutcome | None = None
    for found in await hooks.registrations():
        if dry_run or found.action is None:
            rows.append(_row(hooks.system, found))
            continue
        try:
            after = await _mended(hooks, found)
        except UnknownOutcome as problem:
            unanswered = problem
            continue
        except TransientError:
            raise
        except SyncError as problem:
            after = replace(found, state="refused", finding=problem.message, remedy=problem.remedy)
        rows.append(_row(hooks.system, after, "" if after.state == "refused" else DONE[found.action]))
    if unanswered is not None:
        raise unanswered
    return rows


async def _mended(hooks: HookSystem, found: Registration) -> Registration:
    """Mended, in a few tries: each begins with what is there, so that nothing is made twice."""
    for _ in range(MENDED_AT_MOST - 1):
        try:
            return await hooks.mend(found)
        except UnknownOutcome:
            continue
    return await hooks.mend(found)


def report(found: Mapping[str, Sequence[Row] | None], upstream: Sequence[str]) -> dict[str, Any]:
    """Both sides as one table. Raises NotSubscribed where something is refused, unhealthy or not known, or waits for a
    person."""
    context = get_current_context()
    instance, dry_run = context["ti"], bool(context["params"].get("dry_run"))
    rows = [row for side in found.values() for row in side or ()]
    problems = problems_of(instance, upstream)
    problems += [
        f"{side} did not come to an end; look at the log of its task."
        for side, known in found.items()
        if known is None and not any(problem.startswith(side) for problem in problems)
    ]
    waits = [row for row in rows if row["state"] in BROKEN or (row["remedy"] and row["state"] != "foreign")]
    states = Counter(str(row["state"]) for row in rows)
    done = Counter(str(row["done"]) for row in rows if row["done"])
    verdict = _verdict(states, done, dry_run) if states or problems else _nothing(load_settings())
    sentences = [f"{row['system']} {row['name']}: {row['finding']} {row['remedy']}".strip() for row in waits]
    telling.say(*(_table(rows) if rows else []), verdict, *problems)
    instance.xcom_push(key=RUN_NOTE, value="\n".join([verdict, *sentences, *problems]))
    if sentences or problems:
        raise NotSubscribed(" ".join([*sentences, *problems]))
    return {"states": dict(states), "done": dict(done), "registrations": rows}


def _verdict(states: Mapping[str, int], done: Mapping[str, int], dry_run: bool) -> str:
    said = ", ".join(f"{count} {state}" for state, count in states.items()) or "nothing is known"
    did = ", ".join(f"{count} {what}" for what, count in done.items()) or "nothing had to be done"
    return f"{said}. Dry run, nothing was changed." if dry_run else f"{said}; {did}."


def _nothing(settings: SyncSettings) -> str:
    if configured(settings):
        return "Nothing is wanted, and nothing of ours is there: schedules find what changes."
    return (
        "Nothing is set up: no system tells of changes, schedules find them. What to do for near real time: "
        "`realtime` in the configuration file, docs/realtime.md."
    )


def _row(system: str, registration: Registration, done: str = "") -> Row:
    return {"system": system, **asdict(registration), "done": done}


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["system", "what", "state", "done", "delivers to", "found", "what to do"]
    keys = ("system", "name", "state", "done", "address", "finding", "remedy")
    return text_tables.table(head, [[row[key] for key in keys] for row in rows])
