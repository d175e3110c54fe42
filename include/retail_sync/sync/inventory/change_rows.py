"""The plan as audit rows in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.refs import EntryKey, LevelKey, WriteUnit
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.inventory.explanation import Explainer
from retail_sync.sync.inventory.feeds import ENTITY
from retail_sync.sync.inventory.planner import KIND, StockPlan

PORTION = 5_000
"""Rows of a plan that are in memory as Python objects at once."""


def change_rows(plan: StockPlan, run_id: str) -> Iterator[ChangeRow]:
    """The plan as audit rows, one after the other: a first alignment has hundreds of thousands."""
    explainer = Explainer(plan.figures)
    shelves = {worked.shelf.channel: worked for worked in plan.figures.shelves}
    for write in _in_portions(plan.entry_writes):
        explanation = explainer.of(shelves[write["channel"]], write["position"])
        yield ChangeRow(
            run_id=run_id,
            entity=ENTITY,
            reasons={"figure": explanation.as_dict()},
            **_entry_change(write),
        )
    for write in _in_portions(plan.level_writes):
        yield ChangeRow(
            run_id=run_id,
            entity=ENTITY,
            reasons={
                "level": f"{write['place']} is not counted by the till: its figure is the online entry's."
            },
            **_level_change(write),
        )


def _in_portions(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a long table, a few thousand in memory at a time."""
    for start in range(0, len(table), PORTION):
        yield from rows(table.iloc[start : start + PORTION])


def _entry_change(write: Mapping[str, Any]) -> dict[str, Any]:
    """What a change says of the entry it sets."""
    before = {"on_stock": write["before_on_stock"], "available": write["before_available"]}
    return {
        "kind": KIND,
        "subject": f"lightspeed:{write['product_id']}",
        "label": write["sku"],
        "system": "commercetools",
        "action": write["action"],
        "unit": str(WriteUnit("commercetools", str(EntryKey(write["sku"], write["channel"])))),
        "source_id": write["product_id"],
        "target_id": write["entry_id"],
        "target_version": write["version"],
        "before": {} if write["entry_id"] is None else before,
        "after": {"on_stock": write["on_stock"], "available": write["available"]},
    }


def _level_change(write: Mapping[str, Any]) -> dict[str, Any]:
    """What a change says of the level it adjusts, in parts."""
    level = str(LevelKey(write["product_id"], write["outlet_id"]))
    return {
        "kind": KIND,
        "subject": f"lightspeed:{write['product_id']}",
        "label": write["sku"],
        "system": "lightspeed",
        "action": "adjust",
        "unit": str(WriteUnit("lightspeed", level)),
        "source_id": write["product_id"],
        "target_id": level,
        "target_version": write["version"],
        "before": {"level": write["before"]},
        "after": {"level": write["after"]},
    }
