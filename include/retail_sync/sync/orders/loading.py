"""What holds for the orders of a run, from the ledger: articles by variant and SKU, the till's customers by account."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.orders import Order, OrderLine
from retail_sync.records.sales import SaleTerms
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import load_side
from retail_sync.sync.engine.closure import key
from retail_sync.sync.engine.skus import sku_key_of, sku_keys
from retail_sync.sync.orders.plan import World

PRODUCTS = "products"


def load_world(
    ledger: Ledger, settings: SyncSettings, terms: SaleTerms, orders: Iterable[Order], now: datetime
) -> World:
    """What `plan_order` asks about these orders."""
    some = list(orders)
    articles, variants = articles_of(ledger, settings, [line for order in some for line in order.lines])
    accounts = {order.customer_id for order in some if order.customer_id}
    tokens = {token for order in some if order.customer_id is None for token in order.email_tokens}
    return World(
        settings=settings,
        terms=terms,
        now=now,
        articles=articles,
        variants=variants,
        customers={
            link.commercetools_id: link.lightspeed_id
            for link in ledger.links.read(CUSTOMERS, CUSTOMER, commercetools_ids=accounts)
        },
        bearers=_bearers(ledger, tokens) if settings.orders.customers.by_email and tokens else {},
    )


def articles_of(
    ledger: Ledger, settings: SyncSettings, lines: Collection[OrderLine]
) -> tuple[dict[str, str], dict[str, str]]:
    """The till's article of each SKU, and of each variant, in these lines: the one that is linked to it, else the only
    one that bears its SKU. An order never waits for the catalogue: what `products` has read is enough. A SKU of several
    articles is nobody's."""
    skus = {line.sku for line in lines if line.sku}
    variants = {line.variant for line in lines if line.variant}
    if not skus and not variants:
        return {}, {}
    online = _living(ledger, "commercetools", labels=skus)
    ordered = _living(ledger, "commercetools", ids=variants)
    read = ledger.links.read(PRODUCTS, "variant", commercetools_ids={*online["id"], *variants})
    linked = {link.commercetools_id: link.lightspeed_id for link in read}
    # A variant that is not linked is sold as what bears the SKU that it has today.
    today = {str(one): str(sku) for one, sku in zip(ordered["id"], ordered["label"].fillna(""), strict=True)}
    key = sku_key_of(settings.products)
    till = _living(ledger, "lightspeed", alike={*skus, *filter(None, today.values())})
    alone = _alone(sku_keys(till["label"], key), till["id"])
    own = {sku: linked[one] for sku, one in _alone(online["label"], online["id"]).items() if one in linked}
    by_sku = {sku: found for sku in skus if (found := own.get(sku) or alone.get(key(sku)))}
    by_variant = {
        one: found for one in variants if (found := linked.get(one) or alone.get(key(today.get(one) or "")))
    }
    return by_sku, by_variant


def _living(ledger: Ledger, system: str, **which: Collection[str]) -> pd.DataFrame:
    found = ledger.mirror.cells(PRODUCTS, "variant", system, **which)
    return found[found["deleted_at"].isna()]


def _alone(labels: pd.Series, ids: pd.Series) -> dict[str, str]:
    """The id of each label that has only one."""
    found: dict[str, set[str]] = {}
    for label, one in zip(labels, ids, strict=True):
        if pd.notna(label):
            found.setdefault(str(label), set()).add(str(one))
    return {label: next(iter(those)) for label, those in found.items() if len(those) == 1}


def _bearers(ledger: Ledger, tokens: Collection[str]) -> dict[str, str]:
    """The till's customer by token of an e-mail address, where exactly one account bears it and is linked."""
    bearing: dict[str, set[str]] = {}
    found = ledger.mirror.bearers(CUSTOMERS, CUSTOMER, [key("email", token) for token in tokens])
    for one in load_side(ledger, "commercetools", found.get("commercetools", ())).values():
        if one.lives:
            for token in one.tokens.get("email", frozenset()) & set(tokens):
                bearing.setdefault(token, set()).add(one.id)
    alone = {token: next(iter(ids)) for token, ids in bearing.items() if len(ids) == 1}
    links = ledger.links.read(CUSTOMERS, CUSTOMER, commercetools_ids=set(alone.values()))
    till = {link.commercetools_id: link.lightspeed_id for link in links}
    return {token: till[one] for token, one in alone.items() if one in till}
