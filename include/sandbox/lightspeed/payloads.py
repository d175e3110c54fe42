"""What callers send about a product, read and checked before anything is changed.

Both spellings end in one vocabulary: `read_common` gives what a whole family shares, `read_details` what one product
has, each with the keys that were given and no others.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.lightspeed.errors import bad_request, invalid
from sandbox.lightspeed.models import CODE_TYPES, DIMENSION_UNITS, MOST_ATTRIBUTES, WEIGHT_UNITS
from sandbox.lightspeed.numerals import decimal_of, five_places
from sandbox.lightspeed.rows import Table
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]

MEASURES = frozenset({"weight", "weight_unit", "length", "width", "height", "dimensions_unit"})
_FILED = frozenset(
    {
        "name",
        "description",
        "brand_id",
        "product_category_id",
        "tag_ids",
        "account_code_sale",
        "account_code_purchase",
    }
)
_EACH_HAS = MEASURES | {
    "is_active",
    "product_codes",
    "loyalty_amount",
    "price_excluding_tax",
    "price_including_tax",
    "all_outlets_tax",
    "outlet_taxes",
    "product_suppliers",
    "inventory",
}
_SOURCES = frozenset({"source_id", "source_variant_id"})

COMMON_FIELDS = _FILED | {"track_inventory", "product_suppliers", "variant_attributes"}
DETAIL_FIELDS = _EACH_HAS | {"variant_attribute_values", "packaging", "composite_components"}
VARIANT_FIELDS = (
    _EACH_HAS | _SOURCES | {"sku", "supply_price", "supplier_code", "images", "variant_definitions"}
)
CREATE_FIELDS = (_FILED | _EACH_HAS | _SOURCES) | {
    *("handle", "sku", "source", "supply_price", "supplier_id", "supplier_code", "product_type_id"),
    *("attributes", "images", "variants", "composite", "track_inventory"),
}
SHARED_BY_VARIANTS = MEASURES | {
    *("supply_price", "supplier_id", "supplier_code", "product_suppliers", "source", "source_id"),
    *("loyalty_amount", "is_active", "all_outlets_tax", "outlet_taxes", "images"),
}
"""Top-level fields that count for each variant that does not say otherwise; inferred from the official example."""


def as_object(given: Any, what: str) -> Given:
    """The JSON object expected here. Raises 400 for anything else."""
    if not isinstance(given, dict):
        raise bad_request(f"{what} must be an object")
    return given


def refuse_unknown(store: StoreState, given: Given, known: frozenset[str]) -> None:
    """Raises 422 for fields the API does not know, if the store is told to."""
    unknown = sorted(set(given) - known)
    if unknown and store.options.reject_unknown_fields:
        raise invalid("Unknown fields", **dict.fromkeys(unknown, "Unknown"))


def read_common(store: StoreState, given: Given) -> Given:
    """The family's share of a write. Raises 422 for a value against a rule."""
    read: Given = {}
    for key in ("description", "account_code_sale", "account_code_purchase"):
        if key in given:
            read[key] = _text(given, key)
    if "name" in given:
        read["name"] = _text(given, "name")
        if not (read["name"] or "").strip():
            raise invalid("Name is required", name="Required")
    if "track_inventory" in given:
        read["tracked"] = _flag(given, "track_inventory")
    if "product_suppliers" in given:
        read["suppliers"] = _suppliers(store, given)
    if "variant_attributes" in given:
        ids = [
            as_object(item, "variant_attributes").get("attribute_id")
            for item in _list(given, "variant_attributes")
        ]
        read["attribute_ids"] = attributes(store, ids)
    return read | _filing(store, given)


def _filing(store: StoreState, given: Given) -> Given:
    """Brand, category and tags; an empty id takes the brand or category away."""
    read: Given = {}
    if "brand_id" in given:
        read["brand_id"] = _reference(given, "brand_id", store.brands)
    if "product_category_id" in given:
        read["category_id"] = _reference(given, "product_category_id", store.categories)
        if read["category_id"] is not None and not store.is_leaf(read["category_id"]):
            raise invalid(
                "Product category must be a leaf category", product_category_id="Not a leaf category"
            )
    if "tag_ids" in given:
        read["tag_ids"] = list(
            dict.fromkeys(_known(store.tags, tag_id, "tag_ids") for tag_id in _list(given, "tag_ids"))
        )
    return read


def attributes(store: StoreState, ids: list[Any]) -> list[str]:
    """Variant attributes of a family, in order: they exist, none twice, three at most."""
    found = [_known(store.variant_attributes, attribute_id, "attribute_id") for attribute_id in ids]
    if len(set(found)) < len(found):
        raise invalid("A variant attribute is given twice", attribute_id="Duplicate")
    if len(found) > MOST_ATTRIBUTES:
        raise invalid(
            f"A product can have {MOST_ATTRIBUTES} variant attributes at most", attribute_id="Too many"
        )
    return found


def read_details(store: StoreState, given: Given) -> Given:
    """One product's share of a write. Raises 422 for a value against a rule."""
    read: Given = {}
    if "is_active" in given:
        read["active"] = _flag(given, "is_active")
    if "product_codes" in given:
        read["codes"] = read_codes(given)
        if not read["codes"]:
            raise invalid("A product needs at least one code", product_codes="Required")
    read |= _price(store, given)
    if "loyalty_amount" in given:
        amount = _number(given, "loyalty_amount")
        read["loyalty_amount"] = None if amount == -1 else amount
    read |= _taxes(store, given)
    if "product_suppliers" in given:
        read["suppliers"] = _suppliers(store, given)
    if "variant_attribute_values" in given:
        read["options"] = _options(store, given)
    if "inventory" in given:
        read["inventory"] = _inventory(store, given)
    if "composite_components" in given:
        read["components"] = _components(store, given)
    if "packaging" in given:
        read["packaging"] = [as_object(item, "packaging") for item in _list(given, "packaging")]
    return read | _measures(given)


def details_of_creation(given: Given) -> Given:
    """A new product, or an entry of `variants`, in the words of an update's `details`. `read_codes` reads its codes."""
    details = {
        key: value
        for key, value in given.items()
        if key in DETAIL_FIELDS - {"product_codes"} and value is not None
    }
    if "variant_definitions" in given:
        details["variant_attribute_values"] = [
            {"attribute_id": item.get("attribute_id"), "attribute_value": item.get("value")}
            for item in (
                as_object(entry, "variant_definitions") for entry in _list(given, "variant_definitions")
            )
        ]
    if "composite" in given:
        details["composite_components"] = given["composite"]
    if given.get("supplier_id") and "product_suppliers" not in given:
        details["product_suppliers"] = [
            {
                "supplier_id": given["supplier_id"],
                "code": given.get("supplier_code"),
                "price": given.get("supply_price"),
            }
        ]
    return details


def read_codes(given: Given) -> list[tuple[str, str]]:
    """(type, code) of `product_codes`, with `sku` in front when there is one: as CUSTOM if it isn't among them."""
    codes: list[tuple[str, str]] = []
    for item in _list(given, "product_codes") if given.get("product_codes") is not None else []:
        entry = as_object(item, "product_codes")
        kind, code = entry.get("type", "CUSTOM"), entry.get("code")
        if kind not in CODE_TYPES:
            raise invalid(f"Unknown type of product code: {kind}", product_codes="Invalid")
        if not isinstance(code, str) or not code.strip():
            raise invalid("A product code is empty", product_codes="Required")
        codes.append((kind, code))
    sku = given.get("sku")
    if sku is not None and sku != "":
        if not isinstance(sku, str):
            raise invalid("SKU must be a string", sku="Invalid")
        default = next((entry for entry in codes if entry[1] == sku), ("CUSTOM", sku))
        codes = [default, *(entry for entry in codes if entry != default)]
    if len({code for _, code in codes}) < len(codes):
        raise invalid("A product code is given twice", product_codes="Duplicate")
    return codes


def _price(store: StoreState, given: Given) -> Given:
    mine, other = "price_including_tax", "price_excluding_tax"
    if store.tax_exclusive:
        mine, other = other, mine
    if given.get(other) is not None:
        mode = "exclusive" if store.tax_exclusive else "inclusive"
        raise invalid(f"This store is tax {mode}: send {mine}", **{other: "Not allowed"})
    if given.get(mine) is None:
        return {}
    price = _number(given, mine)
    if price is None or price < 0:
        raise invalid("A price can't be negative", **{mine: "Invalid"})
    return {"price": five_places(price)}


def _taxes(store: StoreState, given: Given) -> Given:
    """`tax_id` for all outlets, or `outlet_taxes` by outlet; a value of none is the default tax."""
    if "all_outlets_tax" in given:
        if store.tax_exclusive:
            raise invalid("all_outlets_tax is for tax inclusive stores", all_outlets_tax="Not allowed")
        tax = as_object(given["all_outlets_tax"], "all_outlets_tax")
        return {"tax_id": None if tax.get("is_default") is True else _reference(tax, "tax_id", store.taxes)}
    if "outlet_taxes" in given:
        if not store.tax_exclusive:
            raise invalid("outlet_taxes is for tax exclusive stores", outlet_taxes="Not allowed")
        entries = [as_object(item, "outlet_taxes") for item in _list(given, "outlet_taxes")]
        return {
            "outlet_taxes": {
                _known(store.outlets, entry.get("outlet_id"), "outlet_id"): _reference(
                    entry, "tax_id", store.taxes
                )
                for entry in entries
            }
        }
    return {}


def _suppliers(store: StoreState, given: Given) -> list[Given]:
    """Entries with `supplier_id`, and `code` and `price` only where they were given."""
    read = []
    for item in _list(given, "product_suppliers"):
        entry = as_object(item, "product_suppliers")
        supplier: Given = {"supplier_id": _known(store.suppliers, entry.get("supplier_id"), "supplier_id")}
        if entry.get("code") is not None:
            supplier["code"] = _text(entry, "code")
        if entry.get("price") is not None:
            supplier["price"] = _number(entry, "price")
        read.append(supplier)
    return read


def _options(store: StoreState, given: Given) -> dict[str, str]:
    read: dict[str, str] = {}
    for item in _list(given, "variant_attribute_values"):
        entry = as_object(item, "variant_attribute_values")
        attribute_id = _known(store.variant_attributes, entry.get("attribute_id"), "attribute_id")
        value = entry.get("attribute_value")
        if not isinstance(value, str) or not value.strip():
            raise invalid("A variant attribute needs a value", attribute_value="Required")
        if attribute_id in read:
            raise invalid("A variant attribute is given twice", attribute_id="Duplicate")
        read[attribute_id] = value
    return read


def _inventory(store: StoreState, given: Given) -> list[Given]:
    read = []
    for item in _list(given, "inventory"):
        entry = as_object(item, "inventory")
        line: Given = {"outlet_id": _known(store.outlets, entry.get("outlet_id"), "outlet_id")}
        for key in ("current_amount", "reorder_point", "reorder_amount"):
            if entry.get(key) is not None:
                line[key] = _number(entry, key)
        read.append(line)
    return read


def _components(store: StoreState, given: Given) -> list[tuple[str, Decimal]]:
    read = []
    for item in _list(given, "composite_components"):
        entry = as_object(item, "composite_components")
        quantity = _number(entry, "quantity")
        if quantity is None or quantity <= 0:
            raise invalid("A component needs a quantity above zero", quantity="Invalid")
        read.append((_known(store.products, entry.get("product_id"), "product_id"), quantity))
    return read


def _measures(given: Given) -> Given:
    measures: Given = {}
    for key in ("weight", "length", "width", "height"):
        if given.get(key) is not None:
            measures[key] = _number(given, key)
    for key, units in (("weight_unit", WEIGHT_UNITS), ("dimensions_unit", DIMENSION_UNITS)):
        if given.get(key) is not None:
            if given[key] not in units:
                raise invalid(f"{key} must be one of {', '.join(units)}", **{key: "Invalid"})
            measures[key] = given[key]
    if "weight" in measures and "weight_unit" not in measures:
        raise invalid("weight needs weight_unit", weight_unit="Required")
    if measures.keys() & {"length", "width", "height"} and "dimensions_unit" not in measures:
        raise invalid("length, width and height need dimensions_unit", dimensions_unit="Required")
    return {"measures": measures} if measures else {}


def _text(given: Given, key: str) -> str | None:
    value = given[key]
    if value is not None and not isinstance(value, str):
        raise invalid(f"{key} must be a string", **{key: "Invalid"})
    return value


def _flag(given: Given, key: str) -> bool:
    value = given[key]
    if not isinstance(value, bool):
        raise invalid(f"{key} must be true or false", **{key: "Invalid"})
    return value


def _number(given: Given, key: str) -> Decimal | None:
    value = given.get(key)
    if value is None:
        return None
    number = decimal_of(value)
    if number is None:
        raise invalid(f"{key} must be a number", **{key: "Invalid"})
    return number


def _list(given: Given, key: str) -> list[Any]:
    value = given.get(key)
    if not isinstance(value, list):
        raise invalid(f"{key} must be a list", **{key: "Invalid"})
    return value


def _reference(given: Given, key: str, table: Table[Any]) -> str | None:
    value = given.get(key)
    return None if value is None or value == "" else _known(table, value, key)


def _known(table: Table[Any], row_id: Any, key: str) -> str:
    row = table.find(row_id)
    if row is None:
        raise invalid(f"{key} {row_id} does not exist", **{key: "Not found"})
    return str(row.id)
