"""From the ledger to the world that a plan is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Link
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import IDENTIFYING_KEYS, SHARED_KEYS, load_side
from retail_sync.sync.customers.ruling import ruling_of
from retail_sync.sync.customers.world import Ruling, Terms, World
from retail_sync.sync.engine.closure import Records, bearers, closure, joined, records
from retail_sync.sync.engine.decisions import Decided

Affected = Mapping[SystemName, Collection[str]]


def load_world(
    ledger: Ledger,
    settings: SyncSettings,
    terms: Mapping[SystemName, Terms],
    affected: Affected,
    *,
    whole: bool = False,
) -> World:
    """Whom this run looks at, and everybody who might be one of them. `whole`: both sides whole."""
    decisions = ledger.decisions.latest(ENTITY)
    ruling = ruling_of(decisions)
    known = None if whole else _known(ledger, affected, ruling)
    return World(
        sides={
            system: load_side(ledger, system, None if known is None else known[system]) for system in SYSTEMS
        },
        links=ledger.links.read(ENTITY, KIND) if known is None else _links(ledger, known),
        terms=terms,
        settings=settings.customers,
        affected={system: frozenset(affected.get(system, ())) for system in SYSTEMS},
        ruling=ruling,
        decided=Decided.of(decisions),
        count_links=None if known is None else partial(ledger.links.count, ENTITY, KIND),
    )


def _known(ledger: Ledger, affected: Affected, ruling: Ruling) -> Records:
    """These customers, whoever bears what one person should bear alone, whom they are linked with, and so on. Who may
    have to be made on the other side is held against everybody of one telephone number or name as well."""
    looked_at = records({system: affected.get(system, ()) for system in SYSTEMS})
    related = closure(ledger, ENTITY, KIND, looked_at, IDENTIFYING_KEYS, ruling.same)
    alike = bearers(ledger, ENTITY, KIND, _without_partner(ledger, looked_at, ruling), SHARED_KEYS)
    return closure(ledger, ENTITY, KIND, joined(related, alike), IDENTIFYING_KEYS, ruling.same)


def _without_partner(ledger: Ledger, of: Records, ruling: Ruling) -> Records:
    """Those of them who are not linked with anybody that is there."""
    links = _links(ledger, of)
    living = {
        system: ledger.mirror.living(ENTITY, KIND, system, {_side(link, system) for link in links})
        for system in SYSTEMS
    }
    paired = [
        link
        for link in links
        if all(_side(link, system) in living[system] for system in SYSTEMS)
        and not ruling.ends((link.commercetools_id, link.lightspeed_id))
    ]
    return {system: ids - {_side(link, system) for link in paired} for system, ids in of.items()}


def _links(ledger: Ledger, of: Records) -> list[Link]:
    """The links of these customers."""
    return ledger.links.read(
        ENTITY, KIND, commercetools_ids=of["commercetools"], lightspeed_ids=of["lightspeed"]
    )


def _side(link: Link, system: str) -> str:
    return link.commercetools_id if system == "commercetools" else link.lightspeed_id
