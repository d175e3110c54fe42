"""From staged tables to a stored plan: take in, find the articles concerned, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Agreement
from retail_sync.records.ports.products import SYSTEMS, SystemName, other
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.frames import cells
from retail_sync.sync.engine.plan import PlanSummary, bury_unsettled, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, Part, approved_removals, guard, waiting_records
from retail_sync.sync.engine.request import Direction
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.unreadable import Unread
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.cases import Agreed, Case
from retail_sync.sync.prices.feeds import (
    ARTICLES,
    ENTITY,
    ENTRIES,
    FEEDS,
    KIND,
    ONLINE,
    STANDALONE,
    Read,
    Terms,
)
from retail_sync.sync.prices.loading import PRODUCTS, load_given
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY, KEPT, VARIANT
from retail_sync.sync.prices.planner import PlannedPrice, PricePlan, change_row, link_of, plan_prices
from retail_sync.sync.prices.scope import Concerned
from retail_sync.sync.prices.taxes import differing_rates

SHOWN = 20
"""Prices told in a log."""


@dataclass(frozen=True)
class PriceSummary(PlanSummary):
    """The plan in numbers. `why_all`: why every article was looked at, empty where not. `shows`: the first prices that
    change, for a person: SKU, list, where, what it shows, what it would show, why. `agreed`: pairs that are in step and
    were not known to be. `unread`: by list, articles whose online price was never read for it. `rates_differ`: tax
    classes whose rates are not the same in both systems now, as sentences."""

    why_all: str = ""
    agreed: int = 0
    unread: dict[str, int] = field(default_factory=dict)
    rates_differ: list[str] = field(default_factory=list)
    shows: list[list[str]] = field(default_factory=list)


def prepare_plan(
    ledger: Ledger,
    staging: Staging,
    settings: SyncSettings,
    terms: Terms,
    *,
    now: datetime,
    dry_run: bool,
    direction: Direction = "both",
    keys: Sequence[str] = (),
    full: bool = False,
) -> PriceSummary:
    """Take in what was read, plan every article it concerns, and store the plan.

    `keys`: only what was read for these SKUs. `full`: everything was read. What is proven to be gone is in staging (see
    `retail_sync.sync.engine.absence`). In a dry run changes are stored as `not_applied`, and nothing
    is agreed on.
    """
    run_id = staging.run_id
    began = ledger.now()
    unread = Unread.of(staging, FEEDS)
    read, older, concerned = _take_in(ledger, staging, settings)
    state = digest(
        {
            "prices": settings.prices.model_dump(mode="json"),
            "online": terms.online.as_document(),
            "till": terms.till.as_document(),
        }
    )
    if not keys:
        concerned.take(waiting_records(ledger.holds.open_holds(ENTITY)))
        concerned.take_rest(now, everything=full, state=state)
    given = load_given(ledger, settings, terms, now, concerned.articles)
    rates = differing_rates(terms, settings)
    plan = _guarded(ledger, plan_prices(given), settings)
    bury_unsettled(ledger, run_id, ENTITY)
    stored, batches = _store(ledger, run_id, plan, settings, dry_run=dry_run, direction=direction)
    if not dry_run:
        keep_agreed(ledger, run_id, plan)
    dispositions, recalled = _dispositions(ledger, plan, read)
    ledger.runs.set_windows(run_id, {**ledger.runs.get(run_id).windows, "state": state})
    summary = PriceSummary(
        read={
            "commercetools variants": len(read.variants),
            "lightspeed articles": len(read.articles),
            "lightspeed price book lines": len(read.entries),
        },
        dispositions=counted(dispositions),
        changes=counted(f"{change.target} {change.action}" for change in plan.changes),
        holds=counted(finding.code for finding in plan.holds),
        warnings={
            **counted(finding.code for finding in plan.warnings),
            **({"list_unread": sum(plan.unread.values())} if plan.unread else {}),
            **({"tax_rates_differ": len(rates)} if rates else {}),
            **unread.counts,
        },
        matched=0,
        batches=batches,
        stored=stored,
        older=older,
        recalled=recalled,
        why_all=concerned.why_all,
        agreed=len(plan.agreed),
        unread=dict(plan.unread),
        rates_differ=[str(one) for one in rates],
        first_holds=[
            {"label": one.label, "code": one.code, "message": one.message} for one in plan.holds[:10]
        ],
        shows=[_shown(change) for change in plan.changes[:SHOWN]],
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
            "warnings": [asdict(hold_draft(finding)) for finding in plan.warnings],
            "considered": [
                *([KIND, f"lightspeed:{article}"] for article in plan.status),
                *([] if keys else _removals_looked_at(settings)),
                *unread.settled(ledger, ENTITY, _ids_in(read), full=full and not keys),
            ],
            "began": began.isoformat(),
            "now": now.isoformat(),
        },
    )
    return summary


_KIND_OF_ROWS = {ONLINE: "product", STANDALONE: "product", ARTICLES: "article", ENTRIES: "line"}


def _ids_in(read: Read) -> set[str]:
    return {*read.variants["product_id"], *read.articles["id"], *read.entries["id"]}


def _take_in(ledger: Ledger, staging: Staging, settings: SyncSettings) -> tuple[Read, int, Concerned]:
    """Mirror what was read; what that was, how many rows were behind what the mirror holds, and the articles concerned
    so far."""
    run_id, read = staging.run_id, Read.of(staging)
    tables = {VARIANT: read.variants, ARTICLE: read.articles, ENTRY: read.entries}
    older = sum(mirroring.see(ledger, run_id, kind, table).older for kind, table in tables.items())
    concerned = Concerned(ledger, settings, read)
    for name, kept in KEPT.items() if settings.prices.synced else ():
        gone = Gone.of(staging, name)
        known = mirroring.read(ledger, kept.kind, ids=gone.ids)
        buried = mirroring.bury(ledger, run_id, kept.kind, known, gone.at)
        if kept.kind == VARIANT:
            concerned.take_variants(buried)
        else:
            concerned.take({row.id if kept.kind == ARTICLE else str(row.parent_id) for row in known})
    return read, older, concerned


def _guarded(ledger: Ledger, plan: PricePlan, settings: SyncSettings) -> PricePlan:
    """Most of a list is not taken away between two runs: far more likely a price book was replaced, or a setting
    changed. The removals of such a list wait for a person; its other prices, and other lists, go on. A price that ended
    on the day it said is no removal that anybody has to be asked about."""
    approved = approved_removals(ledger.decisions.latest(ENTITY, codes=(REMOVAL,)))
    unannounced: dict[tuple[SystemName, str], list[PlannedPrice]] = {}
    for one in plan.changes:
        source = other(one.target)
        if one.quote is None and not one.case.was_announced(source):
            unannounced.setdefault((source, one.case.one.name), []).append(one)
    held: set[int] = set()
    holds = list(plan.holds)
    status = dict(plan.status)
    for (source, name), removed in unannounced.items():
        part = Part(
            system=source,
            name=f"the prices of the list {name}",
            ids=[one.unit for one in removed],
            labels=[one.case.sku for one in removed],
            of=ledger.links.count(ENTITY, name),
            record=f"{ALL} of {name}",
            recall=[one.case.article.id for one in removed],
        )
        finding = guard(part, settings.prices.most_removed_percent, approved, "prices.most_removed_percent")
        if finding is not None:
            holds.append(finding)
            held |= {id(one) for one in removed}
            status |= {one.case.article.id: "held" for one in removed}
    changes = [one for one in plan.changes if id(one) not in held]
    status |= {one.case.article.id: "planned" for one in changes}
    return replace(plan, changes=changes, holds=holds, status=status)


def _removals_looked_at(settings: SyncSettings) -> list[list[str]]:
    """Holds that end where a run finds no reason for them any more."""
    lists = [one.name for one in settings.prices.lists]
    return [[REMOVAL, f"{system}:{ALL} of {name}"] for system in SYSTEMS for name in lists]


def _store(
    ledger: Ledger,
    run_id: str,
    plan: PricePlan,
    settings: SyncSettings,
    *,
    dry_run: bool,
    direction: Direction,
) -> tuple[int, int]:
    """Store the plan's changes; how many the run has now, and in how many batches. What an earlier attempt at this run
    began and has not settled stays as it is. All prices of an online product are in one batch: one request writes
    them."""
    begun = {row.unit for row in ledger.changes.taken_up(run_id)}
    size = settings.prices.batch_size
    ordered = sorted(plan.changes, key=lambda one: (one.target, _grouped_by(one), one.unit))
    rows = []
    batch, filled, last = 0, 0, ""
    for planned in ordered:
        group = f"{planned.target}:{_grouped_by(planned)}"
        if filled >= size and group != last:
            batch, filled = batch + 1, 0
        filled, last = filled + 1, group
        if planned.unit not in begun:
            allowed = not dry_run and direction in ("both", f"to_{planned.target}")
            rows.append(change_row(planned, run_id, "planned" if allowed else "not_applied", batch))
    ledger.changes.store(rows, replace_run=run_id)
    stored = sum(ledger.changes.counts(run_id).values())
    return stored, batch + 1 if stored else 0


def _grouped_by(planned: PlannedPrice) -> str:
    """What one request writes: an online product, a price book; an article's own price stands alone."""
    if planned.target == "commercetools":
        return str(planned.case.variant.parent_id)
    return planned.case.one.name if planned.case.one.in_book else planned.case.article.id


def keep_agreed(ledger: Ledger, run_id: str, plan: PricePlan) -> None:
    """Store what both sides show, where they are in step; retire links of pairs that are none any more."""
    for link_id in plan.retired:
        ledger.links.retire(link_id)
    retired = set(plan.retired)
    new: list[tuple[Case, Agreed]] = []
    known: list[Agreement] = []
    for case, agreed in plan.agreed:
        if case.link is None or case.link.id in retired:
            new.append((case, agreed))
        else:
            known.append(Agreement(case.link.id, agreed.plain, {}))
    ledger.links.add([link_of(case, agreed, run_id) for case, agreed in new])
    ledger.links.agree(known)


def _dispositions(ledger: Ledger, plan: PricePlan, read: Read) -> tuple[list[str], int]:
    """What became of each record read, and of each article looked at though nothing of it was read; how many those
    are."""
    partners: Mapping[str, str] = {}
    if len(read.variants):
        pairs = ledger.links.pairs(PRODUCTS, "variant", commercetools_ids=set(cells(read.variants["id"])))
        partners = dict(zip(pairs["commercetools_id"], pairs["lightspeed_id"], strict=True))
    met = [
        *(partners.get(variant) for variant in cells(read.variants["id"])),
        *cells(read.articles["id"]),
        *cells(read.entries["product_id"]),
    ]
    found: list[str] = [plan.status.get(article or "", "ignored") for article in met]
    unread = set(plan.status) - set(met)
    return [*found, *(plan.status[article] for article in unread)], len(unread)


def _shown(change: PlannedPrice) -> list[str]:
    there = change.case.standing(change.target).quote
    return [
        change.case.sku,
        change.case.one.name,
        change.target,
        there.shown if there else "none",
        change.quote.shown if change.quote else "none",
        change.reason,
    ]
