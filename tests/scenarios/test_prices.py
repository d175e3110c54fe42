"""Whole prices runs over HTTP: both systems' end states compared, and a second run that writes nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest

from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.removals import REMOVAL
from retail_sync.sync.engine.settle import RunFailed
from retail_sync.sync.prices.apply import settle
from retail_sync.sync.queries.hold_actions import approve_removals
from sandbox.clock import to_millis
from tests.support.builders.prices import BASE, VIP, Priced, eur, group, priced, tiers
from tests.support.worlds import with_section, world_of

BERLIN = ZoneInfo("Europe/Berlin")
BOOK_LINES = r"/price_books/[^/]+/products$"


class Making(Protocol):
    def __call__(self, *lists: dict[str, Any], **options: Any) -> AbstractContextManager[Priced]: ...


@pytest.fixture
def make(ledger_url: str, tmp_path: Path) -> Making:
    return lambda *lists, **options: priced(ledger_url, tmp_path, lists, **options)


def settles(shop: Priced, mode: str = "full") -> None:
    """Nothing is left to do, in a delta and in full, and nothing is sent."""
    before = shop.state()
    shop.world.forget_requests()
    assert shop.run().accounts.changes == 0
    assert shop.run("full").accounts.changes == 0
    assert shop.price_writes() == []
    assert shop.state() == before


def test_a_shelf_price_follows_its_owner_online_and_a_second_run_writes_nothing(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1999)])
        shop.add_article("B", "5.00", prices=[eur(500)], tax="reduced")
        run = shop.run("full")
        assert (run.writes, run.plan.agreed) == (1, 1)
        assert shop.at_till("A") == Decimal("19.99") and shop.at_till("B") == Decimal("5.00")
        settles(shop)
        shop.price_online("B", 550)
        assert shop.run().writes == 1
        assert shop.at_till("B") == Decimal("5.5")
        settles(shop)


def test_a_price_that_both_sides_show_already_is_agreed_on_and_not_sent(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article("A", "19.99", prices=[eur(1999), eur(1499, **group("vip"))])
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        shop.till.set_book_price(book, shop.articles["A"], "14.99")
        run = shop.run("full")
        assert (run.writes, run.plan.agreed) == (0, 2)
        settles(shop)


def test_group_prices_with_tiers_become_lines_of_a_price_book_that_is_made_for_them(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article(
            "A", "19.99", prices=[eur(1999), eur(1499, **group("vip"), **tiers((10, 1299), (50, 999)))]
        )
        shop.add_article("B", "5.00", prices=[eur(500)])
        run = shop.run("full")
        assert run.writes == 1
        assert shop.in_book("VIP") == {
            "A": [
                (None, 9, Decimal("12.59664")),
                (10, 49, Decimal("10.91597")),
                (50, None, Decimal("8.39496")),
            ]
        }
        (book,) = [row for row in shop.till.price_books.live() if row.fields["name"] == "VIP"]
        assert book.fields["customer_group_ids"] == [_group_id(shop, "vip")]
        settles(shop)
        # One step less: lines are changed and taken away, none is made anew that can stay.
        ids = {row["id"] for row in shop.till.book_prices(book.id)}
        shop.add_online("B", eur(399, **group("vip")))
        at = next(n for n, offer in enumerate(shop.offers("A")) if "customerGroup" in offer)
        shop.online.update(
            "products",
            [
                {
                    "action": "changePrice",
                    "priceId": shop.offers("A")[at]["id"],
                    "price": eur(1499, **group("vip"), **tiers((20, 1199))),
                    "staged": False,
                }
            ],
            id=shop.product_id("A"),
        )
        assert shop.run().writes == 2
        assert shop.in_book("VIP")["A"] == [(None, 19, Decimal("12.59664")), (20, None, Decimal("10.07563"))]
        assert shop.in_book("VIP")["B"] == [(None, None, Decimal("3.35294"))]
        assert ids & {row["id"] for row in shop.till.book_prices(book.id)}
        settles(shop)


def test_two_price_books_with_group_and_validity_each_get_their_own_prices(make: Making) -> None:
    # The till's days are those of Berlin, which begin one or two hours before those of UTC.
    first = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=30)
    last = first + timedelta(days=23)
    sale = {
        "name": "Sale",
        "owner": "commercetools",
        "commercetools": {"currency": "EUR", "country": "DE"},
        "lightspeed": {
            "price_book": "Sale",
            "valid_from": f"{first:%Y-%m-%d}",
            "valid_to": f"{last:%Y-%m-%d}",
        },
        "create_price_book": True,
    }
    with make(BASE, VIP, sale) as shop:
        dates = {"validFrom": to_millis(first), "validUntil": to_millis(last + timedelta(days=1))}
        shop.add_article("A", "10.00", prices=[eur(1999), eur(1499, **group("vip")), eur(1299, **dates)])
        shop.add_article(
            "B", "5.00", prices=[eur(500), eur(450, validFrom=to_millis(last + timedelta(days=8)))]
        )
        assert shop.run("full").writes == 3
        assert shop.at_till("A") == Decimal("19.99")
        assert shop.in_book("VIP") == {"A": [(None, None, Decimal("12.59664"))]}
        assert shop.in_book("Sale") == {"A": [(None, None, Decimal("10.91597"))]}
        settles(shop)


def test_a_dated_price_counts_at_the_till_from_its_first_moment_though_nothing_is_edited_then(
    make: Making,
) -> None:
    with make(BASE) as shop:
        soon = datetime.now(UTC) + timedelta(hours=2)
        campaign = {
            "validFrom": to_millis(soon),
            "validUntil": to_millis(soon + timedelta(days=1)),
        }
        shop.add_article("A", "10.00", prices=[eur(1000), eur(900, **campaign)])
        assert shop.run("full").writes == 0
        shop.clock_ahead = timedelta(hours=3)
        assert shop.run().writes == 1
        assert shop.at_till("A") == Decimal("9")
        shop.clock_ahead = timedelta(days=2)
        assert shop.run().writes == 1
        assert shop.at_till("A") == Decimal("10")
        assert shop.run().accounts.changes == 0


@pytest.mark.parametrize(
    ("exclusive_store", "net_online"), [(True, False), (False, True), (True, True), (False, False)]
)
def test_tax_is_converted_between_stores_and_projects_that_keep_it_differently(
    make: Making, exclusive_store: bool, net_online: bool
) -> None:
    with make(BASE, VIP, exclusive_store=exclusive_store, net_online=net_online) as shop:
        gross, net = (11900, 10000)
        shop.add_article(
            "A",
            "1.00",
            prices=[eur(net if net_online else gross), eur(5000 if net_online else 5950, **group("vip"))],
        )
        shop.run("full")
        assert shop.at_till("A") == (Decimal("100") if exclusive_store else Decimal("119"))
        assert shop.in_book("VIP") == {"A": [(None, None, Decimal("50"))]}
        settles(shop)


def test_a_price_that_does_not_come_back_is_held_with_both_figures(make: Making) -> None:
    to_online = {**BASE, "owner": "lightspeed"}
    with make(to_online, net_online=True) as shop:
        shop.add_article("A", "11.99", prices=[eur(500)])  # 10.08 net would be 12.00 again
        shop.add_article("B", "12.00", prices=[eur(500)])
        run = shop.run("full")
        assert run.writes == 1 and shop.cents("B") == [1008]
        assert shop.cents("A") == [500]
        (hold,) = shop.holds()
        assert (hold.label, hold.code) == ("A", "price_not_exact")
        assert (hold.evidence["meant"], hold.evidence["comes_back"]) == ("11.99", "12")
        precise = {**to_online, "commercetools": {**BASE["commercetools"], "high_precision_digits": 5}}
        shop.settings = _with_lists(shop, precise)
        assert shop.run().writes == 2
        assert [shop.offers(sku)[0]["value"]["preciseAmount"] for sku in ("A", "B")] == [1007563, 1008403]
        assert shop.holds() == []
        settles(shop)


def test_a_till_that_owns_its_prices_writes_embedded_and_standalone_prices_online(make: Making) -> None:
    with make(
        {**BASE, "owner": "lightspeed"}, {**VIP, "owner": "lightspeed", "create_price_book": False}
    ) as shop:
        vip = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        shop.add_article("A", "10.00", prices=[eur(900), eur(800, "AT")])
        shop.add_article("S", "20.00", prices=[eur(1800)], standalone=True)
        shop.add_article("N", "30.00")
        for sku in ("A", "S", "N"):
            shop.till.set_book_price(vip, shop.articles[sku], "7.50")
        shop.till.set_book_price(vip, shop.articles["A"], "6.50", min_units=10)
        shop.till.set_book_price(vip, shop.articles["A"], "7.50", max_units=9)
        run = shop.run("full")
        assert run.accounts.failed == 0 and shop.held() == {}
        assert sorted(shop.cents("A")) == [750, 800, 1000] and sorted(shop.cents("S")) == [750, 2000]
        assert sorted(shop.cents("N")) == [750, 3000]
        (vip_price,) = [offer for offer in shop.offers("A") if "customerGroup" in offer]
        assert [(t["minimumQuantity"], t["value"]["centAmount"]) for t in vip_price["tiers"]] == [(10, 650)]
        settles(shop)
        shop.price_at_till("S", "21.00")
        shop.till.set_book_price(vip, shop.articles["N"], "7.00")
        assert shop.run().writes == 2
        assert sorted(shop.cents("S")) == [750, 2100] and sorted(shop.cents("N")) == [700, 3000]
        settles(shop)


def test_a_standalone_price_is_read_when_it_moves_without_its_product(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article("S", "20.00", prices=[eur(1800), eur(1500, **group("vip"))], standalone=True)
        assert shop.run("full").writes == 2
        shop.price_online("S", 1900, country="DE")
        assert shop.run().writes == 1
        assert shop.at_till("S") == Decimal("19")
        settles(shop)


def test_an_edit_against_the_owner_is_set_back(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.run("full")
        shop.price_at_till("A", "12.00")
        run = shop.run()
        (change,) = shop.ledger.changes.read(run.run_id)
        assert "set back" in change.reasons["price"]
        assert shop.at_till("A") == Decimal("10") and shop.cents("A") == [1000]
        settles(shop)


def test_with_owner_review_one_edit_travels_and_two_are_a_conflict_until_they_agree(make: Making) -> None:
    with make({**BASE, "owner": "review"}) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        assert shop.run("full").writes == 0
        shop.price_at_till("A", "11.00")
        assert shop.run().writes == 1 and shop.cents("A") == [1100]
        shop.price_online("A", 1200)
        assert shop.run().writes == 1 and shop.at_till("A") == Decimal("12")
        shop.price_at_till("A", "12.50")
        shop.price_online("A", 1300)
        run = shop.run()
        assert run.writes == 0 and shop.held() == {"A": "conflict"}
        assert (shop.at_till("A"), shop.cents("A")) == (Decimal("12.5"), [1300])
        shop.price_at_till("A", "13.00")
        shop.run()
        assert shop.held() == {}
        settles(shop)


def test_with_owner_newest_the_later_edit_counts(make: Making) -> None:
    with make({**BASE, "owner": "newest"}, clock_skew_seconds=0) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.run("full")
        shop.price_at_till("A", "11.00")
        shop.till.clock.advance(60)
        shop.price_online("A", 1200)
        later = shop.online.get("products", id=shop.product_id("A"))
        assert later is not None
        shop.run()
        assert shop.at_till("A") * 100 == shop.cents("A")[0]
        settles(shop)


def _group_id(shop: Priced, name: str) -> str:
    return next(row.id for row in shop.till.customer_groups.live() if row.fields["name"] == name)


def _with_lists(shop: Priced, *lists: dict[str, Any]) -> Any:
    return with_section(shop.settings, "prices", lists=list(lists))


# ---------------------------------------------------------------- removal


def test_a_price_taken_away_by_its_owner_is_reported_and_stays_unless_it_is_told_to_go(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full")
        assert len(shop.in_book("VIP")["A"]) == 1
        shop.remove_online("A", at=1)
        run = shop.run()
        assert run.writes == 0 and shop.held() == {"A": "price_removed"}
        assert len(shop.in_book("VIP")["A"]) == 1
        shop.settings = _with_lists(shop, BASE, {**VIP, "removals": "remove"})
        assert shop.run().writes == 1
        assert shop.in_book("VIP") == {} and shop.held() == {}
        settles(shop)


def test_a_line_taken_out_of_a_book_takes_its_price_away_online_where_the_till_owns_it(make: Making) -> None:
    vip = {**VIP, "owner": "lightspeed", "create_price_book": False, "removals": "remove"}
    with make(BASE, vip) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        for sku, standalone in (("A", False), ("S", True)):
            shop.add_article(
                sku, "10.00", prices=[eur(1000), eur(700, **group("vip"))], standalone=standalone
            )
            shop.till.set_book_price(book, shop.articles[sku], "7.00")
        shop.run("full")
        for sku in ("A", "S"):
            shop.till.remove_book_price(book, shop.articles[sku])
        assert shop.run().writes == 2
        assert shop.cents("A") == [1000] and shop.cents("S") == [1000]
        # A standalone price is only taken out of use, and comes back as the same one.
        assert len(shop.offers("S")) == 2
        settles(shop)
        shop.till.set_book_price(book, shop.articles["S"], "6.00")
        assert shop.run().writes == 1
        assert sorted(shop.cents("S")) == [600, 1000] and len(shop.offers("S")) == 2
        settles(shop)


@pytest.mark.parametrize("kind", ["short_list", "empty_list"])
@pytest.mark.parametrize("mode", ["full", "delta"])
def test_a_standalone_price_that_a_short_list_leaves_out_is_not_taken_away(
    make: Making, kind: str, mode: str
) -> None:
    with make(BASE, {**VIP, "removals": "remove"}, most_removed_percent=100) as shop:
        for sku in ("S", "T"):
            shop.add_article(sku, "10.00", prices=[eur(1000), eur(700, **group("vip"))], standalone=True)
        shop.run("full")
        assert sorted(shop.in_book("VIP")) == ["S", "T"]
        (gone,) = [row for row in shop.offers("T") if row.get("customerGroup")]
        shop.online.delete("standalone-prices", id=gone["id"])
        shop.price_online("S", 1100)
        shop.price_online("T", 1200)
        faults = shop.world.faults["commercetools"]
        faults.add({"match": "/standalone-prices$", "method": "GET", "kind": kind, "times": None})
        shop.run(mode)
        faults.clear()
        assert sorted(shop.in_book("VIP")) == ["S"], "what is really gone is taken away, and nothing else"
        shop.run("full")
        assert (shop.at_till("S"), shop.at_till("T")) == (Decimal("11"), Decimal("12"))
        settles(shop)


@pytest.mark.parametrize("kind", ["short_list", "empty_list"])
def test_a_line_that_no_list_of_a_book_shows_takes_no_price_away_online(make: Making, kind: str) -> None:
    """A line has no address: what the lists of books leave out is asked for in the article's own list of lines."""
    vip = {**VIP, "owner": "lightspeed", "create_price_book": False, "removals": "remove"}
    with make(BASE, vip, most_removed_percent=100) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        for sku in ("A", "B", "C"):
            shop.add_article(sku, "10.00", prices=[eur(1000)])
            shop.till.set_book_price(book, shop.articles[sku], "7.00")
        shop.run("full")
        assert [len(shop.offers(sku)) for sku in ("A", "B", "C")] == [2, 2, 2]
        shop.till.remove_book_price(book, shop.articles["C"])
        for path in ("^/api/[^/]+/price_book_products$", "/price_books/[^/]+/products$"):
            shop.world.faults["lightspeed"].add(
                {"match": path, "method": "GET", "kind": kind, "times": None, "share": 1.0}
            )
        shop.run("full")
        shop.world.faults["lightspeed"].clear()
        assert [len(shop.offers(sku)) for sku in ("A", "B", "C")] == [2, 2, 1], "only what is really gone"
        settles(shop)


def test_a_book_that_vanished_or_was_replaced_by_an_empty_one_takes_nothing_away_online(make: Making) -> None:
    vip = {**VIP, "owner": "lightspeed", "create_price_book": False, "removals": "remove"}
    with make(BASE, vip) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        for n in range(25):
            shop.add_article(f"A{n}", "10.00", prices=[eur(1000), eur(700, **group("vip"))])
            shop.till.set_book_price(book, shop.articles[f"A{n}"], "7.00")
        shop.run("full")
        shop.till.price_books.delete(shop.till.price_books.rows[book])
        with pytest.raises(ConfigurationFault, match="has no price book at the till"):
            shop.run()
        shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        shop.price_online("A0", 1100)
        with pytest.raises(RunFailed, match="25 of 25 of the prices of the list VIP"):
            shop.run()
        assert all(len(shop.offers(f"A{n}")) == 2 for n in range(25))
        assert shop.at_till("A0") == Decimal("11.00"), "what is not taken away is written all the same"
        (hold,) = [one for one in shop.ledger.holds.open_holds("prices") if one.code == REMOVAL]
        shop.ledger.decisions.add("prices", [approve_removals(hold, "kim", seen=hold.fingerprint)])
        assert shop.run().writes == 25, "unless a person says so"
        assert REMOVAL not in {one.code for one in shop.ledger.holds.open_holds("prices")}


def test_prices_that_end_by_their_own_dates_are_taken_away_without_anybody_being_asked(make: Making) -> None:
    vip = {**VIP, "removals": "remove", "validity": "in force"}
    with make(BASE, vip) as shop:
        soon = datetime.now(UTC) + timedelta(hours=1)
        ends = {"validUntil": f"{soon:%Y-%m-%dT%H:%M:%S}.000Z"}
        for n in range(30):
            dates = ends if n < 25 else {}
            shop.add_article(f"A{n}", "10.00", prices=[eur(1000), eur(700, **group("vip"), **dates)])
        shop.run("full")
        assert len(shop.in_book("VIP")) == 30
        shop.clock_ahead = timedelta(hours=2)
        assert shop.run().writes == 25
        assert sorted(shop.in_book("VIP")) == [f"A{n}" for n in range(25, 30)]


def test_lines_that_no_steps_can_be_made_of_take_nothing_away_online(make: Making) -> None:
    vip = {**VIP, "owner": "lightspeed", "create_price_book": False, "removals": "remove"}
    with make(BASE, vip, rules={"price_tiers": "warn"}) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        shop.add_article("A", "10.00", prices=[eur(1000), eur(700, **group("vip"))])
        shop.till.set_book_price(book, shop.articles["A"], "7.00")
        shop.run("full")
        shop.till.remove_book_price(book, shop.articles["A"])
        shop.till.set_book_price(book, shop.articles["A"], "5.00", min_units=10)
        run = shop.run()
        assert (run.writes, run.plan.warnings) == (0, {"price_tiers": 1})
        assert sorted(shop.cents("A")) == [700, 1000]


def test_a_tax_that_changed_gives_a_book_new_lines_though_its_prices_stay(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full")
        shop.till.edit_product(shop.articles["A"], all_outlets_tax={"tax_id": shop.taxes["reduced"]})
        assert shop.run().writes == 1
        assert shop.in_book("VIP") == {"A": [(None, None, Decimal("7.47664"))]}
        settles(shop)


def test_the_tills_own_price_is_never_taken_away(make: Making) -> None:
    with make({**BASE, "removals": "remove"}) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.add_article("B", "5.00")
        shop.add_article(
            "C", "6.00", prices=[{"value": {"currencyCode": "GBP", "centAmount": 500}, "country": "GB"}]
        )
        shop.run("full")
        assert shop.held() == {"B": "price_missing", "C": "price_currency"}
        shop.remove_online("A")
        shop.run()
        assert shop.held()["A"] == "price_removed" and shop.at_till("A") == Decimal("10")
        shop.add_online("A", eur(1100))
        shop.run()
        assert "A" not in shop.held() and shop.at_till("A") == Decimal("11")


# ---------------------------------------------------------------- guards


def test_a_jump_waits_for_a_person_who_approves_or_rejects_just_these_figures(make: Making) -> None:
    with make(BASE) as shop:
        for sku in ("A", "B"):
            shop.add_article(sku, "10.00", prices=[eur(1000)])
        shop.run("full")
        shop.price_online("A", 100)
        shop.price_online("B", 2000)
        assert shop.run().writes == 0
        assert shop.held() == {"A": "price_jump", "B": "price_jump"}
        assert shop.run().writes == 0  # it does not wear out
        assert shop.run(approve=["B"], reject=["A"]).writes == 1
        assert (shop.at_till("A"), shop.at_till("B")) == (Decimal("10"), Decimal("20"))
        assert shop.held() == {"A": "price_rejected"}
        assert [(one.verdict, one.by) for one in shop.ledger.decisions.latest("prices")] and {
            one.by for one in shop.ledger.decisions.latest("prices")
        } == {"Kim"}
        shop.run("full")
        assert shop.held() == {"A": "price_rejected"} and shop.at_till("A") == Decimal("10")
        # Other figures than those decided on are held anew.
        shop.price_online("A", 200)
        shop.run()
        assert shop.held() == {"A": "price_jump"}
        shop.run(approve=["A"])
        assert shop.held() == {} and shop.at_till("A") == Decimal("2")
        settles(shop)


def test_a_decision_on_a_price_that_waits_for_none_is_refused(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.run("full")
        with pytest.raises(ConfigurationFault, match="No price of these waits for a decision: A"):
            shop.run(approve=["A"])


def test_prices_that_look_wrong_are_held_and_the_others_go_on(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("zero", "10.00", prices=[eur(0)])
        shop.add_article("cheap", "10.00", prices=[eur(1100)], supply_price="9.99")
        shop.add_article("fine", "10.00", prices=[eur(1200)], supply_price="9.99")
        run = shop.run("full")
        assert run.writes == 1
        assert shop.held() == {"zero": "price_zero", "cheap": "price_below_supply"}
        assert shop.at_till("fine") == Decimal("12") and shop.at_till("zero") == Decimal("10")
        shop.set(rules={"price_below_supply": "warn"})
        run = shop.run()
        assert run.writes == 1 and run.plan.warnings == {"price_below_supply": 1}


def test_a_list_without_an_owner_does_not_sync(make: Making) -> None:
    with make({**BASE, "owner": "none"}, VIP) as shop:
        shop.add_article("A", "10.00", prices=[eur(1999)])
        assert shop.run("full").accounts.changes == 0
        assert shop.at_till("A") == Decimal("10")


# ---------------------------------------------------------------- markup, exchange, rounding


def test_prices_in_another_currency_are_exchanged_marked_up_and_rounded_to_nice_endings(make: Making) -> None:
    pounds = {
        "name": "Britain",
        "owner": "lightspeed",
        "commercetools": {"currency": "GBP", "country": "GB"},
        "lightspeed": {"price_book": "Export"},
        "markup_percent": 10,
        "rounding": {"endings": ["0.49", "0.99"]},
    }
    rates = [{"source": "EUR", "target": "GBP", "rate": "0.86", "as_of": "2026-11-20"}]
    with make(BASE, pounds, exchange_rates=rates) as shop:
        book = shop.till.add_price_book("Export")
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.till.set_book_price(book, shop.articles["A"], "10.00")  # 9.46 pounds
        assert shop.run("full").writes == 1
        prices = {p["value"]["currencyCode"]: p["value"]["centAmount"] for p in shop.offers("A")}
        assert prices == {"EUR": 1000, "GBP": 949}
        settles(shop)
        # Today's rate is a change of the rules: the next run looks at every article.
        today = [{"source": "EUR", "target": "GBP", "rate": "0.91", "as_of": "2026-11-25"}]
        shop.set(exchange_rates=today)
        assert shop.run().writes == 1
        assert {p["value"]["centAmount"] for p in shop.offers("A")} == {1000, 999}
        settles(shop)


def test_an_outlets_own_prices_are_in_the_price_book_of_that_outlet_alone(make: Making) -> None:
    south = {
        "name": "South",
        "owner": "commercetools",
        "commercetools": {"currency": "EUR", "country": "DE", "channel": "b2b"},
        "lightspeed": {"location": "Süd"},
        "create_price_book": True,
    }
    with make(BASE, south) as shop:
        everywhere = shop.till.add_price_book("Everywhere")
        shop.add_article(
            "A", "10.00", prices=[eur(1000), eur(950, channel={"typeId": "channel", "key": "b2b"})]
        )
        assert shop.run("full").writes == 1
        assert shop.in_book("South") == {"A": [(None, None, Decimal("7.98319"))]}
        assert shop.till.book_prices(everywhere) == []
        settles(shop)


def test_a_book_that_is_for_others_than_its_list_says_is_not_written_to(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.till.add_price_book("VIP")  # for all customers
        shop.add_article("A", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        with pytest.raises(ConfigurationFault, match="customer groups are All Customers, not vip"):
            shop.run("full")
        assert shop.in_book("VIP") == {}


# ---------------------------------------------------------------- under way, and when things go wrong


def test_a_price_edited_between_plan_and_load_is_decided_anew_on_both_targets(make: Making) -> None:
    with make(BASE, {**VIP, "owner": "lightspeed", "create_price_book": False}) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        for sku in ("A", "B", "C"):
            shop.add_article(sku, "10.00", prices=[eur(1000), eur(800, **group("vip"))])
            shop.till.set_book_price(book, shop.articles[sku], "8.00")
        shop.run("full")
        shop.price_online("A", 1100, country="DE")
        shop.price_online("B", 1200, country="DE")
        shop.till.set_book_price(book, shop.articles["C"], "7.00")

        def meanwhile() -> None:
            shop.price_at_till("A", "11.00")  # somebody was faster
            shop.price_at_till("B", "9.00")
            shop.price_online(
                "C", 750, country="DE", customerGroup=_offer_of(shop, "C", "vip")["customerGroup"]
            )

        run = shop.run(before_load=meanwhile)
        assert run.accounts.failed == 0
        assert (shop.at_till("A"), shop.at_till("B")) == (Decimal("11"), Decimal("12"))
        assert sorted(shop.cents("C")) == [700, 1000]
        outcomes = {c.label: c.outcome for c in shop.ledger.changes.read(run.run_id)}
        assert outcomes == {"A": "already_there", "B": "applied", "C": "applied"}
        settles(shop)


@pytest.mark.parametrize("kind", ["timeout_after", "cut"])
def test_a_price_book_line_with_an_unknown_outcome_is_looked_up_and_never_made_twice(
    make: Making, kind: str
) -> None:
    with make(BASE, VIP) as shop:
        for n in range(3):
            shop.add_article(f"A{n}", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.world.faults["lightspeed"].add({"match": BOOK_LINES, "method": "POST", "kind": kind})
        run = shop.run("full")
        assert run.accounts.failed == 0
        assert {sku: len(lines) for sku, lines in shop.in_book("VIP").items()} == {"A0": 1, "A1": 1, "A2": 1}
        settles(shop)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_run_that_dies_after_its_writes_goes_on_without_doubling_any(make: Making, dies_at: int) -> None:
    austria = {
        "name": "Austria",
        "owner": "lightspeed",
        "commercetools": {"currency": "EUR", "country": "AT"},
        "lightspeed": {"price_book": "Austria"},
    }
    with make(BASE, VIP, austria) as shop:
        book = shop.till.add_price_book("Austria")
        for n in range(4):
            shop.add_article(f"A{n}", "10.00", prices=[eur(1100), eur(800, **group("vip"))])
            shop.till.set_book_price(book, shop.articles[f"A{n}"], "9.00")
        settled = 0

        def dies(*given: Any) -> None:
            nonlocal settled
            settled += 1
            if settled >= dies_at:
                raise RuntimeError("the worker died")
            settle(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("retail_sync.sync.prices.apply.settle", dies)
            with pytest.raises(RuntimeError, match="the worker died"):
                shop.run("full", run_id="prices/dies")
        run = shop.run("full", run_id="prices/dies")
        assert run.accounts.failed == 0 and run.accounts.add_up
        assert {sku: len(lines) for sku, lines in shop.in_book("VIP").items()} == {
            f"A{n}": 1 for n in range(4)
        }
        assert all(sorted(shop.cents(f"A{n}")) == [800, 900, 1100] for n in range(4))
        assert all(shop.at_till(f"A{n}") == Decimal("11") for n in range(4))
        settles(shop)


def test_one_price_that_the_book_refuses_does_not_stop_the_others(make: Making) -> None:
    with make(BASE, VIP) as shop:
        for n in range(6):
            shop.add_article(f"A{n}", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full", dry_run=True)
        bad = shop.articles["A2"]
        shop.world.faults["lightspeed"].add(
            {
                "match": BOOK_LINES,
                "method": "POST",
                "body_match": bad,
                "kind": "status",
                "status": 422,
                "times": None,
                "body": {"error": "Not this one"},
            }
        )
        run = shop.run("full")
        assert sorted(shop.in_book("VIP")) == ["A0", "A1", "A3", "A4", "A5"]
        assert run.accounts.failed == 1 and shop.held() == {"A2": "refused"}
        shop.world.faults["lightspeed"].clear()
        shop.clock_ahead = timedelta(days=2)
        shop.run()
        assert sorted(shop.in_book("VIP")) == [f"A{n}" for n in range(6)]


def test_only_these_skus_are_looked_at_and_the_cursors_stay(make: Making) -> None:
    with make(BASE, VIP) as shop:
        for sku in ("A", "B"):
            shop.add_article(sku, "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full")
        for sku in ("A", "B"):
            shop.price_online(sku, 1100, country="DE")
        assert shop.run(keys=["A"]).writes == 1
        assert (shop.at_till("A"), shop.at_till("B")) == (Decimal("11"), Decimal("10"))
        assert shop.run().writes == 1
        assert shop.at_till("B") == Decimal("11")


def test_a_dry_run_plans_everything_and_writes_nothing_anywhere(make: Making) -> None:
    with make(BASE, VIP) as shop:
        shop.add_article("A", "10.00", prices=[eur(1100), eur(800, **group("vip"))])
        before = shop.state()
        shop.world.forget_requests()
        run = shop.run("full", dry_run=True)
        assert (run.accounts.changes, run.accounts.not_applied) == (2, 2)
        assert shop.price_writes() == [] and shop.state() == before
        assert not [row for row in shop.till.price_books.live() if row.fields["name"] == "VIP"]


def test_a_run_in_one_direction_leaves_the_other_for_the_next(make: Making) -> None:
    with make(BASE, {**VIP, "owner": "lightspeed", "create_price_book": False}) as shop:
        book = shop.till.add_price_book("VIP", customer_groups=[_group_id(shop, "vip")])
        shop.add_article("A", "10.00", prices=[eur(1100), eur(800, **group("vip"))])
        shop.till.set_book_price(book, shop.articles["A"], "7.00")
        run = shop.run("full", direction="to_lightspeed")
        assert (run.writes, run.accounts.not_applied) == (1, 1)
        assert sorted(shop.cents("A")) == [800, 1100]
        assert shop.run("full").writes == 1
        assert sorted(shop.cents("A")) == [700, 1100]


def test_discounts_of_online_prices_and_promotions_of_the_till_are_left_alone(make: Making) -> None:
    with make({**BASE, "owner": "lightspeed"}) as shop:
        shop.online.insert(
            "product-discounts",
            {
                "id": "outside",
                "version": 1,
                "name": {"en": "x"},
                "value": {"type": "external"},
                "predicate": "1=1",
                "sortOrder": "0.5",
                "isActive": True,
                "references": [],
            },
        )
        discounted = {
            "value": {"currencyCode": "EUR", "centAmount": 500},
            "discount": {"typeId": "product-discount", "id": "outside"},
        }
        shop.add_article(
            "A", "10.00", prices=[eur(900, discounted=discounted, key="shelf", **tiers((10, 700)))]
        )
        assert shop.run("full").writes == 1
        (offer,) = shop.offers("A")
        assert offer["value"]["centAmount"] == 1000 and offer["discounted"]["value"]["centAmount"] == 500
        assert offer["key"] == "shelf" and offer["tiers"][0]["value"]["centAmount"] == 700
        settles(shop)


def test_a_lock_of_standalone_prices_is_waited_for(make: Making) -> None:
    with make({**BASE, "owner": "lightspeed"}) as shop:
        shop.add_article("S", "10.00", prices=[eur(900)], standalone=True)
        shop.run("full", dry_run=True)
        shop.online.lock_standalone_prices(2)
        assert shop.run("full").writes == 1
        assert shop.cents("S") == [1000]
        settles(shop)


def test_taxes_that_change_at_the_till_are_noticed_by_the_next_delta(make: Making) -> None:
    with make(BASE, net_online=True) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.run("full")
        assert shop.at_till("A") == Decimal("11.9")
        shop.till.set_tax_rate(shop.taxes["standard"], "0.20")
        category = shop.online.get("tax-categories", key="standard")
        assert category is not None
        for rate in category["rates"]:
            new = {"name": rate["name"], "amount": 0.2, "includedInPrice": False, "country": rate["country"]}
            shop.online.update(
                "tax-categories",
                [{"action": "replaceTaxRate", "taxRateId": rate["id"], "taxRate": new}],
                key="standard",
            )
        run = shop.run()
        assert run.plan.why_all.startswith("lists, rules") and run.writes == 1
        assert shop.at_till("A") == Decimal("12")
        settles(shop)


def test_an_article_that_products_link_anew_gets_the_prices_of_its_new_partner(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        shop.add_article("B", "20.00", prices=[eur(2000)], linked=False)
        shop.run("full")
        (link,) = shop.ledger.links.read("products", "variant")
        shop.ledger.links.retire(link.id)
        a, b = shop.articles["A"], shop.articles["B"]
        shop.articles["A"], shop.articles["B"] = b, a
        shop.link("A")
        shop.articles["A"], shop.articles["B"] = a, b
        assert shop.run().writes == 1
        assert (shop.at_till("A"), shop.at_till("B")) == (Decimal("10"), Decimal("10"))


def _offer_of(shop: Priced, sku: str, key: str) -> dict[str, Any]:
    wanted = shop.online.get("customer-groups", key=key)
    assert wanted is not None
    return next(o for o in shop.offers(sku) if o.get("customerGroup", {}).get("id") == wanted["id"])


# ---------------------------------------------------------------- what is gone


def test_books_that_somebody_emptied_are_filled_again_and_a_feed_that_hides_lines_is_not_believed(
    make: Making,
) -> None:
    with make(BASE, VIP) as shop:
        shop.till.options.deleted_price_book_rows_shown = False
        for sku in ("A", "B"):
            shop.add_article(sku, "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full")
        hidden = {
            "match": "/price_book_products$",
            "kind": "status",
            "status": 200,
            "body": {"data": []},
            "times": None,
        }
        shop.world.faults["lightspeed"].add({**hidden, "body": {"data": []}})
        before = shop.state()
        assert shop.run("full").writes == 0 and shop.state() == before
        shop.world.faults["lightspeed"].clear()
        for sku in ("A", "B"):
            shop.till.remove_book_price(shop.book_id("VIP"), shop.articles[sku])
        assert shop.run().writes == 0, "a delta can not see it"
        assert shop.run("full").writes == 2
        assert sorted(shop.in_book("VIP")) == ["A", "B"]
        settles(shop)


def test_a_variant_or_an_article_that_is_gone_takes_its_prices_out_of_the_game(make: Making) -> None:
    with make(BASE) as shop:
        for sku in ("A", "B", "C"):
            shop.add_article(sku, "10.00", prices=[eur(1000)])
        shop.run("full")
        shop.till.delete_product(shop.articles["A"])
        shop.online.update("products", [{"action": "unpublish"}], id=shop.product_id("B"))
        shop.online.delete("products", id=shop.product_id("B"))
        shop.price_online("C", 1100)
        run = shop.run("full")
        assert run.writes == 1 and run.accounts.failed == 0 and shop.held() == {}
        assert (shop.at_till("B"), shop.at_till("C")) == (Decimal("10"), Decimal("11"))


def test_a_list_that_is_new_is_told_to_be_read_in_full(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.run("full")
        shop.online.clock.advance(3600)  # beyond the overlap of deltas
        shop.run()
        shop.settings = _with_lists(shop, BASE, VIP)
        run = shop.run()
        assert run.plan.unread == {"VIP": 1} and run.writes == 0
        assert shop.run("full").writes == 1
        assert sorted(shop.in_book("VIP")) == ["A"]


def test_different_taxes_at_outlets_matter_only_where_tax_is_converted(make: Making) -> None:
    north = {
        "name": "North",
        "owner": "commercetools",
        "commercetools": {"currency": "EUR", "country": "DE"},
        "lightspeed": {"location": "Nord"},
        "create_price_book": True,
    }
    with make(BASE, north, exclusive_store=True) as shop:
        shop.add_article("A", "10.00", prices=[eur(1190)])
        south = next(row.id for row in shop.till.outlets.live() if row.fields["name"] == "Süd")
        shop.till.set_outlet_tax(shop.articles["A"], south, shop.taxes["reduced"])
        run = shop.run("full")
        assert [(hold.code, hold.field) for hold in shop.holds()] == [("price_tax_unknown", "Shelf")]
        assert run.writes == 1 and shop.in_book("North") == {"A": [(None, None, Decimal("10"))]}


# ---------------------------------------------------------------- a real shop


def test_the_prices_of_a_real_shop_in_euros_and_pounds(
    goodstore_shop: Any, ledger_url: str, tmp_path: Path
) -> None:
    """GoodStore: 141 variants with a price in euros and one in pounds, a till without tax in its prices."""
    with world_of(goodstore_shop, ledger_url, tmp_path, {"prices": {}}) as world:
        world.run("products", "full")
        euros = world.settings.prices.lists[0].model_dump(mode="json")
        pounds = {
            "name": "Britain",
            "owner": "commercetools",
            "commercetools": {"currency": "GBP", "country": "GB"},
            "lightspeed": {"price_book": "Britain"},
            "create_price_book": True,
            "tax": "excluded",
            "markup_percent": "5",
            "rounding": {"endings": ["0.99"]},
        }
        rates = [{"source": "GBP", "target": "EUR", "rate": "1.15", "as_of": "2026-11-20"}]
        if world.settings.products.price.currency == "GBP":
            pounds["commercetools"] = {"currency": "EUR", "country": "DE"}
            rates = [{**rates[0], "source": "EUR", "target": "GBP"}]
        shop = Priced(world)
        shop.set(lists=[euros, pounds], exchange_rates=rates)
        linked = len(shop.ledger.links.read("products", "variant"))
        run = shop.run("full")
        assert run.accounts.failed == 0 and run.accounts.add_up
        book = shop.till.book_prices(shop.book_id("Britain"))
        assert linked > 100 and len(book) == linked - sum(h.field == "Britain" for h in shop.holds())
        assert all(str(row["price"]).endswith(".99") for row in book)
        shop.world.forget_requests()
        assert shop.run("full").accounts.changes == 0 and shop.run().accounts.changes == 0
        assert shop.price_writes() == []


# ------------------------------------------------------------ money in whole units, and rates that are changed in place


def forint(amount: int, currency: str = "HUF0") -> dict[str, Any]:
    return {"value": {"currencyCode": currency, "centAmount": amount}, "country": "DE"}


@pytest.mark.parametrize("named", ["HUF", "HUF0"])
@pytest.mark.parametrize("owner", ["commercetools", "lightspeed"])
def test_prices_in_whole_units_are_prices_of_the_till_in_its_own_money(
    make: Making, owner: str, named: str
) -> None:
    """1,999 HUF0 are 1,999 HUF at the till, and no price in HUF is touched: online that is another currency."""
    whole = {**BASE, "owner": owner, "commercetools": {"currency": "HUF0", "country": "DE"}}
    with make(whole, currency="HUF") as shop:
        shop.online.set_project(currencies=["HUF0", "HUF"])
        data = shop.settings.model_dump(mode="json")
        data["products"]["price"]["currency"] = named
        shop.settings = SyncSettings.model_validate(data)
        shop.add_article("A", "2499", prices=[forint(1999), forint(5, "HUF")])
        run = shop.run("full")
        assert (run.writes, shop.held()) == (1, {})
        expected = 1999 if owner == "commercetools" else 2499
        assert shop.at_till("A") == expected
        found = {one["value"]["currencyCode"]: one["value"] for one in shop.offers("A")}
        assert (found["HUF0"]["centAmount"], found["HUF0"]["fractionDigits"]) == (expected, 0)
        assert found["HUF"]["centAmount"] == 5
        settles(shop)


def test_a_part_of_a_unit_is_no_price_of_a_list_in_whole_units(make: Making) -> None:
    whole = {**BASE, "owner": "lightspeed", "commercetools": {"currency": "HUF0", "country": "DE"}}
    with make(whole, currency="HUF") as shop:
        shop.online.set_project(currencies=["HUF0"])
        shop.add_article("A", "2499.50", prices=[forint(1999)])
        shop.run("full")
        assert shop.held() == {"A": "price_not_exact"}
        assert [one["value"]["centAmount"] for one in shop.offers("A")] == [1999]
        settles(shop)


def test_a_rate_that_is_changed_in_place_is_told_by_every_run(make: Making) -> None:
    with make(BASE) as shop:
        shop.add_article("A", "10.00", prices=[eur(1000)])
        assert shop.run("full").plan.rates_differ == []
        shop.till.set_tax_rate(shop.taxes["standard"], "0.16")
        for mode in ("delta", "full"):
            plan = shop.run(mode).plan
            (told,) = plan.rates_differ
            assert "19 % in commercetools" in told and "16 % at the till" in told
            assert plan.warnings["tax_rates_differ"] == 1
        settles(shop)
