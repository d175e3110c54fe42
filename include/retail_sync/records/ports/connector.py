"""What one system offers, entity by entity: the one way everything above the adapters reaches a system.

A connector is open while its context lasts. What a system, or a series of it, does not offer is None: preflight says
so, and a run of that entity ends with `require`.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.customers import CustomerSystem
from retail_sync.records.ports.events import HookSystem
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.ports.products import ProductSystem, SystemName

Offered = TypeVar("Offered")


class Connector(Protocol):
    """What both systems may offer."""

    @property
    def system(self) -> SystemName: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def products(self) -> ProductSystem | None: ...

    @property
    def customers(self) -> CustomerSystem | None: ...

    @property
    def events(self) -> HookSystem | None:
        """What tells of changes: webhooks, or a subscription."""


class Storefront(Connector, Protocol):
    """The system that sells online."""

    @property
    def prices(self) -> OnlinePrices | None: ...

    @property
    def inventory(self) -> OnlineStock | None: ...

    @property
    def orders(self) -> OnlineOrders | None: ...


class PointOfSale(Connector, Protocol):
    """The system that sells in stores."""

    @property
    def prices(self) -> TillPrices | None: ...

    @property
    def inventory(self) -> TillStock | None: ...

    @property
    def sales(self) -> TillSales | None: ...


def require(offered: Offered | None, what: str, system: SystemName) -> Offered:
    """What the system offers. Raises ConfigurationFault where it does not offer it."""
    if offered is None:
        raise ConfigurationFault(
            f"{what.capitalize()} can't be synced: this {system} store does not offer them.",
            system=system,
            remedy=f"Leave {what} out of the configuration, or connect a store that offers them.",
        )
    return offered
