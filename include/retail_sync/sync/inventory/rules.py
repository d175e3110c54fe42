"""Which rule each article follows in a channel: the channel's own, and the overrides that fit the article.

Overrides by category come first, then by tag, brand and SKU, so that the closest one counts; of one kind the later.
Rules are given as columns: a column for each setting, a row for each article.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from retail_sync.records.channels import channel_name
from retail_sync.records.identifiers import matching_key
from retail_sync.records.inventory import parts
from retail_sync.settings.models.inventory import Override, StockRule
from retail_sync.sync.engine.skus import sku_keys
from retail_sync.sync.inventory.layout import Shelf, merged_rule

KINDS = ("categories", "tags", "brands", "skus")
PERCENT = 10_000
"""Percentages are whole numbers of ten-thousandths of a percent."""
HUNDRED = 100 * PERCENT
UNLIMITED = np.iinfo(np.int64).max
Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Rules:
    """The rules of a channel for some articles. `codes`: for each article, which of `distinct` it follows."""

    distinct: Sequence[StockRule]
    codes: Numbers

    def column(self, values: Iterable[Any], dtype: Any = np.int64) -> Numbers:
        """A value for each distinct rule, as a column over articles."""
        found: Numbers = np.array(list(values), dtype=dtype)[self.codes]
        return found

    def is_any(self, setting: str) -> bool:
        """Whether any of the rules has this setting."""
        return any(getattr(rule, setting) is not None for rule in self.distinct)

    @cached_property
    def aggregate(self) -> Numbers:
        return self.column((rule.aggregate or "sum" for rule in self.distinct), object)

    def share(self, place: str) -> Numbers:
        """Ten-thousandths of a percent of the location's stock that may be offered."""
        return self.column(_percent(_at(rule.shares, place, Decimal(100))) for rule in self.distinct)

    def safety(self, place: str) -> Numbers:
        """Parts kept back at the location."""
        return self.column(
            parts(_at(rule.safety_stock_at, place, rule.safety_stock or Decimal(0))) for rule in self.distinct
        )

    def at_place(self, place: str, position: int) -> tuple[int, int]:
        """`share` and `safety` of one article."""
        rule = self.of(position)
        return (
            _percent(_at(rule.shares, place, Decimal(100))) if rule.aggregate == "share" else HUNDRED,
            parts(_at(rule.safety_stock_at, place, rule.safety_stock or Decimal(0))),
        )

    def of(self, position: int) -> StockRule:
        """The rule that one article follows."""
        return self.distinct[int(self.codes[position])]

    @cached_property
    def cap(self) -> Numbers:
        return self.column(UNLIMITED if rule.cap is None else parts(rule.cap) for rule in self.distinct)

    @cached_property
    def buffer_units(self) -> Numbers:
        return self.column(parts(rule.buffer_units or Decimal(0)) for rule in self.distinct)

    @cached_property
    def buffer_percent(self) -> Numbers:
        return self.column(_percent(rule.buffer_percent or Decimal(0)) for rule in self.distinct)

    @cached_property
    def rounding(self) -> Numbers:
        return self.column((rule.rounding or "down" for rule in self.distinct), object)

    @cached_property
    def pack_size(self) -> Numbers:
        return self.column(rule.pack_size or 1 for rule in self.distinct)

    @cached_property
    def counts_packs(self) -> Numbers:
        return self.column((rule.pack_shows == "packs" for rule in self.distinct), bool)

    @cached_property
    def floor(self) -> Numbers:
        return self.column(rule.floor or 0 for rule in self.distinct)

    @cached_property
    def show_at_most(self) -> Numbers:
        return self.column(
            UNLIMITED if rule.show_at_most is None else rule.show_at_most for rule in self.distinct
        )


def rules_of(shelf: Shelf, overrides: Sequence[Override], articles: pd.DataFrame) -> Rules:
    """The rule of each article on this shelf."""
    codes = np.zeros(len(articles), dtype=np.int64)
    distinct: list[StockRule] = [shelf.rule]
    fitting = [one for one in overrides if not one.channels or _names(one, shelf)]
    finder = _Finder(articles)
    for kind in KINDS:
        for override in fitting:
            if override.by == kind:
                _apply(override, finder.positions(kind, getattr(override, kind)), codes, distinct)
    return Rules(distinct, codes)


def _names(override: Override, shelf: Shelf) -> bool:
    return shelf.channel in override.channels or channel_name(shelf.channel) in override.channels


def _apply(override: Override, positions: Numbers, codes: Numbers, distinct: list[StockRule]) -> None:
    """Give these articles the override on top of what they follow so far."""
    for code in np.unique(codes[positions]):
        touched = positions[codes[positions] == code]
        distinct.append(merged_rule((distinct[code], override)))
        codes[touched] = len(distinct) - 1


class _Finder:
    """Positions of articles by category, tag, brand and SKU. Capitals do not count, except in SKUs."""

    def __init__(self, articles: pd.DataFrame) -> None:
        self._articles = articles.reset_index(drop=True)

    def positions(self, kind: str, names: Sequence[str]) -> Numbers:
        if kind == "skus":
            places = self._skus.get_indexer_for(pd.Index(list(map(matching_key, names))))
            return np.unique(places[places >= 0])
        index = getattr(self, f"_{kind}")
        found = [index[name] for name in {name.casefold() for name in names} if name in index]
        return np.unique(np.concatenate(found)) if found else np.array([], dtype=np.int64)

    @cached_property
    def _categories(self) -> dict[str, Numbers]:
        return _positions(self._articles["category"].str.casefold())

    @cached_property
    def _brands(self) -> dict[str, Numbers]:
        return _positions(self._articles["brand"].str.casefold())

    @cached_property
    def _skus(self) -> pd.Index:
        index: pd.Index = pd.Index(sku_keys(self._articles["sku"]))
        return index

    @cached_property
    def _tags(self) -> dict[str, Numbers]:
        return _positions(exploded_tags(self._articles["tags"]))


def exploded_tags(tags: pd.Series) -> pd.Series:
    """Tags in small letters, one a row, under the position of their article."""
    known = tags.reset_index(drop=True).dropna()
    # Many articles have the same list.
    read = {cell: [str(tag).casefold() for tag in json.loads(cell)] for cell in known.unique()}
    lists = pd.Series([read[cell] for cell in known.tolist()], index=known.index, dtype="object")
    return lists.explode().dropna().astype("string")


def _positions(column: pd.Series) -> dict[str, Numbers]:
    known = column.dropna()
    groups = known.groupby(known).groups
    return {str(name): np.asarray(places, dtype=np.int64) for name, places in groups.items()}


def _at(values: dict[str, Decimal] | None, place: str, otherwise: Decimal) -> Decimal:
    return otherwise if values is None else values.get(place, otherwise)


def _percent(value: Decimal) -> int:
    return int((value * PERCENT).to_integral_value())
