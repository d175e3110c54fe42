"""Runs: their accounts, what each would do or did, and the button that applies exactly the plan of a dry run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast, get_args
from urllib.parse import quote

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from retail_sync.console.bounds import change_place_of, number_of, told_change_place
from retail_sync.console.spreadsheet import download
from retail_sync.console.views import accounts, plans
from retail_sync.console.visit import Looking, Sent, Visit, required
from retail_sync.ledger.queries.runs import (
    COUNTED,
    Browsing,
    ChangeFilter,
    RunFilter,
    RunKind,
    RunPlace,
    place_of,
)
from retail_sync.ledger.rows import OUTCOMES, Run, RunState

router = APIRouter()

RUNS = 50
"""Runs on a page."""
CHANGES = 50
"""Changes on a page."""
HOLDS = 50
"""Holds on a page."""
KINDS: Mapping[str, str] = {"dry": "dry runs", "real": "runs that write"}
STATES: tuple[RunState, ...] = get_args(RunState)
TRIGGERS = ("backfill",)
"""DAGs whose runs start the runs of entities, and have no account themselves."""


@router.get("/runs")
def listed(visit: Looking) -> Response:
    """All runs, newest first."""
    wanted, given, problem = _wanted_runs(visit)
    found = (
        _browsing(visit).runs(wanted, _run_place(visit.query("after")), RUNS + 1) if wanted.entities else []
    )
    shown = found[:RUNS]
    more = _told_place(shown[-1]) if len(found) > RUNS else None
    return visit.page(
        "runs.html",
        runs=shown,
        given=given,
        problem=problem,
        states=STATES,
        kinds=KINDS,
        **visit.pager("/runs", given, more),
    )


@router.get("/runs/of/{dag_id}/{airflow_run_id:path}")
def of_airflow(visit: Looking, dag_id: str, airflow_run_id: str) -> Response:
    """The runs of one run of Airflow's: the page of its tab. One entity's is shown at once."""
    found = [run for run in _browsing(visit).runs_of(dag_id, airflow_run_id) if run.entity in visit.entities]
    if len(found) == 1:
        return _page(visit, found[0])
    return visit.page(
        "runs_of.html",
        runs=found,
        dag_id=dag_id,
        airflow_run_id=airflow_run_id,
        expected=dag_id in (*visit.entities, "reconcile"),
        triggers=dag_id in TRIGGERS,
    )


@router.get("/runs/{run_id:path}/plan.csv")
def exported(visit: Looking, run_id: str) -> Response:
    """The plan of a run, filtered as on its page."""
    run = _seen(visit, run_id)
    changes = _browsing(visit).every_change(run.id, _wanted_changes(visit))
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"plan-{run.id}")
    return download(name, plans.HEAD, plans.lines_of(changes))


@router.get("/runs/{run_id:path}")
def shown(visit: Looking, run_id: str) -> Response:
    """One run."""
    return _page(visit, _seen(visit, run_id))


@router.post("/runs/{run_id:path}/apply")
def applied(visit: Looking, form: Sent, run_id: str) -> Response:
    """Start a run that writes what this dry run planned, if that is still what would be done."""
    run = _seen(visit, run_id)
    required(visit, run.entity)
    if not _has_plan(run):
        return visit.go(
            accounts.path_of(run.id),
            "Only the plan of a dry run that ended well, and has changes, can be applied.",
        )
    started = visit.ports.start(run.entity, {"plan": run.id}, visit.person)
    return visit.go(
        f"/runs/of/{run.entity}/{quote(started, safe=':+')}",
        f"The run {started} was started: it makes the plan of {run.id} again, and writes it if it is still the same.",
    )


def _page(visit: Visit, run: Run) -> Response:
    """A run with a page of its plan, and one of the holds it found."""
    browsing, wanted = _browsing(visit), _wanted_changes(visit)
    given = {name: value for name, value in asdict(wanted).items() if value}
    counts = visit.ledger.changes.breakdown(run.id)
    found = browsing.changes(run.id, wanted, change_place_of(visit.query("after")), CHANGES + 1)
    holds = browsing.holds_of(run.id, number_of(visit.query("holds_after")), HOLDS + 1)
    changes = found[:CHANGES]
    path = accounts.path_of(run.id)
    applied_by = browsing.applied_by(run) if accounts.is_dry(run) else []
    more = told_change_place(place_of(changes[-1])) if len(found) > CHANGES else None
    more_holds = str(holds[HOLDS - 1].id) if len(holds) > HOLDS else None
    holds_pager = visit.pager(path, given, more_holds, "holds_after")
    return visit.page(
        "run.html",
        run=run,
        path=path,
        given=given,
        counts=counts,
        total=sum(one.count for one in counts),
        matching=browsing.count(run.id, wanted) if wanted.limits else None,
        counted=COUNTED,
        choices=_choices(counts),
        fields=browsing.fields(run.id) if counts else [],
        changes=changes,
        **visit.pager(path, given, more),
        holds=holds[:HOLDS],
        holds_next=holds_pager["next"],
        holds_first=holds_pager["first"],
        appliable=_has_plan(run),
        writes=accounts.would_write(run, counts),
        applied_by=applied_by,
        done=next((one for one in applied_by if one.state != "failed"), None),
    )


def _browsing(visit: Visit) -> Browsing:
    return Browsing(visit.ledger.engine)


def _seen(visit: Visit, run_id: str) -> Run:
    """The run, if this person may see its entity. Raises HTTPException (404) otherwise, as where there is none: who may
    not see it learns nothing of it."""
    run = _browsing(visit).run(run_id)
    if run is None or run.entity not in visit.entities:
        raise HTTPException(404)
    return run


def _has_plan(run: Run) -> bool:
    return accounts.is_dry(run) and run.state == "succeeded" and bool(run.accounts.get("changes"))


# --- what the address asks for ---


def _wanted_runs(visit: Visit) -> tuple[RunFilter, dict[str, str], str]:
    """The filter, its fields as they were given, and what is wrong with them in words."""
    given = {name: visit.query(name) for name in ("entity", "state", "kind", "since", "until")}
    entity, state, kind = given["entity"], given["state"], given["kind"]
    since, until = _day(given["since"]), _day(given["until"])
    wrong = [name for name, day in (("since", since), ("until", until)) if given[name] and day is None]
    for name in wrong:
        given[name] = ""
    wanted = RunFilter(
        entities=[one for one in visit.entities if entity in ("", one)],
        state=state if state in STATES else None,
        kind=cast("RunKind", kind) if kind in KINDS else None,
        since=since,
        until=until + timedelta(days=1) if until else None,
    )
    problem = "Give days as 2026-01-31; what could not be read was left out." if wrong else ""
    return wanted, given, problem


def _wanted_changes(visit: Visit) -> ChangeFilter:
    return ChangeFilter(
        **{name: visit.query(name) for name in ("system", "action", "kind", "outcome", "field", "text")}
    )


def _choices(counts: Any) -> dict[str, list[str]]:
    """What of a run can be chosen to filter by: only what it has."""
    found = {name: sorted({getattr(one, name) for one in counts}) for name in ("system", "kind", "action")}
    present = {one.outcome for one in counts}
    return {**found, "outcome": [one for one in OUTCOMES if one in present]}


# --- places in lists, as an address holds them; one that makes no sense is the beginning ---


def _told_place(run: Run) -> str:
    return f"{run.started_at.isoformat()}|{run.id}"


def _run_place(told: str) -> RunPlace | None:
    at, bar, run_id = told.partition("|")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return RunPlace(moment, run_id) if bar and moment.tzinfo else None


def _day(told: str) -> datetime | None:
    try:
        found = date.fromisoformat(told)
        return datetime(found.year, found.month, found.day, tzinfo=UTC) if 1970 <= found.year < 9000 else None
    except ValueError:
        return None
