"""The taxes of an order's line as the API states them: one rate, or one for each shipping method. Pure.

Source: types LineItem, CustomLineItem, MethodTaxRate, MethodTaxedPrice, ItemShippingTarget (API reference). With the
`shippingMode` Multiple a line has no rate of its own: `perMethodTaxRate` and `taxedPricePortions` say what each
shipping method makes of it, `shippingDetails` how many of its units go by which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_sync.records.orders import Rate, RatePart, Taxed
from retail_sync.records.rows import BadField

Row = Mapping[str, Any]
ReadTaxed = Callable[[Any], Taxed | None]


class UnreadableOrder(BadField):
    """The row is no order as the API describes it, or one that can't be told exactly."""

    def __init__(self, why: str) -> None:
        super().__init__("", why)


@dataclass(frozen=True)
class TaxedUnits:
    """Units of a line that are taxed alike. `taxed`: None where the order does not say."""

    quantity: int
    rate: Rate | None
    taxed: Taxed | None


def exact(number: Any) -> Decimal:
    """A share as it was written: the client parses numbers without floats, other callers give their text."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def objects(row: Row, name: str) -> Sequence[Row]:
    """The objects of a list; where there is none, nothing."""
    listed = row.get(name)
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def rate_of(holder: Row) -> Rate | None:
    """The rate of a line, of shipping, or of one shipping method."""
    found = holder.get("taxRate")
    if not isinstance(found, Mapping):
        return None
    return Rate(
        share=exact(found["amount"]),
        name=str(found.get("name") or ""),
        country=found.get("country"),
        included=bool(found.get("includedInPrice")),
        parts=tuple(
            RatePart(share=exact(one["amount"]), name=str(one.get("name") or ""))
            for one in objects(found, "subRates")
        ),
    )


def taxed_units(line: Row, taxed: ReadTaxed) -> list[TaxedUnits]:
    """The units of a line by their rate: mostly one entry for all of them. Raises UnreadableOrder where several rates
    apply and nothing says to how many units each does."""
    whole, own = line["quantity"], taxed(line.get("taxedPrice"))
    rates = _rates_by_method(line)
    if rate_of(line) is not None or not rates:
        return [TaxedUnits(whole, rate_of(line), own)]
    stated = {
        str(one["shippingMethodKey"]): taxed(one.get("taxedPrice"))
        for one in objects(line, "taxedPricePortions")
    }
    by_rate: dict[Rate, list[str]] = defaultdict(list)
    for method, rate in rates.items():
        by_rate[rate].append(method)
    if len(by_rate) == 1:
        (rate,) = by_rate
        return [TaxedUnits(whole, rate, own or _sum([stated.get(one) for one in by_rate[rate]]))]
    return _divided(line, by_rate, stated)


def _divided(
    line: Row, by_rate: Mapping[Rate, Sequence[str]], stated: Mapping[str, Taxed | None]
) -> list[TaxedUnits]:
    units: dict[str, int] = defaultdict(int)
    for target in objects(line.get("shippingDetails") or {}, "targets"):
        units[str(target.get("shippingMethodKey"))] += target["quantity"]
    parts = [
        TaxedUnits(sum(units[one] for one in methods), rate, _sum([stated.get(one) for one in methods]))
        for rate, methods in by_rate.items()
    ]
    parts = [one for one in parts if one.quantity]
    if sum(one.quantity for one in parts) != line["quantity"] or any(one.taxed is None for one in parts):
        raise UnreadableOrder(
            "has a line that is taxed at several rates, and does not say for how many of its units and how much"
        )
    return parts


def _rates_by_method(line: Row) -> dict[str, Rate]:
    found = {str(one["shippingMethodKey"]): rate_of(one) for one in objects(line, "perMethodTaxRate")}
    return {method: rate for method, rate in found.items() if rate is not None}


def _sum(parts: Sequence[Taxed | None]) -> Taxed | None:
    """What parts come to together; None where one of them is not stated."""
    known = [one for one in parts if one is not None]
    if not known or len(known) < len(parts):
        return None
    return Taxed(net=sum(one.net for one in known), gross=sum(one.gross for one in known))
