"""The shipping methods of a shop: as drafts the stand-in takes, whatever an export left of their references."""

from __future__ import annotations

from sandbox.commercetools import CommercetoolsStore
from sandbox.shop.files import as_key
from sandbox.shop.model import Draft, Shop

_KEPT = ("name", "localizedName", "description", "localizedDescription", "isDefault", "active", "predicate")


def method_key(method: Draft) -> str:
    """The method's key, or one made of its name."""
    return str(method.get("key") or as_key(method["name"]).lower())


def shipping_drafts(shop: Shop, store: CommercetoolsStore, project: str | None) -> list[Draft]:
    """ShippingMethodDrafts for a project that has the zones. An export may name a zone instead of referring to it, and
    a tax category by the id it had elsewhere: then it is the shop's first."""
    zones = {zone["name"]: zone["id"] for zone in store.all("zones", project=project)}
    drafts = []
    for method in shop.shipping_methods:
        category = method["taxCategory"]
        if "key" not in category:
            category = {"typeId": "tax-category", "key": shop.tax_categories[0]["key"]}
        places = [
            {**each, "zone": _zone(each["zone"], zones)}
            for each in method["zoneRates"]
            if "key" in each["zone"] or each["zone"].get("id") in zones
        ]
        kept = {name: method[name] for name in _KEPT if name in method}
        draft = {**kept, "key": method_key(method), "taxCategory": category, "zoneRates": places}
        drafts.append({"isDefault": False, **draft})
    return drafts


def _zone(reference: Draft, ids: dict[str, str]) -> Draft:
    if "key" in reference:
        return reference
    return {"typeId": "zone", "id": ids[reference["id"]]}


def method_that_costs(shop: Shop, amount: int, country: str, currency: str) -> str | None:
    """The key of a method that ships there for this amount."""
    zones = {
        zone.get("key") or zone["name"]
        for zone in shop.zones
        if country in [place["country"] for place in zone.get("locations", [])]
    }
    for method in shop.shipping_methods:
        for place in method["zoneRates"]:
            if (place["zone"].get("key") or place["zone"].get("id")) not in zones:
                continue
            for rate in place["shippingRates"]:
                price = rate["price"]
                if (price["currencyCode"], price["centAmount"]) == (currency, amount):
                    return method_key(method)
    return None
