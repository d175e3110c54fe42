"""What products refer to: types, tax categories, categories, channels, and what the assortment names; read once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.references import (
    Listings,
    read_all,
    read_listings,
    read_project,
    tax_category_named,
)
from retail_sync.commercetools.api.wire import (
    AttributeDefinition,
    Category,
    Channel,
    ProductSelection,
    ProductType,
    Project,
    Store,
    TaxCategory,
)
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class References:
    """All by id, except `channels`: by key. `listings`: what the assortment names."""

    project: Project
    product_types: Mapping[str, ProductType]
    tax_categories: Mapping[str, TaxCategory]
    categories: Mapping[str, Category]
    channels: Mapping[str, Channel] = field(default_factory=dict)
    listings: Listings = field(default_factory=Listings)

    @property
    def selections(self) -> Mapping[str, ProductSelection]:
        return self.listings.selections

    @property
    def stores(self) -> Mapping[str, Store]:
        return self.listings.stores

    @cached_property
    def definitions(self) -> dict[str, dict[str, AttributeDefinition]]:
        """Attribute definitions by product type id, then by name."""
        return {
            id: {definition.name: definition for definition in type_.attributes or ()}
            for id, type_ in self.product_types.items()
        }

    @cached_property
    def any_definition(self) -> dict[str, AttributeDefinition]:
        """One definition a name: the API demands the same type for a name in all product types."""
        return {name: found for types in self.definitions.values() for name, found in types.items()}

    def type_by_key(self, key: str) -> ProductType | None:
        return next((type_ for type_ in self.product_types.values() if type_.key == key), None)

    def tax_category(self, key_or_name: str) -> TaxCategory | None:
        return tax_category_named(self.tax_categories.values(), key_or_name)

    def category_name(self, category: Category, locales: Iterable[str]) -> str:
        """The name a person reads: in the first of `locales` that has one, else any, else the key."""
        for locale in locales:
            if category.name.get(locale):
                return category.name[locale]
        return next(filter(None, category.name.values()), category.key or category.id)

    def category_is(self, category: Category, key_or_name: str) -> bool:
        return category.key == key_or_name if category.key else key_or_name in category.name.values()

    def listed_by(self, selection_keys: Iterable[str], store_keys: Iterable[str]) -> frozenset[str] | None:
        """Products in any of the selections and in any active selection of any of the stores. None = no condition."""
        groups: list[frozenset[str]] = []
        if keys := tuple(selection_keys):
            groups.append(frozenset().union(*map(self.listings.of_selection, keys)))
        if keys := tuple(store_keys):
            groups.append(frozenset().union(*map(self.listings.of_store, keys)))
        return frozenset.intersection(*groups) if groups else None


async def read_references(client: CommercetoolsClient, settings: SyncSettings) -> References:
    """One request for each small collection; selections and stores only where the assortment names some."""
    rule = settings.products.assortment.commercetools
    project, types, taxes, categories, channels = await asyncio.gather(
        read_project(client),
        read_all(client, ProductType),
        read_all(client, TaxCategory),
        read_all(client, Category),
        read_all(client, Channel, wanted=settings.products.price.channel is not None),
    )
    return References(
        project=project,
        product_types={one.id: one for one in types},
        tax_categories={one.id: one for one in taxes},
        categories={one.id: one for one in categories},
        channels={one.key: one for one in channels},
        listings=await read_listings(client, rule.product_selections, rule.stores),
    )
