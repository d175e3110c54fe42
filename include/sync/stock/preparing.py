"""From staged pages to a stored plan: map, take in, find the articles concerned, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from include.ledger.ledger import Ledger
from include.ledger.rows import ChangeRow, Outcome
from include.records.stock import BUCKET_COLUMNS, stock_table
from include.records.stock_face import Assortments, Buckets, OnlineStock, TillStock
from include.records.types import digest
from include.settings.models import SyncSettings
from include.sync.frames import rows
from include.sync.preparing import bury_unsettled, hold_draft
from include.sync.staging import Staging
from include.sync.stock.catalogue import PRODUCTS, composites_of, products_of_skus, read_recipes
from include.sync.stock.explaining import Explainer
from include.sync.stock.figures import order_lines, work_out
from include.sync.stock.layout import Layout, channel_name, layout_of
from include.sync.stock.loading import load_given
from include.sync.stock.offering import offers_table
from include.sync.stock.planning import KIND, StockPlan, plan_stock
from include.sync.stock.rules import Numbers

ENTITY = "inventory"
ENTRIES, ORDERS, LEVELS = "commercetools", "commercetools_orders", "lightspeed"
"""Names of the feeds: of their staged pages and of their cursors."""
ALONG = "served along"
"""Mark of changes that were planned while the plan of their run was being written."""
CATALOGUE = "catalogue"
"""Name of the cursor that says up to when changes of articles and links were looked at (ledger's clock)."""
CATALOGUE_OVERLAP = timedelta(minutes=10)
"""A transaction may show a change with the time at which it began."""
LATEST_RUNS = 50
"""How far back the last settled run is looked for, whose rules are compared with today's."""


@dataclass(frozen=True)
class Transformed:
    """What mapping the pages of one feed gave. `repeated`: rows that came twice (only the newest counts)."""

    feed: str
    raw_rows: int
    rows: int
    repeated: int


def transform(
    staging: Staging, online: OnlineStock, till: TillStock, pages: Mapping[str, int]
) -> list[Transformed]:
    """Map all staged pages to canonical tables and stage them as Parquet."""
    feeds = (
        (ENTRIES, online.to_entries, ["id"]),
        (ORDERS, online.to_orders, ["id"]),
        (LEVELS, till.to_levels, ["product_id", "outlet_id"]),
    )
    done: list[Transformed] = []
    for name, mapped, keys in feeds:
        parts = [mapped(rows) for rows in staging.pages(name, pages[name])]
        raw = sum(len(part) for part in parts)
        table = pd.concat(parts, ignore_index=True) if parts else mapped([])
        newest = table.sort_values("version", kind="stable", na_position="first").drop_duplicates(
            keys, keep="last"
        )
        staging.write_table(f"{name}/rows", newest.reset_index(drop=True))
        done.append(Transformed(name, raw, len(newest), raw - len(newest)))
    return done


def stage_beside(
    staging: Staging, assortments: Assortments | None = None, buckets: Buckets | None = None
) -> None:
    """Stage what is read whole each time: members of selections and stores, goods held and on their way."""
    if assortments is not None:
        staging.write_table(f"{ENTRIES}/offers", offers_table(assortments))
    if buckets is not None:
        staging.write_table(f"{LEVELS}/buckets", _bucket_table(buckets))


def _bucket_table(found: Buckets) -> pd.DataFrame:
    amounts: dict[tuple[str, str, str], tuple[int, Any]] = {}
    for bucket, table in (("held", found.held), ("incoming", found.incoming)):
        for row in rows(table):
            key = (row["product_id"], row["outlet_id"], bucket)
            quantity, due = amounts.get(key, (0, None))
            dates = [date for date in (due, row.get("due_at")) if date is not None]
            amounts[key] = quantity + row["quantity"], min(dates, default=None)
    return stock_table(BUCKET_COLUMNS, [(*key, *amount) for key, amount in amounts.items()])


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True)
class PlanSummary:
    """The plan in numbers (see `include.sync.preparing.PlanSummary`). `shows`: the first figures that change, for a
    person: SKU, channel, what it shows, what it would show."""

    read: dict[str, int]
    dispositions: dict[str, int]
    changes: dict[str, int]
    holds: dict[str, int]
    warnings: dict[str, int]
    batches: int
    stored: int
    older: int
    recalled: int
    why_all: str
    matched: int = 0
    first_holds: list[dict[str, str]] = field(default_factory=list)
    shows: list[list[str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Read:
    """Everything one run read, mapped."""

    entries: pd.DataFrame
    orders: pd.DataFrame
    levels: pd.DataFrame
    buckets: pd.DataFrame
    offers: pd.DataFrame

    @classmethod
    def of(cls, staging: Staging) -> Read:
        return cls(
            staging.read_table(f"{ENTRIES}/rows"),
            staging.read_table(f"{ORDERS}/rows"),
            staging.read_table(f"{LEVELS}/rows"),
            staging.read_table(f"{LEVELS}/buckets"),
            staging.read_table(f"{ENTRIES}/offers"),
        )


PORTION = 5_000
"""Rows of a plan that are in memory as Python objects at once."""
SHOWN = 20
"""Figures told in a log."""


def prepare_plan(
    ledger: Ledger,
    staging: Staging,
    settings: SyncSettings,
    layout: Layout,
    *,
    now: datetime,
    dry_run: bool,
    keys: Sequence[str] = (),
    swept_since: datetime | None = None,
) -> PlanSummary:
    """Take in what was read, plan every article it concerns, and store the plan.

    `keys`: only these SKUs. `swept_since`: set by a full run to the time its read began: what the ledger holds and the
    read did not meet has vanished. In a dry run changes are stored as `not_applied`.
    """
    run_id = staging.run_id
    began = ledger.now()
    read = Read.of(staging)
    older = ledger.stock.see_entries(run_id, read.entries)
    older += ledger.stock.see_orders(run_id, read.orders)
    older += ledger.stock.see_levels(run_id, read.levels)
    concerned = _Concerned(ledger, settings, read, now)
    concerned.take(ledger.stock.see_buckets(run_id, read.buckets))
    state = digest({"layout": layout.state, "offers": digest({"rows": read.offers.to_dict("list")})})
    if swept_since is not None and not keys:
        concerned.take(ledger.stock.mark_levels_vanished(read.levels, swept_since))
        concerned.take_skus(ledger.stock.mark_entries_gone(read.entries, swept_since))
        concerned.take_lines(ledger.stock.close_orders(read.orders, swept_since))
    if not keys:
        concerned.take_rest(began, everything=swept_since is not None, state=state)
    products = concerned.products
    everything = products is None
    given = load_given(ledger, settings, layout, now, products=products, offers=read.offers)
    figures = work_out(given)
    skus = None if everything else set(given.articles["sku"].dropna())
    offered = ledger.stock.count_offered(shelf.channel for shelf in layout.shelves)
    plan = plan_stock(figures, ledger.stock.entries(skus), settings, offered=offered)
    bury_unsettled(ledger, run_id, ENTITY)
    stored, batches = _store(ledger, run_id, plan, settings, dry_run=dry_run)
    dispositions, recalled = _dispositions(plan, read, layout)
    outlets = {place.name: place.outlet_id for place in layout.places.values()}
    ledger.set_windows(run_id, {**ledger.run(run_id).windows, "state": state, "outlets": outlets})
    summary = PlanSummary(
        read={
            "commercetools entries": len(read.entries),
            "commercetools orders": len(read.orders),
            "lightspeed levels": len(read.levels),
        },
        dispositions=_counted(dispositions),
        changes=_changes(plan),
        holds=_counted([finding.code for finding in plan.holds]),
        warnings=_elsewhere(given.orders, layout),
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
            "holds": [asdict(hold_draft(finding)) for finding in plan.holds],
            "warnings": [],
            "considered": [[KIND, f"lightspeed:{product}"] for product in given.articles["product_id"]],
            "began": began.isoformat(),
            "state": state,
        },
    )
    return summary


class _Concerned:
    """Which articles a run looks at: a set of till ids, or all (`products` None)."""

    def __init__(self, ledger: Ledger, settings: SyncSettings, read: Read, now: datetime) -> None:
        self._ledger = ledger
        self._settings = settings
        self._now = now
        self._found: set[str] = set(read.levels["product_id"])
        self._skus: set[str] = set(read.entries["sku"])
        self._all = False
        self.why_all = ""
        self.take_lines(list(read.orders["lines"]))

    def take(self, products: Collection[str]) -> None:
        self._found |= set(products)

    def take_skus(self, skus: Collection[str]) -> None:
        self._skus |= set(skus)

    def take_lines(self, lines: Sequence[str]) -> None:
        if lines:
            frame = order_lines(pd.DataFrame({"id": "", "number": "", "lines": list(lines)}))
            self._skus |= set(frame["sku"])

    def take_rest(self, began: datetime, *, everything: bool, state: str) -> None:
        """What nobody read but is concerned: holds that are due, articles and links that changed, orders whose export
        has settled; everything where the run is full or the rules are not those of the last run."""
        ledger = self._ledger
        since = ledger.cursor(ENTITY, CATALOGUE)
        if everything or since is None:
            self._all, self.why_all = True, "a full run"
            return
        last = _last_settled(ledger)
        if last is None or last.get("state") != state:
            self._all, self.why_all = True, "the rules, a selection or a location's opening changed"
            return
        moment = datetime.fromisoformat(since) - CATALOGUE_OVERLAP
        for hold in ledger.holds.due(ENTITY, self._now):
            self._found.add(hold.subject.split(":", 1)[1])
        settling = timedelta(seconds=self._settings.inventory.order_settles_seconds)
        self.take_lines(ledger.stock.orders_settling(self._now - settling, moment - settling))
        self._take_catalogue(moment)

    def _take_catalogue(self, since: datetime) -> None:
        ledger = self._ledger
        changed = ledger.mirror.changed(PRODUCTS, since)
        self._found |= changed.get(("lightspeed", "variant"), set())
        self._found |= ledger.links.changed(PRODUCTS, "variant", since)
        families = changed.get(("lightspeed", "product"))
        if families:
            self._found |= ledger.mirror.live_ids(PRODUCTS, "variant", "lightspeed", parents=families)
        online = changed.get(("commercetools", "variant"))
        if online:
            labels = ledger.mirror.cells(PRODUCTS, "variant", "commercetools", ids=online)["label"]
            self._skus |= set(labels.dropna())

    @property
    def products(self) -> set[str] | None:
        if self._all:
            return None
        found = self._found | products_of_skus(self._ledger, self._settings, self._skus)
        if found:
            found |= composites_of(read_recipes(self._ledger, self._settings), found)
        return found


def last_layout(ledger: Ledger, settings: SyncSettings, now: datetime) -> Layout | None:
    """Today's layout with the outlets that the last run found; None = no run has found any."""
    names = {location.name for location in settings.locations}
    for run in ledger.last_runs(ENTITY, LATEST_RUNS):
        outlets = run.windows.get("outlets")
        if outlets and names <= set(outlets):
            return layout_of(settings, outlets, now)
    return None


def _last_settled(ledger: Ledger) -> Mapping[str, Any] | None:
    """What the last run that settled everything said of the rules it used."""
    for run in ledger.last_runs(ENTITY, LATEST_RUNS):
        params = run.params
        if run.state == "succeeded" and not params.get("dry_run") and not params.get("keys"):
            return dict(run.windows)
    return None


# ---------------------------------------------------------------- storing


def change_rows(plan: StockPlan, run_id: str, outcome: Outcome, batch_size: int) -> Iterator[ChangeRow]:
    """The plan as audit rows, one after the other: a first alignment has hundreds of thousands."""
    explainer = Explainer(plan.figures, plan.entry_writes["product_id"])
    shelves = {worked.shelf.channel: worked for worked in plan.figures.shelves}
    number = 0
    for write in in_portions(plan.entry_writes):
        explanation = explainer.of(shelves[write["channel"]], write["position"])
        yield ChangeRow(
            run_id=run_id,
            batch=number // batch_size,
            outcome=outcome,
            entity=ENTITY,
            reasons={"figure": explanation.as_dict()},
            **entry_change(write),
        )
        number += 1
    for write in in_portions(plan.level_writes):
        yield ChangeRow(
            run_id=run_id,
            batch=number // batch_size,
            outcome=outcome,
            entity=ENTITY,
            reasons={
                "level": f"{write['place']} is not counted by the till: its figure is the online entry's."
            },
            **level_change(write),
        )
        number += 1


def in_portions(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a long table, a few thousand in memory at a time."""
    for start in range(0, len(table), PORTION):
        yield from rows(table.iloc[start : start + PORTION])


def entry_change(write: Mapping[str, Any]) -> dict[str, Any]:
    """What a change says of the entry it sets."""
    before = {"on_stock": write["before_on_stock"], "available": write["before_available"]}
    return {
        "kind": KIND,
        "subject": f"lightspeed:{write['product_id']}",
        "label": write["sku"],
        "system": "commercetools",
        "action": write["action"],
        "unit": f"commercetools:{write['sku']}@{write['channel']}",
        "source_id": write["product_id"],
        "target_id": write["entry_id"],
        "target_version": write["version"],
        "before": {} if write["entry_id"] is None else before,
        "after": {"on_stock": write["on_stock"], "available": write["available"]},
    }


def level_change(write: Mapping[str, Any]) -> dict[str, Any]:
    """What a change says of the level it adjusts, in parts."""
    level = f"{write['product_id']}@{write['outlet_id']}"
    return {
        "kind": KIND,
        "subject": f"lightspeed:{write['product_id']}",
        "label": write["sku"],
        "system": "lightspeed",
        "action": "adjust",
        "unit": f"lightspeed:{level}",
        "source_id": write["product_id"],
        "target_id": level,
        "target_version": write["version"],
        "before": {"level": write["before"]},
        "after": {"level": write["after"]},
    }


def _store(
    ledger: Ledger, run_id: str, plan: StockPlan, settings: SyncSettings, *, dry_run: bool
) -> tuple[int, int]:
    """Store the plan's changes; how many the run has now, and in how many batches. What an earlier attempt at this run
    began and has not settled stays as it is."""
    begun = {row.unit for row in ledger.changes.unsettled(run_id)}
    size = settings.inventory.batch_size
    made = change_rows(plan, run_id, "not_applied" if dry_run else "planned", size)
    ledger.changes.store((change for change in made if change.unit not in begun), replace_run=run_id)
    stored = sum(ledger.changes.counts(run_id).values()) - ledger.changes.keyed(run_id, ALONG)
    return stored, -(-stored // size)


# ---------------------------------------------------------------- accounts


def _dispositions(plan: StockPlan, read: Read, layout: Layout) -> tuple[Numbers, int]:
    """What became of each record read, and of each article looked at though nothing of it was read; how many those
    are."""
    status = plan.status.set_index("product_id")["status"]
    articles = plan.figures.given.articles
    sku_status = pd.Series(plan.status["status"].array, index=pd.Index(articles["sku"]))
    sku_status = sku_status[sku_status.index.notna()]
    sku_status = sku_status[~sku_status.index.duplicated()]
    managed = {worked.shelf.channel for worked in plan.figures.shelves} | {p.channel for p in layout.foreign}
    used = {place.outlet_id for place in layout.places.values()}
    of_level = read.levels["product_id"].map(status).where(read.levels["outlet_id"].isin(used))
    of_entry = read.entries["sku"].map(sku_status).where(read.entries["channel"].isin(managed))
    lines = order_lines(read.orders)
    rank = lines["sku"].map(sku_status).map({"ignored": 0, "unchanged": 1, "held": 2, "planned": 3})
    best = rank.groupby(lines["id"]).max().reindex(read.orders["id"])
    of_order = best.map({0: "ignored", 1: "unchanged", 2: "held", 3: "planned"})
    met = set(read.levels["product_id"])
    met_skus = set(read.entries["sku"]) | set(lines["sku"])
    unread = ~articles["product_id"].isin(met) & ~articles["sku"].isin(met_skus).fillna(False)
    recalled = plan.status.loc[unread.to_numpy(dtype=bool), "status"]
    parts = [of_level, of_entry, of_order, recalled]
    found = np.concatenate([part.astype("object").fillna("ignored").to_numpy() for part in parts])
    return found, len(recalled)


def _counted(values: Collection[Any]) -> dict[str, int]:
    series = pd.Series(list(values), dtype="object")
    return {str(name): int(count) for name, count in series.value_counts().sort_index().items()}


def _changes(plan: StockPlan) -> dict[str, int]:
    found = {
        f"commercetools {action}": int(count)
        for action, count in plan.entry_writes["action"].value_counts().sort_index().items()
    }
    if len(plan.level_writes):
        found["lightspeed adjust"] = len(plan.level_writes)
    return found


def _elsewhere(lines: pd.DataFrame, layout: Layout) -> dict[str, int]:
    """Open orders that hold goods in a channel nobody feeds: they count against nothing."""
    known = {shelf.channel for shelf in layout.shelves} | {place.channel or "" for place in layout.foreign}
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
