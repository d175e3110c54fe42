"""From staged tables to a stored plan: take in, find the articles concerned, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Agreement, ChangeRow
from retail_sync.records.ports.products import SYSTEMS, SystemName, other
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.frames import cells
from retail_sync.sync.engine.plan import SHOWN, EntityPlan, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, Part, approved_removals, guard, waiting_records
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
    staged_terms,
)
from retail_sync.sync.prices.loading import PRODUCTS, load_given
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY, KEPT, VARIANT
from retail_sync.sync.prices.planner import PlannedPrice, PricePlan, change_row, link_of, plan_prices
from retail_sync.sync.prices.scope import Concerned
from retail_sync.sync.prices.taxes import differing_rates


def prepare(run: RunContext, decided: Sequence[Decision]) -> EntityPlan:
    """Take in what was read, and plan every article it concerns. A run of keys looks only at what was read for these
    SKUs. What is proven to be gone is in staging (see `retail_sync.sync.engine.absence`). `decided`: by a person, with
    this run."""
    ledger, staging, settings = run.ledger, run.staging, run.settings
    terms, limited = staged_terms(staging), run.request.limited
    now, began = run.now(), ledger.now()
    unread = Unread.of(staging, FEEDS)
    read, older, concerned = _take_in(ledger, staging, settings)
    state = digest(
        {
            "prices": settings.prices.model_dump(mode="json"),
            "online": terms.online.as_document(),
            "till": terms.till.as_document(),
        }
    )
    if not limited:
        concerned.take(waiting_records(ledger.holds.open_holds(ENTITY)))
        concerned.take_rest(now, everything=run.request.full, state=state)
    given = load_given(ledger, settings, terms, now, concerned.articles)
    rates = differing_rates(terms, settings)
    plan = _guarded(ledger, plan_prices(given), settings)
    dispositions, recalled = _dispositions(ledger, plan, read)
    return EntityPlan(
        read={
            "commercetools variants": len(read.variants),
            "lightspeed articles": len(read.articles),
            "lightspeed price book lines": len(read.entries),
        },
        older=older,
        recalled=recalled,
        dispositions=counted(dispositions),
        warned={
            **({"list_unread": sum(plan.unread.values())} if plan.unread else {}),
            **({"tax_rates_differ": len(rates)} if rates else {}),
            **unread.counts,
        },
        details={
            "why_all": concerned.why_all,
            "agreed": len(plan.agreed),
            "unread": dict(plan.unread),
            "rates_differ": [str(rate) for rate in rates],
        },
        units=_units(plan, run.run_id),
        batch_size=settings.prices.batch_size,
        counts_changes=True,
        holds=[hold_draft(hold) for hold in plan.holds],
        warnings=[hold_draft(warning) for warning in plan.warnings],
        also_held=unread.drafts(_KIND_OF_ROWS.__getitem__),
        considered=[
            *([KIND, f"lightspeed:{article}"] for article in plan.status),
            *([] if limited else _removals_looked_at(settings)),
            *unread.settled(ledger, ENTITY, _ids_in(read), full=run.request.full),
        ],
        keep=lambda: keep_agreed(ledger, run.run_id, plan),
        windows={"state": state},
        document={"began": began.isoformat(), "now": now.isoformat()},
        lines=[*_lines(settings, concerned.why_all, plan), *map(str, rates), *_decisions(decided)],
        head=["SKU", "list", "in", "shows", "will show", "because"],
        shows=[_shown(change) for change in plan.changes[:SHOWN]],
    )


def _lines(settings: SyncSettings, why_all: str, plan: PricePlan) -> list[str]:
    lines = [f"Every article was looked at: {why_all}."] if why_all else []
    if not settings.prices.synced:
        lines = ["No list in `prices.lists` has an owner, so there is nothing to do."]
    return lines + [
        f"List {name}: the online price of {count} articles was never read for it. Run with mode=full."
        for name, count in plan.unread.items()
    ]


def _decisions(decided: Sequence[Decision]) -> list[str]:
    """What a person decided with this run, without names of articles or people."""
    if not decided:
        return []
    approved = sum(one.verdict == "approve" for one in decided)
    return [f"Decided by hand: {approved} prices approved, {len(decided) - approved} rejected."]


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


def _units(plan: PricePlan, run_id: str) -> Iterator[list[ChangeRow]]:
    """What one request writes: all prices of an online product, lines of a price book."""
    ordered = sorted(plan.changes, key=lambda one: (one.target, _grouped_by(one), one.unit))
    for _, group in groupby(ordered, key=lambda one: (one.target, _grouped_by(one))):
        yield [change_row(planned, run_id) for planned in group]


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
