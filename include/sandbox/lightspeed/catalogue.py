"""Creating, changing and deleting products: the rules of the API over the store's tables.

With `checked=False` a write goes through as history would have it: duplicates of names and codes are accepted.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import price_books, stock
from sandbox.lightspeed.errors import invalid, not_found
from sandbox.lightspeed.models import Code, Family, Image, OutletTax, Product, ProductSupplier
from sandbox.lightspeed.numerals import decimal_of, five_places
from sandbox.lightspeed.payloads import (
    COMMON_FIELDS,
    CREATE_FIELDS,
    DETAIL_FIELDS,
    SHARED_BY_VARIANTS,
    VARIANT_FIELDS,
    Given,
    as_object,
    attributes,
    details_of_creation,
    read_codes,
    read_common,
    read_details,
    refuse_unknown,
)
from sandbox.lightspeed.state import StoreState


def create(store: StoreState, given: Given, checked: bool = True) -> list[Product]:
    """A standard product, or a family when there are `variants`; the parent first. Raises 422, changing nothing."""
    refuse_unknown(store, given, CREATE_FIELDS)
    common = read_common(store, _common_of_creation(given))
    if "name" not in common:
        raise invalid("Name is required", name="Required")
    if checked:
        _refuse_taken_name(store, common["name"])
    if given.get("variants"):
        payloads = [_variant_payload(store, given, variant) for variant in given["variants"]]
        attribute_ids = _attributes_of(store, payloads)
    else:
        payloads, attribute_ids = [given], []
    drafts = [_draft(store, payload) for payload in payloads]
    _refuse_same_options(attribute_ids, [draft.get("options", {}) for draft in drafts])
    if checked:
        _refuse_taken_codes(store, [code for draft in drafts for _, code in draft["codes"]], owner=None)
    family = _new_family(store, given, common, attribute_ids, checked)
    return [_new_product(store, family, draft) for draft in drafts]


def add_variant(store: StoreState, given: Given) -> Product:
    """One more variant for the family of that name. Raises 422 for an unknown family or incomplete attributes."""
    common = as_object(given.get("common"), "common")
    details_given = as_object(given.get("details"), "details")
    refuse_unknown(store, details_given, DETAIL_FIELDS)
    family = store.family_named(common.get("name"))
    if family is None:
        raise invalid(f"There is no product family named {common.get('name')}", name="Not found")
    if not family.attribute_ids:
        raise invalid("The product has no variant attributes", name="Not a variant family")
    details = read_details(store, details_given)
    if set(details.get("options", {})) != set(family.attribute_ids):
        raise invalid(
            "A variant needs a value for each attribute of its family", variant_attribute_values="Incomplete"
        )
    siblings = [store.products.rows[product_id].options for product_id in family.members]
    _refuse_same_options(family.attribute_ids, [*siblings, details["options"]])
    draft = details | {"codes": details.get("codes") or [("CUSTOM", store.next_sku())]}
    _refuse_taken_codes(store, [code for _, code in draft["codes"]], owner=None)
    product = _new_product(store, family, draft)
    # The parent's `variant_count` changed. Whether the siblings move in the version feed as well is not documented.
    store.products.touch(store.products.rows[family.parent_id])
    return product


def update(store: StoreState, product_id: str, given: Given, checked: bool = True) -> Product:
    """`common` for the whole family, `details` for this product; fields not given stay.

    Raises 404 or 422, changing nothing.
    """
    product = store.products.find(product_id)
    if product is None:
        raise not_found("Product")
    common_given = as_object(given.get("common") or {}, "common")
    details_given = as_object(given.get("details") or {}, "details")
    refuse_unknown(store, common_given, COMMON_FIELDS)
    refuse_unknown(store, details_given, DETAIL_FIELDS)
    common, details = read_common(store, common_given), read_details(store, details_given)
    family = product.family
    if checked:
        if "name" in common:
            _refuse_taken_name(store, common["name"], but=family)
        if "codes" in details:
            _refuse_taken_codes(store, [code for _, code in details["codes"]], owner=product)
    _check_options(store, product, common, details)
    _check_suppliers(product, common, details)
    _change_family(store, family, common)
    stock_lines = details.pop("inventory", [])
    _change_product(store, product, details)
    if common:
        for member in family.members:
            store.products.touch(store.products.rows[member])
    elif details:
        store.products.touch(product)
    stock.set_levels(store, product, stock_lines)
    return product


def delete(store: StoreState, product_id: str, whole_family: bool = False) -> list[Product]:
    """Soft delete of one product, or of all of its family. Raises 404."""
    product = store.products.find(product_id)
    if product is None:
        raise not_found("Product")
    gone = [store.products.rows[member] for member in product.family.members] if whole_family else [product]
    for each in gone:
        store.forget_codes(each)
        each.family.members.remove(each.id)
        store.products.delete(each)
        for row in store.stock_of(each.id):
            store.stock.delete(row)
        for entry in store.price_book_products.of_product(each.id):
            store.price_book_products.delete(entry)
    if not product.family.members:
        store.forget_name(product.family)
    return gone


def set_price(store: StoreState, product: Product, price: Decimal) -> None:
    """The price, in the store's own tax mode."""
    product.price = five_places(price)
    store.products.touch(product)
    price_books.follow_product(store, product)


def set_outlet_tax(store: StoreState, product: Product, outlet_id: str, tax_id: str | None) -> None:
    """The tax of a product at one outlet; none is the outlet's default again."""
    _set_outlet_taxes(store, product, {outlet_id: tax_id})
    store.products.touch(product)
    price_books.follow_product(store, product)


def add_image(store: StoreState, product: Product, url: str | None, reads_left: int) -> Image:
    """One more picture, last in the row."""
    image_id = store.new_id()
    image = store.images.add(
        Image(
            id=image_id,
            product_id=product.id,
            url=url or f"https://images.sandbox.example/{store.domain_prefix}/{image_id}.jpg",
            reads_left=reads_left,
        )
    )
    product.image_ids.append(image.id)
    return image


def _common_of_creation(given: Given) -> Given:
    common = {
        key: given[key]
        for key in COMMON_FIELDS & given.keys()
        if key not in ("product_suppliers", "variant_attributes")
    }
    if "product_category_id" not in common and given.get("product_type_id"):
        common["product_category_id"] = given["product_type_id"]
    return common


def _variant_payload(store: StoreState, given: Given, variant: Any) -> Given:
    entry = as_object(variant, "variants")
    refuse_unknown(store, entry, VARIANT_FIELDS)
    return {key: given[key] for key in SHARED_BY_VARIANTS if key in given} | entry


def _attributes_of(store: StoreState, payloads: list[Given]) -> list[str]:
    """The attributes all variants name, in the order of the first."""
    named = [
        [
            as_object(item, "variant_definitions").get("attribute_id")
            for item in payload.get("variant_definitions") or []
        ]
        for payload in payloads
    ]
    if not named[0]:
        raise invalid("A variant needs variant_definitions", variant_definitions="Required")
    attribute_ids = attributes(store, named[0])
    if any(sorted(map(str, ids)) != sorted(attribute_ids) for ids in named):
        raise invalid("All variants need the same attributes", variant_definitions="Incomplete")
    return attribute_ids


def _draft(store: StoreState, payload: Given) -> Given:
    """A new product in the vocabulary of `read_details`, and what only creation can say."""
    draft = read_details(store, details_of_creation(payload))
    draft["codes"] = read_codes(payload) or [("CUSTOM", store.next_sku())]
    for key in ("source", "source_id", "source_variant_id"):
        if payload.get(key) is not None:
            draft[key] = payload[key]
    supply_price = decimal_of(payload.get("supply_price"))
    if supply_price is not None:
        draft["supply_price"] = supply_price
    draft["images"] = [as_object(item, "images") for item in payload.get("images") or []]
    return draft


def _new_family(
    store: StoreState, given: Given, common: Given, attribute_ids: list[str], checked: bool
) -> Family:
    family = Family(id=store.new_id(), name=common["name"], handle="", attribute_ids=attribute_ids)
    tracked = common.pop("tracked", False)
    _change_family(store, family, common)
    # Through the API `track_inventory` was seen to be ignored on creation; the shop's own screens honour it.
    family.tracked = tracked and (store.options.create_honours_track_inventory or not checked)
    family.handle = store.free_handle(given.get("handle") or slug(family.name))
    return family


def slug(name: str) -> str:
    """`tee-shirt` for "Tee Shirt"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "product"


def _new_product(store: StoreState, family: Family, draft: Given) -> Product:
    product = Product(id=store.new_id(), family=family)
    family.parent_id = family.parent_id or product.id
    family.members.append(product.id)
    for key in ("source", "source_id", "source_variant_id"):
        if key in draft:
            setattr(product, key, draft[key])
    store.products.add(product)
    _change_product(store, product, draft)
    if "supply_price" in draft:
        product.supply_price = draft["supply_price"]
    for _ in draft.get("images", []):
        add_image(store, product, None, reads_left=0)
    if family.tracked:
        stock.start_tracking(store, product)
    stock.set_levels(store, product, draft.get("inventory", []))
    return product


def _change_family(store: StoreState, family: Family, common: Given) -> None:
    if "name" in common:
        store.rename(family, common["name"])
    for key in (
        "description",
        "brand_id",
        "category_id",
        "tag_ids",
        "account_code_sale",
        "account_code_purchase",
    ):
        if key in common:
            setattr(family, key, common[key])
    members = [store.products.rows[member] for member in family.members]
    if "attribute_ids" in common:
        family.attribute_ids = common["attribute_ids"]
        for member in members:
            member.options = {
                key: value for key, value in member.options.items() if key in family.attribute_ids
            }
    if "suppliers" in common:
        for member in members:
            _replace_suppliers(store, member, common["suppliers"])
    if "tracked" in common:
        family.tracked = common["tracked"]
        for member in members if family.tracked else []:
            stock.start_tracking(store, member)


def _change_product(store: StoreState, product: Product, details: Given) -> None:
    for key in ("active", "price", "loyalty_amount", "components", "packaging", "tax_id"):
        if key in details:
            setattr(product, key, details[key])
    if "codes" in details:
        _replace_codes(store, product, details["codes"])
    if "options" in details:
        product.options |= details["options"]
    if "suppliers" in details:
        _merge_suppliers(store, product, details["suppliers"])
    if "measures" in details:
        product.measures |= details["measures"]
    if "tax_id" in details:
        _set_outlet_taxes(store, product, dict.fromkeys(store.outlets.rows, details["tax_id"]))
    if "outlet_taxes" in details:
        _set_outlet_taxes(store, product, details["outlet_taxes"])
    if details.keys() & {"price", "tax_id", "outlet_taxes"}:
        price_books.follow_product(store, product)


def _replace_codes(store: StoreState, product: Product, codes: list[tuple[str, str]]) -> None:
    store.forget_codes(product)
    kept = {(code.type, code.code): code for code in product.codes}
    product.codes = [kept.get(entry) or Code(store.new_id(), *entry) for entry in codes]
    store.remember_codes(product)


def _replace_suppliers(store: StoreState, product: Product, entries: list[Given]) -> None:
    """The full ordered list; an entry without code or price keeps what this product had with that supplier."""
    had = {entry.supplier_id: entry for entry in product.suppliers}
    product.suppliers = [
        had.get(e["supplier_id"]) or ProductSupplier(store.new_id(), e["supplier_id"]) for e in entries
    ]
    _merge_suppliers(store, product, entries)


def _merge_suppliers(store: StoreState, product: Product, entries: list[Given]) -> None:
    by_id = {entry.supplier_id: entry for entry in product.suppliers}
    for given in entries:
        entry = by_id.get(given["supplier_id"])
        if entry is None:
            entry = ProductSupplier(store.new_id(), given["supplier_id"])
            product.suppliers.append(entry)
        entry.code = given.get("code", entry.code)
        entry.price = given.get("price", entry.price)
    # The default supplier's price is the supply price: an update has no other way to set it.
    if product.suppliers and product.suppliers[0].price is not None:
        product.supply_price = product.suppliers[0].price


def _set_outlet_taxes(store: StoreState, product: Product, taxes: dict[str, str | None]) -> None:
    for outlet_id, tax_id in taxes.items():
        row = store.outlet_taxes.rows.get(f"{product.id}:{outlet_id}")
        if tax_id is None:
            product.outlet_taxes.pop(outlet_id, None)
            if row is not None and row.deleted_at is None:
                store.outlet_taxes.delete(row)
            continue
        product.outlet_taxes[outlet_id] = tax_id
        if row is None:
            override = OutletTax(
                id=f"{product.id}:{outlet_id}", product_id=product.id, outlet_id=outlet_id, tax_id=tax_id
            )
            store.outlet_taxes.add(override)
        elif row.tax_id != tax_id or row.deleted_at is not None:
            row.tax_id, row.deleted_at = tax_id, None
            store.outlet_taxes.touch(row)


def _refuse_taken_name(store: StoreState, name: str, but: Family | None = None) -> None:
    taken = store.family_named(name, but)
    if taken is not None:
        raise invalid(
            "A product with this name already exists", name="Already exists", name_existing_id=taken.parent_id
        )


def _refuse_taken_codes(store: StoreState, codes: list[str], owner: Product | None) -> None:
    if store.options.duplicate_codes == "allow":
        return
    if len(set(codes)) < len(codes):
        raise invalid("Two variants have the same product code", sku="Already exists")
    for code in codes:
        if store.products_with_code(code) - ({owner.id} if owner else set()):
            raise invalid(f"A product with the code {code} already exists", sku="Already exists")


def _refuse_same_options(attribute_ids: list[str], all_options: list[dict[str, str]]) -> None:
    seen: set[tuple[str, ...]] = set()
    for options in all_options:
        values = tuple(options.get(attribute_id, "") for attribute_id in attribute_ids)
        # Blank ones are legal: an attribute that is added to a family leaves its variants blank until they are filled.
        if values and all(values) and values in seen:
            raise invalid(f"Two variants are both {' / '.join(values)}", variant_definitions="Duplicate")
        seen.add(values)


def _check_options(store: StoreState, product: Product, common: Given, details: Given) -> None:
    if "options" not in details:
        return
    attribute_ids = common.get("attribute_ids", product.family.attribute_ids)
    if not set(details["options"]) <= set(attribute_ids):
        raise invalid("The attribute is not one of the product family", attribute_id="Not found")
    others = [
        store.products.rows[member].options for member in product.family.members if member != product.id
    ]
    mine = product.options | details["options"]
    taken = [[options.get(attribute_id) for attribute_id in attribute_ids] for options in others]
    if [mine.get(attribute_id) for attribute_id in attribute_ids] in taken:
        raise invalid("Another variant has these attribute values", variant_attribute_values="Duplicate")


def _check_suppliers(product: Product, common: Given, details: Given) -> None:
    known = {entry["supplier_id"] for entry in common.get("suppliers", [])} or {
        s.supplier_id for s in product.suppliers
    }
    if any(entry["supplier_id"] not in known for entry in details.get("suppliers", [])):
        raise invalid("The supplier is not one of the product family", supplier_id="Not found")
