"""Is the store ready for stock: scopes, outlets, and the reasons adjustments are given?"""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.outlets import outlets_named, read_outlets
from retail_sync.lightspeed.x_series.api.paging import SEARCH
from retail_sync.lightspeed.x_series.api.probes import ONE, Read, check_reads
from retail_sync.lightspeed.x_series.inventory import adjustments as adjusting
from retail_sync.lightspeed.x_series.inventory import consignments as incoming
from retail_sync.lightspeed.x_series.inventory import open_sales
from retail_sync.lightspeed.x_series.inventory.feeds import LISTED_BY_POST_SINCE
from retail_sync.lightspeed.x_series.inventory.feeds import PATH as LEVELS
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings


def writes_levels(settings: SyncSettings) -> bool:
    """Whether anybody but Lightspeed counts stock at some location, so that its levels are written."""
    return any(location.owner != "lightspeed" for location in settings.locations)


@preflight
async def check(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    """All findings about stock; what the store refuses ends the list. Nothing is written."""
    by_post = client.connection.api_version >= LISTED_BY_POST_SINCE
    await check_reads(report, client, _reads(settings, by_post))
    report.ok("scopes", "everything stock needs can be read")
    with report.faults_of("inventory"):
        await _outlets(report, client, settings)
        if writes_levels(settings):
            await _reasons(report, client, settings)


def _reads(settings: SyncSettings, by_post: bool) -> Iterator[Read]:
    """Every kind of read this configuration leads to."""
    yield Read("/outlets")
    yield Read(LEVELS, body={"size": 1} if by_post else None)
    if writes_levels(settings):
        # Adjustments are listed with the scope that makes them, so this shows whether they can be made.
        yield Read(adjusting.PATH)
    if settings.inventory.held_by_open_sales:
        yield Read(SEARCH, {"type": "sales", "state": open_sales.OPEN, **ONE}, withhold=True)
    if settings.inventory.count_incoming:
        yield Read(incoming.PATH)


async def _outlets(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    outlets = await read_outlets(client)
    known = ", ".join(sorted(outlet.name for outlet in outlets)) or "none"
    for location in settings.locations:
        same = outlets_named(location.outlet, outlets)
        subject = f"location {location.name}"
        if len(same) == 1:
            report.ok(subject, f"outlet {same[0].name}")
            continue
        several = f"There are {len(same)} outlets {location.outlet!r}."
        finding = several if same else f"There is no outlet {location.outlet!r}; the store has {known}."
        report.error(subject, finding, "Correct `locations` in the configuration, or the outlets.")


async def _reasons(report: PreflightReport, client: XSeriesClient, settings: SyncSettings) -> None:
    configured = adjusting.configured_reasons(settings.inventory.adjusting)
    custom = (
        await adjusting.read_reasons(client)
        if any(name not in adjusting.FIXED_REASONS for _, _, name in configured)
        else []
    )
    for setting, sign, name in configured:
        with report.faults_of(setting):
            adjusting.reason_fields(name, sign, custom)
            report.ok(setting, name)
