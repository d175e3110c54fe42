"""The till side of a shop: read from `lightspeed.json`, or derived from the online shop."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.shop.customers import check_customers
from sandbox.shop.files import as_key, read_json
from sandbox.shop.model import Draft, LightspeedShop, ShopError
from sandbox.shop.price_books import check_price_books

# What the till of a country usually says. A country that is not here gets UTC and its code.
_TIME_ZONES = {
    **{
        "DE": "Europe/Berlin",
        "AT": "Europe/Vienna",
        "CH": "Europe/Zurich",
        "FR": "Europe/Paris",
        "NL": "Europe/Amsterdam",
    },
    **{"GB": "Europe/London", "IE": "Europe/Dublin", "US": "America/New_York", "AU": "Australia/Sydney"},
}
_COUNTRY_NAMES = {
    "DE": "Germany",
    "GB": "United Kingdom",
    "US": "United States",
    "AT": "Austria",
    "FR": "France",
}
_LISTS = (
    "outlets",
    "registers",
    "taxes",
    "payment_types",
    "users",
    "brands",
    "categories",
    "suppliers",
    "tags",
    "families",
)
_OPTIONAL_LISTS = ("customer_groups", "price_books", "customers")


def read_till(file: Path) -> LightspeedShop:
    """The till side as `lightspeed.json` describes it. Raises ShopError where a name refers to nothing."""
    described = read_json(file)
    missing = [name for name in ("retailer", *_LISTS) if name not in described]
    if missing:
        raise ShopError(f"has no {', '.join(missing)}.", file=file, remedy="Add them; an empty list will do.")
    # A folder that says nothing about prices of its own or about people has none of the optional lists.
    lists = {name: described[name] for name in _LISTS} | {
        name: described.get(name, []) for name in _OPTIONAL_LISTS
    }
    till = LightspeedShop(retailer=described["retailer"], **lists)
    _check_names(till, file)
    check_price_books(till, file)
    check_customers(till, file)
    return till


def _check_names(till: LightspeedShop, file: Path) -> None:
    known = {
        "outlet": {each["name"] for each in till.outlets},
        "tax": {each["name"] for each in till.taxes},
        "category": {each["name"] for each in till.categories},
        "brand": set(till.brands),
        "supplier": set(till.suppliers),
        "tag": set(till.tags),
    }
    uses = [("outlet", register["outlet"], f"register {register['name']}") for register in till.registers]
    uses += [("tax", outlet["default_tax"], f"outlet {outlet['name']}") for outlet in till.outlets]
    uses += [
        ("category", each["parent"], f"category {each['name']}")
        for each in till.categories
        if each.get("parent")
    ]
    for family in till.families:
        where = f"family {family['name']}"
        uses += [
            (kind, family[kind], where)
            for kind in ("tax", "category", "brand", "supplier")
            if family.get(kind)
        ]
        uses += [("tag", tag, where) for tag in family.get("tags", [])]
        for variant in family["variants"]:
            uses += [("outlet", outlet, where) for outlet in variant.get("inventory", {})]
            if len(variant.get("options", [])) != len(family.get("options", [])):
                raise ShopError(
                    f"{where}: variant {variant['sku']} has other options than the family.",
                    file=file,
                    remedy="Give every variant one value for each of the family's options.",
                )
    for kind, name, where in uses:
        if name not in known[kind]:
            raise ShopError(
                f"{where} names the {kind} {name!r}, which is not listed.", file=file, remedy="List it."
            )


def derived_till(
    name: str,
    project: Draft,
    tax_categories: list[Draft],
    channels: list[Draft],
    stores: list[Draft],
    products: list[Draft],
    country: str | None = None,
) -> LightspeedShop:
    """A till side for an online shop that has none: the outlets its supply channels or country suggest, one
    register each, the taxes of its country, no products. The currency is the shop's first, or that of a given country.
    """
    currency = str(project["currencies"][0]) if country is None else _currency(country, products)
    country = country or _country(project, currency, products)
    taxes, tax_exclusive = _taxes(country, tax_categories, products)
    names = _outlet_names(country, channels)
    outlets = [
        {
            "name": outlet,
            "time_zone": _TIME_ZONES.get(country, "UTC"),
            "currency": currency,
            "default_tax": taxes[0]["name"],
            "display_prices": "exclusive" if tax_exclusive else "inclusive",
            "physical_country_id": country,
        }
        for outlet in names
    ]
    title = next((text for store in stores for text in store.get("name", {}).values()), name)
    return LightspeedShop(
        retailer={
            "name": title,
            "domain_prefix": as_key(name).lower().replace("_", "-") or "sandbox",
            "currency": currency,
            "country": country,
            "timezone": _TIME_ZONES.get(country, "UTC"),
            "tax_exclusive": tax_exclusive,
        },
        outlets=outlets,
        registers=[{"name": f"Register {outlet}", "outlet": outlet} for outlet in names],
        taxes=taxes,
        payment_types=[{"name": "Cash", "type_id": 1}, {"name": "Card", "type_id": 2}],
        users=[_OWNER],
        brands=[],
        categories=[],
        suppliers=[],
        tags=[],
        families=[],
        derived=True,
    )


_OWNER: Draft = {
    "username": "owner",
    "display_name": "Shop owner",
    "email": "owner@example.com",
    "account_type": "admin",
    "is_primary_user": True,
}


def _currency(country: str, products: list[Draft]) -> str:
    """The currency most prices for that country are in. Raises LookupError where there are none."""
    prices = (price for product in products for price in product["masterVariant"]["prices"])
    found = Counter(price["value"]["currencyCode"] for price in prices if price.get("country") == country)
    if not found:
        raise LookupError(f"the shop has no price for the country {country}")
    return str(found.most_common(1)[0][0])


def _country(project: Draft, currency: str, products: list[Draft]) -> str:
    """The country most prices in the shop's first currency are for."""
    prices = (price for product in products for price in product["masterVariant"]["prices"])
    countries = Counter(
        price["country"]
        for price in prices
        if price["value"]["currencyCode"] == currency and "country" in price
    )
    return countries.most_common(1)[0][0] if countries else str(project["countries"][0])


def _taxes(country: str, tax_categories: list[Draft], products: list[Draft]) -> tuple[list[Draft], bool]:
    """The country's rates, the most used first, and whether prices are without tax.

    A Lightspeed retailer knows one mode for all prices, so the tax category most products have decides.
    """
    used = Counter(product.get("taxCategory", {}).get("key") for product in products)
    ranked = sorted(tax_categories, key=lambda category: -used[category["key"]])
    rates = [rate for category in ranked for rate in category["rates"] if rate.get("country") == country]
    taxes: dict[Decimal, Draft] = {}
    for rate in rates:
        amount = rate_amount(rate)
        taxes.setdefault(amount, {"name": rate["name"], "rate": str(amount)})
    if not taxes:
        taxes[Decimal(0)] = {"name": "No Tax", "rate": "0"}
    tax_exclusive = bool(rates) and not rates[0].get("includedInPrice", False)
    return list(taxes.values()), tax_exclusive


def rate_amount(rate: dict[str, Any]) -> Decimal:
    """The amount of a tax rate as an exact decimal (0.19 = 19 %)."""
    return Decimal(str(rate["amount"]))


def _outlet_names(country: str, channels: list[Draft]) -> list[str]:
    """One outlet a supply channel with an address; one without is a warehouse, nobody sells there."""
    located = [
        next(iter(channel.get("name", {}).values()), channel["key"])
        for channel in channels
        if "InventorySupply" in channel.get("roles", [])
        and channel.get("address", {}).get("country") == country
    ]
    return located or [_COUNTRY_NAMES.get(country, country)]
