"""Entities that are no more than rows with fields: what each one asks for and how its routes answer.

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
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]
Listing = Literal["versioned", "whole"]

READ_ONLY = frozenset({"id", "version", "created_at", "updated_at", "deleted_at"})


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One entity: its path, scopes, needs and answers. A scope of none means that it can't be done."""

    path: str
    kind: str
    table: Callable[[StoreState], Table[Record]]
    read: tuple[str, ...]
    write: tuple[str, ...] | None = None
    listing: Listing = "versioned"
    required: tuple[str, ...] = ("name",)
    create_status: int = 200
    create_answer: Literal["id", "row"] = "row"
    update_answer: Literal["id", "id object", "row"] = "row"
    delete_answer: Literal["id", "job", "nothing"] | None = None
    prepare: Callable[[StoreState, Given, Record | None], Given] | None = None
    before_delete: Callable[[StoreState, Record], None] | None = None
    shown: Callable[[StoreState, Record], Given] | None = None
    """The row as it is printed, where that is more than its fields."""
    dated: frozenset[str] = frozenset()
    """Fields that only the date versions know: others neither show nor keep them."""

    def checked(self, store: StoreState, given: Given, row: Record | None) -> Given:
        """The fields to keep. Raises 4xx for a missing one or one against a rule."""
        given = {key: value for key, value in given.items() if key not in READ_ONLY}
        missing = [
            key for key in self.required if given.get(key, row.fields.get(key) if row else None) in (None, "")
        ]
        if missing:
            raise invalid(f"{', '.join(missing)} required", **dict.fromkeys(missing, "Required"))
        return self.prepare(store, given, row) if self.prepare is not None else given

    def wire(self, store: StoreState, row: Record) -> Given:
        """The JSON object. What is listed whole shows no version."""
        wire = row.wire() if self.shown is None else self.shown(store, row)
        return {key: value for key, value in wire.items() if key != "version" or self.listing == "versioned"}


def _unique(
    table: Callable[[StoreState], Table[Record]],
    refusal: Callable[[str], ApiError],
    switchable: bool = False,
) -> Callable[[StoreState, Given, Record | None], Given]:
    """Refuses a name that another row has, capitals aside."""

    def prepare(store: StoreState, given: Given, row: Record | None) -> Given:
        allowed = switchable and store.options.duplicate_lookup_names == "allow"
        if "name" in given and not allowed:
            name = str(given["name"]).casefold()
            if any(
                other is not row and other.name.casefold() == name
                for other in table(store).rows.values()
                if not other.deleted_at
            ):
                raise refusal(f"{given['name']} already exists")
        return given

    return prepare


def _detach_brand(store: StoreState, brand: Record) -> None:
    """Products lose what is deleted, and move in the version feed. The real API does it a little later, in a job."""
    _clear(
        store,
        [p for p in store.products.live() if p.family.brand_id == brand.id],
        lambda f: setattr(f, "brand_id", None),
    )


def _detach_tag(store: StoreState, tag: Record) -> None:
    products = [p for p in store.products.live() if tag.id in p.family.tag_ids]
    _clear(
        store, products, lambda f: setattr(f, "tag_ids", [tag_id for tag_id in f.tag_ids if tag_id != tag.id])
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
        table=lambda store: store.brands,
        read=("products:read",),
        write=("products:write",),
        create_answer="id",
        update_answer="id object",
        delete_answer="job",
        prepare=_unique(lambda store: store.brands, invalid, switchable=True),
        before_delete=_detach_brand,
    ),
    Collection(
        path="tags",
        kind="Tag",
        table=lambda store: store.tags,
        read=("products:read",),
        write=("products:write",),
        create_answer="id",
        update_answer="id",
        delete_answer="job",
        prepare=_unique(lambda store: store.tags, invalid, switchable=True),
        before_delete=_detach_tag,
    ),
    Collection(
        path="suppliers",
        kind="Supplier",
        table=lambda store: store.suppliers,
        read=("suppliers:read",),
        write=("suppliers:write",),
        create_answer="id",
        delete_answer="id",
        prepare=_unique(lambda store: store.suppliers, invalid, switchable=True),
        before_delete=_detach_supplier,
    ),
    Collection(
        path="variant_attributes",
        kind="Variant attribute",
        table=lambda store: store.variant_attributes,
        read=("products:read",),
        write=("products:write",),
        listing="whole",
        create_status=201,
        delete_answer="id",
        prepare=_unique(lambda store: store.variant_attributes, invalid),
        before_delete=_refuse_used_attribute,
    ),
    Collection(
        path="customers",
        kind="Customer",
        table=lambda store: store.customers,
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
        table=lambda store: store.customer_groups,
        read=("customers:read",),
        write=("customers:write",),
        create_status=201,
        delete_answer="nothing",
    ),
    Collection(
        path="price_books",
        kind="Price book",
        table=lambda store: store.price_books,
        read=("products:read:price_books", "customers:read", "outlets:read"),
        write=("products:write:price_books", "customers:read"),
        prepare=book_fields,
        shown=book_wire,
    ),
    Collection(
        path="custom_inventory_adjustment_reasons",
        kind="Reason",
        table=lambda store: store.adjustment_reasons,
        read=("inventory:write",),
        write=("inventory:write",),
        required=("name", "type"),
        create_status=201,
        prepare=_unique(lambda store: store.adjustment_reasons, conflict),
    ),
    Collection(path="outlets", kind="Outlet", table=lambda store: store.outlets, read=("outlets:read",)),
    Collection(
        path="registers", kind="Register", table=lambda store: store.registers, read=("registers:read",)
    ),
    Collection(
        path="payment_types",
        kind="Payment type",
        table=lambda store: store.payment_types,
        read=("payment_types:read",),
    ),
    Collection(path="users", kind="User", table=lambda store: store.users, read=("users:read",)),
)
