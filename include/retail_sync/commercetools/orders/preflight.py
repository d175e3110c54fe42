"""What can be known before orders are read and marked, and in-store sales are written: scopes, the channel of marks,
stores, shipping methods, custom fields."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.channels import EXPORT, Channels
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.references import read_channels
from retail_sync.commercetools.api.scopes import covers
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import CheckResult
from retail_sync.settings.models import SyncSettings

IMPORT = "OrderImport"
"""Role of a channel that marks imported orders."""
CONTAINER_SCOPES = ("manage_key_value_documents", "manage_orders", "manage_products", "manage_customers")
"""Any of them lets custom objects be written (API reference, `security` of POST /custom-objects)."""
Results = Iterator[CheckResult]


def roles_of_marks(settings: SyncSettings) -> list[str]:
    """Roles the channel of marks needs for what the settings write."""
    roles = [EXPORT] if settings.orders.exported else []
    return [*roles, *([IMPORT] if settings.sales.target == "orders" else [])]


async def check(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """All findings; a scope that is missing or a project that can't be read ends the list."""
    if not settings.orders.exported and settings.sales.target == "none":
        return [CheckResult("ok", "orders", "no `orders.since` and no `sales.target`: neither syncs")]
    try:
        granted = await client.granted_scopes()
    except SyncError as fault:
        return [CheckResult("error", "credentials", fault.message, fault.remedy)]
    found = [*_scopes(granted, client.connection.project_key, settings)]
    try:
        channels = Channels.of(await read_channels(client))
        found += _marks(channels, settings)
        found += await _stores(client, settings)
        if settings.orders.exported:
            found += _channels(channels, settings)
            found += await _methods(client, settings)
        found += await _fields(client, settings)
    except SyncError as fault:
        found.append(CheckResult("error", "orders", fault.message, fault.remedy))
    return found


def _scopes(granted: frozenset[str], project: str, settings: SyncSettings) -> Results:
    missing = [
        will_do[0]
        for will_do in _needed(settings)
        if not any(covers(granted, scope, project) for scope in will_do)
    ]
    if f"manage_project:{project}" in granted or not missing:
        yield CheckResult("ok", "scopes", "orders can be read and marked, in-store sales written")
        return
    yield CheckResult(
        "error",
        "scopes",
        f"missing for orders and sales: {', '.join(missing)}",
        f"Give the API client {', '.join(f'{scope}:{project}' for scope in missing)} and put its new credentials into "
        "the connection; also check `scopes` there.",
    )


def _needed(settings: SyncSettings) -> list[tuple[str, ...]]:
    """Scopes, any of each group (API reference, `security` of each endpoint); the narrowest comes first."""
    needed: list[tuple[str, ...]] = [("view_channels", "view_products")]
    if settings.orders.exported or settings.sales.target == "orders":
        needed.append(("manage_orders",))
    if settings.orders.exported:
        needed.append(("view_payments",))
    if settings.sales.target == "entries":
        needed.append(CONTAINER_SCOPES)
    if _stores_of(settings):
        needed.append(("view_stores",))
    if settings.sales.target == "orders" and settings.sales.type is not None:
        needed.append(("view_types",))
    return needed


def _stores_of(settings: SyncSettings) -> set[str]:
    """Keys of the stores that count for what syncs."""
    orders, sales = settings.orders, settings.sales
    placing = {*orders.stores, *(one.store for one in orders.places if one.store is not None)}
    return (placing if orders.exported else set()) | (
        {*sales.stores.values()} if sales.target == "orders" else set()
    )


def _marks(channels: Channels, settings: SyncSettings) -> Results:
    if not roles_of_marks(settings):
        return
    key = settings.inventory.export_channel
    lacking = [role for role in roles_of_marks(settings) if not channels.has_role(key, role)]
    if not lacking:
        yield CheckResult("ok", "inventory.export_channel", f"{key} can mark orders")
        return
    state = f"has no role {' or '.join(lacking)}" if key in channels.by_key else "does not exist"
    yield CheckResult(
        "error",
        "inventory.export_channel",
        f"the channel {key} {state}",
        f"Create it in commercetools with the roles {', '.join(roles_of_marks(settings))}, or name another one.",
    )


def _channels(channels: Channels, settings: SyncSettings) -> Results:
    named = {
        *settings.orders.channels,
        *(one.channel for one in settings.orders.places if one.channel is not None),
    }
    for key in sorted(named - set(channels.by_key)):
        yield CheckResult(
            "error",
            "orders",
            f"there is no channel {key}",
            "Correct `orders.channels` or `orders.places`, or create the channel.",
        )


async def _stores(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    named = _stores_of(settings)
    if not named:
        return []
    known = {str(row.get("key")) for row in await queries.everything(client, "/stores")}
    return [
        CheckResult(
            "error",
            "orders",
            f"there is no store {key}",
            "Correct `orders.stores`, `orders.places` or `sales.stores`, or create the store.",
        )
        for key in sorted(named - known)
    ]


async def _methods(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    """A shipping method may be named by a name that only orders of the past bear: so this is a warning."""
    orders = settings.orders
    named = {
        *orders.products.shipping_methods,
        *orders.fulfilment,
        *(one.shipping_method for one in orders.places if one.shipping_method is not None),
    }
    if not named:
        return []
    rows = await queries.everything(client, "/shipping-methods")
    known = {str(row[name]) for row in rows for name in ("key", "name") if row.get(name)}
    return [
        CheckResult(
            "warning",
            "orders",
            f"there is no shipping method {name}",
            "Correct `orders.places`, `orders.products.shipping_methods` or `orders.fulfilment`.",
        )
        for name in sorted(named - known)
    ]


async def _fields(client: CommercetoolsClient, settings: SyncSettings) -> list[CheckResult]:
    sales = settings.sales
    if sales.target != "orders":
        return []
    if sales.type is None:
        return _without_type(settings)
    rows = await queries.everything(client, "/types", where=[f"key = {queries.quoted(sales.type)}"])
    if not rows:
        return [
            CheckResult(
                "error",
                "sales.type",
                f"there is no type {sales.type}",
                "Create it for orders, or correct the key.",
            )
        ]
    declared = {one.get("name"): one for one in rows[0].get("fieldDefinitions") or ()}
    named = [value for _, value in sales.fields if value]
    lacking = [name for name in named if (declared.get(name) or {}).get("type", {}).get("name") != "String"]
    if "order" not in (rows[0].get("resourceTypeIds") or ()):
        lacking = named
    demanded = sorted(
        str(name) for name, one in declared.items() if one.get("required") and name not in named
    )
    if demanded:
        return [
            CheckResult(
                "error",
                "sales.type",
                f"type {sales.type} demands {', '.join(demanded)}, which nothing here writes: no sale can be imported",
                "Make these custom fields optional, or name another type.",
            )
        ]
    if not lacking:
        return [CheckResult("ok", "sales.fields", f"custom fields are those of type {sales.type}")]
    return [
        CheckResult(
            "error",
            "sales.fields",
            f"type {sales.type} does not declare for orders, as String: {', '.join(lacking)}",
            "Add the custom fields to the type, or leave them out of `sales.fields`.",
        )
    ]


def _without_type(settings: SyncSettings) -> list[CheckResult]:
    named = [value for _, value in settings.sales.fields if value]
    if not named:
        return []
    return [
        CheckResult(
            "warning",
            "sales.type",
            f"is empty, so these custom fields are not written: {', '.join(named)}",
            "Name the type that declares them in `sales.type`, or leave them out of `sales.fields`.",
        )
    ]
