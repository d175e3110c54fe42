"""Product rows of API 2026-07 -> canonical tables, a column at a time. Pure: what it must know is in `StoreFacts`.

**What is a product.** X-Series has no container: a variant family is a flat set of products that share a name. The
canonical product is the family, and its id is the id of the family's first product: `variant_parent_id`, or the
product's own id where that is null. `family_id` is not used: a creation answers with product ids (parent first) and
not with it, and it was not always sent. A canonical variant is one X-Series product, with its id.

**Partial families.** A page of the version feed holds only the variants that changed. The product row is built of the
family's row with the highest version in the page (one that is not deleted, where there is one); its version is the
highest of all. A product is reported deleted only if all its variants are seen deleted; otherwise the variants say so.

**Unknown and empty.** A field that is not in the row is NA; one that is null is empty, where "none" is a value (brand,
category, supplier, description, codes), and NA where it is not (prices).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.money import PRICE_FIELDS
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.product_members import Place
from retail_sync.lightspeed.x_series.api.row_shapes import PRODUCT
from retail_sync.lightspeed.x_series.api.store import StoreFacts, Taxation, same_name
from retail_sync.lightspeed.x_series.products.assortment import listed
from retail_sync.lightspeed.x_series.products.barcodes import Code, barcodes_of, codes_of
from retail_sync.lightspeed.x_series.products.fields import mapped_places
from retail_sync.records.products import ProductTables
from retail_sync.records.rows import read_rows
from retail_sync.records.transforms import strip_html
from retail_sync.records.types import canonical_json, clean_text, decimal_text, identifier
from retail_sync.settings.models import SyncSettings

OWN_SOURCE_PREFIX = "ct:"
"""What `source_id` begins with on products this package created; the idempotency key of the creation follows."""


Row = Mapping[str, Any]


def to_tables(rows: Sequence[Row], facts: StoreFacts, settings: SyncSettings) -> ProductTables:
    """Canonical tables of product rows. Rows may repeat: the one with the highest version counts. Raises
    UnreadableRows."""

    def read(sound: Sequence[Row]) -> ProductTables:
        frame = _frame(sound, facts)
        reader = _Reader(facts, settings)
        return ProductTables(products=reader.products(frame), variants=reader.variants(frame))

    return read_rows(rows, read, system=SYSTEM, what="products", shape=PRODUCT)


def product_id_of(row: Row) -> str:
    """The canonical product a row belongs to."""
    return str(row.get("variant_parent_id") or row["id"])


def is_part_of_family(row: Row) -> bool:
    """Whether the row may have siblings."""
    return bool(row.get("has_variants") or row.get("variant_parent_id") or row.get("variant_options"))


def own_key(source_id: Any) -> str | None:
    """The idempotency key inside a `source_id` of ours; None for anybody else's."""
    text = str(source_id or "")
    return text.removeprefix(OWN_SOURCE_PREFIX) if text.startswith(OWN_SOURCE_PREFIX) else None


def described_as_text(settings: SyncSettings) -> bool:
    """Whether descriptions are plain text in the record: then the till's HTML is read and written as text."""
    setting = settings.products.fields.get("description")
    return setting is not None and any(step.kind == "strip_html" for step in setting.transforms)


def _frame(rows: Sequence[Row], facts: StoreFacts) -> pd.DataFrame:
    """The latest row of each id, with the columns that both tables need."""
    latest: dict[str, Row] = {}
    for row in rows:
        known = latest.get(str(row["id"]))
        if known is None or (whole(row.get("version")) or 0) >= (whole(known.get("version")) or 0):
            latest[str(row["id"])] = row
    kept = list(latest.values())
    return pd.DataFrame(
        {
            "row": pd.Series(kept, dtype=object),
            "id": pd.Series(latest.keys(), dtype="string"),
            "product_id": pd.Series([product_id_of(row) for row in kept], dtype="string"),
            "version": pd.Series([whole(row.get("version")) for row in kept], dtype="Int64"),
            "modified_at": _times([row.get("updated_at") for row in kept]),
            "deleted_at": _times([row.get("deleted_at") for row in kept]),
            "sku": _texts([_identifier(row, "sku") for row in kept]),
            "taxation": pd.Series([facts.taxation(facts.overrides_of(row)) for row in kept], dtype=object),
        }
    )


class _Reader:
    def __init__(self, facts: StoreFacts, settings: SyncSettings) -> None:
        self._facts = facts
        self._settings = settings
        self._locale = settings.shop.till_locale
        self._as_text = described_as_text(settings)
        self._multiple = settings.products.barcodes_multiple
        self._price_rule = facts.price_rule(settings)
        self._tax_classes = {
            same_name(tax.lightspeed): settings.products.tax_class_at_the_till(tax.name)
            for tax in settings.products.tax_classes
        }
        self._kept_field = PRICE_FIELDS[self._price_rule.kept]
        # The same amounts and rates come again and again within a page.
        self._minor = lru_cache(maxsize=4096)(self._price_rule.canonical_minor)

    # ------------------------------------------------------------ variants

    def variants(self, frame: pd.DataFrame) -> pd.DataFrame:
        rows = frame["row"]
        codes = rows.map(codes_of)
        amounts = rows.map(lambda row: number(row.get(self._kept_field)))
        prices = [
            self._minor(amount, taxation.rate) if amount is not None else None
            for amount, taxation in zip(amounts, frame["taxation"], strict=True)
        ]
        columns: dict[str, Any] = {
            "id": frame["id"],
            "version": frame["version"],
            "modified_at": frame["modified_at"],
            "deleted_at": frame["deleted_at"],
            "carry": _texts(
                [
                    _variant_carry(row, held, taxation, price, amount)
                    for row, held, taxation, price, amount in zip(
                        rows, codes, frame["taxation"], prices, amounts, strict=True
                    )
                ]
            ),
            "product_id": frame["product_id"],
            "sku": frame["sku"],
            "barcodes": _texts(
                [
                    None if held is None else self._barcodes(held, sku)
                    for held, sku in zip(codes, frame["sku"], strict=True)
                ]
            ),
            "option_values": _texts([_option_values(row) for row in rows]),
            "price": pd.Series([price and price[0] for price in prices], dtype="Int64"),
            "currency": _texts([self._facts.currency_in(self._settings) or None] * len(frame)),
            "supply_price": _texts([_decimal(row.get("supply_price")) for row in rows]),
            "supplier_code": _texts([_supplier_code(row) for row in rows]),
            "active": pd.Series([_active(row) for row in rows], dtype="boolean"),
            "parts": _texts([_parts(row) for row in rows]),
        }
        columns |= self._mapped(rows, mapped_places(self._settings, "variant"))
        return pd.DataFrame(columns)

    def _barcodes(self, held: list[Code], sku: Any) -> str:
        codes = barcodes_of(held, "" if sku is pd.NA else sku, multiple=self._multiple)
        return canonical_json(sorted(set(codes)))

    # ------------------------------------------------------------ products

    def products(self, frame: pd.DataFrame) -> pd.DataFrame:
        families = _families(frame)
        rows = families["row"]
        tags, brands = rows.map(_tags), rows.map(_brand)
        columns: dict[str, Any] = {
            "id": families["product_id"].astype("string"),
            "version": families["version"],
            "modified_at": families["modified_at"],
            "deleted_at": families["deleted_at"],
            "carry": _texts(
                [_product_carry(row, m) for row, m in zip(rows, families["members"], strict=True)]
            ),
            "key": _texts([_key(row) for row in rows]),
            "listed": self._listed(rows, families, tags, brands),
            f"name.{self._locale}": _texts([_text(row, "name") for row in rows]),
            f"description.{self._locale}": _texts([self._description(row) for row in rows]),
            "brand": _texts(brands),
            "category": _texts([_category(row) for row in rows]),
            "tags": _texts([None if names is None else canonical_json(sorted(set(names))) for names in tags]),
            "supplier": _texts([_supplier(row) for row in rows]),
            "tax_class": _texts([self._tax_class(taxation) for taxation in families["taxation"]]),
            "options": _texts([_option_names(row) for row in rows]),
            "tracked": pd.Series([_flag(row, "has_inventory") for row in rows], dtype="boolean"),
            # Not `published` (a till has no shop window) and not `images` (it hosts its own copies under its own
            # addresses): the columns stay away, which is "unknown".
        }
        columns |= self._mapped(rows, mapped_places(self._settings, "product"))
        return pd.DataFrame(columns)

    def _listed(
        self, rows: pd.Series, families: pd.DataFrame, tags: pd.Series, brands: pd.Series
    ) -> pd.Series:
        special = [bool(row.get("is_composite")) or self._is_for_discounts(row) for row in rows]
        view = pd.DataFrame(
            {
                "tags": tags,
                "brand": brands,
                "path": rows.map(_category_path),
                "skus": families["skus"],
                "complete": families["complete"].astype(bool),
                "special": pd.Series(special, index=rows.index, dtype=bool),
            }
        )
        return listed(view, self._settings.products.assortment.lightspeed)

    def _is_for_discounts(self, row: Row) -> bool:
        """The product that stands for a discount on a receipt is none that anybody buys."""
        return row.get("id") == self._facts.retailer.discount_product_id

    def _description(self, row: Row) -> str | None:
        html = _text(row, "description")
        return clean_text(strip_html(html)) if html and self._as_text else html

    def _tax_class(self, taxation: Taxation) -> str | None:
        if not taxation.ids:
            return None
        return self._tax_classes.get(same_name(taxation.name)) or f"?{taxation.name}"

    def _mapped(self, rows: pd.Series, places: Mapping[str, Place]) -> dict[str, Any]:
        return {name: _texts([_placed(row, place) for row in rows]) for name, place in places.items()}


def _families(frame: pd.DataFrame) -> pd.DataFrame:
    """One line a family, in the order of appearance: its best row, its highest version, and what the page shows of it.

    `complete`: all variants are shown, which is sure for a standard product and where the parent's count is reached.
    """
    ranked = frame.assign(
        alive=frame["deleted_at"].isna(),
        part=[is_part_of_family(row) for row in frame["row"]],
        counted=pd.Series([whole(row.get("variant_count")) or 0 for row in frame["row"]], dtype="int64"),
    ).sort_values(["alive", "version"], kind="stable", na_position="first")
    grouped = ranked.groupby("product_id", sort=False)
    counted = grouped["counted"].max()
    facts = pd.DataFrame(
        {
            "highest": grouped["version"].max(),
            "latest": grouped["modified_at"].max(),
            "members": _collected(ranked, "id"),
            "skus": _collected(ranked, "sku"),
            "complete": ~grouped["part"].any() | ((counted > 0) & (grouped.size() >= counted)),
        }
    )
    families = grouped.tail(1).drop(columns=["version", "modified_at"]).merge(facts, on="product_id")
    families = families.rename(columns={"highest": "version", "latest": "modified_at"})
    families["deleted_at"] = families["deleted_at"].where(families["complete"])
    order = pd.Index(frame["product_id"].drop_duplicates())
    in_order: pd.DataFrame = families.set_index("product_id").loc[order].reset_index()
    return in_order


def _collected(rows: pd.DataFrame, column: str) -> pd.Series:
    """The known values of a column as a sorted list for each product; several times faster than an aggregation."""
    held: dict[str, list[str]] = {product_id: [] for product_id in rows["product_id"]}
    for product_id, value in zip(rows["product_id"], rows[column], strict=True):
        if value is not pd.NA:
            held[product_id].append(value)
    values = pd.Series([sorted(each) for each in held.values()], dtype=object)
    return values.set_axis(pd.Index(held.keys(), dtype="string", name="product_id"))


# ---------------------------------------------------------------- cells


def _texts(values: Any) -> pd.Series:
    return pd.Series(list(values), dtype="string")


def _times(values: list[Any]) -> pd.Series:
    """UTC times of `2026-07-27T10:03:38+00:00`, `...Z` and `2026-07-27 10:03:38` (UTC); NaT for anything else."""
    parsed = pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601", errors="coerce")
    return parsed.astype("datetime64[us, UTC]")


def _text(row: Row, name: str) -> str | None:
    """None where the row does not show the field; empty where it is null."""
    if name not in row:
        return None
    value = row[name]
    return "" if value is None else clean_text(str(value))


def _identifier(row: Row, name: str) -> str | None:
    """As `_text`, exactly as the till spells it."""
    value = row.get(name)
    return _text(row, name) if value is None else identifier(str(value))


def _flag(row: Row, name: str) -> bool | None:
    value = row.get(name)
    return value if isinstance(value, bool) else None


def _active(row: Row) -> bool | None:
    """Live answers carry `is_active` beside `active`; the former is what a write sets."""
    told = _flag(row, "is_active")
    return _flag(row, "active") if told is None else told


def _decimal(value: Any) -> str | None:
    parsed = number(value)
    return None if parsed is None else decimal_text(parsed)


def _named(value: Any) -> str | None:
    """The name inside a nested `{id, name}`."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return clean_text(str(name)) if name else None


def _linked_name(row: Row, nested: str, id_field: str) -> str | None:
    """A nested object's name; empty where its id is null; None where the row does not tell."""
    return _named(row.get(nested)) or ("" if id_field in row and not row[id_field] else None)


def _brand(row: Row) -> str | None:
    return _linked_name(row, "brand", "brand_id")


def _category(row: Row) -> str | None:
    """The leaf category; the older answers call it `type`."""
    return _named(row.get("product_category")) or _linked_name(row, "type", "product_type_id")


def _category_path(row: Row) -> list[str] | None:
    """Names of the category and of all it is in, so that a rule may name any of them."""
    path: Any = None
    for nested in (row.get("product_category"), row.get("type")):
        if path is None and isinstance(nested, Mapping):
            path = nested.get("category_path")
    names = [name for step in path if (name := _named(step))] if isinstance(path, list) else []
    leaf = _category(row)
    if leaf is None and not names:
        return None
    return [*names, *([leaf] if leaf else [])]


def _tags(row: Row) -> list[str] | None:
    """`categories` are the tags."""
    listed_tags = row.get("categories")
    if not isinstance(listed_tags, list):
        return [] if row.get("tag_ids") == [] else None
    return [name for tag in listed_tags if (name := _named(tag))]


def _suppliers(row: Row) -> list[Mapping[str, Any]]:
    listed_suppliers = row.get("product_suppliers")
    if not isinstance(listed_suppliers, list):
        return []
    return [entry for entry in listed_suppliers if isinstance(entry, Mapping)]


def _supplier(row: Row) -> str | None:
    """The first supplier is the default one."""
    first = next((str(s["supplier_name"]).strip() for s in _suppliers(row) if s.get("supplier_name")), None)
    return _named(row.get("supplier")) or first or _linked_name(row, "supplier", "supplier_id")


def _supplier_code(row: Row) -> str | None:
    code = _text(row, "supplier_code")
    return code or next((str(s["code"]).strip() for s in _suppliers(row)[:1] if s.get("code")), code)


def _options(row: Row) -> list[Mapping[str, Any]] | None:
    options = row.get("variant_options")
    return (
        [o for o in options if isinstance(o, Mapping) and o.get("name")]
        if isinstance(options, list)
        else None
    )


def _option_names(row: Row) -> str | None:
    options = _options(row)
    return (
        None if options is None else canonical_json([clean_text(str(option["name"])) for option in options])
    )


def _option_values(row: Row) -> str | None:
    """Pairs in the family's order; a blank value (an attribute added later, not filled yet) is left out."""
    options = _options(row)
    if options is None:
        return None
    pairs = ((clean_text(str(o["name"])), clean_text(str(o.get("value") or ""))) for o in options)
    return canonical_json([list(pair) for pair in pairs if pair[1]])


def _parts(row: Row) -> str | None:
    """[variant id, quantity as decimal text] of each part, by id. Empty for a product that says it is no composite;
    unknown for a composite whose parts are not shown, and for a quantity that can't be read."""
    bom = row.get("composite_bom")
    if isinstance(bom, Mapping) and bom:
        pairs = [[str(part), _decimal(quantity)] for part, quantity in sorted(bom.items())]
        return None if any(quantity is None for _, quantity in pairs) else canonical_json(pairs)
    return "[]" if _flag(row, "is_composite") is False else None


def _key(row: Row) -> str | None:
    source_id = row.get("source_id")
    if not source_id:
        return None
    return own_key(source_id) or identifier(str(source_id))


def _placed(row: Row, place: Place) -> str | None:
    """A mapped attribute as canonical JSON: exact numbers as decimal text, an empty text where it is not set.

    Measures are left out of rows of products that have none (live answers), so a missing one is an empty one.
    """
    if place.type == "text" and place.unit is None and place.kind == "product" and place.read not in row:
        return None
    value = _decimal(row.get(place.read)) if place.type == "number" else _text(row, place.read)
    return canonical_json(value or "")


# ---------------------------------------------------------------- what writing back needs


def _product_carry(row: Row, members: list[str]) -> str:
    return canonical_json(
        {
            "family_id": row.get("family_id"),
            "source_id": row.get("source_id"),
            "composite": bool(row.get("is_composite")),
            "members_seen": members,
            "tag_ids": row.get("tag_ids") if isinstance(row.get("tag_ids"), list) else None,
            "supplier_ids": [
                str(entry["supplier_id"]) for entry in _suppliers(row) if entry.get("supplier_id")
            ],
            "options": [{"id": o.get("id"), "name": o["name"]} for o in _options(row) or []],
        }
    )


def _variant_carry(
    row: Row,
    codes: list[Code] | None,
    taxation: Taxation,
    price: tuple[int, bool] | None,
    amount: Decimal | None,
) -> str:
    overrides = row.get("outlet_taxes")
    return canonical_json(
        {
            "codes": codes,
            "tax_ids": list(taxation.ids),
            "outlet_taxes": overrides if isinstance(overrides, list) else [],
            "price_exact": price is None or price[1],
            "price_kept": amount,
            "supplier_id": row.get("supplier_id")
            or next((s.get("supplier_id") for s in _suppliers(row)), None),
            "units": {unit: row[unit] for unit in ("weight_unit", "dimensions_unit") if row.get(unit)},
        }
    )
