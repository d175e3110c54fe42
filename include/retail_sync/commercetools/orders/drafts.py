"""What is sent about orders, as strict models (API reference: OrderUpdate, OrderImportDraft, CustomObjectDraft)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from retail_sync.commercetools.api.writing import ChannelReference, Draft, Identifier


class UpdateSyncInfo(Draft):
    """Says where the order went. The channel must have the role OrderExport or OrderImport."""

    action: Literal["updateSyncInfo"] = "updateSyncInfo"
    channel: ChannelReference
    externalId: str | None = None
    syncedAt: str | None = None


class ChangeOrderState(Draft):
    action: Literal["changeOrderState"] = "changeOrderState"
    orderState: str


class ChangePaymentState(Draft):
    action: Literal["changePaymentState"] = "changePaymentState"
    paymentState: str


class ChangeShipmentState(Draft):
    action: Literal["changeShipmentState"] = "changeShipmentState"
    shipmentState: str


OrderAction = UpdateSyncInfo | ChangeOrderState | ChangePaymentState | ChangeShipmentState


class OrderUpdateBody(Draft):
    version: int
    actions: list[OrderAction]


class Cents(Draft):
    """Minor units."""

    currencyCode: str
    centAmount: int


class ImportedRate(Draft):
    name: str
    amount: Decimal
    includedInPrice: bool
    country: str


class ImportedPortion(Draft):
    name: str | None = None
    rate: Decimal
    amount: Cents


class ImportedTaxes(Draft):
    """Of a whole order, and of a line: stored as it is sent, not checked (API reference, since 3 September 2026). Of
    which type that of a line is, is not in the description at hand: it has the members all types of taxed prices
    share."""

    totalNet: Cents
    totalGross: Cents
    taxPortions: list[ImportedPortion]


class ImportedVariant(Draft):
    sku: str


class ImportedPrice(Draft):
    value: Cents


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
    money: Cents
    taxRate: ImportedRate | None = None
    taxedPrice: ImportedTaxes | None = None


class ImportedFields(Draft):
    type: Identifier
    fields: dict[str, Any]


class OrderImport(Draft):
    """Amounts are taken as given, quantities may be negative, stock is not touched."""

    orderNumber: str
    customerId: str | None = None
    store: Identifier | None = None
    country: str | None = None
    lineItems: list[ImportedLineItem]
    customLineItems: list[ImportedCustomLine]
    totalPrice: Cents
    taxedPrice: ImportedTaxes | None = None
    orderState: str
    paymentState: str
    completedAt: str
    inventoryMode: Literal["None"] = "None"
    custom: ImportedFields | None = None
