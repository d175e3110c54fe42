"""Canonical values in the form commercetools holds them: the way back of `read`.

Every conversion may find that commercetools can't hold a value. That is `Unheld`: the field is left out of the write
and reported, the rest of the record goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from retail_sync.commercetools.api.wire import AttributeDefinition, AttributeType
from retail_sync.commercetools.api.writing import Identifier, PriceDraft
from retail_sync.commercetools.products.base_price import (
    PriceScope,
    changed_price,
    from_canonical,
    new_price,
    to_canonical,
)
from retail_sync.commercetools.products.fields import Place
from retail_sync.commercetools.products.read import ProductReader
from retail_sync.records import transforms as pure
from retail_sync.records.errors import RecordRejected
from retail_sync.records.identifiers import folded_key, matching_key, spelled_as
from retail_sync.settings.models.transforms import ChooseLocale, Transform
from retail_sync.settings.transforms import LookupMissing, reverse

_TEXT = AttributeType(name="text")


class Unheld(Exception):
    """commercetools can't hold this value; the text says why."""


class Values:
    """Converts with the places, tax rules and reference data of one reader."""

    def __init__(self, reader: ProductReader) -> None:
        self.reader = reader
        self.places = reader.places
        self.references = reader.references
        self.products = reader.settings.products

    def definition(self, type_id: str, attribute: str) -> AttributeDefinition:
        found = self.references.definitions.get(type_id, {}).get(attribute)
        if found is None:
            product_type = self.references.product_types.get(type_id)
            name = (product_type.key or product_type.name) if product_type else type_id
            raise Unheld(f"product type {name} has no attribute {attribute}")
        return found

    # ------------------------------------------------------------ texts

    def localized(
        self, place: Place, wanted: Mapping[str, Any], present: Mapping[str, str]
    ) -> dict[str, str]:
        """A localized text with the `wanted` columns changed and all other locales as they are."""
        texts = dict(present)
        for column, value in wanted.items():
            locale = column.partition(".")[2] or self.places.till_locale
            if place.per_locale:
                text = self._back(place.transforms, value or None, _TEXT, texts.get(locale), locale)
                texts = pure.put_locale(texts, locale, text) or {}
            else:
                texts = self._choose(place.transforms, value, texts)
        return texts

    def _choose(
        self, transforms: Sequence[Transform], value: Any, present: Mapping[str, str]
    ) -> dict[str, str]:
        """Where a transform chose one locale, only this one changes."""
        if value in (None, ""):
            return pure.put_locale(present, self.locale_of(transforms), None) or {}
        kept = self._back(
            transforms, value, AttributeType(name="ltext"), dict(present), self.places.till_locale
        )
        return dict(kept or {})

    def locale_of(self, transforms: Sequence[Transform]) -> str:
        return next((t.locale for t in transforms if isinstance(t, ChooseLocale)), self.places.till_locale)

    # ------------------------------------------------------------ attributes

    def attribute(
        self, transforms: Sequence[Transform], value: Any, definition: AttributeDefinition, present: Any
    ) -> Any:
        """The attribute's value, None to remove it."""
        shape = definition.type
        if value in (None, "", []):
            if shape.name == "ltext" and isinstance(present, Mapping):
                return pure.put_locale(present, self.locale_of(transforms), None)
            return None
        return self._back(transforms, value, shape, present, self.places.till_locale)

    def family(
        self, place: Place, wanted: Mapping[str, Any], definition: AttributeDefinition, present: Any
    ) -> Any:
        """The value of an attribute behind a family of columns (`description.*`)."""
        if definition.type.name == "ltext":
            return self.localized(place, wanted, present if isinstance(present, Mapping) else {}) or None
        till = (
            self.places.columns(place)[0]
            if not place.per_locale
            else f"{place.column}.{self.places.till_locale}"
        )
        if till not in wanted:
            raise Unheld(f"attribute {definition.name} holds one text, that of {self.places.till_locale}")
        return self.attribute(place.transforms, wanted[till], definition, present)

    def barcodes(self, codes: Sequence[str], definition: AttributeDefinition, present: Any, sku: str) -> Any:
        """The codes as the attribute takes them. Codes that do not sync (the SKU itself, further ones where only the
        first does) stay."""
        held = [str(code) for code in present] if isinstance(present, list) else []
        codes = spelled_as(codes, held)
        if definition.type.name != "set":
            if not codes:
                return None
            if definition.type.name == "number":
                number = pure.number_of_text(codes[0]) if codes[0].isdigit() else None
                if str(number) != codes[0]:
                    raise Unheld("a number attribute would lose leading zeros or letters of a barcode")
                return number
            return codes[0]
        managed = [code for code in held if matching_key(code) != matching_key(sku)]
        if not self.products.barcodes_multiple:
            codes, managed = codes[:1], managed[:1]
        kept = [code for code in held if code not in managed]
        return list(dict.fromkeys([*codes, *kept])) or None

    def holds_all(self, codes: Sequence[str], definition: AttributeDefinition) -> bool:
        return len(codes) <= 1 or (self.products.barcodes_multiple and definition.type.name == "set")

    def _back(
        self, transforms: Sequence[Transform], value: Any, shape: AttributeType, present: Any, locale: str
    ) -> Any:
        try:
            wire = reverse(transforms, value, attribute_type=shape, present=present, locale=locale)
        except RecordRejected as problem:
            raise Unheld(problem.message) from None
        if isinstance(wire, LookupMissing):
            raise Unheld(str(wire))
        return wire

    # ------------------------------------------------------------ references

    def tax_category(self, tax_class: str) -> str | None:
        """Id of the tax category behind a canonical tax class; None for none."""
        if not tax_class:
            return None
        for mapped in self.products.tax_classes:
            if (
                mapped.name == tax_class
                and (found := self.references.tax_category(mapped.commercetools)) is not None
            ):
                return found.id
        raise Unheld(f"tax class {tax_class!r} is not mapped to a tax category")

    def category(self, name: str, place: Place) -> str:
        """Id of the one category with this name."""
        wanted = self._back(place.transforms, name, _TEXT, None, self.places.till_locale)
        found = self._categories_named(str(wanted), matching_key) or self._categories_named(
            str(wanted), folded_key
        )
        if len(found) != 1:
            raise Unheld(f"{len(found) or 'no'} categories are called {wanted!r}")
        return found[0]

    def _categories_named(self, name: str, key: Callable[[str], str]) -> list[str]:
        names = ((id, self.reader.category_name(id) or "") for id in self.references.categories)
        return [id for id, called in names if key(called) == key(name)]

    # ------------------------------------------------------------ prices

    def price(
        self,
        fields: Mapping[str, Any],
        tax_category: str | None,
        present: Mapping[str, Any] | None,
        *,
        keep_discount: bool = False,
    ) -> tuple[PriceDraft, str | None]:
        """The base price with the amount in `fields`: the `present` one changed, or a new one in the base scope. Beside
        it, where the tax conversion can't be undone to the cent: what the nearest price that can be held comes to."""
        currency = fields.get("currency")
        if currency not in (None, self.scope.currency):
            raise Unheld(f"the price is in {currency}, not in {self.scope.currency}")
        rule, wanted, included = (
            self.reader.tax_rule_of(tax_category),
            int(fields["price"]),
            self.scope.tax_included,
        )
        amount = from_canonical(wanted, rule, included)
        if amount is None:
            where = self.scope.country or "all countries alike"
            raise Unheld(f"the tax category has no rate for {where}, so the price can't be converted")
        held = to_canonical(Decimal(amount), rule, included)
        note = (
            f"the nearest price that can be held comes to {held[0]}" if held and held[0] != wanted else None
        )
        try:
            if present:
                return changed_price(dict(present), amount, keep_discount=keep_discount), note
            return new_price(amount, self.scope), note
        except RecordRejected as problem:
            raise Unheld(problem.message) from None

    @property
    def scope(self) -> PriceScope:
        return self.reader.scope


def by_id(type_id: str, id: str) -> Identifier:
    return Identifier(typeId=type_id, id=id)
