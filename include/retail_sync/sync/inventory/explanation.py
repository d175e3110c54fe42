"""Why a channel shows the figure it shows: every level, every rule's effect, open orders, the entry. For people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.skus import LastWrite, last_writes
from retail_sync.records.channels import channel_name
from retail_sync.records.inventory import PARTS, shown
from retail_sync.records.refs import EntryKey, WriteUnit
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.availability import Figures, Given, Worked, work_out
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.rules import HUNDRED, Numbers
from retail_sync.sync.inventory.taking import Taking

MOST_ORDERS = 20
"""Open orders named in an explanation; the rest is counted."""


@dataclass(frozen=True)
class Step:
    """One step of the rules and what was left after it."""

    step: str
    effect: str
    left: str


@dataclass(frozen=True)
class AtPlace:
    """What one location contributes. Quantities in units, as text; `level` "?" = unknown. `steps`: what the channel's
    rules take from it before locations are aggregated, where they take anything."""

    location: str
    level: str
    version: int | None
    seen_at: str | None
    held: str
    incoming: str
    ordered: str
    open: bool
    contributes: str
    steps: Sequence[Step] = ()

    def as_dict(self) -> dict[str, Any]:
        """As audit rows hold it: most locations have no steps of their own."""
        told = dict(vars(self))
        steps = [dict(vars(step)) for step in told.pop("steps")]
        return {**told, "steps": steps} if steps else told


@dataclass(frozen=True)
class Explanation:
    """Today's figure of one SKU in one channel, how it came about, and what the entry says. Units as text where they
    may be fractional. `orders`: [number, channel, units] of open web orders that take of it, and of which composite;
    `written`: the last write, if any."""

    sku: str
    channel: str
    product_id: str
    figure: int | None
    places: Sequence[AtPlace]
    steps: Sequence[Step]
    orders: Sequence[tuple[str, str, int]] = ()
    entry: Mapping[str, Any] | None = None
    written: Mapping[str, Any] | None = None
    remark: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "places": [place.as_dict() for place in self.places],
            "steps": [dict(vars(step)) for step in self.steps],
        }

    def lines(self) -> list[str]:
        """The explanation as a person reads it."""
        shows = "no figure" if self.figure is None else f"{self.figure}"
        out = [f"{self.sku} in {self.channel}: {shows}" + (f" ({self.remark})" if self.remark else "")]
        for place in self.places:
            seen = f", version {place.version}, seen {place.seen_at}" if place.version is not None else ""
            extra = [
                f"{name} {value}"
                for name, value in (
                    ("held by open sales", place.held),
                    ("on the way", place.incoming),
                    ("web orders", place.ordered),
                )
                if value != "0"
            ]
            closed = "" if place.open else ", closed today"
            out.append(
                f"  {place.location}: level {place.level}{seen}"
                + (f"; {', '.join(extra)}" if extra else "")
                + f"{closed}; contributes {place.contributes}"
            )
            out += [_told(step, 4) for step in place.steps]
        out += [_told(step, 2) for step in self.steps]
        for number, channel, quantity in self.orders[:MOST_ORDERS]:
            out.append(f"  open order {number} ({channel}): {quantity}")
        if len(self.orders) > MOST_ORDERS:
            out.append(f"  and {len(self.orders) - MOST_ORDERS} more open orders")
        if self.entry is not None:
            out.append(
                f"  entry {self.entry['id']}, version {self.entry['version']}: {self.entry['available']} available, "
                f"{self.entry['on_stock']} on stock, {self.entry['reserved']} reserved"
            )
        else:
            out.append("  there is no entry")
        if self.written is not None:
            out.append(
                f"  last written {self.written['at']}: {self.written['on_stock']} on stock for a figure of "
                f"{self.written['figure']} (run {self.written['run']})"
            )
        return out


def _told(step: Step, indent: int) -> str:
    return f"{' ' * indent}{step.step}{f': {step.effect}' if step.effect else ''} -> {step.left}"


class Explainer:
    """Explains figures that are worked out; made once, asked often."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        articles, levels = figures.given.articles, figures.given.levels
        self._skus, self._products = articles["sku"].tolist(), articles["product_id"].tolist()
        self._versions = levels["version"].fillna(-1).to_numpy(dtype=np.int64)
        times = levels["seen_at"] if "seen_at" in levels else pd.Series(pd.NaT, index=levels.index)
        self._seen = pd.to_datetime(times, utc=True).dt.tz_convert(None).to_numpy(dtype="datetime64[s]")
        position = pd.Index(articles["product_id"]).get_indexer(levels["product_id"])
        self._rows: dict[str, Numbers] = {}
        for name, place in figures.given.layout.places.items():
            here = (levels["outlet_id"] == place.outlet_id).to_numpy(dtype=bool) & (position >= 0)
            self._rows[name] = np.full(len(articles), -1, dtype=np.int64)
            self._rows[name][position[here]] = np.flatnonzero(here)

    def of(self, worked: Worked, position: int) -> Explanation:
        """The figure of one article in one channel."""
        figures = self._figures
        gone, offered = bool(figures.gone[position]), bool(worked.offered[position])
        known = bool(worked.known[position])
        figure = 0 if gone or not offered else int(worked.figure[position]) if known else None
        remark = (
            "deleted at the till" if gone else "not in this channel's offer" if not offered else ""
        ) or ("" if known else "no level is known")
        return Explanation(
            sku=str(self._skus[position]),
            channel=worked.shelf.name,
            product_id=str(self._products[position]),
            figure=figure,
            places=[self._place(worked, name, position) for name in worked.shelf.places],
            steps=[*_steps(worked, position), *_set_aside(worked, position, remark)] if known else [],
            remark=remark,
        )

    def _place(self, worked: Worked, name: str, position: int) -> AtPlace:
        figures = self._figures
        column = figures.level[name]
        version, seen = self._last_seen(name, position)
        return AtPlace(
            location=name,
            level=shown(int(column.values[position]) if column.known[position] else None),
            version=version,
            seen_at=seen,
            held=shown(int(figures.held[name][position])),
            incoming=shown(int(figures.incoming[name][position])),
            ordered=shown(int(figures.taken[name][position])),
            open=figures.given.layout.places[name].open,
            contributes=shown(int(worked.at_place[name][position])),
            steps=tuple(self._steps_at(worked, name, position)) if column.known[position] else (),
        )

    def _steps_at(self, worked: Worked, name: str, position: int) -> Iterator[Step]:
        """What this location's share and safety stock take, and what a closed day does."""
        figures, rules = self._figures, worked.rules
        left = int(
            figures.level[name].values[position]
            - figures.held[name][position]
            + figures.incoming[name][position]
            - figures.taken[name][position]
        )
        if not figures.given.layout.places[name].open:
            yield Step("closed today", "", "0")
            return
        share, safety = rules.at_place(name, position)
        if (shared := left * share // HUNDRED) != left:
            yield Step("share", f"{decimal_text(Decimal(share * 100) / HUNDRED)} %", shown(shared))
            left = shared
        if (kept := max(left - safety, min(left, 0))) != left:
            yield Step("safety stock", f"-{shown(left - kept)}", shown(kept))
            left = kept
        if left < 0 and figures.given.inventory.negative_levels == "as zero":
            yield Step("below zero counts as nothing", "", "0")

    def _last_seen(self, name: str, position: int) -> tuple[int | None, str | None]:
        """Version and time of the article's level at a location."""
        row = int(self._rows[name][position])
        if row < 0:
            return None, None
        version, at = int(self._versions[row]), self._seen[row]
        return (None if version < 0 else version), (None if np.isnat(at) else f"{at}+00:00")


def _steps(worked: Worked, position: int) -> Iterator[Step]:
    """Only steps that had an effect, and the aggregate."""
    rules = worked.rules

    def at(column: np.ndarray[Any, Any]) -> int:
        return int(column[position])

    stock = at(worked.stock)
    yield Step(f"{rules.aggregate[position]} of locations", "", shown(stock))
    left = stock - at(worked.ordered)
    if at(worked.ordered):
        yield Step("open web orders", f"-{shown(at(worked.ordered))}", shown(left))
    if at(worked.capped) != left:
        yield Step("cap", f"at most {shown(at(rules.cap))}", shown(at(worked.capped)))
    if at(worked.buffered) != at(worked.capped):
        kept = at(worked.capped) - at(worked.buffered)
        yield Step("buffer", f"-{shown(kept)}", shown(at(worked.buffered)))
    if at(worked.rounded) * PARTS != at(worked.buffered):
        yield Step("rounding", str(rules.rounding[position]), str(at(worked.rounded)))
    if at(worked.packed) != at(worked.rounded):
        packs = "packs" if rules.counts_packs[position] else "whole packs"
        yield Step("packs", f"{packs} of {at(rules.pack_size)}", str(at(worked.packed)))
    last = at(worked.packed)
    if 0 < last < at(rules.floor):
        yield Step("floor", f"less than {at(rules.floor)}", "0")
        last = 0
    if last > at(rules.show_at_most):
        yield Step("show at most", str(at(rules.show_at_most)), str(at(rules.show_at_most)))
        last = at(rules.show_at_most)
    if last < 0:
        yield Step("short", f"{-last} more are ordered or kept back than there are", "0")


def _set_aside(worked: Worked, position: int, remark: str) -> Iterator[Step]:
    """An article that is deleted, or not offered here, shows nothing, whatever is there."""
    if remark and int(worked.figure[position]) > 0:
        yield Step(remark, "", "0")


def explain(
    ledger: Ledger,
    settings: SyncSettings,
    layout: Layout,
    skus: Sequence[str],
    channel: str | None = None,
    *,
    given: Given | None = None,
    now: datetime | None = None,
) -> list[Explanation]:
    """Today's figures of these SKUs, from what the ledger saw last; in every channel, or in one.

    Nothing is read from the systems. A SKU that no article has is left out.
    """
    moment = now or datetime.now(UTC)
    loaded = given or load_given(ledger, settings, layout, moment, skus=skus)
    return explained(ledger, work_out(loaded), skus, channel)


def explained(
    ledger: Ledger, figures: Figures, skus: Collection[str], channel: str | None = None
) -> list[Explanation]:
    """As `explain`, of figures that are worked out already."""
    explainer = Explainer(figures)
    articles = figures.given.articles
    entries = ledger.stock.entries(list(skus))
    applied = {one.unit: one for one in last_writes(ledger.engine, skus) if one.outcome == "applied"}
    wanted = np.flatnonzero(articles["sku"].isin(list(skus)).fillna(False).to_numpy(dtype=bool))
    out: list[Explanation] = []
    for worked in figures.shelves:
        if channel is not None and channel not in (worked.shelf.channel, worked.shelf.name):
            continue
        for position in wanted:
            one = explainer.of(worked, int(position))
            written = applied.get(entry_unit(one.sku, worked.shelf.channel))
            orders = figures.ordered.taking(figures.given.takers, int(position))
            out.append(_completed(one, worked, entries, orders, written))
    return out


def entry_unit(sku: str, channel: str) -> str:
    """The unit of changes that write this entry."""
    return str(WriteUnit("commercetools", str(EntryKey(sku, channel))))


def _completed(
    one: Explanation,
    worked: Worked,
    entries: pd.DataFrame,
    ordered: Sequence[Taking],
    write: LastWrite | None,
) -> Explanation:
    """With its entry, the open orders that take of it, and the last write that was applied."""
    own = entries[(entries["sku"] == one.sku) & (entries["channel"] == worked.shelf.channel)]
    entry = None
    if len(own):
        row = own.iloc[-1]
        entry = {
            "id": str(row["id"]),
            "version": None if pd.isna(row["version"]) else int(row["version"]),
            "on_stock": int(row["on_stock"]),
            "available": int(row["available"]),
            "reserved": int(row["on_stock"]) - int(row["available"]),
        }
    orders = [
        (
            taking.number if taking.sku == one.sku else f"{taking.number} of {taking.sku}",
            channel_name(taking.channel),
            taking.units,
        )
        for taking in ordered
    ]
    written = (
        None
        if write is None
        else {
            "at": write.settled_at.isoformat(timespec="seconds") if write.settled_at else "",
            "on_stock": write.after.get("on_stock"),
            "figure": write.after.get("available"),
            "run": write.run_id,
        }
    )
    return replace(one, orders=orders, entry=entry, written=written)
