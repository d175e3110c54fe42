"""Fault A8: what a product needs on the way (brand, tag, supplier, category, variant attribute) is made once, whatever
becomes of the answer, and only products that need it wait for it."""

from __future__ import annotations

from typing import Any

import pytest

from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.transport.creating import SENT_AT_MOST, NotMade
from tests.lightspeed.till import Till, creation, make_settings

MUG: dict[str, Any] = {"name.en": "Mug"}
ONE = {"sku": "M-1", "price": 100}
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "brands": ("/brands$", {**MUG, "brand": "Acme"}, ONE),
    "tags": ("/tags$", {**MUG, "tags": ["Acme"]}, ONE),
    "suppliers": ("/suppliers$", {**MUG, "supplier": "Acme"}, ONE),
    "categories": ("/product_categories/bulk$", {**MUG, "category": "Acme"}, ONE),
    "variant_attributes": (
        "/variant_attributes$",
        {**MUG, "options": ["Acme"]},
        {**ONE, "option_values": [["Acme", "S"]]},
    ),
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retail_sync.transport.creating.PAUSE_SECONDS", 0.0)


def made(till: Till, table: str) -> int:
    return [row.fields["name"] for row in getattr(till.store, table).live()].count("Acme")


@pytest.mark.parametrize("table", KINDS)
@pytest.mark.parametrize("fault", ["status", "status_after", "timeout_before", "timeout_after", "cut"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_reference_without_an_answer_is_looked_for_and_made_once(
    till: Till, table: str, fault: str, times: int
) -> None:
    path, product, variant = KINDS[table]

    async def work(adapter: XSeriesProducts) -> None:
        till.faults.add({"match": path, "method": "POST", "kind": fault, "status": 504, "times": times})
        await adapter.write(creation(product, variant))
        await adapter.write(creation({**product, "name.en": "Cup"}, {**variant, "sku": "C-1"}))

    till.run(make_settings(), work)
    assert made(till, table) == 1
    assert {row["sku"] for row in till.store.all_products()} >= {"M-1", "C-1"}


@pytest.mark.parametrize("table", KINDS)
def test_a_reference_that_never_gets_an_answer_keeps_only_those_waiting_who_need_it(
    till: Till, table: str
) -> None:
    path, product, variant = KINDS[table]

    async def work(adapter: XSeriesProducts) -> None:
        till.faults.add({"match": path, "method": "POST", "kind": "status", "status": 504, "times": None})
        for number in range(3):
            with pytest.raises(NotMade) as told:
                await adapter.write(creation({**product, "name.en": f"Mug {number}"}, variant))
            assert told.value.code == "reference_unanswered"
        await adapter.write(creation({"name.en": "Plain"}, {"sku": "P-1", "price": 1}))

    till.run(make_settings(), work)
    assert [row["sku"] for row in till.store.all_products()] == ["P-1"]
    sent = [line for line in till.sent("POST") if line.split("/", 1)[1].endswith(path.strip("$").lstrip("/"))]
    assert len(sent) == SENT_AT_MOST, "asked for again by every product"
