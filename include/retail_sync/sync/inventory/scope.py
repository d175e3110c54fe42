"""Which articles a run looks at, and what the last run knew that this one compares with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.last_run import LATEST_RUNS, OVERLAP, last_settled
from retail_sync.sync.engine.removals import REMOVAL
from retail_sync.sync.engine.unreadable import is_unreadable
from retail_sync.sync.inventory.catalogue import PRODUCTS, products_of_skus
from retail_sync.sync.inventory.composites import read_kinship
from retail_sync.sync.inventory.feeds import ENTITY, Read
from retail_sync.sync.inventory.layout import Layout, layout_of
from retail_sync.sync.inventory.ordered import skus_today

CATALOGUE = "catalogue"
"""Name of the cursor that says up to when changes of articles and links were looked at (ledger's clock)."""


class Concerned:
    """Which articles a run looks at: a set of till ids, or all (`products` None)."""

    def __init__(self, ledger: Ledger, settings: SyncSettings, read: Read, now: datetime) -> None:
        self._ledger = ledger
        self._settings = settings
        self._now = now
        self._found: set[str] = set(read.levels["product_id"].unique())
        self._skus: set[str] = set(read.entries["sku"].unique())
        self._all = False
        self.why_all = ""
        self.take_lines(list(read.orders["lines"]))

    def take(self, products: Collection[str]) -> None:
        self._found |= set(products)

    def take_skus(self, skus: Collection[str]) -> None:
        self._skus |= set(skus)

    def take_lines(self, lines: Sequence[str]) -> None:
        self._skus |= skus_today(self._ledger, lines)

    def take_rest(self, began: datetime, *, everything: bool, state: str) -> None:
        """What nobody read but is concerned: holds that are due, articles and links that changed, orders whose export
        has settled; everything where the run is full or the rules are not those of the last run."""
        ledger = self._ledger
        since = ledger.runs.cursor(ENTITY, CATALOGUE)
        if everything or since is None:
            self._all, self.why_all = True, "a full run"
            return
        last = last_settled(ledger, ENTITY)
        if last is None or last.get("state") != state:
            self._all, self.why_all = True, "the rules, a selection or a location's opening changed"
            return
        moment = datetime.fromisoformat(since) - OVERLAP
        for hold in ledger.holds.due(ENTITY, self._now):
            if is_unreadable(hold) or hold.code == REMOVAL:
                continue
            self._found.add(hold.ref.id)
        settling = timedelta(seconds=self._settings.inventory.order_settles_seconds)
        self.take_lines(ledger.stock.orders_settling(self._now - settling, moment - settling))
        self._take_catalogue(moment)

    def _take_catalogue(self, since: datetime) -> None:
        ledger = self._ledger
        changed = ledger.mirror.changed(PRODUCTS, since)
        self._found |= changed.get(("lightspeed", "variant"), set())
        self._found |= ledger.links.changed(PRODUCTS, "variant", since)
        families = changed.get(("lightspeed", "product"))
        if families:
            self._found |= ledger.mirror.live_ids(PRODUCTS, "variant", "lightspeed", parents=families)
        online = changed.get(("commercetools", "variant"))
        if online:
            labels = ledger.mirror.cells(PRODUCTS, "variant", "commercetools", ids=online)["label"]
            self._skus |= set(labels.dropna())

    @property
    def products(self) -> set[str] | None:
        if self._all:
            return None
        found = self._found | products_of_skus(self._ledger, self._settings, self._skus)
        return read_kinship(self._ledger, self._settings).touched(found) if found else found


def last_layout(ledger: Ledger, settings: SyncSettings, now: datetime) -> Layout | None:
    """Today's layout with the outlets that the last run found, and what it found to be reserved; None = no run has
    found any."""
    names = {location.name for location in settings.locations}
    for run in ledger.runs.last(ENTITY, LATEST_RUNS):
        outlets = run.windows.get("outlets")
        if outlets and names <= set(outlets):
            return layout_of(settings, outlets, now, reserved=run.windows.get("reserved", "orders"))
    return None
