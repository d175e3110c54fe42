"""Sales at the till: read without whose they are, written to the last digit and once, refused for a reason."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.lightspeed.x_series.api.numbers import storable
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.lightspeed.x_series.sales.bodies import SaleBody, body_of_sale
from retail_sync.lightspeed.x_series.sales.read import sale_of
from retail_sync.lightspeed.x_series.sales.redact import trimmed
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.products import RawPage
from retail_sync.records.rows import UnreadableRow, UnreadableRows, read_apart
from retail_sync.records.sales import Sale, SaleLine, Tender
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.bodies import encode, parse
from sandbox.fault_rules import FaultRule
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, numerals
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.sales import save
from tests.lightspeed.till import Till, told
from tests.sandbox.lightspeed.test_official_shapes import DESCRIPTIONS

T = TypeVar("T")
Json = dict[str, Any]
SOLD_AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
LOCATIONS = [{"name": "shop", "outlet": " berlin"}, {"name": "depot", "outlet": "Hamburg"}]
ORDERS: Json = {
    "since": "2026-01-01",
    "location": "shop",
    "registers": {"shop": "web"},
    "taxes": [{"rate": "0.19", "tax": "standard"}],
    "tenders": [{"tender": "Credit Card"}],
    "products": {"shipping": "SHIP", "stand_in": "Any-1"},
    "customers": {"guest": "WEB"},
}

# A sale of the official examples of the list (description of API 2.0), cut down to one line.
FLAT: Json = {
    "id": "b8ca3a65-0183-11e4-fbb5-39f7fce5e39b",
    "outlet_id": "b1e04bd8-f019-11e3-a0f5-b8ca3a64f8f4",
    "register_id": "b1e198a9-f019-11e3-a0f5-b8ca3a64f8f4",
    "user_id": "b1ed6158-f019-11e3-a0f5-b8ca3a64f8f4",
    "customer_id": "b1cabb53-f019-11e3-a0f5-b8ca3a64f8f4",
    "invoice_number": "1036",
    "source": "USER",
    "status": "CLOSED",
    "state": "closed",
    "attributes": [],
    "note": "for Ada",
    "short_code": "xamfvy",
    "return_for": "b8ca3a65-0183-11e4-fbb5-000000000001",
    "total_price": "12.91",
    "total_tax": "1.94",
    "total_loyalty": "1.485",
    "created_at": "2014-09-11T21:09:59+00:00",
    "updated_at": "2014-09-18T01:37:59+00:00",
    "sale_date": "2014-09-18T01:37:56+00:00",
    "line_items": [
        {
            "id": "a604d16b-a999-8ae0-11e4-39f8234e68d5",
            "product_id": "188a87aa-06fe-11e4-a0f5-b8ca3a64f8f4",
            "tax_id": "b1d192bc-f019-11e3-a0f5-b8ca3a64f8f4",
            "discount_total": 0,
            "discount": 0,
            "price_total": "12.91304",
            "price": "4.30435",
            "tax_total": "1.93695",
            "tax": "0.64565",
            "quantity": 3,
            "sequence": 1,
            "note": "with love from Ada",
            "status": "CONFIRMED",
        }
    ],
    "payments": [
        {
            "id": "a604d16b-a999-beb5-11e4-3ed468ffbb24",
            "register_id": "b1e198a9-f019-11e3-a0f5-b8ca3a64f8f4",
            "retailer_payment_type_id": "b1e1d70e-f019-11e3-a0f5-b8ca3a64f8f4",
            "payment_type_id": "1",
            "name": "Cash",
            "amount": "14.85",
            "payment_date": "2014-09-18T01:37:54+00:00",
            "external_attributes": [{"key": "card", "value": "4111"}],
        }
    ],
    "version": 413,
    "adjustments": [],
    "taxes": [{"amount": "1.94", "id": "b1dfed8b-f019-11e3-a0f5-b8ca3a64f8f4"}],
}


class Shop:
    """What the tests' till has."""

    def __init__(self, till: Till) -> None:
        store = till.store
        self.till, self.store = till, store
        self.web = store.add_register("Web", store.berlin)  # type: ignore[attr-defined]
        self.standard: str = store.standard  # type: ignore[attr-defined]
        self.berlin: str = store.berlin  # type: ignore[attr-defined]
        (self.tee,) = store.add_product_family("Tee", sku="TEE", price="11.90")
        (self.shipping,) = store.add_product_family("Shipping", sku="SHIP", price="1", track_inventory=False)
        (self.any,) = store.add_product_family("Anything", sku="Any-1", price="1", track_inventory=False)
        self.guest = store.add_customer(customer_code="WEB")
        self.card = next(row.id for row in store.payment_types.live() if row.name == "Credit Card")
        store.set_stock(self.tee, self.berlin, 10)

    def sale(self, **more: Any) -> Sale:
        """A web order of two tees for 23.80, paid by card."""
        document: Json = {
            "id": str(uuid4()),
            "state": "closed",
            "outlet_id": self.berlin,
            "register_id": self.web,
            "customer_id": self.guest,
            "number": "W-1",
            "source_type": "commercetools",
            "source_id": "1001",
            "sold_at": SOLD_AT,
            "note": "Web order 1001",
            "lines": [self.line()],
            "tenders": [Tender(payment_type_id=self.card, amount=2380, at=SOLD_AT)],
            "total": Decimal("23.80"),
            "tax": Decimal("3.80"),
        }
        return Sale.model_validate({**document, **more})

    def line(self, **more: Any) -> SaleLine:
        document: Json = {
            "product_id": self.tee,
            "quantity": Decimal(2),
            "price": Decimal("10.00000"),
            "tax": Decimal("1.90000"),
            "tax_id": self.standard,
            "discount": Decimal("0.5"),
            "sequence": 1,
        }
        return SaleLine.model_validate({**document, **more})

    def level(self) -> Decimal | None:
        return self.store.stock_level(self.tee, self.berlin)


@pytest.fixture
def shop(open_till: Callable[..., Till]) -> Shop:
    return Shop(open_till())


def sale_settings(**more: Any) -> SyncSettings:
    orders = more.pop("orders", {})
    limits = {"lightspeed": {"retries": 2, "page_size": 2}}
    document: Json = {"locations": LOCATIONS, "orders": {**ORDERS, **orders}, "limits": limits}
    return SyncSettings.model_validate({**document, **more})


def run(
    shop: Shop,
    work: Callable[[XSeriesSales], Awaitable[T]],
    config: SyncSettings | None = None,
    **how: Any,
) -> T:
    async def counted(adapter: XSeriesSales) -> T:
        shop.till.faults.requests.clear()
        return await work(adapter)

    shop.till.more.setdefault("backoff", 0.01)
    return shop.till.use(XSeriesSales, config or sale_settings(), counted, **how)


async def pages_of(pages: AsyncIterator[RawPage]) -> list[RawPage]:
    return [page async for page in pages]


async def walked(adapter: XSeriesSales, cursor: str | None = None) -> list[RawPage]:
    window = await adapter.sales.open_window(cursor, full=cursor is None)
    return await pages_of(adapter.sales.walk(window))


async def all_sales(adapter: XSeriesSales) -> list[Sale]:
    return adapter.to_sales([row for page in await walked(adapter) for row in page.rows])


def add(shop: Shop, sale: Sale, config: SyncSettings | None = None) -> tuple[Sale, Any]:
    return run(shop, lambda adapter: adapter.add("c1", sale), config, writing=True)


def bodies(shop: Shop, method: str) -> list[str]:
    return [one.body for one in shop.till.faults.requests if one.method == method and one.body]


# ------------------------------------------------------------------------------------------------ reading


def test_a_sale_of_the_till_is_read_with_exact_figures_and_without_whose_words_it_bears(shop: Shop) -> None:
    sale_id = shop.store.sell(shop.berlin, [(shop.tee, 3)], customer_id=shop.guest, note="for Ada")
    (sale,) = run(shop, all_sales)
    assert (sale.id, sale.state, sale.outlet_id, sale.customer_id) == (
        sale_id,
        "closed",
        shop.berlin,
        shop.guest,
    )
    assert (sale.total, sale.tax, sale.source_type, sale.note) == (Decimal("35.7"), Decimal("5.7"), "", "")
    (line,) = sale.lines
    assert (line.product_id, line.quantity, line.price, line.tax) == (
        shop.tee,
        Decimal(3),
        Decimal(10),
        Decimal("1.9"),
    )
    (tender,) = sale.tenders
    assert (tender.name, tender.amount) == ("Cash", 3570)
    assert sale.version == shop.store.sales.rows[sale_id].version


def test_a_sale_that_was_deleted_is_shown_as_that(shop: Shop) -> None:
    sale_id = shop.store.sell(shop.berlin, [(shop.tee, 1)])
    shop.store.sales.delete(shop.store.sales.rows[sale_id])
    (sale,) = run(shop, all_sales)
    assert (sale.id, sale.deleted_at is None) == (sale_id, False)


@pytest.mark.parametrize(("amount", "minor"), [("14.855", 1486), ("-14.855", -1486), (3, 300), ("0.1", 10)])
def test_a_payment_is_read_in_whole_minor_units(shop: Shop, amount: Any, minor: int) -> None:
    row = trimmed({**FLAT, "payments": [{**FLAT["payments"][0], "amount": amount}]})
    (sale,) = run(shop, lambda adapter: _mapped(adapter, [row]))
    assert [tender.amount for tender in sale.tenders] == [minor]


def test_the_feed_needs_no_version_of_the_envelope(open_till: Callable[..., Till]) -> None:
    shop = Shop(open_till(drop_version_envelope=True))
    ids = [shop.store.sell(shop.berlin, [(shop.tee, 1)]) for _ in range(3)]
    assert [sale.id for sale in run(shop, all_sales)] == ids


def test_a_flat_sale_is_read_like_a_nested_one(shop: Shop) -> None:
    (sale,) = run(shop, lambda adapter: _mapped(adapter, [trimmed(FLAT)]))
    assert (sale.version, sale.number, sale.source_type) == (413, "1036", "")
    assert (sale.total, sale.tax, sale.loyalty) == (Decimal("14.85"), Decimal("1.94"), Decimal("1.485"))
    assert (sale.register_id, sale.outlet_id) == (FLAT["register_id"], FLAT["outlet_id"])
    assert sale.return_of == FLAT["return_for"]
    assert sale.sold_at == datetime(2014, 9, 18, 1, 37, 56, tzinfo=UTC)
    (line,) = sale.lines
    assert (line.price, line.tax, line.tax_id) == (
        Decimal("4.30435"),
        Decimal("0.64565"),
        "b1d192bc-f019-11e3-a0f5-b8ca3a64f8f4",
    )
    (tender,) = sale.tenders
    assert (tender.payment_type_id, tender.name, tender.amount) == (
        "b1e1d70e-f019-11e3-a0f5-b8ca3a64f8f4",
        "Cash",
        1485,
    )


async def _mapped(adapter: XSeriesSales, rows: list[Json]) -> list[Sale]:
    return adapter.to_sales(rows)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"id": None}, "id is missing"),
        ({"state": "sold"}, "state"),
        ({"sale_date": None}, "no date"),
        ({"sale_date": "yesterday"}, "time"),
        ({"total_tax": None}, "totals"),
        ({"total_price": None}, "totals"),
        ({"line_items": [{**FLAT["line_items"][0], "price": None}]}, "a line lacks"),
        ({"line_items": [{**FLAT["line_items"][0], "tax": "much"}]}, "tax is not a number"),
        ({"line_items": {"0": {}}}, "line_items is not a list"),
        ({"payments": [{"name": "Cash"}]}, "a payment lacks"),
    ],
)
def test_a_row_that_is_no_sale_is_told_and_stops_no_other(shop: Shop, wrong: Json, why: str) -> None:
    rows = [trimmed({**FLAT, **wrong}), trimmed(FLAT)]

    async def both(adapter: XSeriesSales) -> tuple[list[Sale], list[UnreadableRow]]:
        return read_apart(rows, adapter.to_sales)

    sales, (held,) = run(shop, both)
    assert [sale.id for sale in sales] == [FLAT["id"]]
    assert (held.id, held.label) == (rows[0]["id"] or "", "1036")
    assert why in str(held)


def test_payments_that_were_taken_back_and_lines_that_were_taken_out_do_not_count(shop: Shop) -> None:
    line, payment = FLAT["line_items"][0], FLAT["payments"][0]
    changed = {
        "line_items": [line, {**line, "status": "VOIDED"}],
        "payments": [payment, {**payment, "deleted_at": "2014-09-18T01:37:54+00:00"}],
    }
    (sale,) = run(shop, lambda adapter: _mapped(adapter, [trimmed({**FLAT, **changed})]))
    assert (len(sale.lines), len(sale.tenders)) == (1, 1)


def test_sales_are_found_by_id_and_by_number_and_nothing_else_is(shop: Shop) -> None:
    first = shop.store.sell(shop.berlin, [(shop.tee, 1)], invoice_number="B-7")
    second = shop.store.sell(shop.berlin, [(shop.tee, 1)], invoice_number="B-7")
    shop.store.sell(shop.berlin, [(shop.tee, 1)], invoice_number="B-70")
    keys = [first, "B-7", str(uuid4()), "B-8"]
    pages = run(shop, lambda adapter: pages_of(adapter.sales.search(keys)))
    assert [[row["id"] for row in page.rows] for page in pages] == [[first], [first, second], [], []]
    assert [page.last for page in pages] == [False, False, False, True]


def test_what_the_configuration_excludes_is_not_read(shop: Shop) -> None:
    shop.store.sell(shop.berlin, [(shop.tee, 1)], customer_id=shop.guest)
    config = sale_settings(privacy={"exclude": {"lightspeed": ["customer_id", "payments.type.name"]}})
    (row,) = [row for page in run(shop, walked, config) for row in page.rows]
    assert "customer_id" not in row
    assert set(row["payments"][0]["type"]) == {"config_id"}


def test_nobody_and_no_card_leaves_with_a_row(shop: Shop) -> None:
    row = {
        **FLAT,
        "customer": {"first_name": "Ada"},
        "customer_name": "Ada",
        "external_applications": [{"name": "Ada"}],
        "ecom_custom_charges": {"Ada": 1},
        "user": {"display_name": "Ada"},
    }
    kept = trimmed(row)
    assert "Ada" not in json.dumps(kept)
    assert "4111" not in json.dumps(kept)
    assert kept["payments"][0]["name"] == "Cash"


# ------------------------------------------------------------------------------------------------ writing


def test_a_sale_is_written_as_described_and_read_back_as_it_was_meant(shop: Shop) -> None:
    wanted = shop.sale(lines=[shop.line(), shop.line(product_id=shop.any, quantity=1, note="SKU Hat")])
    shown, exchanges = add(shop, wanted)
    (text,) = bodies(shop, "POST")
    body = json.loads(text, parse_float=str)
    assert body["source"] == {
        "register_id": shop.web,
        "author_id": shop.store.user_id,
        "id": "1001",
        "type": "commercetools",
    }
    assert (body["date"], body["invoice_number"], body["note"]) == (
        "2026-11-23T08:30:00Z",
        "W-1",
        "Web order 1001",
    )
    first, second = body["line_items"]
    assert first == {
        "product": {"id": shop.tee},
        "quantity": 2,
        "pricing": {"price": "10.00000", "discount": "0.5"},
        "tax": {"id": shop.standard, "amount": "1.90000"},
        "_metadata": {"sequence": 1, "is_price_override": True},
    }
    assert second["attributes"] == [{"name": "line_note", "value": "SKU Hat"}]
    assert body["payments"] == [
        {
            "type": {"config_id": shop.card},
            "amount": "23.80",
            "date": "2026-11-23T08:30:00Z",
            "source": {"register_id": shop.web},
        }
    ]
    assert (shown.id, shown.number, shown.source_type, shown.source_id) == (
        wanted.id,
        "W-1",
        "commercetools",
        "1001",
    )
    assert (shown.total, shown.tax) == (Decimal("35.7"), Decimal("5.7"))
    assert (shown.note, shown.lines[1].note) == ("Web order 1001", "SKU Hat")
    assert [(tender.amount, tender.at) for tender in shown.tenders] == [(2380, SOLD_AT)]
    assert len(exchanges) == 1
    assert shop.level() == Decimal(8)
    assert run(shop, lambda adapter: adapter.find(wanted.id)) == shown


def test_without_a_number_and_a_customer_the_register_numbers_and_nobody_is_named(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale(number="", customer_id=None))
    (text,) = bodies(shop, "POST")
    assert not {"invoice_number", "customer_id"} & set(json.loads(text))
    assert (shown.number, shown.customer_id) == ("1", None)


@pytest.mark.parametrize(
    ("currency", "amount", "sent"),
    [("EUR", 2380, "23.80"), ("JPY", 2380, "2380"), ("KWD", 2380, "2.380"), ("EUR", -5, "-0.05")],
)
def test_amounts_are_sent_in_the_digits_of_the_currency(
    shop: Shop, currency: str, amount: int, sent: str
) -> None:
    shop.store.currency = currency
    wanted = shop.sale(state="parked", tenders=[Tender(payment_type_id=shop.card, amount=amount)])
    shown, _ = add(shop, wanted)
    (text,) = bodies(shop, "POST")
    assert f'"amount":{sent},' in text.partition('"payments"')[2]
    assert [tender.amount for tender in shown.tenders] == [amount]


@pytest.mark.parametrize("price", ["0.30000", "26.08696", "1E+2", "-19.99999", "1234567.89012"])
def test_unit_prices_are_sent_digit_for_digit(shop: Shop, price: str) -> None:
    shown, _ = add(shop, shop.sale(lines=[shop.line(price=Decimal(price))], state="parked", tenders=[]))
    (text,) = bodies(shop, "POST")
    assert f'"price":{Decimal(price):f},' in text
    assert shown.lines[0].price == Decimal(price)


UNIT_AMOUNTS = st.decimals(-99_999, 99_999, places=5)
LINES = st.lists(
    st.tuples(UNIT_AMOUNTS, UNIT_AMOUNTS, st.integers(-40, 40).filter(bool)), min_size=1, max_size=8
)


@given(lines=LINES, paid=st.lists(st.integers(-(10**9), 10**9), max_size=4))
@hypothesis_settings(max_examples=150)
def test_every_figure_comes_back_as_it_was_sent(
    lines: list[tuple[Decimal, Decimal, int]], paid: list[int]
) -> None:
    shop = _shop_without_server()
    sale = shop.sale(
        id=str(uuid4()),
        lines=[
            shop.line(price=price, tax=tax, quantity=quantity, sequence=place)
            for place, (price, tax, quantity) in enumerate(lines, 1)
        ],
        tenders=[Tender(payment_type_id=shop.card, amount=amount) for amount in paid],
    )
    body = encode(body_of_sale(sale, user_id=shop.store.user_id, digits=2))
    wire = numerals.encode(sale_wire(shop.store, save(shop.store, numerals.decode(body))))
    shown = sale_of(trimmed(storable(parse(wire))), 2)
    assert [(line.price, line.tax, int(line.quantity)) for line in shown.lines] == lines
    assert [tender.amount for tender in shown.tenders] == paid
    assert shown.total == sum((price + tax) * quantity for price, tax, quantity in lines)


@cache
def _shop_without_server() -> Shop:
    store = LightspeedStore()
    store.standard = store.add_tax("Standard", "0.19", is_default=True)  # type: ignore[attr-defined]
    store.berlin = store.add_outlet("Berlin")  # type: ignore[attr-defined]
    return Shop(Till(store, Faults(), "", ""))


def test_what_the_till_can_not_keep_is_not_sent(shop: Shop) -> None:
    odd = shop.sale(lines=[shop.line(price=Decimal("0.333333"))])
    with pytest.raises(RecordRejected, match=r"W-1 can't be written: price") as refused:
        add(shop, odd)
    assert (refused.value.code, bodies(shop, "POST")) == ("unwritable", [])


def test_a_sale_is_replaced_as_a_whole_by_the_ids_it_carries(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale(state="pending", attributes=["onaccount"], tenders=[]))
    paid = shown.model_copy(
        update={
            "state": "closed",
            "tenders": (Tender(payment_type_id=shop.card, amount=2380, at=SOLD_AT),),
            "lines": (*shown.lines, shop.line(product_id=shop.shipping, quantity=1, sequence=2)),
        }
    )
    settled, exchanges = run(shop, lambda adapter: adapter.replace("c2", paid), writing=True)
    assert (settled.state, settled.attributes) == ("closed", ("onaccount",))
    assert [line.id == shown.lines[0].id for line in settled.lines] == [True, False]
    again, _ = run(shop, lambda adapter: adapter.replace("c3", settled), writing=True)
    assert [tender.id for tender in again.tenders] == [tender.id for tender in settled.tenders]
    fewer = settled.model_copy(update={"lines": settled.lines[:1]})
    left, _ = run(shop, lambda adapter: adapter.replace("c4", fewer), writing=True)
    assert [line.id for line in left.lines] == [settled.lines[0].id]
    assert len(exchanges) == 1
    assert shop.till.sent() == [f"PUT /api/2026-07/sales/{shown.id}"]


def test_a_voided_sale_is_final_and_still_found(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale())
    void = shown.model_copy(update={"state": "voided"})
    gone, _ = run(shop, lambda adapter: adapter.replace("c2", void), writing=True)
    assert (gone.state, gone.tenders, len(gone.lines)) == ("voided", (), 1)
    assert shop.level() == Decimal(10)
    found = run(shop, lambda adapter: adapter.find(shown.id))
    assert found is not None and found.state == "voided"
    with pytest.raises(RecordRejected):
        run(shop, lambda adapter: adapter.replace("c3", shown), writing=True)


def test_a_return_begins_with_what_has_not_come_back_yet(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale())
    shop.store.return_sale(shown.id, {shop.tee: 1})

    async def start(adapter: XSeriesSales) -> tuple[Sale, Any]:
        return await adapter.start_return("c2", shown.id)

    parked, exchanges = run(shop, start, writing=True)
    assert (parked.state, parked.return_of, len(exchanges)) == ("parked", shown.id, 1)
    assert [(line.quantity, line.price) for line in parked.lines] == [(Decimal(-1), Decimal(10))]
    finished = parked.model_copy(
        update={"state": "closed", "tenders": (Tender(payment_type_id=shop.card, amount=-1190),)}
    )
    back, _ = run(shop, lambda adapter: adapter.replace("c3", finished), writing=True)
    assert (back.total, back.tenders[0].amount) == (Decimal("-11.9"), -1190)
    found = run(shop, lambda adapter: adapter.find(shown.id))
    assert found is not None and found.returns[-1] == back.id
    assert shop.level() == Decimal(10)
    with pytest.raises(RecordRejected) as refused:
        run(shop, start, writing=True)
    assert refused.value.code == "nothing_to_return"
    with pytest.raises(TargetMissing):
        run(shop, lambda adapter: adapter.start_return("c4", str(uuid4())), writing=True)


def test_only_a_closed_sale_is_returned(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale(state="parked", tenders=[]))
    with pytest.raises(RecordRejected) as refused:
        run(shop, lambda adapter: adapter.start_return("c2", shown.id), writing=True)
    assert refused.value.code == "not_returnable"


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("wrong", "code", "remedy"),
    [
        ({"register_id": "closed"}, "register_closed", "Open the register"),
        ({"register_id": "3"}, "register_unknown", "orders.registers"),
        ({"tenders": [Tender(payment_type_id="shells", amount=1)]}, "tender_unknown", "orders.tenders"),
        ({"tax_id": "none"}, "tax_unknown", "orders.taxes"),
        ({"product_id": "none"}, "article_unknown", "run products"),
        ({"customer_id": "none"}, "customer_unknown", "Run customers"),
    ],
)
def test_what_a_store_refuses_is_told_apart(shop: Shop, wrong: Json, code: str, remedy: str) -> None:
    if wrong.get("register_id") == "closed":
        shop.store.registers.rows[shop.web].fields["is_open"] = False
        wrong = {}
    line = {name: wrong[name] for name in ("tax_id", "product_id") if name in wrong}
    more = {name: value for name, value in wrong.items() if name not in line}
    sale = shop.sale(lines=[shop.line(**line)], **more)
    with pytest.raises(RecordRejected, match="422") as refused:
        add(shop, sale)
    assert (refused.value.code, len(shop.till.sent())) == (code, 1)
    assert remedy in refused.value.remedy
    assert run(shop, lambda adapter: adapter.find(sale.id)) is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"error": "Register Web is closed"}, "register_closed"),
        ({"error": "The register has not been opened"}, "register_closed"),
        ({"errors": {"payments.0.type.config_id": ["is invalid"]}}, "tender_unknown"),
        ({"error": "Unknown retailer payment type"}, "tender_unknown"),
        ({"error": "tax_id does not exist"}, "tax_unknown"),
        ({"error": "Product not found"}, "article_unknown"),
        ({"error": "Customer not found"}, "customer_unknown"),
        ({"error": "User is not valid"}, "user_unknown"),
        ({"error": "The total of products and payments differs"}, "refused"),
        ({"error": "The sale was closed"}, "refused"),
        ({}, "refused"),
    ],
)
def test_refusals_are_understood_by_their_words_too(shop: Shop, said: Json, code: str) -> None:
    shop.till.faults.add(FaultRule(method="POST", match="/sales", kind="status", status=400, body=said))
    with pytest.raises(RecordRejected) as refused:
        add(shop, shop.sale())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"error": "All items were already returned"}, "nothing_to_return"),
        ({"error": "The register is closed"}, "register_closed"),
        ({"error": "Try later"}, "refused"),
    ],
)
def test_a_return_is_refused_for_its_reason(shop: Shop, said: Json, code: str) -> None:
    shop.till.faults.add(FaultRule(match="actions/return", kind="status", status=422, body=said))
    with pytest.raises(RecordRejected) as refused:
        run(shop, lambda adapter: adapter.start_return("c1", str(uuid4())), writing=True)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("what", "scope"), [("add", "sales:write"), ("replace", "sales:write"), ("start_return", "users:read")]
)
def test_a_write_that_the_token_may_not_make_names_the_scope(shop: Shop, what: str, scope: str) -> None:
    sale = shop.sale()

    async def write(adapter: XSeriesSales) -> Any:
        shop.till.faults.add(FaultRule(match="/sales", kind="status", status=403))
        if what == "start_return":
            return await adapter.start_return("c1", sale.id)
        return await (adapter.add if what == "add" else adapter.replace)("c1", sale)

    with pytest.raises(ConfigurationFault) as fault:
        run(shop, write, writing=True)
    assert scope in fault.value.remedy


def test_a_refused_update_keeps_its_reason_though_nothing_of_the_answer_is_told(shop: Shop) -> None:
    shown, _ = add(shop, shop.sale(state="pending", tenders=[]))
    shop.store.registers.rows[shop.web].fields["is_open"] = False
    closed = shown.model_copy(update={"state": "closed"})
    with pytest.raises(RecordRejected) as refused:
        run(shop, lambda adapter: adapter.replace("c2", closed), writing=True)
    assert refused.value.code == "register_closed"
    assert "Open the register" in refused.value.remedy
    assert refused.value.details is None


def test_an_id_that_is_taken_is_a_duplicate_where_the_store_does_not_update(
    open_till: Callable[..., Till],
) -> None:
    shop = Shop(open_till(sale_with_existing_id="conflict"))
    sale = shop.sale()
    add(shop, sale)
    with pytest.raises(DuplicateInTarget):
        add(shop, sale)


def test_a_sale_that_is_not_there_is_none_and_can_not_be_replaced(shop: Shop) -> None:
    sale = shop.sale()
    assert run(shop, lambda adapter: adapter.find(sale.id)) is None
    with pytest.raises(TargetMissing):
        run(shop, lambda adapter: adapter.replace("c1", sale), writing=True)


@pytest.mark.parametrize(
    "fault",
    [
        FaultRule(match="/sales", kind="timeout_after"),
        FaultRule(match="/sales", kind="timeout_before"),
        FaultRule(match="/sales", kind="status", status=502),
        FaultRule(match="/sales", kind="truncate_json"),
    ],
    ids=lambda rule: str(rule.kind),
)
@pytest.mark.parametrize("what", ["add", "replace", "start_return"])
def test_a_write_that_brought_no_answer_is_not_sent_twice(shop: Shop, fault: FaultRule, what: str) -> None:
    sale = shop.sale()
    if what != "add":
        add(shop, sale)

    async def write(adapter: XSeriesSales) -> Any:
        shop.till.faults.add(fault.model_copy())
        if what == "start_return":
            return await adapter.start_return("c1", sale.id)
        return await (adapter.add if what == "add" else adapter.replace)("c1", sale)

    with pytest.raises(UnknownOutcome):
        run(shop, write, writing=True)
    assert len(shop.till.sent()) == 1


@pytest.mark.parametrize("body", [{"data": {}}, {"data": {"id": "1", "state": "closed"}}, None])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_answer_that_does_not_show_the_sale_is_an_unknown_outcome(
    shop: Shop, method: str, body: Any
) -> None:
    sale = shop.sale()

    async def write(adapter: XSeriesSales) -> Any:
        shop.till.faults.add(FaultRule(method=method, kind="status", status=200, body=body))
        return await (adapter.add if method == "POST" else adapter.replace)("c1", sale)

    with pytest.raises(UnknownOutcome):
        run(shop, write, writing=True)


def test_a_sale_that_can_not_be_read_is_no_missing_one(shop: Shop) -> None:
    shop.till.faults.add(FaultRule(match="/sales/", kind="status", status=200, body={"data": {"id": "1"}}))
    with pytest.raises(UnreadableRows):
        run(shop, lambda adapter: adapter.find(str(uuid4())))


# ------------------------------------------------------------------------------------------------ terms


async def _terms(adapter: XSeriesSales) -> Any:
    return adapter.terms


def test_the_terms_name_everything_as_the_settings_spell_it(shop: Shop) -> None:
    group = shop.store.add_tax_group("GST and PST", [("GST", "0.05"), ("PST", "0.07")])
    terms = run(shop, _terms, writing=True)
    assert (terms.currency, terms.digits, terms.user_id, terms.no_tax_id) == (
        shop.store.currency,
        2,
        shop.store.user_id,
        shop.store.no_tax_id,
    )
    assert terms.outlets == {
        "Berlin": shop.berlin,
        " berlin": shop.berlin,
        "Hamburg": shop.store.hamburg,  # type: ignore[attr-defined]
    }
    register = terms.registers["web"]
    assert (register, register.name) == (terms.registers["Web"], "Web")
    assert (register.id, register.outlet_id, register.is_open) == (shop.web, shop.berlin, True)
    assert terms.payment_types["Credit Card"] == shop.card
    assert terms.taxes["standard"].id == shop.standard
    assert terms.taxes["standard"].rate == Decimal("0.19")
    assert terms.products == {"SHIP": shop.shipping, "Any-1": shop.any}
    assert terms.guest_id == shop.guest
    shared = terms.taxes["GST and PST"]
    assert (shared.id, shared.rate) == (group, Decimal("0.12"))
    assert [share for _, share in shared.parts] == [Decimal("0.05"), Decimal("0.07")]
    assert len({part for part, _ in shared.parts}) == 2


def test_users_and_the_guest_are_named_by_id_or_name(shop: Shop) -> None:
    fields = {"username": "web@x", "display_name": "Web Shop", "email": "planted@x.example"}
    user = shop.store.users.add(Record(id=shop.store.new_id(), fields=fields)).id
    for name in (user, "web shop", "web@x"):
        config = sale_settings(orders={"user": name, "customers": {"guest": shop.guest}})
        terms = run(shop, _terms, config, writing=True)
        assert (terms.user_id, terms.guest_id) == (user, shop.guest)


def test_registers_of_one_name_are_told_apart_by_the_outlet(shop: Shop) -> None:
    hamburg: str = shop.store.hamburg  # type: ignore[attr-defined]
    other = shop.store.add_register("Web", hamburg)
    config = sale_settings(orders={"registers": {"depot": "Web"}, "location": "depot"})
    assert run(shop, _terms, config, writing=True).registers["Web"].id == other
    both = sale_settings(orders={"registers": {"shop": "Web", "depot": "Web"}})
    with pytest.raises(ConfigurationFault, match="Two locations") as fault:
        run(shop, _terms, both, writing=True)
    assert "by their ids" in fault.value.remedy
    by_id = sale_settings(orders={"registers": {"shop": shop.web, "depot": other}})
    registers = run(shop, _terms, by_id, writing=True).registers
    assert (registers[shop.web].outlet_id, registers[other].outlet_id) == (shop.berlin, hamburg)


WRONG: list[tuple[Json, str]] = [
    ({"registers": {"shop": "Online"}}, "no register 'Online'; the store has Till 1, Web"),
    ({"registers": {"depot": "Web"}}, "does not belong to the outlet Hamburg"),
    ({"registers": {"moon": "Web"}}, "no location 'moon'"),
    ({"tenders": [{"tender": "Shells"}]}, "no payment type 'Shells'; the store has Cash, Credit Card"),
    ({"paid_without": "Shells"}, "no payment type 'Shells'"),
    ({"returns": {"tender": "Shells"}}, "no payment type 'Shells'"),
    ({"taxes": [{"rate": "0.19", "tax": "VAT"}]}, "no tax 'VAT'; the store has No Tax, Reduced, Standard"),
    ({"user": "Nobody"}, "no user 'Nobody'"),
    ({"customers": {"guest": "GONE"}}, "No customer at the till has the code or id 'GONE'"),
    ({"products": {"refund": "BACK"}}, "article BACK: No article at the till has this SKU"),
    ({"products": {"refund": "ship"}}, "article ship: No article at the till has this SKU"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_the_settings_name_in_vain_stops_a_run_that_writes_and_no_other(
    shop: Shop, wrong: Json, said: str
) -> None:
    config = sale_settings(orders=wrong)
    run(shop, all_sales, config)
    with pytest.raises(ConfigurationFault) as fault:
        run(shop, all_sales, config, writing=True)
    assert said in fault.value.message
    assert "`orders." in fault.value.remedy


def test_an_article_that_was_deleted_or_is_there_twice_is_not_sold(open_till: Callable[..., Till]) -> None:
    shop = Shop(open_till(duplicate_codes="allow"))
    shop.store.delete_product(shop.shipping)
    shop.store.add_product_family("Double", sku="Any-1", price="1")
    with pytest.raises(ConfigurationFault) as fault:
        run(shop, all_sales, writing=True)
    assert "SHIP: No article" in fault.value.message
    assert "Any-1: 2 articles" in fault.value.message


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, ["/retailer"]),
        (
            {"sales": {"target": "entries"}},
            ["/outlets", "/payment_types", "/registers", "/retailer", "/taxes"],
        ),
    ],
)
def test_only_what_the_settings_need_is_asked_for(shop: Shop, settings: Json, asked: list[str]) -> None:
    config = SyncSettings.model_validate(settings)

    async def prepare(adapter: XSeriesSales) -> None:
        await adapter.prepare(writing=True)

    run(shop, prepare, config, prepared=False)
    assert sorted({line.partition("2026-07")[2] for line in shop.till.sent()}) == asked


def test_a_sale_is_not_written_without_somebody_who_sells(shop: Shop) -> None:
    config = SyncSettings.model_validate({"sales": {"target": "entries"}})
    with pytest.raises(ConfigurationFault, match="user who sells"):
        add(shop, shop.sale(), config)
    assert shop.till.sent("POST") == []


# ------------------------------------------------------------------------------------------------ privacy

PLANTED = ("planted", "K-4711-4711")


def test_no_exchange_error_or_log_line_says_who_bought(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    person = shop.store.add_customer(
        first_name="Plantedfirst", email="planted@x.example", customer_code="K-4711-4711"
    )
    user = shop.store.users.rows[shop.store.user_id]
    user.fields |= {"display_name": "Plantedseller", "email": "planted.seller@x.example"}
    own = shop.store.sell(shop.berlin, [(shop.tee, 1)], customer_id=person, note="Plantednote")
    echo = {"error": "Plantedfirst", "fields": {"customer": "planted@x.example"}}
    said: list[str] = []
    config = sale_settings(orders={"customers": {"guest": person}, "user": shop.store.user_id})

    async def tried(work: Awaitable[Any]) -> Any:
        try:
            return await work
        except SyncError as problem:
            said.append(f"{problem} {vars(problem)}")

    async def everything(adapter: XSeriesSales) -> None:
        await adapter.prepare(writing=True)
        await walked(adapter)
        await pages_of(adapter.sales.search([own, "1"]))
        sale, _ = await adapter.add("c1", shop.sale(customer_id=person))
        shop.store.sales.rows[sale.id].lines[0].note = "Planted by a cashier"
        there = await adapter.find(sale.id)
        assert there is not None
        await tried(adapter.replace("c2", there))
        await tried(adapter.start_return("c3", own))
        for status in (400, 403, 404, 409, 422, 500):
            for method in ("GET", "PUT"):
                shop.till.faults.add(FaultRule(method=method, kind="status", status=status, body=echo))
            shop.till.faults.add(FaultRule(match="return", kind="status", status=status, body=echo))
            await tried(adapter.find(sale.id))
            await tried(adapter.replace("c2", there))
            await tried(adapter.start_return("c3", sale.id))
        await adapter.check()

    run(shop, everything, config, prepared=False)
    shown = [str(vars(exchange)) for exchange in shop.till.exchanges.kept]
    assert len(shown) > 30
    assert len(said) > 12
    logged = [
        one.getMessage() for one in caplog.records if one.name.startswith(("retail_sync.l", "retail_sync.t"))
    ]
    for text in (*shown, *said, *logged):
        assert not [word for word in PLANTED if word.lower() in text.lower()], text


def test_the_exchange_of_a_new_sale_shows_its_change_and_the_shape_of_the_document(shop: Shop) -> None:
    add(shop, shop.sale())
    (exchange,) = shop.till.exchanges.kept
    assert exchange.context == {"change": "c1"}
    assert '"line_items"' in str(exchange.request_body)
    assert "Web order 1001" not in f"{exchange.request_body} {exchange.response_body}"


# ------------------------------------------------------------------------------------------------ description


def test_a_body_holds_described_members_and_all_that_are_wanted(shop: Shop) -> None:
    description = DESCRIPTIONS / "x-series-2026-07.condensed.yaml"
    if not description.is_file():
        pytest.skip("the official description is not beside this checkout")
    described = yaml.safe_load(description.read_text())["schemas_2026_07"]["SaleRequest"]
    line = shop.line(id=str(uuid4()), note="SKU Hat")
    tender = Tender(id=str(uuid4()), payment_type_id=shop.card, amount=1, at=SOLD_AT)
    body = body_of_sale(
        shop.sale(attributes=["pickup"], lines=[line], tenders=[tender]), user_id="u", digits=2
    )
    assert set(body) == {field.serialization_alias or name for name, field in SaleBody.model_fields.items()}
    assert _differences(body, described, "") == []


def _differences(value: Any, described: Any, where: str) -> list[str]:
    """Members that are not described, and described ones that are wanted (`!`) and missing."""
    if isinstance(described, list) and isinstance(value, list):
        return [text for item in value for text in _differences(item, described[0], where)]
    if not isinstance(described, dict) or not isinstance(value, dict):
        return []
    plain = {name.rstrip("!?"): (name, below) for name, below in described.items()}
    missing = [
        f"{where}.{name}: missing" for name, (full, _) in plain.items() if "!" in full and name not in value
    ]
    unknown = [f"{where}.{name}: not described" for name in value if name not in plain]
    below = [
        text
        for name, item in value.items()
        if name in plain
        for text in _differences(item, plain[name][1], f"{where}.{name}")
    ]
    return [*missing, *unknown, *below]


# ------------------------------------------------------------------------------------------------ preflight


def findings(shop: Shop, config: SyncSettings | None = None) -> dict[tuple[str, str], str]:
    found = run(shop, lambda adapter: adapter.check(), config, prepared=False)
    assert all(one.remedy for one in found if one.level != "ok")
    return told(found)


def test_preflight_of_a_till_that_is_ready_finds_nothing_amiss(shop: Shop) -> None:
    said = findings(shop)
    assert {level for level, _ in said} == {"ok"}
    assert "sales:write" in said["ok", "scopes"]
    assert said["ok", "register of shop"] == "Web, open"
    assert said["ok", "tax standard"] == "19 %"
    assert ("ok", "guest customer") in said
    assert ("ok", "user of the connection") in said
    assert f"{shop.store.currency}, 2 digits" in said["ok", "currency of sales"]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_preflight_tells_each_name_that_is_not_there(shop: Shop, wrong: Json, said: str) -> None:
    found = findings(shop, sale_settings(orders=wrong))
    errors = [f"{subject}: {text}" for (level, subject), text in found.items() if level == "error"]
    assert any(said in text for text in errors)


def test_preflight_warns_of_what_works_but_not_well(shop: Shop) -> None:
    shop.store.registers.rows[shop.web].fields["is_open"] = False
    shop.store.users.rows[shop.store.user_id].fields["enabled"] = False
    shop.store.outlets.rows[shop.berlin].fields["currency"] = "XTS"
    orders = {
        "taxes": [{"rate": "0.16", "tax": "Standard"}],
        "tenders": [],
        "products": {"shipping": "TEE"},
        "places": [{"location": "depot"}, {"location": "moon"}],
    }
    said = findings(shop, sale_settings(orders=orders))
    assert "wait until it is open" in said["warning", "register of shop"]
    assert "disabled" in said["warning", "user of the connection"]
    assert "16 %" in said["warning", "tax Standard"]
    assert "held" in said["warning", "payment types"]
    assert "counts stock" in said["warning", "article TEE"]
    assert "XTS" in said["error", "currency of shop"]
    assert "`orders.registers`" in said["error", "register of depot"]
    assert "no location 'moon'" in said["error", "location moon"]


def test_preflight_warns_of_a_channel_whose_orders_would_find_no_register(shop: Shop) -> None:
    locations = [LOCATIONS[0], {**LOCATIONS[1], "channel": "warehouse"}]
    said = findings(shop, sale_settings(locations=locations))
    assert "channel warehouse" in said["warning", "register of depot"]
    never = findings(shop, sale_settings(locations=locations, orders={"split": "never"}))
    assert not [level for level, _ in never if level != "ok"]


def test_preflight_says_when_no_place_of_orders_is_named(shop: Shop) -> None:
    said = findings(shop, sale_settings(orders={"location": None}))
    assert "orders.location" in said["error", "location of orders"]


def test_preflight_names_every_scope_that_is_missing(shop: Shop) -> None:
    shop.till.token = shop.store.tokens.add_personal(scopes=frozenset({"outlets:read"}))
    said = findings(shop)
    assert {subject for _, subject in said} == {
        "scope sales:read",
        "scope retailer:read and payment_types:read",
        "scope registers:read",
        "scope payment_types:read",
        "scope taxes:read",
        "scope users:read",
        "scope products:read",
        "scope customers:read",
    }
    assert {level for level, _ in said} == {"error"}


def test_preflight_of_sales_that_nobody_uses_asks_nothing(shop: Shop) -> None:
    assert findings(shop, SyncSettings()) == {}
    assert shop.till.sent() == []
