"""Is the store ready for stock: scopes, outlets, and the reasons adjustments are given?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.outlets import outlets_named, read_outlets
from retail_sync.lightspeed.x_series.inventory import adjustments as adjusting
from retail_sync.lightspeed.x_series.inventory import consignments as incoming
from retail_sync.lightspeed.x_series.inventory import open_sales
from retail_sync.lightspeed.x_series.inventory.feeds import LISTED_BY_POST_SINCE
from retail_sync.lightspeed.x_series.inventory.feeds import PATH as LEVELS
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings

Ask = Callable[[], Awaitable[Body]]
Query = dict[str, str | int | float | bool | None | Sequence[str | int | float | bool | None]]


def writes_levels(settings: SyncSettings) -> bool:
    """Whether anybody but Lightspeed counts stock at some location, so that its levels are written."""
    return any(location.owner != "lightspeed" for location in settings.locations)


async def check(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about stock; what the store refuses ends the list. Nothing is written."""
    found = [result for one in _reads(client, settings) for result in await _asked(*one)]
    if any(result.level == "error" for result in found):
        return found
    found = [CheckResult("ok", "scopes", "everything stock needs can be read"), *found]
    try:
        found += await _outlets(client, settings)
        if writes_levels(settings):
            found += await _reasons(client, settings)
    except SyncError as problem:
        found.append(CheckResult("error", "inventory", problem.message, problem.remedy))
    return found


def _reads(client: XSeriesClient, settings: SyncSettings) -> Iterator[tuple[str, str, Ask]]:
    """Method, path and request of every kind of read this configuration leads to."""
    page: Query = {"page_size": 1}
    yield "GET", "/outlets", lambda: client.get("/outlets", page)
    if client.connection.api_version >= LISTED_BY_POST_SINCE:
        yield "POST", LEVELS, lambda: client.ask(LEVELS, {"size": 1})
    else:
        yield "GET", LEVELS, lambda: client.get(LEVELS, page)
    if writes_levels(settings):
        # Adjustments are listed with the scope that makes them, so this shows whether they can be made.
        yield "GET", adjusting.PATH, lambda: client.get(adjusting.PATH, page)
    if settings.inventory.held_by_open_sales:
        query: Query = {"type": "sales", "state": open_sales.OPEN, **page}
        yield "GET", open_sales.PATH, lambda: client.get(open_sales.PATH, query, withhold=True)
    if settings.inventory.count_incoming:
        yield "GET", incoming.PATH, lambda: client.get(incoming.PATH, page)


async def _asked(method: str, path: str, ask: Ask) -> list[CheckResult]:
    try:
        await ask()
    except SyncError as problem:
        refused = isinstance(problem, ConfigurationFault) and problem.status == 403
        scope = "sales:read" if path == open_sales.PATH else scope_of(method, path)
        subject = f"scope {scope}" if refused else f"{method} {path}"
        return [CheckResult("error", subject, problem.message, problem.remedy)]
    return []


async def _outlets(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    outlets = await read_outlets(client)
    known = ", ".join(sorted(outlet.name for outlet in outlets)) or "none"
    found = []
    for location in settings.locations:
        same = outlets_named(location.outlet, outlets)
        subject = f"location {location.name}"
        if len(same) == 1:
            found.append(CheckResult("ok", subject, f"outlet {same[0].name}"))
            continue
        several = f"There are {len(same)} outlets {location.outlet!r}."
        finding = several if same else f"There is no outlet {location.outlet!r}; the store has {known}."
        found.append(
            CheckResult(
                "error", subject, finding, "Correct `locations` in the configuration, or the outlets."
            )
        )
    return found


async def _reasons(client: XSeriesClient, settings: SyncSettings) -> list[CheckResult]:
    configured = adjusting.configured_reasons(settings.inventory.adjusting)
    custom = (
        await adjusting.read_reasons(client)
        if any(name not in adjusting.FIXED_REASONS for _, _, name in configured)
        else []
    )
    found = []
    for setting, sign, name in configured:
        try:
            adjusting.reason_fields(name, sign, custom)
        except ConfigurationFault as problem:
            found.append(CheckResult("error", setting, problem.message, problem.remedy))
        else:
            found.append(CheckResult("ok", setting, name))
    return found
