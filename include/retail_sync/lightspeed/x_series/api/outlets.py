"""Locations and the outlets behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.models import read_live
from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.lightspeed.x_series.api.wire import Outlet
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings


async def read_outlets(client: XSeriesClient) -> list[Outlet]:
    """All live outlets of the store."""
    return await read_live(client, "/outlets", Outlet)


def outlets_named(name: str, outlets: Iterable[Outlet]) -> list[Outlet]:
    """The outlets that a location names; more than one where the name is not enough to tell them apart."""
    return [outlet for outlet in outlets if same_name(outlet.name) == same_name(name)]


def outlets_of(locations: SyncSettings, outlets: Sequence[Outlet]) -> Mapping[str, str]:
    """Outlet ids by location name. Raises ConfigurationFault naming every location whose outlet does not exist, or
    whose outlet's name is that of several."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for location in locations.locations:
        same = outlets_named(location.outlet, outlets)
        if len(same) == 1:
            found[location.name] = same[0].id
        else:
            problems.append(
                f"location {location.name}: there {'is no outlet' if not same else 'are several outlets'} "
                f"{location.outlet!r}"
            )
    if problems:
        names = ", ".join(sorted(outlet.name for outlet in outlets)) or "none"
        raise ConfigurationFault(
            f"{'; '.join(problems)}.",
            system=SYSTEM,
            remedy=f"Correct `locations` in the configuration; the store has {names}.",
        )
    return found
