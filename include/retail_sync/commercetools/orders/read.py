"""A trimmed order row as a document of the till's side: what was ordered, what it came to, how it was paid. Pure.

Source: types Order, LineItem, CustomLineItem, ShippingInfo, Payment, ReturnInfo, SyncInfo (API reference). Amounts
are taken as they are stated; of money with more digits than its currency, the rounded amount."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.commercetools.api.variants import variant_of
from retail_sync.commercetools.orders.redact import TOKENS
from retail_sync.commercetools.orders.taxes import (
    TaxedUnits,
    UnreadableOrder,
    exact,
    objects,
    rate_of,
    taxed_units,
)
from retail_sync.records.orders import (
    Mark,
    Order,
    OrderLine,
    Payment,
    Portion,
    PriceGroup,
    ReturnedMoney,
    ReturnItem,
    Taxed,
    Transaction,
)

Row = Mapping[str, Any]


def _in_words(*names: str) -> dict[str, str]:
    """Names of the API as documents have them: `CancelAuthorization` is `cancel_authorization`."""
    return {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names}


_STATES = _in_words("Open", "Confirmed", "Complete", "Cancelled")
_TYPES = _in_words("Authorization", "CancelAuthorization", "Charge", "Refund", "Chargeback")
_PROGRESS = _in_words("Initial", "Pending", "Success", "Failure")
_GOODS = _in_words("Advised", "Returned", "BackInStock", "Unusable")
_MONEY: dict[str, ReturnedMoney] = {
    "NonRefundable": "none",
    "Initial": "initial",
    "Refunded": "refunded",
    "NotRefunded": "refused",
}


def document_of(row: Row, channels: Mapping[str, str], locale: str, mark_channel: str) -> Order:
    """The order in a trimmed row. `channels`: keys by id. `locale`: in which names are preferred. `mark_channel`: key
    of the channel with which orders are marked. Raises UnreadableOrder, or what reading raises for a row of another
    shape than `shapes.ORDER`."""
    return _Reader(row, channels, locale, mark_channel).order()


class _Reader:
    def __init__(self, row: Row, channels: Mapping[str, str], locale: str, mark_channel: str) -> None:
        self._row = row
        self._channels = channels
        self._locale = locale
        self._mark_channel = mark_channel
        self._currency = str(row["totalPrice"]["currencyCode"])

    def order(self) -> Order:
        row = self._row
        taxed = row.get("taxedPrice")
        discount = row.get("discountOnTotalPrice") or {}
        return Order(
            id=row["id"],
            version=row["version"],
            number=row.get("orderNumber"),
            placed_at=row["createdAt"],
            modified_at=row["lastModifiedAt"],
            origin="merchant" if row.get("origin") == "Merchant" else "customer",
            currency=self._currency,
            digits=int(row["totalPrice"].get("fractionDigits", 2)),
            state=_named(_STATES, row["orderState"], "orderState"),
            payment_state=row.get("paymentState"),
            shipment_state=row.get("shipmentState"),
            store=(row.get("store") or {}).get("key"),
            country=row.get("country") or self._destination(),
            channel=self._seller(),
            shipping_method=self._method(),
            customer_id=row.get("customerId"),
            email_tokens=tuple(row.get(TOKENS) or ()),
            lines=(*self._articles(), *self._customs(), *self._shipping()),
            total=self._cents(row["totalPrice"]),
            taxed=self._taxed(taxed),
            portions=tuple(self._portions(taxed or {})),
            total_discount=self._cents(discount.get("discountedAmount")),
            discount_taxed=self._discount_taxed(discount),
            shipping_taxed=self._taxed(row.get("taxedShippingPrice")),
            payments=tuple(self._payments()),
            returns=tuple(self._returns()),
            marks=tuple(self._marks()),
        )

    # ------------------------------------------------------------ lines

    def _articles(self) -> Iterable[OrderLine]:
        for line in objects(self._row, "lineItems"):
            for units in taxed_units(line, self._taxed):
                yield OrderLine(
                    id=line["id"],
                    kind="article",
                    sku=(line.get("variant") or {}).get("sku"),
                    variant=variant_of(line),
                    unit=self._cents(line["price"]["value"]),
                    channel=self._channel(line, "supplyChannel"),
                    **self._item(line, units),
                )

    def _customs(self) -> Iterable[OrderLine]:
        for line in objects(self._row, "customLineItems"):
            for units in taxed_units(line, self._taxed):
                yield OrderLine(
                    id=line["id"],
                    kind="custom",
                    slug=line.get("slug"),
                    unit=self._cents(line["money"]),
                    **self._item(line, units),
                )

    def _item(self, line: Row, units: TaxedUnits) -> dict[str, Any]:
        """What lines of both kinds have. Units that another rate applies to are a line of their own with the same
        id."""
        total, groups = self._cents(line["totalPrice"]), self._groups(line)
        if units.quantity != line["quantity"] and units.taxed is not None and units.rate is not None:
            # Which of its prices they have, nothing says.
            total, groups = units.taxed.gross if units.rate.included else units.taxed.net, ()
        return {
            "name": self._text(line.get("name")),
            "quantity": units.quantity,
            "total": total,
            "groups": groups,
            "rate": units.rate,
            "taxed": units.taxed,
        }

    def _shipping(self) -> Iterable[OrderLine]:
        for key, info in self._shipments():
            price = self._cents(info["price"])
            discounted = (info.get("discountedPrice") or {}).get("value")
            yield OrderLine(
                id=f"shipping-{key}" if key else "shipping",
                kind="shipping",
                slug=_method_of(info),
                name=str(info.get("shippingMethodName") or ""),
                unit=price,
                total=price if discounted is None else self._cents(discounted),
                rate=rate_of(info),
                taxed=self._taxed(info.get("taxedPrice")),
            )

    def _shipments(self) -> list[tuple[str, Row]]:
        """One, or one for each address (`shippingMode` Multiple)."""
        single = self._row.get("shippingInfo")
        if isinstance(single, Mapping):
            return [("", single)]
        return [
            (str(one.get("shippingKey") or place), one["shippingInfo"])
            for place, one in enumerate(objects(self._row, "shipping"), start=1)
            if isinstance(one.get("shippingInfo"), Mapping)
        ]

    def _groups(self, line: Row) -> tuple[PriceGroup, ...]:
        """Units by price, where a discount made several prices of one line. Groups that do not cover the line say
        nothing about its other units, so they are not used."""
        groups = tuple(
            PriceGroup(quantity=one["quantity"], unit=self._cents(one["discountedPrice"]["value"]))
            for one in objects(line, "discountedPricePerQuantity")
        )
        covered = sum(one.quantity for one in groups)
        return groups if len(groups) > 1 and covered == line["quantity"] else ()

    # ------------------------------------------------------------ what else is said

    def _seller(self) -> str | None:
        """The channel that sold it, where all lines name the same."""
        named = {self._channel(line, "distributionChannel") for line in objects(self._row, "lineItems")}
        return next(iter(named)) if len(named) == 1 else None

    def _channel(self, line: Row, name: str) -> str | None:
        pointer = line.get(name)
        if not isinstance(pointer, Mapping):
            return None
        channel = str(pointer["id"])
        return self._channels.get(channel, f"?{channel}")

    def _destination(self) -> str | None:
        """Where it goes; where it goes to several countries, none of them."""
        addresses = [one.get("shippingAddress") or {} for one in (self._row, *objects(self._row, "shipping"))]
        countries = {str(one["country"]) for one in addresses if one.get("country")}
        return next(iter(countries)) if len(countries) == 1 else None

    def _method(self) -> str | None:
        return next((_method_of(info) for _, info in self._shipments()), None)

    def _payments(self) -> Iterable[Payment]:
        for pointer in objects(self._row.get("paymentInfo") or {}, "payments"):
            found = pointer.get("obj")
            if not isinstance(found, Mapping):
                raise UnreadableOrder(
                    "has a payment that is not shown: it was deleted, or the API client lacks the scope view_payments"
                )
            how = found.get("paymentMethodInfo") or {}
            yield Payment(
                id=found["id"],
                method=how.get("method"),
                interface=how.get("paymentInterface"),
                transactions=tuple(
                    Transaction(
                        id=one["id"],
                        type=_named(_TYPES, one["type"], "type of a transaction"),
                        state=_named(_PROGRESS, one.get("state", "Initial"), "state of a transaction"),
                        amount=self._cents(one["amount"]),
                        at=one.get("timestamp"),
                    )
                    for one in objects(found, "transactions")
                ),
            )

    def _returns(self) -> Iterable[ReturnItem]:
        for info in objects(self._row, "returnInfo"):
            for item in objects(info, "items"):
                line = item.get("lineItemId") or item.get("customLineItemId")
                if not line:
                    raise UnreadableOrder("has a return of no line")
                yield ReturnItem(
                    id=item["id"],
                    line=line,
                    quantity=item["quantity"],
                    goods=_named(_GOODS, item["shipmentState"], "shipmentState of a return"),
                    money=_named(_MONEY, item["paymentState"], "paymentState of a return"),
                    at=info.get("returnDate") or item.get("createdAt"),
                )

    def _marks(self) -> Iterable[Mark]:
        """Whether a second mark of the same channel replaces the first is not documented: both are taken."""
        for one in objects(self._row, "syncInfo"):
            if self._channel(one, "channel") == self._mark_channel:
                yield Mark(external_id=one.get("externalId"), at=one.get("syncedAt"))

    # ------------------------------------------------------------ money

    def _taxed(self, value: Any) -> Taxed | None:
        if not isinstance(value, Mapping):
            return None
        return Taxed(net=self._cents(value["totalNet"]), gross=self._cents(value["totalGross"]))

    def _discount_taxed(self, discount: Row) -> Taxed | None:
        net, gross = discount.get("discountedNetAmount"), discount.get("discountedGrossAmount")
        if not isinstance(net, Mapping) or not isinstance(gross, Mapping):
            return None
        return Taxed(net=self._cents(net), gross=self._cents(gross))

    def _portions(self, taxed: Row) -> Iterable[Portion]:
        for one in objects(taxed, "taxPortions"):
            yield Portion(
                rate=exact(one["rate"]), name=str(one.get("name") or ""), tax=self._cents(one["amount"])
            )

    def _cents(self, money: Any) -> int:
        if money is None:
            return 0
        if money["currencyCode"] != self._currency:
            raise UnreadableOrder("has amounts in several currencies")
        cents = exact(money["centAmount"])
        if cents != cents.to_integral_value():
            raise UnreadableOrder("has an amount that is not whole minor units")
        return int(cents)

    def _text(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return ""
        return str(value.get(self._locale) or next((text for text in value.values() if text), ""))


def _method_of(info: Row) -> str | None:
    """Key of the shipping method where it has one, else its name."""
    pointer = info.get("shippingMethod")
    key = (pointer.get("obj") or {}).get("key") if isinstance(pointer, Mapping) else None
    name = key or info.get("shippingMethodName")
    return str(name) if name else None


def _named(known: Mapping[str, Any], value: Any, what: str) -> Any:
    if value not in known:
        raise UnreadableOrder(f"has a {what} that is not known")
    return known[value]
