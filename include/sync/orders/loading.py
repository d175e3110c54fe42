"""What holds for the orders of a run, from the ledger: articles by SKU, the till's customers by account."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from include.ledger.ledger import Ledger
from include.records.customers import ENTITY as CUSTOMERS
from include.records.customers import KIND as CUSTOMER
from include.records.orders import Order
from include.records.sales import SaleTerms
from include.settings.models import SyncSettings
from include.sync.customers.known import load_side
from include.sync.orders.plan import World

PRODUCTS = "products"


def load_world(
    ledger: Ledger, settings: SyncSettings, terms: SaleTerms, orders: Iterable[Order], now: datetime
) -> World:
    """What `plan_order` asks about these orders."""
    some = list(orders)
    skus = {line.sku for order in some for line in order.lines if line.sku}
    accounts = {order.customer_id for order in some if order.customer_id}
    tokens = {token for order in some if order.customer_id is None for token in order.email_tokens}
    return World(
        settings=settings,
        terms=terms,
        now=now,
        articles=articles_of(ledger, skus),
        customers={
            link.commercetools_id: link.lightspeed_id
            for link in ledger.links.read(CUSTOMERS, CUSTOMER, commercetools_ids=accounts)
        },
        bearers=_bearers(ledger, tokens) if settings.orders.customers.by_email and tokens else {},
    )


def articles_of(ledger: Ledger, skus: Collection[str]) -> dict[str, str]:
    """The till's article of each SKU: the one that is linked to it, else the only one that bears it. An order never
    waits for the catalogue: what `products` has read is enough. A SKU of several articles is nobody's."""
    if not skus:
        return {}
    online = ledger.mirror.cells(PRODUCTS, "variant", "commercetools", labels=skus)
    online = online[online["deleted_at"].isna()]
    linked = {
        link.commercetools_id: link.lightspeed_id
        for link in ledger.links.read(PRODUCTS, "variant", commercetools_ids=set(online["id"]))
    }
    till = ledger.mirror.cells(PRODUCTS, "variant", "lightspeed", labels=skus)
    till = till[till["deleted_at"].isna()]
    found = {str(sku): str(one) for sku, one in _alone(till["label"], till["id"]).items()}
    by_link = {
        str(sku): linked[one] for sku, one in _alone(online["label"], online["id"]).items() if one in linked
    }
    return {**found, **by_link}


def _alone(labels: Iterable[str], ids: Iterable[str]) -> dict[str, str]:
    """The id of each label that has only one."""
    found: dict[str, set[str]] = {}
    for label, one in zip(labels, ids, strict=True):
        found.setdefault(str(label), set()).add(str(one))
    return {label: next(iter(those)) for label, those in found.items() if len(those) == 1}


def _bearers(ledger: Ledger, tokens: Collection[str]) -> dict[str, str]:
    """The till's customer by token of an e-mail address, where exactly one account bears it and is linked."""
    bearing: dict[str, set[str]] = {}
    for one in load_side(ledger, "commercetools").values():
        if one.lives:
            for token in one.tokens.get("email", frozenset()) & set(tokens):
                bearing.setdefault(token, set()).add(one.id)
    alone = {token: next(iter(ids)) for token, ids in bearing.items() if len(ids) == 1}
    links = ledger.links.read(CUSTOMERS, CUSTOMER, commercetools_ids=set(alone.values()))
    till = {link.commercetools_id: link.lightspeed_id for link in links}
    return {token: till[one] for token, one in alone.items() if one in till}
