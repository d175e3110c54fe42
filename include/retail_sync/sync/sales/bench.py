"""What writes of sales work with."""

from __future__ import annotations

from dataclasses import dataclass

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.orders import OnlineOrders
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class Bench:
    """The ledger, the system that is written to, and the run that writes."""

    ledger: Ledger
    online: OnlineOrders
    settings: SyncSettings
    run_id: str
