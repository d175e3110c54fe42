"""What can be known before stock is read or written: scopes, channels, and what offers name."""

from __future__ import annotations

from retail_sync.commercetools.api.channels import (
    EXPORT,
    SUPPLY,
    Channels,
    read_only_channels,
    shown_channels,
)
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.references import read_channels, read_listings, read_project
from retail_sync.commercetools.api.scopes import check_scopes, read_grant
from retail_sync.commercetools.api.wire import Project
from retail_sync.commercetools.inventory.assortments import (
    REMEDY,
    offered_selections,
    offered_stores,
    unusable,
)
from retail_sync.records.ports.inventory import Reserved
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.validation.inventory import require_reserved

_OFFERS = "inventory.channels"


@preflight
async def check(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """All findings about stock; a scope that is missing or a project that can't be read ends the list."""
    grant = await read_grant(report, client)
    able = "entries can be written, orders can be read"
    check_scopes(report, grant, _needed(settings), ok=able, missing_for="stock")
    with report.faults_of("channels", end=True):
        project = await read_project(client)
        channels = Channels.of(await read_channels(client))
    _channels(report, channels, settings)
    _export(report, channels, settings)
    with report.faults_of("inventory.reserved"):
        _reserving(report, project, settings)
    with report.faults_of(_OFFERS):
        await _offers(report, client, settings)
    first = [("sort", "id asc")]
    await report.probe("inventory", client.page("/inventory", first, 1), "inventory can be read")
    await report.probe("orders", client.page("/orders", first, 1, withhold=True), "orders can be read")


def _needed(settings: SyncSettings) -> list[str]:
    """Whether carts may reserve, entries and channels, the orders that hold goods; and what offers name."""
    needed = ["view_project_settings", "manage_products", "view_orders"]
    if offered_stores(settings):
        needed.append("view_stores")
    if offered_selections(settings) or offered_stores(settings):
        needed.append("view_product_selections")
    return needed


def _channels(report: PreflightReport, channels: Channels, settings: SyncSettings) -> None:
    for key in sorted(shown_channels(settings) | read_only_channels(settings)):
        subject = f"channel {key}" if key else "entries without a channel"
        if not channels.lacking([key], SUPPLY):
            report.ok(subject, "shows stock")
            continue
        there = key in channels.by_key
        finding = f"has no role {SUPPLY}" if there else "does not exist"
        if settings.inventory.create_channels and key in shown_channels(settings):
            report.warn(subject, f"{finding}; the next run {'adds it' if there else 'creates it'}")
        else:
            report.error(
                subject,
                finding,
                f"Create it in commercetools with the role {SUPPLY}, correct its key in the configuration, or set "
                "`inventory.create_channels: true`.",
            )


def _export(report: PreflightReport, channels: Channels, settings: SyncSettings) -> None:
    key = settings.inventory.export_channel
    if channels.has_role(key, EXPORT):
        report.ok("inventory.export_channel", f"channel {key} marks exported orders")
        return
    finding = f"has no role {EXPORT}" if key in channels.by_key else "does not exist"
    report.warn(
        "inventory.export_channel",
        f"channel {key} {finding}: no order is ever marked as exported, so each counts as open until it is closed",
        f"Create the channel with the role {EXPORT} and have whoever brings orders to the till mark them with it.",
    )


def reserved_in(project: Project) -> Reserved:
    """Carts may reserve where the project says for how long (API reference, `InventoryMode`). Whether expired
    reservations are given back says nothing about that: it is so in every project by default."""
    inventory = project.inventory
    return "carts" if inventory and inventory.reservationExpirationInMinutes is not None else "orders"


def _reserving(report: PreflightReport, project: Project, settings: SyncSettings) -> None:
    subject = "inventory.reserved"
    if require_reserved(settings, reserved_in(project)) == "orders":
        report.ok(subject, "what entries have reserved are web orders")
        return
    report.ok(subject, "carts may reserve; what entries have reserved is not offered again")
    if project.inventory is not None and not project.inventory.releaseExpiredReservations:
        report.warn(
            subject,
            "expired reservations are not given back: what is left in a cart is offered to nobody until the cart goes",
            "Set `releaseExpiredReservations` of the project, if that is not intended.",
        )


async def _offers(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    selections, stores = offered_selections(settings), offered_stores(settings)
    if not (selections or stores):
        return
    listings = await read_listings(client, selections, stores)
    problems = list(unusable(listings, selections, stores))
    for problem in problems:
        report.error(_OFFERS, problem, REMEDY)
    empty = [
        key
        for key in stores
        if key in listings.stores and not any(s.active for s in listings.stores[key].productSelections or ())
    ]
    for key in empty:
        report.warn(
            _OFFERS,
            f"store {key} has no active product selection: nothing is offered by it",
            "Give the store a selection, or name selections in the offer instead.",
        )
    if not (problems or empty):
        report.ok(_OFFERS, "every selection and store of an offer exists")
