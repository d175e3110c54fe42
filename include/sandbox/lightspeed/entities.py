"""The table of collections: what each one asks for, and how its routes answer.

The answers differ from one to the next, which is how the API is: a bare id here, the row there, 200, 201 or 204.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.lightspeed.customer_rules import DATED_FIELDS, customer_fields
from sandbox.lightspeed.errors import ApiError, conflict, invalid
from sandbox.lightspeed.models import Family, Product
from sandbox.lightspeed.price_books import book_fields, book_wire
from sandbox.lightspeed.rows import Record, Table
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.wire import answered_product, stock_wire_2_0

Given = dict[str, Any]
Listing = Literal["versioned", "whole", "its own"]

READ_ONLY = frozenset({"id", "version", "created_at", "updated_at", "deleted_at"})


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One entity: its path, scopes, needs and answers. A scope of none means that it can't be done."""

    path: str
    kind: str
    read: tuple[str, ...]
    write: tuple[str, ...] | None = None
    table_name: str | None = None
    """Where it is kept in the state, if not under its path."""
    listing: Listing = "versioned"
    """`its own`: it has a route of its own, elsewhere."""
    envelope_option: str | None = None
    """The switch that says whether its list carries versions; without one it does."""
    has_one: bool = True
    """Whether a row can be asked for by its id."""
    most: int | None = None
    """Rows a page, where it is not the common maximum."""
    required: tuple[str, ...] = ("name",)
    create_status: int = 200
    create_answer: Literal["id", "row"] = "row"
    update_answer: Literal["id", "id object", "row"] = "row"
    delete_answer: Literal["id", "job", "nothing"] | None = None
    taken: Callable[[str], ApiError] | None = None
    """How a name that another row has, capitals aside, is refused."""
    duplicates_allowed_by_option: bool = False
    prepare: Callable[[StoreState, Given, Record | None], Given] | None = None
    before_delete: Callable[[StoreState, Record], None] | None = None
    shown: Callable[[StoreState, Any], Given] | None = None
    """The row as it is printed, where that is more than its fields."""
    dated: frozenset[str] = frozenset()
    """Fields that only the date versions know: others neither show nor keep them."""

    def table(self, store: StoreState) -> Table[Any]:
        table: Table[Any] = getattr(store, self.table_name or self.path)
        return table

    def checked(self, store: StoreState, given: Given, row: Record | None) -> Given:
        """The fields to keep. Raises 4xx for a missing one or one against a rule."""
        given = {key: value for key, value in given.items() if key not in READ_ONLY}
        missing = [
            key for key in self.required if given.get(key, row.fields.get(key) if row else None) in (None, "")
        ]
        if missing:
            raise invalid(f"{', '.join(missing)} required", **dict.fromkeys(missing, "Required"))
        if self.taken is not None and "name" in given:
            self._refuse_taken(store, self.taken, given["name"], row)
        return self.prepare(store, given, row) if self.prepare is not None else given

    def _refuse_taken(
        self, store: StoreState, refusal: Callable[[str], ApiError], name: Any, row: Record | None
    ) -> None:
        if self.duplicates_allowed_by_option and store.options.duplicate_lookup_names == "allow":
            return
        wanted = str(name).casefold()
        if any(other is not row and other.name.casefold() == wanted for other in self.table(store).live()):
            raise refusal(f"{name} already exists")

    def wire(self, store: StoreState, row: Any) -> Given:
        """The JSON object. What is listed whole shows no version."""
        wire: Given = row.wire() if self.shown is None else self.shown(store, row)
        return {key: value for key, value in wire.items() if key != "version" or self.listing != "whole"}


def _detach_brand(store: StoreState, brand: Record) -> None:
    """Products lose what is deleted, and move in the version feed. The real API does it a little later, in a job."""
    products = [product for product in store.products.live() if product.family.brand_id == brand.id]
    _clear(store, products, lambda family: setattr(family, "brand_id", None))


def _detach_tag(store: StoreState, tag: Record) -> None:
    products = [product for product in store.products.live() if tag.id in product.family.tag_ids]
    _clear(
        store,
        products,
        lambda family: setattr(family, "tag_ids", [each for each in family.tag_ids if each != tag.id]),
    )


def _clear(store: StoreState, products: list[Product], change: Callable[[Family], None]) -> None:
    for product in products:
        change(product.family)
        store.products.touch(product)


def _detach_supplier(store: StoreState, supplier: Record) -> None:
    for product in store.products.live():
        kept = [entry for entry in product.suppliers if entry.supplier_id != supplier.id]
        if len(kept) < len(product.suppliers):
            product.suppliers = kept
            store.products.touch(product)


def _refuse_used_attribute(store: StoreState, record: Record) -> None:
    if any(record.id in product.family.attribute_ids for product in store.products.live()):
        raise invalid("The variant attribute is used by a product family")


COLLECTIONS = (
    Collection(
        path="brands",
        kind="Brand",
        read=("products:read",),
        write=("products:write",),
        create_answer="id",
        update_answer="id object",
        delete_answer="job",
        taken=invalid,
        duplicates_allowed_by_option=True,
        before_delete=_detach_brand,
    ),
    Collection(
        path="tags",
        kind="Tag",
        read=("products:read",),
        write=("products:write",),
        envelope_option="tags_envelope_version",
        create_answer="id",
        update_answer="id",
        delete_answer="job",
        taken=invalid,
        duplicates_allowed_by_option=True,
        before_delete=_detach_tag,
    ),
    Collection(
        path="suppliers",
        kind="Supplier",
        read=("suppliers:read",),
        write=("suppliers:write",),
        create_answer="id",
        delete_answer="id",
        taken=invalid,
        duplicates_allowed_by_option=True,
        before_delete=_detach_supplier,
    ),
    Collection(
        path="variant_attributes",
        kind="Variant attribute",
        read=("products:read",),
        write=("products:write",),
        listing="whole",
        create_status=201,
        delete_answer="id",
        taken=invalid,
        before_delete=_refuse_used_attribute,
    ),
    Collection(
        path="customers",
        kind="Customer",
        read=("customers:read",),
        write=("customers:write",),
        required=(),
        create_status=201,
        delete_answer="nothing",
        prepare=customer_fields,
        dated=DATED_FIELDS,
    ),
    Collection(
        path="customer_groups",
        kind="Customer group",
        read=("customers:read",),
        write=("customers:write",),
        create_status=201,
        delete_answer="nothing",
    ),
    Collection(
        path="price_books",
        kind="Price book",
        read=("products:read:price_books", "customers:read", "outlets:read"),
        write=("products:write:price_books", "customers:read"),
        prepare=book_fields,
        shown=book_wire,
    ),
    Collection(
        path="custom_inventory_adjustment_reasons",
        kind="Reason",
        table_name="adjustment_reasons",
        read=("inventory:write",),
        write=("inventory:write",),
        required=("name", "type"),
        create_status=201,
        taken=conflict,
    ),
    Collection(path="outlets", kind="Outlet", read=("outlets:read",)),
    Collection(path="registers", kind="Register", read=("registers:read",)),
    Collection(path="payment_types", kind="Payment type", read=("payment_types:read",)),
    Collection(path="users", kind="User", read=("users:read",)),
    # What is written by rules of its own, in a module of its own.
    Collection(path="taxes", kind="Tax", read=("taxes:read",), envelope_option="taxes_envelope_version"),
    # Dates in the query of sales are accepted and change nothing, as on the real API.
    Collection(path="sales", kind="Sale", read=("sales:read",), shown=sale_wire),
    Collection(
        path="products",
        kind="Product",
        read=("products:read",),
        listing="its own",
        shown=answered_product,
    ),
    Collection(path="consignments", kind="Consignment", read=("consignments:read",), listing="its own"),
    Collection(
        path="inventory",
        kind="Inventory",
        table_name="stock",
        read=("inventory:read",),
        has_one=False,
        shown=lambda store, row: stock_wire_2_0(row),
    ),
    # Reading adjustments needs the scope to write as well.
    Collection(
        path="stock_adjustments",
        kind="Stock adjustment",
        table_name="adjustments",
        read=("inventory:write",),
        has_one=False,
        most=1000,
    ),
)
