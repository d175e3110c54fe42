"""What the settings of a synchronisation have to say about this shop, found out from the shop itself.

A person would look at the product types, the tax categories and the tills and write this down; for a sample shop it
is derived, so that any shop folder can be started without writing anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sandbox.shop.model import Draft, Shop
from sandbox.shop.services import CUSTOM, GIFT_WRAP, REFUND, SHIPPING, STAND_IN
from sandbox.shop.till import rate_amount

# Attribute names shops use for what the till has a field of its own for. The first one present counts.
ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "barcode": ("barcode", "ean", "gtin", "upc"),
    "brand": ("brand", "manufacturer"),
    "supplier": ("supplier", "vendor"),
    "supplier_code": ("supplier-code", "supplier_code", "articleNumberManufacturer"),
    "supply_price": ("purchase-price", "supply-price", "cost"),
    "tags": ("tags", "activities"),
    "description": ("product-description", "long-description"),
}
CUSTOMER_ROLES = {"consent": ("newsletter", "Boolean"), "loyalty_id": ("loyaltyId", "String")}
"""Custom fields of online customers by what they hold: name and type."""
ONLINE = "Online"
"""What the register of web orders is called where there is one."""
GIFT_CARD = 118
"""Global kind of gift cards at the till (seen in the official documentation)."""
_OPTION_TYPES = frozenset({"text", "ltext", "enum", "lenum", "set"})
_LABEL_SUFFIX = re.compile(r"\s*label$", re.IGNORECASE)


def default_config(shop: Shop) -> dict[str, Any]:
    """The shop-dependent part of the settings, as plain data:

    * `locale` (what the till shows), `locales`, `currency`, `country`, `price_tax_included`
    * `tax_classes`: commercetools tax category key -> Lightspeed tax name; categories without a rate for the till's
      country are left out
    * `outlets`: names; `locations`: name, outlet and supply channel key (None: it has none)
    * `channels`: what shows several locations, or has no key: the stock without a channel shows all locations that have
      none
    * `attributes`: role (see ROLE_NAMES) -> attribute name, only the roles this shop has
    * `options`: attributes that tell variants apart, each with the name the till gives it
    * `price_lists`: name, what tells its prices online (`customer_group`, `channel`), `book` at the till (None: the
      articles' own prices), the groups and outlets it is for, and whose prices they are
    * `customers`: pairs of groups of the same name (`groups`), and custom fields of online customers by what they hold
      (`fields`: `consent`, `loyalty_id`)
    * `orders`: `location` and `registers` (location -> name) of web orders, `tenders` (name of a payment type, `method`
      where it is for one alone), `services` (what the till sells for what is no article: SKUs), and `store`, the only
      store there is
    * `required`: roles whose attribute a product type declares as required
    * `product_type`: key of the type most products have
    """
    till = shop.lightspeed
    locale = _till_locale(shop)
    attributes = _roles(shop)
    return {
        "locale": locale,
        "locales": shop.locales,
        "currency": str(till.retailer["currency"]),
        "country": str(till.retailer["country"]),
        "price_tax_included": not till.retailer["tax_exclusive"],
        "tax_classes": _tax_classes(shop),
        "outlets": [str(outlet["name"]) for outlet in till.outlets],
        "locations": [
            {"name": outlet["name"], "outlet": outlet["name"], "channel": outlet.get("channel")}
            for outlet in till.outlets
        ],
        "channels": _channels(till.outlets),
        "attributes": attributes,
        "options": [
            {"name": name, "attribute": attribute}
            for attribute, name in _options(shop, locale, set(attributes.values())).items()
        ],
        "price_lists": _price_lists(shop),
        "customers": _customers(shop),
        "orders": _orders(shop),
        "required": [role for role, attribute in attributes.items() if attribute in _required(shop)],
        "product_type": Counter(each["productType"]["key"] for each in shop.products).most_common(1)[0][0],
    }


def _channels(outlets: list[Draft]) -> list[Draft]:
    without = [str(outlet["name"]) for outlet in outlets if not outlet.get("channel")]
    return [{"key": None, "locations": without}] if without else []


def _price_lists(shop: Shop) -> list[Draft]:
    """The articles' own prices, and each price book at the till whose customers, or whose outlet, have prices of their
    own online: by a customer group of the same name, or a channel whose key begins with that of the outlet's stock."""
    till = shop.lightspeed
    lists: list[Draft] = [{"name": "Regal", "owner": "commercetools", "book": None}]
    groups = {str(group["groupName"]): str(group["key"]) for group in shop.customer_groups}
    selling = [str(c["key"]) for c in shop.channels if "ProductDistribution" in c.get("roles", ())]
    stock = {str(outlet["name"]): str(outlet.get("channel") or "") for outlet in till.outlets}
    for book in till.price_books:
        named, outlets = book.get("customer_groups") or [], book.get("outlets") or []
        at = {"name": book["name"], "book": book["name"], "groups": named, "outlets": outlets}
        if len(named) == 1 and named[0] in groups:
            lists.append({**at, "owner": "commercetools", "customer_group": groups[named[0]]})
        elif len(outlets) == 1:
            own = [key for key in selling if stock[outlets[0]] and key.startswith(f"{stock[outlets[0]]}-")]
            if len(own) == 1:
                lists.append({**at, "owner": "lightspeed", "channel": own[0]})
    return lists


def _customers(shop: Shop) -> Draft:
    online = {str(group["groupName"]): str(group["key"]) for group in shop.customer_groups}
    shared = [name for name in shop.lightspeed.customer_groups if name in online]
    held = {
        str(definition["name"]): str(definition["type"]["name"])
        for each in shop.types
        if "customer" in each.get("resourceTypeIds", ())
        for definition in each.get("fieldDefinitions", ())
    }
    return {
        "groups": [{"commercetools": online[name], "lightspeed": name} for name in shared],
        "fields": {role: name for role, (name, kind) in CUSTOMER_ROLES.items() if held.get(name) == kind},
    }


def _orders(shop: Shop) -> Draft:
    till = shop.lightspeed
    registers: dict[str, str] = {}
    for register in till.registers:
        # A register of its own for the web shop is one that nobody closes in the evening.
        if register["name"] == ONLINE or register["outlet"] not in registers:
            registers[str(register["outlet"])] = str(register["name"])
    own = [place for place, name in registers.items() if name == ONLINE]
    kinds = {str(each["name"]): each["type_id"] for each in till.payment_types}
    tenders: list[Draft] = [
        {"tender": name, "method": "gift-card"} for name, kind in kinds.items() if kind == GIFT_CARD
    ]
    tenders += [{"tender": name} for name in list(kinds)[-1:]]
    return {
        "location": [*own, *registers][0],
        "registers": registers,
        "tenders": tenders,
        "services": {
            "shipping": SHIPPING,
            "custom": CUSTOM,
            "customs": {"gift-wrap": GIFT_WRAP},
            "stand_in": STAND_IN,
            "refund": REFUND,
        },
        "store": str(shop.stores[0]["key"]) if len(shop.stores) == 1 else None,
    }


def _definitions(shop: Shop) -> dict[str, Draft]:
    """The attribute definitions of all product types that products have, by name."""
    used = {product["productType"]["key"] for product in shop.products}
    return {
        definition["name"]: definition
        for product_type in shop.product_types
        if product_type["key"] in used
        for definition in product_type.get("attributes", [])
    }


def _required(shop: Shop) -> set[str]:
    return {name for name, definition in _definitions(shop).items() if definition.get("isRequired")}


def _till_locale(shop: Shop) -> str:
    """The locale in which every product has a name and most else is written; the till's country decides a tie."""
    named = [each for each in shop.locales if all(each in product["name"] for product in shop.products)]
    written: Counter[str] = Counter()
    for _, variant in shop.variants():
        for attribute in variant["attributes"]:
            values = attribute["value"] if isinstance(attribute["value"], list) else [attribute["value"]]
            written.update(
                name for value in values if isinstance(value, dict) for name in value if name in named
            )
    country = f"-{shop.lightspeed.retailer['country']}"
    return max(named or shop.locales, key=lambda each: (written[each], each.endswith(country)))


def _tax_classes(shop: Shop) -> dict[str, str]:
    country = shop.lightspeed.retailer["country"]
    names = {
        rate_amount({"amount": tax["rate"]}): str(tax["name"]) for tax in reversed(shop.lightspeed.taxes)
    }
    return {
        category["key"]: names[rate_amount(rate)]
        for category in shop.tax_categories
        for rate in category["rates"]
        if rate.get("country") == country and rate_amount(rate) in names
    }


def _roles(shop: Shop) -> dict[str, str]:
    known = _definitions(shop)
    found = {
        role: next((name for name in names if name in known), None) for role, names in ROLE_NAMES.items()
    }
    described = sum("description" in product for product in shop.products)
    if described * 2 > len(shop.products):
        found["description"] = None
    return {role: name for role, name in found.items() if name is not None}


def _options(shop: Shop, locale: str, taken: set[str]) -> dict[str, str]:
    """The attributes that tell the variants of a product apart, and their names at the till.

    Attributes that say nothing new once the others are known are left out: a shop may keep a colour as a filter, as
    a code and as a label. Of those, the label is for people.
    """
    definitions = _definitions(shop)
    families = [
        [
            {each["name"]: repr(each["value"]) for each in variant["attributes"]}
            for variant in _variants(product)
        ]
        for product in shop.products
        if product["variants"]
    ]
    candidates = [
        name
        for name, definition in definitions.items()
        if name not in taken
        and definition["type"]["name"] in _OPTION_TYPES
        and definition.get("attributeConstraint") != "SameForAll"
        and not (definition["type"]["name"] == "text" and _is_identifier(name, families))
    ]
    candidates.sort(key=lambda name: (not name.endswith("label"), -_told_apart(families, [name])))
    chosen: list[str] = []
    for name in candidates:
        if _told_apart(families, [*chosen, name]) > _told_apart(families, chosen):
            chosen.append(name)
    return {name: _option_name(definitions[name], locale) for name in definitions if name in chosen}


def _variants(product: Draft) -> list[Draft]:
    return [product["masterVariant"], *product["variants"]]


def _told_apart(families: Iterable[list[dict[str, str]]], names: list[str]) -> int:
    """How many different variants there are if one looks at these attributes only."""
    return sum(len({tuple(variant.get(name) for name in names) for variant in family}) for family in families)


def _is_identifier(name: str, families: list[list[dict[str, str]]]) -> bool:
    """Whether no two variants share a value: an article number, not a choice."""
    values = [variant[name] for family in families for variant in family if name in variant]
    return len(values) > 1 and len(set(values)) == len(values)


def _option_name(definition: Draft, locale: str) -> str:
    labels: dict[str, str] = definition.get("label", {})
    label = labels.get(locale) or next(filter(None, labels.values()), definition["name"])
    return _LABEL_SUFFIX.sub("", label.strip()) or str(definition["name"])
