"""A sale as a request body, strict: a field the API does not know can't be sent by mistake.

Source: `SaleRequest` of the date versions. `price` is taken for what a unit costs after its discount, and `discount` as
information (inferred from the official example of quotes, where it is not taken off again). `is_price_override` keeps
the till from pricing a line anew. A line is told to be an older one by its id; what an update does not send is gone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.bodies import Body
from retail_sync.records.errors import RecordRejected
from retail_sync.records.sales import PLACES, Sale, SaleAttribute, SaleLine, SaleState, Tender

LINE_NOTE = "line_note"
UnitAmount = Annotated[Decimal, Field(decimal_places=PLACES)]
Id = Annotated[str, Field(min_length=1)]


class SaleSource(Body):
    register_id: Id | None = None
    author_id: Id
    id: str | None = None
    type: str | None = None


class ById(Body):
    id: Id


class LinePricing(Body):
    price: UnitAmount
    discount: UnitAmount


class LineTax(Body):
    id: Id
    amount: UnitAmount


class LineAttribute(Body):
    name: Literal["line_note"]
    value: str


class LineDetails(Body):
    sequence: int
    is_price_override: Literal[True] = True


class LineBody(Body):
    id: str | None = None
    product: ById
    quantity: Decimal
    pricing: LinePricing
    tax: LineTax
    attributes: list[LineAttribute] | None = None
    details: LineDetails = Field(serialization_alias="_metadata")


class PaymentType(Body):
    config_id: Id


class PaymentSource(Body):
    register_id: Id


class PaymentBody(Body):
    id: str | None = None
    type: PaymentType
    amount: Decimal
    date: str | None = None
    source: PaymentSource | None = None


class SaleBody(Body):
    """`POST /sales`, `PUT /sales/{id}`."""

    id: Id
    source: SaleSource
    date: str
    customer_id: str | None = None
    state: SaleState
    attributes: list[SaleAttribute]
    note: str
    invoice_number: str | None = None
    line_items: list[LineBody]
    payments: list[PaymentBody]


def body_of_sale(sale: Sale, *, user_id: str, digits: int) -> dict[str, Any]:
    """The request body. `digits`: fraction digits of the currency. Without a number the register gives one. Raises
    RecordRejected for what the till can't keep: a unit's price or tax with more than five digits."""
    try:
        body = SaleBody(
            id=sale.id,
            source=SaleSource(
                register_id=sale.register_id,
                author_id=user_id,
                id=sale.source_id,
                type=sale.source_type or None,
            ),
            date=_moment(sale.sold_at),
            customer_id=sale.customer_id,
            state=sale.state,
            attributes=list(sale.attributes),
            note=sale.note,
            invoice_number=sale.number or None,
            line_items=[_line(line, place) for place, line in enumerate(sale.lines, 1)],
            payments=[_payment(tender, sale.register_id, digits) for tender in sale.tenders],
        )
    except ValidationError as problem:
        wrong = sorted({".".join(map(str, error["loc"])) or "?" for error in problem.errors()})
        raise RecordRejected(
            f"The sale {sale.label} can't be written: {', '.join(wrong)} can't be sent as they are.",
            code="unwritable",
            system=SYSTEM,
            remedy="Nothing was sent. Look at the figures of the order; they need more digits than the till keeps.",
        ) from None
    return body.model_dump(exclude_none=True, by_alias=True)


def _line(line: SaleLine, place: int) -> LineBody:
    return LineBody(
        id=line.id,
        product=ById(id=line.product_id),
        quantity=line.quantity,
        pricing=LinePricing(price=line.price, discount=line.discount),
        tax=LineTax(id=line.tax_id, amount=line.tax),
        attributes=[LineAttribute(name=LINE_NOTE, value=line.note)] if line.note else None,
        details=LineDetails(sequence=line.sequence or place),
    )


def _payment(tender: Tender, register_id: str | None, digits: int) -> PaymentBody:
    return PaymentBody(
        id=tender.id,
        type=PaymentType(config_id=tender.payment_type_id),
        amount=Decimal(tender.amount).scaleb(-digits),
        date=None if tender.at is None else _moment(tender.at),
        source=PaymentSource(register_id=register_id) if register_id else None,
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
