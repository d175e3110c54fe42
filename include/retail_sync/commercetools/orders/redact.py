"""What is kept of an order: goods, amounts, states and ids. Everything else stops where it is read.

The members that are needed are named here, so that a member nobody thought of is never kept: no name, no address but
its country, no card, no e-mail address. Of an e-mail address there may be a keyed digest, where the settings look
guests up by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Tree = Mapping[str, Any]
"""Members that are kept; of an object, or a list of objects, again a tree; `{}`: texts by language, whichever."""
EmailToken = Callable[[str], Sequence[str]]
TOKENS = "emailTokens"
"""Of a trimmed row: digests of the customer's e-mail address, in place of the address."""


def _scalars(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


_ID = _scalars("id", "typeId")
_MONEY = _scalars("type", "currencyCode", "centAmount", "fractionDigits")
_RATE: Tree = {
    **_scalars("name", "amount", "includedInPrice", "country"),
    "subRates": _scalars("name", "amount"),
}
_TAXED = {"totalNet": _MONEY, "totalGross": _MONEY}
_ITEM: Tree = {
    **_scalars("id", "quantity"),
    "name": {},
    "totalPrice": _MONEY,
    "taxedPrice": _TAXED,
    "taxRate": _RATE,
    "perMethodTaxRate": {**_scalars("shippingMethodKey"), "taxRate": _RATE},
    "taxedPricePortions": {**_scalars("shippingMethodKey"), "taxedPrice": _TAXED},
    "shippingDetails": {"targets": _scalars("quantity", "shippingMethodKey")},
    "discountedPricePerQuantity": {**_scalars("quantity"), "discountedPrice": {"value": _MONEY}},
}
_SHIPPING: Tree = {
    **_scalars("shippingMethodName", "shippingKey"),
    "price": _MONEY,
    "discountedPrice": {"value": _MONEY},
    "taxRate": _RATE,
    "taxedPrice": _TAXED,
    "shippingMethod": {**_ID, "obj": _scalars("key")},
}
_PAYMENT: Tree = {
    **_scalars("id"),
    "paymentMethodInfo": _scalars("paymentInterface", "method"),
    "transactions": {**_scalars("id", "type", "state", "timestamp"), "amount": _MONEY},
}
_ORDER: Tree = {
    **_scalars(
        "id", "version", "orderNumber", "createdAt", "lastModifiedAt", "origin", "country", "customerId"
    ),
    **_scalars("orderState", "paymentState", "shipmentState"),
    "store": _scalars("key"),
    "totalPrice": _MONEY,
    "taxedPrice": {**_TAXED, "taxPortions": {**_scalars("name", "rate"), "amount": _MONEY}},
    "taxedShippingPrice": _TAXED,
    "discountOnTotalPrice": dict.fromkeys(
        ("discountedAmount", "discountedNetAmount", "discountedGrossAmount"), _MONEY
    ),
    "lineItems": {
        **_ITEM,
        **_scalars("productId"),
        "variant": _scalars("id", "sku"),
        "price": {"value": _MONEY},
        "supplyChannel": _ID,
        "distributionChannel": _ID,
    },
    "customLineItems": {**_ITEM, **_scalars("slug"), "money": _MONEY},
    "shippingInfo": _SHIPPING,
    "shipping": {
        **_scalars("shippingKey"),
        "shippingInfo": _SHIPPING,
        "shippingAddress": _scalars("country"),
    },
    "shippingAddress": _scalars("country"),
    "paymentInfo": {"payments": {**_ID, "obj": _PAYMENT}},
    "returnInfo": {
        **_scalars("returnDate"),
        "items": {
            **_scalars("id", "type", "lineItemId", "customLineItemId", "quantity", "shipmentState"),
            **_scalars("paymentState", "createdAt", "lastModifiedAt"),
        },
    },
    "syncInfo": {**_scalars("externalId", "syncedAt"), "channel": _ID},
}
"""Members of the type Order (API reference), of payments as `expand` shows them."""


def trimmed(row: Mapping[str, Any], email_token: EmailToken | None = None) -> dict[str, Any]:
    """The row without all that is not needed. By their address only guests are recognised."""
    kept: dict[str, Any] = _cut(row, _ORDER)
    email = None if row.get("customerId") else row.get("customerEmail")
    if email_token is not None and isinstance(email, str) and email:
        kept[TOKENS] = list(email_token(email))
    return kept


def _cut(value: Any, tree: Tree | None) -> Any:
    """An object or a list where none is expected is nothing we know, and so is a text where an object is."""
    if tree is None:
        return None if isinstance(value, (list, Mapping)) else value
    if isinstance(value, list):
        return [_cut(item, tree) for item in value]
    if not isinstance(value, Mapping):
        return None
    if not tree:
        return {name: _cut(text, None) for name, text in value.items()}
    return {name: _cut(value[name], below) for name, below in tree.items() if name in value}
