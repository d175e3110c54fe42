"""From the ledger to the world that a plan is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from include.ledger.ledger import Ledger
from include.records.customers import ENTITY, KIND
from include.records.face import SYSTEMS, SystemName
from include.settings.models import SyncSettings
from include.sync.customers.known import load_side
from include.sync.customers.ruling import ruling_of
from include.sync.customers.world import Terms, World
from include.sync.decided import Decided


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
