"""Price books of the till, as `lightspeed.json` describes them: whom and where they are for, and what they ask."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.shop.model import Draft, LightspeedShop, ShopError

ALL_CUSTOMERS = "All Customers"
"""The group every till has; it need not be listed."""

Step = tuple[Decimal | None, Decimal]
"""(units from which on, none for all; price of one unit)."""


def price_steps(cell: Any) -> list[Step]:
    """The prices of one SKU: decimal text, or a list of [units, decimal text]. Raises ValueError."""
    if isinstance(cell, str):
        return [(None, _figure(cell))]
    if not isinstance(cell, list) or not cell:
        raise ValueError(f"{cell!r} is no price")
    steps: list[Step] = []
    for step in cell:
        if not isinstance(step, list) or len(step) != 2 or isinstance(step[0], bool | float):
            raise ValueError(f"{step!r} is no pair of units and price")
        least = None if step[0] is None else _figure(str(step[0]))
        if least in [taken for taken, _ in steps]:
            raise ValueError(f"two prices begin at {step[0]} units")
        steps.append((least, _figure(step[1])))
    return steps


def _figure(text: Any) -> Decimal:
    """Text only: a price that JSON holds as a number has been a float on its way here."""
    try:
        figure = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        figure = None
    if figure is None or not figure.is_finite() or figure < 0:
        raise ValueError(f"{text!r} is no decimal text of zero or more")
    return figure


def check_price_books(till: LightspeedShop, file: Path) -> None:
    """Raises ShopError where a price book has no name, names what is not there, or asks what is no price."""
    known = {
        "customer group": {*till.customer_groups, ALL_CUSTOMERS},
        "outlet": {outlet["name"] for outlet in till.outlets},
        "SKU": {variant["sku"] for family in till.families for variant in family["variants"]},
    }
    for book in till.price_books:
        if not book.get("name"):
            raise ShopError("a price book has no name.", file=file, remedy="Give every price book a name.")
        for kind, name in _names(book):
            if name not in known[kind]:
                raise ShopError(
                    f"price book {book['name']} names the {kind} {name!r}, which is not listed.",
                    file=file,
                    remedy="List it.",
                )
        for sku, cell in book.get("prices", {}).items():
            try:
                price_steps(cell)
            except ValueError as problem:
                raise ShopError(
                    f"price book {book['name']}, {sku}: {problem}.",
                    file=file,
                    remedy='Write "17.99", or [[1, "17.99"], [10, "15.00"]] for prices by quantity.',
                ) from None


def _names(book: Draft) -> list[tuple[str, str]]:
    return [
        *(("customer group", name) for name in book.get("customer_groups", [])),
        *(("outlet", name) for name in book.get("outlets", [])),
        *(("SKU", sku) for sku in book.get("prices", {})),
    ]
