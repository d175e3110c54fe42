"""Prices at the till: read without tax or with it as the store keeps them, and price books that are never mixed up."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from retail_sync.lightspeed.x_series.prices.adapter import XSeriesPrices
from retail_sync.records.errors import ConfigurationFault, RecordRejected
from retail_sync.records.ports.prices import BasePriceWrite, BookLine, BookWrite
from retail_sync.records.ports.products import Window
from retail_sync.settings.models import SyncSettings
from tests.lightspeed.till import Till, rows_of
from tests.sandbox.lightspeed.test_official_shapes import DESCRIPTION, check

T = TypeVar("T")
Json = dict[str, Any]
SHELF: Json = {"name": "Shelf", "owner": "commercetools", "lightspeed": {"base": True}}
BOOK: Json = {"name": "VIP", "owner": "commercetools", "lightspeed": {"price_book": "VIP"}}
LOCATIONS = [{"name": "Shop", "outlet": "Berlin"}, {"name": "Depot", "outlet": "Hamburg"}]


def price_settings(*lists: Json, **more: Any) -> SyncSettings:
    return SyncSettings.model_validate(
        {
            "locations": LOCATIONS,
            "products": {
                "price": {"owner": "none"},
                "tax_classes": [{"name": "Standard", "commercetools": "s", "lightspeed": "Standard"}],
            },
            "prices": {"lists": list(lists) or [SHELF, BOOK]},
            "limits": {"lightspeed": {"retries": 2, "page_size": 3}},
            **more,
        }
    )


def run(
    till: Till,
    work: Callable[[XSeriesPrices], Awaitable[T]],
    config: SyncSettings | None = None,
    **how: Any,
) -> T:
    till.more.setdefault("backoff", 0.01)
    return till.use(XSeriesPrices, config or price_settings(), work, **how)


async def everything(adapter: XSeriesPrices) -> tuple[list[Json], list[Json]]:
    """Articles and lines as rows of their tables."""
    found: list[list[Json]] = []
    for stream, mapped in ((adapter.articles, adapter.to_articles), (adapter.entries, adapter.to_entries)):
        rows = await rows_of(stream.walk(Window("0", None)))
        found.append(mapped(rows).to_dict("records"))
    return found[0], found[1]


def sell(till: Till, sku: str, price: str, **more: Any) -> str:
    (article,) = till.store.add_product_family(sku, sku=sku, price=price, **more)
    return str(article)


@pytest.mark.parametrize("exclusive", [False, True])
def test_an_article_is_read_on_the_side_of_tax_that_the_store_keeps_and_a_book_without(
    open_till: Callable[..., Till], exclusive: bool
) -> None:
    till = open_till(tax_exclusive=exclusive)
    article = sell(till, "A", "119")
    book = till.store.add_price_book("VIP")
    till.store.set_book_price(book, article, "11.90", min_units=5)
    ((row,), (line,)) = run(till, everything)
    assert row["amount"] == "119"
    assert (line["amount"], line["min_units"]) == ("11.9" if exclusive else "10", "5")


def test_lines_of_other_books_and_of_the_general_one_stay_behind(till: Till) -> None:
    article = sell(till, "A", "119")
    till.store.set_book_price(till.store.add_price_book("VIP"), article, "11.90")
    till.store.set_book_price(till.store.add_price_book("Staff"), article, "1.00")
    articles, lines = run(till, everything)
    assert (len(articles), [line["amount"] for line in lines]) == (1, ["10"])


@pytest.mark.parametrize("shown", [True, False])
def test_a_line_that_was_taken_away_is_told_by_the_feed_or_by_reading_the_article_again(
    open_till: Callable[..., Till], shown: bool
) -> None:
    till = open_till(deleted_price_book_rows_shown=shown)
    article = sell(till, "A", "119")
    book = till.store.add_price_book("VIP")
    till.store.set_book_price(book, article, "11.90")
    till.store.remove_book_price(book, article)

    async def look(adapter: XSeriesPrices) -> tuple[list[Json], list[Json]]:
        _, lines = await everything(adapter)
        return lines, [row async for page in adapter.entries_of([article]) for row in page.rows]

    lines, now = run(till, look)
    assert [line["deleted_at"] is not None for line in lines] == ([True] if shown else [])
    assert now == []


def test_the_tax_of_a_list_is_that_of_its_outlets(open_till: Callable[..., Till]) -> None:
    till = open_till(tax_exclusive=True)
    article = sell(till, "A", "100")
    till.store.set_outlet_tax(article, till.store.hamburg, till.store.reduced)  # type: ignore[attr-defined]
    depot = {
        "name": "Depot",
        "owner": "commercetools",
        "lightspeed": {"location": "Depot"},
        "create_price_book": True,
    }

    async def rates(adapter: XSeriesPrices) -> list[Decimal | None]:
        ((row,), _) = await everything(adapter)
        taxes = json.loads(row["taxes"])
        return [adapter.terms.tax_of(name, taxes)[1] for name in ("Shelf", "Depot")]

    assert run(till, rates, price_settings(SHELF, depot), writing=True) == [None, Decimal("0.07")]


def test_a_missing_book_is_made_for_whom_the_list_says(till: Till) -> None:
    group = till.store.add_customer_group("Regulars")
    wanted = {
        **BOOK,
        "create_price_book": True,
        "lightspeed": {
            "price_book": "VIP",
            "customer_groups": ["Regulars"],
            "locations": ["Depot"],
            "valid_from": "2026-12-01",
            "valid_to": "2026-12-31",
            "platform": "in store",
        },
    }
    config = price_settings(wanted)

    async def terms(adapter: XSeriesPrices) -> Any:
        return adapter.terms

    coming = run(till, terms, config).books["VIP"]
    assert coming.id == "" and coming.first_day == "2026-12-01", "planned with the days that it will have"
    made = run(till, terms, config, writing=True).books["VIP"]
    assert (made.begins, made.ends) == ("2026-11-30T23:00:00.000Z", "2026-12-31T23:00:00.000Z")
    (row,) = [row for row in till.store.price_books.live() if row.fields["name"] == "VIP"]
    assert row.fields["customer_group_ids"] == [group]
    assert run(till, terms, config, writing=True).books["VIP"].id == row.id == made.id, "not a second one"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"customer_groups": ["Regulars"]}, "its customer groups are All Customers, not Regulars"),
        ({"locations": ["Depot"]}, "its outlets are Berlin, Hamburg, not Hamburg"),
        ({"valid_to": "2027-01-01"}, "valid_to is open, not 2027-01-01"),
        ({"platform": "ecommerce"}, "platform is 0, not 2"),
    ],
)
def test_a_book_that_is_for_others_than_the_list_says_is_a_fault(till: Till, place: Json, says: str) -> None:
    till.store.add_price_book("VIP", outlets=[till.store.berlin, till.store.hamburg])  # type: ignore[attr-defined]
    config = price_settings({**BOOK, "lightspeed": {"price_book": "VIP", **place}})
    with pytest.raises(ConfigurationFault, match=says):
        run(till, everything, config)


def test_a_name_of_two_books_is_a_fault(till: Till) -> None:
    for name in ("VIP", " vip"):
        till.store.add_price_book(name)
    with pytest.raises(ConfigurationFault, match="2 price books can be meant"):
        run(till, everything)


def test_a_store_in_another_currency_is_a_fault(till: Till) -> None:
    till.store.currency = "NZD"
    with pytest.raises(ConfigurationFault, match="sells in NZD, the configuration says EUR"):
        run(till, everything)


def test_what_is_sent_to_a_price_book_is_as_described(till: Till) -> None:
    article, other = sell(till, "A", "119"), sell(till, "B", "10")
    book = till.store.add_price_book("VIP")
    kept = till.store.set_book_price(book, article, "11.90")
    gone = till.store.set_book_price(book, other, "1.00")
    tax = till.store.standard  # type: ignore[attr-defined]
    write = BookWrite(
        book,
        [
            BookLine(article, Decimal("10.99"), tax, max_units=9, entry_id=kept),
            BookLine(article, Decimal("9.99"), tax, min_units=10),
        ],
        removed=[gone],
    )
    run(till, lambda adapter: adapter.write_book(write))
    assert till.sent() == [
        f"{m} /api/2026-07/price_books/{book}/products" for m in ("DELETE", "POST", "PATCH")
    ]
    assert [(row["product_id"], row["price"]) for row in till.store.book_prices(book)] == [
        (article, Decimal("8.39496")),
        (article, Decimal("9.23529")),
    ]
    if not DESCRIPTION.is_file():
        pytest.skip("the official description is not beside this checkout")
    bodies = [json.loads(exchange.request_body or "") for exchange in till.exchanges.kept]
    check("PriceBookProductIdCollection", bodies[0])
    for body in bodies[1:]:
        check("PriceBookProductCollection", body)


def test_prices_that_lightspeed_owns_are_refused_whoever_planned_them(till: Till) -> None:
    article = sell(till, "A", "119")
    book = till.store.add_price_book("VIP")
    owned = price_settings({**SHELF, "owner": "lightspeed"}, {**BOOK, "owner": "lightspeed"})
    line = BookLine(article, Decimal(1), till.store.standard)  # type: ignore[attr-defined]
    with pytest.raises(RecordRejected, match="may not be written"):
        run(till, lambda adapter: adapter.write_base(BasePriceWrite("c", article, Decimal(1))), owned)
    with pytest.raises(RecordRejected, match="may not be written"):
        run(till, lambda adapter: adapter.write_book(BookWrite(book, [line])), owned)
    assert till.sent("P") == []


def test_private_fields_stop_at_the_reader(till: Till) -> None:
    sell(till, "A", "119", supply_price="77.77")
    config = price_settings(privacy={"exclude": {"lightspeed": ["supply_price"]}})

    async def raw(adapter: XSeriesPrices) -> str:
        return str([page.rows async for page in adapter.articles.walk(Window("0", None))])

    assert "77.77" not in run(till, raw, config)


def test_preflight_says_what_stands_in_the_way_of_each_list(till: Till) -> None:
    till.store.add_tax("Luxury", "0.25")
    made = {**BOOK, "name": "New", "lightspeed": {"price_book": "New"}, "create_price_book": True}
    theirs = {**BOOK, "name": "Theirs", "owner": "lightspeed", "lightspeed": {"price_book": "Theirs"}}
    lists = price_settings(SHELF, BOOK, made, theirs)
    found = run(till, lambda adapter: adapter.check(), lists, prepared=False)
    told = {(one.level, one.subject): one.finding for one in found}
    assert told["ok", "list Shelf"] == "the articles' own prices at the till"
    assert told["error", "list VIP"] == "there is no such price book at the till"
    assert told["error", "list Theirs"] == told["error", "list VIP"], "whoever owns it: no run can read it"
    assert told["warning", "list New"] == "there is no price book New; the next run creates it"
