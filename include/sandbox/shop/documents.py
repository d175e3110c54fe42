"""Inventory, customers and orders of a shop folder as drafts."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

from sandbox.shop.files import Row, as_key, read_csv, read_json, without_empty
from sandbox.shop.model import Draft, ShopError
from sandbox.shop.prices import money


def read_inventory(file: Path) -> list[Draft]:
    """InventoryEntryDrafts: one a SKU and supply channel (optional column `supplyChannel`, a channel key)."""
    if not file.exists():
        return []
    drafts: dict[tuple[str, str], Draft] = {}
    for row in read_csv(file, required=("sku", "quantityOnStock")):
        sku, channel = row.text("sku"), row.text("supplyChannel")
        if not sku:
            raise row.error("has no SKU.", "Fill the sku column.")
        if (sku, channel) in drafts:
            raise row.error(f"counts the SKU {sku!r} again for the same channel.", "Keep one row of them.")
        draft: Draft = {"sku": sku, "key": _inventory_key(sku, channel)}
        if channel:
            draft["supplyChannel"] = {"typeId": "channel", "key": channel}
        draft["quantityOnStock"] = row.whole_number("quantityOnStock")
        drafts[sku, channel] = draft
    return list(drafts.values())


def _inventory_key(sku: str, channel: str) -> str:
    """SKUs may hold characters a key must not; then a digest keeps keys apart."""
    plain = f"{sku}_{channel}" if channel else sku
    safe = as_key(plain)
    return safe if safe == plain else f"{safe[:200]}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def read_customers(file: Path) -> list[Draft]:
    """CustomerDrafts from drafts or from exported customers (whose addresses are referred to by id)."""
    exported = read_json(file, default=[])
    if not isinstance(exported, list) or not all(
        isinstance(each, dict) and each.get("email") for each in exported
    ):
        raise ShopError("must be a list of customers with an email.", file=file, remedy="Correct the list.")
    return [_customer(without_empty(each)) for each in exported]


_CUSTOMER_FIELDS = (
    *(
        "customerNumber",
        "externalId",
        "email",
        "firstName",
        "lastName",
        "middleName",
        "title",
        "salutation",
        "vatId",
    ),
    *("companyName", "dateOfBirth", "locale", "isEmailVerified", "custom", "defaultShippingAddress"),
    *("defaultBillingAddress", "shippingAddresses", "billingAddresses", "customerGroup", "stores"),
)


def _customer(exported: dict[str, Any]) -> Draft:
    addresses = exported.get("addresses", [])
    places = {address["id"]: place for place, address in enumerate(addresses) if "id" in address}
    draft: Draft = {name: exported[name] for name in _CUSTOMER_FIELDS if name in exported}
    identity = exported.get("id") or str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{exported['email']}"))
    draft["key"] = exported.get("key") or f"customer-{identity[:8]}"
    # Nobody logs into a sandbox: without ExternalAuth a draft would have to carry a password.
    draft["authenticationMode"] = "ExternalAuth"
    draft["addresses"] = [{name: value for name, value in each.items() if name != "id"} for each in addresses]
    for name in ("defaultShippingAddress", "defaultBillingAddress"):
        if exported.get(f"{name}Id") in places:
            draft[name] = places[exported[f"{name}Id"]]
    for name in ("shippingAddress", "billingAddress"):
        if found := [places[each] for each in exported.get(f"{name}Ids", []) if each in places]:
            draft[f"{name}es"] = found
    return draft


def read_orders(file: Path, products: list[Draft]) -> list[Draft]:
    """OrderImportDrafts: rows with the same id are the line items of one order."""
    if not file.exists():
        return []
    names = {
        variant.get("sku", ""): product["name"]
        for product in products
        for variant in (product["masterVariant"], *product["variants"])
    }
    orders: dict[str, list[Row]] = {}
    for row in read_csv(
        file, required=("id", "orderNumber", "totalPrice", "lineItems.variant.sku", "lineItems.price")
    ):
        orders.setdefault(row.text("id") or row.text("orderNumber"), []).append(row)
    return [_order(rows, names) for rows in orders.values()]


def _order(rows: list[Row], names: dict[str, dict[str, str]]) -> Draft:
    first = rows[0]
    draft: Draft = {
        "orderNumber": first.text("orderNumber"),
        "totalPrice": money(first, "totalPrice"),
        "lineItems": [_line_item(row, names) for row in rows],
    }
    if first.text("totalNet") and first.text("totalGross"):
        draft["taxedPrice"] = {
            "totalNet": money(first, "totalNet"),
            "totalGross": money(first, "totalGross"),
            "taxPortions": [],
        }
    for name in ("orderState", "paymentState", "shipmentState", "customerEmail", "completedAt"):
        if first.text(name):
            draft[name] = first.text(name)
    if first.text("shippingAddress.country"):
        draft["country"] = first.text("shippingAddress.country")
    for kind in ("shippingAddress", "billingAddress"):
        address = {
            column.partition(".")[2]: cell.strip()
            for column, cell in first.cells.items()
            if column.startswith(f"{kind}.") and cell.strip()
        }
        if address:
            draft[kind] = address
    return draft


def _line_item(row: Row, names: dict[str, dict[str, str]]) -> Draft:
    sku = row.text("lineItems.variant.sku")
    return {
        # An order may name a SKU the shop no longer has; a line item needs a name all the same.
        "name": row.localized("lineItems.name") or names.get(sku) or {"en": sku},
        "variant": {"sku": sku},
        "quantity": row.whole_number("lineItems.quantity"),
        "price": {"value": money(row, "lineItems.price")},
    }
