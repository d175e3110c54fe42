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


def _named(path: str, kind: str, *, area: str = "products", **more: Any) -> Collection:
    """Something products are filed under by its name, which two may bear where a switch allows it."""
    more |= {"read": (f"{area}:read",), "write": (f"{area}:write",), "create_answer": "id"}
    return Collection(path=path, kind=kind, taken=invalid, duplicates_allowed_by_option=True, **more)


def _read_only(path: str, kind: str, **more: Any) -> Collection:
    """What others set up, or what is written by rules of its own, in a module of its own."""
    return Collection(path=path, kind=kind, read=(f"{path}:read",), **more)


def _of_customers(path: str, kind: str, **more: Any) -> Collection:
    more |= {"read": ("customers:read",), "write": ("customers:write",)}
    return Collection(path=path, kind=kind, create_status=201, delete_answer="nothing", **more)


COLLECTIONS = (
    _named("brands", "Brand", update_answer="id object", delete_answer="job", before_delete=_detach_brand),
    _named(
        "tags",
        "Tag",
        envelope_option="tags_envelope_version",
        update_answer="id",
        delete_answer="job",
        before_delete=_detach_tag,
    ),
    _named("suppliers", "Supplier", area="suppliers", delete_answer="id", before_delete=_detach_supplier),
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
    _of_customers("customers", "Customer", required=(), prepare=customer_fields, dated=DATED_FIELDS),
    _of_customers("customer_groups", "Customer group"),
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
    _read_only("outlets", "Outlet"),
    _read_only("registers", "Register"),
    _read_only("payment_types", "Payment type"),
    _read_only("users", "User"),
    _read_only("taxes", "Tax", envelope_option="taxes_envelope_version"),
    # Dates in the query of sales are accepted and change nothing, as on the real API.
    _read_only("sales", "Sale", shown=sale_wire),
    _read_only("products", "Product", listing="its own", shown=answered_product),
    _read_only("consignments", "Consignment", listing="its own"),
    _read_only(
        "inventory",
        "Inventory",
        table_name="stock",
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
