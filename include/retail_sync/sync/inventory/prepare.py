"""From staged tables to a stored plan: take in, find the articles concerned, plan, write the plan down."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retail_sync.records.channels import channel_name
from retail_sync.records.types import digest
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.plan import SHOWN, EntityPlan, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, waiting_records
from retail_sync.sync.engine.unreadable import Unread
from retail_sync.sync.inventory.availability import work_out
from retail_sync.sync.inventory.change_rows import change_rows
from retail_sync.sync.inventory.feeds import ENTITY, ENTRIES, LEVELS, ORDERS, Read
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.ordered import lines_today
from retail_sync.sync.inventory.planner import KIND, StockPlan, plan_stock
from retail_sync.sync.inventory.rules import Numbers
from retail_sync.sync.inventory.scope import Concerned


def prepare(run: RunContext, layout: Layout) -> EntityPlan:
    """Take in what was read, and plan every article it concerns. A run of keys looks only at these SKUs. What is proven
    to be gone is in staging (see `retail_sync.sync.engine.absence`)."""
    ledger, staging, settings, run_id = run.ledger, run.staging, run.settings, run.run_id
    limited, now, began = run.request.limited, run.now(), ledger.now()
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
    if not limited:
        concerned.take(waiting_records(ledger.holds.open_holds(ENTITY)))
        concerned.take_rest(began, everything=run.request.full, state=state)
    products = concerned.products
    taken_in = ledger.now()
    given = load_given(ledger, settings, layout, now, products=products, offers=read.offers)
    skus = None if products is None else set(given.articles["sku"].dropna())
    plan = plan_stock(
        work_out(given),
        ledger.stock.entries(skus),
        settings,
        offered=ledger.stock.count_offered(shelf.channel for shelf in layout.shelves),
        approved=decided_of(ledger, ENTITY).removals,
    )
    dispositions, recalled = _dispositions(plan, read, lines_today(ledger, read.orders), layout)
    outlets = {place.name: place.outlet_id for place in layout.places.values()}
    return EntityPlan(
        read={
            "commercetools entries": len(read.entries),
            "commercetools orders": len(read.orders),
            "lightspeed levels": len(read.levels),
        },
        older=older,
        recalled=recalled,
        dispositions=counted(dispositions),
        warned={**_elsewhere(given.orders, layout), **unread.counts},
        details={"why_all": concerned.why_all},
        units=([change] for change in change_rows(plan, run_id)),
        batch_size=settings.inventory.batch_size,
        settled_may_change=True,
        holds=[hold_draft(hold) for hold in plan.holds],
        also_held=unread.drafts(_KIND_OF_ROWS.__getitem__),
        considered=[
            *([KIND, f"lightspeed:{product}"] for product in given.articles["product_id"]),
            *([] if limited else [[REMOVAL, f"lightspeed:{ALL}"]]),
            *unread.settled(ledger, ENTITY, _ids_in(read), full=run.request.full),
        ],
        windows={"state": state, "outlets": outlets, "reserved": layout.reserved},
        # What changes from `taken_in` on is not in the plan.
        document={"began": began.isoformat(), "taken_in": taken_in.isoformat(), "state": state},
        lines=[f"Every article was looked at: {concerned.why_all}."] if concerned.why_all else [],
        head=["SKU", "channel", "shows", "will show"],
        shows=_shows(plan),
    )


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
