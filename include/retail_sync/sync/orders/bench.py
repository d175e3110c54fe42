"""What writes of orders work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.settings.models import SyncSettings


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Bench:
    """The ledger, both adapters, and the run that writes. `now`: by which clock orders wait."""

    ledger: Ledger
    online: OnlineOrders
    till: TillSales
    settings: SyncSettings
    run_id: str
    now: Callable[[], datetime] = _now
