"""What can be known before stock is read or written: scopes, channels, and what offers name."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.commercetools.api.channels import (
    EXPORT,
    SUPPLY,
    Channels,
    read_only_channels,
    shown_channels,
)
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import STOCK_SCOPES
from retail_sync.commercetools.api.references import read_channels, read_listings, read_project
from retail_sync.commercetools.api.scopes import covers
from retail_sync.commercetools.api.wire import Project
from retail_sync.commercetools.inventory.assortments import (
    REMEDY,
    offered_selections,
    offered_stores,
    unusable,
)
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.inventory import Reserved
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.stockchecks import require_reserved

Results = Iterator[CheckResult]


async def check(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings about stock; a scope that is missing or a project that can't be read ends the list."""
    try:
        granted = await client.granted_scopes()
    except SyncError as fault:
        return [CheckResult("error", "credentials", fault.message, fault.remedy)]
    found = [*_scopes(granted, client.connection.project_key, settings)]
    try:
        project = await read_project(client)
        channels = Channels.of(await read_channels(client))
    except SyncError as fault:
        return [*found, CheckResult("error", "channels", fault.message, fault.remedy)]
    found += _channels(channels, settings)
    found += _export(channels, settings)
    found += _reserving(project, settings)
    try:
        found += await _offers(client, settings)
    except SyncError as fault:
        found.append(CheckResult("error", "inventory.channels", fault.message, fault.remedy))
    for path, withhold in (("/inventory", False), ("/orders", True)):
        try:
            await client.page(path, [("sort", "id asc")], 1, withhold=withhold)
        except SyncError as fault:
            found.append(CheckResult("error", path[1:], fault.message, fault.remedy))
        else:
            found.append(CheckResult("ok", path[1:], f"{path[1:]} can be read"))
    return found


def _scopes(granted: frozenset[str], project: str, settings: SyncSettings) -> Results:
    needed = [
        *STOCK_SCOPES,
        *(["view_stores"] if offered_stores(settings) else []),
        *(["view_product_selections"] if offered_selections(settings) or offered_stores(settings) else []),
    ]
    missing = [scope for scope in needed if not covers(granted, scope, project)]
    if f"manage_project:{project}" in granted or not missing:
        yield CheckResult("ok", "scopes", "entries can be written, orders can be read")
        return
    yield CheckResult(
        "error",
        "scopes",
        f"missing for stock: {', '.join(missing)}",
        f"Give the API client {', '.join(f'{scope}:{project}' for scope in missing)} and put its new credentials into "
        "the connection; also check `scopes` there.",
    )


def _channels(channels: Channels, settings: SyncSettings) -> Results:
    creates = settings.inventory.create_channels
    for key in sorted(shown_channels(settings) | read_only_channels(settings)):
        subject = f"channel {key}" if key else "entries without a channel"
        if not channels.lacking([key], SUPPLY):
            yield CheckResult("ok", subject, "shows stock")
            continue
        there = key in channels.by_key
        finding = f"has no role {SUPPLY}" if there else "does not exist"
        if creates and key in shown_channels(settings):
            yield CheckResult(
                "warning", subject, f"{finding}; the next run {'adds it' if there else 'creates it'}"
            )
        else:
            yield CheckResult(
                "error",
                subject,
                finding,
                f"Create it in commercetools with the role {SUPPLY}, correct its key in the configuration, or set "
                "`inventory.create_channels: true`.",
            )


def _export(channels: Channels, settings: SyncSettings) -> Results:
    key = settings.inventory.export_channel
    if channels.has_role(key, EXPORT):
        yield CheckResult("ok", "inventory.export_channel", f"channel {key} marks exported orders")
        return
    finding = f"has no role {EXPORT}" if key in channels.by_key else "does not exist"
    yield CheckResult(
        "warning",
        "inventory.export_channel",
        f"channel {key} {finding}: no order is ever marked as exported, so each counts as open until it is closed",
        f"Create the channel with the role {EXPORT} and have whoever brings orders to the till mark them with it.",
    )


def reserved_in(project: Project) -> Reserved:
    """Carts may reserve where the project says for how long (API reference, `InventoryMode`). Whether expired
    reservations are given back says nothing about that: it is so in every project by default."""
    inventory = project.inventory
    return "carts" if inventory and inventory.reservationExpirationInMinutes is not None else "orders"


def _reserving(project: Project, settings: SyncSettings) -> Results:
    subject = "inventory.reserved"
    try:
        reserved = require_reserved(settings, reserved_in(project))
    except ConfigurationFault as fault:
        yield CheckResult("error", subject, fault.message, fault.remedy)
        return
    if reserved == "orders":
        yield CheckResult("ok", subject, "what entries have reserved are web orders")
        return
    yield CheckResult("ok", subject, "carts may reserve; what entries have reserved is not offered again")
    if project.inventory is not None and not project.inventory.releaseExpiredReservations:
        yield CheckResult(
            "warning",
            subject,
            "expired reservations are not given back: what is left in a cart is offered to nobody until the cart goes",
            "Set `releaseExpiredReservations` of the project, if that is not intended.",
        )


async def _offers(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    selections, stores = offered_selections(settings), offered_stores(settings)
    if not (selections or stores):
        return []
    listings = await read_listings(client, selections, stores)
    found = [
        CheckResult("error", "inventory.channels", problem, REMEDY)
        for problem in unusable(listings, selections, stores)
    ]
    found += [
        CheckResult(
            "warning",
            "inventory.channels",
            f"store {key} has no active product selection: nothing is offered by it",
            "Give the store a selection, or name selections in the offer instead.",
        )
        for key in stores
        if key in listings.stores and not any(s.active for s in listings.stores[key].productSelections or ())
    ]
    return found or [CheckResult("ok", "inventory.channels", "every selection and store of an offer exists")]
