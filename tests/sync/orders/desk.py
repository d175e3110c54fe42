"""A world to plan orders in, and what the ledger knows after steps were written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from retail_sync.records.orders import Mark, Order
from retail_sync.records.sales import Register, Sale, SaleTerms, TillTax
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.orders.plan import Known, OrderPlan, Sold, Step, World
from retail_sync.sync.orders.planner import fingerprint_of, plan_order
from tests.support.orders_made import PLACED, SKUS

ORDERS: dict[str, Any] = {
    "since": "2026-11-01",
    "location": "North",
    "registers": {"North": "Web North", "South": "Web South"},
    "tenders": [{"tender": "Gift card", "method": "voucher"}, {"tender": "Web", "interface": "psp"}],
    "products": {"shipping": "SHIPPING", "custom": "CUSTOM", "stand_in": "STAND-IN", "refund": "REFUND"},
}
TERMS = SaleTerms(
    currency="EUR",
    digits=2,
    user_id="user",
    no_tax_id="tax-0",
    outlets={"North shop": "outlet-n", "South shop": "outlet-s"},
    registers={
        "Web North": Register("register-n", "Web North", "outlet-n", is_open=True),
        "Web South": Register("register-s", "Web South", "outlet-s", is_open=True),
    },
    payment_types={"Web": "pt-web", "Gift card": "pt-gift", "Invoice": "pt-invoice"},
    taxes={
        "No Tax": TillTax("tax-0", "No Tax", Decimal(0)),
        "VAT 19": TillTax("tax-19", "VAT 19", Decimal("0.19")),
        "VAT 7": TillTax("tax-7", "VAT 7", Decimal("0.07")),
        "VAT 19 other": TillTax("tax-19-other", "VAT 19 other", Decimal("0.19")),
        "VAT 5.5": TillTax("tax-55", "VAT 5.5", Decimal("0.055")),
    },
    products={sku: f"p-{sku}" for sku in ("SHIPPING", "CUSTOM", "STAND-IN", "REFUND", "GIFT-WRAP")},
    guest_id="guest",
)


def a_world(
    *, terms: SaleTerms = TERMS, hours: int = 1, articles: Sequence[str] = SKUS, **orders: Any
) -> World:
    """Two locations, each with its own channel of stock. `hours`: since the order was placed."""
    settings = SyncSettings.model_validate(
        {
            "locations": [
                {"name": "North", "outlet": "North shop", "channel": "stock-north"},
                {"name": "South", "outlet": "South shop", "channel": "stock-south"},
            ],
            "products": {
                "tax_classes": [
                    {"name": name, "commercetools": name, "lightspeed": name}
                    for name in ("VAT 19", "VAT 7", "VAT 5.5")
                ]
            },
            "orders": {**ORDERS, **orders},
        }
    )
    return World(
        settings=settings,
        terms=terms,
        now=PLACED + timedelta(hours=hours),
        articles={sku: f"a-{sku}" for sku in articles},
        customers={"linked": "till-linked"},
        bearers={"token": "till-bearer"},
    )


def known_after(order: Order, known: Known, steps: Sequence[Step]) -> Known:
    """What the ledger knows once these steps were written, as `settle_sale` keeps it."""
    for step in steps:
        if step.sale is None:
            continue
        if step.action == "sell":
            known = replace(
                known,
                sales=(*known.sales, Sold(step.sale, step.location)),
                fingerprint=known.fingerprint or fingerprint_of(order),
            )
        elif step.action in ("return", "refund"):
            known = replace(
                known,
                returns=(*known.returns, step.sale),
                returned={**known.returned, **dict.fromkeys(step.covers, step.sale.id)},
            )
        else:
            sales = tuple(
                replace(one, sale=step.sale, now=None) if one.sale.id == step.sale.id else one
                for one in known.sales
            )
            returned = {**known.returned, **dict.fromkeys(step.covers, step.sale.id)}
            known = replace(known, sales=sales, returned=returned)
    return known


def marked(order: Order, steps: Sequence[Step]) -> Order:
    """The order once its own steps were written."""
    for step in steps:
        if step.action == "mark":
            mark = Mark(external_id=step.external_id, at=PLACED)
            order = order.model_copy(update={"marks": (*order.marks, mark)})
        if step.action == "state":
            order = order.model_copy(update={"shipment_state": step.shipment_state})
    return order


def written(order: Order, known: Known, world: World) -> tuple[Order, Known, OrderPlan]:
    """Plan an order and write everything; the order and what is known of it then."""
    plan = plan_order(order, known, world)
    return marked(order, plan.steps), known_after(order, known, plan.steps), plan


def shown(known: Known, **changes: Any) -> Known:
    """The same, with its sales as the till shows them."""
    sales = tuple(replace(one, now=one.sale.model_copy(update=changes)) for one in known.sales)
    return replace(known, sales=sales)


def comes_to(sale: Sale) -> tuple[Decimal, Decimal]:
    """Net and tax of a sale by its lines, as a till adds them up."""
    return (
        sum((line.quantity * line.price for line in sale.lines), Decimal(0)),
        sum((line.quantity * line.tax for line in sale.lines), Decimal(0)),
    )


def tendered(*sales: Sale) -> int:
    return sum(tender.amount for sale in sales for tender in sale.tenders)


def codes(plan: OrderPlan) -> list[str]:
    return [one.code for one in plan.findings]


def actions(plan: OrderPlan) -> list[str]:
    return [step.action for step in plan.steps]
