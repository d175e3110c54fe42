"""A project that sells: articles, channels, ways of shipping, and the adapter of orders in front of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.orders.redact import EmailToken
from retail_sync.records.orders import Order
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools.baskets import Basket, Item
from tests.commercetools.world import Json, World, rows_in, rows_of, variant
from tests.commercetools.world import settings as shop_settings

T = TypeVar("T")
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOCATIONS: list[Json] = [{"name": "Berlin", "outlet": "Berlin", "channel": "berlin"}]
ORDERS: Json = {
    "since": "2026-01-01",
    "location": "Berlin",
    "registers": {"Berlin": "Web"},
    "tenders": [{"tender": "Web"}],
    "returns": {"unusable": "restock"},
}
ONE = Basket((Item("J-1"),))
"""One jacket for 19.99, paid by card."""


def settings(
    orders: Json | None = None,
    sales: Json | None = None,
    *,
    page_size: int = 500,
    privacy: Sequence[str] = (),
    **inventory: Any,
) -> SyncSettings:
    """Orders are exported unless `orders` says otherwise; in-store sales stay at the till unless `sales` does."""
    plain = shop_settings(limits={"page_size": page_size}, privacy=privacy).model_dump(mode="json")
    return SyncSettings.model_validate(
        {
            **plain,
            "locations": LOCATIONS,
            "inventory": inventory,
            "orders": {**ORDERS, **(orders or {})},
            "sales": sales or {},
        }
    )


def selling() -> World:
    """Two articles, a channel for each purpose, and a shipping method; nothing was ordered yet."""
    world = World()
    world.product(variant("J-1"), key="jacket")
    world.product(variant("T-1", 500), key="shirt")
    for key, role in (
        ("berlin", "InventorySupply"),
        ("depot", "InventorySupply"),
        ("eu", "ProductDistribution"),
    ):
        world.store.create("channels", {"key": key, "roles": [role]})
    world.store.create("channels", {"key": "lightspeed", "roles": ["OrderExport", "OrderImport"]})
    world.store.create("channels", {"key": "erp", "roles": ["OrderExport"]})
    world.store.create("stores", {"key": "city", "name": {"en-GB": "City"}})
    zone = world.store.create("zones", {"key": "de", "name": "DE", "locations": [{"country": "DE"}]})
    price = {"currencyCode": "EUR", "centAmount": 490}
    world.store.create(
        "shipping-methods",
        {
            "key": "dhl",
            "name": "DHL parcel",
            "isDefault": True,
            "taxCategory": {"typeId": "tax-category", "key": "standard"},
            "zoneRates": [
                {"zone": {"typeId": "zone", "id": zone["id"]}, "shippingRates": [{"price": price}]}
            ],
        },
    )
    return world


def run(
    world: World,
    use: Callable[[CommercetoolsOrders], Awaitable[T]],
    config: SyncSettings | None = None,
    *,
    writing: bool = False,
    prepared: bool = True,
    email_token: EmailToken | None = None,
    **connection: Any,
) -> T:
    chosen, make = config or settings(), partial(CommercetoolsOrders, email_token=email_token)
    return world.using(make, use, chosen, writing=writing, prepared=prepared, connection=connection)


async def walked(
    adapter: CommercetoolsOrders, lower: str | None = None, position: str | None = None
) -> list[RawPage]:
    """All pages: everything, or what changed since `lower`."""
    window = await adapter.orders.open_window(None, full=True)
    if lower is not None:
        window = Window(lower, window.upper)
    return [page async for page in adapter.orders.walk(window, position=position)]


async def found(adapter: CommercetoolsOrders, *keys: str) -> list[Json]:
    return await rows_in(adapter.orders.search(keys))


def ids(pages: Sequence[RawPage]) -> list[str]:
    return [row["id"] for row in rows_of(pages)]


def place(world: World, basket: Basket = ONE, at: datetime | None = None) -> Json:
    if at is not None:
        world.store.clock.set(at)
    return world.store.check_out(basket)


def act(world: World, placed: Json, *actions: Json) -> Json:
    """Somebody else's edit."""
    return world.store.update("orders", list(actions), id=placed["id"])


def marking(channel: str = "lightspeed", **more: Any) -> Json:
    return {"action": "updateSyncInfo", "channel": {"typeId": "channel", "key": channel}, **more}


def row_of(world: World, placed: Json, config: SyncSettings | None = None) -> Json:
    (row,) = run(world, lambda adapter: found(adapter, placed["id"]), config)
    return row


def told(world: World, placed: Json, config: SyncSettings | None = None) -> Order:
    """The document of an order as it is now."""

    async def use(adapter: CommercetoolsOrders) -> Order:
        (order,) = adapter.to_orders(await found(adapter, placed["id"]))
        return order

    return run(world, use, config)
