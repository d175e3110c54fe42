"""Composites: what they are made of, down to what has a level of its own.

A sale of a composite takes its parts, at the till as in a web order, so whoever shares a part with it follows. Parts
may be composites themselves. A part whose stock is not counted limits nothing, and takes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.inventory import parts
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.catalogue import PRODUCTS

DEEPEST = 10
"""Composites within each other. What is deeper contains itself, or might as well."""

Recipe = Mapping[str, int]
"""Quantities, in parts of a unit, by the till id of everything counted that one of a composite takes."""
Recipes = Mapping[str, Recipe | None]
"""Of composites, by till id; None = it can't be said what it takes."""


def takes_parts(settings: SyncSettings) -> bool:
    """Whether a composite has no level of its own: then orders of it take its parts, even where no entry of it is
    written."""
    return settings.inventory.composites != "own"


def parts_of(listed: Any) -> dict[str, str]:
    """Quantities by the till id of each part of a composite."""
    return {} if pd.isna(listed) else {str(part): str(quantity) for part, quantity in json.loads(listed)}


def made_of(listed: pd.Series) -> pd.Series:
    """For each cell of parts whether it makes a composite."""
    made: pd.Series = listed.fillna("[]").ne("[]")
    return made


# ---------------------------------------------------------------- who is concerned


@dataclass(frozen=True)
class Kinship:
    """Direct parts by composite, and composites by direct part, in till ids."""

    parts: Mapping[str, frozenset[str]]
    composites: Mapping[str, frozenset[str]]

    def touched(self, products: Collection[str]) -> set[str]:
        """These products, all their parts, and every composite that has one of those among its parts."""
        below = _reached(products, self.parts)
        return _reached(below, self.composites)

    def family(self, product: str) -> set[str]:
        """Everything whose levels and orders count for the figure of one product."""
        below = _reached([product], self.parts)
        return _reached(below, self.composites)


NOBODY = Kinship({}, {})


def read_kinship(ledger: Ledger, settings: SyncSettings) -> Kinship:
    """Who is made of whom; nobody where composites have a level of their own. Looks through all composites: once a
    task is enough."""
    if not takes_parts(settings):
        return NOBODY
    composed = ledger.mirror.listed(PRODUCTS, "variant", "lightspeed", "parts")
    below = {composite: frozenset(parts_of(some)) for composite, some in composed.items()}
    above: dict[str, set[str]] = {}
    for composite, listed in below.items():
        for part in listed:
            above.setdefault(part, set()).add(composite)
    return Kinship(below, {part: frozenset(found) for part, found in above.items()})


def _reached(start: Iterable[str], steps: Mapping[str, frozenset[str]]) -> set[str]:
    """Everything that these steps lead to, the start included."""
    found = set(start)
    fresh = set(found)
    while fresh:
        fresh = {one for each in fresh for one in steps.get(each, ())} - found
        found |= fresh
    return found


# ---------------------------------------------------------------- what one takes


def read_recipes(ledger: Ledger, settings: SyncSettings, composites: Collection[str]) -> Recipes:
    """What these composites take."""
    if not composites or not takes_parts(settings):
        return {}
    direct, tracked = _read_down(ledger, composites)
    return {one: _flattened(one, direct, tracked) for one in composites}


def _read_down(
    ledger: Ledger, composites: Collection[str]
) -> tuple[dict[str, Mapping[str, str]], dict[str, bool]]:
    """Direct parts of these composites, and of all composites among those; and of parts whether the till counts their
    stock, as far as that is known."""
    direct: dict[str, Mapping[str, str]] = {}
    parents: dict[str, str] = {}
    wanted = set(composites)
    for _ in range(DEEPEST):
        found = ledger.mirror.cells(PRODUCTS, "variant", "lightspeed", identity=("parts",), ids=wanted)
        parents |= dict(zip(found["id"], found["parent_id"].fillna(""), strict=True))
        made = found[made_of(found["parts"])]
        direct |= {str(one): parts_of(cell) for one, cell in zip(made["id"], made["parts"], strict=True)}
        wanted = {part for one in made["id"] for part in direct[str(one)]} - parents.keys()
        if not wanted:
            break
    families = ledger.mirror.cells(
        PRODUCTS, "product", "lightspeed", fields=("tracked",), ids={one for one in parents.values() if one}
    )
    counted = dict(zip(families["id"], families["tracked"].map({"true": True, "false": False}), strict=True))
    return direct, {
        part: bool(counted[parent]) for part, parent in parents.items() if not pd.isna(counted.get(parent))
    }


def _flattened(
    composite: str, direct: Mapping[str, Mapping[str, str]], tracked: Mapping[str, bool]
) -> Recipe | None:
    """Everything counted that one composite takes; None where it does not come to an end."""
    exact = _exactly(composite, Decimal(1), direct, tracked, 0)
    if exact is None:
        return None
    total: dict[str, Decimal] = {}
    for part, quantity in exact:
        total[part] = total.get(part, Decimal(0)) + quantity
    return {part: max(1, parts(quantity)) for part, quantity in total.items()}


def _exactly(
    composite: str,
    times: Decimal,
    direct: Mapping[str, Mapping[str, str]],
    tracked: Mapping[str, bool],
    depth: int,
) -> list[tuple[str, Decimal]] | None:
    if depth > DEEPEST:
        return None
    found: list[tuple[str, Decimal]] = []
    for part, quantity in direct[composite].items():
        needed = times * Decimal(quantity)
        if part in direct:
            below = _exactly(part, needed, direct, tracked, depth + 1)
            if below is None:
                return None
            found += below
        elif tracked.get(part, True):
            found.append((part, needed))
    return found
