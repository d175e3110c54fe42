"""The report of a reconciliation: what differs between both systems, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from airflow.sdk import get_current_context

from include.ledger.rows import ChangeRow
from include.pipeline import telling
from include.pipeline.context import bench_of
from include.pipeline.runs import Order
from include.settings.products import ProductSettings

SHOWN = 50
WIDEST = 40


@dataclass(frozen=True)
class Difference:
    """One field of one record. `stands` is what `system` shows, `wanted` what the rules would write there."""

    system: str
    kind: str
    label: str
    what: str
    field: str
    stands: Any
    wanted: Any
    owner: str


def report(entity: str, order: Order) -> dict[str, Any]:
    """Tell what the plan of this run would change; the whole list is staged as `drift`, counts are returned."""
    context = cast("Mapping[str, Any]", get_current_context())
    with bench_of(context, entity, order, settled=True) as bench:
        changes = bench.ledger.changes.read(bench.run_id)
        found = [one for change in changes for one in differences(change, bench.settings.products)]
        bench.staging.write_document("drift", [asdict(one) for one in found])
        place = str(bench.staging.folder / "drift.json.gz")
    by_field = dict(Counter(f"{one.system}: {one.field}" for one in found).most_common())
    by_action = dict(Counter(f"{change.system}: {change.action}" for change in changes).most_common())
    telling.say(
        *telling.counts("changes that would bring both sides together", by_action),
        *telling.counts("field", by_field),
        *telling.table(
            ["system", "record", "field", "shows", "should show", "owner"],
            [
                [one.system, _short(one.label), one.field, _short(one.stands), _short(one.wanted), one.owner]
                for one in found[:SHOWN]
            ],
        ),
        *([f"... and {len(found) - SHOWN} more fields: {place}"] if len(found) > SHOWN else []),
    )
    return {"changes": len(changes), "by_action": by_action, "by_field": by_field, "report": place}


def differences(change: ChangeRow, settings: ProductSettings) -> Iterator[Difference]:
    """A planned change as the differences it comes from. A record that is missing differs as a whole."""
    label = change.label or change.subject
    if change.action == "create":
        yield Difference(change.system, change.kind, label, "missing", "(the record)", None, "exists", "")
        return
    for field in sorted(change.after):
        yield Difference(
            change.system,
            change.kind,
            label,
            change.action,
            field,
            change.before.get(field),
            change.after[field],
            settings.owner_of(field),
        )


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
