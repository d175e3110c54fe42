"""An in-store sale as an order import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.commercetools.api.queries import moment
from retail_sync.commercetools.api.writing import CustomFieldsDraft, Identifier, MoneyDraft
from retail_sync.commercetools.orders.drafts import (
    ImportedCustomLine,
    ImportedLineItem,
    ImportedPortion,
    ImportedPrice,
    ImportedRate,
    ImportedTaxes,
    ImportedVariant,
    OrderImport,
)
from retail_sync.commercetools.orders.taxes import objects
from retail_sync.records.ports.orders import ImportedLine, ImportedSale
from retail_sync.settings.models import SyncSettings

LONGEST_SLUG = 256
"""Characters of a custom line's slug (API reference)."""


def rate_name(line: ImportedLine) -> str:
    return f"{(line.rate * 100).normalize():f} %"


def import_of(sale: ImportedSale, settings: SyncSettings) -> OrderImport:
    """The draft. Prices hold the tax, as a receipt shows them. A line whose article is not sold online is a custom
    line."""
    locale = settings.shop.till_locale

    def cents(amount: int) -> MoneyDraft:
        return MoneyDraft(currencyCode=sale.currency, centAmount=amount)

    def rate(line: ImportedLine) -> ImportedRate | None:
        if sale.country is None:
            return None
        return ImportedRate(
            name=rate_name(line),
            amount=line.rate,
            includedInPrice=True,
            country=sale.country,
        )

    def taxes(line: ImportedLine) -> ImportedTaxes | None:
        """The till's own; a line that names its taxes has to name their rate, too."""
        if sale.country is None or settings.sales.line_taxes == "derived":
            return None
        return ImportedTaxes(
            totalNet=cents(line.net),
            totalGross=cents(line.gross),
            taxPortions=[
                ImportedPortion(name=rate_name(line), rate=line.rate, amount=cents(line.gross - line.net))
            ],
        )

    fields = {name: value for name, value in sale.fields.items() if value is not None}
    return OrderImport(
        orderNumber=sale.number,
        customerId=sale.customer_id,
        store=Identifier(typeId="store", key=sale.store) if sale.store else None,
        country=sale.country,
        lineItems=[
            ImportedLineItem(
                name={locale: line.name or line.sku},
                variant=ImportedVariant(sku=line.sku),
                quantity=line.quantity,
                price=ImportedPrice(value=cents(line.unit)),
                taxRate=rate(line),
                taxedPrice=taxes(line),
            )
            for line in sale.lines
            if line.sku is not None
        ],
        customLineItems=[
            ImportedCustomLine(
                name={locale: line.name or "-"},
                slug=f"line-{place}"[:LONGEST_SLUG],
                quantity=line.quantity,
                money=cents(line.unit),
                taxRate=rate(line),
                taxedPrice=taxes(line),
            )
            for place, line in enumerate(sale.lines, start=1)
            if line.sku is None
        ],
        totalPrice=cents(sale.gross),
        taxedPrice=ImportedTaxes(
            totalNet=cents(sale.net),
            totalGross=cents(sale.gross),
            taxPortions=[
                ImportedPortion(name=name or None, rate=share, amount=cents(tax))
                for share, name, tax, _net in sale.portions
            ],
        ),
        orderState=sale.state,
        paymentState=sale.payment_state,
        completedAt=moment(sale.completed_at),
        custom=CustomFieldsDraft(type=Identifier(typeId="type", key=settings.sales.type), fields=fields)
        if settings.sales.type and fields
        else None,
    )


def keeps_taxes(draft: OrderImport, stored: Mapping[str, Any]) -> bool:
    """Whether an imported order has the taxes of its lines as they were sent. A project that does not know the member
    derives them from the rates, and they may be a cent off."""
    sent = [
        *(line.taxedPrice for line in draft.lineItems),
        *(line.taxedPrice for line in draft.customLineItems),
    ]
    there = [*objects(stored, "lineItems"), *objects(stored, "customLineItems")]
    return all(
        taxed is None or _amounts(kept.get("taxedPrice")) == _amounts(taxed.model_dump())
        for taxed, kept in zip(sent, there, strict=False)
    )


def _amounts(taxed: Any) -> Iterable[int | None]:
    if not isinstance(taxed, Mapping):
        return []
    found = (taxed.get(name) for name in ("totalNet", "totalGross"))
    return [money.get("centAmount") if isinstance(money, Mapping) else None for money in found]
