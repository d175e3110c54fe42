"""What can be known before customers are read or written at the till: scopes, groups, places, loyalty."""

from __future__ import annotations

from collections import Counter
from typing import Any

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.paging import rows_of
from retail_sync.lightspeed.x_series.api.probes import ONE, Read, check_reads, search
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.customers.feeds import PATH, SHAPE
from retail_sync.lightspeed.x_series.customers.fields import FIXED, READ_ONLY, Places
from retail_sync.lightspeed.x_series.customers.groups import PATH as GROUPS
from retail_sync.lightspeed.x_series.customers.groups import REMEDY, read_groups
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.customers import CUSTOM_PREFIX, NEEDS_A_PLACE, TILL_PLACES

READS = (
    Read(PATH, withhold=SHAPE),
    search("customers", SHAPE),
    Read(GROUPS, withhold=SHAPE),
)


@preflight
async def check(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    """All findings about customers; a scope that is missing ends the list. Nothing is written: whether the token may
    write shows in its scopes only."""
    if not settings.customers.synced:
        return
    await check_reads(report, client, READS)
    report.ok(
        "scopes",
        "customers can be read; to write them the token needs customers:write as well, which only a write shows",
    )
    places = Places.of_settings(settings)
    _places(report, places)
    with report.faults_of("customers"):
        if "group" in places.reads:
            await _groups(report, client, settings)
        await _loyalty(report, client, places)
        await _consents(report, client, places)


def _places(report: PreflightReport, places: Places) -> None:
    customers = places.settings
    named = {name: customers.place_of(name, "lightspeed") for name in customers.fields if name not in FIXED}
    if customers.external_id_field:
        named["external_id"] = customers.external_id_field
    used = Counter(place for place in named.values() if place is not None)
    for name, place in named.items():
        subject = f"field {name}"
        if place is None:
            if name in NEEDS_A_PLACE["lightspeed"] or name.startswith(CUSTOM_PREFIX):
                report.warn(
                    subject,
                    "the till has no place of its own for it, so it does not sync",
                    f"Name one: `lightspeed: {TILL_PLACES[0]}`.",
                )
        elif place not in TILL_PLACES:
            report.error(
                subject,
                f"a customer at the till has no field {place!r}",
                f"Use one of {', '.join(TILL_PLACES)}.",
            )
        elif used[place] > 1:
            report.error(
                subject, f"{place} is to hold several fields", "Give each of them a place of its own."
            )
        elif place in places.hidden:
            report.warn(
                subject,
                f"{place} is kept out by privacy.exclude, so it does not sync",
                "Take it out of privacy.exclude.lightspeed, or the field out of customers.fields.",
            )
        else:
            report.ok(subject, place)


async def _groups(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    groups = await read_groups(client, settings.customers.groups)
    for pair in settings.customers.groups:
        subject = f"customer group {pair.commercetools}"
        problem = groups.problem_of(pair)
        if problem is None:
            report.ok(subject, pair.lightspeed)
        else:
            report.error(subject, problem, REMEDY)
    if groups.default_id is None:
        report.warn(
            "customer groups",
            "The store has no group All Customers, so nobody can be taken out of a group.",
            "Give the group of everybody its name back.",
        )


async def _loyalty(report: PreflightReport, client: XSeriesClient, places: Places) -> None:
    configured = [n for n in ("loyalty_member", *sorted(READ_ONLY)) if n in places.reads]
    if not configured:
        return
    try:
        retailer: Any = single_of((await client.get("/retailer")).value, "/retailer")
    except SyncError as fault:
        subject = f"scope {scope_of('GET', '/retailer')}" if fault.status == 403 else "GET /retailer"
        report.warn(subject, fault.message, fault.remedy)
        return
    loyalty = retailer.get("loyalty")
    enabled = loyalty.get("enabled") if isinstance(loyalty, dict) else None
    if enabled:
        report.ok("loyalty", "the store has a loyalty programme")
    else:
        report.warn(
            "loyalty",
            "the store's loyalty programme is off"
            if enabled is False
            else "the store does not say whether it has a loyalty programme",
            f"Turn it on at the till, or take {', '.join(configured)} out of customers.fields.",
        )


async def _consents(report: PreflightReport, client: XSeriesClient, places: Places) -> None:
    if "consent_sms" not in places.reads:
        return
    rows = rows_of((await client.get(PATH, ONE, withhold=SHAPE)).value, PATH)
    field = FIXED["consent_sms"]
    if rows and field not in rows[0]:
        report.warn(
            "consent sms",
            f"customers at the till show no {field}, so this consent stays unknown",
            "Use a newer `api_version` in the connection, or take it out of customers.consents.",
        )
    else:
        report.ok("consent sms", field)
