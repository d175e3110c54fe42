"""What is kept of an order: goods, amounts, states and ids. Everything else stops where it is read.

The members that are needed are named here, so that a member nobody thought of is never kept: no name, no address but
its country, no card, no e-mail address. Of an e-mail address there may be a keyed digest, where the settings look
guests up by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retail_sync.commercetools.api.trimming import Tree, scalars, trimmed_to

EmailToken = Callable[[str], Sequence[str]]
TOKENS = "emailTokens"
"""Of a trimmed row: digests of the customer's e-mail address, in place of the address."""


_ID = scalars("id", "typeId")
_MONEY = scalars("type", "currencyCode", "centAmount", "fractionDigits")
_RATE: Tree = {
    **scalars("name", "amount", "includedInPrice", "country"),
    "subRates": scalars("name", "amount"),
}
_TAXED = {"totalNet": _MONEY, "totalGross": _MONEY}
_ITEM: Tree = {
    **scalars("id", "quantity"),
    "name": {},
    "totalPrice": _MONEY,
    "taxedPrice": _TAXED,
    "taxRate": _RATE,
    "perMethodTaxRate": {**scalars("shippingMethodKey"), "taxRate": _RATE},
    "taxedPricePortions": {**scalars("shippingMethodKey"), "taxedPrice": _TAXED},
    "shippingDetails": {"targets": scalars("quantity", "shippingMethodKey")},
    "discountedPricePerQuantity": {**scalars("quantity"), "discountedPrice": {"value": _MONEY}},
}
_SHIPPING: Tree = {
    **scalars("shippingMethodName", "shippingKey"),
    "price": _MONEY,
    "discountedPrice": {"value": _MONEY},
    "taxRate": _RATE,
    "taxedPrice": _TAXED,
    "shippingMethod": {**_ID, "obj": scalars("key")},
}
_PAYMENT: Tree = {
    **scalars("id"),
    "paymentMethodInfo": scalars("paymentInterface", "method"),
    "transactions": {**scalars("id", "type", "state", "timestamp"), "amount": _MONEY},
}
_ORDER: Tree = {
    **scalars(
        "id", "version", "orderNumber", "createdAt", "lastModifiedAt", "origin", "country", "customerId"
    ),
    **scalars("orderState", "paymentState", "shipmentState"),
    "store": scalars("key"),
    "totalPrice": _MONEY,
    "taxedPrice": {**_TAXED, "taxPortions": {**scalars("name", "rate"), "amount": _MONEY}},
    "taxedShippingPrice": _TAXED,
    "discountOnTotalPrice": dict.fromkeys(
        ("discountedAmount", "discountedNetAmount", "discountedGrossAmount"), _MONEY
    ),
    "lineItems": {
        **_ITEM,
        **scalars("productId"),
        "variant": scalars("id", "sku"),
        "price": {"value": _MONEY},
        "supplyChannel": _ID,
        "distributionChannel": _ID,
    },
    "customLineItems": {**_ITEM, **scalars("slug"), "money": _MONEY},
    "shippingInfo": _SHIPPING,
    "shipping": {
        **scalars("shippingKey"),
        "shippingInfo": _SHIPPING,
        "shippingAddress": scalars("country"),
    },
    "shippingAddress": scalars("country"),
    "paymentInfo": {"payments": {**_ID, "obj": _PAYMENT}},
    "returnInfo": {
        **scalars("returnDate"),
        "items": {
            **scalars("id", "type", "lineItemId", "customLineItemId", "quantity", "shipmentState"),
            **scalars("paymentState", "createdAt", "lastModifiedAt"),
        },
    },
    "syncInfo": {**scalars("externalId", "syncedAt"), "channel": _ID},
}
"""Members of the type Order (API reference), of payments as `expand` shows them."""


def trimmed(row: Mapping[str, Any], email_token: EmailToken | None = None) -> dict[str, Any]:
    """The row without all that is not needed. By their address only guests are recognised."""
    kept = trimmed_to(_ORDER, row)
    email = None if row.get("customerId") else row.get("customerEmail")
    if email_token is not None and isinstance(email, str) and email:
        kept[TOKENS] = list(email_token(email))
    return kept
