"""From the ledger to the world that a plan is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import load_side
from retail_sync.sync.customers.ruling import ruling_of
from retail_sync.sync.customers.world import Terms, World
from retail_sync.sync.engine.decisions import Decided


def load_world(
    ledger: Ledger,
    settings: SyncSettings,
    terms: Mapping[SystemName, Terms],
    affected: Mapping[SystemName, Collection[str]],
) -> World:
    """Both sides whole: whether somebody is unique can't be told from a part."""
    decisions = ledger.decisions.latest(ENTITY)
    return World(
        sides={system: load_side(ledger, system) for system in SYSTEMS},
        links=ledger.links.read(ENTITY, KIND),
        terms=terms,
        settings=settings.customers,
        affected={system: frozenset(affected.get(system, ())) for system in SYSTEMS},
        ruling=ruling_of(decisions),
        decided=Decided.of(decisions),
    )
