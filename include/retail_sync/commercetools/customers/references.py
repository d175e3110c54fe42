"""What customers refer to: groups, stores, types of custom fields, and the languages of the project; read once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.references import read_all, read_project
from retail_sync.commercetools.api.wire import CustomerGroup, CustomType, Project, Store
from retail_sync.commercetools.customers.fields import CustomerPlaces
from retail_sync.records.errors import ConfigurationFault

CUSTOMER = "customer"
CONFIG = "Correct the configuration file, then run preflight again."
_TEXTS = frozenset({"String"})
_DAYS = frozenset({"String", "Date"})
_FLAGS = frozenset({"Boolean"})
_AMOUNTS = frozenset({"Number", "Money", "String"})
_PLAIN = frozenset({"String", "Number", "Boolean", "Enum", "LocalizedEnum", "Date", "Time", "DateTime"})


def fitting(name: str) -> frozenset[str]:
    """Types of custom fields that can hold a canonical field."""
    if name.startswith("consent_") or name == "loyalty_member":
        return _FLAGS
    if name == "loyalty_balance":
        return _AMOUNTS
    if name == "date_of_birth":
        return _DAYS
    return _PLAIN if name.startswith("custom.") else _TEXTS


@dataclass(frozen=True)
class CustomerReferences:
    """`groups` and `types` by id, stores by key. `types`: those for customers. `read_stores`: whether stores were
    asked for at all."""

    places: CustomerPlaces
    project: Project
    groups: Mapping[str, CustomerGroup] = field(default_factory=dict)
    types: Mapping[str, CustomType] = field(default_factory=dict)
    stores: frozenset[str] = frozenset()
    read_stores: bool = False

    @property
    def group_keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.groups.values() if one.key)

    @property
    def candidates(self) -> list[CustomType]:
        """Types of customers that have all custom fields the configuration names, each of a type that fits."""
        return [one for one in self.types.values() if not self._lacking(one)]

    @property
    def custom_type(self) -> CustomType | None:
        """The type a customer without one is given; None unless there is exactly one."""
        found = self.candidates if self.places.needed else []
        return found[0] if len(found) == 1 else None

    def _lacking(self, one: CustomType) -> list[str]:
        defined = one.definitions
        return [
            place
            for name, place in self.places.needed.items()
            if place not in defined or defined[place].type.name not in fitting(name)
        ]

    def defined(self, place: str) -> bool:
        """Whether any type of customers defines the custom field."""
        return any(place in one.definitions for one in self.types.values())

    def problems(self) -> list[tuple[str, str]]:
        """What the settings name and is not there: (setting, sentence)."""
        settings = self.places.settings
        found: list[tuple[str, str]] = []
        if "group" in self.places.mapped:
            found += [
                ("customers.groups", f"there is no customer group with the key {pair.commercetools}")
                for pair in settings.groups
                if pair.commercetools not in self.group_keys
            ]
        named = [("customers.stores", key) for key in settings.stores]
        named += [("customers.create_in_store", settings.create_in_store)] if settings.create_in_store else []
        found += [
            (setting, f"there is no store with the key {key}")
            for setting, key in named
            if key not in self.stores
        ]
        return found + self._type_problems()

    def _type_problems(self) -> list[tuple[str, str]]:
        if not self.places.needed:
            return []
        if len(self.candidates) > 1:
            keys = ", ".join(sorted(one.key or one.id for one in self.candidates))
            sentence = f"several types of customers have all custom fields that are named: {keys}"
            return [("customers.fields", sentence)]
        if self.candidates:
            return []
        problems = [
            ("customers.fields", f"{name}: no type of customers has a custom field {place} ({_kinds(name)})")
            for name, place in self.places.needed.items()
            if not any(
                place in one.definitions and one.definitions[place].type.name in fitting(name)
                for one in self.types.values()
            )
        ]
        apart = ", ".join(sorted(self.places.needed.values()))
        return problems or [("customers.fields", f"no single type of customers has all of: {apart}")]

    def require(self) -> None:
        """Raises ConfigurationFault naming everything that is not there."""
        problems = self.problems()
        if problems:
            told = "; ".join(f"{setting}: {sentence}" for setting, sentence in problems)
            raise ConfigurationFault(f"Customers can't be written: {told}.", system=SYSTEM, remedy=CONFIG)


def _kinds(name: str) -> str:
    return " or ".join(sorted(fitting(name)))


async def read_customer_references(client: CommercetoolsClient, places: CustomerPlaces) -> CustomerReferences:
    """One request for each small collection that the configuration needs."""
    settings = places.settings
    stores = bool(settings.stores or settings.create_in_store or settings.owner_of("store") != "none")
    project, groups, types, found = await asyncio.gather(
        read_project(client),
        read_all(client, CustomerGroup, wanted="group" in places.mapped),
        read_all(client, CustomType, wanted=bool(places.needed)),
        read_all(client, Store, wanted=stores),
    )
    return CustomerReferences(
        places=places,
        project=project,
        groups={one.id: one for one in groups},
        types={one.id: one for one in types if CUSTOMER in (one.resourceTypeIds or ())},
        stores=frozenset(one.key for one in found),
        read_stores=stores,
    )
