"""Price books: what one is kept as and printed as, and the General one, which holds every product's own price."""

from __future__ import annotations

from typing import Any

from sandbox.lightspeed.errors import invalid
from sandbox.lightspeed.models import PriceBookProduct, Product
from sandbox.lightspeed.prices import both_prices, tax_of
from sandbox.lightspeed.rows import Record, Table
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]

PLATFORMS = {"0": "All Platforms", "1": "In Store", "2": "Ecommerce"}
EVERYWHERE = "0"


def book_fields(store: StoreState, given: Given, row: Record | None) -> Given:
    """A price book as it is kept. Raises 422 for an unknown group, outlet or platform.

    No outlets are all of them, those that open later as well; no groups are the group of all customers.
    """
    kept: Given = {key: given[key] for key in ("name", "valid_from", "valid_to") if key in given}
    if row is None:
        kept = {"type": "GENERAL", "valid_from": None, "valid_to": None} | kept
    if row is None or given.get("customer_group_ids") is not None:
        ids = _known(store.customer_groups, given, "customer_group_ids")
        kept["customer_group_ids"] = ids or [store.all_customers_id]
    if row is None or given.get("outlet_ids") is not None:
        kept["outlet_ids"] = _known(store.outlets, given, "outlet_ids")
    platform = given.get("restrict_to_platform", EVERYWHERE if row is None else None)
    if platform is not None:
        if not isinstance(platform, str) or platform not in PLATFORMS:
            raise invalid(
                f"restrict_to_platform must be one of {', '.join(PLATFORMS)}", restrict_to_platform="Invalid"
            )
        kept |= {"restrict_to_platform_key": platform, "restrict_to_platform_label": PLATFORMS[platform]}
    return kept


def book_wire(store: StoreState, row: Record) -> Given:
    """A price book as 3.0 and the date versions print it. A group or outlet that was deleted is not told any more."""
    wire = row.wire()
    outlet_ids = wire.pop("outlet_ids") or list(store.outlets.rows)
    wire["customer_groups"] = _named(store.customer_groups, wire.pop("customer_group_ids"))
    wire["outlets"] = _named(store.outlets, outlet_ids)
    return wire


def follow_product(store: StoreState, product: Product) -> None:
    """The entry in the General Price Book says what the product says: the one hook behind every price and tax."""
    if product.price is None:
        return
    _, price = both_prices(store, product)
    tax_id = tax_of(store, product)
    assert price is not None
    rows = store.price_book_products
    row = next(iter(rows.of_product(product.id, store.base_book_id)), None)
    if row is None:
        if store.options.base_book_entries:
            rows.add(
                PriceBookProduct(
                    id=store.new_id(),
                    price_book_id=store.base_book_id,
                    product_id=product.id,
                    price=price,
                    tax_id=tax_id,
                )
            )
    elif (row.price, row.tax_id) != (price, tax_id):
        row.price, row.tax_id = price, tax_id
        rows.touch(row)


def follow_all_products(store: StoreState) -> None:
    """As `follow_product`, after something changed that many prices hang on, such as the rate of a tax."""
    for product in store.products.live():
        follow_product(store, product)


def delete_book(store: StoreState, book: Record) -> None:
    """The book and its entries are gone. Raises 422 for the General Price Book."""
    if book.id == store.base_book_id:
        raise invalid("The General Price Book can't be deleted")
    for row in store.price_book_products.of_book(book.id):
        store.price_book_products.delete(row)
    store.price_books.delete(book)


def _known(table: Table[Record], given: Given, key: str) -> list[str]:
    ids = given.get(key) or []
    if not isinstance(ids, list):
        raise invalid(f"{key} must be a list", **{key: "Invalid"})
    for row_id in ids:
        if table.find(row_id) is None:
            raise invalid(f"{key} {row_id} does not exist", **{key: "Not found"})
    return list(dict.fromkeys(ids))


def _named(table: Table[Record], ids: list[str]) -> list[Given]:
    rows = [row for row in map(table.find, ids) if row is not None]
    return [{"id": row.id, "name": row.name} for row in rows]
