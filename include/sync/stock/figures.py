"""The figure of every article in every channel, column by column, in one documented order of steps.

At each location that is open:
    level - held by open sales + incoming (where it counts) - web orders that this location serves,
    then the channel's share of it, then minus safety stock (which takes nothing from other locations);
then for the channel:
    aggregate - web orders that any of its locations may serve, cap, buffers, rounding to whole units, packs, floor,
    show at most.

The result may be below zero, where more is ordered than there is. Customers see nothing then, but the entry has to
know: an order that is cancelled gives back what it reserved, and that must fill the gap first.

An unknown level takes no part; where no level is known, or one is missing that `min` needs, there is no figure.
Quantities before rounding are parts (see `include.records.stock`), afterwards whole units.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from include.records.stock import PARTS, parts
from include.settings.inventory import InventorySettings
from include.sync.stock.catalogue import parts_of
from include.sync.stock.layout import Layout, Shelf
from include.sync.stock.offering import offered
from include.sync.stock.rules import HUNDRED, Numbers, Rules, rules_of


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
    articles and of the parts of composites. `orders`: open web orders by line: sku, channel, units. `buckets`: held and
    incoming quantities by product and outlet. `offers`: members of selections and stores (see `offering`)."""

    layout: Layout
    inventory: InventorySettings
    articles: pd.DataFrame
    levels: pd.DataFrame
    orders: pd.DataFrame
    buckets: pd.DataFrame
    offers: pd.DataFrame | None = None


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
    """All shelves worked out. `at_place`: what is at each location before any channel's rules; `taken`: units of web
    orders a location serves, in parts; `gone`: the article or all its levels are deleted."""

    given: Given
    shelves: tuple[Worked, ...]
    level: Mapping[str, Column]
    held: Mapping[str, Numbers]
    incoming: Mapping[str, Numbers]
    taken: Mapping[str, Numbers]
    gone: Numbers


def work_out(given: Given) -> Figures:
    """Every figure. Pure, and without a loop over articles."""
    size = len(given.articles)
    level, deleted_everywhere = _levels(given)
    held, incoming = _bucket_columns(given, "held"), _bucket_columns(given, "incoming")
    rules = {
        shelf.channel: rules_of(shelf, given.inventory.overrides, given.articles)
        for shelf in given.layout.shelves
    }
    ordered = _orders_by_channel(given, rules)
    taken = {place: np.zeros(size, dtype=np.int64) for place in given.layout.places}
    for shelf in given.layout.shelves:
        if shelf.fulfilled_by is not None:
            taken[shelf.fulfilled_by] += ordered[shelf.channel]
    there = {
        name: Column(
            column.values - held[name] + incoming[name] - taken[name],
            column.known & given.layout.places[name].open,
        )
        for name, column in level.items()
    }
    shelves = tuple(
        _shelf(given, shelf, rules[shelf.channel], there, level, ordered) for shelf in given.layout.shelves
    )
    gone = given.articles["deleted"].to_numpy(dtype=bool) | deleted_everywhere
    return Figures(given, shelves, level, held, incoming, taken, gone)


# ---------------------------------------------------------------- what is there


def _levels(given: Given) -> tuple[dict[str, Column], Numbers]:
    """Levels as a column a location; composites by their parts. And whether all levels of an article are deleted."""
    articles, levels = given.articles, given.levels
    own = pd.Index(articles["product_id"])
    by_parts = articles["parts"].notna().to_numpy() & (given.inventory.composites == "parts")
    position = own.get_indexer(levels["product_id"])
    place = levels["outlet_id"].map(given.layout.places_by_outlet)
    dead = levels["deleted_at"].notna().to_numpy()
    live = ~dead & levels["level"].notna().to_numpy()
    amount = levels["level"].fillna(0).to_numpy(dtype=np.int64)
    size = len(articles)
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
    if by_parts.any():
        _put_composites(given, columns, by_parts, levels[live], place[live])
    return columns, (rows > 0) & (rows == deleted) & ~by_parts


def _put_composites(
    given: Given, columns: Mapping[str, Column], by_parts: Numbers, levels: pd.DataFrame, place: pd.Series
) -> None:
    """A composite is there as often as its scarcest part allows; unknown while the level of a part is."""
    recipe = pd.DataFrame(
        [
            (position, part, max(1, parts(Decimal(quantity))))
            for position in np.flatnonzero(by_parts)
            for part, quantity in parts_of(given.articles["parts"].iloc[position]).items()
        ],
        columns=["position", "product_id", "needed"],
    )
    stored = levels.assign(place=place.array)[["product_id", "place", "level"]]
    needs = recipe.merge(pd.DataFrame({"place": list(columns)}), how="cross")
    found = needs.merge(stored, how="left", on=["product_id", "place"])
    found["sets"] = found["level"] * PARTS // found["needed"]
    grouped = found.groupby(["place", "position"])["sets"]
    made = grouped.min()[grouped.count() == grouped.size()].reset_index()
    for name, column in columns.items():
        column.values[by_parts] = 0
        column.known[by_parts] = False
        own = made[made["place"] == name]
        position = own["position"].to_numpy(dtype=np.int64)
        column.values[position] = own["sets"].to_numpy(dtype=np.int64) // PARTS * PARTS
        column.known[position] = True


def _bucket_columns(given: Given, bucket: str) -> dict[str, Numbers]:
    of_outlet = given.layout.places_by_outlet
    wanted = given.buckets[given.buckets["bucket"] == bucket]
    position = pd.Index(given.articles["product_id"]).get_indexer(wanted["product_id"])
    columns = {name: np.zeros(len(given.articles), dtype=np.int64) for name in given.layout.places}
    for at, outlet, quantity in zip(position, wanted["outlet_id"], wanted["quantity"], strict=True):
        name = of_outlet.get(outlet)
        if at >= 0 and name is not None:
            columns[name][at] += int(quantity)
    return columns


def _orders_by_channel(given: Given, rules: Mapping[str, Rules]) -> dict[str, Numbers]:
    """Parts of each article in open web orders of a channel. Where the channel counts packs, so does an order."""
    skus = pd.Index(given.articles["sku"])
    out: dict[str, Numbers] = {}
    for channel, rule in rules.items():
        lines = given.orders[given.orders["channel"] == channel]
        # Articles that share a SKU are held whatever their figure: any of them will do.
        position = _first_of(skus, lines["sku"])
        per_unit = np.where(rule.counts_packs, rule.pack_size, 1) * PARTS
        ordered = np.zeros(len(given.articles), dtype=np.int64)
        found = position >= 0
        np.add.at(ordered, position[found], lines["units"].to_numpy(dtype=np.int64)[found])
        out[channel] = ordered * per_unit
    return out


def _first_of(skus: pd.Index, wanted: pd.Series) -> Numbers:
    """Position of the first article with each SKU; -1 = none has it."""
    places = np.flatnonzero(~skus.duplicated())
    found = skus[places].get_indexer(pd.Index(wanted))
    return np.where(found >= 0, places[found], -1) if len(places) else np.full(len(wanted), -1)


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
    """Orders as lines: id, number, sku, channel, units."""
    lines: list[tuple[Any, ...]] = [
        (order, number, sku, channel, int(quantity))
        for order, number, listed in zip(orders["id"], orders["number"], orders["lines"], strict=True)
        for sku, channel, quantity in json.loads(listed)
    ]
    return pd.DataFrame(lines, columns=["id", "number", "sku", "channel", "units"]).astype(
        {"sku": "string", "channel": "string", "units": "int64"}
    )


def skus_of_lines(listed: Iterable[str]) -> set[str]:
    """SKUs in the `lines` of orders (ORDER_COLUMNS)."""
    return {str(sku) for lines in listed for sku, _, _ in json.loads(lines)}
