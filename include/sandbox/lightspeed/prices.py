"""The two prices of a product: the one that was entered and the one the tax rate makes of it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from sandbox.lightspeed.models import Product
from sandbox.lightspeed.numerals import five_places, plain
from sandbox.lightspeed.state import StoreState

NO_CENTS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
"""Fraction digits of currencies that do not have two (ISO 4217)."""


def tax_of(store: StoreState, product: Product) -> str:
    """The id of the tax that applies. Of several taxes by outlet it is the first, which is a guess."""
    return product.tax_id or next(iter(product.outlet_taxes.values()), None) or store.default_tax_id()


def tax_rate(store: StoreState, tax_id: str) -> Decimal:
    """All rates of a tax together, 0.15 for 15 %."""
    return sum((rate["rate"] for rate in store.taxes.rows[tax_id].fields["rates"]), Decimal(0))


def rate_of(store: StoreState, product: Product) -> Decimal:
    """The rate that applies to a product, 0.15 for 15 %."""
    return tax_rate(store, tax_of(store, product))


def without_tax(store: StoreState, price: Decimal, tax_id: str) -> Decimal:
    """A price that was entered in the store's own tax mode, without tax and with five decimals."""
    return five_places(price if store.tax_exclusive else price / (1 + tax_rate(store, tax_id)))


def both_prices(store: StoreState, product: Product) -> tuple[Decimal | None, Decimal | None]:
    """(including tax, excluding tax). The derived one has five decimals, as in 30 / 1.15 = 26.08696."""
    if product.price is None:
        return None, None
    if not store.tax_exclusive:
        return product.price, five_places(product.price / (1 + rate_of(store, product)))
    if not store.options.show_including_tax_in_exclusive_stores:
        return None, product.price
    return five_places(product.price * (1 + rate_of(store, product))), product.price


def to_pay(store: StoreState, amount: Decimal) -> Decimal:
    """An amount as it changes hands: whole minor units. Units keep five decimals, only payments are rounded; half up is
    inferred."""
    digits = NO_CENTS.get(store.currency, 2)
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def money(store: StoreState, amount: Decimal | None) -> int | Decimal | str | None:
    """An amount as the API prints it: a number, or a string when the store is told so."""
    if amount is None:
        return None
    return f"{plain(amount)}" if store.options.money_as_strings else plain(amount)
