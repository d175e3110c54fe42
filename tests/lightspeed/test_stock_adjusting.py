"""Signed differences: the reason that fits, all or none, and never at a location the till counts itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retail_sync.records.errors import ConfigurationFault, RecordRejected, UnknownOutcome
from retail_sync.records.inventory import parts
from retail_sync.records.ports.inventory import Adjusted, Adjustment
from retail_sync.settings.models import SyncSettings
from sandbox.faults import FaultRule
from sandbox.lightspeed.rows import Record
from tests.lightspeed.stocked import product, run, stock_settings
from tests.lightspeed.till import Till


def adjust(till: Till, *adjustments: Adjustment, config: SyncSettings | None = None) -> Adjusted:
    return run(till, lambda adapter: adapter.adjust(adjustments), config)


def change(
    till: Till, product_id: str, quantity: int, number: int = 1, outlet: str = "hamburg"
) -> Adjustment:
    return Adjustment(f"c{number}", product_id, str(getattr(till.store, outlet)), quantity)


def sent(till: Till) -> list[dict[str, Any]]:
    bodies = [
        r.body for r in till.faults.requests if r.method == "POST" and r.path.endswith("/stock_adjustments")
    ]
    return [item for body in bodies for item in json.loads(body)["stock_adjustments"]]


def custom(till: Till, name: str, sign: str, **more: Any) -> str:
    fields = {"name": name, "type": sign, "enabled": True, **more}
    return till.store.adjustment_reasons.add(Record(id=till.store.new_id(), fields=fields)).id


def test_a_difference_is_sent_as_decimal_text_with_the_reason_of_its_sign(till: Till) -> None:
    shirt = product(till)
    adjusted = adjust(till, change(till, shirt, parts(3)), change(till, shirt, -150_001, 2))
    assert [(i["quantity"], i["reason"]) for i in sent(till)] == [
        ("3", "STOCK_FOUND"),
        ("-1.50001", "INTERNAL_USE"),
    ]
    assert set(adjusted.ids) == {"c1", "c2"} and len(set(adjusted.ids.values())) == 2
    assert str(till.store.stock_level(shirt, till.store.hamburg)) == "1.49999"  # type: ignore[attr-defined]
    assert {e.id for e in till.exchanges.kept if e.context.get("change")} == {adjusted.exchange_id}


def test_two_changes_of_one_level_by_the_same_have_an_adjustment_each(till: Till) -> None:
    shirt = product(till)
    adjusted = adjust(till, change(till, shirt, parts(1)), change(till, shirt, parts(1), 2))
    assert len(set(adjusted.ids.values())) == 2


def test_a_custom_reason_is_looked_up_by_name_once_and_only_where_its_sign_is_needed(till: Till) -> None:
    up = custom(till, "Web stock", "POSITIVE")
    config = stock_settings(adjusting={"reason_up": " web STOCK", "reason_down": "no such reason"})
    shirt = product(till)

    async def use(adapter: Any) -> None:
        for number in range(3):
            await adapter.adjust([change(till, shirt, parts(1), number)])

    run(till, use, config)
    assert {(i["reason"], i["custom_inventory_adjustment_reason_id"]) for i in sent(till)} == {("CUSTOM", up)}
    lists = [r for r in till.faults.requests if "custom_inventory_adjustment_reasons" in r.path]
    assert len(lists) <= 2  # a page and the empty one after it
    with pytest.raises(ConfigurationFault, match="no such reason"):
        adjust(till, change(till, shirt, -1), config=config)


@pytest.mark.parametrize("reason", ["DAMAGE", "Broken", "Retired"])
def test_a_reason_that_does_not_fit_the_sign_is_refused_before_anything_is_sent(
    till: Till, reason: str
) -> None:
    custom(till, "Broken", "NEGATIVE")
    custom(till, "Retired", "POSITIVE", enabled=False)
    shirt = product(till)
    with pytest.raises(ConfigurationFault):
        adjust(till, change(till, shirt, 1), config=stock_settings(adjusting={"reason_up": reason}))
    assert not sent(till)


def test_a_level_of_a_location_that_lightspeed_counts_is_never_written(till: Till) -> None:
    with pytest.raises(RecordRejected) as refused:
        adjust(till, change(till, product(till), parts(1), outlet="berlin"))
    assert refused.value.code == "not_owned" and not sent(till)


def test_one_refused_difference_refuses_all_of_its_request(till: Till) -> None:
    shirt = product(till)
    with pytest.raises(RecordRejected):
        adjust(till, change(till, shirt, parts(1)), change(till, "nobody", parts(1), 2))
    assert till.store.stock_level(shirt, till.store.hamburg) == 0  # type: ignore[attr-defined]
    with pytest.raises(RecordRejected):
        adjust(till, change(till, shirt, 0))


def test_without_a_trustworthy_answer_the_outcome_is_unknown_and_nothing_is_repeated(till: Till) -> None:
    shirt = product(till)
    for fault in (
        FaultRule(match="/stock_adjustments", method="POST", kind="timeout_after"),
        FaultRule(match="/stock_adjustments", method="POST", kind="truncate_json"),
        FaultRule(match="/stock_adjustments", method="POST", kind="drop_fields", fields=["product_id"]),
    ):
        till.faults.clear()
        till.faults.add(fault)
        with pytest.raises(UnknownOutcome):
            adjust(till, change(till, shirt, parts(1)))
    assert len(sent(till)) == 3
    assert till.store.stock_level(shirt, till.store.hamburg) == 3  # type: ignore[attr-defined]


def test_adjustments_after_a_version_show_whether_an_earlier_attempt_took_effect(till: Till) -> None:
    shirt = product(till)
    adjust(till, change(till, shirt, parts(1)))
    first = run(till, lambda adapter: adapter.adjusted_since(0))
    assert first[["product_id", "quantity"]].values.tolist() == [[shirt, parts(1)]]
    adjust(till, change(till, shirt, -parts(2)))
    later = run(till, lambda adapter: adapter.adjusted_since(int(first["version"].max())))
    assert later[["outlet_id", "quantity"]].values.tolist() == [[till.store.hamburg, -parts(2)]]  # type: ignore[attr-defined]
    assert run(till, lambda a: a.adjusted_since(int(later["version"].max()))).empty
