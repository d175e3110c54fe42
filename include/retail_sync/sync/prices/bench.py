"""What writing prices works with."""

from __future__ import annotations

from dataclasses import dataclass

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices.feeds import Terms


@dataclass(frozen=True)
class Bench:
    """One run's work place."""

    ledger: Ledger
    online: OnlinePrices
    till: TillPrices
    settings: SyncSettings
    run_id: str

    @property
    def terms(self) -> Terms:
        """What both systems say of themselves now."""
        return Terms(self.online.terms, self.till.terms)
