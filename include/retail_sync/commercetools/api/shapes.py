"""What rows of commercetools have to look like before anything is made of them: the members that are read, and of what
kind each is (API reference, types ProductProjection, Product, InventoryEntry, Order, Customer, StandalonePrice).

Members nobody reads are not looked at. Attribute values may be of any kind; what they must be for the field they are
mapped to is checked where they are mapped (`cells`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_sync.commercetools.api.wire import AttributeType
from retail_sync.records.checks import (
    Check,
    Shape,
    amount,
    anything,
    each,
    either,
    flag,
    identifier,
    members,
    moment,
    needed,
    one_of,
    text,
    values,
    whole,
)
from retail_sync.records.odd import reason_of

MOST_FRACTION_DIGITS = 20
"""Of money: high precision has up to 20 (API reference, HighPrecisionMoney)."""


def digits(value: Any) -> str | None:
    """How many fraction digits a currency is counted in."""
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is {reason}" if (reason := reason_of(value)) else "is not a whole number"
    return None if 0 <= value <= MOST_FRACTION_DIGITS else "is no number of digits"


def positive(value: Any) -> str | None:
    """A version or a number of something: none is below zero."""
    why = "is not a whole number" if value == "" else whole(value)
    return why or ("is below zero" if int(value) < 0 else None)


def validity(value: Any) -> str | None:
    """When a price begins or ends; `9999-12-31` is a way to say never."""
    why = moment(value)
    return None if why == "is no time anybody can mean" else why


REFERENCE: Shape = {"id": needed(identifier)}
LOCALIZED = values(text)
MONEY: Shape = {
    "type": one_of("centPrecision", "highPrecision"),
    "currencyCode": needed(identifier),
    "centAmount": needed(whole),
    "fractionDigits": digits,
    "preciseAmount": whole,
}
TIER: Shape = {"minimumQuantity": needed(positive), "value": needed(members(MONEY))}
PRICE: Shape = {
    "id": identifier,
    "key": identifier,
    "value": needed(members(MONEY)),
    "country": identifier,
    "channel": members(REFERENCE),
    "customerGroup": members(REFERENCE),
    "validFrom": validity,
    "validUntil": validity,
    "tiers": each(members(TIER)),
    "custom": members({"type": members(REFERENCE), "fields": values(anything)}),
    "discounted": members({"value": members(MONEY), "discount": members(REFERENCE)}),
    "standalone": whole,
}
STANDALONE_PRICE: Shape = {
    **PRICE,
    "id": needed(identifier),
    "version": needed(positive),
    "sku": needed(identifier),
    "active": flag,
}
ATTRIBUTE: Shape = {"name": needed(identifier)}
VARIANT: Shape = {
    "id": needed(positive),
    "sku": identifier,
    "prices": each(members(PRICE)),
    "attributes": each(members(ATTRIBUTE)),
    "images": each(members({"url": text})),
}


def _true_or_false(value: Any) -> str | None:
    return (
        None if value is None or isinstance(value, bool) else f"is {reason_of(value) or 'not true or false'}"
    )


_CHOICE = members({"key": needed(identifier), "label": either(text, LOCALIZED)})
_OF_TYPE: Mapping[str, Check] = {
    "text": text,
    "ltext": LOCALIZED,
    "number": amount,
    "boolean": _true_or_false,
    "enum": _CHOICE,
    "lenum": _CHOICE,
    "money": members(MONEY),
    "date": text,
    "time": text,
    "datetime": text,
    "reference": members(REFERENCE),
}
"""Values of attributes by the name of their type (API reference, AttributeType)."""


def value_of(type_: AttributeType | None) -> Check:
    """What a value of this attribute type may be. In a set, a null is nothing."""
    if type_ is None:
        return anything
    if type_.name != "set":
        return _OF_TYPE.get(type_.name, anything)
    one = value_of(type_.elementType)
    listed = each(one)

    def check(value: Any) -> str | None:
        return listed([item for item in value if item is not None] if isinstance(value, list) else value)

    return check


PRODUCT: Shape = {
    "id": needed(identifier),
    "version": needed(positive),
    "lastModifiedAt": needed(moment),
    "key": identifier,
    "productType": needed(members(REFERENCE)),
    "taxCategory": members(REFERENCE),
    "priceMode": one_of("Embedded", "Standalone"),
    "published": flag,
    "hasStagedChanges": flag,
    "name": LOCALIZED,
    "description": LOCALIZED,
    "slug": LOCALIZED,
    "metaTitle": LOCALIZED,
    "metaDescription": LOCALIZED,
    "metaKeywords": LOCALIZED,
    "categories": each(members(REFERENCE)),
    "attributes": each(members(ATTRIBUTE)),
    "masterVariant": needed(members(VARIANT)),
    "variants": each(members(VARIANT)),
}
PRODUCT_OF_PRICES: Shape = {
    name: PRODUCT[name]
    for name in ("id", "version", "lastModifiedAt", "taxCategory", "priceMode", "masterVariant", "variants")
}

ENTRY: Shape = {
    "id": needed(identifier),
    "version": positive,
    "lastModifiedAt": moment,
    "sku": identifier,
    "supplyChannel": members(REFERENCE),
    "quantityOnStock": whole,
    "availableQuantity": whole,
}
_SOURCE: Shape = {
    "quantity": whole,
    "inventoryMode": text,
    "supplyChannel": members(REFERENCE),
    "variant": members({"sku": identifier}),
}
ORDER_OF_STOCK: Shape = {
    "id": needed(identifier),
    "version": positive,
    "createdAt": moment,
    "lastModifiedAt": moment,
    "orderNumber": identifier,
    "orderState": text,
    "inventoryMode": text,
    "syncInfo": each(members({"syncedAt": moment, "channel": members(REFERENCE)})),
    "lineItems": each(members(_SOURCE)),
}

_PART_OF_RATE = members({"name": text, "amount": needed(amount)})
RATE: Shape = {
    "name": text,
    "amount": needed(amount),
    "includedInPrice": flag,
    "country": text,
    "subRates": each(_PART_OF_RATE),
}
TAXED: Shape = {"totalNet": needed(members(MONEY)), "totalGross": needed(members(MONEY))}
DISCOUNTED = members({"value": needed(members(MONEY))})
_ITEM: Shape = {
    "id": needed(identifier),
    "quantity": needed(whole),
    "name": LOCALIZED,
    "totalPrice": needed(members(MONEY)),
    "taxedPrice": members(TAXED),
    "taxRate": members(RATE),
    "perMethodTaxRate": each(members({"shippingMethodKey": needed(identifier), "taxRate": members(RATE)})),
    "taxedPricePortions": each(
        members({"shippingMethodKey": needed(identifier), "taxedPrice": members(TAXED)})
    ),
    "shippingDetails": members(
        {"targets": each(members({"shippingMethodKey": identifier, "quantity": needed(whole)}))}
    ),
    "discountedPricePerQuantity": each(
        members({"quantity": needed(whole), "discountedPrice": needed(DISCOUNTED)})
    ),
}
_SHIPPING: Shape = {
    "shippingMethodName": text,
    "price": needed(members(MONEY)),
    "discountedPrice": DISCOUNTED,
    "taxRate": members(RATE),
    "taxedPrice": members(TAXED),
    "shippingMethod": members({"id": identifier, "obj": members({"key": identifier})}),
}
_ADDRESS = members({"country": text})
_TRANSACTION: Shape = {
    "id": needed(identifier),
    "type": needed(one_of("Authorization", "CancelAuthorization", "Charge", "Refund", "Chargeback")),
    "state": one_of("Initial", "Pending", "Success", "Failure"),
    "timestamp": moment,
    "amount": needed(members(MONEY)),
}
PAYMENT: Shape = {"id": needed(identifier)}
_PAYMENT: Shape = {
    **PAYMENT,
    "paymentMethodInfo": members({"paymentInterface": text, "method": text}),
    "transactions": each(members(_TRANSACTION)),
}
_RETURNED: Shape = {
    "id": needed(identifier),
    "lineItemId": identifier,
    "customLineItemId": identifier,
    "quantity": needed(whole),
    "shipmentState": needed(text),
    "paymentState": needed(text),
    "createdAt": moment,
}
ORDER: Shape = {
    "id": needed(identifier),
    "version": needed(positive),
    "orderNumber": identifier,
    "createdAt": needed(moment),
    "lastModifiedAt": needed(moment),
    "origin": text,
    "country": text,
    "customerId": identifier,
    "orderState": needed(one_of("Open", "Confirmed", "Complete", "Cancelled")),
    "paymentState": text,
    "shipmentState": text,
    "store": members({"key": identifier}),
    "totalPrice": needed(members(MONEY)),
    "taxedPrice": members(
        {
            **TAXED,
            "taxPortions": each(members({"name": text, "rate": needed(amount), "amount": members(MONEY)})),
        }
    ),
    "taxedShippingPrice": members(TAXED),
    "discountOnTotalPrice": members(
        {
            "discountedAmount": needed(members(MONEY)),
            "discountedNetAmount": members(MONEY),
            "discountedGrossAmount": members(MONEY),
        }
    ),
    "lineItems": each(
        members(
            {
                **_ITEM,
                "variant": members({"sku": identifier}),
                "price": needed(DISCOUNTED),
                "supplyChannel": members(REFERENCE),
                "distributionChannel": members(REFERENCE),
            }
        )
    ),
    "customLineItems": each(members({**_ITEM, "slug": text, "money": needed(members(MONEY))})),
    "shippingInfo": members(_SHIPPING),
    "shipping": each(
        members({"shippingKey": identifier, "shippingInfo": members(_SHIPPING), "shippingAddress": _ADDRESS})
    ),
    "shippingAddress": _ADDRESS,
    "paymentInfo": members({"payments": each(members({"id": identifier, "obj": members(_PAYMENT)}))}),
    "returnInfo": each(members({"returnDate": moment, "items": each(members(_RETURNED))})),
    "syncInfo": each(members({"externalId": identifier, "syncedAt": moment, "channel": members(REFERENCE)})),
}

_PARTS_OF_ADDRESS = (
    *("streetName", "streetNumber", "additionalStreetInfo", "additionalAddressInfo", "city", "postalCode"),
    *("state", "region", "country", "phone", "mobile", "key"),
)
CUSTOMER: Shape = {
    "id": needed(identifier),
    "version": needed(positive),
    "lastModifiedAt": needed(moment),
    "email": identifier,
    "firstName": text,
    "lastName": text,
    "companyName": text,
    "vatId": text,
    "dateOfBirth": text,
    "customerNumber": identifier,
    "externalId": identifier,
    "key": identifier,
    "locale": text,
    "addresses": each(members({"id": identifier, **dict.fromkeys(_PARTS_OF_ADDRESS, text)})),
    "defaultBillingAddressId": identifier,
    "defaultShippingAddressId": identifier,
    "customerGroup": members(REFERENCE),
    "customerGroupAssignments": each(members({"customerGroup": needed(members(REFERENCE))})),
    "stores": each(members({"key": needed(identifier)})),
    "custom": members({"type": needed(members(REFERENCE)), "fields": values(anything)}),
}
