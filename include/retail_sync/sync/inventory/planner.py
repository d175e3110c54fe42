"""From figures and entries to a plan: which entries to set, which levels to adjust, what to hold back. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.channels import channel_name
from retail_sync.records.inventory import PARTS
from retail_sync.records.ports.inventory import Reserved
from retail_sync.records.refs import EntryKey
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import InventorySettings
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.removals import Part, guard, waiting_records
from retail_sync.sync.inventory.availability import Figures, Worked
from retail_sync.sync.inventory.layout import Place
from retail_sync.sync.inventory.rules import Numbers

KIND = "stock"

ENTRY_WRITES = (
    "position", "channel", "product_id", "sku", "action", "entry_id", "version", "before_on_stock", "before_available",
    "on_stock", "available", "figure",
)  # fmt: skip
LEVEL_WRITES = ("position", "place", "product_id", "outlet_id", "sku", "version", "before", "after")


@dataclass(frozen=True)
class StockPlan:
    """`entry_writes`: one row an entry (ENTRY_WRITES, units). `level_writes`: one row a level (LEVEL_WRITES, parts).
    `status`: for each article `planned`, `held`, `unchanged` or `ignored`, and `why`."""

    figures: Figures
    entry_writes: pd.DataFrame
    level_writes: pd.DataFrame
    holds: list[Finding]
    status: pd.DataFrame

    @property
    def size(self) -> int:
        return len(self.entry_writes) + len(self.level_writes)


def plan_stock(
    figures: Figures,
    entries: pd.DataFrame,
    settings: SyncSettings,
    *,
    offered: int | None = None,
    approved: Collection[str] = (),
) -> StockPlan:
    """The plan for all articles of `figures`. `entries`: ENTRY_COLUMNS of their SKUs, in all channels. `offered`: how
    many entries of the whole shop offer something; None = a part of a plan that was looked at before. Where most of
    those would be set to 0 (`inventory.most_lost_percent`), none of them is until a person approves it (`approved`).
    """
    articles = figures.given.articles
    why = _why_ignored(figures, settings)
    twins = articles["twin"].to_numpy(dtype=bool) & (why == "")
    takes_part = (why == "") & ~twins
    holds = [_twin(articles, int(position)) for position in np.flatnonzero(twins)]
    tables = compared(figures, entries, settings)
    for worked, table in zip(figures.shelves, tables, strict=True):
        holds.extend(_unknown(articles, worked, table))
    writes = [table[table["action"] != ""] for table in tables]
    entry_writes = (
        pd.concat(writes, ignore_index=True) if writes else pd.DataFrame(columns=list(ENTRY_WRITES))
    )
    level_writes = _level_writes(figures, entries, takes_part, settings)
    stopped = None if offered is None else selling_out(tables, offered, settings, approved)
    if stopped is not None:
        holds.append(stopped)
        entry_writes = entry_writes[~_is_lost(entry_writes)]
    status = _status(figures, tables, entry_writes, level_writes, holds, why)
    return StockPlan(figures, entry_writes[list(ENTRY_WRITES)], level_writes, holds, status)


def compared(figures: Figures, entries: pd.DataFrame, settings: SyncSettings) -> list[pd.DataFrame]:
    """What each channel's entries say, what they should say, and what a run would do; a row for each article that takes
    part, a table for each of `figures.shelves`. `available` counts where there is an `action`."""
    twins = figures.given.articles["twin"].to_numpy(dtype=bool)
    takes_part = (_why_ignored(figures, settings) == "") & ~twins
    return [_compared(figures, worked, entries, takes_part, settings) for worked in figures.shelves]


def _why_ignored(figures: Figures, settings: SyncSettings) -> Numbers:
    """For each article why it takes no part; empty where it does."""
    articles = figures.given.articles
    composite = articles["parts"].notna().to_numpy()
    untracked = (articles["tracked"] == False).fillna(False).to_numpy(dtype=bool) & ~composite  # noqa: E712
    # A composite of which nothing is counted.
    uncounted = [product for product, recipe in figures.given.recipes.items() if recipe == {}]
    untracked |= articles["product_id"].isin(uncounted).to_numpy(dtype=bool)
    why = np.full(len(articles), "", dtype=object)
    if settings.inventory.deleted == "leave":
        why[figures.gone] = "deleted at the till"
    if settings.inventory.composites == "skip":
        why[composite] = "a composite"
    why[untracked] = "its stock is not counted"
    why[articles["sku"].isna().to_numpy()] = "not linked to anything online"
    return why


def _compared(
    figures: Figures, worked: Worked, entries: pd.DataFrame, takes_part: Numbers, settings: SyncSettings
) -> pd.DataFrame:
    """Every article that this channel shows or should show: what its entry says, what it should say, what to do."""
    articles, inventory = figures.given.articles, settings.inventory
    position = np.flatnonzero(takes_part)
    sku = articles["sku"].iloc[position]
    held = _entries_of(entries, worked.shelf.channel, sku)
    table = pd.DataFrame(
        {
            "position": position,
            "channel": pd.Series([worked.shelf.channel] * len(position), dtype="string"),
            "product_id": articles["product_id"].iloc[position].array,
            "sku": sku.array,
            "entry_id": held["id"].array,
            "version": held["version"].array,
            "before_on_stock": held["on_stock"].array,
            "before_available": held["available"].array,
        }
    )
    there = table["entry_id"].notna().to_numpy()
    gone, offered = figures.gone[position], worked.offered[position]
    net = np.where(gone | ~offered, 0, worked.net[position])
    figure = np.maximum(net, 0)
    known = worked.known[position] | gone | ~offered
    reserved = (table["before_on_stock"] - table["before_available"]).fillna(0).to_numpy(dtype=np.int64)
    table["figure"] = figure
    table["available"] = _to_show(net, reserved, figures.given.layout.reserved, inventory)
    table["on_stock"] = table["available"] + reserved
    table["known"] = known
    differs = there & (
        table["before_on_stock"].fillna(0).to_numpy(dtype=np.int64) != table["on_stock"].to_numpy()
    )
    leaves = ~offered & (worked.shelf.outside_offer == "leave")
    creates = ~there & offered & ~gone & (inventory.create_entries != "never")
    if inventory.create_entries == "in stock":
        creates &= figure > 0
    action = np.full(len(table), "", dtype=object)
    action[creates] = "create"
    action[differs] = "update"
    action[~known | leaves] = ""
    table["action"] = action
    table["unknown"] = ~known & there
    return table


def _to_show(net: Numbers, reserved: Numbers, by: Reserved, inventory: InventorySettings) -> Numbers:
    """What is to be available. Web orders that reserved are in the figure already, unless the till has them; goods in
    carts are in nothing else."""
    available = net if by == "orders" else net - reserved
    return np.maximum(available, 0) if inventory.negative_quantity == "zero" else available


def _entries_of(entries: pd.DataFrame, channel: str, skus: pd.Series) -> pd.DataFrame:
    """The channel's entry of each of these SKUs, NA where it has none."""
    own = entries[entries["channel"] == channel].drop_duplicates("sku", keep="last").set_index("sku")
    return own.reindex(pd.Index(skus))


def _level_writes(
    figures: Figures, entries: pd.DataFrame, takes_part: Numbers, settings: SyncSettings
) -> pd.DataFrame:
    """Levels of locations the till does not count, where they differ from what is counted elsewhere."""
    given = figures.given
    parts = [_foreign(figures, place, entries, takes_part, settings) for place in given.layout.foreign]
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(LEVEL_WRITES))


def _foreign(
    figures: Figures, place: Place, entries: pd.DataFrame, takes_part: Numbers, settings: SyncSettings
) -> pd.DataFrame:
    given = figures.given
    # A composite has no level that could be adjusted: its parts have.
    own = takes_part & ~given.takers.by_recipe
    position = np.flatnonzero(own & figures.level[place.name].known & ~figures.gone)
    sku = given.articles["sku"].iloc[position]
    held = _entries_of(entries, place.channel, sku)
    if settings.inventory.adjusting.figure == "available":
        wanted = held["available"] * PARTS + figures.ordered.base[place.channel][position]
    else:
        wanted = held["on_stock"] * PARTS
    levels = given.levels[given.levels["outlet_id"] == place.outlet_id].drop_duplicates(
        "product_id", keep="last"
    )
    versions = levels.set_index("product_id")["version"]
    product = given.articles["product_id"].iloc[position]
    table = pd.DataFrame(
        {
            "position": position,
            "place": pd.Series([place.name] * len(position), dtype="string"),
            "product_id": product.array,
            "outlet_id": pd.Series([place.outlet_id] * len(position), dtype="string"),
            "sku": sku.array,
            "version": versions.reindex(pd.Index(product)).array,
            "before": figures.level[place.name].values[position],
            "after": wanted.array,
        }
    )
    found: pd.DataFrame = table[(table["after"] != table["before"]).fillna(False).astype(bool)]
    return found


def selling_out(
    tables: Sequence[pd.DataFrame], offered: int, settings: SyncSettings, approved: Collection[str]
) -> Finding | None:
    """The hold where most of a shop would sell out between two runs: far more likely a read went wrong, or a setting.
    `offered`: see `plan_stock`."""
    lost = [table[_is_lost(table)] for table in tables]
    part = Part(
        system="lightspeed",
        name="the figures that offer something",
        ids=[
            str(EntryKey(sku, channel))
            for table in lost
            for sku, channel in zip(table["sku"], table["channel"], strict=True)
        ],
        labels=[str(sku) for table in lost for sku in table["sku"]],
        of=offered,
        recall=sorted({str(product) for table in lost for product in table["product_id"]}),
    )
    return guard(part, settings.inventory.most_lost_percent, approved, "inventory.most_lost_percent")


def _is_lost(table: pd.DataFrame) -> Numbers:
    """Whether an entry that offers something would offer nothing."""
    lost: Numbers = (
        ((table["before_available"] > 0) & (table["figure"] <= 0)).fillna(False) & (table["action"] != "")
    ).to_numpy(dtype=bool)
    return lost


# ---------------------------------------------------------------- holds


def _twin(articles: pd.DataFrame, position: int) -> Finding:
    row = articles.iloc[position]
    others = articles.loc[(articles["sku"] == row["sku"]) & (articles["product_id"] != row["product_id"])]
    return Finding(
        kind=KIND,
        system="lightspeed",
        id=str(row["product_id"]),
        label=str(row["sku"]),
        code="sku_shared",
        severity="hold",
        message=f"{1 + len(others)} articles of the till are {row['sku']} online; whose stock counts is not known.",
        evidence={"articles": [str(row["product_id"]), *others["product_id"].astype(str)]},
    )


def _unknown(articles: pd.DataFrame, worked: Worked, table: pd.DataFrame) -> Iterator[Finding]:
    for found in rows(table.loc[table["unknown"], ["position", "entry_id", "before_available"]]):
        row, entry, available = articles.iloc[found["position"]], found["entry_id"], found["before_available"]
        yield Finding(
            kind=KIND,
            system="lightspeed",
            id=str(row["product_id"]),
            label=str(row["sku"]),
            code="level_unknown",
            severity="hold",
            field=worked.shelf.name,
            message=f"No level is known that {worked.shelf.name} could show; its entry goes on offering {available}.",
            evidence={"entry": str(entry), "locations": list(worked.shelf.places)},
        )


# ---------------------------------------------------------------- what came of each article


def _status(
    figures: Figures,
    tables: list[pd.DataFrame],
    entry_writes: pd.DataFrame,
    level_writes: pd.DataFrame,
    holds: list[Finding],
    why: Numbers,
) -> pd.DataFrame:
    articles = figures.given.articles
    status = np.where(why == "", "unchanged", "ignored").astype(object)
    held = {finding.id for finding in holds} | waiting_records(holds)
    status[articles["product_id"].isin(held).to_numpy()] = "held"
    for writes in (entry_writes, level_writes):
        status[writes["position"].to_numpy(dtype=np.int64)] = "planned"
    return pd.DataFrame({"product_id": articles["product_id"].array, "status": status, "why": why})


def place_name(change: ChangeRow, outlets: Mapping[str, str]) -> str:
    """The channel or location a change of stock is written to, as a person calls it. `outlets`: names by id."""
    place = EntryKey.parse(change.unit).channel
    return outlets.get(place, place) if change.action == "adjust" else channel_name(place)
