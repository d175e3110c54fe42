"""A product that does not exist yet: from canonical fields to a product draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

from slugify import slugify

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.writing import (
    MAX_VARIANTS,
    AttributeValue,
    ImageDraft,
    PriceDraft,
    ProductDraft,
    VariantDraft,
)
from retail_sync.commercetools.products.attributes import (
    Dropped,
    shared_values,
    unplaced,
    variant_values,
    wanted_columns,
)
from retail_sync.commercetools.products.fields import WRITTEN_TEXTS, Place
from retail_sync.commercetools.products.values import Unheld, Values, by_id
from retail_sync.records.errors import ConfigurationFault, RecordRejected
from retail_sync.records.ports.products import ProductWrite, VariantWrite

T = TypeVar("T")
_LONGEST_KEY = 256
_LONGEST_SLUG = 200


def key_of(text: str) -> str:
    """A resource key made of `text`: the same text always gives the same key, different texts different ones."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", text)
    if plain == text and 2 <= len(plain) <= _LONGEST_KEY:
        return plain
    mark = blake2b(text.encode(), digest_size=6).hexdigest()
    return f"{plain[: _LONGEST_KEY - len(mark) - 1]}-{mark}"


def product_key(write: ProductWrite) -> str:
    """The key under which a created product is found again: the stored idempotency key."""
    return key_of(write.idempotency_key)


def slugs(names: Mapping[str, str], key: str) -> dict[str, str]:
    """A slug for each locale, unique in the project by a mark made of the product's key."""
    mark = blake2b(key.encode(), digest_size=4).hexdigest()
    return {
        locale: f"{slugify(name, max_length=_LONGEST_SLUG) or 'product'}-{mark}"
        for locale, name in names.items()
    }


def product_draft(write: ProductWrite, values: Values) -> tuple[ProductDraft, Dropped]:
    """The draft, and the fields it can't hold. Raises RecordRejected or ConfigurationFault where there can't be one."""
    return _Drafting(write, values).draft()


class _Drafting:
    def __init__(self, write: ProductWrite, values: Values) -> None:
        self.write = write
        self.values = values
        self.places = values.places
        self.dropped: Dropped = []
        self.type_id = _product_type(values)
        self.tax_category: str | None = None

    def draft(self) -> tuple[ProductDraft, Dropped]:
        write, values = self.write, self.values
        if not 1 <= len(write.variants) <= MAX_VARIANTS:
            raise RecordRejected(
                f"A product needs 1 to {MAX_VARIANTS} variants; this one has {len(write.variants)}.",
                code="too_many_variants" if write.variants else "no_variants",
                system=SYSTEM,
            )
        fields = {name: value for name, value in write.fields.items() if value is not None}
        self.tax_category = self._try(
            "tax_class", lambda: values.tax_category(str(fields.get("tax_class", "")))
        )
        texts = {place.where: self._texts(place, fields) for place in self._text_places()}
        shared = shared_values(write, self.type_id, values, self.dropped)
        repeated = {name: raw for name, (definition, raw) in shared.items() if definition.level != "Product"}
        own = [
            AttributeValue(name=name, value=raw)
            for name, (definition, raw) in shared.items()
            if definition.level == "Product" and raw is not None
        ]
        key = product_key(write)
        names = texts.get("name") or {}
        if not names:
            raise RecordRejected("The product has no name.", code="name_missing", system=SYSTEM)
        drafts = [self._variant(variant, repeated) for variant in write.variants]
        drafts[0] = drafts[0].model_copy(
            update={"images": [ImageDraft(url=url) for url in fields.get("images") or ()]}
        )
        draft = ProductDraft(
            productType=by_id("product-type", self.type_id),
            key=key,
            name=names,
            slug=slugs(names, key),
            **{where: found or None for where, found in texts.items() if where != "name"},
            categories=[by_id("category", id) for id in self._categories(fields)],
            taxCategory=by_id("tax-category", self.tax_category) if self.tax_category else None,
            attributes=own,
            masterVariant=drafts[0],
            variants=drafts[1:],
            publish=self._publish(fields),
        )
        return draft, [*self.dropped, *unplaced(write, self.places)]

    # ------------------------------------------------------------ the product

    def _text_places(self) -> list[Place]:
        return [
            place
            for place in self.places.fields.values()
            if place.holder == "field" and place.where in WRITTEN_TEXTS
        ]

    def _texts(self, place: Place, fields: Mapping[str, Any]) -> dict[str, str]:
        wanted = wanted_columns(place, fields)
        return self._try(place.column, lambda: self.values.localized(place, wanted, {})) or {}

    def _categories(self, fields: Mapping[str, Any]) -> list[str]:
        ids: list[str] = []
        for place in self.places.fields.values():
            if place.where != "categories" or place.is_attribute:
                continue
            value = fields.get(place.column)
            for name in value if isinstance(value, list) else [value] if value else []:
                id = self._try(place.column, partial(self.values.category, str(name), place))
                if id is not None:
                    ids.append(id)
        return list(dict.fromkeys(ids))

    def _publish(self, fields: Mapping[str, Any]) -> bool:
        if self.values.products.write == "staged":
            return False
        if (place := self.places.fields.get("active")) is None or place.is_attribute:
            return bool(fields.get("published"))
        sold = any(bool(variant.fields.get("active")) for variant in self.write.variants)
        if sold:
            why = "commercetools publishes whole products; another variant is sold"
            unsold = [one.change_id for one in self.write.variants if one.fields.get("active") is False]
            self.dropped.extend((change_id, "active", why) for change_id in unsold)
        return sold

    # ------------------------------------------------------------ a variant

    def _variant(self, variant: VariantWrite, shared: Mapping[str, Any]) -> VariantDraft:
        attributes = {**shared, **variant_values(variant, self.type_id, self.values, self.dropped)}
        sku = variant.fields.get("sku") or None
        price = base_price(variant, self.tax_category, self.values, self.dropped)
        return VariantDraft(
            sku=sku,
            key=key_of(sku) if sku else None,
            prices=[price] if price else [],
            attributes=attribute_values(attributes),
        )

    def _try(self, field: str, convert: Callable[[], T]) -> T | None:
        try:
            return convert()
        except Unheld as why:
            self.dropped.append((self.write.change_id or "", field, str(why)))
            return None


def _product_type(values: Values) -> str:
    key = values.products.product_type
    found = values.references.type_by_key(key) if key else None
    if found is None:
        raise ConfigurationFault(
            f"Product type {key!r} does not exist." if key else "No product type is set for new products.",
            system=SYSTEM,
            remedy="Set products.product_type to the key of a commercetools product type.",
        )
    return found.id


def attribute_values(values: Mapping[str, Any]) -> list[AttributeValue]:
    """Attributes that have a value."""
    return [AttributeValue(name=name, value=raw) for name, raw in values.items() if raw is not None]


def base_price(
    variant: VariantWrite,
    tax_category: str | None,
    values: Values,
    dropped: Dropped,
    present: Mapping[str, Any] | None = None,
    *,
    keep_discount: bool = False,
) -> PriceDraft | None:
    """The wanted base price of a variant, the `present` one changed; None where none is wanted, or can be held."""
    if variant.fields.get("price") is None:
        return None
    try:
        draft, note = values.price(variant.fields, tax_category, present, keep_discount=keep_discount)
    except Unheld as why:
        dropped.append((variant.change_id, "price", str(why)))
        return None
    if note:
        dropped.append((variant.change_id, "price", note))
    return draft
