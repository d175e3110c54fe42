"""Stock as both systems hold it: levels at the till, entries online, and the web orders that hold goods.

Quantities are whole numbers of *parts*: a hundred-thousandth of a unit, exact for the five decimals a till keeps, and
summed, compared and rounded without a float. Entries and orders count whole units.

A table is a pandas DataFrame with the columns below; `NA` means unknown, which is neither zero nor deleted.
"""

from __future__ import annotations

from decimal import Decimal

from retail_sync.records.tables import table_of
from retail_sync.records.types import Column, decimal_text

stock_table = table_of

PARTS = 100_000
"""Parts of a unit."""

LEVEL_COLUMNS: tuple[Column, ...] = (
    Column("product_id", "text", "the till's id of the variant"),
    Column("outlet_id", "text", "the till's id of the location"),
    Column("level", "count", "parts on hand; may be negative; NA = the row does not say"),
    Column("version", "version", "the source's version of this row"),
    Column("deleted_at", "time", "proof that the record is gone"),
)
ENTRY_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "id of the entry"),
    Column("sku", "identifier", "stock keeping unit, as the entry spells it"),
    Column("channel", "text", "key of the supply channel, empty = none, `?id` = a channel nobody knows"),
    Column("on_stock", "count", "units on stock, reserved ones included"),
    Column("available", "count", "units that can be ordered"),
    Column("version", "version", "for optimistic locking"),
    Column("modified_at", "time", "source time of the last change, UTC"),
)
ORDER_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "id of the order"),
    Column("number", "text", "order number, as a person knows it"),
    Column("version", "version", "the source's version"),
    Column("modified_at", "time", "source time of the last change, UTC"),
    Column("placed_at", "time", "when it was placed, UTC"),
    Column("holds", "flag", "whether its state holds goods (not cancelled)"),
    Column("cancelled", "flag", "whether it was cancelled, which gives back what it reserved"),
    Column("exported_at", "time", "when it was marked as exported to the till; NA = it is not"),
    Column("lines", "json", "[[sku, channel, units, variant id], ...], one for each of them"),
)

BUCKET_COLUMNS: tuple[Column, ...] = (
    Column("product_id", "text", "the till's id of the variant"),
    Column("outlet_id", "text", "the till's id of the location"),
    Column("bucket", "text", "`held` by open sales, or `incoming`"),
    Column("quantity", "count", "parts"),
    Column("due_at", "time", "when goods on their way are expected; NA = not said"),
)
ADJUSTMENT_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "the till's id of the adjustment"),
    Column("product_id", "text", "the till's id of the variant"),
    Column("outlet_id", "text", "the till's id of the location"),
    Column("quantity", "count", "parts, signed"),
    Column("version", "version", "the source's version"),
)


def parts(quantity: Decimal | int) -> int:
    """A quantity in parts. A sixth decimal, which no till keeps, is rounded down."""
    return int((Decimal(quantity) * PARTS).to_integral_value(rounding="ROUND_FLOOR"))


def units(quantity: int) -> Decimal:
    """A quantity of parts in units."""
    return Decimal(quantity) / PARTS


def shown(quantity: int | None) -> str:
    """A quantity of parts as a person reads it; `?` where it is unknown."""
    if quantity is None:
        return "?"
    whole, rest = divmod(quantity, PARTS)
    return decimal_text(units(quantity)) if rest else str(whole)
