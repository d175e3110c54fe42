"""Holds: what is kept back, why, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from retail_sync.console.deciding import PRESSES, Press, carry_out, work_of
from retail_sync.console.views import evidence
from retail_sync.console.visit import Form, Looking, Sent, Visit, required
from retail_sync.console.vocabulary import PRESSED
from retail_sync.ledger.queries.hold_queue import HoldFilter, HoldPlace, Worklist
from retail_sync.ledger.rows import Hold
from retail_sync.sync.queries import hold_actions as deciding

router = APIRouter()

PAGE = 50
CONFIRMED_ABOVE = 20
"""An action on more records than this is shown before it is done."""
BULK: tuple[Press, ...] = ("retry", "dismiss", "left", "right", "approve", "reject")
FILTERS = ("entity", "code", "system", "severity", "text", "dismissed")


@router.get("/holds")
def listed(visit: Looking) -> Response:
    """The worklist."""
    given = {name: visit.query(name) for name in FILTERS}
    worklist = Worklist(visit.ledger.engine)
    wanted = HoldFilter(
        entities=[one for one in visit.entities if given["entity"] in ("", one)],
        code=given["code"],
        system=given["system"],
        severity=given["severity"],
        text=given["text"],
        dismissed=given["dismissed"] == "yes",
    )
    found = worklist.page(wanted, _place(visit.query("after")), PAGE + 1)
    holds = found[:PAGE]
    more = f"{holds[-1].first_seen_at.isoformat()}|{holds[-1].id}" if len(found) > PAGE else None
    return visit.page(
        "holds.html",
        given=given,
        reasons=worklist.reasons(visit.entities),
        holds=holds,
        dismissed=worklist.dismissed([one.id for one in holds]) if wanted.dismissed else set(),
        possible={one.id: deciding.choices(one) for one in holds},
        sides={one.id: deciding.sides(one) for one in holds},
        **visit.pager("/holds", given, more),
        confirmed_above=CONFIRMED_ABOVE,
    )


@router.post("/holds")
def pressed(visit: Looking, form: Sent) -> Response:
    """An action on the ticked holds."""
    press = _press(form, BULK)
    seen = _seen(form)
    holds = _allowed(visit, seen)
    back = {name: form.one(name) for name in FILTERS}
    if len(holds) > CONFIRMED_ABOVE and form.one("confirmed") != "yes":
        work = work_of(press, holds, seen, visit.person.name, note=form.one("note"))
        return visit.page(
            "holds_confirm.html",
            press=press,
            words=PRESSED[press],
            work=work,
            seen=seen,
            note=form.one("note"),
            back=back,
        )
    work = work_of(press, holds, seen, visit.person.name, note=form.one("note"))
    return visit.go("/holds", carry_out(visit, press, work), **back)


@router.get("/holds/{hold_id}")
def shown(visit: Looking, hold_id: int) -> Response:
    """One hold, with its evidence side by side."""
    worklist = Worklist(visit.ledger.engine)
    hold = _one(visit, worklist, hold_id)
    return visit.page(
        "hold.html",
        hold=hold,
        is_dismissed=bool(worklist.dismissed([hold.id])),
        possible=deciding.choices(hold),
        sides=deciding.sides(hold),
        partners=deciding.partners(hold),
        lines=deciding.identity_lines(hold),
        price=deciding.price_line(hold),
        table=evidence.table_of(hold),
        rest=evidence.rest_of(hold),
        jump=evidence.jump_of(hold),
        others=worklist.others(hold),
        decisions=worklist.said(hold.entity, hold.subject),
    )


@router.post("/holds/{hold_id}")
def decided(visit: Looking, form: Sent, hold_id: int) -> Response:
    """A decision about one hold, or about all conflicts of its record."""
    worklist = Worklist(visit.ledger.engine)
    hold = _one(visit, worklist, hold_id)
    required(visit, hold.entity)
    press = _press(form, PRESSES)
    holds = [hold]
    seen = _seen(form) or {hold.id: form.one("seen")}
    if form.one("all") == "yes":
        holds += [one for one in worklist.others(hold) if one.code == hold.code and one.released_at is None]
    work = work_of(press, holds, seen, visit.person.name, note=form.one("note"), chosen=form.one("chosen"))
    return visit.go(f"/holds/{hold.id}", carry_out(visit, press, work))


def _one(visit: Visit, worklist: Worklist, hold_id: int) -> Hold:
    """Raises HTTPException (404) for a hold that is not there, or of an entity this person may not see."""
    found = worklist.holds([hold_id]) if 0 < hold_id < 2**63 else []
    if not found or found[0].entity not in visit.entities:
        raise HTTPException(404)
    return found[0]


def _allowed(visit: Visit, seen: Mapping[int, str]) -> list[Hold]:
    """The ticked holds this person may see. Raises Refused where one is of an entity this person may not act on."""
    holds = [one for one in Worklist(visit.ledger.engine).holds(seen) if one.entity in visit.entities]
    for entity in sorted({hold.entity for hold in holds}):
        required(visit, entity)
    return holds


def _press(form: Form, allowed: tuple[Press, ...]) -> Press:
    given = form.one("do")
    if given not in allowed:
        raise HTTPException(400)
    return given


def _seen(form: Form) -> dict[int, str]:
    """Ids of holds with the fingerprints they were shown with, as `12:abc` in the fields `hold`."""
    found: dict[int, str] = {}
    for one in form.all("hold"):
        number, _, fingerprint = one.partition(":")
        if number.isascii() and number.isdigit() and len(number) < 20 and int(number) < 2**63:
            found[int(number)] = fingerprint
    return found


def _place(told: str) -> HoldPlace | None:
    """Where the page begins; what makes no sense is the beginning."""
    at, _, number = told.partition("|")
    try:
        moment, hold_id = datetime.fromisoformat(at), int(number)
    except ValueError:
        return None
    return HoldPlace(moment, hold_id) if moment.tzinfo and 0 <= hold_id < 2**63 else None
