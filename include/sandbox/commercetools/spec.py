"""Checks request bodies against a JSON Schema bundle made from the official description, where one is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

from sandbox.commercetools.shapes import CURRENCY

_RESOURCES = {
    "products": "Product",
    "product-types": "ProductType",
    "inventory": "InventoryEntry",
    "standalone-prices": "StandalonePrice",
    "customers": "Customer",
    "channels": "Channel",
    "tax-categories": "TaxCategory",
    "categories": "Category",
    "stores": "Store",
    "types": "Type",
    "payments": "Payment",
    "subscriptions": "Subscription",
}


_IMPORT_DRAFTS = ("LineItemImportDraft", "CustomLineItemImportDraft", "ShippingInfoImportDraft")
"""They take `taxedPrice` since 3 September 2026, which is younger than the description."""


_MONEY_DRAFTS = ("CentPrecisionMoneyDraft", "HighPrecisionMoneyDraft")
"""The bundle knows ISO codes only; the description has `NonStandardCurrency` besides."""


class RequestValidator:
    """Set it as `store.validate_requests`: a body the description does not allow is then answered with 400."""

    def __init__(self, schema: Path) -> None:
        self._bundle: dict[str, Any] = json.loads(schema.read_text())
        # Custom fields hold booleans and numbers as well; the description was made with text as their only kind.
        self._bundle["components"]["schemas"]["FieldContainer"] = {"type": "object"}
        for name in _MONEY_DRAFTS:
            self._bundle["components"]["schemas"][name]["properties"]["currencyCode"] = {
                "type": "string",
                "pattern": f"^({CURRENCY.pattern})$",
            }
        for name in _IMPORT_DRAFTS:
            draft = self._bundle["components"]["schemas"].get(name)
            if draft is not None:
                draft["properties"].setdefault("taxedPrice", {"$ref": "#/components/schemas/TaxedPriceDraft"})
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def __call__(self, method: str, path: str, body: Any) -> str | None:
        """What is wrong with a body sent to this path below the project; None if nothing is, or if it is not known."""
        name = self._root(method, path)
        if name is None or name not in self._bundle["components"]["schemas"]:
            return None
        error = next(iter(self._validator(name).iter_errors(body)), None)
        if error is None:
            return None
        where = "/".join(str(step) for step in error.instance_path)
        return f"{name} {where}: {error.message}"[:2000]

    def _root(self, method: str, path: str) -> str | None:
        resource, _, rest = path.partition("/")
        if method != "POST":
            return None
        if resource == "custom-objects":
            return "CustomObjectDraft"
        if resource == "orders":
            return "OrderImportDraft" if rest == "import" else "OrderUpdate" if rest else None
        if resource not in _RESOURCES:
            return None
        return _RESOURCES[resource] + ("Update" if rest else "Draft")

    def _validator(self, name: str) -> jsonschema_rs.Draft202012Validator:
        if name not in self._validators:
            root = {**self._bundle, "$ref": f"#/components/schemas/{name}"}
            self._validators[name] = jsonschema_rs.Draft202012Validator(root)
        return self._validators[name]
