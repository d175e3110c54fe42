"""From staged tables to a stored plan: take in, plan, write the plan down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import Agreement, Link
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.products import SYSTEMS, SystemName, system_named
from retail_sync.records.refs import RecordRef
from retail_sync.records.sealing import Seal, shown
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import bury, see
from retail_sync.sync.customers.loading import load_world
from retail_sync.sync.customers.planner import CustomerPlan, Planned, change_row, plan_customers
from retail_sync.sync.customers.resealing import private_state, reseal
from retail_sync.sync.customers.world import Terms
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.last_run import last_settled
from retail_sync.sync.engine.plan import SHOWN, EntityPlan, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, waiting_records
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.unreadable import Unread, is_unreadable

Affected = dict[SystemName, set[str]]


def stage_terms(staging: Staging, system: SystemName, terms: Terms) -> None:
    """Keep what a system can hold, for the tasks after this one."""
    staging.write_document(f"{system}/terms", terms.as_document())


def staged_terms(staging: Staging) -> dict[SystemName, Terms]:
    return {system: Terms.of_document(staging.read_document(f"{system}/terms")) for system in SYSTEMS}


def prepare(run: RunContext, seal: Seal | None, decided: Sequence[object]) -> EntityPlan:
    """Take in what was read, and plan it together with what is due again. A run of keys looks only at what it read. Who
    is proven to be gone is in staging (see `retail_sync.sync.engine.absence`). `seal`: None where no customer syncs;
    `decided`: by a person, with this run."""
    ledger, staging, settings = run.ledger, run.staging, run.settings
    terms, limited = staged_terms(staging), run.request.limited
    full = run.request.full and seal is not None
    private = private_state(settings.customers)
    if seal is not None and _reads_otherwise(ledger, private):
        if not full:
            raise ConfigurationFault(
                "What is private of customers has changed since they were last read (`customers.hash`, `exclude`).",
                remedy="Trigger `customers` with mode=full: everybody is read anew, and what was agreed on is kept.",
            )
        if not run.request.dry_run:
            reseal(ledger, staging, seal)
    read, affected, older = _take_in(ledger, staging)
    unread = Unread.of(staging, SYSTEMS)
    met = {one for ids in affected.values() for one in ids}
    if settings.customers.synced:
        _bury(ledger, staging, affected)
    state = _state(settings, terms)
    why_all = "" if limited else _why_everybody(ledger, state, full=full)
    if not limited:
        _recall(ledger, run.now(), affected)
        if why_all:
            _everybody(ledger, affected)
    world = load_world(ledger, settings, terms, affected, whole=bool(why_all))
    affected = {system: ids & set(world.sides[system]) for system, ids in affected.items()}
    plan = plan_customers(world)

    def keep() -> None:
        with ledger.together() as books:
            keep_links(books, run.run_id, plan)

    return EntityPlan(
        read={f"{system} customers": count for system, count in read.items()},
        older=older,
        recalled=sum(map(len, affected.values())) - sum(read.values()),
        matched=plan.matched,
        dispositions=counted(status for status, _ in plan.status.values()),
        warned={
            **_reasons(why for status, why in plan.status.values() if status == "ignored"),
            **unread.counts,
        },
        details={"why_all": why_all},
        units=[[change_row(one, run.run_id)] for one in plan.changes],
        batch_size=settings.limits.batch_size,
        holds=[hold_draft(hold) for hold in plan.holds],
        warnings=[hold_draft(warning) for warning in plan.warnings],
        also_held=unread.drafts(lambda _: KIND),
        considered=[
            *([KIND, subject] for subject in plan.status),
            *([] if limited else [[REMOVAL, f"{system}:{ALL}"] for system in SYSTEMS]),
            *unread.settled(ledger, ENTITY, met, full=full),
        ],
        keep=keep,
        windows={"state": state, "private": private},
        document={"dispositions": {subject: list(found) for subject, found in plan.status.items()}},
        lines=_lines(settings, why_all, len(decided)),
        head=["customer", "in", "what", "fields", "because"],
        shows=[_shown(one) for one in plan.changes[:SHOWN]],
    )


def _lines(settings: SyncSettings, why_all: str, decided: int) -> list[str]:
    lines = [f"Everybody was looked at: {why_all}."] if why_all else []
    if not settings.customers.synced:
        lines = ["No field in `customers.fields` has an owner, so there is nothing to do."]
    return [*lines, *([f"Decided by hand: {decided} questions of who is who."] if decided else [])]


def _take_in(ledger: Ledger, staging: Staging) -> tuple[dict[SystemName, int], Affected, int]:
    """Mirror what was read: how many of each side, who, and how many rows were behind what the mirror holds."""
    affected: Affected = {}
    older = 0
    for system in SYSTEMS:
        table = staging.read_table(f"{system}/customers")
        older += see(ledger, staging.run_id, system, table).older
        affected[system] = {str(one) for one in table["id"]}
    return {system: len(ids) for system, ids in affected.items()}, affected, older


def _bury(ledger: Ledger, staging: Staging, affected: Affected) -> None:
    """Who is proven to be gone joins the run, so that the policy for deletions can speak."""
    for system in SYSTEMS:
        gone = Gone.of(staging, system)
        bury(ledger, staging.run_id, system, gone.ids, gone.at)
        affected[system] |= set(gone.ids)


def _reads_otherwise(ledger: Ledger, private: str) -> bool:
    """Whether the last run that settled everything kept other fields as digests than this one."""
    last = last_settled(ledger, ENTITY)
    return last is not None and "private" in last and last["private"] != private


def _state(settings: SyncSettings, terms: Mapping[SystemName, Terms]) -> str:
    """A fingerprint of all that says what flows: where it changes, everybody is looked at."""
    return digest(
        {
            "customers": settings.customers.model_dump(mode="json"),
            "terms": {system: one.as_document() for system, one in terms.items()},
        }
    )


def _why_everybody(ledger: Ledger, state: str, *, full: bool) -> str:
    if full:
        return "full run"
    last = last_settled(ledger, ENTITY)
    if last is None:
        return "no run has settled lately"
    return "" if last.get("state") == state else "the settings changed, or what a system can hold"


def _recall(ledger: Ledger, now: datetime, affected: Affected) -> None:
    """Who is due again joins the run, with whom he is held."""
    subjects = waiting_records(ledger.holds.open_holds(ENTITY))
    for hold in ledger.holds.due(ENTITY, now):
        if not is_unreadable(hold) and hold.code != REMOVAL:
            subjects |= {hold.subject, str((hold.evidence or {}).get("partner", ""))}
    for subject in subjects:
        one = RecordRef.parse(subject)
        if one.system in SYSTEMS:
            affected[system_named(one.system)].add(one.id)


def _everybody(ledger: Ledger, affected: Affected) -> None:
    for system in SYSTEMS:
        affected[system] |= set(ledger.mirror.cells(ENTITY, KIND, system)["id"])


def _reasons(whys: Iterable[str]) -> dict[str, int]:
    """Why customers were ignored, as far as a person should know."""
    return {f"ignored: {why}": count for why, count in sorted(Counter(whys).items()) if why}


def keep_links(books: Together, run_id: str, plan: CustomerPlan) -> None:
    """End links that count no more, keep those of pairs that are new, and what both sides agree on now."""
    agreed = plan.agreed
    for link in plan.retired:
        books.links.retire(link.id)
    books.links.add(
        [
            Link(
                entity=ENTITY,
                kind=KIND,
                commercetools_id=one.pair.online.id,
                lightspeed_id=one.pair.till.id,
                base=dict(one.base),
                matched_by=one.pair.matched_by,
                run_id=run_id,
            )
            for one in agreed
            if one.pair.link is None
        ]
    )
    books.links.agree(
        [
            Agreement(one.pair.link.id, dict(one.base), dict(one.pair.link.resent))
            for one in agreed
            if one.pair.link is not None
        ]
    )


def _shown(one: Planned) -> list[str]:
    values = [name if shown(value) == "(private)" else f"{name}={value}" for name, value in one.after.items()]
    label = one.standing.label if one.standing else one.source.label
    return [label, one.target, one.action, _cut(", ".join(values)), next(iter(one.reasons.values()), "")]


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
