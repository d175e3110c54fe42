"""The till side of a shop into the Lightspeed stand-in, through the hands a store offers for setting it up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.lightspeed import LightspeedStore, StoreOptions
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.shop_actions.sales import Rung, Tender
from sandbox.shop.customers import add_customers
from sandbox.shop.model import Draft, LightspeedShop, Shop, ShopError
from sandbox.shop.price_books import ALL_CUSTOMERS, price_steps
from sandbox.shop.services import add_services


@dataclass
class _Ids:
    """Ids of what was created, by kind and name."""

    outlets: dict[str, str] = field(default_factory=dict)
    taxes: dict[str, str] = field(default_factory=dict)
    brands: dict[str, str] = field(default_factory=dict)
    suppliers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    products: dict[str, list[str]] = field(default_factory=dict)
    """By SKU, which two products may share."""


def new_lightspeed_store(
    shop: Shop,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    options: StoreOptions | None = None,
    with_orders: bool = False,
) -> LightspeedStore:
    """A store of the shop's retailer (currency, country, tax mode) with everything the till side holds."""
    retailer = shop.lightspeed.retailer
    store = LightspeedStore(
        domain_prefix=retailer["domain_prefix"],
        name=retailer["name"],
        currency=retailer["currency"],
        country=retailer["country"],
        time_zone=retailer["timezone"],
        tax_exclusive=retailer["tax_exclusive"],
        seed=seed,
        clock=clock,
        options=options,
    )
    seed_lightspeed(shop, store, with_orders=with_orders)
    return store


def seed_lightspeed(shop: Shop, store: LightspeedStore, *, with_orders: bool = False) -> None:
    """Put outlets, registers, taxes, look-up tables, families, price books and customers into an empty store.

    `with_orders`: and what web orders need beside articles; a shop with a till of its own has sold something, too.

    Raises ShopError where the store has another currency or tax mode: prices would silently mean something else.
    """
    till = shop.lightspeed
    _check_retailer(shop, store)
    ids = _Ids()
    with store.lock:
        _add_places(till, store, ids)
        ids.brands = {name: store.add_brand(name) for name in till.brands}
        ids.suppliers = {name: store.add_supplier(name) for name in till.suppliers}
        ids.tags = {name: store.add_tag(name) for name in till.tags}
        for category in till.categories:
            parent = ids.categories[category["parent"]] if category.get("parent") else None
            ids.categories[category["name"]] = store.add_category(category["name"], parent)
        names = {name for family in till.families for name in family.get("options", [])}
        ids.attributes = {name: store.add_variant_attribute(name) for name in sorted(names)}
        for family in till.families:
            _add_family(family, store, ids)
        ids.groups = {name: store.add_customer_group(name) for name in till.customer_groups}
        ids.groups.setdefault(ALL_CUSTOMERS, store.all_customers_id)
        _add_price_books(till, store, ids)
        add_customers(till, store, ids.groups)
        if with_orders:
            add_services(store)
            if not till.derived:
                make_sales(shop, store)


def _check_retailer(shop: Shop, store: LightspeedStore) -> None:
    retailer = shop.lightspeed.retailer
    for what, wanted, there in (
        ("currency", retailer["currency"], store.currency),
        ("tax_exclusive", retailer["tax_exclusive"], store.tax_exclusive),
    ):
        if wanted != there:
            raise ShopError(
                f"the shop's retailer has {what} {wanted}, the store {there}.",
                file=shop.path / "lightspeed.json",
                remedy="Make the store with new_lightspeed_store.",
            )


def _add_places(till: LightspeedShop, store: LightspeedStore, ids: _Ids) -> None:
    existing = {tax.fields["name"]: tax.id for tax in store.taxes.live()}
    for position, tax in enumerate(till.taxes):
        name = tax["name"]
        ids.taxes[name] = existing.get(name) or store.add_tax(name, tax["rate"], is_default=position == 0)
    for outlet in till.outlets:
        place = {key: value for key, value in outlet.items() if key not in ("name", "default_tax", "channel")}
        ids.outlets[outlet["name"]] = store.add_outlet(
            outlet["name"], default_tax_id=ids.taxes[outlet["default_tax"]], **place
        )
    for register in till.registers:
        store.add_register(register["name"], ids.outlets[register["outlet"]])
    known = {payment.fields["name"] for payment in store.payment_types.live()}
    for payment in till.payment_types:
        if payment["name"] not in known:
            store.add_payment_type(payment["name"], payment["type_id"])
    for user in till.users:
        everyone = {"roles": [], "restricted_outlet_ids": [], "enabled": True}
        # The store has its owner already; a retailer has one primary user.
        store.users.add(Record(id=store.new_id(), fields={**everyone, **user, "is_primary_user": False}))


def _add_family(family: Draft, store: LightspeedStore, ids: _Ids) -> None:
    common: dict[str, Any] = {
        "description": family.get("description"),
        "brand_id": ids.brands.get(family.get("brand") or ""),
        "product_category_id": ids.categories.get(family.get("category") or ""),
        "tag_ids": [ids.tags[name] for name in family.get("tags", [])] or None,
    }
    given = {name: value for name, value in common.items() if value is not None}
    variants = [_variant(family, variant, store, ids) for variant in family["variants"]]
    tracked = bool(family.get("track_inventory", True))
    if family.get("options"):
        made = store.add_product_family(family["name"], variants=variants, track_inventory=tracked, **given)
    else:
        made = store.add_product_family(family["name"], track_inventory=tracked, **given, **variants[0])
    for variant, product_id in zip(variants, made, strict=True):
        ids.products.setdefault(variant["sku"], []).append(product_id)


def _add_price_books(till: LightspeedShop, store: LightspeedStore, ids: _Ids) -> None:
    for book in till.price_books:
        book_id = store.add_price_book(
            book["name"],
            customer_groups=[ids.groups[name] for name in book.get("customer_groups", [])],
            outlets=[ids.outlets[name] for name in book.get("outlets", [])],
            valid_from=book.get("valid_from"),
            valid_to=book.get("valid_to"),
        )
        for sku, cell in book.get("prices", {}).items():
            for least, price in price_steps(cell):
                for product_id in ids.products[sku]:
                    store.set_book_price(book_id, product_id, price, min_units=least)


def _variant(family: Draft, variant: Draft, store: LightspeedStore, ids: _Ids) -> dict[str, Any]:
    given: dict[str, Any] = {
        "sku": variant["sku"],
        "product_codes": variant["codes"],
        "price": variant["price"],
        "supply_price": variant["supply_price"],
        "is_active": family.get("active", True),
        "inventory": [
            {"outlet_id": ids.outlets[outlet], "current_amount": count}
            for outlet, count in variant.get("inventory", {}).items()
        ],
        "variant_definitions": [
            {"attribute_id": ids.attributes[name], "value": value}
            for name, value in zip(family.get("options", []), variant.get("options", []), strict=True)
        ],
    }
    if family.get("supplier"):
        given |= {
            "supplier_id": ids.suppliers[family["supplier"]],
            "supplier_code": variant.get("supplier_code"),
        }
    if family.get("tax"):
        tax = ids.taxes[family["tax"]]
        if store.tax_exclusive:
            given["outlet_taxes"] = [{"outlet_id": outlet, "tax_id": tax} for outlet in ids.outlets.values()]
        else:
            given["all_outlets_tax"] = {"tax_id": tax}
    return {name: value for name, value in given.items() if value not in (None, "", [])}


SALES = 12
"""Sales rung up, besides the return."""


def make_sales(shop: Shop, store: LightspeedStore, *, seed: int = 12) -> None:
    """Rings them up. Every second one is to a customer; members earn loyalty."""
    chance = random.Random(seed)
    store.options.loyalty = True
    stock = [row for row in store.stock.live() if row.level >= 1]
    known = [row.id for row in store.customers.live()]
    # The last one is that of web orders.
    way: list[Tender] = [(str(each["name"]), None) for each in shop.lightspeed.payment_types[:-1]]
    made: list[str] = []
    for n in range(SALES):
        first = chance.choice(stock)
        beside = [row for row in stock if row.outlet_id == first.outlet_id and row is not first]
        lines = [Rung(row.product_id) for row in (first, chance.choice(beside))[: 1 + n % 2]]
        customer = chance.choice(known) if n % 2 and known else None
        made.append(
            store.sell(
                first.outlet_id, lines, customer=customer, tenders=[way[n % len(way)]] if way else None
            )
        )
    store.return_sale(made[1])
    store.void_sale(made[2])
