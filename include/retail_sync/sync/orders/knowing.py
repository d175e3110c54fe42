"""What the ledger keeps of an order's export, and reads back: one link for each sale, with the sale as it was written
and all that came back of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_sync.ledger.links import Links
from retail_sync.ledger.rows import Link
from retail_sync.records.orders import ENTITY
from retail_sync.records.sales import Sale
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.orders.plan import Known, Sold, sale_id

SALE = "sale"
"""Kind of the links: a web order, or the part of it that one location serves, and its sale. Of a part the first id is
`<order>/<location>`."""


@dataclass(frozen=True)
class Entry:
    """The base of one link. `returned`: by what was settled (a return item, a refund, `cancelled`), the id of the
    sale that did; `returns`: those sales."""

    order: str
    location: str
    sale: Sale
    fingerprint: str
    returned: Mapping[str, str]
    returns: Sequence[Sale]

    @classmethod
    def of(cls, base: Mapping[str, Any]) -> Entry:
        return cls(
            order=base["order"],
            location=base["location"],
            sale=Sale.model_validate(base["sale"]),
            fingerprint=base["fingerprint"],
            returned=base.get("returned", {}),
            returns=[Sale.model_validate(one) for one in base.get("returns", ())],
        )

    def as_base(self) -> dict[str, Any]:
        return {
            "order": self.order,
            "location": self.location,
            "sale": self.sale.model_dump(mode="json"),
            "fingerprint": self.fingerprint,
            "returned": dict(self.returned),
            "returns": [one.model_dump(mode="json") for one in self.returns],
        }


def ids_of_sales(settings: SyncSettings, orders: Collection[str]) -> set[str]:
    """Every id a sale of these orders can have."""
    places = [one.name for one in settings.locations]
    return {sale_id(order, place) for order in orders for place in ("", *places)}


def links_of(links: Links, settings: SyncSettings, orders: Collection[str]) -> dict[str, list[Link]]:
    """Links of these orders' sales, by order, oldest first."""
    found: dict[str, list[Link]] = {}
    for link in links.read(ENTITY, SALE, lightspeed_ids=ids_of_sales(settings, orders)):
        found.setdefault(str(link.base["order"]), []).append(link)
    return found


def orders_of_sales(links: Links, sales: Collection[str]) -> dict[str, str]:
    """The order of each of these sales that is linked to one."""
    return {
        link.lightspeed_id: str(link.base["order"])
        for link in links.read(ENTITY, SALE, lightspeed_ids=set(sales))
    }


def known_of(links: Iterable[Link], now: Mapping[str, Sale]) -> Known:
    """What is known of an order by its links. `now`: its sales as the till shows them, by id."""
    entries = [Entry.of(link.base) for link in links]
    return Known(
        sales=tuple(Sold(one.sale, one.location, now.get(one.sale.id)) for one in entries),
        returned={what: sale for one in entries for what, sale in one.returned.items()},
        returns=tuple(sale for one in entries for sale in one.returns),
        fingerprint=entries[0].fingerprint if entries else None,
    )
