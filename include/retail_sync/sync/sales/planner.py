"""What is to be done about one sale: pure, from the sale, what is known of it, and what holds for all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC

from retail_sync.records.sales import Sale, SaleTerms
from retail_sync.settings.models.sales import SaleSettings
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.plan import SOURCE
from retail_sync.sync.sales.documents import (
    DUE,
    as_plain,
    content_of,
    entry_of,
    imported_of,
    payment_state_of,
)
from retail_sync.sync.sales.plan import Known, SalePlan, Target, World, Write

UNLINKED = "its customer is not linked yet"
WEB_RETURN = "goods of a web order came back"
CHANGED = "sale_changed"
EMPTY = "nothing was sold"


def why_not(
    sale: Sale, settings: SaleSettings, terms: SaleTerms, forgotten: Collection[str] = ()
) -> str | None:
    """Why a sale that was not taken is not to be taken, whoever is linked; None: nothing speaks against it."""
    if settings.target == "none":
        return "`sales.target` is none"
    if sale.source_type == SOURCE:
        return "a web order"
    if is_void(sale):
        return "voided"
    if sale.state != "closed" and not (sale.state == "pending" and "onaccount" in sale.attributes):
        return "not sold yet"
    if settings.since is not None and sale.sold_at.astimezone(UTC).date() < settings.since:
        return "from before `sales.since`"
    if sale.customer_id in forgotten:
        return "its customer was forgotten"
    if not settings.anonymous and sale.customer_id in (None, terms.guest_id):
        return "without a customer"
    return None if sale.lines or sale.total else EMPTY


def is_void(sale: Sale) -> bool:
    return sale.state == "voided" or sale.deleted_at is not None


def plan_sale(sale: Sale, known: Known | None, world: World, *, number: str, begun: bool = False) -> SalePlan:
    """`number`: what its order is to be called. `begun`: it was to be taken by an earlier run, which may have got that
    far without knowing it."""
    if known is not None:
        return _follow(sale, known, world)
    settings = world.settings.sales
    why = why_not(sale, settings, world.terms, world.forgotten)
    customer = world.customers.get(sale.customer_id) if sale.customer_id else None
    if sale.return_of in world.web:
        # What source the till gives a return that was begun there is not documented.
        return SalePlan(sale, ignored=WEB_RETURN)
    if why is not None:
        if begun and _to_look_for(sale, world):
            return SalePlan(sale, _void(sale, world, _target(settings), number, customer))
        return SalePlan(sale, ignored=why)
    if customer is None and not settings.anonymous:
        return SalePlan(sale, ignored=UNLINKED, waits=True)
    reason = "goods came back" if sale.return_of else "sold in store"
    return SalePlan(sale, _write(sale, world, _target(settings), number, customer, reason))


def _to_look_for(sale: Sale, world: World) -> bool:
    """Whether a void may have left something online: nothing but the void speaks against the sale."""
    settings = world.settings.sales
    was = sale.model_copy(update={"state": "closed", "deleted_at": None})
    # The till may empty what it voids.
    if not is_void(sale) or why_not(was, settings, world.terms, world.forgotten) not in (None, EMPTY):
        return False
    return settings.anonymous or sale.customer_id in world.customers


def _follow(sale: Sale, known: Known, world: World) -> SalePlan:
    """A sale that was taken: what it became follows, as far as it can."""
    customer = world.customers.get(sale.customer_id) if sale.customer_id else None
    if is_void(sale):
        if known.voided or world.settings.sales.target == "none" or sale.customer_id in world.forgotten:
            return SalePlan(sale)
        return SalePlan(sale, _void(sale, world, known.target, known.key, customer))
    if world.settings.sales.target == "none" or sale.customer_id in world.forgotten:
        return SalePlan(sale)
    same = content_of(sale, known.target) == known.content
    if known.target == "entries":
        if same and (known.named or customer is None):
            # An entry without a customer is given one as soon as there is one.
            return SalePlan(sale, waits=not known.named and sale.customer_id is not None)
        if customer is None and known.named and not world.settings.sales.anonymous:
            # It would lose its customer: it follows when there is one again.
            return SalePlan(sale, ignored=UNLINKED, waits=True)
        reason = "changed at the till" if not same else "its customer is linked now"
        return SalePlan(sale, _write(sale, world, "entries", known.key, customer, reason))
    findings = () if same else (_changed(sale, known),)
    paid = known.due and payment_state_of(sale, world.terms) != DUE
    return SalePlan(sale, _pay(known) if paid else None, findings)


def _target(settings: SaleSettings) -> Target:
    return "entries" if settings.target == "entries" else "orders"


def _write(sale: Sale, world: World, target: Target, key: str, customer: str | None, reason: str) -> Write:
    if target == "entries":
        document = entry_of(sale, world, customer)
        return Write("put", sale.id, reason, content_of(sale, target), customer is not None, document)
    document = as_plain(imported_of(sale, world, key, customer))
    return Write("import", key, reason, content_of(sale, target), customer is not None, document)


def _void(sale: Sale, world: World, target: Target, key: str, customer: str | None) -> Write:
    if target == "entries":
        return _write(sale, world, target, key, customer, "voided")
    content = content_of(sale, target)
    return Write("close", key, "voided", content, customer is not None, {"number": key, "cancelled": True})


def _pay(known: Known) -> Write:
    """What was taken of the sale stays what it was: a payment changes nothing else."""
    return Write("pay", known.key, "paid at the till", known.content, known.named, {"number": known.key})


def _changed(sale: Sale, known: Known) -> Remark:
    return Remark(
        code=CHANGED,
        severity="warn",
        message="The sale was changed at the till after it became an order; an imported order can't be edited.",
        remedy=f"Correct order {known.key} by hand, or leave it; it ends when the sale is as it was, or voided.",
        evidence={"order": known.key, "total": str(sale.total)},
    )
