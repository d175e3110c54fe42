"""Of orders and sales nothing that tells who somebody is, or which card is whose, gets past the readers: planted
values are looked for everywhere, after runs that write, hold and fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from retail_sync.ledger.decisions import Decision
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.sales import ENTITY as SALES
from retail_sync.sync.customers.ruling import FORGOTTEN, IDENTITY
from retail_sync.sync.engine.settle import RunFailed
from sandbox.commercetools import Pay
from sandbox.lightspeed.shop_actions.sales import Rung
from tests.support.builders.orders import INVOICE, Ordered
from tests.support.leaking import everything_kept, leaks
from tests.support.order_checks import LATER

PLANTED = (
    "zephyrine",  # first name
    "quastenflosser",  # family name
    "mondscheinpfad",  # street
    "plantedtown",
    "@planted",  # every address
    "4929123456781234",  # card
    "tok-778899",  # what a payment service calls it
    "nachbarin",  # comment of an order
    "schwerhörig",  # cashier's note
)
CARD_NUMBER = "4929 1234 5678 1234"
ADDRESS = {
    "country": "DE",
    "firstName": "Zephyrine",
    "lastName": "Quastenflosser",
    "streetName": "Mondscheinpfad",
    "streetNumber": "3",
    "city": "Plantedtown",
    "email": "zephyrine@planted.example.com",
}
COMMENT = "Please ring at the Nachbarin of Frau Quastenflosser"
NOTE = "Zephyrine is schwerhörig, speak up; card 4929123456781234"


def plant_order(shop: Ordered, *bought: Any, **basket: Any) -> str:
    """An order all of whose private members can be recognised."""
    order = shop.buy(
        *bought,
        address=ADDRESS,
        fields={
            "custom": {"type": {"typeId": "type", "id": "comments"}, "fields": {"comment": COMMENT}},
            "purchaseOrderNumber": "Zephyrine Quastenflosser",
        },
        **basket,
    )
    for payment in shop.payments(order):
        method = {
            **payment["paymentMethodInfo"],
            "name": {"en": "Card of Zephyrine Quastenflosser"},
            "token": {"value": "TOK-778899"},
            "interfaceAccount": "zephyrine@planted.example.com",
        }
        said = {
            "type": {"typeId": "type", "id": "psp"},
            "fields": {"holder": "Zephyrine", "pan": CARD_NUMBER},
        }
        shop.online.insert(
            "payments",
            {
                **payment,
                "version": payment["version"] + 1,
                "paymentMethodInfo": method,
                "paymentStatus": {"interfaceText": f"Charged {CARD_NUMBER}"},
                "interfaceInteractions": [said],
                "custom": said,
            },
        )
    return order


def plant_person(shop: Ordered, *, linked: bool = True) -> tuple[str, str]:
    """Account and customer of the same person, with everything that is known of them."""
    draft = {
        "email": f"z{len(shop.people)}@planted.example.com",
        "authenticationMode": "ExternalAuth",
        "firstName": "Zephyrine",
        "lastName": "Quastenflosser",
        "addresses": [ADDRESS],
    }
    account = str(shop.online.create("customers", draft)["id"])
    customer = shop.till.add_customer(
        first_name="Zephyrine",
        last_name="Quastenflosser",
        email=draft["email"],
        note=NOTE,
        physical_address_1="Mondscheinpfad 3",
        physical_city="Plantedtown",
    )
    if linked:
        shop.link_person(account, customer)
    return account, customer


def plant_sale(shop: Ordered, *lines: Any, **more: Any) -> str:
    rung = [Rung(shop.stock.products[sku], units, note=NOTE) for sku, units in lines]
    return shop.sell(*rung, note=NOTE, **more)


def refuse(shop: Ordered, system: str, path: str, body: Any) -> None:
    """The next such write is refused with words that quote what there is."""
    rule = {"kind": "status", "status": 400, "method": "POST", "match": path, "body": body, "times": 1}
    shop.world.faults[system].add(rule)


REFUSED_ONLINE = {
    "statusCode": 400,
    "message": "zephyrine@planted.example.com of Mondscheinpfad is not wanted",
    "errors": [
        {
            "code": "InvalidField",
            "message": "Quastenflosser",
            "field": "customerEmail",
            "invalidValue": "zephyrine@planted",
        }
    ],
}
REFUSED_AT_TILL = {"errors": {"customer": ["Zephyrine Quastenflosser of Plantedtown may not buy"]}}


def run_later(shop: Ordered, entity: str) -> None:
    shop.clock_ahead += LATER
    shop.run(entity)


@pytest.fixture
def planted(shop: Ordered, caplog: pytest.LogCaptureFixture) -> Iterator[Ordered]:
    caplog.set_level(logging.DEBUG)
    shop.set("customers", default_country="DE")
    customers = {"by_email": True, "unlinked": "wait"}
    shop.set(ORDERS, customers=customers, unpaid="hold", products={**_articles(shop), "stand_in": None})
    shop.run(SALES, "full")
    yield shop
    problems = leaks({**everything_kept(shop), "logs": caplog.text}, PLANTED)
    assert problems == []


def _articles(shop: Ordered) -> dict[str, Any]:
    return shop.settings.orders.products.model_dump(mode="json")


def raw(shop: Ordered) -> str:
    """What both systems would tell anybody who asks."""
    told: list[Any] = [
        *(shop.online.all(path) for path in ("orders", "payments", "customers")),
        shop.till.all_sales(deleted=True),
        shop.till.all_customers(),
    ]
    return json.dumps(told, default=str, ensure_ascii=False)


def test_orders_that_are_sold_held_refused_paid_back_and_cancelled_leave_nothing_private(
    planted: Ordered,
) -> None:
    shop = planted
    account, _ = plant_person(shop)
    sold = plant_order(shop, ("A", 2), customer=account, number="W-1")
    guest = plant_order(shop, "B", email="zephyrine@planted.example.com", number="W-2")
    unpaid = plant_order(shop, "C", customer=account, payments=(INVOICE,))
    waits = plant_order(shop, "A", customer=plant_person(shop, linked=False)[0])
    broken = plant_order(shop, "A", email="gone@planted.example.com", payments=(Pay(),))
    (line,) = shop.order(broken)["lineItems"]
    unpriced = {name: value for name, value in line.items() if name != "totalPrice"}
    shop.online.insert("orders", {**shop.order(broken), "lineItems": [unpriced]})
    refused = plant_order(shop, "C", customer=account, number="W-3")
    rule = {"kind": "html", "status": 502, "method": "GET", "match": "/orders", "times": 1}
    shop.world.faults["commercetools"].add(rule)
    refuse(shop, "lightspeed", "/sales$", REFUSED_AT_TILL)
    shop.run()
    assert set(shop.held().values()) >= {"unpaid", "customer_unlinked", "order_unreadable"}
    assert len(shop.held()) == 4, "and one that was refused"
    run_later(shop, ORDERS)
    assert {len(shop.sales(one)) for one in (sold, guest, refused, waits)} == {1}
    refuse(shop, "commercetools", f"/orders/{sold}$", REFUSED_ONLINE)
    shop.send_back(sold, "A")
    shop.refund(sold, 1000)
    shop.cancel(guest)
    shop.settle(unpaid)
    run_later(shop, ORDERS)
    shop.run(ORDERS, "full")
    assert shop.sale(guest)["state"] == "voided" and len(shop.sales(sold)) == 2
    assert {"mirror", "changes", "holds", "links"} <= {
        name.removeprefix("table ") for name, content in everything_kept(shop).items() if content
    }


@pytest.mark.parametrize("target", ["orders", "entries"])
def test_sales_that_are_taken_refused_changed_returned_and_voided_leave_nothing_private(
    planted: Ordered, target: str
) -> None:
    shop = planted
    shop.set(SALES, target=target, anonymous=True)
    account, customer = plant_person(shop)
    unlinked = plant_person(shop, linked=False)
    sale = plant_sale(shop, ("A", 2), customer=customer)
    voided = plant_sale(shop, ("C", 1), customer=customer)
    due = plant_sale(shop, ("B", 1), customer=customer, state="pending", attributes=("onaccount",))
    parked = plant_sale(shop, ("B", 1), customer=customer, state="parked")
    plant_sale(shop, ("A", 1), customer=unlinked[1])
    plant_sale(shop, ("A", 1))
    path = "/orders/import$" if target == "orders" else "/custom-objects$"
    refuse(shop, "commercetools", path, REFUSED_ONLINE)
    shop.world.faults["lightspeed"].add(
        {"kind": "html", "status": 502, "method": "GET", "match": "/sales", "times": 1}
    )
    shop.run(SALES)
    assert {hold.severity for hold in shop.ledger.holds.open_holds(SALES)} == {"hold"}
    shop.till.void_sale(voided)
    shop.till.complete_sale(due)
    shop.till.complete_sale(parked)
    shop.till.return_sale(sale, {shop.stock.products["A"]: 1})
    shop.link_person(*unlinked)
    run_later(shop, SALES)
    shop.run(SALES, "full")
    assert shop.ledger.holds.open_holds(SALES) == []
    made = [one for one in shop.imported() if one.get("customerId") == account]
    assert len(made) == (5 if target == "orders" else 0)
    shown = json.dumps([shop.imported(), shop.online.all("custom-objects")], ensure_ascii=False)
    assert leaks({"online": shown}, PLANTED) == [], "nor is it written to the other side"


def test_the_same_search_finds_every_value_where_it_was_planted(planted: Ordered) -> None:
    account, customer = plant_person(planted)
    plant_order(planted, "A", customer=account)
    plant_sale(planted, ("A", 1), customer=customer)
    assert {value for _, value, _ in leaks({"raw": raw(planted)}, PLANTED)} == set(PLANTED)


def test_an_order_of_somebody_who_is_kept_out_is_kept_as_nobodys(planted: Ordered) -> None:
    shop = planted
    account, customer = plant_person(shop)
    before = plant_order(shop, "A", customer=account, number="W-1")
    shop.run()
    assert shop.sale(before)["customer_id"] == customer
    shop.ledger.decisions.add(
        CUSTOMERS,
        [
            Decision(
                subject=subject,
                code=IDENTITY,
                field="",
                verdict="reject",
                about="identity",
                by="Kim",
                note=FORGOTTEN,
                run_id="forget/1",
            )
            for subject in (f"commercetools:{account}", f"lightspeed:{customer}")
        ],
    )
    after = plant_order(shop, "B", customer=account, number="W-2")
    shop.run(ORDERS, "full")
    assert shop.sale(after)["customer_id"] is None, "a guest's, and at once"
    rows = [
        row.carry
        for kind, system in (("order", "commercetools"), ("sale", "lightspeed"))
        for row in shop.ledger.mirror.read(ORDERS, kind, system)
    ]
    assert len(rows) == 4 and not any(one in json.dumps(rows) for one in (account, customer))


def test_the_error_of_a_failed_run_repeats_no_word_of_what_a_system_answered(planted: Ordered) -> None:
    shop = planted
    shop.set("limits", failed_share=0, failed_least=1)
    account, customer = plant_person(shop)
    plant_order(shop, "A", customer=account)
    plant_sale(shop, ("A", 1), customer=customer)
    refuse(shop, "lightspeed", "/sales$", REFUSED_AT_TILL)
    refuse(shop, "commercetools", "/orders/import$", REFUSED_ONLINE)
    said = []
    for entity in (ORDERS, SALES):
        with pytest.raises(RunFailed) as failed:
            shop.run(entity)
        said.append(f"{failed.value} {failed.value.remedy}")
    assert leaks({"errors": "\n".join(said)}, PLANTED) == []
