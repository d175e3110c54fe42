"""What open web orders take, article by article, down to the parts of composites.

Where a location serves the orders of a channel, they are taken from its levels, part by part, and composites follow
exactly. Where any of several locations may serve them, an order takes from an aggregate. Of a plain article that is
what was ordered of it, alone or in composites. A composite is put together at one place, so it loses as many as an
order of its parts can cost wherever it is served from: one order no more than its parts make, rounded up; several of
them together no more than all of their parts make, and one more for each further place that may break a set. So an
export never lowers a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np
import pandas as pd

from retail_sync.records.inventory import PARTS
from retail_sync.sync.inventory.composites import Recipes
from retail_sync.sync.inventory.rules import Numbers, Rules


@dataclass(frozen=True)
class Takers:
    """Who can be ordered, and what that takes. `base`: till ids of everything that levels are looked at for, the
    articles first. `articles`: ARTICLE_COLUMNS (see `catalogue`); `sets`: composites among open orders that are not
    among them."""

    base: pd.Index
    articles: pd.DataFrame
    sets: pd.DataFrame
    recipes: Recipes

    def exploded(self, lines: pd.DataFrame, per_unit: Numbers, per_set: Numbers) -> pd.DataFrame:
        """Lines as what they take: `line` (its position), `sku`, `units`, `base` (position), `amount` (parts).
        `per_unit`, `per_set`: parts in one unit that is ordered of each article, and of each of `sets`."""
        plain = self._of_articles(lines, per_unit)
        of_sets = [
            *self._of_recipes(lines, self.articles, per_unit),
            *self._of_recipes(lines, self.sets, per_set),
        ]
        names = ["line", "base", "amount"]
        made = pd.DataFrame(of_sets, columns=names).astype("int64")
        found = pd.concat([plain, made[made["base"] >= 0]], ignore_index=True)
        shown = lines.reset_index(drop=True)
        for name in ("id", "number", "sku", "units"):
            if name in shown:
                found[name] = shown[name].to_numpy()[found["line"].to_numpy(dtype=np.int64)]
        return found

    def _of_articles(self, lines: pd.DataFrame, per_unit: Numbers) -> pd.DataFrame:
        # Articles that share a SKU are held whatever their figure: any of them will do.
        position = first_of(pd.Index(self.articles["sku"]), lines["sku"])
        whole = np.isin(position, np.flatnonzero(~self.by_recipe)) & (position >= 0)
        units = lines["units"].to_numpy(dtype=np.int64)[whole]
        return pd.DataFrame(
            {
                "line": np.flatnonzero(whole),
                "base": position[whole],
                "amount": units * per_unit[position[whole]],
            }
        )

    @cached_property
    def by_recipe(self) -> Numbers:
        """For each article whether it is what its parts are."""
        found: Numbers = self.articles["product_id"].isin(list(self.recipes)).to_numpy(dtype=bool)
        return found

    def _of_recipes(
        self, lines: pd.DataFrame, articles: pd.DataFrame, per_unit: Numbers
    ) -> Sequence[tuple[int, int, int]]:
        if articles.empty or not self.recipes:
            return []
        position = first_of(pd.Index(articles["sku"]), lines["sku"])
        products, units = articles["product_id"].tolist(), lines["units"].tolist()
        return [
            (line, int(base), int(units[line]) * int(per_unit[at]) // PARTS * needed)
            for line, at in enumerate(position)
            if at >= 0
            for part, needed in (self.recipes.get(products[at]) or {}).items()
            for base in (self.places[part],)
        ]

    def of_product(self, product: str, amount: int) -> list[tuple[int, int]]:
        """An amount of one product (parts), as positions in `base` and what it is of each."""
        if product in self.recipes:
            recipe = self.recipes[product] or {}
            found = [(self.places[part], amount * needed // PARTS) for part, needed in recipe.items()]
        else:
            found = [(int(self.base.get_indexer(pd.Index([product]))[0]), amount)]
        return [(at, each) for at, each in found if at >= 0]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Positions in `base` of everything that a composite takes; -1 = no level of it is looked at."""
        taken = sorted({part for recipe in self.recipes.values() for part in recipe or ()})
        return dict(zip(taken, self.base.get_indexer(pd.Index(taken, dtype=object)).tolist(), strict=True))


@dataclass(frozen=True)
class Taking:
    """An open order line that takes of an article. `sku`: what was ordered, the article or a composite it shares parts
    with; `units`: as many of it."""

    number: str
    channel: str
    sku: str
    units: int


@dataclass(frozen=True)
class Ordered:
    """Parts in open web orders by channel: `base` of everything that has a level, `articles` of each article, in its
    own units. `lines`: what each order takes (see `Takers.exploded`)."""

    base: Mapping[str, Numbers]
    articles: Mapping[str, Numbers]
    lines: Mapping[str, pd.DataFrame]

    def taking(self, takers: Takers, position: int) -> list[Taking]:
        """The open order lines that take of this article, or of its parts."""
        product = takers.articles["product_id"].iloc[position]
        recipe = takers.recipes.get(product)
        bases = [position] if recipe is None else [takers.places[part] for part in recipe]
        found: list[Taking] = []
        for channel, lines in self.lines.items():
            own = lines[lines["base"].isin(bases)].drop_duplicates("line").sort_values("line")
            found += [
                Taking("" if pd.isna(number) else str(number), channel, str(sku), int(units))
                for number, sku, units in zip(own["number"], own["sku"], own["units"], strict=True)
            ]
        return found


def ordered_by_channel(
    takers: Takers,
    orders: pd.DataFrame,
    rules: Mapping[str, tuple[Rules, Rules]],
    places: Mapping[str, int],
) -> Ordered:
    """`orders`: open lines: sku, channel, units. `rules`: of the articles and of the sets, by the channels that are
    shown; where a channel counts packs, so does an order. `places`: by how many locations orders of a channel may be
    served, for every channel that counts."""
    base: dict[str, Numbers] = {}
    articles: dict[str, Numbers] = {}
    lines: dict[str, pd.DataFrame] = {}
    for channel, most in places.items():
        own = orders[orders["channel"] == channel]
        per_unit, per_set = (
            (np.full(len(takers.articles), PARTS), np.full(len(takers.sets), PARTS))
            if channel not in rules
            else tuple(_per_unit(one) for one in rules[channel])
        )
        taken = takers.exploded(own, per_unit, per_set)
        amounts = np.zeros(len(takers.base), dtype=np.int64)
        np.add.at(amounts, taken["base"].to_numpy(dtype=np.int64), taken["amount"].to_numpy(dtype=np.int64))
        base[channel], lines[channel] = amounts, taken
        articles[channel] = amounts[: len(takers.articles)].copy()
        _put_lost_sets(takers, taken, articles[channel], most)
    return Ordered(base, articles, lines)


def _per_unit(rules: Rules) -> Numbers:
    found: Numbers = np.where(rules.counts_packs, rules.pack_size, 1) * PARTS
    return found


def _put_lost_sets(takers: Takers, taken: pd.DataFrame, amounts: Numbers, places: int) -> None:
    """How many of each composite these orders may cost, wherever each of them is served from."""
    if taken.empty or not takers.recipes:
        return
    of_part: dict[int, list[tuple[int, int]]] = {}
    for line, base, amount in taken[["line", "base", "amount"]].itertuples(index=False):
        of_part.setdefault(int(base), []).append((int(line), int(amount)))
    products = takers.articles["product_id"]
    for position in np.flatnonzero(takers.by_recipe):
        # Of one order, the part that it takes most of counts.
        cost: dict[int, Fraction] = {}
        for part, needed in (takers.recipes[products.iloc[position]] or {}).items():
            for line, amount in of_part.get(takers.places[part], ()):
                cost[line] = max(cost.get(line, Fraction(0)), Fraction(amount, needed))
        if cost:
            amounts[position] = _sets_lost(list(cost.values()), places) * PARTS


def _sets_lost(costs: Sequence[Fraction], places: int) -> int:
    each = sum(ceil(cost) for cost in costs)
    together = ceil(sum(costs, Fraction(0))) + min(places, len(costs)) - 1
    return min(each, together)


def first_of(skus: pd.Index, wanted: pd.Series) -> Numbers:
    """Position of the first article with each SKU; -1 = none has it."""
    places = np.flatnonzero(~skus.duplicated())
    found = skus[places].get_indexer(pd.Index(wanted))
    return np.where(found >= 0, places[found], -1) if len(places) else np.full(len(wanted), -1)
