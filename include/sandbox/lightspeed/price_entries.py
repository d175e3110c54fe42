"""Writes into price books: entries are added, changed and removed by the hundred, all of a request or none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.lightspeed import catalogue
from sandbox.lightspeed.errors import bad_request, invalid
from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.numerals import decimal_of
from sandbox.lightspeed.prices import tax_of, without_tax
from sandbox.lightspeed.rows import Record, Table
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]

MOST_ENTRIES = 100
REQUIRED = ("product_id", "price", "tax_id")
BOUNDS = ("min_units", "max_units")


def add(store: StoreState, book: Record, given: Any) -> int:
    """New entries; how many. Raises 400 or 422, changing nothing."""
    if book.id == store.base_book_id:
        raise invalid("The General Price Book holds every product with its own price")
    entries = _entries(store, given)
    if store.options.duplicate_price_book_rows == "refuse":
        _refuse_duplicates(store, book, entries)
    for entry in entries:
        new_row(store, book.id, entry)
    return len(entries)


def update(store: StoreState, book: Record, given: Any) -> int:
    """Entries change; bounds that are not given stay, which is inferred. In the General Price Book the product changes.

    An entry is found by its id, or by its product if that has exactly one in the book. Raises 400 or 422, changing
    nothing.
    """
    entries = _entries(store, given)
    rows = [_row_of(store, book, entry) for entry in entries]
    if book.id == store.base_book_id:
        for entry in entries:
            _check_base_entry(store, entry)
    for row, entry in zip(rows, entries, strict=True):
        if book.id == store.base_book_id:
            # The entry follows by itself.
            catalogue.set_price(store, store.products.rows[row.product_id], entry["price"])
            continue
        row.tax_id = entry["tax_id"]
        row.price = without_tax(store, entry["price"], row.tax_id)
        row.min_units = entry.get("min_units", row.min_units)
        row.max_units = entry.get("max_units", row.max_units)
        store.price_book_products.touch(row)
    return len(entries)


def remove(store: StoreState, book: Record, given: Any) -> int:
    """Entries of these ids go. Raises 400 or 422, changing nothing."""
    if book.id == store.base_book_id:
        raise invalid("The General Price Book holds every product with its own price")
    ids = given.get("price_book_product_ids") if isinstance(given, dict) else None
    if not isinstance(ids, list):
        raise bad_request("price_book_product_ids must be a list")
    _refuse_too_many(ids)
    rows = [_row_with_id(store, book, row_id) for row_id in dict.fromkeys(map(_text, ids))]
    for row in rows:
        store.price_book_products.delete(row)
    return len(rows)


def new_row(store: StoreState, book_id: str, entry: Given) -> PriceBookProduct:
    """An entry that is not there yet; its price is given in the store's own tax mode."""
    return store.price_book_products.add(
        PriceBookProduct(
            id=store.new_id(),
            price_book_id=book_id,
            product_id=entry["product_id"],
            price=without_tax(store, entry["price"], entry["tax_id"]),
            tax_id=entry["tax_id"],
            min_units=entry.get("min_units"),
            max_units=entry.get("max_units"),
        )
    )


def _entries(store: StoreState, given: Any) -> list[Given]:
    """The entries of a request, each with what it must have, figures as Decimal. Raises 400 or 422."""
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise bad_request("data must be a list of price book products")
    _refuse_too_many(given)
    return [_checked(store, item) for item in given]


def _refuse_too_many(given: list[Any]) -> None:
    if len(given) > MOST_ENTRIES:
        raise invalid(f"No more than {MOST_ENTRIES} price book products a request", data="Too many")


def _checked(store: StoreState, item: Given) -> Given:
    missing = [key for key in REQUIRED if item.get(key) in (None, "")]
    if missing:
        raise invalid(f"{', '.join(missing)} required", **dict.fromkeys(missing, "Required"))
    price = decimal_of(item["price"])
    if price is None or price < 0:
        raise invalid("price must be a number of zero or more", price="Invalid")
    tables: dict[str, Table[Any]] = {"product_id": store.products, "tax_id": store.taxes}
    for key, table in tables.items():
        if table.find(item[key]) is None:
            raise invalid(f"{key} {item[key]} does not exist", **{key: "Not found"})
    entry = {"product_id": item["product_id"], "tax_id": item["tax_id"], "price": price}
    if item.get("id") is not None:
        entry["id"] = item["id"]
    return entry | _bounds(item)


def _bounds(item: Given) -> Given:
    read: Given = {key: decimal_of(item[key]) for key in BOUNDS if key in item}
    for key, figure in read.items():
        if item[key] is not None and (figure is None or figure < 0):
            raise invalid(f"{key} must be a number of zero or more", **{key: "Invalid"})
    least, most = read.get("min_units"), read.get("max_units")
    if least is not None and most is not None and most < least:
        raise invalid("max_units is below min_units", max_units="Invalid")
    return read


def _refuse_duplicates(store: StoreState, book: Record, entries: Iterable[Given]) -> None:
    seen: set[tuple[Any, ...]] = set()
    for entry in entries:
        there = store.price_book_products.of_product(entry["product_id"], book.id)
        bounds = (entry.get("min_units"), entry.get("max_units"))
        key = (entry["product_id"], *bounds)
        if key in seen or bounds in [(row.min_units, row.max_units) for row in there]:
            raise invalid(
                f"The product {entry['product_id']} has an entry with these bounds already",
                product_id="Already exists",
            )
        seen.add(key)


def _row_of(store: StoreState, book: Record, entry: Given) -> PriceBookProduct:
    if "id" in entry:
        row = _row_with_id(store, book, entry["id"])
        if row.product_id != entry["product_id"]:
            raise invalid(f"The price book product {row.id} is of another product", product_id="Invalid")
        return row
    rows = store.price_book_products.of_product(entry["product_id"], book.id)
    if len(rows) != 1:
        raise invalid(
            f"The product {entry['product_id']} has {len(rows)} entries in this price book: name one by its id",
            id="Required",
        )
    return rows[0]


def _row_with_id(store: StoreState, book: Record, row_id: Any) -> PriceBookProduct:
    row = store.price_book_products.find(row_id)
    if row is None or row.price_book_id != book.id:
        raise invalid(f"The price book has no price book product {row_id}", id="Not found")
    return row


def _check_base_entry(store: StoreState, entry: Given) -> None:
    """The product's own price has the product's tax and no bounds. Refusing others is the strict guess."""
    if entry["tax_id"] != tax_of(store, store.products.rows[entry["product_id"]]):
        raise invalid("In the General Price Book an entry has the tax of its product", tax_id="Invalid")
    given = [key for key in BOUNDS if entry.get(key) is not None]
    if given:
        raise invalid(
            "In the General Price Book an entry has no bounds", **dict.fromkeys(given, "Not allowed")
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
