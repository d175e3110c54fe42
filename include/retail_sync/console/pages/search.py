"""Search: what anything is the name of, the whole life of a record, and what was said over the wire for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from retail_sync.console.bounds import uuid_of
from retail_sync.console.views import search, timeline
from retail_sync.console.views.documents import papers_of
from retail_sync.console.views.search import Filters
from retail_sync.console.visit import Looking, Sent, Visit
from retail_sync.ledger.queries.records import Address, both_sides
from retail_sync.ledger.queries.search import Found, FoundRecord, Searching
from retail_sync.ledger.queries.timeline import Page, Records, Timeline, Wanted
from retail_sync.records.inventory import shown as units

router = APIRouter()

ROWS = 50
"""Rows of a timeline on a page."""
REQUESTS = 200
"""Requests of one change that are listed."""
NO_ADDRESSES = (
    "E-mail addresses are not taken from an address line, where they are kept: type it into the field."
)


@router.get("/search")
def show(visit: Looking) -> Response:
    """What was found for a text, and what happened to it; without a text, what happened last."""
    typed = visit.query("q")[: search.LONGEST]
    if search.digests_of(visit, typed) is not None:
        return visit.go("/search", NO_ADDRESSES)
    filters = search.filters_of(visit.request.query_params, visit.entities)
    searching = Searching(visit.ledger.engine)
    people = visit.request.query_params.getlist("person")[: search.MOST_PEOPLE]
    found = Found()
    if people:
        found = Found(records=tuple(_people(visit, searching, people)))
    elif typed:
        found = searching.find(typed, visit.entities)
    about = search.about_of(searching, found)
    page, wanted = Page([], None), None
    if about or not (typed or people):
        wanted = search.wanted_of(filters, visit, **about)
        page = _timeline(visit, wanted)
    given = {"q": typed, "person": people, **filters.given}
    return visit.page(
        "search.html",
        typed=typed,
        people=people,
        filters=filters,
        found=found,
        meanings=search.meanings(found.records),
        counts=_counts(visit, about, wanted),
        about=about,
        page=page,
        **_pager(visit, "/search", page, given),
    )


@router.post("/search")
def asked(visit: Looking, form: Sent) -> Response:
    """The search as it is sent: an e-mail address is looked up here and goes no further; everything else becomes an
    address that can be kept and passed on. Looking changes nothing, so that whoever may see may search."""
    typed = form.one("q")[: search.LONGEST]
    filters = search.filters_of({name: form.one(name) for name in Filters.NAMES}, visit.entities)
    digests = search.digests_of(visit, typed)
    if digests is None:
        return visit.go("/search", filters.problem, q=typed, **filters.given)
    if not digests:
        return visit.go("/search", "You may not look up customers, or this configuration does not sync them.")
    found = Searching(visit.ledger.engine).bearing(digests)
    if not found:
        return visit.go("/search", "The ledger knows nobody with this e-mail address.")
    if (alone := _one_person(visit, found)) is not None:
        return visit.go(search.record_path(*alone), "This is who bears the e-mail address.")
    return visit.go("/search", person=[one.subject for one in found[: search.MOST_PEOPLE]], **filters.given)


@router.get("/records/{entity}/{kind}/{system}/{record:path}")
def record(visit: Looking, entity: str, kind: str, system: str, record: str) -> Response:
    """A record on both sides, and its whole life."""
    if entity not in visit.entities:
        raise HTTPException(404)
    both = both_sides(visit.ledger.engine, Address(entity, kind, system, record))
    if both is None:
        raise HTTPException(404)
    filters = search.filters_of(visit.request.query_params, both.family)
    seen = [one for one in both.family if one in visit.entities and filters.entity in ("", one)]
    wanted = replace(search.wanted_of(filters, visit, records=both.records()), entities=seen)
    page = _timeline(visit, wanted)
    path = search.record_path(*both.address)
    return visit.page(
        "record.html",
        both=both,
        path=path,
        filters=filters,
        family=[one for one in both.family if one in visit.entities],
        counts=Timeline(visit.ledger.engine).counts(wanted),
        units=units,
        papers=papers_of(both),
        page=page,
        **_pager(visit, path, page, filters.given),
    )


@router.get("/changes/{change_id}")
def change(visit: Looking, change_id: str) -> Response:
    """One change, and the requests that were made for it."""
    rows = Timeline(visit.ledger.engine)
    named = uuid_of(change_id)
    found = rows.change(named) if named else None
    if found is None or found.entity not in visit.entities:
        raise HTTPException(404)
    return visit.page(
        "change.html",
        change=timeline.discreet(found),
        subject_path=timeline.subject_path(found.entity, found.kind, found.subject),
        exchanges=rows.exchanges_of(found, REQUESTS),
        most=REQUESTS,
    )


@router.get("/exchanges/{exchange_id}")
def exchange(visit: Looking, exchange_id: str) -> Response:
    """A request and its response as they were kept: redacted before they were stored."""
    found = Timeline(visit.ledger.engine).exchange(exchange_id)
    if found is None:
        raise HTTPException(404)
    kept, entity = found
    if entity not in visit.entities and not (entity is None and search.sees_everything(visit)):
        raise HTTPException(404)
    return visit.page(
        "exchange.html",
        exchange=kept,
        entity=entity,
        change=uuid_of(str(kept.context.get("change") or "")) or "",
    )


def _timeline(visit: Visit, wanted: Wanted) -> Page:
    return Timeline(visit.ledger.engine).page(wanted, search.place_of(visit.query("after")), ROWS)


def _pager(visit: Visit, path: str, page: Page, given: Mapping[str, Any]) -> dict[str, Any]:
    return visit.pager(path, given, search.told_place(page.next) if page.next else None)


def _counts(visit: Visit, about: dict[str, Any], wanted: Wanted | None) -> dict[str, int]:
    """Of records; codes say theirs themselves."""
    return (
        Timeline(visit.ledger.engine).counts(wanted)
        if wanted and isinstance(about.get("records"), Records)
        else {}
    )


def _people(visit: Visit, searching: Searching, subjects: list[str]) -> list[FoundRecord]:
    seen = [one for one in visit.entities if one == "customers"]
    return searching.records(subjects, seen, how="email") if seen else []


def _one_person(visit: Visit, found: list[FoundRecord]) -> Address | None:
    """The customer, where all that was found are one: alone, or both sides of a link."""
    first = found[0]
    both = both_sides(visit.ledger.engine, Address(first.entity, first.kind, first.system, first.id))
    ours = {(system, place.id) for system, place in both.places.items()} if both else set()
    return both.address if both and {(one.system, one.id) for one in found} <= ours else None
