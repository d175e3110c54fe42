"""Product rows to ProductDrafts: one row a variant, rows with the same id are one product."""

from __future__ import annotations

from pathlib import Path

from sandbox.shop.attributes import attribute_of, attribute_values
from sandbox.shop.catalog import Categories, ProductTypes, TaxCategories, check_columns
from sandbox.shop.files import Row, as_key, read_csv
from sandbox.shop.model import Draft
from sandbox.shop.prices import image_drafts, price_drafts

_LOCALIZED = ("name", "slug", "description", "metaTitle", "metaDescription", "metaKeywords")
_PLAIN = frozenset(
    {
        *("id", "key", "productType", "productTypeKey", "categories", "tax", "priceMode", "createdAt"),
        *("lastModifiedAt", "variantId", "variantKey", "sku", "images", "variant.availability", "prices"),
    }
)


def read_products(
    files: list[Path], locales: list[str], types: ProductTypes, categories: Categories, taxes: TaxCategories
) -> list[Draft]:
    """The products of all files as ProductDrafts, in the order of the files.

    Product keys come from the `key` column or the slug in the shop's first locale, so that they are the
    same at every load. Raises ShopError where a row can't be read or a SKU or slug is used twice.
    """
    drafts: list[Draft] = []
    used = _Used()
    for file in files:
        rows = read_csv(file, required=("productType", "sku", "prices"))
        columns = [name for name in (rows[0].cells if rows else {}) if is_attribute_column(name)]
        for group in _products(rows):
            product_type = types.of(group[0], columns)
            for row in group:
                check_columns(row, columns, product_type)
                used.sku(row)
            draft = _product(group, product_type, categories, taxes)
            draft["key"] = used.key(group[0], draft["slug"], locales)
            drafts.append(draft)
    return drafts


def is_attribute_column(column: str) -> bool:
    """Whether a product CSV's column holds an attribute. Columns that begin with `_` never do."""
    return (
        bool(column)
        and column not in _PLAIN
        and not column.startswith("_")
        and not _is_localized_field(column)
    )


def _is_localized_field(column: str) -> bool:
    name, locale = attribute_of(column)
    return locale is not None and name in _LOCALIZED


def _products(rows: list[Row]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        slugs = row.localized("slug")
        identity = row.text("id") or row.text("key") or next(iter(slugs.values()), "")
        if not identity:
            raise row.error(
                "has neither id, key nor slug.", "Fill one of them: rows that share it are one product."
            )
        groups.setdefault(identity, []).append(row)
    return [sorted(group, key=_variant_id) for group in groups.values()]


def _variant_id(row: Row) -> int:
    return row.whole_number("variantId") if row.text("variantId") else 0


def _product(rows: list[Row], product_type: Draft, categories: Categories, taxes: TaxCategories) -> Draft:
    first = rows[0]
    draft: Draft = {
        "productType": {"typeId": "product-type", "key": product_type["key"]},
        **{column: texts for column in _LOCALIZED if (texts := first.localized(column))},
        "categories": categories.references(first),
        "priceMode": first.text("priceMode") or "Embedded",
        "publish": first.text("_published").lower() != "false",
    }
    if "name" not in draft:
        raise first.error("has no name in any locale.", "Fill one of the name.<locale> columns.")
    draft.setdefault("slug", {locale: as_key(name).lower() for locale, name in draft["name"].items()})
    if tax := taxes.reference(first):
        draft["taxCategory"] = tax
    master, *others = [_variant(row, product_type) for row in rows]
    draft["masterVariant"] = master
    draft["variants"] = others
    return draft


def _variant(row: Row, product_type: Draft) -> Draft:
    identifiers = {"sku": row.text("sku"), "key": row.text("variantKey")}
    return {
        **{name: text for name, text in identifiers.items() if text},
        "prices": price_drafts(row),
        "images": image_drafts(row),
        "attributes": attribute_values(row, product_type.get("attributes", [])),
    }


class _Used:
    """The SKUs and product keys given so far; commercetools allows each once a project."""

    def __init__(self) -> None:
        self._skus: dict[str, str] = {}
        self._keys: set[str] = set()

    def sku(self, row: Row) -> None:
        sku = row.text("sku")
        if sku and sku in self._skus:
            raise row.error(
                f"uses the SKU {sku!r} again, first in {self._skus[sku]}.",
                "Give every variant a SKU of its own: commercetools takes each once a project.",
            )
        self._skus[sku] = f"{row.file.name}, row {row.number}"

    def key(self, row: Row, slug: dict[str, str], locales: list[str]) -> str:
        slugs = [slug[locale] for locale in (*locales, *slug) if locale in slug]
        key = row.text("key") or as_key(slugs[0])
        if not key or key in self._keys:
            key = as_key(f"{key}-{row.text('id')[:8]}")
        if not key or key in self._keys:
            raise row.error("has no key or slug of its own.", "Fill the key column with a unique key.")
        self._keys.add(key)
        return key
