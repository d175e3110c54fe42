"""Which articles a run looks at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.frames import cells
from retail_sync.sync.engine.last_run import OVERLAP, last_settled
from retail_sync.sync.engine.unreadable import is_unreadable
from retail_sync.sync.prices.feeds import ENTITY, ONLINE, Read
from retail_sync.sync.prices.loading import PRODUCTS
from retail_sync.sync.prices.mirror import TURNS, VARIANT

CATALOGUE = "catalogue"
"""Name of the cursor that says up to when links and times were looked at (ledger's clock)."""


class Concerned:
    """A set of articles (till ids), or all of them."""

    def __init__(self, ledger: Ledger, settings: SyncSettings, read: Read) -> None:
        self._ledger = ledger
        self._settings = settings
        self._articles: set[str] = set(cells(read.articles["id"])) | set(cells(read.entries["product_id"]))
        self._variants: set[str] = set(cells(read.variants["id"]))
        self._all = False
        self.why_all = ""

    def take(self, articles: Collection[str]) -> None:
        self._articles |= set(articles)

    def take_variants(self, variants: Collection[str]) -> None:
        self._variants |= set(variants)

    def take_rest(self, now: datetime, *, everything: bool, state: str) -> None:
        """What nobody read but is concerned: holds that are due, articles whose links changed, prices that begin or end
        to count; everything where the run is full, or lists, rules or taxes are not those of the last run."""
        ledger = self._ledger
        since = ledger.runs.cursor(ENTITY, CATALOGUE)
        if everything or since is None:
            self._all, self.why_all = True, "a full run"
            return
        last = last_settled(ledger, ENTITY)
        if last is None or last.get("state") != state:
            self._all, self.why_all = True, "lists, rules, exchange rates, taxes or price books changed"
            return
        moment = datetime.fromisoformat(since) - OVERLAP
        for hold in ledger.holds.due(ENTITY, now):
            if is_unreadable(hold):
                continue
            self._articles.add(hold.ref.id)
        self._articles |= ledger.links.changed(PRODUCTS, "variant", moment)
        if any(one.validity in (None, "in force", "standing") for one in self._settings.prices.synced):
            self._variants |= ledger.mirror.turned(ENTITY, VARIANT, ONLINE, TURNS, moment, now)

    @property
    def articles(self) -> set[str] | None:
        """Till ids; None = all."""
        if self._all:
            return None
        if not self._variants:
            return self._articles
        pairs = self._ledger.links.pairs(PRODUCTS, "variant", commercetools_ids=self._variants)
        return self._articles | set(pairs["lightspeed_id"])
