"""The report of a reconciliation: what differs between both systems, field by field, figure by figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from airflow.sdk import get_current_context

from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.context import run_context
from retail_sync.pipeline.tasks.entity import run_of
from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.sales import ENTITY as SALES
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.inventory.entity import outlet_names
from retail_sync.sync.inventory.feeds import ENTITY as STOCK_ENTITY
from retail_sync.sync.queries.drift import differences

DOCUMENTS = (ORDERS, SALES)
"""Entities of which something may be wrong that no write would mend."""
SHOWN = 50
WIDEST = 40


def report(entity: str, order: RunRequest) -> dict[str, Any]:
    """Tell what the plan of this run would change; the whole list is staged as `drift`, counts are returned."""
    context = cast("Mapping[str, Any]", get_current_context())
    with run_context(context, entity, order, settled=True) as run, run_of(run, entity).plans_again():
        changes = run.ledger.changes.read(run.run_id)
        outlets = outlet_names(run) if entity == STOCK_ENTITY else {}
        found = [one for change in changes for one in differences(change, run.settings, outlets)]
        run.staging.write_document("drift", [asdict(one) for one in found])
        told = run.staging.read_document("plan")["warnings"] if entity in DOCUMENTS else []
        place = run.staging.place("drift")
    by_field = dict(Counter(f"{one.system}: {one.field}" for one in found).most_common())
    by_action = dict(Counter(f"{change.system}: {change.action}" for change in changes).most_common())
    by_location = dict(Counter(name for one in found for name in one.places).most_common())
    telling.say(
        *text_tables.counts("changes that would bring both sides together", by_action),
        *text_tables.counts("channel" if by_location else "field", by_field),
        *(text_tables.counts("location behind a figure that differs", by_location) if by_location else []),
        *text_tables.table(
            ["system", "record", "field", "shows", "should show", "because"],
            [
                [one.system, _short(one.label), one.field, _short(one.stands), _short(one.wanted), one.owner]
                for one in found[:SHOWN]
            ],
        ),
        *([f"... and {len(found) - SHOWN} more: {place}"] if len(found) > SHOWN else []),
        *_told_besides(told),
    )
    return {
        "changes": len(changes),
        "by_action": by_action,
        "by_field": by_field,
        "by_location": by_location,
        "told": dict(Counter(one["code"] for one in told).most_common()),
        "report": place,
    }


def _told_besides(warnings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What no write would mend: a sale without its order, totals that differ."""
    if not warnings:
        return []
    rows = [[_short(one["label"]), one["code"], one["message"]] for one in warnings[:SHOWN]]
    more = len(warnings) - SHOWN
    return [
        *text_tables.table(["record", "what", "in words"], rows),
        *([f"... and {more} more: table `holds` of the ledger."] if more > 0 else []),
    ]


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
