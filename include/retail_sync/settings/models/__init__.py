"""The whole configuration file; a module for each entity's section, and for what several share."""

from __future__ import annotations

from typing import Literal

from retail_sync.settings.models.base import Settings
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.settings.models.inventory import ChannelSetting, InventorySettings
from retail_sync.settings.models.limits import Holds, Limits, Retention
from retail_sync.settings.models.orders import OrderSettings
from retail_sync.settings.models.prices import PriceSettings
from retail_sync.settings.models.products import ProductSettings
from retail_sync.settings.models.realtime import RealtimeSettings
from retail_sync.settings.models.sales import SaleSettings
from retail_sync.settings.models.schedules import Notify, Schedules
from retail_sync.settings.models.shop import Connections, Location, Privacy, Shop


class SyncSettings(Settings):
    """Configuration of commercetools <-> Lightspeed Retail sync."""

    version: Literal[1] = 1
    """Format of this file."""
    shop: Shop = Shop()
    """What holds for all entities."""
    connections: Connections = Connections()
    """The Airflow connections that hold hosts and secrets."""
    locations: tuple[Location, ...] = ()
    """The places that hold stock."""
    products: ProductSettings = ProductSettings()
    """Products and variants."""
    prices: PriceSettings = PriceSettings()
    """Lists of prices."""
    inventory: InventorySettings = InventorySettings()
    """Stock per channel."""
    customers: CustomerSettings = CustomerSettings()
    """Customers."""
    orders: OrderSettings = OrderSettings()
    """Web orders, written to the till."""
    sales: SaleSettings = SaleSettings()
    """In-store sales, shown online."""
    realtime: RealtimeSettings = RealtimeSettings()
    """Near real time: who tells of changes, and where to."""
    limits: Limits = Limits()
    """How fast and in which portions."""
    holds: Holds = Holds()
    """When a record that was kept back is tried again."""
    retention: Retention = Retention()
    """How long records of the past are kept."""
    notify: Notify = Notify()
    """Who is told of failures and of too many holds."""
    schedules: Schedules = Schedules()
    """When each DAG runs by itself."""
    privacy: Privacy = Privacy()
    """Fields that stop at the reader."""

    @property
    def shown_channels(self) -> tuple[ChannelSetting, ...]:
        """Every channel whose entries are written: those of `inventory.channels`, and those that locations of the till
        name."""
        named = {one.key for one in self.inventory.channels}
        alone = (
            ChannelSetting(key=location.channel, locations=(location.name,))
            for location in self.locations
            if location.owner == "lightspeed"
            and location.channel is not None
            and location.channel not in named
        )
        return (*self.inventory.channels, *alone)

    @property
    def synced_entities(self) -> tuple[str, ...]:
        """The entities this configuration syncs, in the order of a first alignment."""
        wanted = {
            "products": True,
            "prices": self.prices.synced,
            "inventory": bool(self.locations),
            "customers": self.customers.synced,
            "orders": self.orders.exported,
            "sales": self.sales.target != "none",
        }
        return tuple(name for name, synced in wanted.items() if synced)

    @property
    def followed_entities(self) -> tuple[str, ...]:
        """The entities that look at once when they are told of a change."""
        wanted = self.realtime.entities
        return tuple(name for name in self.synced_entities if wanted is None or name in wanted)
