"""What a price is written back with, and how tax relates to it: the same for base prices and for lists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_sync.commercetools.api.wire import Price, TaxCategory
from retail_sync.commercetools.api.writing import Identifier, MoneyDraft, PreciseMoneyDraft, PriceDraft


@dataclass(frozen=True)
class TaxRule:
    """How tax relates to a price: its share (0.19), and whether commercetools prices hold it. `share` may be unknown
    where it is not needed: all candidates agree on `included` only."""

    share: Decimal | None
    included: bool


def tax_rule(category: TaxCategory | None, country: str | None) -> TaxRule | None:
    """The rule for prices of products in `category` sold in `country`; None where it can't be told.

    Without a country, or where a country has only rates of its states, all candidates must agree.
    """
    rates = [rate for rate in (category.rates or () if category else ()) if country in (None, rate.country)]
    whole = [rate for rate in rates if rate.state is None]
    rates = whole or rates
    kinds = {rate.includedInPrice for rate in rates}
    if len(kinds) != 1:
        return None
    shares = {rate.amount for rate in rates}
    return TaxRule(shares.pop() if len(shares) == 1 else None, kinds.pop())


def carried(price: Price) -> dict[str, Any]:
    """What writing this price back needs: all of it, because `changePrice` replaces the whole price."""
    kept: dict[str, Any] = price.model_dump(exclude_none=True, exclude={"recurrencePolicy"})
    return {name: _numbers(value) for name, value in kept.items()}


def _numbers(value: Any) -> Any:
    """Custom fields may hold fractions (money never does): in the carry they must stay JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value


def redrafted(
    price: Price,
    value: MoneyDraft | PreciseMoneyDraft,
    tiers: list[dict[str, Any]] | None,
    *,
    keep_discount: bool,
) -> PriceDraft:
    """A price that is there, with this value and these tiers; scope, validity and custom fields stay as they are.

    `keep_discount`: its discount comes from an external service and would be lost; discounts of the platform's own
    rules must not be sent, they are computed again.
    """
    custom = price.custom
    return PriceDraft(
        key=price.key,
        value=value,
        country=price.country,
        customerGroup=Identifier(typeId="customer-group", id=price.customerGroup.id)
        if price.customerGroup
        else None,
        channel=Identifier(typeId="channel", id=price.channel.id) if price.channel else None,
        validFrom=price.validFrom,
        validUntil=price.validUntil,
        tiers=tiers,
        custom={"type": _plain(custom["type"]), "fields": custom.get("fields") or {}} if custom else None,
        discounted=_discount(price.discounted) if keep_discount and price.discounted else None,
    )


def _discount(discounted: dict[str, Any]) -> dict[str, Any]:
    return {"value": _amount(discounted["value"]), "discount": _plain(discounted["discount"])}


def _amount(value: dict[str, Any]) -> dict[str, Any]:
    """Money as drafts take it: without what the API computes."""
    if value.get("type") == "highPrecision":
        return value
    return {"currencyCode": value.get("currencyCode"), "centAmount": value.get("centAmount")}


def _plain(reference: dict[str, Any]) -> dict[str, Any]:
    return {"typeId": reference.get("typeId"), "id": reference.get("id")}
