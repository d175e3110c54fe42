"""What can be known before customers are read or written at the till: scopes, groups, places, loyalty."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.paging import Row, rows_of
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.customers.feeds import PATH, SEARCH, SHAPE
from retail_sync.lightspeed.x_series.customers.fields import FIXED, READ_ONLY, Places
from retail_sync.lightspeed.x_series.customers.groups import PATH as GROUPS
from retail_sync.lightspeed.x_series.customers.groups import REMEDY, read_groups
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.customers import CUSTOM_PREFIX, NEEDS_A_PLACE, TILL_PLACES
from retail_sync.settings.models import SyncSettings

READ_SCOPE = "customers:read"
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that no customer has: the search is tried without finding anybody."""
Results = Iterator[CheckResult]


async def check(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about customers; a scope that is missing ends the list. Nothing is written: whether the token may
    write shows in its scopes only."""
    if not settings.customers.synced:
        return []
    refused = [result async for result in _scopes(client)]
    if refused:
        return refused
    found = [
        CheckResult(
            "ok",
            "scopes",
            "customers can be read; to write them the token needs customers:write as well, which only a write shows",
        )
    ]
    places = Places.of_settings(settings)
    found.extend(_places(places))
    try:
        if "group" in places.reads:
            found += [result async for result in _groups(client, settings)]
        found += [result async for result in _loyalty(client, places)]
        found += [result async for result in _consents(client, places)]
    except SyncError as problem:
        found.append(CheckResult("error", "customers", problem.message, problem.remedy))
    return found


async def _scopes(client: XSeriesClient) -> AsyncIterator[CheckResult]:
    queries: dict[str, dict[str, str | int]] = {
        PATH: {"page_size": 1},
        SEARCH: {"type": "customers", "_id": NOBODY, "page_size": 1},
        GROUPS: {"page_size": 1},
    }
    for path, query in queries.items():
        try:
            await client.get(path, query, withhold=SHAPE)
        except SyncError as problem:
            subject = f"scope {READ_SCOPE}" if problem.status == 403 else f"GET {path}"
            yield CheckResult("error", subject, problem.message, problem.remedy)


def _places(places: Places) -> Results:
    customers = places.settings
    named = {name: customers.place_of(name, "lightspeed") for name in customers.fields if name not in FIXED}
    if customers.external_id_field:
        named["external_id"] = customers.external_id_field
    used = Counter(place for place in named.values() if place is not None)
    for name, place in named.items():
        subject = f"field {name}"
        if place is not None and place not in TILL_PLACES:
            yield CheckResult(
                "error",
                subject,
                f"a customer at the till has no field {place!r}",
                f"Use one of {', '.join(TILL_PLACES)}.",
            )
        elif place is not None and used[place] > 1:
            yield CheckResult(
                "error",
                subject,
                f"{place} is to hold several fields",
                "Give each of them a place of its own.",
            )
        elif place is not None and place in places.hidden:
            yield CheckResult(
                "warning",
                subject,
                f"{place} is kept out by privacy.exclude, so it does not sync",
                "Take it out of privacy.exclude.lightspeed, or the field out of customers.fields.",
            )
        elif place is None and (name in NEEDS_A_PLACE["lightspeed"] or name.startswith(CUSTOM_PREFIX)):
            yield CheckResult(
                "warning",
                subject,
                "the till has no place of its own for it, so it does not sync",
                f"Name one: `lightspeed: {TILL_PLACES[0]}`.",
            )
        elif place is not None:
            yield CheckResult("ok", subject, place)


async def _groups(client: XSeriesClient, settings: SyncSettings) -> AsyncIterator[CheckResult]:
    groups = await read_groups(client, settings.customers.groups)
    for pair in settings.customers.groups:
        subject = f"customer group {pair.commercetools}"
        problem = groups.problem_of(pair)
        if problem is None:
            yield CheckResult("ok", subject, pair.lightspeed)
        else:
            yield CheckResult("error", subject, problem, REMEDY)
    if groups.default_id is None:
        yield CheckResult(
            "warning",
            "customer groups",
            "The store has no group All Customers, so nobody can be taken out of a group.",
            "Give the group of everybody its name back.",
        )


async def _loyalty(client: XSeriesClient, places: Places) -> AsyncIterator[CheckResult]:
    configured = [n for n in ("loyalty_member", *sorted(READ_ONLY)) if n in places.reads]
    if not configured:
        return
    try:
        retailer: Any = single_of((await client.get("/retailer")).value, "/retailer")
    except SyncError as problem:
        subject = f"scope {scope_of('GET', '/retailer')}" if problem.status == 403 else "GET /retailer"
        yield CheckResult("warning", subject, problem.message, problem.remedy)
        return
    loyalty = retailer.get("loyalty")
    enabled = loyalty.get("enabled") if isinstance(loyalty, dict) else None
    if enabled:
        yield CheckResult("ok", "loyalty", "the store has a loyalty programme")
    else:
        yield CheckResult(
            "warning",
            "loyalty",
            "the store's loyalty programme is off"
            if enabled is False
            else "the store does not say whether it has a loyalty programme",
            f"Turn it on at the till, or take {', '.join(configured)} out of customers.fields.",
        )


async def _consents(client: XSeriesClient, places: Places) -> AsyncIterator[CheckResult]:
    if "consent_sms" not in places.reads:
        return
    answer = await client.get(PATH, {"page_size": 1}, withhold=SHAPE)
    rows: list[Row] = rows_of(answer.value, PATH)
    field = FIXED["consent_sms"]
    if rows and field not in rows[0]:
        yield CheckResult(
            "warning",
            "consent sms",
            f"customers at the till show no {field}, so this consent stays unknown",
            "Use a newer `api_version` in the connection, or take it out of customers.consents.",
        )
    else:
        yield CheckResult("ok", "consent sms", field)
