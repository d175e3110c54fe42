"""What writes of orders work with."""

from __future__ import annotations

from dataclasses import dataclass

from include.ledger.ledger import Ledger
from include.records.order_face import OnlineOrders, TillSales
from include.settings.models import SyncSettings


@dataclass(frozen=True)
class Bench:
    """The ledger, both adapters, and the run that writes."""

    ledger: Ledger
    online: OnlineOrders
    till: TillSales
    settings: SyncSettings
    run_id: str
