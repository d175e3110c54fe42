"""Drift: what the last reconciliation found to differ, which side moved, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from retail_sync.console.bounds import change_place_of, told_change_place, uuid_of
from retail_sync.console.ports import CannotStart
from retail_sync.console.spreadsheet import download
from retail_sync.console.views.drift import DOCUMENTS, HEAD, Keys, Row, keys_of, line_of, rows_of
from retail_sync.console.visit import Form, Looking, Sent, Visit, required
from retail_sync.console.vocabulary import entity_title, number
from retail_sync.ledger.queries.drift import SINCE, Counts, DriftFilter, Drifting
from retail_sync.ledger.queries.runs import COUNTED, ChangePlace, place_of
from retail_sync.ledger.rows import ChangeRow, Run
from retail_sync.records.errors import SyncError
from retail_sync.sync.inventory.scope import last_layout

router = APIRouter()

RECONCILE = "reconcile"
"""The DAG that looks for differences."""
PAGE = 50
"""Changes on a page."""
MOST = 200
"""Changes that are synced again one by one; beyond, a run in full takes less."""
OLDER = 20
"""Reconciliations of an entity to choose from."""
LISTED = 30
"""Fields and locations that are counted on the page, and warnings."""
EXPORTED = 500
"""Changes of an export that are looked into at once."""
FILTERS = ("run", "entity", "field", "system", "location", "text")


@dataclass(frozen=True)
class Look:
    """What is known of one entity. `run`: the reconciliation that is shown, None where none has ended well; `last`: the
    newest one, whatever became of it; `since`: runs that wrote after it."""

    entity: str
    run: Run | None
    last: Run | None
    older: Sequence[Run]
    since: int

    @property
    def changes(self) -> int:
        return int(self.run.accounts.get("changes") or 0) if self.run else 0

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.state == "running"

    @property
    def failed(self) -> bool:
        return self.last is not None and self.last.state == "failed" and self.last != self.run


@dataclass(frozen=True)
class Told:
    """Warnings of one reconciliation that no write mends. `cleared`: the files that held them are gone."""

    entity: str
    warnings: Sequence[Mapping[str, Any]]
    total: int
    cleared: bool


@router.get("/drift")
def shown(visit: Looking) -> Response:
    """What differs."""
    given = {name: visit.query(name) for name in FILTERS}
    looks = _looks(visit, given["run"])
    chosen = _chosen(looks, given)
    drifting, outlets = _drifting(visit), _outlets(visit)
    wanted = _wanted(given, outlets)
    found, more = _page_of(drifting, chosen, wanted, visit.query("after"))
    counts = {look.entity: drifting.counts(look.run.id) for look in chosen if look.run and look.changes}
    return visit.page(
        "drift.html",
        looks=looks,
        chosen=chosen,
        given=given,
        fields=_by_field(counts),
        locations=_by_location(counts, outlets),
        counted=COUNTED,
        since_most=SINCE,
        partial=any(look.changes > COUNTED for look in chosen),
        limited=any(given[name] for name in ("field", "system", "location", "text")),
        matching=_matching(drifting, chosen, wanted),
        rows=rows_of(drifting, found, visit.settings, outlets, given["field"]),
        total=sum(look.changes for look in chosen),
        told=[told for look in chosen if (told := _told(visit, look)) is not None],
        listed=LISTED,
        most=MOST,
        may_all=_may_all(visit),
        may_some=any(visit.may(look.entity) for look in chosen),
        **visit.pager("/drift", given, more),
        export=visit.address("/drift.csv", **given),
    )


@router.get("/drift.csv")
def exported(visit: Looking) -> Response:
    """The differences, filtered as on the page."""
    given = {name: visit.query(name) for name in FILTERS}
    drifting, outlets, settings = _drifting(visit), _outlets(visit), visit.settings
    wanted = _wanted(given, outlets)
    runs = [look.run.id for look in _chosen(_looks(visit, given["run"]), given) if look.run]

    def rows() -> Iterator[Row]:
        for run_id in runs:
            changes = drifting.every_change(run_id, wanted)
            while portion := list(islice(changes, EXPORTED)):
                yield from rows_of(drifting, portion, settings, outlets, given["field"])

    return download("drift", HEAD, map(line_of, rows()))


@router.post("/drift/resync")
def synced_again(visit: Looking, form: Sent) -> Response:
    """Start a run of the chosen records for each of their entities."""
    back = {name: form.one(name) for name in FILTERS}
    changes = _asked_for(visit, form, back)
    for entity in sorted({change.entity for change in changes}):
        required(visit, entity)
    if len(changes) > MOST:
        return visit.go(
            "/drift",
            f"Nothing was started: that is more than {MOST} records, for which a run in full takes less. Trigger the "
            "entity's own DAG with mode full, or press Re-sync everything that differs.",
            **back,
        )
    return visit.go("/drift", _start(visit, keys_of(_drifting(visit), changes)), **back)


@router.post("/drift/everything")
def everything(visit: Looking, form: Sent) -> Response:
    """Start a reconciliation that mends; before that, show what it is about."""
    _require_all(visit)
    if form.one("confirmed") != "yes":
        looks = _looks(visit, "")
        return visit.page("drift_confirm.html", looks=looks, total=sum(look.changes for look in looks))
    run = visit.ports.start(RECONCILE, {"repair": True}, visit.person)
    return visit.go(
        "/drift",
        f"The reconciliation {run} was started. It compares both sides anew; then each entity that differs is run in "
        "full, which writes.",
    )


@router.post("/drift/reconcile")
def reconciled(visit: Looking, form: Sent) -> Response:
    """Start a reconciliation that only looks."""
    required(visit, RECONCILE)
    run = visit.ports.start(RECONCILE, {}, visit.person)
    return visit.go(
        "/drift", f"The reconciliation {run} was started. It writes nothing; what it finds shows here."
    )


# ---------------------------------------------------------------- what is shown


def _looks(visit: Visit, run_id: str) -> list[Look]:
    """What is known of each entity this person may see. Raises HTTPException (404) for a reconciliation that is not
    there, or is of another entity."""
    drifting = _drifting(visit)
    asked = drifting.run(run_id) if run_id else None
    if run_id and (asked is None or asked.entity not in visit.entities):
        raise HTTPException(404)
    found = []
    for entity in visit.entities:
        older = drifting.reconciliations(entity, OLDER)
        run = asked if asked and asked.entity == entity else drifting.newest(entity)
        since = drifting.wrote_since(run) if run else 0
        found.append(
            Look(
                entity,
                run,
                older[0] if older else None,
                [one for one in older if one.state == "succeeded"],
                since,
            )
        )
    return found


def _chosen(looks: Sequence[Look], given: Mapping[str, str]) -> list[Look]:
    """Those whose differences are listed: of the run or entity that was asked for, or all."""
    if given["run"]:
        return [look for look in looks if look.run is not None and look.run.id == given["run"]]
    return [look for look in looks if given["entity"] in ("", look.entity)]


def _drifting(visit: Visit) -> Drifting:
    return Drifting(visit.ledger.engine)


def _outlets(visit: Visit) -> dict[str, str]:
    """Names of locations by the ids of their outlets, as the last run of inventory read them."""
    if "inventory" not in visit.entities:
        return {}
    layout = last_layout(visit.ledger, visit.settings, datetime.now(UTC))
    return layout.places_by_outlet if layout else {}


def _wanted(given: Mapping[str, str], outlets: Mapping[str, str]) -> DriftFilter:
    place = given["location"]
    ids = [outlet for outlet, name in outlets.items() if name == place]
    return DriftFilter(
        field=given["field"],
        system=given["system"],
        locations=[place, *ids] if place else (),
        text=given["text"],
    )


def _page_of(
    drifting: Drifting, looks: Sequence[Look], wanted: DriftFilter, after: str
) -> tuple[list[ChangeRow], str]:
    """The changes of a page, entity by entity, and where the next one begins; empty on the last one."""
    begun, place = _place(after, looks)
    found: list[ChangeRow] = []
    for look in looks[begun:]:
        if look.run is not None:
            found += drifting.changes(look.run.id, wanted, place, PAGE + 1 - len(found))
        place = None
        if len(found) > PAGE:
            last = found[PAGE - 1]
            return found[:PAGE], f"{last.entity}|{told_change_place(place_of(last))}"
    return found, ""


def _place(told: str, looks: Sequence[Look]) -> tuple[int, ChangePlace | None]:
    """Which entity a page begins with, and behind what; what makes no sense is the beginning."""
    entity, _, rest = told.partition("|")
    at = next((n for n, look in enumerate(looks) if look.entity == entity), None)
    place = change_place_of(rest)
    return (0, None) if at is None or place is None else (at, place)


def _matching(drifting: Drifting, looks: Sequence[Look], wanted: DriftFilter) -> int:
    return sum(drifting.count(look.run.id, wanted) for look in looks if look.run and look.changes)


def _by_field(counts: Mapping[str, Counts]) -> list[tuple[str, str, str, int]]:
    """Entity, system, field and how many differ, most first."""
    found = [
        (entity, system, name, count)
        for entity, one in counts.items()
        for (system, name), count in one.by_field.items()
    ]
    return sorted(found, key=lambda one: (-one[3], one))


def _by_location(counts: Mapping[str, Counts], outlets: Mapping[str, str]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for one in counts.values():
        for place, count in one.by_location.items():
            name = outlets.get(place, place)
            found[name] = found.get(name, 0) + count
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))


def _told(visit: Visit, look: Look) -> Told | None:
    """Warnings of documents: an order without its sale, totals that differ. None where there are none."""
    if look.entity not in DOCUMENTS or look.run is None or not look.run.accounts.get("holds"):
        return None
    try:
        found = visit.ports.staging(look.run.id).read_document("plan")["warnings"]
    except SyncError:  # the files of a run are cleared when it is old
        found = None
    if found is None:
        return Told(look.entity, (), 0, cleared=True)
    return Told(look.entity, found[:LISTED], len(found), cleared=False) if found else None


# ---------------------------------------------------------------- what is done


def _may_all(visit: Visit) -> bool:
    """Whether this person may do what a reconciliation that mends does: run every entity."""
    return all(visit.may(one) for one in (RECONCILE, *visit.settings.synced_entities))


def _require_all(visit: Visit) -> None:
    for one in (RECONCILE, *visit.settings.synced_entities):
        required(visit, one)


def _asked_for(visit: Visit, form: Form, given: Mapping[str, str]) -> list[ChangeRow]:
    """The ticked changes, or all that match the filter; one more than MOST where there are more. Those of entities this
    person may not see are left out."""
    drifting = _drifting(visit)
    if form.one("do") == "matching":
        chosen = _chosen(_looks(visit, given["run"]), given)
        found: list[ChangeRow] = []
        for look in chosen:
            if look.run is not None and len(found) <= MOST:
                wanted = _wanted(given, _outlets(visit))
                found += drifting.changes(look.run.id, wanted, None, MOST + 1 - len(found))
        return found
    ids = {one for told in form.all("change")[: MOST * 5] if (one := uuid_of(told)) is not None}
    return [change for change in drifting.chosen(ids) if change.entity in visit.entities] if ids else []


def _start(visit: Visit, keys: Keys) -> str:
    """Start the runs, and tell what was done. Raises CannotStart where none could be started."""
    started, problems = [], []
    for entity, wanted in keys.by_entity.items():
        try:
            visit.ports.start(entity, {"keys": wanted}, visit.person)
        except CannotStart as problem:
            problems.append(str(problem))
        else:
            started.append(f"{entity_title(entity)} ({number(len(wanted))})")
    if problems and not started:
        raise CannotStart(" ".join(problems))
    sentences = []
    if started:
        sentences.append(
            f"Runs were started of {', '.join(started)}. Reconcile again afterwards to see what is left."
        )
    sentences += problems
    if keys.without:
        named = ", ".join(keys.without[:5]) + (
            f" and {len(keys.without) - 5} more" if len(keys.without) > 5 else ""
        )
        sentences.append(f"Without a SKU, so only a run in full reaches them: {named}.")
    return " ".join(sentences) or "Nothing was chosen, so nothing was started."
