"""What is sent about orders, as strict models (API reference: OrderUpdate, OrderImportDraft, CustomObjectDraft)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from retail_sync.commercetools.api.writing import (
    ChannelReference,
    CustomFieldsDraft,
    Draft,
    Identifier,
    MoneyDraft,
    UpdateActions,
)

order_action = UpdateActions(
    {
        # Says where the order went. The channel must have the role OrderExport or OrderImport.
        "updateSyncInfo": {
            "channel": ChannelReference,
            "externalId": str | None,
            "syncedAt": str | None,
        },
        "changeOrderState": {"orderState": str},
        "changePaymentState": {"paymentState": str},
        "changeShipmentState": {"shipmentState": str},
    }
)


class ImportedRate(Draft):
    name: str
    amount: Decimal
    includedInPrice: bool
    country: str


class ImportedPortion(Draft):
    name: str | None = None
    rate: Decimal
    amount: MoneyDraft


class ImportedTaxes(Draft):
    """Of a whole order, and of a line: stored as it is sent, not checked (API reference, since 3 September 2026). Of
    which type that of a line is, is not in the description at hand: it has the members all types of taxed prices
    share."""

    totalNet: MoneyDraft
    totalGross: MoneyDraft
    taxPortions: list[ImportedPortion]


class ImportedVariant(Draft):
    sku: str


class ImportedPrice(Draft):
    value: MoneyDraft


class ImportedLineItem(Draft):
    name: dict[str, str]
    variant: ImportedVariant
    quantity: int
    price: ImportedPrice
    taxRate: ImportedRate | None = None
    taxedPrice: ImportedTaxes | None = None


class ImportedCustomLine(Draft):
    name: dict[str, str]
    slug: str
    quantity: int
    money: MoneyDraft
    taxRate: ImportedRate | None = None
    taxedPrice: ImportedTaxes | None = None


class OrderImport(Draft):
    """Amounts are taken as given, quantities may be negative, stock is not touched."""

    orderNumber: str
    customerId: str | None = None
    store: Identifier | None = None
    country: str | None = None
    lineItems: list[ImportedLineItem]
    customLineItems: list[ImportedCustomLine]
    totalPrice: MoneyDraft
    taxedPrice: ImportedTaxes | None = None
    orderState: str
    paymentState: str
    completedAt: str
    inventoryMode: Literal["None"] = "None"
    custom: CustomFieldsDraft | None = None
