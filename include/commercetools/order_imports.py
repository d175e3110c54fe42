"""An in-store sale as an order import."""

from __future__ import annotations

from include.commercetools.order_writing import (
    Cents,
    ImportedCustomLine,
    ImportedFields,
    ImportedLineItem,
    ImportedPortion,
    ImportedPrice,
    ImportedRate,
    ImportedTaxes,
    ImportedVariant,
    OrderImport,
)
from include.commercetools.queries import moment
from include.commercetools.writing import Identifier
from include.records.order_face import ImportedLine, ImportedSale
from include.settings.models import SyncSettings

LONGEST_SLUG = 256
"""Characters of a custom line's slug (API reference)."""


def import_of(sale: ImportedSale, settings: SyncSettings) -> OrderImport:
    """The draft. Prices hold the tax, as a receipt shows them. A line whose article is not sold online is a custom
    line."""
    locale = settings.shop.till_locale

    def cents(amount: int) -> Cents:
        return Cents(currencyCode=sale.currency, centAmount=amount)

    def rate(line: ImportedLine) -> ImportedRate | None:
        if sale.country is None:
            return None
        return ImportedRate(
            name=f"{(line.rate * 100).normalize():f} %",
            amount=line.rate,
            includedInPrice=True,
            country=sale.country,
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
        custom=ImportedFields(type=Identifier(typeId="type", key=settings.sales.type), fields=fields)
        if settings.sales.type and fields
        else None,
    )
