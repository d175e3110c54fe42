"""An import draft as a shop writes it at check-out: names and prices from the variants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.commercetools.errors import Json
from sandbox.commercetools.prices import selected_price
from sandbox.commercetools.products import variants_of
from sandbox.commercetools.state import Project

CURRENCY = "EUR"
NO_PRICE: Json = {"currencyCode": CURRENCY, "centAmount": 100}
"""What a line costs whose variant has no price: stock is what such orders are about."""

Line = tuple[str, int, str | None]
"""SKU, quantity, and the key of the supply channel, if one is named."""


def order_draft(
    project: Project, lines: Iterable[Line], mode: str, number: str | None, fields: dict[str, Any]
) -> Json:
    """An `OrderImportDraft` for these lines; `fields` are laid over it."""
    items = [_line(project, *line) for line in lines]
    total = sum(item["price"]["value"]["centAmount"] * item["quantity"] for item in items)
    draft: Json = {
        "totalPrice": {"currencyCode": CURRENCY, "centAmount": total},
        "inventoryMode": mode,
        "lineItems": items,
    }
    if number is not None:
        draft["orderNumber"] = number
    return {**draft, **fields}


def _line(project: Project, sku: str, quantity: int, channel: str | None) -> Json:
    product = project.collection("products").find_by("sku", sku)
    name, value = {project.settings["languages"][0]: sku}, NO_PRICE
    if product is not None:
        data = product["masterData"]["current"]
        name = data["name"]
        value = next((_price(project, each) for each in variants_of(data) if each.get("sku") == sku), value)
    item: Json = {
        "name": name,
        "variant": {"sku": sku},
        "quantity": quantity,
        "price": {"value": {"currencyCode": CURRENCY, "centAmount": value["centAmount"]}},
    }
    if channel is not None:
        item["supplyChannel"] = {"typeId": "channel", "key": channel}
    return item


def _price(project: Project, variant: Json) -> Json:
    now = project.platform.now()
    chosen = selected_price(variant.get("prices", []), CURRENCY, None, None, now)
    value: Json = chosen["value"] if chosen is not None else NO_PRICE
    return value
