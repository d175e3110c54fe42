"""A small shop for stock: three outlets, articles that are linked already, and both stand-ins over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools import CommercetoolsStore
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed import create_app as till_app
from sandbox.server import SandboxServer
from tests.support.builders.stock_world import StockWorld
from tests.support.worlds import World

OUTLETS = ("Nord", "Süd", "Lager")
Levels = Mapping[str, Any]


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


class Stocked(StockWorld):
    """A `StockWorld` with hands for people at the till and online."""

    products: dict[str, str]

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
        """What a run of products leaves in the mirror."""
        made = {"version": more.pop("version", 1), **more}
        family = MirrorRow(id=record, label=sku, digest=repr(fields), fields=fields, **made)
        variant = MirrorRow(
            id=record, parent_id=record, label=sku, digest=sku, fields={"sku": sku}, identity=identity, **made
        )
        self.ledger.mirror.see("products", "product", system, "products", [family])
        self.ledger.mirror.see("products", "variant", system, "products", [variant])

    def link(self, sku: str) -> None:
        product = self.products[sku]
        self.ledger.links.add(
            [
                Link(
                    entity="products",
                    kind="variant",
                    commercetools_id=f"online-{product}",
                    lightspeed_id=product,
                    matched_by="sku",
                    run_id="products",
                )
            ]
        )

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

    # --- looking ---

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
    till.options.rate_limit = False
    for name in OUTLETS:
        till.add_register(f"Kasse {name}", till.add_outlet(name))
    for key in channels:
        online.create("channels", {"key": key, "roles": ["InventorySupply"]})
    online.create("channels", {"key": "lightspeed", "roles": ["OrderExport"]})
    settings = settings_of(inventory or {}, locations)
    faults = {"commercetools": Faults(seed), "lightspeed": Faults(seed)}
    with ExitStack() as stack:
        online_url = stack.enter_context(SandboxServer(online_app(online, faults["commercetools"]))).url
        till_url = stack.enter_context(SandboxServer(till_app(till, faults["lightspeed"]))).url
        ledger = stack.enter_context(Ledger.open(ledger_url))
        ledger.runs.open(
            "products", "products", dag_id="products", airflow_run_id="1", mode="full", params={}
        )
        ledger.runs.settle("products", "products", cursors={}, holds=[], baseline=True)
        world = World(
            shop=None,  # type: ignore[arg-type]
            settings=settings,
            online=online,
            till=till,
            online_url=online_url,
            till_url=till_url,
            faults=faults,
            ledger=ledger,
            staging=staging,
            till_token=till.tokens.add_personal(),
        )
        found = Stocked(world, settings)
        found.products = {}
        yield found
