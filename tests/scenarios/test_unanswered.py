"""Fault A8 and its neighbours: a request without an answer keeps only what needs it waiting; the rest of the load goes
on, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.errors import UnknownOutcome
from sandbox.shop import Shop
from tests.support.builders.prices import BASE, VIP, eur, group, priced
from tests.support.worlds import World, world_of

AGAIN = {"kind": "status", "status": 504, "times": None, "method": "POST"}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retail_sync.transport.creating.PAUSE_SECONDS", 0.0)


@pytest.fixture
def few(sample_shop: Shop, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    """A part of the sample shop, and a till that has nothing yet; nothing is refused for being too much at once."""
    nothing: dict[str, Any] = dict.fromkeys(("families", "price_books", "brands", "suppliers", "tags"), [])
    till = replace(sample_shop.lightspeed, **nothing)
    part = replace(
        sample_shop,
        products=sample_shop.products[:24],
        inventory=[],
        customers=[],
        orders=[],
        lightspeed=till,
    )
    with world_of(part, ledger_url, tmp_path, {"limits": {"failed_least": 10_000}}) as world:
        yield world


def test_fault_a8_a_brand_that_never_gets_an_answer_leaves_open_only_what_needs_it(few: World) -> None:
    few.faults["lightspeed"].add({**AGAIN, "match": "/brands$", "after": 1})
    first = few.run("products", "full")
    open_ones = first.accounts.as_dict()
    assert open_ones.get("open", 0) == 0 and first.accounts.add_up
    waiting = {hold.code for hold in few.holds() if hold.code.startswith("reference_")}
    assert waiting == {"reference_unanswered"}
    assert first.accounts.applied > 0 and first.accounts.failed > 0
    few.faults["lightspeed"].clear()
    few.run("products", "full")
    assert not [hold for hold in few.holds() if hold.code.startswith("reference_")]
    for table in (few.till.brands, few.till.suppliers, few.till.tags, few.till.variant_attributes):
        names = [row.fields["name"] for row in table.live()]
        assert len(names) == len(set(names))
    few.forget_requests()
    assert few.run("products", "full").accounts.changes == 0
    assert few.writes() == []


def test_a_product_that_never_gets_an_answer_does_not_keep_the_others_from_being_written(few: World) -> None:
    """A neighbour of A8: one creation that hangs stopped all that came after it, in every retry."""
    few.run("products", "full", dry_run=True, run_id="products/look")
    made = next(
        change
        for change in few.ledger.changes.read("products/look")
        if (change.system, change.action, change.kind) == ("lightspeed", "create", "product")
    )
    few.faults["lightspeed"].add({**AGAIN, "match": "/products$", "body_match": f'"{made.label}"'})
    with pytest.raises(UnknownOutcome):
        few.run("products", "full", run_id="products/hangs")
    left = few.ledger.changes.read("products/hangs", outcome="planned")
    assert {change.unit for change in left} == {made.unit}


@pytest.mark.parametrize("kind", ["status", "status_after"])
def test_fault_a8_a_price_book_without_an_answer_is_made_once(
    ledger_url: str, tmp_path: Path, kind: str
) -> None:
    with priced(ledger_url, tmp_path, (BASE, VIP)) as shop:
        shop.world.faults["lightspeed"].add(
            {"match": "/price_books$", "method": "POST", "kind": kind, "status": 504}
        )
        shop.add_article("A", "10.00", prices=[eur(1999), eur(1499, **group("vip"))])
        shop.run("full")
        assert [book.fields["name"] for book in shop.till.price_books.live()].count("VIP") == 1
        assert "A" in shop.in_book("VIP")


def test_fault_a8_prices_of_other_lists_do_not_wait_for_a_price_book(ledger_url: str, tmp_path: Path) -> None:
    with priced(ledger_url, tmp_path, (BASE, VIP)) as shop:
        faults = shop.world.faults["lightspeed"]
        faults.add({**AGAIN, "match": "/price_books$"})
        shop.add_article("A", "10.00", prices=[eur(1999), eur(1499, **group("vip"))])
        ran: Any = shop.run("full")
        assert str(shop.at_till("A")) == "19.99"
        assert (ran.accounts.applied, ran.accounts.failed) == (1, 1)
        faults.clear()
        shop.run("full")
        assert "A" in shop.in_book("VIP")
