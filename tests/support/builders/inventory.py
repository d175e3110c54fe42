"""A small shop for stock: three outlets, articles that are linked already, and both stand-ins over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.records.refs import VariantKey
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.explanation import Explanation, explain
from retail_sync.sync.inventory.feeds import ENTITY
from retail_sync.sync.inventory.layout import Layout, layout_of
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from sandbox.shop import Shop
from tests.support.builders.base import Builder, aligned
from tests.support.links import pair
from tests.support.runs import Doors
from tests.support.worlds import World, open_world, world_of

OUTLETS = ("Nord", "Süd", "Lager")
Levels = Mapping[str, Any]
WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd"], "fulfilled_by": "Nord"}
FOREIGN = [
    {"name": "Nord", "outlet": "Nord"},
    {"name": "Süd", "outlet": "Süd"},
    {"name": "Lager", "outlet": "Lager", "owner": "commercetools", "channel": "depot"},
]


def settings_of(
    inventory: Mapping[str, Any], locations: Sequence[Mapping[str, Any]] | None = None
) -> SyncSettings:
    """Settings for this shop. A location's outlet has its name unless it says otherwise."""
    return SyncSettings.model_validate(
        {
            "locations": locations or [{"name": name, "outlet": name} for name in OUTLETS],
            "inventory": {"most_lost_percent": 100, "order_settles_seconds": 0, **inventory},
            "limits": {"commercetools": {"trail_seconds": 0}},
        }
    )


class Stocked(Builder):
    """The shop. `products`: the till's id of each article, where the builder made them."""

    entity = ENTITY

    def __init__(self, world: World, products: Mapping[str, str] | None = None) -> None:
        super().__init__(world)
        self.products = dict(products or {})

    def align_products(self) -> None:
        """Products are linked before stock can follow."""
        self.world.run("products", "full")
        self.world.forget_requests()

    def add_article(
        self,
        sku: str,
        levels: Levels | None = None,
        *,
        linked: bool = True,
        tracked: bool = True,
        parts: Mapping[str, int] | None = None,
        **fields: Any,
    ) -> str:
        """An article at the till with these levels by outlet, linked to an online variant of the same SKU. `fields`:
        brand, category, tags as the mirror of products shows them."""
        if parts:
            product = self.till.add_composite(
                sku, [(self.products[part], n) for part, n in parts.items()], sku=sku
            )
        else:
            (product,) = self.till.add_product_family(sku, sku=sku, price="1.00", track_inventory=tracked)
        self.products[sku] = product
        for outlet, level in (levels or {}).items():
            self.count(sku, outlet, level)
        self._mirror(sku, product, {"tracked": tracked and not parts, **fields}, parts)
        if linked:
            self.link(sku)
        return str(product)

    def _mirror(
        self, sku: str, product: str, fields: dict[str, Any], parts: Mapping[str, int] | None = None
    ) -> None:
        listed = [[self.products[part], str(n)] for part, n in (parts or {}).items()]
        identity = {"parts": listed}
        for system, record in (("lightspeed", product), ("commercetools", f"online-{product}")):
            self.see_product(system, record, fields, sku, identity if system == "lightspeed" else {})

    def see_product(
        self,
        system: str,
        record: str,
        fields: dict[str, Any],
        sku: str,
        identity: dict[str, Any],
        **more: Any,
    ) -> None:
        """What a run of products leaves in the mirror: the product `record`, and its only variant."""
        made = {"version": more.pop("version", 1), **more}
        family = MirrorRow(id=record, label=sku, digest=repr(fields), fields=fields, **made)
        id = str(VariantKey(record, 1)) if system == "commercetools" else record
        variant = MirrorRow(
            id=id, parent_id=record, label=sku, digest=sku, fields={"sku": sku}, identity=identity, **made
        )
        self.ledger.mirror.see("products", "product", system, "products", [family])
        self.ledger.mirror.see("products", "variant", system, "products", [variant])

    def link(self, sku: str) -> None:
        product = self.products[sku]
        online = str(VariantKey(f"online-{product}", 1))
        self.ledger.links.add([pair(online, product, run_id="products")])

    # --- people at work ---

    def count(self, sku: str, outlet: str, level: Any) -> None:
        self.till.set_stock(self.products[sku], self.outlet(outlet), level)

    def sell(self, sku: str, outlet: str, quantity: Any = 1, **more: Any) -> str:
        return str(self.till.sell(self.outlet(outlet), [(self.products[sku], quantity)], **more))

    def order(self, sku: str, units: int, channel: str | None, mode: str = "ReserveOnOrder") -> str:
        return str(self.online.place_order([(sku, units, channel)], mode=mode)["id"])

    def export(self, order: str, sku: str, outlet: str, units: int) -> None:
        """What the export of orders will do: a sale at the till, then the mark online."""
        sale = self.sell(sku, outlet, units)
        self.mark(order, sale)

    def mark(self, order: str, sale: str = "sale", **more: Any) -> None:
        action = {"action": "updateSyncInfo", "channel": {"typeId": "channel", "key": "lightspeed"}}
        self.online.update("orders", [{**action, "externalId": sale, **more}], id=order)

    def complete(self, order: str) -> None:
        self.online.update("orders", [{"action": "changeOrderState", "orderState": "Complete"}], id=order)

    def cancel(self, order: str) -> None:
        self.online.update("orders", [{"action": "changeOrderState", "orderState": "Cancelled"}], id=order)

    def set_entry(self, sku: str, channel: str | None, units: int) -> None:
        """Somebody types a figure into an entry."""
        entry = self.entry(sku, channel)
        assert entry is not None
        self.online.update("inventory", [{"action": "changeQuantity", "quantity": units}], id=entry["id"])

    def add_entry(self, sku: str, channel: str | None, units: int) -> str:
        draft: dict[str, Any] = {"sku": sku, "quantityOnStock": units}
        if channel is not None:
            draft["supplyChannel"] = {"typeId": "channel", "key": channel}
        return str(self.online.create("inventory", draft)["id"])

    @asynccontextmanager
    async def adapters(self, *, writing: bool = True) -> AsyncIterator[tuple[OnlineStock, TillStock]]:
        doors = Doors(self.world, self.settings)
        async with doors.storefront() as storefront, doors.point_of_sale() as point_of_sale:
            await storefront.inventory.prepare(writing=writing)
            await point_of_sale.inventory.prepare()
            yield storefront.inventory, point_of_sale.inventory

    # --- looking ---

    def entry(self, sku: str, channel: str | None) -> dict[str, Any] | None:
        """The entry of a SKU in a channel (None = without channel), as commercetools holds it."""
        wanted = None if channel is None else self.online.get("channels", key=channel)
        for row in self.online.all("inventory"):
            has = (row.get("supplyChannel") or {}).get("id")
            if row["sku"] == sku and has == (wanted["id"] if wanted else None):
                return row
        return None

    def available(self, sku: str, channel: str | None) -> int | None:
        found = self.entry(sku, channel)
        return None if found is None else int(found["availableQuantity"])

    def explain(self, sku: str, channel: str | None = None) -> list[Explanation]:
        async def found() -> Layout:
            async with self.adapters(writing=False) as (online, till):
                return layout_of(self.settings, till.outlets, self.now(), reserved=await online.reserved())

        layout = asyncio.run(found())
        return explain(self.ledger, self.settings, layout, [sku], channel, now=self.now())

    def stock_writes(self, system: str | None = None) -> list[Any]:
        """Requests that wrote stock since `forget_requests`."""
        named = [system] if system else ["commercetools", "lightspeed"]
        return [
            request
            for name in named
            for request in self.world.requests(name)
            if request.method == "POST"
            and (
                "/inventory" in request.path
                if name == "commercetools"
                else request.path.endswith("/stock_adjustments")
            )
        ]

    def level(self, product_id: str, outlet: str) -> Decimal | None:
        found: Decimal | None = self.till.stock_level(product_id, self.outlet(outlet))
        return found

    def outlet(self, name: str) -> str:
        return next(row.id for row in self.till.outlets.rows.values() if row.fields["name"] == name)

    def product_id(self, sku: str) -> str:
        return self.products.get(sku) or str(self.world.till_product(sku)["id"])

    def online_state(self) -> dict[tuple[str, str | None], tuple[int, int]]:
        """On stock and available of every entry, by SKU and channel key."""
        keys = {row["id"]: row["key"] for row in self.online.all("channels")}
        return {
            (row["sku"], keys[row["supplyChannel"]["id"]] if "supplyChannel" in row else None): (
                row["quantityOnStock"],
                row["availableQuantity"],
            )
            for row in self.online.all("inventory")
        }

    def shown(self, channel: str | None) -> dict[str, int]:
        """What customers see in a channel, by SKU."""
        return {sku: both[1] for (sku, key), both in self.online_state().items() if key == channel}

    def writes_of(self, run: str, *systems: str) -> list[Any]:
        """Applied changes of a run."""
        return [
            change
            for change in self.ledger.changes.read(run, outcome="applied")
            if not systems or change.system in systems
        ]


@contextmanager
def stocked(
    ledger_url: str,
    staging: Path,
    inventory: Mapping[str, Any] | None = None,
    locations: Sequence[Mapping[str, Any]] | None = None,
    channels: Sequence[str] = ("web", "corner"),
    *,
    seed: int = 0,
) -> Iterator[Stocked]:
    """The shop with these settings and channels; without articles."""
    online, till = CommercetoolsStore("stocked", seed=seed), LightspeedStore(seed=seed)
    for name in OUTLETS:
        till.add_register(f"Kasse {name}", till.add_outlet(name))
    for key in channels:
        online.create("channels", {"key": key, "roles": ["InventorySupply"]})
    online.create("channels", {"key": "lightspeed", "roles": ["OrderExport"]})
    settings = settings_of(inventory or {}, locations)
    with open_world(settings, online, till, ledger_url, staging, seed=seed) as world:
        aligned(world.ledger, "products")
        yield Stocked(world)


@contextmanager
def stock_world_of(
    shop: Shop, ledger_url: str, staging: Path, inventory: Mapping[str, Any], **more: Any
) -> Iterator[Stocked]:
    """A world whose products are aligned and whose settings hold this `inventory` section (`locations` in `more`)."""
    settings = {"inventory": dict(inventory), **more}
    with world_of(shop, ledger_url, staging, settings) as world:
        found = Stocked(world)
        found.align_products()
        yield found
