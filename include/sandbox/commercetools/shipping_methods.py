"""Shipping methods, and what one costs where an order goes to."""

from __future__ import annotations

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.custom_fields import CUSTOM_ACTIONS, typed_money
from sandbox.commercetools.errors import Json, invalid_operation
from sandbox.commercetools.prices import change_value, set_text
from sandbox.commercetools.shapes import Shape
from sandbox.commercetools.state import Context, Kind, Project


def _build(context: Context, draft: Json) -> Json:
    given: Json = typed_money(context.project.resolved(context, draft))
    zones = [
        {**zone, "shippingRates": [{"tiers": [], **rate} for rate in zone.get("shippingRates", [])]}
        for zone in given["zoneRates"]
    ]
    return {"active": True, "stores": [], **given, "zoneRates": zones}


def shipping_rate(project: Project, method: Json, country: str | None, currency: str) -> Json:
    """The rate of the zone the country is in. Raises `InvalidOperation` where the method does not go there."""
    for zone_rate in method["zoneRates"]:
        zone = project.by_type("zone").get(id=zone_rate["zone"]["id"])
        if country not in [place["country"] for place in zone.get("locations", [])]:
            continue
        for rate in zone_rate["shippingRates"]:
            if rate["price"]["currencyCode"] == currency:
                found: Json = rate
                return found
    raise invalid_operation(
        f"The shipping method '{method['name']}' has no rate for {country} in {currency}."
    )


def cost_of(rate: Json, goods: int) -> int:
    """What goods of this worth are shipped for."""
    free_above = rate.get("freeAbove")
    if free_above is not None and goods >= free_above["centAmount"]:
        return 0
    cost: int = rate["price"]["centAmount"]
    return cost


SHIPPING_METHODS = Kind(
    path="shipping-methods",
    type_id="shipping-method",
    draft=Shape(
        {
            "name": shapes.text,
            "taxCategory": shapes.reference,
            "zoneRates": shapes.list_of(shapes.mapping),
            "isDefault": shapes.boolean,
        },
        {
            "key": shapes.key,
            "localizedName": shapes.localized,
            "description": shapes.text,
            "localizedDescription": shapes.localized,
            "active": shapes.boolean,
            "predicate": shapes.text,
            "custom": shapes.mapping,
        },
    ),
    build=_build,
    actions={
        "setKey": set_text("key", shapes.key),
        "changeName": change_value("name", shapes.text),
        "changeIsDefault": change_value("isDefault", shapes.boolean),
        **CUSTOM_ACTIONS,
    },
    fields=queryable("name taxCategory zoneRates active isDefault"),
    scopes=("shipping_methods", "orders"),
    kept_while_referenced=True,
)
