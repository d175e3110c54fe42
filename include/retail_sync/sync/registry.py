"""The entities that sync, by name. Each is imported when it is asked for: a task needs one of them."""

from __future__ import annotations

from importlib import import_module

from retail_sync.sync.engine.entity import Entity

ENTITIES = {
    "products": "Products",
    "prices": "Prices",
    "inventory": "Inventory",
    "customers": "Customers",
    "orders": "Orders",
    "sales": "Sales",
}
"""Folder of `sync` -> the class in its module `entity`."""


def entity_of(name: str) -> Entity:
    """The entity of that name."""
    made: Entity = getattr(import_module(f"retail_sync.sync.{name}.entity"), ENTITIES[name])()
    return made
