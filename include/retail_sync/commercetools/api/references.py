"""Small collections that records refer to: read whole, once, before the first page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.queries import Query
from retail_sync.commercetools.api.wire import (
    Category,
    Channel,
    CustomerGroup,
    CustomType,
    ProductSelection,
    ProductType,
    Project,
    Reference,
    Store,
    TaxCategory,
    Wire,
)
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.rows import place, read_apart, read_rows

W = TypeVar("W", bound=Wire)


@dataclass(frozen=True)
class Listings:
    """Product selections and stores by key, and the products of each selection that was asked for, by selection id."""

    selections: Mapping[str, ProductSelection] = field(default_factory=dict)
    stores: Mapping[str, Store] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of_selection(self, key: str) -> frozenset[str]:
        """Products of the selection."""
        return (
            self.members.get(self.selections[key].id, frozenset()) if key in self.selections else frozenset()
        )

    def of_store(self, key: str) -> frozenset[str]:
        """Products in any active selection of the store."""
        store = self.stores.get(key)
        ids = [s.productSelection.id for s in (store.productSelections if store else None) or () if s.active]
        return frozenset().union(*(self.members.get(id, frozenset()) for id in ids))


def tax_category_named(found: Iterable[TaxCategory], key_or_name: str) -> TaxCategory | None:
    candidates = list(found)
    by_key = next((one for one in candidates if one.key == key_or_name), None)
    return by_key or next((one for one in candidates if one.name == key_or_name), None)


async def read_listings(
    client: CommercetoolsClient, selection_keys: Collection[str], store_keys: Collection[str]
) -> Listings:
    """The product selections and stores of these keys, as far as they exist, with their products. Each is asked for
    under its own key: one that a list does not show would offer nothing."""
    stores = many(Store, await _each(client, "/stores", [f"key={key}" for key in store_keys]))
    wanted = [f"key={key}" for key in selection_keys]
    wanted += [s.productSelection.id for store in stores for s in store.productSelections or () if s.active]
    found = many(ProductSelection, await _each(client, "/product-selections", wanted))
    selections = {one.id: one for one in found}.values()
    return Listings(
        selections={one.key or one.id: one for one in selections},
        stores={one.key: one for one in stores},
        # A selection that excludes lists nothing that is offered.
        members={one.id: await _members(client, one) for one in selections if not one.excludes},
    )


async def _each(client: CommercetoolsClient, path: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Those of these resources that are there, by id or `key=...`."""
    answers = await Query(client, path).each(list(dict.fromkeys(names)))
    return [answer for answer in answers if answer is not None]


async def read_project(client: CommercetoolsClient) -> Project:
    """The project's own settings."""
    return _one(Project, (await client.get("")).json())


async def read_channels(client: CommercetoolsClient) -> list[Channel]:
    """All channels of the project."""
    return await read_all(client, Channel)


_PATHS: Mapping[type[Wire], str] = {
    Category: "/categories",
    Channel: "/channels",
    CustomerGroup: "/customer-groups",
    CustomType: "/types",
    ProductType: "/product-types",
    Store: "/stores",
    TaxCategory: "/tax-categories",
}


async def read_all(
    client: CommercetoolsClient, model: type[W], *, wanted: bool = True, where: Sequence[str] = ()
) -> list[W]:
    """A small collection, as far as it can be read; nothing is asked for where it is not `wanted`."""
    return many(model, await Query(client, _PATHS[model]).everything(*where) if wanted else [])


class _Assigned(Wire):
    product: Reference


MEMBERS_READ = 3
"""How often the products of a selection are read until they are as many as the selection says. The count is a required
field; that it follows at once is inferred."""


async def _members(client: CommercetoolsClient, selection: ProductSelection) -> frozenset[str]:
    """Products of a selection: who is missing from it would be taken out of sale. Raises ProtocolFault where its list
    shows fewer than the selection counts, whenever it is asked."""
    path = f"/product-selections/{selection.id}"
    members: set[str] = set()
    for _ in range(MEMBERS_READ):
        rows = await Query(client, f"{path}/products", key="product.id").everything()
        members |= {_one(_Assigned, row).product.id for row in rows}
        if len(members) >= selection.productCount:
            return frozenset(members)
        selection = _one(ProductSelection, (await client.get(path)).json())
    raise ProtocolFault(
        f"Product selection {selection.key or selection.id} counts {selection.productCount} products, and its list "
        f"shows {len(members)}.",
        system=SYSTEM,
        remedy="Nothing was changed. Run it again: a list that came short passes.",
    )


def _one(model: type[W], row: Any) -> W:
    try:
        return model.model_validate(row)
    except ValidationError as problem:
        places = sorted({place(error["loc"]) for error in problem.errors(include_input=False)})
        told = f"A {model.__name__} can't be read; look at: {', '.join(places[:5])}."
        raise ProtocolFault(told, system=SYSTEM) from None


def many(model: type[W], rows: Iterable[Any]) -> list[W]:
    """Wire models of rows. One that can't be read is left out and logged: whatever points to it is unknown then, which
    holds the records that need it and no others."""
    found, _ = read_apart(
        list(rows),
        lambda given: read_rows(
            given,
            lambda sound: [model.model_validate(row) for row in sound],
            system=SYSTEM,
            what=f"reference data ({model.__name__})",
        ),
    )
    return found
