"""Where commercetools holds each canonical field, as the configuration and the product types say.

A place is a projection field (`name`, `description`, `categories`, `taxCategory`, ...) or an attribute. This module
resolves names once; `read` and `update_actions` then follow places in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.products import COLUMNS, Kind, column_of
from retail_sync.records.types import ColumnType
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.transforms import ChooseLocale, Transform

NATURAL_PLACES = {
    "name": "name",
    "description": "description",
    "category": "categories",
    "tax_class": "taxCategory",
    "active": "published",
}
"""Where a field lives that the configuration does not place elsewhere."""
LOCALIZED_FIELDS = ("name", "description", "metaTitle", "metaDescription", "metaKeywords", "slug")
"""Projection fields that hold a text for each locale."""
WRITTEN_TEXTS = ("name", "description", "metaTitle", "metaDescription", "metaKeywords")
"""Those of them that are written back: a slug is part of an address others know."""
PROJECTION_FIELDS = (*LOCALIZED_FIELDS, "key", "categories", "taxCategory", "published")
ATTRIBUTE_PREFIX = "attribute:"
PER_LOCALE = ("name", "description")
"""Canonical fields that are a family of columns, one a locale."""


@dataclass(frozen=True)
class Place:
    """One canonical field's home. `column` is its name without locale; `where` a projection field or attribute name."""

    column: str
    kinds: tuple[Kind, ...]
    type: ColumnType
    holder: Literal["field", "attribute"]
    where: str
    transforms: tuple[Transform, ...] = ()

    @property
    def is_attribute(self) -> bool:
        return self.holder == "attribute"

    @property
    def per_locale(self) -> bool:
        """It fills one column a locale, unless a transform chooses a locale."""
        return self.column in PER_LOCALE and not any(
            isinstance(step, ChooseLocale) for step in self.transforms
        )


@dataclass(frozen=True)
class Option:
    name: str
    attribute: str
    transforms: tuple[Transform, ...]


class Places:
    """All places of one configuration."""

    def __init__(self, settings: SyncSettings) -> None:
        self.settings = settings
        self.locales = settings.shop.locales
        self.till_locale = settings.shop.till_locale
        self.fields: dict[str, Place] = {}
        for column in dict.fromkeys([*NATURAL_PLACES, *settings.products.fields]):
            if (place := self._resolve(column)) is not None:
                self.fields[column] = place
        self.options = [
            Option(option.name, option.attribute, option.transforms) for option in settings.products.options
        ]

    def _resolve(self, column: str) -> Place | None:
        setting = self.settings.products.fields.get(column)
        where = NATURAL_PLACES.get(column)
        if setting is not None and "commercetools" in setting.model_fields_set:
            where = setting.commercetools
        if not where:
            return None
        kinds = _kinds(column)
        declared = column_of(kinds[0], f"{column}.x" if column in PER_LOCALE else column)
        transforms = setting.transforms if setting else ()
        if where.startswith(ATTRIBUTE_PREFIX):
            return Place(
                column, kinds, declared.type, "attribute", where.removeprefix(ATTRIBUTE_PREFIX), transforms
            )
        if where not in PROJECTION_FIELDS:
            raise _fault(
                column, f"{where!r} is neither one of {', '.join(PROJECTION_FIELDS)} nor attribute:<name>"
            )
        return Place(column, kinds, declared.type, "field", where, transforms)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """Every attribute this configuration looks at."""
        names = {place.where for place in self.fields.values() if place.is_attribute}
        names |= {option.attribute for option in self.options}
        if self.settings.products.assortment.commercetools.attribute:
            names.add(self.settings.products.assortment.commercetools.attribute)
        return frozenset(names)

    def of(self, canonical: str) -> Place | None:
        """The place of a canonical field; `name.en-GB` is in the place of `name`."""
        return self.fields.get(canonical) or self.fields.get(canonical.split(".", 1)[0])

    def columns(self, place: Place) -> list[str]:
        """The table columns a place fills."""
        if place.per_locale:
            return [f"{place.column}.{locale}" for locale in self.locales]
        return [f"{place.column}.{self.till_locale}"] if place.column in PER_LOCALE else [place.column]


def _kinds(column: str) -> tuple[Kind, ...]:
    """In which tables a field is a column. An attribute of one's own is shown in both: whether the other system holds
    it per product or per variant is not known here."""
    if column.startswith("attr."):
        return ("variant", "product")
    if column in PER_LOCALE:
        return ("product",)
    kinds: list[Kind] = ["product", "variant"]
    held = tuple(kind for kind in kinds if any(declared.name == column for declared in COLUMNS[kind]))
    if not held:
        raise _fault(column, "there is no such field")
    return held


def _fault(column: str, why: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"products.fields.{column}: {why}.",
        system=SYSTEM,
        remedy="Correct this entry in the configuration file, then run preflight.",
    )
