"""What both systems show, without the ids and times that differ from run to run: for comparing end states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.worlds import World

Json = dict[str, Any]


def till_view(world: World) -> list[Json]:
    """Every article at the till, references by name, sorted."""
    taxes = {tax.id: tax.fields["name"] for tax in world.till.taxes.live()}
    rows = world.till.all_products()
    families: dict[str, list[str]] = {}
    for row in rows:
        families.setdefault(row["family_id"], []).append(row["sku"])
    shown = [
        {
            "sku": row["sku"],
            "name": row["name"],
            "description": row["description"],
            "active": row["active"],
            "tracked": row["has_inventory"],
            "price": [str(row["price_including_tax"]), str(row["price_excluding_tax"])],
            "supply_price": str(row["supply_price"]),
            "options": [[option["name"], option["value"]] for option in row["variant_options"]],
            "codes": sorted([code["type"], code["code"]] for code in row["product_codes"]),
            "brand": (row.get("brand") or {}).get("name"),
            "category": (row.get("product_category") or {}).get("name"),
            "tags": sorted(tag["name"] for tag in row["categories"]),
            "suppliers": sorted(
                [each["supplier_name"], each["code"], str(each["price"])] for each in row["product_suppliers"]
            ),
            "taxes": sorted({taxes[each["tax_id"]] for each in row["outlet_taxes"] if each["tax_id"]}),
            "family": sorted(families[row["family_id"]]),
        }
        for row in rows
    ]
    return sorted(shown, key=lambda row: (row["sku"], row["name"]))


def online_view(world: World) -> list[Json]:
    """Every variant online with its product's fields, references by key, sorted."""
    keys = {
        row["id"]: row.get("key") or row.get("name")
        for path in ("product-types", "tax-categories", "categories", "channels")
        for row in world.online.all(path)
    }
    shown = []
    for product in world.online_products():
        data = product["masterData"]["current"]
        of_all = {
            "name": data["name"],
            "description": data.get("description"),
            "type": keys[product["productType"]["id"]],
            "tax": keys[product["taxCategory"]["id"]] if product.get("taxCategory") else None,
            "categories": sorted(keys[category["id"]] for category in data["categories"]),
            "published": product["masterData"]["published"],
            "draft": product["masterData"]["hasStagedChanges"],
        }
        for variant in current_variants(product):
            own = {
                "sku": variant.get("sku") or f"{data['name']} {variant['id']}",
                "attributes": attributes_of(variant),
                "prices": sorted(price_view(price, keys) for price in variant.get("prices") or ()),
                "images": [image["url"] for image in variant.get("images") or ()],
            }
            shown.append({**of_all, **own})
    return sorted(shown, key=lambda row: (row["sku"], str(row["name"])))


def price_view(price: Json, keys: Mapping[str, Any]) -> list[str]:
    """Currency, amount, where it holds, and the discounted amount; as text, so that prices can be sorted."""
    return [
        price["value"]["currencyCode"],
        str(price["value"]["centAmount"]),
        price.get("country") or "",
        str(keys[price["channel"]["id"]]) if price.get("channel") else "",
        str(((price.get("discounted") or {}).get("value") or {}).get("centAmount", "")),
    ]


def current_variants(product: Json) -> list[Json]:
    data = product["masterData"]["current"]
    return [data["masterVariant"], *data["variants"]]


def attributes_of(variant: Json) -> Json:
    """Attribute values by name; money by currency and amount alone."""
    return {each["name"]: _plain(each["value"]) for each in variant.get("attributes") or ()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "centAmount" in value:
        return [value["currencyCode"], value["centAmount"]]
    return value
