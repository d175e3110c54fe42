"""What writing prices works with."""

from __future__ import annotations

from dataclasses import dataclass

from include.ledger.ledger import Ledger
from include.records.price_face import OnlinePrices, TillPrices
from include.settings.models import SyncSettings
from include.sync.prices.feeds import Terms


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
