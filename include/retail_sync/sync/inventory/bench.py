"""What writing stock works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.composites import Kinship, read_kinship
from retail_sync.sync.inventory.layout import Layout


@dataclass(frozen=True)
class Bench:
    """`offers`: members of selections and stores (see `offering`). `serves_along`: whether articles that move meanwhile
    are served, too (not in a run that was told to look at a few SKUs only)."""

    ledger: Ledger
    online: OnlineStock
    till: TillStock
    settings: SyncSettings
    layout: Layout
    run_id: str
    offers: pd.DataFrame
    serves_along: bool = True

    @cached_property
    def kinship(self) -> Kinship:
        """Which composites and parts follow each other."""
        return read_kinship(self.ledger, self.settings)
