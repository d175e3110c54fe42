"""From a page of product projections to canonical tables: one function, table in, table out.

Columns are filled only for fields the configuration places in commercetools. In them, `NA` is an attribute that the
product's type does not have; an attribute the type has and the variant does not set is known to be empty.

What only this room needs to write a record back travels in `carry`:

* products: `type` (id of the product type), `published`, `staged` (the product has unpublished changes), `tax`
  (tax category id), `mode` (price mode, where it is not embedded), `categories`, `shown` (the category that counts),
  `texts` (localized fields as they are), `attributes` (mapped values of the whole product, as they are)
* variants: `n` (number inside the product), `price` (the base price as it is), `attributes` (other mapped values),
  `price_exact: false` where the tax conversion and back gives another amount than
  `price_kept`, `price_unknown` why there is none
* both: `lookup_missing` (field -> value that no lookup table names)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.price_drafts import TaxRule, carried, tax_rule
from retail_sync.commercetools.api.shapes import PRODUCT, value_of
from retail_sync.commercetools.api.wire import (
    AttributeDefinition,
    Category,
    Price,
    ProductProjection,
    Variant,
)
from retail_sync.commercetools.products.assortment import listed, variants_of
from retail_sync.commercetools.products.base_price import PriceScope, base_prices, exact_minor, to_canonical
from retail_sync.commercetools.products.cells import cell, column, words
from retail_sync.commercetools.products.fields import Option, Place, Places
from retail_sync.commercetools.products.references import References
from retail_sync.records.currencies import minor_digits
from retail_sync.records.identifiers import matching_key
from retail_sync.records.products import ProductTables
from retail_sync.records.refs import VariantKey
from retail_sync.records.rows import BadField, read_rows
from retail_sync.records.types import canonical_json, decimal_text, identifier
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.transforms import Transform
from retail_sync.settings.transforms import LookupMissing, apply, apply_column

_PAGE = TypeAdapter(list[ProductProjection])
Carries = list[dict[str, Any]]


class ProductReader:
    """Reads with one configuration and one set of reference data. `now` decides which dated prices count."""

    def __init__(
        self,
        settings: SyncSettings,
        references: References,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.references = references
        self.places = Places(settings)
        self._now = now
        price = settings.products.price
        channel = references.channels.get(price.channel) if price.channel else None
        # An unknown channel must not mean "without channel": no price has this id, so no price is read.
        channel_id = channel.id if channel else "?" if price.channel else None
        self.scope = PriceScope.of(price, channel_id)
        self._tax_classes = self._tax_class_names()
        self._tax_rules: dict[str | None, TaxRule | None] = {}
        self._exact: dict[tuple[Any, ...], tuple[int, bool] | None] = {}

    def tables(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        """Canonical products and variants of wire rows. Raises UnreadableRows for those that are no projections."""
        return read_rows(rows, self._tables, system=SYSTEM, what="product projections", shape=PRODUCT)

    def _tables(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        page = _Page(_PAGE.validate_python(list(rows)), self.references, self.places.attribute_names)
        return ProductTables(products=self._products(page), variants=self._variants(page))

    def tax_rule_of(self, category_id: str | None) -> TaxRule | None:
        if category_id not in self._tax_rules:
            category = self.references.tax_categories.get(category_id) if category_id else None
            self._tax_rules[category_id] = tax_rule(category, self.scope.country)
        return self._tax_rules[category_id]

    # ------------------------------------------------------------ products

    def _products(self, page: _Page) -> pd.DataFrame:
        products = page.products
        carries = [_product_carry(product) for product in products]
        columns: dict[str, pd.Series] = {}
        for place in self.places.fields.values():
            if "product" in place.kinds:
                columns |= self._product_columns(place, page, carries)
        if self.places.options:
            columns["options"] = column("list", self._option_names(page))
        columns["published"] = column("flag", [product.published is not False for product in products])
        columns["images"] = column("list", [canonical_json(_images(product)) for product in products])
        table = pd.DataFrame(columns, index=range(len(products)))
        rule = self.settings.products.assortment.commercetools
        identity = {
            "id": column("text", [product.id for product in products]),
            "version": column("version", [product.version for product in products]),
            "modified_at": _times([product.lastModifiedAt for product in products]),
            "deleted_at": column("time", [None] * len(products)),
            "carry": column("json", [canonical_json(carry) for carry in carries]),
            "key": column("identifier", [product.key for product in products]),
            "listed": listed(products, table, rule, self.references),
        }
        return pd.concat([pd.DataFrame(identity), table], axis=1)

    def _product_columns(self, place: Place, page: _Page, carries: Carries) -> dict[str, pd.Series]:
        if place.is_attribute:
            raws, known = page.product_attribute(place.where)
            if place.column.startswith("attr."):
                known = [
                    fact and agree for fact, agree in zip(known, page.agreement(place.where), strict=True)
                ]
            self._carry_shared(place, page, raws, carries)
            return self._text_columns(place, raws, known, carries)
        if place.where == "taxCategory":
            return {place.column: column("text", [self.tax_class_of(product) for product in page.products])}
        if place.where == "categories":
            return {place.column: self._categories(place, page, carries)}
        if place.where == "published":
            return {
                place.column: column(
                    place.type, [product.published is not False for product in page.products]
                )
            }
        raws = [getattr(product, place.where) for product in page.products]
        for carry, raw in zip(carries, raws, strict=True):
            carry.setdefault("texts", {})[place.where] = raw or {}
        return self._text_columns(place, raws, [True] * len(raws), carries)

    def _text_columns(
        self, place: Place, raws: list[Any], known: list[bool], carries: Carries
    ) -> dict[str, pd.Series]:
        """One column, or one for each locale of the shop where the values are localized."""
        if not place.per_locale:
            return {self.places.columns(place)[0]: self._converted(place, raws, known, carries)}
        columns: dict[str, pd.Series] = {}
        for locale, name in zip(self.places.locales, self.places.columns(place), strict=True):
            ours = locale == self.places.till_locale
            texts = [raw.get(locale) if isinstance(raw, dict) else raw if ours else None for raw in raws]
            # A text that is not localized says nothing about other locales than the till's.
            told = [
                fact and (ours or raw is None or isinstance(raw, dict))
                for fact, raw in zip(known, raws, strict=True)
            ]
            columns[name] = self._converted(place, texts, told, carries, name)
        return columns

    def _converted(
        self, place: Place, raws: list[Any], known: list[bool], carries: Carries, name: str | None = None
    ) -> pd.Series:
        values = self._applied(place.transforms, raws)
        cells: list[Any] = []
        for value, fact, carry in zip(values, known, carries, strict=True):
            if fact and isinstance(value, LookupMissing):
                carry.setdefault("lookup_missing", {})[name or place.column] = value.value
            cells.append(cell(place.type, value) if fact and not isinstance(value, LookupMissing) else None)
        return column(place.type, cells)

    def _applied(self, transforms: Sequence[Transform], raws: list[Any]) -> list[Any]:
        """The values of a whole column. Without transforms there is nothing worth working out only once."""
        locale = self.places.till_locale
        if not transforms:
            return [
                raw if raw is None or isinstance(raw, str) else apply((), raw, locale=locale) for raw in raws
            ]
        values: list[Any] = apply_column(transforms, pd.Series(raws, dtype=object), locale=locale).tolist()
        return values

    def _carry_shared(self, place: Place, page: _Page, raws: list[Any], carries: Carries) -> None:
        per_product = not place.column.startswith("attr.")
        for definitions, raw, carry in zip(page.definitions, raws, carries, strict=True):
            definition = definitions.get(place.where)
            if raw is not None and definition is not None and (per_product or definition.shared):
                carry.setdefault("attributes", {})[place.where] = raw

    def tax_class_of(self, product: ProductProjection) -> str:
        """The canonical name; empty where the product has no tax category, `?key` where nothing maps it."""
        if product.taxCategory is None:
            return ""
        if (name := self._tax_classes.get(product.taxCategory.id)) is not None:
            return name
        category = self.references.tax_categories.get(product.taxCategory.id)
        return f"?{(category.key or category.name) if category else product.taxCategory.id}"

    def _tax_class_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for mapped in self.settings.products.tax_classes:
            category = self.references.tax_category(mapped.commercetools)
            if category is not None:
                names.setdefault(category.id, self.settings.products.tax_class_at_the_till(mapped.name))
        return names

    def _categories(self, place: Place, page: _Page, carries: Carries) -> pd.Series:
        raws: list[Any] = []
        for product, carry in zip(page.products, carries, strict=True):
            ids = [reference.id for reference in product.categories or ()]
            carry["categories"] = ids
            if place.type in ("set", "list"):
                raws.append([name for id in ids if (name := self.category_name(id))])
                continue
            shown = self.shown_category(ids)
            if shown is not None:
                carry["shown"] = shown
            raws.append(self.category_name(shown) if shown else None)
        return self._converted(place, raws, [True] * len(raws), carries)

    def category_name(self, id: str) -> str | None:
        category = self.references.categories.get(id)
        locales = (self.places.till_locale, *self.places.locales)
        return self.references.category_name(category, locales) if category else None

    def shown_category(self, ids: Sequence[str]) -> str | None:
        """The one category a till shows: the deepest; among equals the first of the tree, whatever order the product
        lists them in."""
        known = [self.references.categories[id] for id in ids if id in self.references.categories]
        return min(known, key=_category_rank).id if known else None

    def _option_names(self, page: _Page) -> list[str | None]:
        """Options of which some variant has a value. Unknown for a single variant: nothing tells it apart, and a till
        may or may not keep such a product as a family."""
        values = self._option_words(page)
        names = [option.name for option in self.places.options]
        return [
            canonical_json([name for name in names if any(values[name][p] for p in own)])
            if len(own) > 1
            else None
            for own in page.positions
        ]

    def _option_words(self, page: _Page) -> dict[str, list[str]]:
        if page.option_words is None:
            page.option_words = {option.name: self._words_of(option, page) for option in self.places.options}
        return page.option_words

    def _words_of(self, option: Option, page: _Page) -> list[str]:
        values = self._applied(option.transforms, page.variant_attribute(option.attribute)[0])
        for value, carry in zip(values, page.variant_carries, strict=True):
            if isinstance(value, LookupMissing):
                carry.setdefault("lookup_missing", {})["option_values"] = value.value
        return ["" if isinstance(v, LookupMissing) else cell("text", v) for v in values]

    # ------------------------------------------------------------ variants

    def _variants(self, page: _Page) -> pd.DataFrame:
        owners = [page.products[position] for position in page.owners]
        skus = [identifier(variant.sku) if variant.sku else "" for variant in page.variants]
        carries = page.variant_carries
        columns: dict[str, pd.Series] = {
            "product_id": column("text", [owner.id for owner in owners]),
            "sku": column("identifier", skus),
        }
        for place in self.places.fields.values():
            if "variant" not in place.kinds:
                continue
            if not place.is_attribute:
                columns |= self._from_product(place, page)
                continue
            raws, known = page.variant_attribute(place.where)
            if place.column == "barcodes":
                raws = [self._codes(raw, sku) for raw, sku in zip(raws, skus, strict=True)]
            columns |= self._text_columns(place, raws, known, carries)
        if self.places.options:
            columns["option_values"] = column("pairs", self._option_pairs(page))
        columns |= self._prices(page)
        self._carry_attributes(page)
        identity = {
            "id": column(
                "text", [str(VariantKey(o.id, v.id)) for o, v in zip(owners, page.variants, strict=True)]
            ),
            "version": column("version", [owner.version for owner in owners]),
            "modified_at": _times([owner.lastModifiedAt for owner in owners]),
            "deleted_at": column("time", [None] * len(owners)),
            "carry": column("json", [canonical_json(carry) for carry in carries]),
        }
        return pd.DataFrame({**identity, **columns})

    def _from_product(self, place: Place, page: _Page) -> dict[str, pd.Series]:
        """A variant field that commercetools holds once a product: `active` is whether the product is published."""
        per_product = self._product_columns(place, page, [{} for _ in page.products])
        return {name: values.iloc[page.owners].reset_index(drop=True) for name, values in per_product.items()}

    def _codes(self, raw: Any, sku: str) -> list[str] | None:
        """Codes beside the SKU; only the first where one is to sync."""
        if raw is None:
            return None
        codes = [code for one in words(raw) if (code := matching_key(one)) and code != matching_key(sku)]
        return codes if self.settings.products.barcodes_multiple else codes[:1]

    def _option_pairs(self, page: _Page) -> list[str | None]:
        """[option, value] in the order of the options; an option without value is left out."""
        values = self._option_words(page)
        names = [option.name for option in self.places.options]
        pairs = [[[n, values[n][p]] for n in names if values[n][p]] for p in range(len(page.variants))]
        alone = [len(page.positions[owner]) == 1 for owner in page.owners]
        return [None if single else canonical_json(own) for single, own in zip(alone, pairs, strict=True)]

    def _carry_attributes(self, page: _Page) -> None:
        """Mapped values as they are, except those a product's variants share: these are in the product's carry."""
        mapped = {place.where for place in self.places.fields.values() if place.is_attribute}
        mapped |= {option.attribute for option in self.places.options}
        for owner, attributes, carry in zip(page.owners, page.attributes, page.variant_carries, strict=True):
            definitions = page.definitions[owner]
            kept = {
                name: value
                for name, value in attributes.items()
                if name in mapped and name in definitions and not definitions[name].shared
            }
            if kept:
                carry["attributes"] = kept

    def _prices(self, page: _Page) -> dict[str, pd.Series]:
        prices: list[int | None] = []
        for price, owner, carry in zip(
            base_prices(page.variants, self.scope, self._now()),
            page.owners,
            page.variant_carries,
            strict=True,
        ):
            prices.append(self._price(price, page.products[owner], carry) if price else None)
        currency = [self.scope.currency if price is not None else None for price in prices]
        return {"price": column("money", prices), "currency": column("text", currency)}

    def _price(self, price: Price, product: ProductProjection, carry: dict[str, Any]) -> int | None:
        carry["price"] = carried(price)
        category = product.taxCategory.id if product.taxCategory else None
        amount = exact_minor(price)
        key = (amount, category)
        if key not in self._exact:
            self._exact[key] = to_canonical(amount, self.tax_rule_of(category), self.scope.tax_included)
        converted = self._exact[key]
        if converted is None:
            country = self.scope.country or "any country"
            carry["price_unknown"] = f"the tax category has no single rate for {country}"
            return None
        if not converted[1]:
            digits = minor_digits(price.value.currencyCode)
            carry |= {"price_exact": False, "price_kept": decimal_text(Decimal(amount).scaleb(-digits))}
        return converted[0]


class _Page:
    """The products and variants of one page, side by side, and their mapped attributes."""

    def __init__(
        self, products: list[ProductProjection], references: References, names: frozenset[str]
    ) -> None:
        self.products = products
        self.variants: list[Variant] = []
        self.owners: list[int] = []
        self.positions: list[list[int]] = []
        for position, product in enumerate(products):
            own = variants_of(product)
            self.positions.append(list(range(len(self.variants), len(self.variants) + len(own))))
            self.variants.extend(own)
            self.owners.extend([position] * len(own))
        self.definitions: list[Mapping[str, AttributeDefinition]] = [
            references.definitions.get(product.productType.id, {}) for product in products
        ]
        self.attributes: list[dict[str, Any]] = [
            {name: value for name, value in variant.values.items() if name in names}
            for variant in self.variants
        ]
        self.on_product: list[dict[str, Any]] = [
            {name: value for name, value in product.values.items() if name in names} for product in products
        ]
        for position, values in [
            *zip(self.owners, self.attributes, strict=True),
            *enumerate(self.on_product),
        ]:
            _require_kinds(values, self.definitions[position])
        self.variant_carries: Carries = [{"n": variant.id} for variant in self.variants]
        self.option_words: dict[str, list[str]] | None = None

    def variant_attribute(self, name: str) -> tuple[list[Any], list[bool]]:
        """The value for each variant (one the product itself holds counts for all), and whether its type has it."""
        raws = [
            own.get(name, self.on_product[owner].get(name))
            for own, owner in zip(self.attributes, self.owners, strict=True)
        ]
        return raws, [name in self.definitions[owner] for owner in self.owners]

    def product_attribute(self, name: str) -> tuple[list[Any], list[bool]]:
        """The value for each product: its own, or that of the first variant that has one."""
        raws = [
            own.get(
                name, next((v for p in positions if (v := self.attributes[p].get(name)) is not None), None)
            )
            for own, positions in zip(self.on_product, self.positions, strict=True)
        ]
        return raws, [name in definitions for definitions in self.definitions]

    def agreement(self, name: str) -> list[bool]:
        """Whether all variants of a product hold the same value."""
        raws = self.variant_attribute(name)[0]
        return [all(raws[p] == raws[positions[0]] for p in positions) for positions in self.positions]


def _require_kinds(values: Mapping[str, Any], definitions: Mapping[str, AttributeDefinition]) -> None:
    """Raises BadField where a value is none of the kind its attribute has."""
    for name, value in values.items():
        if value is None or isinstance(value, str) and name not in definitions:
            continue
        definition = definitions.get(name)
        why = value_of(definition.type if definition else None)(value)
        if why is not None:
            raise BadField(f"attributes.{name}", why.rpartition(": ")[2])


def _product_carry(product: ProductProjection) -> dict[str, Any]:
    carry: dict[str, Any] = {
        "type": product.productType.id,
        "published": product.published is not False,
        "staged": bool(product.hasStagedChanges),
    }
    if product.taxCategory is not None:
        carry["tax"] = product.taxCategory.id
    if product.priceMode not in (None, "Embedded"):
        carry["mode"] = product.priceMode
    return carry


def _images(product: ProductProjection) -> list[str]:
    return list(dict.fromkeys(url for variant in variants_of(product) for url in variant.image_urls))


def _times(texts: list[str]) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="string"), utc=True, format="ISO8601").astype(
        "datetime64[us, UTC]"
    )


def _category_rank(category: Category) -> tuple[int, float, str]:
    """Deep before shallow, then the order a person gave, then a stable tie."""
    try:
        hint = float(category.orderHint)
    except ValueError:
        hint = 1.0
    return -len(category.ancestors or ()), hint, category.key or category.id
