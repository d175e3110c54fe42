"""Which of a variant's prices is *the* base price, and its conversion between the two ways tax can be in it.

A commercetools price holds the tax or not as its tax category's rate for the country says (`includedInPrice`); the
canonical price holds it or not as `products.price.tax` says. Arithmetic is exact (Decimal), rounding is half-up to the
currency's minor unit, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from retail_sync.commercetools.api.price_drafts import TaxRule, _amount, redrafted
from retail_sync.commercetools.api.wire import Price, Variant
from retail_sync.commercetools.api.writing import Identifier, MoneyDraft, PriceDraft
from retail_sync.records.currencies import minor_digits
from retail_sync.records.errors import RecordRejected
from retail_sync.settings.models.products import PriceSetting

_EXACT = Context(prec=60)
_SPECIAL = ("customerGroup", "recurrencePolicy")
"""Prices with one of these are for some customers or some orders only."""


def _half_up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))


def _convert(amount: Decimal, share: Decimal | None, *, has: bool, wants: bool) -> Decimal | None:
    if has == wants:
        return amount
    if share is None:
        return None
    factor = Decimal(1) + share
    return _EXACT.multiply(amount, factor) if wants else _EXACT.divide(amount, factor)


def to_canonical(amount: Decimal, rule: TaxRule | None, tax_included: bool) -> tuple[int, bool] | None:
    """A commercetools amount in minor units as the canonical price, and whether the way back gives the same amount.
    None where the tax rule does not allow to say."""
    if rule is None:
        return None
    converted = _convert(amount, rule.share, has=rule.included, wants=tax_included)
    if converted is None:
        return None
    price = _half_up(converted)
    back = _convert(Decimal(price), rule.share, has=tax_included, wants=rule.included)
    return price, back is not None and _half_up(back) == amount


def from_canonical(price: int, rule: TaxRule | None, tax_included: bool) -> int | None:
    """A canonical price as the commercetools amount in minor units; None where the tax rule does not allow to say."""
    if rule is None:
        return None
    converted = _convert(Decimal(price), rule.share, has=tax_included, wants=rule.included)
    return None if converted is None else _half_up(converted)


def exact_minor(price: Price) -> Decimal:
    """The exact amount of a price in the currency's minor units, also for high precision."""
    value = price.value
    digits = minor_digits(value.currencyCode)
    amount = value.preciseAmount if value.preciseAmount is not None else value.centAmount
    return Decimal(amount).scaleb(digits - value.fractionDigits)


@dataclass(frozen=True)
class PriceScope:
    """The scope of the base price: `PriceSetting` with the channel's id instead of its key."""

    currency: str
    country: str | None
    channel_id: str | None
    tax_included: bool
    staged: bool

    @classmethod
    def of(cls, setting: PriceSetting, channel_id: str | None) -> PriceScope:
        return cls(setting.currency, setting.country, channel_id, setting.tax == "included", setting.staged)


def base_prices(variants: Sequence[Variant], scope: PriceScope, now: datetime) -> list[Price | None]:
    """The base price of each variant: in the scope's currency and channel, for no customer group, valid now.

    The country's own price counts before one without country, a dated price before an undated one (the platform's own
    price selection does the same). Tiers are ignored. Never falls back to another channel. A loop, because most
    variants have a handful of prices and most calls see a single product: frames took three times as long.
    """
    return [_base_price(variant.prices or (), scope, now) for variant in variants]


def _base_price(prices: Sequence[Any], scope: PriceScope, now: datetime) -> Price | None:
    eligible = [price for price in prices if isinstance(price, dict) and _counts(price, scope, now)]
    if not eligible:
        return None
    return Price.model_validate(min(eligible, key=_rank))


def _counts(price: dict[str, Any], scope: PriceScope, now: datetime) -> bool:
    if (price.get("value") or {}).get("currencyCode") != scope.currency:
        return False
    if any(price.get(name) is not None for name in _SPECIAL):
        return False
    if price.get("country") not in (scope.country, None):
        return False
    if (price.get("channel") or {}).get("id") != scope.channel_id:
        return False
    begins, ends = _time(price.get("validFrom")), _time(price.get("validUntil"))
    return (begins is None or begins <= now) and (ends is None or now < ends)


def _rank(price: dict[str, Any]) -> tuple[bool, bool, float]:
    """Smallest first: own country, dated, begun last."""
    begins = _time(price.get("validFrom"))
    undated = begins is None and price.get("validUntil") is None
    return price.get("country") is None, undated, -(begins.timestamp() if begins else 0.0)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _money(minor: int, currency: str, digits: int) -> MoneyDraft:
    """`digits`: those of the price as commercetools shows it, should they differ from ISO 4217's."""
    amount = Decimal(minor).scaleb(digits - minor_digits(currency))
    if amount != amount.to_integral_value():
        raise RecordRejected(
            f"{minor} minor units of {currency} can't be written with {digits} digits.",
            code="price_not_exact",
        )
    return MoneyDraft(currencyCode=currency, centAmount=int(amount))


def new_price(minor: int, scope: PriceScope) -> PriceDraft:
    """A price in the base scope; `minor` as commercetools counts it (tax already converted)."""
    return PriceDraft(
        value=_money(minor, scope.currency, minor_digits(scope.currency)),
        country=scope.country,
        channel=Identifier(typeId="channel", id=scope.channel_id) if scope.channel_id else None,
    )


def changed_price(carry: dict[str, Any], minor: int, *, keep_discount: bool) -> PriceDraft:
    """The carried price with another amount: its scope, validity, tiers and custom fields stay as they are."""
    price = Price.model_validate(carry)
    value = _money(minor, price.value.currencyCode, _cent_digits(price))
    tiers = [{**tier, "value": _amount(tier.get("value") or {})} for tier in price.tiers or ()]
    return redrafted(price, value, tiers or None, keep_discount=keep_discount)


def _cent_digits(price: Price) -> int:
    """High precision has more digits than the currency; its new amount is written in plain cents."""
    value = price.value
    return value.fractionDigits if value.type == "centPrecision" else minor_digits(value.currencyCode)
