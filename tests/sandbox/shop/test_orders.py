"""The orders and sales of the sample shops: exactly the figures of the files, and of every kind something."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from demo.sandbox import settings_of_shop
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.validation.contradictions import cross_check
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from sandbox.shop import SAMPLE_SHOP, Shop, default_config, load_shop
from sandbox.shop.made_orders import GONE, PREFIX
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store
from sandbox.shop.services import SERVICES

GOODSTORE = Path(__file__).parents[4] / "shared" / "data" / "goodstore"
FOLDERS = [SAMPLE_SHOP, GOODSTORE]
Order = dict[str, Any]


def loaded(folder: Path, **more: str) -> Shop:
    if not folder.is_dir():
        pytest.skip("the published sample shop is not beside the checkout")
    return load_shop(folder, **more)


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda path: path.name)
def shop(request: pytest.FixtureRequest) -> Shop:
    return loaded(request.param)


@pytest.fixture(scope="module")
def store(shop: Shop) -> CommercetoolsStore:
    return new_commercetools_store(shop, with_orders=True)


@pytest.fixture(scope="module")
def sample() -> CommercetoolsStore:
    return new_commercetools_store(load_shop(SAMPLE_SHOP), with_orders=True)


@pytest.fixture(scope="module")
def till() -> LightspeedStore:
    return new_lightspeed_store(load_shop(SAMPLE_SHOP), with_orders=True)


def cents(money: Order) -> int:
    return int(money["centAmount"])


def by_number(store: CommercetoolsStore) -> dict[str, Order]:
    return {order["orderNumber"]: order for order in store.all("orders")}


def made(store: CommercetoolsStore) -> list[Order]:
    return [order for order in store.all("orders") if order["orderNumber"].startswith(PREFIX)]


def payments(store: CommercetoolsStore, order: Order) -> list[Order]:
    ids = [each["id"] for each in order.get("paymentInfo", {}).get("payments", [])]
    return [payment for id in ids if (payment := store.get("payments", id=id)) is not None]


def test_every_order_of_the_file_comes_to_its_figures_and_is_taxed_line_by_line(
    shop: Shop, store: CommercetoolsStore
) -> None:
    found = by_number(store)
    for draft in shop.orders:
        order = found[draft["orderNumber"]]
        for name in ("totalNet", "totalGross"):
            assert cents(order["taxedPrice"][name]) == cents(draft["taxedPrice"][name])
        assert cents(order["totalPrice"]) == cents(draft["totalPrice"])
        assert [
            (line["variant"]["sku"], line["quantity"], cents(line["price"]["value"]))
            for line in order["lineItems"]
        ] == [
            (line["variant"]["sku"], line["quantity"], cents(line["price"]["value"]))
            for line in draft["lineItems"]
        ]
        assert all("taxedPrice" in line for line in order["lineItems"])
        states = ("orderState", "paymentState", "shipmentState")
        assert [order.get(name) for name in states] == [
            draft.get(name, "Open" if name == "orderState" else None) for name in states
        ]


def test_an_order_that_is_paid_has_one_charge_of_what_it_comes_to(
    shop: Shop, store: CommercetoolsStore
) -> None:
    found = by_number(store)
    for draft in shop.orders:
        order = found[draft["orderNumber"]]
        charged = [
            cents(each["amount"])
            for payment in payments(store, order)
            for each in payment["transactions"]
            if (each["type"], each["state"]) == ("Charge", "Success")
        ]
        gross = cents(order["taxedPrice"]["totalGross"])
        assert charged == ([gross] if draft.get("paymentState") == "Paid" else [])


def test_what_the_lines_of_goodstore_leave_over_is_its_shipping_and_of_one_order_something_unlisted() -> None:
    store = new_commercetools_store(loaded(GOODSTORE), with_orders=True)
    orders = store.all("orders")
    shipped = Counter(order.get("shippingInfo", {}).get("shippingMethodName") for order in orders)
    assert shipped == {"Standard Delivery": 135, "Express Delivery": 16, None: 6}
    unlisted = [line for order in orders for line in order["customLineItems"]]
    assert [(line["slug"], cents(line["money"])) for line in unlisted] == [("unlisted", 599)]
    assert Counter(order["totalPrice"]["currencyCode"] for order in orders) == {"GBP": 149, "EUR": 8}


def test_without_being_asked_the_shop_has_the_orders_of_the_file_and_nothing_else() -> None:
    shop = load_shop(SAMPLE_SHOP)
    online, till = new_commercetools_store(shop), new_lightspeed_store(shop)
    assert (len(online.all("orders")), online.all("payments"), till.all_sales(deleted=True)) == (10, [], [])
    assert not set(SERVICES) & {row["sku"] for row in till.all_products()}


def test_the_made_orders_are_of_every_kind(sample: CommercetoolsStore) -> None:
    orders = made(sample)
    assert len(orders) == 24
    kinds = {
        "split over channels": [
            order
            for order in orders
            if len({line.get("supplyChannel", {}).get("id") for line in order["lineItems"]}) > 1
        ],
        "unknown SKU": [o for o in orders if GONE in [line["variant"]["sku"] for line in o["lineItems"]]],
        "line discount": [
            order
            for order in orders
            if any(len(line["discountedPricePerQuantity"]) > 1 for line in order["lineItems"])
        ],
        "discount of the whole": [order for order in orders if "discountOnTotalPrice" in order],
        "gift wrap": [o for o in orders if "gift-wrap" in [line["slug"] for line in o["customLineItems"]]],
        "gift": [o for o in orders if "GiftLineItem" in [line["lineItemMode"] for line in o["lineItems"]]],
        "negative line": [
            o for o in orders if any(cents(line["money"]) < 0 for line in o["customLineItems"])
        ],
        "cancelled": [order for order in orders if order["orderState"] == "Cancelled"],
        "without account": [order for order in orders if "customerId" not in order],
    }
    assert {name: len(found) for name, found in kinds.items()} == dict.fromkeys(kinds, 1)
    returned = [info for order in orders for info in order["returnInfo"]]
    assert sorted(info["items"][0]["shipmentState"] for info in returned) == ["BackInStock", "Unusable"]


def test_the_made_orders_are_paid_in_all_ways_and_some_not_at_all(sample: CommercetoolsStore) -> None:
    methods: Counter[str] = Counter()
    unpaid = 0
    for order in made(sample):
        found = payments(sample, order)
        methods.update(payment["paymentMethodInfo"]["method"] for payment in found)
        paid = sum(
            cents(each["amount"]) * {"Charge": 1, "Refund": -1}.get(each["type"], 0)
            for payment in found
            for each in payment["transactions"]
            if each["state"] == "Success"
        )
        if not order["returnInfo"]:
            assert paid in (0, cents(order["taxedPrice"]["totalGross"]))
            unpaid += paid == 0
    assert methods == {"card": 20, "paypal": 2, "gift-card": 2, "invoice": 1}
    assert unpaid == 2, "an invoice, and what is only authorised"


def test_the_shop_is_the_same_at_every_start(sample: CommercetoolsStore) -> None:
    def told(store: CommercetoolsStore) -> list[Any]:
        return [(o["id"], o["totalPrice"], o["lineItems"][0]["variant"]["sku"]) for o in store.all("orders")]

    again = new_commercetools_store(load_shop(SAMPLE_SHOP), with_orders=True)
    assert told(again) == told(sample)


def test_the_till_has_sold_to_people_and_to_others_and_taken_something_back(till: LightspeedStore) -> None:
    sales = till.all_sales(deleted=True)
    assert Counter(sale["state"] for sale in sales) == {"closed": 12, "voided": 1}
    back = [sale for sale in sales if sale["return"]["is_return"]]
    assert [sale["totals"]["price_incl_tax"] < 0 for sale in back] == [True]
    whose = [sale["customer_id"] is None for sale in sales]
    assert 0 < sum(whose) < len(sales)
    assert any(sale["totals"]["loyalty"] > 0 for sale in sales)
    for sale in sales:
        if sale["state"] == "closed":
            assert (
                sum(Decimal(each["amount"]) for each in sale["payments"]) == sale["totals"]["price_incl_tax"]
            )


def test_services_count_no_stock_and_have_no_price_of_their_own(till: LightspeedStore) -> None:
    found = {row["sku"]: row for row in till.all_products() if row["sku"] in SERVICES}
    assert found.keys() == SERVICES.keys()
    assert not any(row["has_inventory"] for row in found.values())
    assert {row["price_including_tax"] for row in found.values()} == {0}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_settings_of_a_shop_with_orders_are_sound_and_name_what_its_till_has(folder: Path) -> None:
    shop = loaded(folder)
    settings = SyncSettings.model_validate(settings_of_shop(default_config(shop), with_orders=True))
    assert list(cross_check(settings)) == []
    till = new_lightspeed_store(shop, with_orders=True)
    assert settings.orders.service_skus == SERVICES.keys()
    assert set(settings.products.assortment.lightspeed.exclude_skus) == SERVICES.keys()
    named = {one.tender for one in settings.orders.tenders}
    assert named <= {row.fields["name"] for row in till.payment_types.live()}
    registers = {row.fields["name"] for row in till.registers.live()}
    assert set(settings.orders.registers.values()) <= registers
    assert settings.sales.target == "orders"


def test_a_shop_without_orders_exports_none() -> None:
    settings = SyncSettings.model_validate(settings_of_shop(default_config(load_shop(SAMPLE_SHOP))))
    assert not settings.orders.exported
    assert settings.sales.target == "none"


def test_a_derived_till_can_be_in_another_country_with_its_currency() -> None:
    retailer = loaded(GOODSTORE, till_country="GB").lightspeed.retailer
    assert (retailer["country"], retailer["currency"], retailer["tax_exclusive"]) == ("GB", "GBP", True)
