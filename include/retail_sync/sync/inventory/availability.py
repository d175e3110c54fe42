"""The figure of every article in every channel, column by column, in one documented order of steps.

At each location that is open:
    level - held by open sales + incoming (where it counts) - web orders that this location serves,
    for composites: as often as what is left of their scarcest part allows;
    then the channel's share of it, then minus safety stock (which takes nothing from other locations);
then for the channel:
    aggregate - web orders that any of its locations may serve, cap, buffers, rounding to whole units, packs, floor,
    show at most.

The result may be below zero, where more is ordered than there is. Customers see nothing then, but the entry has to
know: an order that is cancelled gives back what it reserved, and that must fill the gap first.

An unknown level takes no part; where no level is known, or one is missing that `min` needs, there is no figure.
Quantities before rounding are parts (see `retail_sync.records.inventory`), afterwards whole units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from retail_sync.records.inventory import PARTS
from retail_sync.settings.models.inventory import InventorySettings
from retail_sync.sync.inventory.channel_assortment import offered
from retail_sync.sync.inventory.composites import Recipes
from retail_sync.sync.inventory.layout import Layout, Shelf
from retail_sync.sync.inventory.rules import HUNDRED, Numbers, Rules, rules_of
from retail_sync.sync.inventory.taking import Ordered, Takers, ordered_by_channel


@dataclass(frozen=True)
class Column:
    """Parts at one location for each article, and where they are known."""

    values: Numbers
    known: Numbers

    @classmethod
    def empty(cls, size: int) -> Column:
        return cls(np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool))


@dataclass(frozen=True)
class Given:
    """What figures are computed from. `articles`: a row each (see `catalogue`). `levels`: LEVEL_COLUMNS of these
    articles and of what composites take. `orders`: open web orders by line: sku, channel, units. `buckets`: held and
    incoming quantities by product and outlet. `offers`: members of selections and stores (see `offering`). `sets`:
    composites that somebody has ordered and that are not among `articles`, in the same columns. `recipes`: what these
    composites and those among `articles` take; one that is not in it has a level of its own."""

    layout: Layout
    inventory: InventorySettings
    articles: pd.DataFrame
    levels: pd.DataFrame
    orders: pd.DataFrame
    buckets: pd.DataFrame
    offers: pd.DataFrame | None = None
    sets: pd.DataFrame | None = None
    recipes: Recipes = field(default_factory=dict)

    @cached_property
    def takers(self) -> Takers:
        taken = sorted({part for recipe in self.recipes.values() for part in recipe or ()})
        base = pd.Index([*self.articles["product_id"], *taken]).drop_duplicates()
        sets = self.articles.iloc[:0] if self.sets is None else self.sets
        return Takers(base, self.articles, sets, self.recipes)


@dataclass(frozen=True)
class Worked:
    """Every step of one shelf, for each article. Arrays of parts up to `buffered`, of units from `rounded` on."""

    shelf: Shelf
    rules: Rules
    offered: Numbers
    """Whether the channel may offer the article."""
    known: Numbers
    at_place: Mapping[str, Numbers]
    """What each location contributes, after its share and safety stock."""
    stock: Numbers
    ordered: Numbers
    """Web orders taken from the aggregate; those a location serves are taken from its level."""
    capped: Numbers
    buffered: Numbers
    rounded: Numbers
    packed: Numbers
    net: Numbers
    """The figure, or how much is missing (below zero)."""
    figure: Numbers


@dataclass(frozen=True)
class Figures:
    """All shelves worked out. By location, in parts for each article: `level`; `held` by open sales; `incoming`;
    `taken` by web orders it serves. Of a composite these are what the same of its parts comes to. `ordered`: what open
    orders take, by channel. `gone`: the article or all its levels are deleted."""

    given: Given
    shelves: tuple[Worked, ...]
    level: Mapping[str, Column]
    held: Mapping[str, Numbers]
    incoming: Mapping[str, Numbers]
    taken: Mapping[str, Numbers]
    ordered: Ordered
    gone: Numbers


@dataclass(frozen=True)
class _AtPlace:
    """One location: its columns for each article, and what is left there."""

    level: Column
    held: Numbers
    incoming: Numbers
    taken: Numbers
    left: Numbers


def work_out(given: Given) -> Figures:
    """Every figure. Pure, and without a loop over articles."""
    layout, overrides = given.layout, given.inventory.overrides
    takers = given.takers
    rules = {shelf.channel: rules_of(shelf, overrides, given.articles) for shelf in layout.shelves}
    of_sets = {shelf.channel: rules_of(shelf, overrides, takers.sets) for shelf in layout.shelves}
    places = {place.channel: 1 for place in layout.foreign}
    places |= {shelf.channel: len(shelf.places) for shelf in layout.shelves}
    ordered = ordered_by_channel(
        takers, given.orders, {name: (rules[name], of_sets[name]) for name in rules}, places
    )
    there, deleted_everywhere = _there(given, ordered)
    level = {name: one.level for name, one in there.items()}
    left = {name: Column(one.left, one.level.known & layout.places[name].open) for name, one in there.items()}
    shelves = tuple(
        _shelf(given, shelf, rules[shelf.channel], left, level, ordered.articles) for shelf in layout.shelves
    )
    return Figures(
        given=given,
        shelves=shelves,
        level=level,
        held={name: one.held for name, one in there.items()},
        incoming={name: one.incoming for name, one in there.items()},
        taken={name: one.taken for name, one in there.items()},
        ordered=ordered,
        gone=given.articles["deleted"].to_numpy(dtype=bool) | deleted_everywhere,
    )


# ---------------------------------------------------------------- what is there


def _there(given: Given, ordered: Ordered) -> tuple[dict[str, _AtPlace], Numbers]:
    """What is at each location, and whether all levels of an article are deleted."""
    levels, deleted = _levels(given)
    held, incoming = _bucket_columns(given, "held"), _bucket_columns(given, "incoming")
    sets = _Sets(given)
    found: dict[str, _AtPlace] = {}
    for name, level in levels.items():
        taken = np.zeros(len(given.takers.base), dtype=np.int64)
        for shelf in given.layout.shelves:
            if shelf.fulfilled_by == name:
                taken += ordered.base[shelf.channel]
        # Step by step, so that of a composite, too, it can be told what took how many.
        steps = [level.values]
        steps += [steps[0] - held[name]]
        steps += [steps[1] + incoming[name]]
        steps += [steps[2] - taken]
        own = [sets.put(values, level.known) for values in steps]
        found[name] = _AtPlace(
            Column(own[0], sets.known(level.known)),
            own[0] - own[1],
            own[2] - own[1],
            own[2] - own[3],
            own[3],
        )
    return found, deleted & ~given.takers.by_recipe


def _levels(given: Given) -> tuple[dict[str, Column], Numbers]:
    """Levels of everything that has one, a column a location. And whether all levels of an article are deleted."""
    levels, base = given.levels, given.takers.base
    position = base.get_indexer(pd.Index(levels["product_id"]))
    place = levels["outlet_id"].map(given.layout.places_by_outlet)
    dead = levels["deleted_at"].notna().to_numpy()
    live = ~dead & levels["level"].notna().to_numpy()
    amount = levels["level"].fillna(0).to_numpy(dtype=np.int64)
    size = len(base)
    columns: dict[str, Column] = {}
    mapped = place.notna().to_numpy()
    rows = np.bincount(position[mapped & (position >= 0)], minlength=size)
    deleted = np.bincount(position[mapped & (position >= 0) & dead], minlength=size)
    for name in given.layout.places:
        column = Column.empty(size)
        here = live & (place == name).fillna(False).to_numpy(dtype=bool) & (position >= 0)
        column.values[position[here]] = amount[here]
        column.known[position[here]] = True
        columns[name] = column
    everywhere = (rows > 0) & (rows == deleted)
    return columns, everywhere[: len(given.articles)]


class _Sets:
    """Articles whose amount is that of their parts: as often as the scarcest of them allows; unknown while the amount
    of a part is, or what they take at all."""

    def __init__(self, given: Given) -> None:
        takers = given.takers
        self._size = len(given.articles)
        self._made = takers.by_recipe
        products = given.articles["product_id"]
        rows = [
            (at, takers.places[part], needed)
            for at in np.flatnonzero(self._made)
            for part, needed in (given.recipes[products.iloc[at]] or {}).items()
        ]
        self._at, self._part, self._needed = (
            np.array([row[column] for row in rows], dtype=np.int64) for column in range(3)
        )

    def put(self, amounts: Numbers, known: Numbers) -> Numbers:
        """Amounts of the articles, from those of everything that has a level."""
        own = np.where(known, amounts, 0)[: self._size]
        own[self._made] = 0
        if len(self._at):
            sets = amounts[self._part] * PARTS // self._needed // PARTS * PARTS
            least = np.full(self._size, np.iinfo(np.int64).max)
            np.minimum.at(least, self._at, sets)
            whole = self.known(known) & self._made
            own[whole] = least[whole]
        return own

    def known(self, known: Numbers) -> Numbers:
        """For which articles the amount is known."""
        own = known[: self._size].copy()
        if self._made.any():
            counted = np.zeros(self._size, dtype=bool)
            counted[self._at] = True
            missing = np.zeros(self._size, dtype=bool)
            missing[self._at[~known[self._part]]] = True
            own[self._made] = (counted & ~missing)[self._made]
        return own


def _bucket_columns(given: Given, bucket: str) -> dict[str, Numbers]:
    """Of everything that has a level; what is held or on its way of a composite is so of its parts."""
    of_outlet, takers = given.layout.places_by_outlet, given.takers
    wanted = given.buckets[given.buckets["bucket"] == bucket]
    columns = {name: np.zeros(len(takers.base), dtype=np.int64) for name in given.layout.places}
    for product, outlet, quantity in zip(
        wanted["product_id"], wanted["outlet_id"], wanted["quantity"], strict=True
    ):
        name = of_outlet.get(outlet)
        if name is not None:
            for at, amount in takers.of_product(str(product), int(quantity)):
                columns[name][at] += amount
    return columns


# ---------------------------------------------------------------- what a channel makes of it


def _shelf(
    given: Given,
    shelf: Shelf,
    rules: Rules,
    there: Mapping[str, Column],
    level: Mapping[str, Column],
    ordered: Mapping[str, Numbers],
) -> Worked:
    columns = {
        name: _contribution(there[name], rules, name, given.inventory.negative_levels == "as zero")
        for name in shelf.places
    }
    stock, known = _aggregated(
        rules, columns, {name: level[name].known for name in shelf.places}, given.layout
    )
    taken = np.zeros(len(stock), dtype=np.int64)
    for other in given.layout.sharing(shelf):
        if other.fulfilled_by is None:
            taken += ordered[other.channel]
    capped = np.minimum(stock - taken, rules.cap)
    percent = -(-np.maximum(capped, 0) * rules.buffer_percent // HUNDRED)
    buffered = capped - rules.buffer_units - percent
    rounded = _rounded(buffered, rules.rounding)
    packs = rounded // rules.pack_size
    whole = np.where(rounded < 0, rounded, packs * rules.pack_size)
    packed = np.where(rules.counts_packs, packs, whole)
    floored = np.where((packed > 0) & (packed < rules.floor), 0, packed)
    net = np.minimum(floored, rules.show_at_most)
    return Worked(
        shelf=shelf,
        rules=rules,
        offered=offered(shelf.offer, given.articles, given.offers),
        known=known,
        at_place={name: np.where(column.known, column.values, 0) for name, column in columns.items()},
        stock=stock,
        ordered=taken,
        capped=capped,
        buffered=buffered,
        rounded=rounded,
        packed=packed,
        net=net,
        figure=np.maximum(net, 0),
    )


def _contribution(column: Column, rules: Rules, place: str, never_negative: bool) -> Column:
    values = column.values
    if rules.is_any("shares"):
        share = np.where(rules.aggregate == "share", rules.share(place), HUNDRED)
        values = values * share // HUNDRED
    if rules.is_any("safety_stock") or rules.is_any("safety_stock_at"):
        values = np.maximum(values - rules.safety(place), np.minimum(values, 0))
    return Column(np.maximum(values, 0) if never_negative else values, column.known)


def _aggregated(
    rules: Rules, columns: Mapping[str, Column], told: Mapping[str, Numbers], layout: Layout
) -> tuple[Numbers, Numbers]:
    """One figure of several locations, and where there is one. A closed location has nothing; that is known."""
    size = len(rules.codes)
    total = np.zeros(size, dtype=np.int64)
    least = np.full(size, np.iinfo(np.int64).max)
    most = np.full(size, np.iinfo(np.int64).min)
    first = np.zeros(size, dtype=np.int64)
    some = np.zeros(size, dtype=bool)
    every = np.ones(size, dtype=bool)
    seen = np.zeros(size, dtype=bool)
    for name, column in columns.items():
        total += np.where(column.known, column.values, 0)
        least = np.where(column.known, np.minimum(least, column.values), least)
        most = np.where(column.known, np.maximum(most, column.values), most)
        first = np.where((first <= 0) & column.known & (column.values > 0), column.values, first)
        closed = not layout.places[name].open
        least = np.where(closed & told[name], np.minimum(least, 0), least)
        some |= told[name]
        every &= told[name]
        seen |= column.known
    least, most = np.where(least == np.iinfo(np.int64).max, 0, least), np.where(seen, most, 0)
    kind = rules.aggregate
    stock = np.select([kind == "min", kind == "max", kind == "priority"], [least, most, first], default=total)
    return stock.astype(np.int64), np.where(kind == "min", every, some).astype(bool)


def _rounded(values: Numbers, rounding: Numbers) -> Numbers:
    down = values // PARTS
    if (rounding == "down").all():
        return down
    up = -(-values // PARTS)
    nearest = (values + PARTS // 2) // PARTS
    chosen: Numbers = np.select([rounding == "up", rounding == "nearest"], [up, nearest], default=down)
    return chosen


def order_lines(orders: pd.DataFrame) -> pd.DataFrame:
    """Orders as lines: id, number, sku (under which it was ordered), channel, units, variant (NA = not known)."""
    lines: list[tuple[Any, ...]] = [
        (order, number, sku, channel, int(quantity), next((one for one in variant if one), None))
        for order, number, listed in zip(orders["id"], orders["number"], orders["lines"], strict=True)
        # Orders that were read before variants were kept have none.
        for sku, channel, quantity, *variant in json.loads(listed)
    ]
    return pd.DataFrame(lines, columns=["id", "number", "sku", "channel", "units", "variant"]).astype(
        {"sku": "string", "channel": "string", "units": "int64", "variant": "string"}
    )
