"""Stock when things happen at the wrong moment: races, refusals, lost answers, dead workers; and stock to the till."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.errors import ConfigurationFault, TransientError
from retail_sync.sync.engine.plan import ALONG
from retail_sync.sync.inventory.apply import EntryWriter
from sandbox.shop import Shop
from tests.support.builders.inventory import FOREIGN, WEB, Stocked, settings_of, stock_world_of, stocked
from tests.support.runs import Meanwhiles

Make = Callable[..., Stocked]
BOTH = {"channels": [WEB, {"key": "corner", "locations": ["Süd"]}]}


@pytest.fixture
def make(ledger_url: str, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(inventory: dict[str, Any] | None = None, **more: Any) -> Stocked:
            return stack.enter_context(stocked(ledger_url, tmp_path, inventory or BOTH, **more))

        yield made


@pytest.fixture
def foreign(make: Make) -> Stocked:
    """Nord and Süd are counted by the till, Lager by commercetools."""
    shop = make({"channels": [WEB]}, locations=FOREIGN, channels=("web", "depot"))
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 3})
    shop.add_entry("A", "depot", 8)
    return shop


# ---------------------------------------------------------------- races


def test_a_sale_that_lands_after_the_levels_were_read_is_seen_before_anything_is_written(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    run = shop.run(meanwhile=Meanwhiles(after_plan=lambda: shop.sell("A", "Süd", 2)))
    assert shop.shown("web") == {"A": 7} and shop.shown("corner") == {"A": 3}
    written = [c.after["available"] for c in shop.writes_of(run.run_id) if c.unit.endswith("@web")]
    assert written == [7], "9 was planned, and never written"


def test_a_sale_of_another_article_during_a_run_is_served_along(make: Make) -> None:
    shop = make()
    for sku in ("A", "B"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    run = shop.run(meanwhile=Meanwhiles(after_plan=lambda: shop.sell("B", "Süd", 2)))
    assert shop.shown("web") == {"A": 9, "B": 8} and run.accounts.add_up
    assert [c.label for c in shop.writes_of(run.run_id) if c.idempotency_key == ALONG] == ["B", "B"]
    assert shop.run().accounts.changes == 0


def test_a_long_full_run_serves_what_it_has_passed_already(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deltas wait for a full run to end; what they would have done is done between its portions."""
    monkeypatch.setattr(EntryWriter, "portion_size", 2)
    shop = make()
    for n in range(8):
        shop.add_article(f"S{n}", {"Nord": 5, "Süd": 5})
    seen: list[int] = []
    portion = EntryWriter.write_portion

    async def between(writer: EntryWriter, changes: Any, applied: Any) -> None:
        await portion(writer, changes, applied)
        if len(seen) == 2:  # the first articles are written by now
            shop.sell("S0", "Nord", 3)
        seen.append(len(changes))

    monkeypatch.setattr(EntryWriter, "write_portion", between)
    run = shop.run("full")
    assert shop.shown("web")["S0"] == 7 and run.accounts.add_up
    assert len([c for c in shop.writes_of(run.run_id) if c.unit == "commercetools:S0@web"]) == 2


def test_an_order_that_comes_between_plan_and_write_is_not_undone(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    shop.run(meanwhile=Meanwhiles(after_plan=lambda: shop.order("A", 4, "web")))
    assert shop.online_state()["A", "web"] == (9, 5), "four reserved, five left of nine"


def test_an_order_placed_after_the_entries_were_read_is_not_offered_again(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.run(meanwhile=Meanwhiles(after_entries=lambda: shop.order("A", 4, "web")))
    assert shop.shown("web") == {"A": 6}
    shop.run()
    assert shop.online_state()["A", "web"] == (10, 6)


def test_an_order_exported_between_the_reads_never_counts_less_than_once(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    order = shop.order("A", 3, "web")
    shop.run(meanwhile=Meanwhiles(after_orders=lambda: shop.export(order, "A", "Nord", 3)))
    assert shop.shown("web")["A"] <= 7
    shop.run()
    assert shop.shown("web") == {"A": 7}


def test_a_figure_typed_into_an_entry_by_hand_is_put_right(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.set_entry("A", "web", 99)
    shop.run()
    assert shop.shown("web") == {"A": 10}
    shop.sell("A", "Nord", 1)
    shop.run(meanwhile=Meanwhiles(after_plan=lambda: shop.set_entry("A", "web", 50)))
    assert shop.shown("web") == {"A": 9}, "refused by its version, read again, written"


def test_an_entry_deleted_between_plan_and_write_is_made_anew(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    entry = shop.entry("A", "web")
    assert entry is not None
    shop.run(meanwhile=Meanwhiles(after_plan=lambda: shop.online.delete("inventory", id=entry["id"])))
    assert shop.shown("web") == {"A": 9}


def test_an_entry_that_was_taken_for_gone_is_written_when_it_is_met_again(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    entry = shop.entry("A", "web")
    assert entry is not None
    shop.ledger.stock.mark_entries_gone([entry["id"]])
    shop.sell("A", "Nord", 1)
    run = shop.run()
    assert shop.shown("web") == {"A": 9} and run.accounts.failed == 0
    assert shop.run("full").accounts.changes == 0


def test_an_entry_made_by_somebody_else_between_plan_and_write_is_taken_over(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    run = shop.run("full", meanwhile=Meanwhiles(after_plan=lambda: shop.add_entry("A", "web", 3)))
    assert shop.shown("web") == {"A": 10} and run.accounts.failed == 0
    assert len([row for row in shop.online.all("inventory") if row["sku"] == "A"]) == 2


def test_an_older_page_that_comes_late_puts_nothing_back(make: Make) -> None:
    """A delta that was interrupted between reading and planning, and is taken up after a newer one."""
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)

    def newer() -> None:
        shop.sell("A", "Nord", 2)
        with ThreadPoolExecutor(1) as another:  # another worker, with a loop of its own
            levels = another.submit(asyncio.run, read_levels(shop)).result()
        shop.ledger.stock.see_levels("other", levels)

    shop.run(meanwhile=Meanwhiles(after_levels=newer))
    assert shop.shown("web") == {"A": 7}


async def read_levels(shop: Stocked) -> Any:
    async with shop.adapters(writing=False) as (_, till):
        rows = [row async for page in till.levels.search([shop.products["A"]]) for row in page.rows]
        return till.to_levels(rows)


# ---------------------------------------------------------------- refusals and lost answers


def test_one_refused_entry_stops_no_other_is_held_with_its_channel_and_tried_again(make: Make) -> None:
    shop = make()
    for sku in ("A", "B", "C", "D", "E", "F"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5})
    refusal = {"statusCode": 400, "message": "no", "errors": [{"code": "InvalidInput", "message": "no"}]}
    shop.world.faults["commercetools"].add(
        {"match": "/inventory$", "method": "POST", "body_match": '"B".*corner|corner.*"B"', "kind": "status",
         "status": 400, "body": refusal, "times": None}
    )  # fmt: skip
    run = shop.run("full")
    assert len(shop.shown("web")) == 6 and set(shop.shown("corner")) == {"A", "C", "D", "E", "F"}
    assert run.accounts.failed == 1
    (hold,) = shop.holds()
    assert (hold.code, hold.label, hold.field) == ("InvalidInput", "B", "corner")
    shop.world.faults["commercetools"].clear()
    shop.ledger.holds.make_due([hold.id])
    shop.run()
    assert shop.shown("corner")["B"] == 5 and shop.holds() == []


@pytest.mark.parametrize("kind", ["timeout_after", "timeout_before", "cut"])
def test_a_write_without_an_answer_is_looked_up_and_never_doubled(make: Make, kind: str) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    faults = shop.world.faults["commercetools"]
    faults.add({"match": "/inventory", "method": "POST", "kind": kind, "times": 1})
    shop.run("full")
    assert shop.online_state() == {("A", "web"): (10, 10), ("A", "corner"): (5, 5)}
    shop.sell("A", "Süd", 2)
    faults.add({"match": "/inventory/", "method": "POST", "kind": kind, "times": 1})
    shop.run()
    assert shop.online_state() == {("A", "web"): (8, 8), ("A", "corner"): (3, 3)}


def test_a_run_that_died_while_writing_is_taken_up_without_a_second_write(make: Make) -> None:
    shop = make()
    for n in range(6):
        shop.add_article(f"S{n}", {"Nord": 5, "Süd": 5})
    faults = shop.world.faults["commercetools"]
    faults.add({"match": "/inventory", "method": "POST", "kind": "timeout_after", "times": None, "after": 7})
    faults.add({"match": "/inventory$", "method": "GET", "kind": "timeout_before", "times": None, "after": 1})
    with pytest.raises(TransientError):
        shop.run("full", run_id="inventory/dies")
    faults.clear()
    run = shop.run("full")
    assert run.accounts.add_up and shop.shown("web") == dict.fromkeys((f"S{n}" for n in range(6)), 10)
    assert len(shop.online.all("inventory")) == 12
    assert shop.run("full").accounts.changes == 0


def test_a_storm_of_refusals_passes(make: Make) -> None:
    shop = make()
    for n in range(10):
        shop.add_article(f"S{n}", {"Nord": n, "Süd": 1})
    for system in ("commercetools", "lightspeed"):
        shop.world.faults[system].add(
            {"kind": "status", "status": 503, "probability": 0.2, "times": 40, "match": "/inventory"}
        )
    shop.run("full")
    assert shop.shown("web") == {f"S{n}": n + 1 for n in range(10)}


def test_nothing_outside_ownership_is_written_even_if_the_plan_says_so(foreign: Stocked) -> None:
    foreign.run("full")
    foreign.sell("A", "Nord", 1)
    moved = [
        {**one, "owner": "external", "channel": "web"} if one["name"] == "Nord" else one for one in FOREIGN
    ]
    foreign.world.forget_requests()

    def settings_change() -> None:
        foreign.settings = settings_of({"channels": []}, moved)

    with pytest.raises(ConfigurationFault, match="outside ownership"):
        foreign.run(meanwhile=Meanwhiles(after_plan=settings_change))
    assert foreign.stock_writes("commercetools") == [] and foreign.shown("web") == {"A": 10}


# ---------------------------------------------------------------- stock to the till


def test_a_location_the_till_does_not_count_follows_its_entry_by_signed_differences(foreign: Stocked) -> None:
    foreign.run("full")
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(8)
    assert foreign.shown("depot") == {"A": 8}, "the entry of a location somebody else counts is never written"
    (sent,) = foreign.stock_writes("lightspeed")
    (line,) = json.loads(sent.body)["stock_adjustments"]
    assert (Decimal(line["quantity"]), line["reason"]) == (Decimal(5), "STOCK_FOUND")
    foreign.set_entry("A", "depot", 2)
    foreign.world.forget_requests()
    foreign.run()
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(2)
    (line,) = json.loads(foreign.stock_writes("lightspeed")[0].body)["stock_adjustments"]
    assert (Decimal(line["quantity"]), line["reason"]) == (Decimal(-6), "INTERNAL_USE")
    foreign.world.forget_requests()
    assert foreign.run("full").accounts.changes == 0 and foreign.stock_writes() == []


def test_a_sale_between_plan_and_adjustment_is_not_undone(foreign: Stocked) -> None:
    """8 are there; one of the 3 the till believed in is sold meanwhile. Nobody can know which figure holds it: the
    difference is taken from the level as it is when it is sent, so that the figure counted online holds."""
    foreign.run("full", meanwhile=Meanwhiles(after_plan=lambda: foreign.sell("A", "Lager", 1)))
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(8)
    (line,) = json.loads(foreign.stock_writes("lightspeed")[0].body)["stock_adjustments"]
    assert Decimal(line["quantity"]) == Decimal(6), "8 - 2, and not 8 - 3"


def test_orders_at_a_foreign_location_lower_its_level_once(foreign: Stocked) -> None:
    foreign.run("full")
    order = foreign.order("A", 3, "depot")
    foreign.run()
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(8), (
        "the till lowers it when the order arrives"
    )
    foreign.export(order, "A", "Lager", 3)
    foreign.run()
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(5)
    foreign.world.forget_requests()
    foreign.run()
    assert foreign.stock_writes("lightspeed") == []


@pytest.mark.parametrize("kind", ["timeout_after", "timeout_before", "cut"])
def test_an_adjustment_without_an_answer_is_looked_up_and_never_made_twice(
    foreign: Stocked, kind: str
) -> None:
    faults = foreign.world.faults["lightspeed"]
    faults.add({"match": "/stock_adjustments", "method": "POST", "kind": kind, "times": 1})
    try:
        foreign.run("full", run_id="inventory/lost")
    except TransientError:
        foreign.run("full", run_id="inventory/lost-again")
    assert foreign.level(foreign.products["A"], "Lager") == Decimal(8)
    assert sum(Decimal(row.fields["quantity"]) for row in foreign.till.adjustments.rows.values()) == Decimal(
        5
    )


def test_one_refused_adjustment_does_not_stop_the_others(foreign: Stocked) -> None:
    for sku in ("B", "C", "D", "E", "F"):
        foreign.add_article(sku, {"Nord": 1, "Süd": 1, "Lager": 0})
        foreign.add_entry(sku, "depot", 4)
    refusal = {"error": "quantity is not allowed", "fields": {}}
    foreign.world.faults["lightspeed"].add(
        {"match": "/stock_adjustments", "method": "POST", "body_match": foreign.products["C"], "kind": "status",
         "status": 422, "body": refusal, "times": None}
    )  # fmt: skip
    run = foreign.run("full")
    levels = {sku: foreign.level(foreign.products[sku], "Lager") for sku in "ABCDEF"}
    assert levels == {"A": 8, "B": 4, "C": 0, "D": 4, "E": 4, "F": 4} and run.accounts.failed == 1
    (hold,) = foreign.holds()
    assert hold.label == "C"


# ---------------------------------------------------------------- echoes, privacy


def test_products_that_our_own_stock_writes_bumped_are_recognised_and_not_written(
    sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    with stock_world_of(sample_shop, ledger_url, tmp_path, {}) as shop:
        shop.online.stock_bumps_products = True
        shop.run("full")
        for row in shop.till.all_products()[:20]:
            shop.till.set_stock(row["id"], shop.outlet("Berlin"), 7)
        versions = {row["id"]: row["version"] for row in shop.online.all("products")}
        shop.run()
        bumped = [row["id"] for row in shop.online.all("products") if row["version"] != versions[row["id"]]]
        assert bumped, "nothing to recognise"
        shop.world.forget_requests()
        run = shop.world.run("products", "delta")
        assert run.accounts.read >= len(bumped) and run.accounts.changes == 0 and shop.world.writes() == []


def test_personal_data_of_orders_reaches_neither_staging_nor_ledger_nor_exchanges(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5})
    planted = "erika.mustermann@example.com", "Heimlichgasse"
    shop.online.place_order(
        [("A", 1, "web")],
        mode="None",
        customerEmail=planted[0],
        shippingAddress={"country": "DE", "streetName": planted[1], "email": planted[0]},
    )
    shop.run("full")
    shop.run()
    staged = b"".join(
        file.read_bytes() for file in shop.world.staging.rglob("*") if file.suffix == ".parquet"
    )
    pages = [str(page) for page in staged_pages(shop)]
    exchanges = [repr(exchange) for exchange in shop.world.sink.exchanges]
    dump = repr(shop.ledger.stock.open_orders(shop.ledger.now()).to_dict("list"))
    for text in planted:
        assert text.encode() not in staged and text not in dump
        assert not any(text in page for page in pages) and not any(text in one for one in exchanges)
    assert any("/orders" in exchange.url for exchange in shop.world.sink.exchanges)


def staged_pages(shop: Stocked) -> Iterator[Any]:
    for file in shop.world.staging.rglob("*.gz"):
        yield gzip.decompress(file.read_bytes()).decode()


def test_a_run_that_is_planned_again_after_it_wrote_adds_up_and_writes_what_is_new(make: Make) -> None:
    """Somebody clears `plan` and what follows in Airflow, of a run that served something along."""
    shop = make()
    for sku in ("A", "B"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    shop.run(run_id="inventory/again", meanwhile=Meanwhiles(after_plan=lambda: shop.sell("B", "Süd", 2)))
    shop.sell("A", "Nord", 1)
    shop.run()
    run = shop.run(run_id="inventory/again")
    assert run.accounts.add_up and shop.shown("web") == {"A": 8, "B": 8}
    assert shop.run("full").accounts.changes == 0
