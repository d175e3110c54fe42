"""What was agreed on, carried over where another set of fields is private than before.

A value that was kept as it is becomes its digest. Of a value that was kept as a digest nobody knows what it was; but
where the value read now has that very digest, it is the same, and is kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Agreement
from retail_sync.records.customers import ENTITY, KIND, is_private
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.records.sealing import Seal, is_sealed
from retail_sync.records.types import digest
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.known import to_rows
from retail_sync.sync.engine.staging import Staging


def private_state(settings: CustomerSettings) -> str:
    """A fingerprint of which fields are kept as digests."""
    return digest({"hash": sorted(settings.hash), "exclude": sorted(settings.exclude)})


def reseal(ledger: Ledger, staging: Staging, seal: Seal) -> int:
    """Bring the agreed values of all links into the form in which customers are read now (staged tables of a full
    run); how many links changed."""
    now = {system: _fields(staging.read_table(f"{system}/customers")) for system in SYSTEMS}
    changed: list[Agreement] = []
    for link in ledger.links.read(ENTITY, KIND):
        sides = (
            now["commercetools"].get(link.commercetools_id, {}),
            now["lightspeed"].get(link.lightspeed_id, {}),
        )
        base = {
            name: [
                _carried(name, value, side.get(name), seal) for value, side in zip(pair, sides, strict=True)
            ]
            for name, pair in link.base.items()
        }
        if base != link.base:
            changed.append(Agreement(link.id, base, dict(link.resent)))
    return ledger.links.agree(changed)


def _fields(table: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    return {row.id: row.fields for row in to_rows(table)}


def _carried(name: str, agreed: Any, reads: Any, seal: Seal) -> Any:
    if is_private(name, seal.private):
        return agreed if is_sealed(agreed) else seal.value(name, agreed)
    if is_sealed(agreed) and Seal(seal.key, [name]).value(name, reads) == agreed:
        return reads
    return agreed
