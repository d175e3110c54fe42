"""From staged tables to a stored plan: take in, find the articles concerned, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.channels import channel_name
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.plan import PlanSummary, bury_unsettled, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, waiting_records
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.unreadable import Unread
from retail_sync.sync.inventory.availability import work_out
from retail_sync.sync.inventory.change_rows import store_plan
from retail_sync.sync.inventory.feeds import ENTITY, ENTRIES, LEVELS, ORDERS, Read
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.ordered import lines_today
from retail_sync.sync.inventory.planner import KIND, StockPlan, plan_stock
from retail_sync.sync.inventory.rules import Numbers
from retail_sync.sync.inventory.scope import Concerned

SHOWN = 20
"""Figures told in a log."""


@dataclass(frozen=True)
class StockSummary(PlanSummary):
    """The plan in numbers. `why_all`: why every article was looked at, empty where not. `shows`: the first figures that
    change, for a person: SKU, channel, what it shows, what it would show."""

    why_all: str = ""
    shows: list[list[str]] = field(default_factory=list)


def prepare_plan(
    ledger: Ledger,
    staging: Staging,
    settings: SyncSettings,
    layout: Layout,
    *,
    now: datetime,
    dry_run: bool,
    keys: Sequence[str] = (),
    full: bool = False,
) -> StockSummary:
    """Take in what was read, plan every article it concerns, and store the plan.

    `keys`: only these SKUs. `full`: everything was read. What is proven to be gone is in staging (see
    `retail_sync.sync.engine.absence`). In a dry run changes are stored as `not_applied`.
    """
    run_id = staging.run_id
    began = ledger.now()
    read = Read.of(staging)
    older = ledger.stock.see_entries(run_id, read.entries)
    older += ledger.stock.see_orders(run_id, read.orders)
    older += ledger.stock.see_levels(run_id, read.levels)
    concerned = Concerned(ledger, settings, read, now)
    concerned.take(ledger.stock.see_buckets(run_id, read.buckets))
    state = state_of(layout, read.offers)
    unread = Unread.of(staging, (ENTRIES, ORDERS, LEVELS))
    concerned.take(ledger.stock.mark_levels_gone(Gone.of(staging, LEVELS).ids))
    concerned.take_skus(ledger.stock.mark_entries_gone(Gone.of(staging, ENTRIES).ids))
    concerned.take_lines(ledger.stock.close_orders(Gone.of(staging, ORDERS).ids))
    if not keys:
        concerned.take(waiting_records(ledger.holds.open_holds(ENTITY)))
        concerned.take_rest(began, everything=full, state=state)
    products = concerned.products
    everything = products is None
    taken_in = ledger.now()
    given = load_given(ledger, settings, layout, now, products=products, offers=read.offers)
    figures = work_out(given)
    skus = None if everything else set(given.articles["sku"].dropna())
    offered = ledger.stock.count_offered(shelf.channel for shelf in layout.shelves)
    plan = plan_stock(
        figures,
        ledger.stock.entries(skus),
        settings,
        offered=offered,
        approved=decided_of(ledger, ENTITY).removals,
    )
    bury_unsettled(ledger, run_id, ENTITY)
    stored, batches = store_plan(ledger, run_id, plan, settings, dry_run=dry_run)
    dispositions, recalled = _dispositions(plan, read, lines_today(ledger, read.orders), layout)
    outlets = {place.name: place.outlet_id for place in layout.places.values()}
    found = {"state": state, "outlets": outlets, "reserved": layout.reserved}
    ledger.runs.set_windows(run_id, {**ledger.runs.get(run_id).windows, **found})
    summary = StockSummary(
        read={
            "commercetools entries": len(read.entries),
            "commercetools orders": len(read.orders),
            "lightspeed levels": len(read.levels),
        },
        dispositions=counted(dispositions),
        changes=_changes(plan),
        holds=counted(finding.code for finding in plan.holds),
        warnings={**_elsewhere(given.orders, layout), **unread.counts},
        matched=0,
        batches=batches,
        stored=stored,
        older=older,
        recalled=recalled,
        why_all=concerned.why_all,
        first_holds=[
            {"label": one.label, "code": one.code, "message": one.message} for one in plan.holds[:10]
        ],
        shows=_shows(plan),
    )
    staging.write_document(
        "plan",
        {
            # What is told in a log only: it names articles.
            "summary": {**summary.as_dict(), "shows": []},
            "holds": [
                asdict(one)
                for one in [*map(hold_draft, plan.holds), *unread.drafts(_KIND_OF_ROWS.__getitem__)]
            ],
            "warnings": [],
            "considered": [
                *([KIND, f"lightspeed:{product}"] for product in given.articles["product_id"]),
                *([] if keys else [[REMOVAL, f"lightspeed:{ALL}"]]),
                *unread.settled(ledger, ENTITY, _ids_in(read), full=full and not keys),
            ],
            "began": began.isoformat(),
            # What changes from here on is not in the plan.
            "taken_in": taken_in.isoformat(),
            "state": state,
        },
    )
    return summary


_KIND_OF_ROWS = {ENTRIES: "entry", ORDERS: "order", LEVELS: "level"}


def _ids_in(read: Read) -> set[str]:
    levels = read.levels["product_id"] + ":" + read.levels["outlet_id"]
    return {*read.entries["id"], *read.orders["id"], *levels}


def state_of(layout: Layout, offers: pd.DataFrame) -> str:
    """What runs compare to see whether the same levels might give other figures. `offers`: OFFER_COLUMNS."""
    return digest({"layout": layout.state, "offers": digest({"rows": offers.to_dict("list")})})


def _dispositions(plan: StockPlan, read: Read, lines: pd.DataFrame, layout: Layout) -> tuple[Numbers, int]:
    """What became of each record read, and of each article looked at though nothing of it was read; how many those
    are. `lines`: of the orders read."""
    status = plan.status.set_index("product_id")["status"]
    articles = plan.figures.given.articles
    sku_status = pd.Series(plan.status["status"].array, index=pd.Index(articles["sku"]))
    sku_status = sku_status[sku_status.index.notna()]
    sku_status = sku_status[~sku_status.index.duplicated()]
    managed = {worked.shelf.channel for worked in plan.figures.shelves} | {p.channel for p in layout.foreign}
    used = set(layout.places_by_outlet)
    of_level = read.levels["product_id"].map(status).where(read.levels["outlet_id"].isin(used))
    of_entry = read.entries["sku"].map(sku_status).where(read.entries["channel"].isin(managed))
    rank = lines["sku"].map(sku_status).map({"ignored": 0, "unchanged": 1, "held": 2, "planned": 3})
    best = rank.groupby(lines["id"]).max().reindex(read.orders["id"])
    of_order = best.map({0: "ignored", 1: "unchanged", 2: "held", 3: "planned"})
    met = set(read.levels["product_id"].unique())
    met_skus = set(read.entries["sku"].unique()) | set(lines["sku"])
    unread = ~articles["product_id"].isin(met) & ~articles["sku"].isin(met_skus).fillna(False)
    recalled = plan.status.loc[unread.to_numpy(dtype=bool), "status"]
    parts = [of_level, of_entry, of_order, recalled]
    found = np.concatenate([part.astype("object").fillna("ignored").to_numpy() for part in parts])
    return found, len(recalled)


def _changes(plan: StockPlan) -> dict[str, int]:
    found = counted(f"commercetools {action}" for action in plan.entry_writes["action"])
    if len(plan.level_writes):
        found["lightspeed adjust"] = len(plan.level_writes)
    return found


def _elsewhere(lines: pd.DataFrame, layout: Layout) -> dict[str, int]:
    """Open orders that hold goods in a channel nobody feeds: they count against nothing."""
    known = {shelf.channel for shelf in layout.shelves} | {place.channel for place in layout.foreign}
    lost = lines[~lines["channel"].isin(known)]
    return {"order_elsewhere": int(lost["id"].nunique())} if len(lost) else {}


def _shows(plan: StockPlan) -> list[list[str]]:
    return [
        [
            write["sku"],
            channel_name(write["channel"]),
            "no entry" if write["entry_id"] is None else str(write["before_available"]),
            str(write["figure"]),
        ]
        for write in rows(plan.entry_writes.head(SHOWN))
    ]
