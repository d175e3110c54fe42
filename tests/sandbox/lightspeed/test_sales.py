"""Sales: their shape, their states, what they take from stock and what gives it back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sandbox.lightspeed.shop_actions.sales import Rung

if TYPE_CHECKING:
    from .conftest import Shop


def mug(shop: Shop, level: int = 10, **more: Any) -> str:
    (product_id,) = shop.store.add_product_family("Mug", price="11.50", **more)
    if more.get("track_inventory", True):
        shop.store.set_stock(product_id, shop.berlin, level)
    return product_id


def till(shop: Shop) -> str:
    return next(iter(shop.store.registers.rows))


def card(shop: Shop) -> str:
    return next(row.id for row in shop.store.payment_types.live() if row.name == "Credit Card")


def line(shop: Shop, product_id: str, quantity: float = 2, **more: Any) -> dict[str, Any]:
    priced = {"pricing": {"price": 10}, "tax": {"id": shop.tax, "amount": "1.5"}}
    return {"product": {"id": product_id}, "quantity": quantity, **priced, **more}


def sale(shop: Shop, *lines: dict[str, Any], state: str = "closed", **more: Any) -> dict[str, Any]:
    source = {"register_id": till(shop), "author_id": shop.store.user_id, "id": "O-1", "type": "web"}
    paid = [{"type": {"config_id": card(shop)}, "amount": 23}] if state == "closed" else []
    return {"source": source, "state": state, "line_items": list(lines), "payments": paid, **more}


def level(shop: Shop, product_id: str) -> Decimal | None:
    return shop.store.stock_level(product_id, shop.berlin)


def test_a_sale_is_answered_with_its_totals_and_its_version_aside(shop: Shop) -> None:
    product_id, sale_id = mug(shop), str(uuid4())
    made = shop.post("sales", sale(shop, line(shop, product_id), id=sale_id))["data"]
    assert made["id"] == sale_id
    assert "version" not in made
    assert made["_metadata"]["version"] > 0
    assert made["source"] == {
        "id": "O-1",
        "type": "web",
        "outlet_id": shop.berlin,
        "register_id": till(shop),
        "author": {"id": shop.store.user_id},
    }
    assert made["totals"] == {"price": 20, "price_incl_tax": 23, "tax": 3, "loyalty": 0, "surcharge": 0}
    assert made["taxes"] == [{"id": shop.tax, "tax": 3}]
    (item,) = made["line_items"]
    assert (item["status"], item["pricing"]["total"], item["tax"]["total"]) == ("CONFIRMED", 20, 3)
    assert made["payments"][0]["type"] == {"id": "5", "name": "Credit Card", "config_id": card(shop)}
    assert shop.get(f"sales/{sale_id}")["data"] == made
    shop.get(f"sales/{uuid4()}", 404)


def test_the_register_numbers_invoices_that_have_no_number(shop: Shop) -> None:
    shop.store.registers.rows[till(shop)].fields["invoice_prefix"] = "B-"
    numbers = [
        shop.post("sales", sale(shop, state="parked", **more))["data"]["invoice_number"]
        for more in ({}, {"invoice_number": "CT-1"}, {})
    ]
    assert numbers == ["B-1", "CT-1", "B-2"]


def test_sales_are_a_version_feed_that_ignores_dates(shop: Shop) -> None:
    product_id = mug(shop)
    first, second = (shop.store.sell(shop.berlin, [(product_id, 1)], state="parked") for _ in range(2))
    shop.store.complete_sale(first)
    rows = shop.feed("sales", page_size=1, date_from="2099-01-01")
    assert [(row["id"], row["state"]) for row in rows] == [(second, "parked"), (first, "closed")]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"source": {}}, 422),
        ({"source": {"author_id": "nobody"}}, 422),
        ({"source": 3}, 400),
        ({"state": "sold"}, 422),
        ({"state": None}, 422),
        ({"attributes": ["layby", "onaccount"]}, 422),
        ({"attributes": ["pickup", "delivery"]}, 422),
        ({"attributes": ["gift"]}, 422),
        ({"customer_id": "nobody"}, 422),
        ({"id": "order-123"}, 422),
        ({"date": "yesterday"}, 422),
        ({"payments": [{"type": {"config_id": "shells"}, "amount": 1}]}, 422),
        ({"payments": [{"amount": 1}]}, 422),
        ({"line_items": {}}, 400),
    ],
)
def test_a_sale_that_is_wrong_is_refused(shop: Shop, wrong: dict[str, Any], status: int) -> None:
    shop.post("sales", sale(shop, line(shop, mug(shop))) | wrong, status)
    assert shop.get("sales")["data"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"product": {"id": "unknown"}},
        {"quantity": None},
        {"pricing": {}},
        {"pricing": {"price": "dear"}},
        {"tax": {"amount": 1}},
        {"tax": {"id": "unknown", "amount": 1}},
    ],
)
def test_a_line_that_is_wrong_refuses_the_sale(shop: Shop, wrong: dict[str, Any]) -> None:
    product_id = mug(shop)
    shop.post("sales", sale(shop, line(shop, product_id), line(shop, product_id) | wrong), 422)
    assert level(shop, product_id) == 10


def test_a_closed_register_takes_neither_closed_sales_nor_payments(shop: Shop) -> None:
    product_id = mug(shop)
    shop.store.registers.rows[till(shop)].fields["is_open"] = False
    payments = [{"type": {"config_id": card(shop)}, "amount": 1}]
    shop.post("sales", sale(shop, line(shop, product_id)), 422)
    shop.post("sales", sale(shop, line(shop, product_id), state="pending") | {"payments": payments}, 422)
    shop.post("sales", sale(shop, line(shop, product_id), state="pending"))


def test_a_known_id_updates_or_conflicts_as_the_store_is_told(shop: Shop) -> None:
    product_id, sale_id = mug(shop), str(uuid4())
    shop.post("sales", sale(shop, line(shop, product_id), id=sale_id))
    again = shop.post("sales", sale(shop, line(shop, product_id, 3), id=sale_id))["data"]
    assert again["line_items"][0]["quantity"] == 3
    assert level(shop, product_id) == 7
    shop.store.options.sale_with_existing_id = "conflict"
    shop.post("sales", sale(shop, line(shop, product_id), id=sale_id), 409)


def test_an_update_replaces_all_of_a_sale_and_knows_lines_by_their_id(shop: Shop) -> None:
    product_id = mug(shop)
    given = sale(shop, line(shop, product_id), line(shop, product_id, 1), state="pending")
    made = shop.post("sales", given | {"note": "n"})["data"]
    kept = line(shop, product_id, 2, id=made["line_items"][0]["id"])
    changed = shop.put(f"sales/{made['id']}", sale(shop, kept, line(shop, product_id, 5), state="pending"))
    lines = changed["data"]["line_items"]
    assert [item["quantity"] for item in lines] == [2, 5]
    assert lines[0]["id"] == made["line_items"][0]["id"]
    assert lines[1]["id"] not in [item["id"] for item in made["line_items"]]
    assert changed["data"]["note"] == ""
    assert changed["data"]["invoice_number"] == made["invoice_number"]


def test_a_payment_that_is_not_sent_again_is_deleted_and_one_without_its_id_is_a_new_one(shop: Shop) -> None:
    given = sale(shop, line(shop, mug(shop)))
    made = shop.post("sales", given)["data"]
    first = made["payments"][0]["id"]
    paid = shop.put(f"sales/{made['id']}", given)["data"]["payments"]
    assert [(each["id"] == first, each["deleted_at"] is None) for each in paid] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("parked", "closed", 200),
        ("pending", "parked", 200),
        ("closed", "voided", 200),
        ("closed", "pending", 422),
        ("closed", "parked", 422),
        ("voided", "closed", 422),
        ("voided", "voided", 422),
    ],
)
def test_closed_sales_are_voided_at_most_and_voided_ones_are_final(
    shop: Shop, before: str, after: str, status: int
) -> None:
    product_id = mug(shop)
    made = shop.post("sales", sale(shop, line(shop, product_id), state=before))["data"]
    shop.put(f"sales/{made['id']}", sale(shop, line(shop, product_id), state=after), status)


@pytest.mark.parametrize(
    ("state", "attributes", "left"),
    [
        ("closed", [], 8),
        ("pending", ["onaccount"], 8),
        ("pending", [], 10),
        ("parked", [], 10),
        ("voided", [], 10),
        ("pending", ["layby"], 10),
        ("pending", ["delivery"], 10),
    ],
)
def test_closed_sales_and_sales_on_account_take_stock(
    shop: Shop, state: str, attributes: list[str], left: int
) -> None:
    product_id = mug(shop)
    before = shop.store.ticker.version
    shop.post("sales", sale(shop, line(shop, product_id), state=state, attributes=attributes))
    assert level(shop, product_id) == left
    moved = shop.post("inventory", {"after": before})
    assert [row["outlet_id"] for row in moved] == ([shop.berlin] if left < 10 else [])


def test_what_a_pending_sale_took_is_not_taken_again_when_it_is_closed(shop: Shop) -> None:
    product_id = mug(shop)
    shop.store.options.pending_sales_take_stock = frozenset({"pickup"})
    sale_id = shop.store.sell(shop.berlin, [(product_id, 3)], state="pending", attributes=["pickup"])
    assert level(shop, product_id) == 7
    shop.store.complete_sale(sale_id)
    assert level(shop, product_id) == 7
    assert shop.get(f"sales/{sale_id}")["data"]["payments"][0]["amount"] == Decimal("34.5")


def test_a_voided_sale_gives_stock_back_and_loses_its_payments(shop: Shop) -> None:
    product_id = mug(shop)
    sale_id = shop.store.sell(shop.berlin, [(product_id, 3)])
    assert level(shop, product_id) == 7
    shop.store.void_sale(sale_id)
    assert level(shop, product_id) == 10
    assert [each["deleted_at"] is None for each in shop.get(f"sales/{sale_id}")["data"]["payments"]] == [
        False
    ]


def test_negative_lines_raise_stock(shop: Shop) -> None:
    product_id = mug(shop)
    made = shop.post("sales", sale(shop, line(shop, product_id, -1)))["data"]
    assert made["return"] == {"is_return": True, "original_sale_id": None, "return_sale_ids": []}
    assert level(shop, product_id) == 11


def test_untracked_products_have_no_level_and_parts_of_a_composite_move_instead(shop: Shop) -> None:
    service = mug(shop, track_inventory=False)
    (cup,) = shop.store.add_product_family("Cup", price="5")
    crate = shop.store.add_composite("Crate", [(cup, 6), (service, 1)], price="25")
    shop.store.sell(shop.berlin, [(crate, 2), (service, 1), (cup, "0.5")])
    assert level(shop, cup) == Decimal("-12.5")
    assert (level(shop, service), level(shop, crate)) == (None, None)
    shown = shop.product(crate)
    assert (shown["is_composite"], shown["has_inventory"]) == (True, False)
    assert shown["composite_bom"] == {cup: 6, service: 1}


def test_a_return_is_parked_with_what_is_left_and_replaces_other_parked_returns(shop: Shop) -> None:
    product_id = mug(shop)
    sale_id = shop.store.sell(shop.berlin, [(product_id, 3)])
    first = shop.post(f"sales/{sale_id}/actions/return", {})["data"]
    assert first["state"] == "parked"
    assert first["return"]["original_sale_id"] == sale_id
    assert [(item["quantity"], item["return"]["is_return"]) for item in first["line_items"]] == [(-3, True)]
    shop.store.return_sale(sale_id, {product_id: 1})
    assert shop.get(f"sales/{first['id']}")["data"]["state"] == "voided"
    assert level(shop, product_id) == 8
    second = shop.post(f"sales/{sale_id}/actions/return", {})["data"]
    assert second["line_items"][0]["quantity"] == -2
    back = line(shop, product_id, -2, id=second["line_items"][0]["id"])
    shop.put(f"sales/{second['id']}", sale(shop, back, line(shop, product_id, -1)), 422)
    shop.put(f"sales/{second['id']}", sale(shop, back))
    assert level(shop, product_id) == 10
    shop.post(f"sales/{sale_id}/actions/return", {}, 422)
    assert len(shop.get(f"sales/{sale_id}")["data"]["return"]["return_sale_ids"]) == 3
    shop.post(f"sales/{shop.store.sell(shop.berlin, [], state='parked')}/actions/return", {}, 422)


def test_sales_are_searched_by_status_product_and_number(shop: Shop) -> None:
    product_id, (other,) = mug(shop), shop.store.add_product_family("Cup", price="5")
    closed = shop.store.sell(shop.berlin, [(product_id, 1)], invoice_number="CT-7")
    waiting = shop.store.sell(shop.berlin, [(other, 1)], state="pending", attributes=["pickup"])

    def found(**query: Any) -> list[str]:
        # Not `get`: its parameter `status` is the expected one of the answer.
        rows = shop.call("GET", "search", params={"type": "sales", **query})["data"]
        return [row["id"] for row in rows]

    assert found() == [closed, waiting]
    assert found(offset=1, page_size=5) == [waiting]
    assert found(status="AWAITING_PICKUP") == found(attributes="pickup") == [waiting]
    assert found(state="closed") == found(invoice_number="CT-7") == found(product_id=product_id) == [closed]
    assert found(outlet_id=shop.hamburg) == found(customer_id="nobody") == []
    assert found(date_from="2026-11-24") == []
    assert found(date_to="2026-11-24") == [closed, waiting]


def test_sales_need_their_scopes(shop: Shop) -> None:
    def only(*scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {shop.store.tokens.add_personal(scopes=frozenset(scopes))}"}

    sale_id = shop.store.sell(shop.berlin, [(mug(shop), 1)])
    shop.call("GET", "sales", 403, headers=only("products:read"))
    shop.call("GET", "search?type=sales", 403, headers=only("products:read"))
    shop.call("POST", "sales", 403, headers=only("sales:read"), json={})
    shop.call("POST", f"sales/{sale_id}/actions/return", 403, headers=only("sales:write"))
    shop.call("POST", f"sales/{sale_id}/actions/return", headers=only("sales:write", "users:read"))


def test_a_sale_at_an_outlet_without_an_open_register_is_not_rung_up(shop: Shop) -> None:
    with pytest.raises(ValueError, match="no open register"):
        shop.store.sell(shop.hamburg, [(mug(shop), 1)])


# --- at the till ---


def member(shop: Shop, **fields: Any) -> str:
    return shop.store.add_customer(first_name="Ada", enable_loyalty=True, **fields)


def balance(shop: Shop, customer: str) -> Any:
    return shop.store.customer(customer)["loyalty_balance"]


def test_a_sale_is_rung_up_for_a_customer_with_a_discount_and_several_tenders(shop: Shop) -> None:
    product_id, customer = mug(shop), member(shop)
    lines = [Rung(product_id, 2, discount="1.15"), Rung(product_id, 1, price="23.00", note="large")]
    tenders = [("Credit Card", "20"), ("Cash", None)]
    sale_id = shop.store.sell(shop.berlin, lines, customer=customer, tenders=tenders)
    made = shop.get(f"sales/{sale_id}")["data"]
    assert made["customer_id"] == customer
    assert [(each["pricing"]["price"], each["pricing"]["discount"]) for each in made["line_items"]] == [
        (9, 1),
        (20, 0),
    ]
    assert made["totals"]["price_incl_tax"] == Decimal("43.7")
    assert [(each["type"]["name"], each["amount"]) for each in made["payments"]] == [
        ("Credit Card", 20),
        ("Cash", Decimal("23.7")),
    ]
    with pytest.raises(ValueError, match="payment type"):
        shop.store.sell(shop.berlin, lines, tenders=[("Shells", None)])


def test_units_keep_five_decimals_and_what_is_paid_has_two(shop: Shop) -> None:
    (product_id,) = shop.store.add_product_family("Sweet", price="0.10", track_inventory=False)
    made = shop.get(f"sales/{shop.store.sell(shop.berlin, [(product_id, 7)])}")["data"]
    assert made["line_items"][0]["pricing"]["price"] == Decimal("0.08696")
    assert made["totals"]["price_incl_tax"] == Decimal("0.7")
    half = shop.get(f"sales/{shop.store.sell(shop.berlin, [(product_id, '0.333')])}")["data"]
    assert half["totals"]["price_incl_tax"] == Decimal("0.0333")
    assert half["payments"][0]["amount"] == Decimal("0.03")


def test_a_member_earns_by_closed_sales_and_loses_by_returns_and_voids(shop: Shop) -> None:
    shop.store.options.loyalty = True
    product_id, customer = mug(shop), member(shop)
    first = shop.store.sell(shop.berlin, [(product_id, 2)], customer=customer)
    assert shop.get(f"sales/{first}")["data"]["totals"]["loyalty"] == Decimal("1.15")
    assert balance(shop, customer) == Decimal("1.15")
    shop.store.return_sale(first, {product_id: 1})
    assert balance(shop, customer) == Decimal("0.575")
    second = shop.store.sell(shop.berlin, [(product_id, 1)], customer=customer)
    shop.store.void_sale(second)
    assert balance(shop, customer) == Decimal("0.575")
    stranger = shop.store.add_customer(first_name="Bob")
    shop.store.sell(shop.berlin, [(product_id, 2)], customer=stranger)
    assert balance(shop, stranger) == 0


def test_nobody_earns_where_loyalty_is_off_and_parked_sales_earn_nothing_yet(shop: Shop) -> None:
    product_id, customer = mug(shop), member(shop)
    shop.store.sell(shop.berlin, [(product_id, 2)], customer=customer)
    assert balance(shop, customer) == 0
    shop.store.options.loyalty = True
    parked = shop.store.sell(shop.berlin, [(product_id, 2)], state="parked", customer=customer)
    assert balance(shop, customer) == 0
    shop.store.complete_sale(parked)
    assert balance(shop, customer) == Decimal("1.15")


def test_a_register_is_closed_in_the_evening_and_opened_in_the_morning(shop: Shop) -> None:
    shop.put(f"registers/{till(shop)}/actions/close", {"payments": []})
    with pytest.raises(ValueError, match="no open register"):
        shop.store.sell(shop.berlin, [(mug(shop), 1)])
    opened = shop.put(f"registers/{till(shop)}/actions/open", {})["data"]
    assert (opened["is_open"], opened["register_close_time"]) == (True, None)
    shop.store.sell(shop.berlin, [(mug(shop), 1)])


def test_deleted_and_voided_sales_are_in_the_feed_by_version(shop: Shop) -> None:
    product_id = mug(shop)
    first = shop.store.sell(shop.berlin, [(product_id, 1)])
    second = shop.store.sell(shop.berlin, [(product_id, 1)])
    shop.store.void_sale(first)
    rows = shop.get("sales", after=0, deleted="true")["data"]
    assert [(row["id"], row["state"]) for row in rows] == [(second, "closed"), (first, "voided")]
    versions = [row["_metadata"]["version"] for row in rows]
    assert [row["id"] for row in shop.get("sales", after=versions[0])["data"]] == [first]
