"""What can be known before orders are read and marked, and in-store sales are written: scopes, the channel of marks,
stores, shipping methods, custom fields."""

from __future__ import annotations

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.channels import EXPORT, Channels
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.references import read_channels
from retail_sync.commercetools.api.scopes import check_scopes, read_grant
from retail_sync.records.ports.preflight import PreflightReport, preflight
from retail_sync.settings.models import SyncSettings

IMPORT = "OrderImport"
"""Role of a channel that marks imported orders."""
CONTAINER_SCOPES = ("manage_key_value_documents", "manage_orders", "manage_products", "manage_customers")
"""Any of them lets custom objects be written (API reference, `security` of POST /custom-objects)."""


def roles_of_marks(settings: SyncSettings) -> list[str]:
    """Roles the channel of marks needs for what the settings write."""
    roles = [EXPORT] if settings.orders.exported else []
    return [*roles, *([IMPORT] if settings.sales.target == "orders" else [])]


@preflight
async def check(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """All findings; a scope that is missing or a project that can't be read ends the list."""
    if not settings.orders.exported and settings.sales.target == "none":
        report.ok("orders", "no `orders.since` and no `sales.target`: neither syncs")
        return
    able = "orders can be read and marked, in-store sales written"
    grant = await read_grant(report, client)
    check_scopes(report, grant, _needed(settings), ok=able, missing_for="orders and sales")
    with report.faults_of("orders"):
        channels = Channels.of(await read_channels(client))
        _marks(report, channels, settings)
        await _stores(report, client, settings)
        if settings.orders.exported:
            _channels(report, channels, settings)
            await _methods(report, client, settings)
        await _fields(report, client, settings)


def _needed(settings: SyncSettings) -> list[str | tuple[str, ...]]:
    """Scopes, any of each group (API reference, `security` of each endpoint); the narrowest comes first."""
    needed: list[str | tuple[str, ...]] = [("view_channels", "view_products")]
    if settings.orders.exported or settings.sales.target == "orders":
        needed.append("manage_orders")
    if settings.orders.exported:
        needed.append("view_payments")
    if settings.sales.target == "entries":
        needed.append(CONTAINER_SCOPES)
    if _stores_of(settings):
        needed.append("view_stores")
    if settings.sales.target == "orders" and settings.sales.type is not None:
        needed.append("view_types")
    return needed


def _stores_of(settings: SyncSettings) -> set[str]:
    """Keys of the stores that count for what syncs."""
    orders, sales = settings.orders, settings.sales
    placing = {*orders.stores, *(one.store for one in orders.places if one.store is not None)}
    return (placing if orders.exported else set()) | (
        {*sales.stores.values()} if sales.target == "orders" else set()
    )


def _marks(report: PreflightReport, channels: Channels, settings: SyncSettings) -> None:
    roles, key = roles_of_marks(settings), settings.inventory.export_channel
    lacking = [role for role in roles if not channels.has_role(key, role)]
    if lacking:
        state = f"has no role {' or '.join(lacking)}" if key in channels.by_key else "does not exist"
        report.error(
            "inventory.export_channel",
            f"the channel {key} {state}",
            f"Create it in commercetools with the roles {', '.join(roles)}, or name another one.",
        )
    elif roles:
        report.ok("inventory.export_channel", f"{key} can mark orders")


def _channels(report: PreflightReport, channels: Channels, settings: SyncSettings) -> None:
    placing = (one.channel for one in settings.orders.places if one.channel is not None)
    report.names(
        "orders",
        [*settings.orders.channels, *placing],
        channels.by_key,
        "there is no channel {name}",
        "Correct `orders.channels` or `orders.places`, or create the channel.",
    )


async def _stores(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    named = _stores_of(settings)
    if not named:
        return
    report.names(
        "orders",
        named,
        {str(row.get("key")) for row in await queries.everything(client, "/stores")},
        "there is no store {name}",
        "Correct `orders.stores`, `orders.places` or `sales.stores`, or create the store.",
    )


async def _methods(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    """A shipping method may be named by a name that only orders of the past bear: so this is a warning."""
    orders = settings.orders
    placing = (one.shipping_method for one in orders.places if one.shipping_method is not None)
    named = [*orders.products.shipping_methods, *orders.fulfilment, *placing]
    if not named:
        return
    rows = await queries.everything(client, "/shipping-methods")
    report.names(
        "orders",
        named,
        {str(row[name]) for row in rows for name in ("key", "name") if row.get(name)},
        "there is no shipping method {name}",
        "Correct `orders.places`, `orders.products.shipping_methods` or `orders.fulfilment`.",
        level="warning",
    )


async def _fields(report: PreflightReport, client: CommercetoolsClient, settings: SyncSettings) -> None:
    sales = settings.sales
    named = [value for _, value in sales.fields if value]
    if sales.target != "orders":
        return
    if sales.type is None:
        if named:
            report.warn(
                "sales.type",
                f"is empty, so these custom fields are not written: {', '.join(named)}",
                "Name the type that declares them in `sales.type`, or leave them out of `sales.fields`.",
            )
        return
    rows = await queries.everything(client, "/types", where=[f"key = {queries.quoted(sales.type)}"])
    if not rows:
        report.error(
            "sales.type", f"there is no type {sales.type}", "Create it for orders, or correct the key."
        )
        return
    declared = {one.get("name"): one for one in rows[0].get("fieldDefinitions") or ()}
    lacking = [name for name in named if (declared.get(name) or {}).get("type", {}).get("name") != "String"]
    if "order" not in (rows[0].get("resourceTypeIds") or ()):
        lacking = named
    demanded = sorted(
        str(name) for name, one in declared.items() if one.get("required") and name not in named
    )
    if demanded:
        report.error(
            "sales.type",
            f"type {sales.type} demands {', '.join(demanded)}, which nothing here writes: no sale can be imported",
            "Make these custom fields optional, or name another type.",
        )
    elif lacking:
        report.error(
            "sales.fields",
            f"type {sales.type} does not declare for orders, as String: {', '.join(lacking)}",
            "Add the custom fields to the type, or leave them out of `sales.fields`.",
        )
    else:
        report.ok("sales.fields", f"custom fields are those of type {sales.type}")
